//! How the program ends: a line that says what and where, and a code that scripts can branch on.

/// Wrong usage. Source: BSD's sysexits, as the others.
pub(crate) const USAGE: u8 = 64;
/// The input is wrong: a template that cannot be rendered.
pub(crate) const DATA: u8 = 65;
/// The disk failed.
const DISK: u8 = 74;
/// Wrong configuration.
const CONFIG: u8 = 78;

/// Why the program cannot go on.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn config(text: impl Into<String>) -> Failure {
        Failure { code: CONFIG, text: text.into() }
    }

    pub(crate) fn disk(text: impl Into<String>) -> Failure {
        Failure { code: DISK, text: text.into() }
    }
}
