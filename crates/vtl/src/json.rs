//! Reads the JSON that a message body may be: json-smart's permissive mode.
//!
//! A text that is no JSON at all is a string; what follows the first value is not looked at.
//! Source: observed (reference of the language, section 10; corpus group `json-lenient`).

mod strict;
pub(crate) mod write;

use std::borrow::Cow;
use std::rc::Rc;

use crate::decimal::Decimal;
use crate::limits::{Limits, Meter};
use crate::map::{Map, MapKind};
use crate::shared::Text;
use crate::value::{ListKind, Value};

/// How deep lists and objects may nest. Source: observed of the library.
const JSON_DEPTH_MAX: usize = 400;
/// A number with a point and more characters than this is a decimal, not a double.
const DOUBLE_CHARS_MAX: usize = 18;
/// Java ends its input at this byte.
const END_OF_TEXT: u8 = 0x1A;

/// Reads one value.
///
/// # Errors
/// A sentence that names the place, where not even the permissive mode can read it.
pub fn parse_json(text: &str) -> Result<Value, String> {
    let mut reader = Reader { text, bytes: text.as_bytes(), pos: 0, depth: 0, keys: [const { None }; KEYS] };
    reader.value("")
}

/// Reads one value as [`parse_json`] does, but keeps plain JSON flat, in a [`Document`](crate::Document): much quicker
/// for a text that is read and not changed.
///
/// # Errors
/// Those of [`parse_json`].
pub fn read_json(text: &Text) -> Result<Value, String> {
    strict::read(text).map_or_else(|| parse_json(text), |document| Ok(document.root()))
}

/// The JSON text of a value, as `$input.json` gives it: compact, `/` as it is.
///
/// # Errors
/// A sentence, where the value is too large or contains itself.
pub fn to_json(value: &Value) -> Result<String, String> {
    let limits = Limits::default();
    let mut out = String::new();
    match write::write_json(value, false, &mut out, limits.string_bytes, &mut Meter::new(limits)) {
        Ok(()) => Ok(out),
        Err(crate::halt::Halt::Failed(failure)) => Err(failure.detail),
        Err(_) => Ok(out),
    }
}

/// How many names of members are remembered, so that a list of a thousand objects keeps each name once.
const KEYS: usize = 32;

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    depth: usize,
    /// Names read before, each in the place that its length and ends give it.
    keys: [Option<Text>; KEYS],
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied().filter(|b| *b != END_OF_TEXT)
    }

    fn unexpected(&self) -> String {
        match self.text.get(self.pos..).and_then(|rest| rest.chars().next()) {
            Some(c) if self.peek().is_some() => format!("unexpected `{c}` at position {}", self.pos),
            _ => format!("unexpected end at position {}", self.pos),
        }
    }

    fn value(&mut self, stop: &str) -> Result<Value, String> {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.pos += 1;
        }
        match self.peek() {
            Some(b':' | b'}' | b']') => Err(self.unexpected()),
            Some(b'{') => self.nested(Reader::object),
            Some(b'[') => self.nested(Reader::array),
            Some(b'"' | b'\'') => Ok(Value::text(&self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(stop),
            _ => Ok(match self.bare(stop) {
                "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "NaN" => Value::Double(f64::NAN),
                text => Value::text(text),
            }),
        }
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Value, String>) -> Result<Value, String> {
        if self.depth >= JSON_DEPTH_MAX {
            return Err(format!("nested deeper than {JSON_DEPTH_MAX} levels"));
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
        java_trim(&self.text[start..self.pos])
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

    fn number(&mut self, stop: &str) -> Result<Value, String> {
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
                self.run(stop);
                return Ok(Value::text(java_trim(&self.text[start..self.pos])));
            }
            self.pos += 1;
            self.digits();
        }
        self.skip();
        // A character from 126 on does not make it a string: the library takes it for the end.
        if self.peek().is_some_and(|b| b < 126 && !stop.as_bytes().contains(&b)) {
            self.run(stop);
            return Ok(Value::text(java_trim(&self.text[start..self.pos])));
        }
        let image = java_trim(&self.text[start..self.pos]);
        let bad = || format!("`{image}` at position {start} is no number");
        if float {
            if image.len() > DOUBLE_CHARS_MAX {
                return Ok(Value::Decimal(Rc::new(Decimal::parse(image).ok_or_else(bad)?)));
            }
            return Ok(Value::Double(image.parse().map_err(|_| bad())?));
        }
        if image == "-" {
            return Ok(Value::Int(0));
        }
        match image.parse::<i64>() {
            Ok(n) => Ok(Value::integer(n)),
            Err(_) => Ok(Value::big(image.parse().map_err(|_| bad())?)),
        }
    }

    fn array(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        self.pos += 1;
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r' | b',') => self.pos += 1,
                Some(b']') => {
                    self.pos += 1;
                    return Ok(Value::list(ListKind::Json, items));
                }
                None | Some(b':' | b'}') => return Err(self.unexpected()),
                Some(_) => items.push(self.value(",]")?),
            }
        }
    }

    fn object(&mut self) -> Result<Value, String> {
        let map = Map::new(MapKind::Linked);
        loop {
            self.pos += 1;
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r' | b',') => continue,
                Some(b':' | b'[' | b']' | b'{') => return Err(self.unexpected()),
                Some(b'}') => {
                    self.pos += 1;
                    return Ok(Value::Map(Rc::new(map)));
                }
                _ => {}
            }
            let key = match self.peek() {
                Some(b'"' | b'\'') => self.string()?,
                _ => Cow::Borrowed(self.bare(":")),
            };
            let key = self.key(&key);
            self.skip();
            if self.peek() != Some(b':') {
                return Err(self.unexpected());
            }
            self.pos += 1;
            if self.pos >= self.bytes.len() {
                return Err(self.unexpected());
            }
            let value = self.value(",}")?;
            map.put(key, value);
            self.skip();
            match self.peek() {
                Some(b'}') => {
                    self.pos += 1;
                    return Ok(Value::Map(Rc::new(map)));
                }
                Some(b',') => {}
                _ => return Err(self.unexpected()),
            }
        }
    }

    /// A member's name; one that was read before is shared.
    fn key(&mut self, name: &str) -> Value {
        let ends = name
            .as_bytes()
            .first()
            .zip(name.as_bytes().last())
            .map_or(0, |(a, b)| usize::from(*a) ^ usize::from(*b) << 2);
        let place = &mut self.keys[((name.len() * 7) ^ ends) % KEYS];
        match place {
            Some(known) if **known == *name => Value::Text(known.clone()),
            _ => Value::Text(place.insert(name.into()).clone()),
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

/// Java's `trim`: everything up to the blank goes, at both ends.
pub(crate) fn java_trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}
