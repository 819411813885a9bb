//! The properties and methods of values.
//!
//! A method that does not exist, or takes other arguments, gives null; one that has no result the empty text; one that
//! fails ends the rendering.

use std::rc::Rc;

use crate::equal::{equals, hash};
use crate::halt::Halt;
use crate::limits::Meter;
use crate::patterns::Compiled;
use crate::print::to_text;
use crate::value::{ListKind, Loop, Value};

pub(crate) mod failure;
mod format;
mod list;
mod map;
mod node;
mod number;
mod string;

/// The property `name` of a value: a getter, a map's member, an `is…` method.
pub(crate) fn property(value: &Value, name: &str) -> Value {
    match value {
        // Every object has a class, which no template gets to see.
        _ if name == "class" => Value::Null,
        Value::Map(map) => map.member(name).unwrap_or_default(),
        Value::Node(document, at) if document.is_map(*at) => document.member(*at, name).unwrap_or_default(),
        Value::Node(document, at) if name == "empty" => Value::Bool(document.size(*at) == 0),
        Value::Object(object) => object.get(name).unwrap_or_default(),
        Value::Text(text) => match name {
            "empty" => Value::Bool(text.is_empty()),
            "bytes" => string::bytes(text),
            _ => Value::Null,
        },
        Value::List(list) => match name {
            "empty" if list.kind != ListKind::Iterator && !list.is_array() => Value::Bool(list.is_empty()),
            _ => Value::Null,
        },
        Value::Entry(entry) => match name {
            "key" => entry.0.clone(),
            "value" => entry.1.clone(),
            _ => Value::Null,
        },
        Value::Loop(this) => loop_property(this, name),
        Value::Double(d) => match name {
            "naN" | "NaN" => Value::Bool(d.is_nan()),
            "infinite" => Value::Bool(d.is_infinite()),
            _ => Value::Null,
        },
        _ => Value::Null,
    }
}

fn loop_property(this: &Rc<Loop>, name: &str) -> Value {
    let index = this.index.get();
    match name {
        "count" => Value::integer(index as i64 + 1),
        "index" => Value::integer(index as i64),
        "hasNext" => Value::Bool(this.has_next.get()),
        "first" => Value::Bool(index == 0),
        "last" => Value::Bool(!this.has_next.get()),
        "parent" => this.parent.clone().map(Value::Loop).unwrap_or_default(),
        "topmost" => {
            let mut top = this.clone();
            while let Some(parent) = top.parent.clone() {
                top = parent;
            }
            Value::Loop(top)
        }
        name => this.own.member(name).unwrap_or_default(),
    }
}

/// Calls a method. `pattern`: the first argument compiled, where it is a regular expression.
pub(crate) fn call(
    target: &Value,
    name: &str,
    args: &[Value],
    pattern: Option<&Compiled>,
    meter: &mut Meter,
) -> Result<Value, Halt> {
    if let Value::Object(object) = target {
        return match (object.call(name, args), args) {
            (None, [other]) if name == "equals" => equals(target, other, meter).map(Value::Bool),
            (None, _) => Ok(Value::Null),
            (Some(Ok(value)), _) => {
                match &value {
                    Value::Text(text) => meter.string(text.len())?,
                    // What was read from a text.
                    value if value.is_container() => meter.make(read_bytes(args))?,
                    _ => {}
                }
                Ok(value)
            }
            (Some(Err(message)), _) => Err(Halt::eval(message)),
        };
    }
    if let Value::Node(document, at) = target {
        if let Some(value) = node::call(document, *at, name, args, meter)? {
            return Ok(value);
        }
        return call(&document.thaw(*at), name, args, pattern, meter);
    }
    // The methods of texts and lists take their arguments apart, which ordinary values can be.
    if matches!(target, Value::Text(_) | Value::List(_)) && args.iter().any(|arg| matches!(arg, Value::Node(..))) {
        let args: Vec<_> = args.iter().map(|arg| arg.clone().thaw()).collect();
        return call(target, name, &args, pattern, meter);
    }
    match (name, args) {
        ("equals", [other]) => return equals(target, other, meter).map(Value::Bool),
        ("hashCode", []) => return hash(target, meter).map(Value::Int),
        ("toString", []) => {
            let text = to_text(target, meter)?;
            meter.string(text.len())?;
            return Ok(Value::text(&text));
        }
        _ => {}
    }
    match target {
        Value::Text(text) => string::call(text, name, args, pattern, meter),
        Value::List(list) => list::call(list, name, args, meter),
        Value::Map(map) => map::call(map, name, args, meter),
        Value::Entry(entry) => Ok(match (name, args) {
            ("getKey", []) => entry.0.clone(),
            ("getValue", []) => entry.1.clone(),
            _ => Value::Null,
        }),
        Value::Loop(this) => Ok(match (name, args) {
            ("hasNext" | "getHasNext", []) => loop_property(this, "hasNext"),
            ("isFirst" | "getFirst", []) => loop_property(this, "first"),
            ("isLast" | "getLast", []) => loop_property(this, "last"),
            ("getCount", []) => loop_property(this, "count"),
            ("getIndex", []) => loop_property(this, "index"),
            ("getParent", []) => loop_property(this, "parent"),
            ("getTopmost", []) => loop_property(this, "topmost"),
            _ => return map::call(&this.own, name, args, meter),
        }),
        Value::Bool(_) | Value::Char(_) => number::call_plain(target, name, args),
        Value::Null | Value::Block(_) | Value::Object(_) | Value::Node(..) => Ok(Value::Null),
        _ => number::call(target, name, args, meter),
    }
}

/// How much memory the lists and maps may take that are read from these texts.
fn read_bytes(args: &[Value]) -> usize {
    const EACH: usize = 16;
    args.iter().filter_map(Value::as_text).map(|text| text.len() * EACH).sum()
}
