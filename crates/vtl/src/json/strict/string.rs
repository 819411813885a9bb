//! The strings of plain JSON: found by looking at eight bytes at once, copied only where they have escapes.

use crate::item::{Item, Span, sign, sign_of};

/// The strings of one text.
pub(super) struct Strings<'t> {
    text: &'t str,
    /// What those with escapes stand for, one after the other.
    escaped: String,
}

impl<'t> Strings<'t> {
    pub(super) fn new(text: &'t str) -> Strings<'t> {
        Strings { text, escaped: String::new() }
    }

    pub(super) fn into_escaped(self) -> String {
        self.escaped
    }

    /// What an item that is a string stands for.
    pub(super) fn text(&self, item: Item) -> &str {
        let (text, span) = match item {
            Item::Text(span) => (self.text, span),
            Item::Escaped(span) => (self.escaped.as_str(), span),
            _ => return "",
        };
        text.get(span.start as usize..span.start as usize + span.len as usize).unwrap_or_default()
    }

    /// The member's name that begins with `quote` at `pos`, its sign, and where it ends.
    #[inline(always)]
    pub(super) fn name(&mut self, quote: u8, pos: usize) -> Option<(Item, u32, usize)> {
        if quote != b'"' {
            return None;
        }
        let bytes = self.text.as_bytes();
        let start = pos + 1;
        let end = plain(bytes, start)?;
        if bytes[end] != b'"' {
            let (item, end) = self.escaped(start, end)?;
            let sign = sign(self.text(item));
            let Item::Escaped(span) = item else { return None };
            return Some((Item::Escaped(Span { sign, ..span }), sign, end));
        }
        let len = end - start;
        let sign = match eight(bytes, start) {
            Some(first) if len < 8 => sign_of(first & ((1 << (8 * len)) - 1), len),
            Some(first) => sign_of(first, len),
            None => sign(self.text.get(start..end)?),
        };
        Some((Item::Text(Span { start: start as u32, len: len as u32, sign }), sign, end + 1))
    }

    /// The string whose quote is at `pos`, and where it ends.
    #[inline(always)]
    pub(super) fn string(&mut self, pos: usize) -> Option<(Item, usize)> {
        let bytes = self.text.as_bytes();
        let start = pos + 1;
        let end = plain(bytes, start)?;
        if bytes[end] != b'"' {
            return self.escaped(start, end);
        }
        Some((Item::Text(Span { start: start as u32, len: (end - start) as u32, sign: 0 }), end + 1))
    }

    /// A string with escapes: plain from one place to another, where something else is.
    fn escaped(&mut self, mut plain_from: usize, mut pos: usize) -> Option<(Item, usize)> {
        let start = self.escaped.len();
        let bytes = self.text.as_bytes();
        loop {
            self.escaped.push_str(self.text.get(plain_from..pos)?);
            match bytes[pos] {
                b'"' => break,
                b'\\' => {}
                _ => return None,
            }
            let escape = *bytes.get(pos + 1)?;
            pos += 2;
            self.escaped.push(match escape {
                b'"' | b'\\' | b'/' => char::from(escape),
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => {
                    let (c, len) = unicode(&bytes[pos..])?;
                    pos += len;
                    c
                }
                _ => return None,
            });
            plain_from = pos;
            pos = plain(bytes, pos)?;
        }
        let len = self.escaped.len() - start;
        Some((Item::Escaped(Span { start: start as u32, len: len as u32, sign: 0 }), pos + 1))
    }
}

/// The character of `\uXXXX`, of which the digits are next, and how long it is; two that make a pair are one.
fn unicode(bytes: &[u8]) -> Option<(char, usize)> {
    let hex = |at: usize| {
        let digits = bytes.get(at..at + 4)?;
        digits.iter().try_fold(0, |n: u16, digit| Some(n << 4 | char::from(*digit).to_digit(16)? as u16))
    };
    let unit = hex(0)?;
    if let 0xD800..=0xDBFF = unit {
        if bytes.get(4..6)? != b"\\u" {
            return None;
        }
        return Some((char::decode_utf16([unit, hex(6)?]).next()?.ok()?, 10));
    }
    char::from_u32(u32::from(unit)).map(|c| (c, 4))
}

/// Eight bytes as a number, the first one the lowest.
#[inline(always)]
fn eight(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8).and_then(|eight| <[u8; 8]>::try_from(eight).ok()).map(u64::from_le_bytes)
}

/// Where the next byte is that ends a run of plain text: a quote, backslash or control character.
#[inline(always)]
fn plain(bytes: &[u8], mut at: usize) -> Option<usize> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    while let Some(x) = eight(bytes, at) {
        // The highest bit of each byte that is zero; up to the first such byte nothing is wrong.
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
    let rest = bytes.get(at..)?;
    rest.iter().position(|byte| matches!(byte, 0..32 | b'"' | b'\\' | 127)).map(|len| at + len)
}
