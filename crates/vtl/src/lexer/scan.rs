//! The longest match in each state.

use super::Lexer;
use super::state::{Scan, State};
use crate::token::TokenKind;

const OPERATORS: [(&str, TokenKind); 24] = [
    ("&&", TokenKind::And),
    ("||", TokenKind::Or),
    ("<=", TokenKind::LessEqual),
    (">=", TokenKind::GreaterEqual),
    ("==", TokenKind::Equal),
    ("!=", TokenKind::NotEqual),
    ("..", TokenKind::DoubleDot),
    ("(", TokenKind::Open),
    ("-", TokenKind::Minus),
    ("+", TokenKind::Plus),
    ("*", TokenKind::Times),
    ("/", TokenKind::Divide),
    ("%", TokenKind::Modulo),
    ("<", TokenKind::Less),
    (">", TokenKind::Greater),
    ("!", TokenKind::Not),
    ("=", TokenKind::Assign),
    ("[", TokenKind::BracketOpen),
    ("]", TokenKind::BracketClose),
    ("{", TokenKind::CurlyOpen),
    ("}", TokenKind::CurlyClose),
    (",", TokenKind::Comma),
    (":", TokenKind::Colon),
    (")", TokenKind::Close),
];

fn word_kind(word: &[u8]) -> Option<TokenKind> {
    Some(match word {
        b"and" => TokenKind::And,
        b"or" => TokenKind::Or,
        b"lt" => TokenKind::Less,
        b"le" => TokenKind::LessEqual,
        b"gt" => TokenKind::Greater,
        b"ge" => TokenKind::GreaterEqual,
        b"eq" => TokenKind::Equal,
        b"ne" => TokenKind::NotEqual,
        b"not" => TokenKind::Not,
        _ => return None,
    })
}

impl Lexer<'_> {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.pos..]
    }

    /// How many backslashes stand here.
    fn slashes(&self) -> usize {
        if self.slashes_end.get() <= self.pos {
            let count = self.rest().iter().take_while(|b| **b == b'\\').count();
            self.slashes_end.set(self.pos + count);
        }
        self.slashes_end.get().saturating_sub(self.pos)
    }

    pub(super) fn char_len(&self) -> usize {
        match self.bytes.get(self.pos) {
            None => 0,
            Some(b) if *b < 0x80 => 1,
            Some(b) if *b < 0xE0 => 2,
            Some(b) if *b < 0xF0 => 3,
            Some(_) => 4,
        }
    }

    /// The end of a comment or text block, where it stands here.
    pub(super) fn raw_end(&self) -> Option<(TokenKind, usize)> {
        let rest = self.rest();
        match self.state {
            State::LineComment => Some((TokenKind::LineCommentEnd, line_end(rest)?)),
            State::TextBlock => rest.starts_with(b"]]#").then_some((TokenKind::TextBlock, 3)),
            _ => rest.starts_with(b"*#").then_some((TokenKind::BlockComment, 2)),
        }
    }

    /// The length of a token's front that stands here inside of a comment or text block.
    pub(super) fn raw_front(&self) -> Option<usize> {
        let rest = self.rest();
        match rest {
            [b'#', b'*', b'*', next, ..] if *next != b'#' => {
                Some(3 + self.text[self.pos + 3..].chars().next().map_or(0, char::len_utf8))
            }
            [b'#', b'[', b'[', ..] => Some(3),
            [b'#', b'*', ..] => Some(2),
            [b'#', ..] => Some(1),
            [b'$' | b'\\', ..] => {
                let slashes = self.slashes();
                (rest.get(slashes) == Some(&b'$')).then_some(slashes + 1)
            }
            _ => None,
        }
    }

    /// What matches here; `None` where nothing may. `fresh`: directly after a `$`, where nothing can be indexed yet;
    /// `bare`: where a point is text too.
    pub(super) fn scan(&self, bare: bool, fresh: bool) -> Option<Scan> {
        if let Some(scan) = self.front() {
            return Some(scan);
        }
        let rest = self.rest();
        match self.state {
            State::Text => Some(self.text_token()),
            State::Ref | State::RefDot | State::RefArgs => self.reference_token(bare, fresh),
            State::RefIndex => match rest[0] {
                b']' => Some(Scan::Token(TokenKind::IndexClose, 1)),
                _ if rest.starts_with(b"true") => Some(Scan::Token(TokenKind::True, 4)),
                _ if rest.starts_with(b"false") => Some(Scan::Token(TokenKind::False, 5)),
                _ => literal(rest),
            },
            State::PreDir => Some(self.directive_name()),
            _ => directive_token(rest),
        }
    }

    /// The fronts and tokens that all states know: references, comments, text blocks, `#set`.
    fn front(&self) -> Option<Scan> {
        let rest = self.rest();
        let state = self.state;
        let slashes = self.slashes();
        if rest.get(slashes) == Some(&b'$') {
            let after = &rest[slashes + 1..];
            let more = after.iter().take_while(|b| **b == b'\\').count();
            let len = if after.get(more) == Some(&b'!') { slashes + more + 2 } else { slashes + 1 };
            return Some(Scan::Front(len, State::Ref, state == State::Ref));
        }
        if matches!(state, State::Text | State::Ref | State::RefDot | State::RefArgs)
            && let Some(len) = set(rest)
        {
            return Some(Scan::Token(TokenKind::Set, len));
        }
        if rest[0] != b'#' {
            return None;
        }
        if rest.starts_with(b"#[[") {
            return Some(Scan::Front(3, State::TextBlock, false));
        }
        if rest.starts_with(b"#**") && rest.get(3).is_some_and(|b| *b != b'#') {
            return Some(Scan::Front(3, State::FormalComment, false));
        }
        if rest.starts_with(b"#*") {
            return Some(Scan::Front(2, State::BlockComment, false));
        }
        if rest.starts_with(b"##") && matches!(state, State::Text | State::PreDir | State::Dir | State::Ref) {
            return Some(Scan::Token(TokenKind::LineComment, 2));
        }
        Some(Scan::Front(1, State::PreDir, matches!(state, State::Ref | State::RefDot)))
    }

    fn text_token(&self) -> Scan {
        let rest = self.rest();
        if rest[0] == b'\\' {
            let slashes = self.slashes();
            if slashes % 2 == 1
                && rest.get(slashes) == Some(&b'#')
                && let Some(len) = any_word(&rest[slashes + 1..])
            {
                return Scan::Token(TokenKind::EscapedDirective, slashes + 1 + len);
            }
            return if slashes > 1 {
                Scan::Token(TokenKind::DoubleEscape, 2)
            } else {
                Scan::Token(TokenKind::Escape, 1)
            };
        }
        let len = rest.iter().position(|b| matches!(b, b'$' | b'#' | b'\\')).unwrap_or(rest.len());
        Scan::Token(TokenKind::Text, len)
    }

    fn reference_token(&self, bare: bool, fresh: bool) -> Option<Scan> {
        let rest = self.rest();
        let args = self.state == State::RefArgs;
        Some(match rest[0] {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let len = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).count();
                let kind = match &rest[..len] {
                    b"true" => TokenKind::True,
                    b"false" => TokenKind::False,
                    _ => TokenKind::Identifier,
                };
                Scan::Token(kind, len)
            }
            b'.' if !bare && rest.get(1).is_some_and(u8::is_ascii_alphabetic) => Scan::Token(TokenKind::Dot, 1),
            b'{' if !args => Scan::Token(TokenKind::LCurly, 1),
            b'}' if !args => Scan::Token(TokenKind::RCurly, 1),
            b'[' if fresh => Scan::Token(TokenKind::BareIndex, 1),
            b'[' if !args => Scan::Token(TokenKind::IndexOpen, 1),
            b'(' if self.state == State::RefDot => Scan::Token(TokenKind::Open, 1),
            b')' if args => Scan::Token(TokenKind::Close, 1),
            _ if !args => Scan::Terminator,
            b'[' => Scan::Token(TokenKind::BracketOpen, 1),
            b']' => Scan::Token(TokenKind::BracketClose, 1),
            b'{' => Scan::Token(TokenKind::CurlyOpen, 1),
            b'}' => Scan::Token(TokenKind::CurlyClose, 1),
            b',' => Scan::Token(TokenKind::Comma, 1),
            b':' => Scan::Token(TokenKind::Colon, 1),
            b'.' if rest.get(1) == Some(&b'.') => Scan::Token(TokenKind::DoubleDot, 2),
            // Unlike a name, an argument does not end where nothing fits.
            _ => return literal(rest),
        })
    }

    fn directive_name(&self) -> Scan {
        let rest = self.rest();
        let Some(len) = any_word(rest) else { return Scan::Terminator };
        let braced = rest[0] == b'{';
        let name = if braced { &rest[1..len - 1] } else { &rest[..len] };
        match name {
            b"if" => Scan::Token(TokenKind::If, len),
            b"elseif" => Scan::Token(TokenKind::ElseIf, len),
            b"else" => Scan::Token(TokenKind::Else, len + blank_line_end(&rest[len..])),
            b"end" => Scan::Token(TokenKind::EndDirective, len + blank_line_end(&rest[len..])),
            _ => Scan::Token(if braced { TokenKind::BracedWord } else { TokenKind::Word }, len),
        }
    }
}

fn directive_token(rest: &[u8]) -> Option<Scan> {
    if let Some(scan) = literal(rest) {
        return Some(scan);
    }
    if let Some(len) = word(rest) {
        let kind = match &rest[..len] {
            b"true" => TokenKind::True,
            b"false" => TokenKind::False,
            name => word_kind(name).unwrap_or(TokenKind::Word),
        };
        return Some(Scan::Token(kind, len));
    }
    let (text, kind) = OPERATORS.iter().find(|(text, _)| rest.starts_with(text.as_bytes()))?;
    let more = if *kind == TokenKind::Close { blank_line_end(&rest[1..]) } else { 0 };
    Some(Scan::Token(*kind, text.len() + more))
}

/// White space, a string or a number.
fn literal(rest: &[u8]) -> Option<Scan> {
    match rest[0] {
        b' ' | b'\t' | b'\n' | b'\r' => {
            let len = rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
            Some(Scan::Token(TokenKind::Space, len))
        }
        b'"' | b'\'' => Some(Scan::Token(TokenKind::Str, string(rest)?)),
        _ => number(rest),
    }
}

/// The length of the string that starts here. A doubled quote stands for one; where the text ends inside the string,
/// the last doubled quote is taken apart again.
fn string(rest: &[u8]) -> Option<usize> {
    let quote = rest[0];
    let mut last = None;
    let mut i = 1;
    while i < rest.len() {
        if rest[i] == quote {
            last = Some(i + 1);
            if rest.get(i + 1) != Some(&quote) {
                return last;
            }
            i += 1;
        }
        i += 1;
    }
    last
}

fn number(rest: &[u8]) -> Option<Scan> {
    let digits = |from: usize| rest[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let sign = usize::from(rest[0] == b'-');
    let whole = digits(sign);
    let mut len = sign + whole;
    let mut float = false;
    if rest.get(len) == Some(&b'.') {
        let fraction = digits(len + 1);
        // `1..3` is a range: its first point belongs to no number.
        if whole > 0 && !(fraction == 0 && rest.get(len + 1) == Some(&b'.')) || whole == 0 && fraction > 0 {
            float = true;
            len += 1 + fraction;
        }
    }
    if whole == 0 && !float {
        return None;
    }
    if matches!(rest.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(rest.get(len + 1), Some(b'+' | b'-')));
        let exponent = digits((len + 1 + sign).min(rest.len()));
        if exponent > 0 {
            float = true;
            len += 1 + sign + exponent;
        }
    }
    Some(Scan::Token(if float { TokenKind::Float } else { TokenKind::Integer }, len))
}

/// The length of a directive's name, bare or in braces.
fn any_word(rest: &[u8]) -> Option<usize> {
    if rest.first() == Some(&b'{') {
        let len = word(&rest[1..])?;
        return (rest.get(len + 1) == Some(&b'}')).then_some(len + 2);
    }
    word(rest)
}

fn word(rest: &[u8]) -> Option<usize> {
    let first = *rest.first()?;
    (first.is_ascii_alphabetic() || matches!(first, b'_' | b'@'))
        .then(|| rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'@')).count())
}

/// The length of `#set(` with the blanks before it.
fn set(rest: &[u8]) -> Option<usize> {
    let blanks = |from: &[u8]| from.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let before = blanks(rest);
    let from = &rest[before..];
    let name = if from.starts_with(b"#set") {
        4
    } else if from.starts_with(b"#{set}") {
        6
    } else {
        return None;
    };
    // Only blanks may stand before the `(`: with a tab it is no `#set`.
    let after = from[name..].iter().take_while(|b| **b == b' ').count();
    (from.get(name + after) == Some(&b'(')).then_some(before + name + after + 1)
}

fn line_end(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\r', b'\n', ..] => Some(2),
        [b'\n' | b'\r', ..] => Some(1),
        _ => None,
    }
}

/// Blanks and one line end; nothing where no line end comes.
fn blank_line_end(rest: &[u8]) -> usize {
    let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    line_end(&rest[blanks..]).map_or(0, |len| blanks + len)
}
