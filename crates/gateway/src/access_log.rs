//! A line of a stage's access log, on its way to whoever writes it.

use std::sync::Arc;

use types::event::Connection;
use types::id::Id;

/// One line: one event.
#[derive(Clone, Debug)]
pub struct AccessLine {
    /// The log group, or delivery stream, that the stage's settings name.
    pub log_group: Arc<str>,
    /// The connection it happened on.
    pub connection: Arc<Connection>,
    /// `$context.requestId`.
    pub request_id: Id,
    /// The line in the stage's format, without a line break.
    pub text: String,
}
