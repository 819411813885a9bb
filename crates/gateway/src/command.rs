//! What may be asked of a connection through `@connections`, and the answers.

use bytes::Bytes;
use serde_json::json;

/// A call on a connection, whichever node holds it.
#[derive(Clone, Debug)]
pub enum Command {
    /// Send this text.
    Post(Bytes),
    /// Tell about it.
    Get,
    /// Close it.
    Delete,
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `x-amzn-ErrorType` of a failure.
    pub error_type: Option<&'static str>,
    /// JSON, or empty.
    pub body: String,
}

impl Answer {
    pub(crate) fn ok(status: u16, body: String) -> Answer {
        Answer { status, error_type: None, body }
    }

    pub(crate) fn error(status: u16, error_type: &'static str, message: &str) -> Answer {
        Answer { status, error_type: Some(error_type), body: json!({ "message": message }).to_string() }
    }

    /// The connection does not exist (any more, or yet). The empty body is AWS's (observed).
    pub fn gone() -> Answer {
        Answer { status: 410, error_type: Some("GoneException"), body: String::new() }
    }

    /// Too many calls, or the client's outbox is full. The empty body is AWS's (observed).
    pub(crate) fn limit_exceeded() -> Answer {
        Answer { status: 429, error_type: Some("LimitExceededException"), body: String::new() }
    }

    /// A wrong stage or path. Source: observed.
    pub fn forbidden() -> Answer {
        Answer::error(403, "ForbiddenException", "Forbidden")
    }

    /// More bytes than a message may have. The text is inferred.
    pub fn too_large(bytes_max: usize) -> Answer {
        Answer::error(413, "PayloadTooLargeException", &format!("Payload larger than {bytes_max} bytes"))
    }
}
