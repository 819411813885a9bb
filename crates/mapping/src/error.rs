//! Why an event could not be mapped.

use std::fmt;

use crate::note::Note;

/// The kinds of failure; each becomes one answer to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No route fits the message and there is no `$default`.
    NoRoute,
    /// The message does not fit the model that the route asks for.
    BadRequestBody,
    /// No template fits and the passthrough behaviour refuses the message.
    UnsupportedMediaType,
    /// A function failed, or its answer is none. The detail is the log's whole line.
    FunctionFailed,
    /// A function could not be invoked. The detail is the log's whole line.
    NotInvoked,
    /// The API's own definition cannot work: a mapping, template, URI or missing integration response.
    Configuration,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ErrorKind::NoRoute => "no route",
            ErrorKind::BadRequestBody => "bad request body",
            ErrorKind::UnsupportedMediaType => "unsupported media type",
            ErrorKind::FunctionFailed => "function failed",
            ErrorKind::NotInvoked => "function not invoked",
            ErrorKind::Configuration => "configuration error",
        })
    }
}

/// An event that could not be mapped. The detail is for the log, never for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct Error {
    /// What the gateway branches on.
    pub kind: ErrorKind,
    /// What a developer reads.
    pub detail: String,
    /// What mends it, where that is known.
    pub remedy: Option<Box<Note>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Error {
        Error { kind, detail: detail.into(), remedy: None }
    }

    pub(crate) fn configuration(detail: impl Into<String>) -> Error {
        Error::new(ErrorKind::Configuration, detail)
    }
}
