//! JSON that stands in a path, read as leniently as a body is, and text between quotes.
//!
//! Source: case `filter-operator`.

use std::borrow::Cow;

use java::big_to_double;
use java::json::{Build, Scalar};

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
    /// Reads the first value of `text`; what follows it is not looked at. Numbers beyond 64 bits become doubles.
    pub(crate) fn read(text: &str) -> Option<Literal> {
        java::json::read(text, &mut Literals).ok()
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

struct Literals;

impl Build for Literals {
    type Value = Literal;
    type Map = Vec<(String, Literal)>;

    fn scalar(&mut self, scalar: Scalar<'_>) -> Literal {
        match scalar {
            Scalar::Null => Literal::Null,
            Scalar::Bool(b) => Literal::Bool(b),
            Scalar::Integer(n) => Literal::Integer(n),
            Scalar::Big(n) => Literal::Double(big_to_double(&n)),
            Scalar::Double(d) => Literal::Double(d),
            Scalar::Decimal(d) => Literal::Double(d.to_double()),
            Scalar::Text(text) => Literal::Text(text.into_owned()),
        }
    }

    fn list(&mut self, items: Vec<Literal>) -> Literal {
        Literal::List(items)
    }

    fn open(&mut self) -> Vec<(String, Literal)> {
        Vec::new()
    }

    // What is there twice is sorted out where the literal becomes the document's own.
    fn member(&mut self, map: &mut Vec<(String, Literal)>, name: Cow<'_, str>, value: Literal) {
        map.push((name.into_owned(), value));
    }

    fn close(&mut self, map: Vec<(String, Literal)>) -> Literal {
        Literal::Map(map)
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
                "[1,'a',b c,, 2.5] x",
                Some(Literal::List(vec![Literal::Integer(1), text("a"), text("b c"), Literal::Double(2.5)])),
            ),
            (
                "{a:1,'b':[ ]}",
                Some(Literal::Map(vec![("a".into(), Literal::Integer(1)), ("b".into(), Literal::List(vec![]))])),
            ),
            ("9223372036854775808", Some(Literal::Double(9_223_372_036_854_775_808.0))),
            ("0.12345678901234567890", Some(Literal::Double(0.123_456_789_012_345_68))),
            ("true", Some(Literal::Bool(true))),
            ("null", Some(Literal::Null)),
            ("[1", None),
        ] {
            assert_eq!(Literal::read(json), expected, "{json}");
        }
    }

    #[test]
    fn escapes_between_quotes() {
        assert_eq!(unescape(r"a\'b\\c\n\x\u00fc\ud83d\ude00").as_deref(), Some("a'b\\c\nxü😀"));
        assert_eq!(unescape(r"a\").as_deref(), Some("a\\"));
        assert_eq!(unescape(r"a\u00").as_deref(), Some("a"));
        assert_eq!(unescape(r"a\u00zz"), None);
    }
}
