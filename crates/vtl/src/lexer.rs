//! Cuts a template into tokens.
//!
//! A state machine with a stack, the longest match in the current state winning. It leaves some states later than one
//! would expect and carries the front of an unfinished token (`$`, `#`) into the next one; templates show both, so
//! both are kept. Source: observed (docs/aws/vtl.md 3).

mod scan;
mod state;

use self::state::{Scan, State};
use crate::token::{Token, TokenKind};

struct Frame {
    state: State,
    open: u32,
    closed: u32,
}

pub(crate) struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    state: State,
    stack: Vec<Frame>,
    open: u32,
    closed: u32,
    /// Where fronts stood that became nothing: an unknown directive, printed as written, lacks them.
    pub(crate) runts: Vec<(usize, usize)>,
    /// Where the backslashes end that were counted last, so that a long row of them is counted once.
    slashes_end: std::cell::Cell<usize>,
}

/// A place where no token fits, and what was being read.
pub(crate) struct Stray {
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Lexer<'a> {
        Lexer {
            text,
            bytes: text.as_bytes(),
            pos: 0,
            state: State::Text,
            stack: Vec::new(),
            open: 0,
            closed: 0,
            runts: Vec::new(),
            slashes_end: std::cell::Cell::new(0),
        }
    }

    /// Whether a `(` comes next, blanks and line ends aside. Only asked directly after a directive's name.
    pub(crate) fn parenthesis_follows(&self) -> bool {
        let rest = &self.bytes[self.pos..];
        rest.iter().find(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r')) == Some(&b'(')
    }

    pub(crate) fn enter_directive(&mut self) {
        self.state = State::Dir;
    }

    pub(crate) fn pop(&mut self) -> bool {
        match self.stack.pop() {
            Some(frame) => {
                self.state = frame.state;
                self.open = frame.open;
                self.closed = frame.closed;
                true
            }
            None => {
                self.open = 0;
                self.state = State::Text;
                false
            }
        }
    }

    fn push(&mut self, to: State) {
        self.stack.push(Frame { state: self.state, open: self.open, closed: self.closed });
        self.open = 0;
        self.state = to;
    }

    /// The next token; at the end again and again [`TokenKind::End`].
    pub(crate) fn next(&mut self) -> Result<Token, Stray> {
        let mut special = None;
        let mut start = self.pos;
        // Whether what has been read since `start` needs more to become a token.
        let mut unfinished = None;
        // Whether the last front stood in text or at the end of a reference. There a `$` before a point is text; elsewhere,
        // and after `\` or `!`, the point is one of a reference without a name. Source: observed.
        let mut in_text = true;
        loop {
            if self.pos >= self.bytes.len() {
                return match (unfinished, self.state) {
                    (Some(what), _) => Err(Stray { at: start, what }),
                    (None, _) => Ok(Token { kind: TokenKind::Eof, start: self.pos, end: self.pos, special }),
                };
            }
            if matches!(self.state, State::LineComment | State::BlockComment | State::FormalComment | State::TextBlock)
            {
                if let Some((kind, len)) = self.raw_end() {
                    self.pos += len;
                    self.pop();
                    return Ok(Token { kind, start, end: self.pos, special });
                }
                // Fronts of tokens are read as such inside of comments too, and may hide the comment's end.
                if let Some(len) = self.raw_front() {
                    self.pos += len;
                    unfinished = Some("end after a `$` or `#` in a comment or text block");
                    continue;
                }
                self.pos += self.char_len();
                if self.state != State::TextBlock {
                    // Skipped text takes the unfinished front with it.
                    start = self.pos;
                    unfinished = None;
                }
                continue;
            }
            let Some(scan) = self.scan(unfinished.is_some() && in_text && self.is_dollars(start), unfinished.is_some())
            else {
                let what = match self.bytes[self.pos] {
                    b'"' | b'\'' => "quote: the string that begins here is never closed",
                    _ => "character that cannot stand here",
                };
                return Err(Stray { at: self.pos, what });
            };
            match scan {
                // `$[` is text, but not behind a backslash or `#`. Source: observed.
                Scan::Token(TokenKind::BareIndex, len) => {
                    let front = &self.text[start..self.pos];
                    if front.starts_with('\\') || front.contains('#') || front.contains("\\$") {
                        return Err(Stray { at: start, what: "`$[` behind a backslash or `#`" });
                    }
                    self.pos += len;
                    self.pop();
                    return Ok(Token { kind: TokenKind::Text, start, end: self.pos, special });
                }
                Scan::Token(kind, len) => {
                    if kind == TokenKind::Dot && start < self.pos {
                        // The point remains of `\\$.x`. Source: observed.
                        self.runts.push((start, self.pos));
                        start = self.pos;
                    }
                    self.pos += len;
                    self.act(kind);
                    return Ok(Token { kind, start, end: self.pos, special });
                }
                Scan::Front(len, to, leave) => {
                    in_text = matches!(self.state, State::Text | State::Ref);
                    if leave {
                        self.pop();
                    }
                    self.push(to);
                    self.pos += len;
                    unfinished = Some(match to {
                        State::Ref => "a `$` at the end of the template",
                        State::PreDir => "a `#` at the end of the template",
                        _ => "a comment or text block that is not closed",
                    });
                }
                Scan::Terminator => {
                    if self.state == State::PreDir && self.number_in_brackets() {
                        return Err(Stray { at: start, what: "a number behind a `#`" });
                    }
                    // The character is looked at and given back; what stood in front of it is text of its own kind.
                    let image = &self.text[start..self.pos + self.char_len()];
                    let text = special.get_or_insert_with(String::new);
                    text.push_str(&special_text(image));
                    self.runts.push((start, self.pos));
                    self.pop();
                    start = self.pos;
                    unfinished = None;
                }
            }
        }
    }

    /// Whether a number comes, inside of a directive's or method's parentheses or an index.
    fn number_in_brackets(&self) -> bool {
        let beneath = self.stack.last().map_or(State::Text, |frame| frame.state);
        matches!(beneath, State::Dir | State::RefArgs | State::RefIndex) && self.bytes[self.pos].is_ascii_digit()
    }

    /// Whether nothing but `$` has been read since `start`.
    fn is_dollars(&self, start: usize) -> bool {
        self.bytes[start..self.pos].iter().all(|b| *b == b'$')
    }

    fn act(&mut self, kind: TokenKind) {
        match kind {
            TokenKind::Set => {
                self.push(State::Dir);
                self.open += 1;
            }
            TokenKind::If | TokenKind::ElseIf => self.state = State::Dir,
            TokenKind::Else | TokenKind::EndDirective | TokenKind::IndexClose => {
                self.pop();
            }
            TokenKind::IndexOpen => self.push(State::RefIndex),
            TokenKind::LineComment => {
                if self.state == State::Ref {
                    self.pop();
                }
                self.push(State::LineComment);
            }
            TokenKind::RCurly => {
                self.pop();
            }
            TokenKind::Dot => self.state = State::RefDot,
            TokenKind::Open => {
                self.open += 1;
                if self.state == State::RefDot {
                    self.state = State::RefArgs;
                }
            }
            TokenKind::Close if self.state == State::RefArgs => self.state = State::Ref,
            TokenKind::Close => self.close(),
            _ => {}
        }
    }

    /// A `)` in a directive: it closes the state whose `(` it matches, however deep that lies.
    fn close(&mut self) {
        loop {
            if self.open > 0 {
                if self.open == self.closed + 1 {
                    self.pop();
                } else {
                    self.closed += 1;
                }
                return;
            }
            if !self.pop() {
                return;
            }
        }
    }
}

/// What remains of a front that became nothing: its `$` and `#`, with the backslashes before a `$`.
fn special_text(image: &str) -> String {
    let bytes = image.as_bytes();
    let mut out = String::new();
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            c @ (b'#' | b'$') => out.push(char::from(c)),
            b'\\' => {
                let slashes = bytes[i..].iter().take_while(|b| **b == b'\\').count();
                if bytes.get(i + slashes) == Some(&b'$') {
                    out.push_str(&image[i..=i + slashes]);
                    // The character after the `$` is passed over as well; it is never one that prints.
                    i += slashes + 1;
                }
            }
            _ => {}
        }
        i += 1;
    }
    out
}
