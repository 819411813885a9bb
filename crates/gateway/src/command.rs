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
    /// Close it with this code and reason, which `$disconnect` is told as well.
    Delete {
        /// 1000 on AWS.
        code: u16,
        /// Empty on AWS.
        reason: String,
    },
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionsAnswer {
    /// HTTP status.
    pub status: u16,
    /// `x-amzn-ErrorType` of a failure.
    pub error_type: Option<&'static str>,
    /// JSON, or empty.
    pub body: String,
    /// `Retry-After`, in seconds; the extended dialect's.
    pub retry_after: Option<u32>,
}

impl ConnectionsAnswer {
    pub(crate) fn ok(status: u16, body: String) -> ConnectionsAnswer {
        ConnectionsAnswer { status, error_type: None, body, retry_after: None }
    }

    pub(crate) fn error(status: u16, error_type: &'static str, message: &str) -> ConnectionsAnswer {
        let body = json!({ "message": message }).to_string();
        ConnectionsAnswer { status, error_type: Some(error_type), body, retry_after: None }
    }

    /// The connection does not exist (any more, or yet). The empty body is AWS's (observed).
    pub fn gone() -> ConnectionsAnswer {
        ConnectionsAnswer { status: 410, error_type: Some("GoneException"), body: String::new(), retry_after: None }
    }

    /// Too many calls, or the client's outbox is full. The empty body is AWS's (observed).
    pub(crate) fn limit_exceeded() -> ConnectionsAnswer {
        ConnectionsAnswer {
            status: 429,
            error_type: Some("LimitExceededException"),
            body: String::new(),
            retry_after: None,
        }
    }

    /// The same with what AWS leaves out: why, and when to try again.
    pub(crate) fn extended(mut self) -> ConnectionsAnswer {
        let message = match self.status {
            410 => "Gone: the connection is closed, or never was, or belongs to another stage",
            429 => "Limit Exceeded: too many calls, or the client does not read what is sent to it",
            403 => {
                "Forbidden: no such stage or path; the address is that of the WebSocket with /@connections/ID behind it"
            }
            _ => return self,
        };
        self.body = json!({ "message": message }).to_string();
        self.retry_after = (self.status == 429).then_some(1);
        self
    }

    /// A wrong stage or path. Source: observed.
    pub fn forbidden() -> ConnectionsAnswer {
        ConnectionsAnswer::error(403, "ForbiddenException", "Forbidden")
    }

    /// More bytes than a message may have. The text is inferred.
    pub fn too_large(bytes_max: usize) -> ConnectionsAnswer {
        ConnectionsAnswer::error(413, "PayloadTooLargeException", &format!("Payload larger than {bytes_max} bytes"))
    }
}
