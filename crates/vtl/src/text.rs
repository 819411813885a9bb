//! The text of values.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::rc::Rc;

use crate::halt::Halt;
use crate::json::write::write_json;
use crate::limits::Meter;
use crate::number::write_double;
use crate::value::{ListKind, Value};

/// Writes the text of `value`. Blocks are the evaluator's to render and write nothing here.
///
/// A list of lists can share its parts and be far longer printed than held: each part takes a step, and `out` may
/// not grow beyond `bytes_max`.
pub(crate) fn write_text(value: &Value, out: &mut String, bytes_max: usize, meter: &mut Meter) -> Result<(), Halt> {
    match value {
        Value::Text(text) => out.push_str(text),
        Value::Int(n) => write_int(i64::from(*n), out),
        Value::Long(n) => write_int(*n, out),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Null => out.push_str("null"),
        Value::Char(c) => out.push(*c),
        Value::Double(d) => write_double(*d, out),
        Value::Big(n) => {
            meter.steps(n.bits() as usize / 16)?;
            let _ = write!(out, "{n}");
        }
        Value::Decimal(d) => {
            meter.steps(d.size())?;
            let _ = write!(out, "{d}");
        }
        Value::List(list) if list.kind == ListKind::Json => return write_json(value, true, out, bytes_max, meter),
        Value::List(list) => match list.kind {
            ListKind::Array => out.push_str("[Ljava.lang.Object;"),
            ListKind::Strings => out.push_str("[Ljava.lang.String;"),
            ListKind::Primitive => out.push_str("[primitive"),
            ListKind::Iterator => out.push_str("java.util.Iterator"),
            _ => {
                meter.down()?;
                out.push('[');
                for (i, item) in list.items.borrow().iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    meter.steps(1)?;
                    match item {
                        Value::List(item) if Rc::ptr_eq(item, list) => out.push_str("(this Collection)"),
                        item => write_text(item, out, bytes_max, meter)?,
                    }
                }
                out.push(']');
                meter.up();
            }
        },
        Value::Map(map) => {
            meter.down()?;
            out.push('{');
            for (i, (key, value)) in map.entries().iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                meter.steps(1)?;
                write_text(key, out, bytes_max, meter)?;
                out.push('=');
                match value {
                    Value::Map(value) if Rc::ptr_eq(value, map) => out.push_str("(this Map)"),
                    value => write_text(value, out, bytes_max, meter)?,
                }
            }
            out.push('}');
            meter.up();
        }
        Value::Entry(entry) => {
            meter.down()?;
            write_text(&entry.0, out, bytes_max, meter)?;
            out.push('=');
            write_text(&entry.1, out, bytes_max, meter)?;
            meter.up();
        }
        Value::Object(object) => out.push_str(&object.text()),
        Value::Loop(this) => return write_text(&Value::Map(this.own.clone()), out, bytes_max, meter),
        Value::Block(_) => {}
    }
    if out.len() > bytes_max {
        return Err(Halt::limit(format!("a text of more than {bytes_max} bytes")));
    }
    Ok(())
}

fn write_int(n: i64, out: &mut String) {
    // The digits from the last to the first; 20 are enough for 64 bits and a sign.
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = n.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if n < 0 {
        out.push('-');
    }
    out.extend(digits[at..].iter().map(|digit| char::from(*digit)));
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
