//! Reads plain JSON, which nearly every body is, into a flat document.
//!
//! Whatever is odd makes it give up, even where it is JSON: repeated names, big numbers, half surrogates, control
//! characters, deep nesting. So the rules for what is odd stand in one place, the permissive reader.

use std::collections::HashSet;

use super::{DOUBLE_CHARS_MAX, JSON_DEPTH_MAX};
use crate::document::{Document, Item, Span, sign};
use crate::shared::Text;

/// So many digits are a 64-bit integer whatever they are.
const DIGITS_MAX: usize = 18;
/// Up to so many names are compared one with another.
const PAIRWISE_MAX: usize = 64;
/// Spreads a name's sign over the bits; a prime near the golden ratio of 32 bits.
const SPREAD: u32 = 0x9E37_79B1;

/// Reads a list or map; what follows it is not looked at. `None`: leave it to the permissive reader.
pub(super) fn read(whole: &Text) -> Option<Document> {
    // Places are numbers of 32 bits; a text with escapes is longer than what it stands for.
    u32::try_from(whole.len()).ok()?;
    let text: &str = whole;
    let items = Vec::with_capacity(text.len() / 8 + 8);
    let mut reader =
        Reader { text, bytes: text.as_bytes(), pos: 0, depth: 0, escaped: String::new(), items, open: Vec::new() };
    let first = reader.next().filter(|byte| matches!(byte, b'{' | b'['))?;
    reader.value(first)?;
    reader.items.append(&mut reader.open);
    Some(Document::new(whole.whole(), reader.escaped, reader.items))
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    depth: usize,
    escaped: String,
    items: Vec<Item>,
    /// What is inside the lists and maps that are not yet at their end.
    open: Vec<Item>,
}

impl Reader<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    /// The next byte that is no white space.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        let mut pos = self.pos;
        let byte = loop {
            let byte = *self.bytes.get(pos)?;
            if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                break byte;
            }
            pos += 1;
        };
        self.pos = pos;
        Some(byte)
    }

    /// Reads the value that begins with `byte`, which is next, to the end of what is open.
    #[inline]
    fn value(&mut self, byte: u8) -> Option<()> {
        let item = match byte {
            b'"' => self.string()?,
            b'{' | b'[' => return self.container(byte),
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.word("true", Item::Bool(true))?,
            b'f' => self.word("false", Item::Bool(false))?,
            b'n' => self.word("null", Item::Null)?,
            _ => return None,
        };
        self.open.push(item);
        Some(())
    }

    fn container(&mut self, byte: u8) -> Option<()> {
        if self.depth >= JSON_DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        self.pos += 1;
        let item = if byte == b'{' { self.map()? } else { self.list()? };
        self.depth -= 1;
        self.open.push(item);
        Some(())
    }

    fn list(&mut self) -> Option<Item> {
        let start = self.open.len();
        let mut byte = self.next()?;
        if byte == b']' {
            self.pos += 1;
            return Some(Item::List(Span::default()));
        }
        loop {
            self.value(byte)?;
            let after = self.next()?;
            self.pos += 1;
            match after {
                b',' => byte = self.next()?,
                b']' => return Some(Item::List(self.close(start, 1))),
                _ => return None,
            }
        }
    }

    fn map(&mut self) -> Option<Item> {
        let start = self.open.len();
        let mut byte = self.next()?;
        if byte == b'}' {
            self.pos += 1;
            return Some(Item::Map(Span::default()));
        }
        // A bit for each name's sign: two names that are the same have the same bit.
        let mut seen = 0u64;
        let mut twice = false;
        loop {
            if byte != b'"' {
                return None;
            }
            let name = self.name()?;
            self.open.push(name);
            if let Item::Text(span) | Item::Escaped(span) = name {
                let bit = 1 << (span.sign.wrapping_mul(SPREAD) >> 26);
                twice |= seen & bit != 0;
                seen |= bit;
            }
            if self.next()? != b':' {
                return None;
            }
            self.pos += 1;
            let first = self.next()?;
            self.value(first)?;
            let after = self.next()?;
            self.pos += 1;
            match after {
                b',' => byte = self.next()?,
                b'}' if twice && self.repeated(start) => return None,
                b'}' => return Some(Item::Map(self.close(start, 2))),
                _ => return None,
            }
        }
    }

    /// Moves what is inside to its place.
    fn close(&mut self, start: usize, each: usize) -> Span {
        let first = self.items.len() as u32;
        let len = (self.open.len() - start) / each;
        self.items.extend_from_slice(&self.open[start..]);
        self.open.truncate(start);
        Span { start: first, len: len as u32, sign: 0 }
    }

    fn text(&self, item: Item) -> &str {
        let (text, span) = match item {
            Item::Text(span) => (self.text, span),
            Item::Escaped(span) => (self.escaped.as_str(), span),
            _ => return "",
        };
        text.get(span.start as usize..span.start as usize + span.len as usize).unwrap_or_default()
    }

    /// Whether a name is there twice among the open members.
    fn repeated(&self, start: usize) -> bool {
        let names = || self.open[start..].iter().step_by(2).map(|item| self.text(*item));
        if self.open.len() - start > 2 * PAIRWISE_MAX {
            let mut seen = HashSet::new();
            return !names().all(|name| seen.insert(name));
        }
        names().enumerate().any(|(i, name)| names().take(i).any(|before| before == name))
    }

    fn word(&mut self, word: &str, item: Item) -> Option<Item> {
        if !self.bytes[self.pos..].starts_with(word.as_bytes()) {
            return None;
        }
        // What follows is looked at by the list or map that it is in: `truely` is a string to the permissive reader.
        self.pos += word.len();
        Some(item)
    }

    fn digits(&mut self) -> usize {
        let start = self.pos;
        while let Some(b'0'..=b'9') = self.peek() {
            self.pos += 1;
        }
        self.pos - start
    }

    fn number(&mut self) -> Option<Item> {
        let start = self.pos;
        let negative = self.peek()? == b'-';
        self.pos += usize::from(negative);
        let first = self.pos;
        let digits = self.digits();
        if digits == 0 {
            return None;
        }
        let mut float = false;
        if self.peek() == Some(b'.') {
            float = true;
            self.pos += 1;
            if self.digits() == 0 {
                return None;
            }
        }
        if let Some(b'e' | b'E') = self.peek() {
            float = true;
            self.pos += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.pos += 1;
            }
            if self.digits() == 0 {
                return None;
            }
        }
        if float {
            let image = self.text.get(start..self.pos).filter(|image| image.len() <= DOUBLE_CHARS_MAX)?;
            return image.parse().ok().map(Item::Double);
        }
        if digits > DIGITS_MAX {
            return None;
        }
        let digits = &self.bytes[first..self.pos];
        let value = digits.iter().fold(0, |n: i64, digit| n * 10 + i64::from(digit - b'0'));
        let value = if negative { -value } else { value };
        Some(i32::try_from(value).map_or(Item::Long(value), Item::Int))
    }

    /// A string that is a name.
    #[inline]
    fn name(&mut self) -> Option<Item> {
        let name = self.string()?;
        let sign = sign(self.text(name));
        Some(match name {
            Item::Text(span) => Item::Text(Span { sign, ..span }),
            Item::Escaped(span) => Item::Escaped(Span { sign, ..span }),
            item => item,
        })
    }

    #[inline]
    fn string(&mut self) -> Option<Item> {
        let start = self.pos + 1;
        let end = self.plain(start)?;
        self.pos = end;
        if self.bytes[end] == b'"' {
            self.pos += 1;
            return Some(Item::Text(Span { start: start as u32, len: (end - start) as u32, sign: 0 }));
        }
        self.escaped(start)
    }

    /// Where the next byte is that ends a run of plain text: a quote, backslash or control character.
    #[inline]
    fn plain(&self, mut at: usize) -> Option<usize> {
        const EACH: u64 = 0x0101_0101_0101_0101;
        while let Some(eight) = self.bytes.get(at..at + 8).and_then(|eight| <[u8; 8]>::try_from(eight).ok()) {
            let x = u64::from_le_bytes(eight);
            // The highest bit of each byte that is zero; below the first such byte nothing is wrong.
            let zero = |x: u64| x.wrapping_sub(EACH) & !x;
            let small = x.wrapping_sub(EACH * 32) & !x;
            let quote = zero(x ^ (EACH * 0x22));
            let slash = zero(x ^ (EACH * 0x5C));
            let delete = zero(x ^ (EACH * 0x7F));
            let special = (small | quote | slash | delete) & (EACH * 0x80);
            if special != 0 {
                return Some(at + special.trailing_zeros() as usize / 8);
            }
            at += 8;
        }
        let rest = self.bytes.get(at..)?;
        rest.iter().position(|byte| matches!(byte, 0..32 | b'"' | b'\\' | 127)).map(|len| at + len)
    }

    /// A string with escapes, of which the first is next.
    fn escaped(&mut self, mut plain: usize) -> Option<Item> {
        let start = self.escaped.len();
        loop {
            self.pos = self.plain(self.pos)?;
            self.escaped.push_str(self.text.get(plain..self.pos)?);
            let byte = self.bytes[self.pos];
            self.pos += 1;
            match byte {
                b'"' => break,
                b'\\' => {}
                _ => return None,
            }
            let escape = self.peek()?;
            self.pos += 1;
            let c = match escape {
                b'"' | b'\\' | b'/' => char::from(escape),
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => self.unicode()?,
                _ => return None,
            };
            self.escaped.push(c);
            plain = self.pos;
        }
        Some(Item::Escaped(Span { start: start as u32, len: (self.escaped.len() - start) as u32, sign: 0 }))
    }

    /// `\uXXXX`, of which the digits are next; two that make a pair are one character.
    fn unicode(&mut self) -> Option<char> {
        let unit = self.hex()?;
        if let 0xD800..=0xDBFF = unit {
            if self.bytes.get(self.pos..self.pos + 2)? != b"\\u" {
                return None;
            }
            self.pos += 2;
            return char::decode_utf16([unit, self.hex()?]).next()?.ok();
        }
        char::from_u32(u32::from(unit))
    }

    fn hex(&mut self) -> Option<u16> {
        let digits = self.bytes.get(self.pos..self.pos + 4)?;
        self.pos += 4;
        digits.iter().try_fold(0, |n: u16, digit| Some(n << 4 | char::from(*digit).to_digit(16)? as u16))
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::json::{parse_json, to_json};
    use crate::value::Value;

    /// What the flat document and the permissive reader make of a text, as they print and as JSON.
    fn both(text: &str) -> Option<[String; 2]> {
        let flat = read(&text.into())?.root();
        let json = to_json(&flat).unwrap();
        let thawed = to_json(&flat.thaw()).unwrap();
        assert_eq!(json, thawed, "{text}");
        Some([json, to_json(&parse_json(text).unwrap()).unwrap()])
    }

    #[test]
    fn plain_json_reads_as_the_permissive_reader_reads_it() {
        for text in [
            "{}",
            " [ ] ",
            r#"{"a": 1, "b": [true, false, null, -0, 007, 12345678901, 1.5, -1e3, 2E-2], "": {"x": {}}} tail"#,
            r#"["plain", "\"\\\/\b\f\n\r\t", "\u00e9\ud83d\ude00\u0001", "ü€😀", "a/b"]"#,
            r#"[123456789012345678, 1.23456789012345, -2147483648, 2147483648]"#,
        ] {
            let [flat, lenient] = both(text).unwrap();
            assert_eq!(flat, lenient);
        }
    }

    #[test]
    fn what_is_odd_is_left_to_the_permissive_reader() {
        let deep = "[".repeat(401) + &"]".repeat(401);
        for text in [
            r#"{"a": 1, "a": 2}"#,
            "{a: 1}",
            "{'a': 1}",
            r#"{"a": 1,}"#,
            "[1,,2]",
            "[truely]",
            "[1 2]",
            "[1x]",
            "[-]",
            "[1.]",
            "[1e]",
            "[1234567890123456789]",
            "[1.2345678901234567890]",
            r#"["\ud83d"]"#,
            r#"["\ud83d\u0041"]"#,
            r#"["\udc00"]"#,
            r#"["\q"]"#,
            "[\"\t\"]",
            "[\"\u{7f}\"]",
            "[NaN]",
            "[1",
            r#"["a"#,
            "7",
            "\"a\"",
            "",
            deep.as_str(),
        ] {
            assert!(read(&text.into()).is_none(), "{text}");
        }
        let repeated: Vec<_> = (0..200).map(|i| format!("\"k{}\": {i}", i % 199)).collect();
        assert!(read(&format!("{{{}}}", repeated.join(",")).into()).is_none());
    }

    #[test]
    fn a_deep_document_is_read_and_dropped() {
        let text = "[".repeat(400) + &"]".repeat(400);
        let flat = read(&text.as_str().into()).unwrap().root();
        assert!(matches!(flat.clone().thaw(), Value::List(_)));
        assert_eq!(to_json(&flat).unwrap(), text);
    }
}
