//! The frequent methods of a document's lists and maps, without thawing it.

use std::rc::Rc;

use crate::halt::Halt;
use crate::limits::Meter;
use crate::value::{Document, ListKind, Value};

/// What a method gives, as it would on the ordinary list or map; `None`: ask that one.
pub(super) fn call(
    document: &Rc<Document>,
    at: u32,
    name: &str,
    args: &[Value],
    meter: &mut Meter,
) -> Result<Option<Value>, Halt> {
    let size = document.size(at);
    Ok(Some(match (name, args) {
        ("size", []) => Value::integer(size as i64),
        ("isEmpty", []) => Value::Bool(size == 0),
        ("get", [Value::Int(n)]) if !document.is_map(at) => {
            return Ok(usize::try_from(*n).ok().and_then(|index| document.item(at, index)));
        }
        _ if !document.is_map(at) => return Ok(None),
        ("get", [Value::Text(name)]) => document.member(at, name).unwrap_or_default(),
        ("containsKey", [Value::Text(name)]) => Value::Bool(document.member(at, name).is_some()),
        ("keySet", []) => view(document, at, 16, meter, |name, _| name)?,
        ("values", []) => view(document, at, 16, meter, |_, value| value)?,
        ("entrySet", []) => view(document, at, 64, meter, |name, value| Value::Entry(Rc::new((name, value))))?,
        _ => return Ok(None),
    }))
}

fn view(
    document: &Rc<Document>,
    at: u32,
    each_bytes: usize,
    meter: &mut Meter,
    part: impl Fn(Value, Value) -> Value,
) -> Result<Value, Halt> {
    let size = document.size(at);
    meter.make(size * each_bytes)?;
    meter.steps(size / 8)?;
    Ok(Value::list(ListKind::View, document.members(at, part)))
}
