//! Reads plain JSON, which nearly every body is, into a flat document.
//!
//! Whatever is odd makes it give up, even where it is JSON: repeated names, big numbers, half surrogates, control
//! characters, deep nesting. So the rules for what is odd stand in one place, the permissive reader.

mod string;

use std::collections::HashSet;

use java::json::{DEPTH_MAX, DOUBLE_CHARS_MAX};

use self::string::Strings;
use crate::item::{Inside, Item};
use crate::shared::Text;
use crate::value::Document;

/// So many digits are a 64-bit integer whatever they are.
const DIGITS_MAX: usize = 18;
/// Up to so many names are compared one with another.
const PAIRWISE_MAX: u32 = 64;

/// A list or map that is not yet at its end.
#[derive(Clone, Copy)]
struct Open {
    /// Where it stands among the items.
    at: usize,
    map: bool,
    /// How many items or members there are so far.
    len: u32,
    /// Two bits for each name's sign: two names that are the same have the same bits.
    seen: u64,
    /// Whether the bits of a name were there before it.
    twice: bool,
}

/// Reads a list or map; what follows it is not looked at. `None`: leave it to the permissive reader.
///
/// One loop with its state at hand and no recursion, because a body is read for each message.
pub(super) fn read(whole: &Text) -> Option<Document> {
    // Places are numbers of 32 bits; a text with escapes is longer than what it stands for.
    u32::try_from(whole.len()).ok()?;
    let text: &str = whole;
    let bytes = text.as_bytes();
    let mut strings = Strings::new(text);
    let mut items: Vec<Item> = Vec::with_capacity(bytes.len() / 6 + 8);
    let mut outer: Vec<Open> = Vec::new();
    let (mut byte, mut pos) = skip(bytes, 0)?;
    if !matches!(byte, b'{' | b'[') {
        return None;
    }
    // Around the whole; it never ends.
    let mut open = Open { at: 0, map: false, len: 0, seen: 0, twice: false };
    loop {
        open.len += 1;
        if open.map {
            let (name, sign, end) = strings.name(byte, pos)?;
            let bits = 1 << (sign & 63) | 1 << (sign >> 6 & 63);
            open.twice |= open.seen & bits == bits;
            open.seen |= bits;
            items.push(name);
            let (colon, at) = skip(bytes, end)?;
            if colon != b':' {
                return None;
            }
            (byte, pos) = skip(bytes, at + 1)?;
        }
        match byte {
            b'"' => {
                let (item, end) = strings.string(pos)?;
                items.push(item);
                pos = end;
            }
            b'{' | b'[' => {
                if outer.len() >= DEPTH_MAX {
                    return None;
                }
                outer.push(open);
                let map = byte == b'{';
                open = Open { at: items.len(), map, len: 0, seen: 0, twice: false };
                // Its place; what it is follows at its end.
                items.push(Item::Null);
                (byte, pos) = skip(bytes, pos + 1)?;
                if byte != if map { b'}' } else { b']' } {
                    continue;
                }
            }
            b'-' | b'0'..=b'9' => {
                let (item, end) = number(text, pos)?;
                items.push(item);
                pos = end;
            }
            _ => {
                // What follows is looked at below: `truely` is a string to the permissive reader.
                let words = [("true", Item::Bool(true)), ("false", Item::Bool(false)), ("null", Item::Null)];
                let (word, item) = words.into_iter().find(|(word, _)| bytes[pos..].starts_with(word.as_bytes()))?;
                items.push(item);
                pos += word.len();
            }
        }
        // To the next item, out of the lists and maps that end here.
        loop {
            let (after, at) = skip(bytes, pos)?;
            pos = at + 1;
            let inside = Inside { len: open.len, end: items.len() as u32 };
            match after {
                b',' => {
                    (byte, pos) = skip(bytes, pos)?;
                    break;
                }
                b'}' if open.map => {
                    if open.twice && repeated(&items, open.at, open.len, &strings) {
                        return None;
                    }
                    items[open.at] = Item::Map(inside);
                }
                b']' if !open.map => items[open.at] = Item::List(inside),
                _ => return None,
            }
            open = outer.pop()?;
            if outer.is_empty() {
                return Some(Document::new(whole.whole(), strings.into_escaped(), items));
            }
        }
    }
}

/// The next byte that is no white space, and where it is.
#[inline(always)]
fn skip(bytes: &[u8], mut pos: usize) -> Option<(u8, usize)> {
    loop {
        let byte = *bytes.get(pos)?;
        if byte > b' ' {
            return Some((byte, pos));
        }
        if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            return None;
        }
        pos += 1;
    }
}

/// Whether a name is there twice in the map at `at`, of `len` members, which end the items.
#[cold]
fn repeated(items: &[Item], at: usize, len: u32, strings: &Strings<'_>) -> bool {
    let names = || {
        let mut place = at + 1;
        std::iter::from_fn(move || {
            let (name, value) = items.get(place).zip(items.get(place + 1))?;
            place = value.next(place as u32 + 1) as usize;
            Some(*name)
        })
    };
    if len > PAIRWISE_MAX {
        let mut seen = HashSet::new();
        return !names().all(|name| seen.insert(strings.text(name)));
    }
    let same = |a: Item, b: Item| a.sign() == b.sign() && strings.text(a) == strings.text(b);
    names().enumerate().any(|(i, name)| names().take(i).any(|before| same(before, name)))
}

/// The number that begins at `start`, and where it ends.
#[inline]
fn number(text: &str, start: usize) -> Option<(Item, usize)> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10);
    let negative = bytes[start] == b'-';
    let first = start + usize::from(negative);
    let mut pos = first;
    let mut value = 0i64;
    while let Some(digit) = digit(pos) {
        value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
        pos += 1;
    }
    let digits = pos - first;
    if digits == 0 {
        return None;
    }
    if let Some(b'.' | b'e' | b'E') = bytes.get(pos) {
        return double(text, start, pos);
    }
    if digits > DIGITS_MAX {
        return None;
    }
    let value = if negative { -value } else { value };
    Some((i32::try_from(value).map_or(Item::Long(value), Item::Int), pos))
}

/// A number with a point or exponent, which is next.
fn double(text: &str, start: usize, mut pos: usize) -> Option<(Item, usize)> {
    let bytes = text.as_bytes();
    let digits = |at: usize| bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if bytes.get(pos) == Some(&b'.') {
        let len = digits(pos + 1);
        if len == 0 {
            return None;
        }
        pos += 1 + len;
    }
    if let Some(b'e' | b'E') = bytes.get(pos) {
        pos += 1;
        if let Some(b'+' | b'-') = bytes.get(pos) {
            pos += 1;
        }
        let len = digits(pos);
        if len == 0 {
            return None;
        }
        pos += len;
    }
    let image = text.get(start..pos).filter(|image| image.len() <= DOUBLE_CHARS_MAX)?;
    Some((Item::Double(image.parse().ok()?), pos))
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
