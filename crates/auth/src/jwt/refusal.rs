//! Why a token does not let in.

use std::fmt;

/// What is wrong, for code to branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// It is no signed token, or one with a part that is not read.
    Malformed,
    /// It is signed in a way that is not checked.
    Algorithm,
    /// None of the issuer's keys could have signed it.
    UnknownKey,
    /// The signature is not that of the token.
    Signature,
    /// It is the issuer's, and not meant for us.
    Claims,
    /// It is the issuer's, and not in force.
    Time,
    /// All is right with it, but for a scope that is asked for.
    Scope,
}

/// A token that does not let in. The text names what is wrong, for the log; it repeats neither token nor signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub kind: RefusalKind,
    detail: String,
}

impl Refusal {
    pub(super) fn new(kind: RefusalKind, detail: impl Into<String>) -> Refusal {
        Refusal { kind, detail: detail.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}
