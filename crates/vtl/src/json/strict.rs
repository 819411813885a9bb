//! Reads plain JSON, which nearly every body is, into a flat document.
//!
//! Whatever is odd makes it give up, even where it is JSON: repeated names, big numbers, half surrogates, control
//! characters, deep nesting. So the rules for what is odd stand in one place, the permissive reader.

use std::collections::HashSet;

use super::{DOUBLE_CHARS_MAX, JSON_DEPTH_MAX};
use crate::document::{Document, Item, Span};
use crate::shared::Text;

/// So many digits are a 64-bit integer whatever they are.
const DIGITS_MAX: usize = 18;
/// Up to so many names are compared one with another.
const PAIRWISE_MAX: usize = 64;

/// Reads a list or map; what follows it is not looked at. `None`: leave it to the permissive reader.
pub(super) fn read(whole: &Text) -> Option<Document> {
    // Places are numbers of 32 bits; a text with escapes is longer than what it stands for.
    u32::try_from(whole.len()).ok()?;
    let text: &str = whole;
    let items = Vec::with_capacity(text.len() / 8 + 8);
    let mut reader =
        Reader { text, bytes: text.as_bytes(), pos: 0, depth: 0, escaped: String::new(), items, open: Vec::new() };
    reader.skip();
    if !matches!(reader.peek(), Some(b'{' | b'[')) {
        return None;
    }
    let root = reader.value()?;
    reader.items.push(root);
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

    #[inline]
    fn skip(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.pos += 1;
        }
    }

    fn value(&mut self) -> Option<Item> {
        match self.peek()? {
            b'"' => self.string(),
            b'{' => self.nested(Reader::map),
            b'[' => self.nested(Reader::list),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true", Item::Bool(true)),
            b'f' => self.word("false", Item::Bool(false)),
            b'n' => self.word("null", Item::Null),
            _ => None,
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Option<Item>) -> Option<Item> {
        if self.depth >= JSON_DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let item = read(self)?;
        self.depth -= 1;
        Some(item)
    }

    fn list(&mut self) -> Option<Item> {
        let start = self.open.len();
        self.pos += 1;
        self.skip();
        if self.peek()? == b']' {
            self.pos += 1;
            return Some(Item::List(Span { start: 0, len: 0 }));
        }
        loop {
            let item = self.value()?;
            self.open.push(item);
            if self.ends(b']')? {
                return Some(Item::List(self.close(start, 1)));
            }
        }
    }

    fn map(&mut self) -> Option<Item> {
        let start = self.open.len();
        self.pos += 1;
        self.skip();
        if self.peek()? == b'}' {
            self.pos += 1;
            return Some(Item::Map(Span { start: 0, len: 0 }));
        }
        // A bit for each name's length and ends: two names that are the same have the same bit.
        let mut seen = 0u64;
        let mut twice = false;
        loop {
            if self.peek()? != b'"' {
                return None;
            }
            let name = self.string()?;
            let bit = 1u64 << (self.sign(name) % 64);
            twice |= seen & bit != 0;
            seen |= bit;
            self.open.push(name);
            self.skip();
            if self.peek()? != b':' {
                return None;
            }
            self.pos += 1;
            self.skip();
            let value = self.value()?;
            self.open.push(value);
            if self.ends(b'}')? {
                if twice && self.repeated(start) {
                    return None;
                }
                return Some(Item::Map(self.close(start, 2)));
            }
        }
    }

    /// After an item: whether `end` follows; else a comma does, which is skipped.
    #[inline]
    fn ends(&mut self, end: u8) -> Option<bool> {
        self.skip();
        let byte = self.peek()?;
        self.pos += 1;
        if byte == end {
            return Some(true);
        }
        if byte != b',' {
            return None;
        }
        self.skip();
        Some(false)
    }

    /// Moves what is inside to its place.
    fn close(&mut self, start: usize, each: usize) -> Span {
        let first = self.items.len() as u32;
        let len = (self.open.len() - start) / each;
        self.items.extend_from_slice(&self.open[start..]);
        self.open.truncate(start);
        Span { start: first, len: len as u32 }
    }

    fn text(&self, item: Item) -> &str {
        let (text, span) = match item {
            Item::Text(span) => (self.text, span),
            Item::Escaped(span) => (self.escaped.as_str(), span),
            _ => return "",
        };
        text.get(span.start as usize..span.start as usize + span.len as usize).unwrap_or_default()
    }

    fn sign(&self, name: Item) -> u32 {
        let bytes = self.text(name).as_bytes();
        let (first, last) = (bytes.first().copied().unwrap_or(0), bytes.last().copied().unwrap_or(0));
        (bytes.len() as u32).wrapping_mul(7) ^ u32::from(first) ^ (u32::from(last) << 2)
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

    fn string(&mut self) -> Option<Item> {
        self.pos += 1;
        let start = self.pos;
        let rest = &self.bytes[start..];
        let len = rest.iter().position(|byte| SPECIAL[usize::from(*byte)])?;
        self.pos += len;
        if rest[len] == b'"' {
            self.pos += 1;
            return Some(Item::Text(Span { start: start as u32, len: len as u32 }));
        }
        self.escaped(start)
    }

    /// A string with escapes, of which the first is next.
    fn escaped(&mut self, mut plain: usize) -> Option<Item> {
        let start = self.escaped.len();
        loop {
            let rest = &self.bytes[self.pos..];
            self.pos += rest.iter().position(|byte| SPECIAL[usize::from(*byte)])?;
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
        Some(Item::Escaped(Span { start: start as u32, len: (self.escaped.len() - start) as u32 }))
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

/// The bytes that end a run of plain text in a string.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < 32 {
        special[byte] = true;
        byte += 1;
    }
    special[b'"' as usize] = true;
    special[b'\\' as usize] = true;
    special[127] = true;
    special
};

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
