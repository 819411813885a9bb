//! Writes values as json-smart does.

use crate::document::{Container, Document, Item};
use crate::halt::Halt;
use crate::limits::Meter;
use crate::map::Map;
use crate::number::write_double;
use crate::text::{check, write_int, write_text};
use crate::value::{List, Value};

/// Writes compact JSON; `slashes`: whether `/` gets a backslash, as in the text of a JSON list.
pub(crate) fn write_json(
    value: &Value,
    slashes: bool,
    out: &mut String,
    bytes_max: usize,
    meter: &mut Meter,
) -> Result<(), Halt> {
    Writer { slashes, out, bytes_max, meter }.value(value)
}

struct Writer<'w> {
    slashes: bool,
    out: &'w mut String,
    bytes_max: usize,
    meter: &'w mut Meter,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value) -> Result<(), Halt> {
        match value {
            Value::Text(text) => quote(text, self.slashes, self.out),
            Value::Char(c) => quote(c.encode_utf8(&mut [0; 4]), self.slashes, self.out),
            Value::Double(d) if d.is_infinite() => self.out.push_str("null"),
            Value::List(list) => self.list(list)?,
            Value::Map(map) => self.map(map)?,
            Value::Node(document, at) => match document.container(*at) {
                Container::Flat(inside, map) => self.flat(document, *at, inside.len, map)?,
                Container::List(list) => self.list(list)?,
                Container::Map(map) => self.map(map)?,
            },
            Value::Object(_) | Value::Loop(_) | Value::Entry(_) | Value::Block(_) => self.out.push_str("{}"),
            plain => return write_text(plain, self.out, self.bytes_max, self.meter),
        }
        self.check()
    }

    fn check(&self) -> Result<(), Halt> {
        check(self.out, self.bytes_max)
    }

    fn list(&mut self, list: &List) -> Result<(), Halt> {
        self.meter.down()?;
        self.out.push('[');
        for (i, item) in list.items.borrow().iter().enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            self.meter.steps(1)?;
            self.value(item)?;
        }
        self.out.push(']');
        self.meter.up();
        Ok(())
    }

    fn map(&mut self, map: &Map) -> Result<(), Halt> {
        self.meter.down()?;
        self.out.push('{');
        for (i, (name, value)) in map.shown().iter().enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            self.meter.steps(1)?;
            if let Value::Text(name) = name {
                quote(name, self.slashes, self.out);
            } else {
                let mut text = String::new();
                write_text(name, &mut text, self.bytes_max, self.meter)?;
                quote(&text, self.slashes, self.out);
            }
            self.out.push(':');
            self.value(value)?;
        }
        self.out.push('}');
        self.meter.up();
        Ok(())
    }

    /// What stands at a place of a document that has not been thawed; gives the place that follows.
    fn item(&mut self, document: &Document, at: u32) -> Result<u32, Halt> {
        let item = document.at(at);
        match item {
            Item::Text(_) | Item::Escaped(_) => {
                quote(document.text(item).unwrap_or_default(), self.slashes, self.out);
            }
            Item::List(inside) => self.flat(document, at, inside.len, false)?,
            Item::Map(inside) => self.flat(document, at, inside.len, true)?,
            Item::Int(n) => write_int(i64::from(n), self.out),
            Item::Long(n) => write_int(n, self.out),
            Item::Double(d) if d.is_infinite() => self.out.push_str("null"),
            Item::Double(d) => write_double(d, self.out),
            Item::Bool(b) => self.out.push_str(if b { "true" } else { "false" }),
            Item::Null => self.out.push_str("null"),
        }
        self.check()?;
        Ok(item.next(at))
    }

    fn flat(&mut self, document: &Document, at: u32, len: u32, map: bool) -> Result<(), Halt> {
        self.meter.down()?;
        self.out.push(if map { '{' } else { '[' });
        let mut place = at + 1;
        for i in 0..len {
            if i > 0 {
                self.out.push(',');
            }
            self.meter.steps(1)?;
            if map {
                place = self.item(document, place)?;
                self.out.push(':');
            }
            place = self.item(document, place)?;
        }
        self.out.push(if map { '}' } else { ']' });
        self.meter.up();
        Ok(())
    }
}

/// The bytes with which something begins that may need an escape.
const CARE: [bool; 256] = {
    let mut care = [false; 256];
    let mut byte = 0;
    while byte < 32 {
        care[byte] = true;
        byte += 1;
    }
    care[b'"' as usize] = true;
    care[b'\\' as usize] = true;
    care[b'/' as usize] = true;
    care[0x7F] = true;
    // U+0080 to U+009F, and U+2000 to U+20FF, are among what begins with these.
    care[0xC2] = true;
    care[0xE2] = true;
    care
};

fn quote(text: &str, slashes: bool, out: &mut String) {
    use std::fmt::Write as _;
    out.reserve(text.len() + 2);
    out.push('"');
    let mut plain = 0;
    let mut from = 0;
    while let Some(len) = text.as_bytes()[from..].iter().position(|byte| CARE[usize::from(*byte)]) {
        let at = from + len;
        let Some(c) = text[at..].chars().next() else { break };
        from = at + c.len_utf8();
        let short = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '/' if slashes => "\\/",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2000}'..='\u{20ff}' => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        plain = from;
        if short.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{:04X}", u32::from(c));
        } else {
            out.push_str(short);
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}
