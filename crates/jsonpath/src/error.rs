//! What is wrong with a path.

use std::fmt;

/// The kinds of error, for code to branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The text is not a path.
    Syntax,
    /// The path is right but uses what is not built yet.
    NotYet,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Syntax => "JSONPath cannot be read",
            Kind::NotYet => "JSONPath is not supported yet",
        })
    }
}

/// A path that cannot be used; `column` counts characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at column {column}: {detail}")]
pub struct Error {
    /// What kind of mistake.
    pub kind: Kind,
    /// In words, naming what stands there.
    pub detail: String,
    /// Where, counted in characters from 1.
    pub column: usize,
}
