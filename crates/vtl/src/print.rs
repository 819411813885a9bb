//! The text of values: as Java prints them, and as JSON.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::rc::Rc;

use java::{Style, write_double, write_integer};

use crate::halt::Halt;
use crate::item::Item;
use crate::limits::Meter;
use crate::value::document::Container;
use crate::value::{Document, List, ListKind, Map, Value};

/// A list of a JSON document prints as JSON wherever it stands.
const LIST_OF_JSON: Style = Style::Json { slashes: true };

/// Writes the text of `value`. Blocks are the evaluator's to render and write nothing here.
///
/// A list of lists can share its parts and be far longer printed than held: each part takes a step, and `out` may
/// not grow beyond `bytes_max`.
pub(crate) fn write_text(value: &Value, out: &mut String, bytes_max: usize, meter: &mut Meter) -> Result<(), Halt> {
    Printer { style: Style::Plain, bytes_max, meter }.value(value, out)
}

/// Writes compact JSON, bounded as [`write_text`] is; `slashes`: whether `/` gets a backslash, as in the text of a JSON list.
pub(crate) fn write_json(
    value: &Value,
    slashes: bool,
    out: &mut String,
    bytes_max: usize,
    meter: &mut Meter,
) -> Result<(), Halt> {
    Printer { style: Style::Json { slashes }, bytes_max, meter }.value(value, out)
}

/// Writes what stands at a place of a document.
pub(crate) fn write_item(
    document: &Rc<Document>,
    at: u32,
    out: &mut String,
    bytes_max: usize,
    meter: &mut Meter,
) -> Result<(), Halt> {
    match document.at(at) {
        Item::Int(n) => write_integer(i64::from(n), out),
        Item::Text(_) | Item::Escaped(_) => out.push_str(document.text(document.at(at)).unwrap_or_default()),
        _ => return write_text(&document.value(at), out, bytes_max, meter),
    }
    check(out, bytes_max)
}

/// The text of `value`, borrowed where it is one.
pub(crate) fn to_text<'v>(value: &'v Value, meter: &mut Meter) -> Result<Cow<'v, str>, Halt> {
    if let Value::Text(text) = value {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::new();
    write_text(value, &mut out, meter.limits.string_bytes, meter)?;
    Ok(Cow::Owned(out))
}

/// Whether the text has not become too long.
#[inline]
pub(crate) fn check(out: &str, bytes_max: usize) -> Result<(), Halt> {
    if out.len() > bytes_max {
        return Err(Halt::limit(format!("a text of more than {bytes_max} bytes")));
    }
    Ok(())
}

struct Printer<'m> {
    style: Style,
    bytes_max: usize,
    meter: &'m mut Meter,
}

impl Printer<'_> {
    fn value(&mut self, value: &Value, out: &mut String) -> Result<(), Halt> {
        match value {
            Value::Text(text) => self.style.string(text, out),
            Value::Int(n) => write_integer(i64::from(*n), out),
            Value::Long(n) => write_integer(*n, out),
            Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            Value::Null => out.push_str("null"),
            Value::Char(c) => self.style.string(c.encode_utf8(&mut [0; 4]), out),
            Value::Double(d) => self.double(*d, out),
            // Writing to a string cannot fail.
            Value::Big(n) => {
                self.meter.steps(n.bits() as usize / 16)?;
                let _ = write!(out, "{n}");
            }
            Value::Decimal(d) => {
                self.meter.steps(d.size())?;
                let _ = write!(out, "{d}");
            }
            Value::List(list) => self.list(list, out)?,
            Value::Map(map) => self.map(map, out)?,
            Value::Node(document, at) => match document.container(*at) {
                Container::Flat(inside, is_map) => self.flat(document, *at, inside.len, is_map, out)?,
                Container::List(list) => self.list(list, out)?,
                Container::Map(map) => self.map(map, out)?,
            },
            Value::Object(_) | Value::Loop(_) | Value::Entry(_) | Value::Block(_) if self.style.is_json() => {
                out.push_str("{}");
            }
            Value::Entry(entry) => {
                self.meter.down()?;
                self.value(&entry.0, out)?;
                out.push('=');
                self.value(&entry.1, out)?;
                self.meter.up();
            }
            Value::Object(object) => out.push_str(&object.text()),
            Value::Loop(this) => self.map(&this.own, out)?,
            Value::Block(_) => {}
        }
        check(out, self.bytes_max)
    }

    fn double(&self, d: f64, out: &mut String) {
        if d.is_infinite() && self.style.is_json() {
            return out.push_str("null");
        }
        write_double(d, out);
    }

    fn list(&mut self, list: &Rc<List>, out: &mut String) -> Result<(), Halt> {
        let style = match list.kind {
            _ if self.style.is_json() => self.style,
            ListKind::Literal | ListKind::View => Style::Plain,
            ListKind::Json => return self.json(|printer| printer.list(list, out)),
            kind => {
                out.push_str(match kind {
                    ListKind::Array => "[Ljava.lang.Object;",
                    ListKind::Strings => "[Ljava.lang.String;",
                    ListKind::Primitive => "[primitive",
                    _ => "java.util.Iterator",
                });
                return Ok(());
            }
        };
        self.meter.down()?;
        style.list(out, list.items.borrow().iter(), |out, item| {
            self.meter.steps(1)?;
            match item {
                Value::List(item) if style == Style::Plain && Rc::ptr_eq(item, list) => {
                    out.push_str("(this Collection)");
                    Ok(())
                }
                item => self.value(item, out),
            }
        })?;
        self.meter.up();
        Ok(())
    }

    fn map(&mut self, map: &Rc<Map>, out: &mut String) -> Result<(), Halt> {
        let style = self.style;
        self.meter.down()?;
        style.map(out, map.shown().iter(), |out, (name, value), is| {
            self.meter.steps(1)?;
            match name {
                Value::Text(name) => style.string(name, out),
                name if style.is_json() => {
                    let mut text = String::new();
                    write_text(name, &mut text, self.bytes_max, self.meter)?;
                    style.string(&text, out);
                }
                name => self.value(name, out)?,
            }
            out.push(is);
            if style == Style::Plain && is_this(value, map) {
                out.push_str("(this Map)");
                return Ok(());
            }
            self.value(value, out)
        })?;
        self.meter.up();
        Ok(())
    }

    /// A list or map of a document that has not been thawed.
    fn flat(&mut self, document: &Document, at: u32, len: u32, is_map: bool, out: &mut String) -> Result<(), Halt> {
        let style = self.style;
        if !is_map && !style.is_json() {
            return self.json(|printer| printer.flat(document, at, len, is_map, out));
        }
        self.meter.down()?;
        let mut place = at + 1;
        if is_map {
            style.map(out, 0..len, |out, _, is| {
                self.meter.steps(1)?;
                place = self.item(document, place, out)?;
                out.push(is);
                place = self.item(document, place, out)?;
                Ok(())
            })?;
        } else {
            style.list(out, 0..len, |out, _| {
                self.meter.steps(1)?;
                place = self.item(document, place, out)?;
                Ok(())
            })?;
        }
        self.meter.up();
        Ok(())
    }

    /// What stands at a place of a document that has not been thawed; gives the place that follows.
    fn item(&mut self, document: &Document, at: u32, out: &mut String) -> Result<u32, Halt> {
        let item = document.at(at);
        match item {
            Item::Text(_) | Item::Escaped(_) => self.style.string(document.text(item).unwrap_or_default(), out),
            Item::List(inside) => self.flat(document, at, inside.len, false, out)?,
            Item::Map(inside) => self.flat(document, at, inside.len, true, out)?,
            Item::Int(n) => write_integer(i64::from(n), out),
            Item::Long(n) => write_integer(n, out),
            Item::Double(d) => self.double(d, out),
            Item::Bool(b) => out.push_str(if b { "true" } else { "false" }),
            Item::Null => out.push_str("null"),
        }
        check(out, self.bytes_max)?;
        Ok(item.next(at))
    }

    fn json(&mut self, write: impl FnOnce(&mut Self) -> Result<(), Halt>) -> Result<(), Halt> {
        let outer = std::mem::replace(&mut self.style, LIST_OF_JSON);
        let done = write(self);
        self.style = outer;
        done
    }
}

fn is_this(value: &Value, map: &Rc<Map>) -> bool {
    match value {
        Value::Map(value) => Rc::ptr_eq(value, map),
        Value::Node(document, at) => document.thawed(*at).is_some_and(|value| is_this(value, map)),
        _ => false,
    }
}
