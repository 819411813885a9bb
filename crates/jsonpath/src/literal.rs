//! JSON that stands in a path, read as leniently as a body is.
//!
//! Source: the reference on lenient JSON (json-smart's permissive mode), section 10; case `filter-operator`.

use crate::limits::LITERAL_DEPTH_MAX;
use crate::node::Node;

/// A value written in a path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Integer(i64),
    Double(f64),
    Text(String),
    List(Vec<Literal>),
    Map(Vec<(String, Literal)>),
}

impl Literal {
    /// Reads the first value of `text`; what follows it is not looked at.
    pub(crate) fn read(text: &str) -> Option<Literal> {
        Reader { text, at: 0, depth: 0 }.value(&[])
    }

    /// The value in the document's own form.
    pub(crate) fn node<N: Node>(&self) -> N {
        match self {
            Literal::Null => N::null(),
            Literal::Bool(b) => N::bool(*b),
            Literal::Integer(n) => N::integer(*n),
            Literal::Double(n) => N::double(*n),
            Literal::Text(text) => N::string(text.clone()),
            Literal::List(items) => N::list(items.iter().map(Literal::node).collect()),
            Literal::Map(members) => N::map(members.iter().map(|(name, value)| (name.clone(), value.node())).collect()),
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, which: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&which) {
            self.at += 1;
        }
    }

    fn value(&mut self, stops: &[u8]) -> Option<Literal> {
        self.skip(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        match self.peek() {
            Some(b':' | b'}' | b']') => None,
            Some(b'{') => self.nested(Reader::map),
            Some(b'[') => self.nested(Reader::list),
            Some(quote @ (b'"' | b'\'')) => self.quoted(quote).map(Literal::Text),
            Some(b'-' | b'0'..=b'9') => self.number(stops),
            _ => Some(match self.bare(self.at, stops) {
                "null" => Literal::Null,
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                "NaN" => Literal::Double(f64::NAN),
                text => Literal::Text(text.to_owned()),
            }),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Option<Literal>) -> Option<Literal> {
        self.depth += 1;
        if self.depth > LITERAL_DEPTH_MAX {
            return None;
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// The unquoted text from `start` to a stop, trimmed.
    fn bare(&mut self, start: usize, stops: &[u8]) -> &'t str {
        self.skip(|byte| !stops.contains(&byte));
        self.text[start..self.at].trim_matches(|c| c <= ' ')
    }

    fn number(&mut self, stops: &[u8]) -> Option<Literal> {
        let start = self.at;
        let digit = |byte: u8| byte.is_ascii_digit();
        self.at += 1;
        self.skip(digit);
        let mut whole = true;
        if self.peek() == Some(b'.') {
            whole = false;
            self.at += 1;
            self.skip(digit);
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            if !matches!(self.peek(), Some(b'+' | b'-' | b'0'..=b'9')) {
                return Some(Literal::Text(self.bare(start, stops).to_owned()));
            }
            self.at += 1;
            self.skip(digit);
        }
        let text = &self.text[start..self.at];
        self.skip(|byte| byte <= b' ');
        // What is not ASCII, or a tilde, ends a number; json-smart looks no further there.
        if self.peek().is_some_and(|byte| byte < b'~' && !stops.contains(&byte)) {
            return Some(Literal::Text(self.bare(start, stops).to_owned()));
        }
        if text == "-" {
            return Some(Literal::Integer(0));
        }
        match text.parse() {
            Ok(integer) if whole => Some(Literal::Integer(integer)),
            _ => Some(Literal::Double(text.parse().ok()?)),
        }
    }

    fn list(&mut self) -> Option<Literal> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            match self.peek()? {
                b' ' | b'\t' | b'\r' | b'\n' | b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Some(Literal::List(items));
                }
                _ => items.push(self.value(b",]")?),
            }
        }
    }

    fn map(&mut self) -> Option<Literal> {
        let mut members: Vec<(String, Literal)> = Vec::new();
        loop {
            self.at += 1;
            let name = match self.peek()? {
                b' ' | b'\t' | b'\r' | b'\n' | b',' => continue,
                b'}' => break,
                b':' | b']' | b'[' | b'{' => return None,
                quote @ (b'"' | b'\'') => self.quoted(quote)?,
                _ => self.bare(self.at, b":").to_owned(),
            };
            self.skip(|byte| byte <= b' ');
            if self.peek()? != b':' {
                return None;
            }
            self.at += 1;
            self.peek()?;
            members.push((name, self.value(b",}")?));
            self.skip(|byte| byte <= b' ');
            match self.peek()? {
                b'}' => break,
                b',' => {}
                _ => return None,
            }
        }
        self.at += 1;
        Some(Literal::Map(members))
    }

    fn quoted(&mut self, quote: u8) -> Option<String> {
        let rest = &self.text[self.at + 1..];
        let end = rest.find(char::from(quote))?;
        if !rest[..end].contains('\\') {
            self.at += end + 2;
            return Some(rest[..end].to_owned());
        }
        // UTF-16, for an escape may be one half of a character.
        let mut units = Vec::new();
        let mut chars = rest.char_indices();
        while let Some((offset, c)) = chars.next() {
            match c {
                _ if c == char::from(quote) => {
                    self.at += offset + 2;
                    return Some(String::from_utf16_lossy(&units));
                }
                '\\' => match chars.next()?.1 {
                    't' => units.push(9),
                    'n' => units.push(10),
                    'r' => units.push(13),
                    'f' => units.push(12),
                    'b' => units.push(8),
                    c @ ('\\' | '/' | '\'' | '"') => units.push(c as u16),
                    'u' => units.push(hex(&mut chars, 4)?),
                    'x' => units.push(hex(&mut chars, 2)?),
                    _ => {}
                },
                '\0'..='\u{1f}' | '\u{7f}' => {}
                _ => units.extend(c.encode_utf16(&mut [0; 2]).iter()),
            }
        }
        None
    }
}

fn hex(chars: &mut std::str::CharIndices<'_>, digits: usize) -> Option<u16> {
    (0..digits).try_fold(0, |value, _| Some(value * 16 + u16::try_from(chars.next()?.1.to_digit(16)?).ok()?))
}

/// Text between quotes in a path, with its escapes replaced; one that is no known escape is its own character.
///
/// `None` where `\u` is not followed by four hexadecimal digits; a `\u` that the end cuts off is dropped.
pub(crate) fn unescape(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut units = Vec::with_capacity(text.len());
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let escaped = if c == '\\' { chars.next().map(|(_, escaped)| escaped) } else { None };
        let c = match escaped {
            None => c,
            Some('r') => '\r',
            Some('n') => '\n',
            Some('t') => '\t',
            Some('f') => '\u{c}',
            Some('b') => '\u{8}',
            Some('u') if text[at..].chars().nth(5).is_none() => break,
            Some('u') => {
                units.push(hex(&mut chars, 4)?);
                continue;
            }
            Some(other) => other,
        };
        units.extend(c.encode_utf16(&mut [0; 2]).iter());
    }
    Some(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::{Literal, unescape};

    #[test]
    fn literals_are_read_as_bodies_are() {
        let text = |text: &str| Literal::Text(text.to_owned());
        for (json, expected) in [
            (
                "[1,'a',b c,, 2.5]",
                Some(Literal::List(vec![Literal::Integer(1), text("a"), text("b c"), Literal::Double(2.5)])),
            ),
            (
                "{a:1,'b':[ ]}",
                Some(Literal::Map(vec![("a".into(), Literal::Integer(1)), ("b".into(), Literal::List(vec![]))])),
            ),
            ("12 apples", Some(text("12 apples"))),
            ("1e", Some(text("1e"))),
            ("-", Some(Literal::Integer(0))),
            ("5.", Some(Literal::Double(5.0))),
            ("5é", Some(Literal::Integer(5))),
            ("1,2]", Some(text("1,2]"))),
            (r#""a\u00fc\x41\q\"" x"#, Some(text("aüA\""))),
            ("null", Some(Literal::Null)),
            ("[1", None),
            ("{a}", None),
            ("\"a", None),
        ] {
            assert_eq!(Literal::read(json), expected, "{json}");
        }
    }

    #[test]
    fn deep_literals_do_not_exhaust_the_stack() {
        assert_eq!(Literal::read(&"[".repeat(100_000)), None);
        assert_eq!(Literal::read(&"{a:".repeat(100_000)), None);
    }

    #[test]
    fn escapes_between_quotes() {
        assert_eq!(unescape(r"a\'b\\c\n\x\u00fc\ud83d\ude00").as_deref(), Some("a'b\\c\nxü😀"));
        assert_eq!(unescape(r"a\").as_deref(), Some("a\\"));
        assert_eq!(unescape(r"a\u00").as_deref(), Some("a"));
        assert_eq!(unescape(r"a\u00zz"), None);
    }
}
