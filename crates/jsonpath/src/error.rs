//! What is wrong with a path, or with what it was asked of.

use std::fmt;

/// The kinds of error, for code to branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not a path, or asks what can never be answered (an unknown function, a filter on a scalar).
    Path,
    /// The path is right, but fails on this document (the sum of nothing, the first of an empty list).
    Eval,
    /// The path or the work it makes is larger than we allow; the detail names the limit.
    Limit,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ErrorKind::Path => "JSONPath cannot be read",
            ErrorKind::Eval => "JSONPath fails",
            ErrorKind::Limit => "JSONPath exceeds a limit",
        })
    }
}

/// A path that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at column {column}: {detail}")]
pub struct Error {
    /// What kind of mistake.
    pub kind: ErrorKind,
    /// In words, naming what stands there.
    pub detail: String,
    /// Where in the path, counted in characters from 1; 1 for what goes wrong while it runs.
    pub column: usize,
}
