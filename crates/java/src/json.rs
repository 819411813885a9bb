//! Reads JSON as leniently as json-smart's permissive mode does, and writes a string as it does.
//!
//! A text that is no JSON at all is a string; what follows the first value is not looked at.
//! Source: observed (docs/aws/vtl.md 10, corpus group `json-lenient`, and what the original engine says to random texts).

mod quote;

use std::borrow::Cow;

use num_bigint::BigInt;

use crate::decimal::Decimal;
use crate::text::trim;

pub use self::quote::quote;

/// How deep lists and objects may nest. Source: observed of the library.
pub const DEPTH_MAX: usize = 400;

/// A number with a point or exponent and more characters than this is a decimal, not a double. Source: observed.
pub const DOUBLE_CHARS_MAX: usize = 18;

/// Java ends its input at this byte.
const END_OF_TEXT: u8 = 0x1A;

/// A value that is neither list nor map.
#[derive(Debug)]
pub enum Scalar<'t> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number of 64 bits.
    Integer(i64),
    /// A larger one.
    Big(BigInt),
    /// A number with a point or an exponent, or `NaN`.
    Double(f64),
    /// One with more characters than [`DOUBLE_CHARS_MAX`].
    Decimal(Decimal),
    /// Text, quoted or not.
    Text(Cow<'t, str>),
}

/// Makes the values of what is read.
pub trait Build {
    /// Any value.
    type Value;
    /// A map whose members are being read.
    type Map;

    /// A value that is neither list nor map.
    fn scalar(&mut self, scalar: Scalar<'_>) -> Self::Value;
    /// A list of these items.
    fn list(&mut self, items: Vec<Self::Value>) -> Self::Value;
    /// A map without members yet.
    fn open(&mut self) -> Self::Map;
    /// One more member; a repeated name keeps its first place and its last value.
    fn member(&mut self, map: &mut Self::Map, name: Cow<'_, str>, value: Self::Value);
    /// The map with all its members.
    fn close(&mut self, map: Self::Map) -> Self::Value;
}

/// Reads one value.
///
/// # Errors
/// A sentence that names the place, where not even the permissive mode can read it.
pub fn read<B: Build>(text: &str, build: &mut B) -> Result<B::Value, String> {
    Reader { text, bytes: text.as_bytes(), pos: 0, depth: 0, build }.value("")
}

struct Reader<'a, 'b, B> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    depth: usize,
    build: &'b mut B,
}

impl<'a, B: Build> Reader<'a, '_, B> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied().filter(|b| *b != END_OF_TEXT)
    }

    fn unexpected(&self) -> String {
        match self.text.get(self.pos..).and_then(|rest| rest.chars().next()) {
            Some(c) if self.peek().is_some() => format!("unexpected `{c}` at position {}", self.pos),
            _ => format!("unexpected end at position {}", self.pos),
        }
    }

    fn value(&mut self, stop: &str) -> Result<B::Value, String> {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.pos += 1;
        }
        let scalar = match self.peek() {
            Some(b':' | b'}' | b']') => return Err(self.unexpected()),
            Some(b'{') => return self.nested(Reader::object),
            Some(b'[') => return self.nested(Reader::array),
            Some(b'"' | b'\'') => Scalar::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number(stop)?,
            _ => match self.bare(stop) {
                "null" => Scalar::Null,
                "true" => Scalar::Bool(true),
                "false" => Scalar::Bool(false),
                "NaN" => Scalar::Double(f64::NAN),
                text => Scalar::Text(Cow::Borrowed(text)),
            },
        };
        Ok(self.build.scalar(scalar))
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<B::Value, String>) -> Result<B::Value, String> {
        if self.depth >= DEPTH_MAX {
            return Err(format!("nested deeper than {DEPTH_MAX} levels"));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// The text up to a stop character, trimmed.
    fn bare(&mut self, stop: &str) -> &'a str {
        let start = self.pos;
        self.run(stop);
        trim(&self.text[start..self.pos])
    }

    fn run(&mut self, stop: &str) {
        while self.peek().is_some_and(|b| !stop.as_bytes().contains(&b)) {
            self.pos += 1;
        }
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.pos += 1;
        }
    }

    fn skip(&mut self) {
        while self.peek().is_some_and(|b| b <= b' ') {
            self.pos += 1;
        }
    }

    fn number(&mut self, stop: &str) -> Result<Scalar<'a>, String> {
        let start = self.pos;
        self.pos += 1;
        self.digits();
        let mut float = false;
        if self.peek() == Some(b'.') {
            float = true;
            self.pos += 1;
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            float = true;
            self.pos += 1;
            if !matches!(self.peek(), Some(b'+' | b'-' | b'0'..=b'9')) {
                return Ok(self.text_after_all(start, stop));
            }
            self.pos += 1;
            self.digits();
        }
        self.skip();
        // A character from 126 on does not make it a string: the library takes it for the end.
        if self.peek().is_some_and(|b| b < 126 && !stop.as_bytes().contains(&b)) {
            return Ok(self.text_after_all(start, stop));
        }
        let image = trim(&self.text[start..self.pos]);
        let number = match image {
            "-" => Some(Scalar::Integer(0)),
            _ if float && image.len() > DOUBLE_CHARS_MAX => Decimal::parse(image).map(Scalar::Decimal),
            _ if float => image.parse().ok().map(Scalar::Double),
            _ => match image.parse() {
                Ok(n) => Some(Scalar::Integer(n)),
                Err(_) => image.parse().ok().map(Scalar::Big),
            },
        };
        number.ok_or_else(|| format!("`{image}` at position {start} is no number"))
    }

    /// What began as a number and goes on as something else.
    fn text_after_all(&mut self, start: usize, stop: &str) -> Scalar<'a> {
        self.run(stop);
        Scalar::Text(Cow::Borrowed(trim(&self.text[start..self.pos])))
    }

    fn array(&mut self) -> Result<B::Value, String> {
        let mut items = Vec::new();
        self.pos += 1;
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r' | b',') => self.pos += 1,
                Some(b']') => {
                    self.pos += 1;
                    return Ok(self.build.list(items));
                }
                None | Some(b':' | b'}') => return Err(self.unexpected()),
                Some(_) => items.push(self.value(",]")?),
            }
        }
    }

    fn object(&mut self) -> Result<B::Value, String> {
        let mut map = self.build.open();
        loop {
            self.pos += 1;
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r' | b',') => continue,
                Some(b':' | b'[' | b']' | b'{') => return Err(self.unexpected()),
                Some(b'}') => {
                    self.pos += 1;
                    return Ok(self.build.close(map));
                }
                _ => {}
            }
            let name = match self.peek() {
                Some(b'"' | b'\'') => self.string()?,
                _ => Cow::Borrowed(self.bare(":")),
            };
            self.skip();
            if self.peek() != Some(b':') {
                return Err(self.unexpected());
            }
            self.pos += 1;
            if self.pos >= self.bytes.len() {
                return Err(self.unexpected());
            }
            let value = self.value(",}")?;
            self.build.member(&mut map, name, value);
            self.skip();
            match self.peek() {
                Some(b'}') => {
                    self.pos += 1;
                    return Ok(self.build.close(map));
                }
                Some(b',') => {}
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, String> {
        let quote = self.bytes[self.pos];
        let start = self.pos + 1;
        let Some(len) = self.bytes[start..].iter().position(|b| *b == quote) else {
            self.pos = self.bytes.len();
            return Err(self.unexpected());
        };
        let plain = &self.text[start..start + len];
        if !plain.as_bytes().contains(&b'\\') {
            // Raw control characters stay.
            self.pos = start + len + 1;
            return Ok(Cow::Borrowed(plain));
        }
        self.pos = start;
        let mut out = String::with_capacity(len + 16);
        // The first half of a pair, waiting for its second; alone it is `?`, as Java writes it.
        let mut high: Option<u16> = None;
        loop {
            // What needs no care, in one piece.
            let plain = |b: &u8| *b >= 32 && !matches!(*b, b'\\' | 127) && *b != quote;
            let run = self.bytes[self.pos..].iter().take_while(|b| plain(b)).count();
            if run > 0 {
                if high.take().is_some() {
                    out.push('?');
                }
                out.push_str(&self.text[self.pos..self.pos + run]);
                self.pos += run;
            }
            let Some(byte) = self.peek() else { return Err(self.unexpected()) };
            if byte == quote {
                if high.is_some() {
                    out.push('?');
                }
                self.pos += 1;
                return Ok(Cow::Owned(out));
            }
            self.pos += 1;
            // A control character is dropped.
            if byte != b'\\' {
                continue;
            }
            let Some(escape) = self.peek() else { continue };
            self.pos += 1;
            let unit = match escape {
                b't' => 9,
                b'n' => 10,
                b'r' => 13,
                b'f' => 12,
                b'b' => 8,
                b'\\' | b'/' | b'\'' | b'"' => u16::from(escape),
                b'u' => self.hex(4)?,
                b'x' => self.hex(2)?,
                _ => {
                    // Dropped, all bytes of the character.
                    while self.bytes.get(self.pos).is_some_and(|b| b & 0xC0 == 0x80) {
                        self.pos += 1;
                    }
                    continue;
                }
            };
            match (high.take(), unit) {
                (Some(first), second @ 0xDC00..=0xDFFF) => {
                    out.extend(char::decode_utf16([first, second]).map(|c| c.unwrap_or('?')));
                    continue;
                }
                (Some(_), _) => out.push('?'),
                (None, _) => {}
            }
            match unit {
                first @ 0xD800..=0xDBFF => high = Some(first),
                unit => out.push(char::from_u32(u32::from(unit)).unwrap_or('?')),
            }
        }
    }

    fn hex(&mut self, digits: usize) -> Result<u16, String> {
        let mut value = 0;
        for _ in 0..digits {
            let digit = self.peek().and_then(|b| char::from(b).to_digit(16));
            value = value * 16 + digit.ok_or_else(|| self.unexpected())? as u16;
            self.pos += 1;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
