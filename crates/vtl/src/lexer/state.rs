//! The states of the machine, and what it can find in one.

use crate::token::TokenKind;

/// What the machine is inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Plain text.
    Text,
    /// After `$`.
    Ref,
    /// After `.x` of a reference.
    RefDot,
    /// In a method's parentheses.
    RefArgs,
    /// In the brackets of a reference.
    RefIndex,
    /// After `#`.
    PreDir,
    /// In a directive's parentheses.
    Dir,
    LineComment,
    BlockComment,
    FormalComment,
    TextBlock,
}

/// The longest match in a state.
pub(super) enum Scan {
    /// A whole token of this many bytes.
    Token(TokenKind, usize),
    /// The front of a token: so many bytes, the state to push, and whether an open reference is left first.
    Front(usize, State, bool),
    /// Nothing that belongs here: the reference or directive name ends.
    Terminator,
}
