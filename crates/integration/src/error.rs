//! How a call to a backend fails.

use std::fmt;
use std::io;
use std::time::Duration;

use types::message::HttpTarget;

/// The ways to fail, for code to branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No connection: the name does not resolve, the port refuses, the TLS handshake fails.
    Unreachable,
    /// The backend did not answer in time.
    Timeout,
    /// The backend closed or broke the connection before its answer was whole.
    Broken,
    /// The answer is not HTTP/1.1, or larger than the limit.
    BadAnswer,
    /// Nothing says where it goes, or with whose credentials: no call was made.
    Unready,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ErrorKind::Unreachable => "cannot reach",
            ErrorKind::Timeout => "no answer from",
            ErrorKind::Broken => "connection lost to",
            ErrorKind::BadAnswer => "unusable answer from",
            ErrorKind::Unready => "cannot call",
        })
    }
}

/// A failed call. The text says what was tried and why it failed, for the log.
#[derive(Debug, thiserror::Error)]
#[error("{kind} {backend}: {detail}")]
pub struct Error {
    /// What the gateway branches on.
    pub kind: ErrorKind,
    backend: String,
    detail: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, target: &HttpTarget, detail: impl fmt::Display) -> Error {
        let scheme = if target.tls { "https" } else { "http" };
        Error { kind, backend: format!("{scheme}://{}", target.authority), detail: detail.to_string() }
    }

    /// Of a call of what is no HTTP backend: `what` names it, such as `function chat`.
    pub fn of(kind: ErrorKind, what: impl Into<String>, detail: impl Into<String>) -> Error {
        Error { kind, backend: what.into(), detail: detail.into() }
    }

    pub(crate) fn timed_out(what: impl Into<String>, after: Duration) -> Error {
        Error::of(ErrorKind::Timeout, what, format!("timed out after {} ms", after.as_millis()))
    }

    /// `asking`: the name servers that have not told the backend's address yet.
    pub(crate) fn timeout(target: &HttpTarget, after: Duration, asking: Option<String>) -> Error {
        let after = after.as_millis();
        match asking {
            None => Error::new(ErrorKind::Timeout, target, format_args!("timed out after {after} ms")),
            Some(servers) => Error::new(
                ErrorKind::Timeout,
                target,
                format_args!("timed out after {after} ms; no answer about the name {} from {servers} yet", target.host),
            ),
        }
    }

    pub(crate) fn broken(target: &HttpTarget, error: &io::Error) -> Error {
        Error::new(ErrorKind::Broken, target, error)
    }
}
