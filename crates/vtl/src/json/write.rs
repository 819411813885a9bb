//! Writes values as json-smart does.

use crate::halt::Halt;
use crate::limits::Meter;
use crate::text::write_text;
use crate::value::Value;

/// Writes compact JSON; `slashes`: whether `/` gets a backslash, as in the text of a JSON list.
pub(crate) fn write_json(
    value: &Value,
    slashes: bool,
    out: &mut String,
    bytes_max: usize,
    meter: &mut Meter,
) -> Result<(), Halt> {
    match value {
        Value::Text(text) => quote(text, slashes, out),
        Value::Char(c) => quote(c.encode_utf8(&mut [0; 4]), slashes, out),
        Value::Double(d) if d.is_infinite() => out.push_str("null"),
        Value::List(list) => {
            meter.down()?;
            out.push('[');
            for (i, item) in list.items.borrow().iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                meter.steps(1)?;
                write_json(item, slashes, out, bytes_max, meter)?;
            }
            out.push(']');
            meter.up();
        }
        Value::Map(map) => {
            meter.down()?;
            out.push('{');
            for (i, (key, value)) in map.entries().iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                meter.steps(1)?;
                if let Value::Text(key) = key {
                    quote(key, slashes, out);
                } else {
                    let mut text = String::new();
                    write_text(key, &mut text, bytes_max, meter)?;
                    quote(&text, slashes, out);
                }
                out.push(':');
                write_json(value, slashes, out, bytes_max, meter)?;
            }
            out.push('}');
            meter.up();
        }
        Value::Object(_) | Value::Loop(_) | Value::Entry(_) | Value::Block(_) => out.push_str("{}"),
        plain => return write_text(plain, out, bytes_max, meter),
    }
    if out.len() > bytes_max {
        return Err(Halt::limit(format!("a text of more than {bytes_max} bytes")));
    }
    Ok(())
}

fn quote(text: &str, slashes: bool, out: &mut String) {
    use std::fmt::Write as _;
    out.reserve(text.len() + 2);
    out.push('"');
    let mut plain = 0;
    for (at, c) in text.char_indices() {
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
        plain = at + c.len_utf8();
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
