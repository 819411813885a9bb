//! The methods of maps.

use std::rc::Rc;

use super::failure::{null, surplus};
use crate::equal::equals;
use crate::halt::Halt;
use crate::limits::Meter;
use crate::value::{ListKind, Map, Value};

const WITHOUT_ARGUMENTS: [&str; 8] =
    ["size", "isEmpty", "clear", "keySet", "values", "entrySet", "hashCode", "toString"];

pub(super) fn call(map: &Rc<Map>, name: &str, args: &[Value], meter: &mut Meter) -> Result<Value, Halt> {
    if !args.is_empty() && WITHOUT_ARGUMENTS.contains(&name) {
        return Err(surplus(name));
    }
    Ok(match (name, args) {
        ("get", [key]) => map.get(key).unwrap_or_default(),
        ("put", [key, value]) => {
            meter.make(64)?;
            map.put(key.clone(), value.clone()).unwrap_or_default()
        }
        ("size", []) => Value::integer(map.len() as i64),
        ("isEmpty", []) => Value::Bool(map.is_empty()),
        ("containsKey", [key]) => Value::Bool(map.get(key).is_some()),
        ("containsValue", [value]) => {
            let mut found = false;
            for (_, other) in map.shown().iter() {
                found = found || equals(other, value, meter)?;
            }
            Value::Bool(found)
        }
        ("keySet", []) => view(map, meter, |(key, _)| key.clone())?,
        ("values", []) => view(map, meter, |(_, value)| value.clone())?,
        ("entrySet", []) => {
            meter.make(map.len() * 48)?;
            view(map, meter, |entry| Value::Entry(Rc::new(entry.clone())))?
        }
        ("getOrDefault", [key, other]) => map.get(key).unwrap_or_else(|| other.clone()),
        ("putIfAbsent", [key, value]) => match map.get(key) {
            None | Some(Value::Null) => {
                meter.make(64)?;
                map.put(key.clone(), value.clone());
                Value::Null
            }
            Some(old) => old,
        },
        ("putAll", [other]) if other.is_map() => {
            let Some(other) = other.as_map() else { return Ok(Value::Null) };
            meter.make(other.len() * 64)?;
            for (key, value) in other.entries() {
                map.put(key, value);
            }
            Value::text("")
        }
        ("putAll", [Value::Null]) => return Err(null(name)),
        ("remove", [key]) => {
            meter.steps(map.len() / 16)?;
            map.remove(key).unwrap_or_default()
        }
        ("replace", [key, value]) => match map.get(key) {
            Some(_) => map.put(key.clone(), value.clone()).unwrap_or_default(),
            None => Value::Null,
        },
        ("clear", []) => {
            map.clear();
            Value::text("")
        }
        _ => Value::Null,
    })
}

fn view(map: &Map, meter: &mut Meter, part: impl Fn(&(Value, Value)) -> Value) -> Result<Value, Halt> {
    meter.make(map.len() * 16)?;
    meter.steps(map.len() / 8)?;
    let items = map.shown().iter().map(part).collect();
    Ok(Value::list(ListKind::View, items))
}
