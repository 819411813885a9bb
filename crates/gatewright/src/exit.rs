//! How the program ends: a line that says what and where, and a code that scripts can branch on.

use std::io;
use std::path::Path;

/// Wrong usage. Source: BSD's sysexits, as the others.
pub(crate) const USAGE: u8 = 64;
/// The input is wrong: a template that cannot be rendered, a document that is none.
pub(crate) const DATA: u8 = 65;
/// A file that was named is not there, or cannot be read.
pub(crate) const NO_INPUT: u8 = 66;
/// Nobody is there to be asked.
pub(crate) const UNAVAILABLE: u8 = 69;
/// A running gateway said no: what was asked for is not there, or was refused.
pub(crate) const REFUSED: u8 = 1;
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

    /// What a file holds is wrong.
    pub(crate) fn data(text: impl Into<String>) -> Failure {
        Failure { code: DATA, text: text.into() }
    }

    /// A file that was named cannot be read.
    pub(crate) fn no_input(path: &Path, error: &io::Error) -> Failure {
        let what = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::IsADirectory => "it is a folder and no file".to_owned(),
            io::ErrorKind::InvalidData => return Failure::data(format!("{}: it is no UTF-8 text", path.display())),
            _ => error.to_string(),
        };
        Failure { code: NO_INPUT, text: format!("{}: {what}", path.display()) }
    }

    pub(crate) fn disk(text: impl Into<String>) -> Failure {
        Failure { code: DISK, text: text.into() }
    }
}
