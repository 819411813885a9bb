//! The seam for many nodes: what is asked of the node that holds a connection.

use std::pin::Pin;

use types::Id;
use types::snapshot::StageKey;

use crate::command::{Command, ConnectionsAnswer};

/// Reaches other nodes. An id names its node, so no table is looked up.
pub trait Peers: Send + Sync {
    /// Whether this node's number is its own at this very moment: else it may let no client in.
    fn holds_number(&self) -> bool {
        true
    }

    /// Has `node` carry out a command on its connection, and gives its answer.
    fn ask<'a>(
        &'a self,
        node: u16,
        stage: &'a StageKey,
        connection_id: Id,
        command: Command,
    ) -> Pin<Box<dyn Future<Output = ConnectionsAnswer> + Send + 'a>>;
}

/// No other nodes: whatever is theirs is gone.
pub struct Alone;

impl Peers for Alone {
    fn ask<'a>(
        &'a self,
        _: u16,
        _: &'a StageKey,
        _: Id,
        _: Command,
    ) -> Pin<Box<dyn Future<Output = ConnectionsAnswer> + Send + 'a>> {
        Box::pin(async { ConnectionsAnswer::gone() })
    }
}
