//! The methods of lists, arrays, and what maps show of themselves.

use std::rc::Rc;

use super::failure::{mismatch, null, out_of_range, surplus};
use crate::equal::equals;
use crate::halt::Halt;
use crate::limits::Meter;
use crate::print::write_json;
use crate::value::{List, ListKind, Value};

const WITHOUT_ARGUMENTS: [&str; 6] = ["size", "isEmpty", "clear", "iterator", "hashCode", "toString"];

pub(super) fn call(list: &Rc<List>, name: &str, args: &[Value], meter: &mut Meter) -> Result<Value, Halt> {
    if list.kind == ListKind::Iterator {
        return iterator(list, name, args);
    }
    if !args.is_empty() && WITHOUT_ARGUMENTS.contains(&name) {
        return Err(surplus(name));
    }
    if let ("containsAll" | "addAll" | "removeAll" | "retainAll", [.., Value::List(other)]) = (name, args)
        && (other.is_array() || other.kind == ListKind::Iterator)
    {
        return Ok(Value::Null);
    }
    let indexed = list.kind != ListKind::View;
    let grows = matches!(list.kind, ListKind::Literal | ListKind::Json);
    Ok(match (name, args) {
        ("size", []) => Value::integer(list.len() as i64),
        ("isEmpty", []) => Value::Bool(list.is_empty()),
        ("get", [Value::Int(n)]) if indexed => {
            let items = list.items.borrow();
            let found = usize::try_from(*n).ok().and_then(|i| items.get(i)).cloned();
            found.ok_or_else(|| out_of_range(name, i64::from(*n), items.len()))?
        }
        ("set", [Value::Int(n), value]) if indexed => {
            if !list.takes(value) {
                return Err(mismatch());
            }
            let mut items = list.items.borrow_mut();
            let len = items.len();
            let place = usize::try_from(*n).ok().and_then(|i| items.get_mut(i));
            std::mem::replace(place.ok_or_else(|| out_of_range(name, i64::from(*n), len))?, value.clone())
        }
        ("contains", [value]) => Value::Bool(position(list, value, meter)?.is_some()),
        ("indexOf", [value]) if indexed => found(position(list, value, meter)?),
        ("lastIndexOf", [value]) if indexed => {
            let items = list.items.borrow();
            let mut last = None;
            for (i, item) in items.iter().enumerate().rev() {
                if equals(item, value, meter)? {
                    last = Some(i);
                    break;
                }
            }
            found(last)
        }
        ("containsAll" | "addAll" | "removeAll" | "retainAll", [Value::Node(document, at)]) => {
            return call(list, name, &[document.thaw(*at)], meter);
        }
        ("addAll", [index, Value::Node(document, at)]) => {
            return call(list, name, &[index.clone(), document.thaw(*at)], meter);
        }
        ("containsAll", [Value::List(others)]) => {
            let mut all = true;
            for other in others.items() {
                all = all && position(list, &other, meter)?.is_some();
            }
            Value::Bool(all)
        }
        ("iterator", []) => {
            meter.make(list.len() * 16)?;
            Value::list(ListKind::Iterator, list.items())
        }
        ("toArray", []) => {
            meter.make(list.len() * 16)?;
            Value::list(ListKind::Array, list.items())
        }
        ("subList", [Value::Int(from), Value::Int(to)]) if indexed => {
            let items = list.items.borrow();
            let range = usize::try_from(*from).ok().zip(usize::try_from(*to).ok());
            let part = range.and_then(|(from, to)| items.get(from..to));
            let part = part.ok_or_else(|| out_of_range(name, i64::from(*to), items.len()))?;
            meter.make(part.len() * 16)?;
            Value::list(ListKind::Literal, part.to_vec())
        }
        ("toJSONString", []) if list.kind == ListKind::Json => {
            let mut out = String::new();
            write_json(&Value::List(list.clone()), true, &mut out, meter.limits.string_bytes, meter)?;
            meter.string(out.len())?;
            Value::from(out)
        }
        ("addAll" | "removeAll" | "retainAll" | "containsAll", [Value::Null]) if grows => return Err(null(name)),
        _ if grows => change(list, name, args, meter)?,
        ("add", [_]) | ("addAll", [Value::List(_)]) if list.kind == ListKind::View => {
            return Err(Halt::eval(format!("{name}(): what a map shows of itself takes nothing")));
        }
        _ if list.kind != ListKind::View => fixed(list, name, args, meter)?,
        _ => Value::Null,
    })
}

/// What would change the length of an array: an error, unless nothing had to change.
fn fixed(list: &Rc<List>, name: &str, args: &[Value], meter: &mut Meter) -> Result<Value, Halt> {
    let changes = match (name, args) {
        ("add", [_] | [Value::Int(_), _]) | ("remove", [Value::Int(_)]) => true,
        ("remove", [value]) => position(list, value, meter)?.is_some(),
        ("clear", []) => !list.is_empty(),
        ("addAll", [Value::List(others)] | [Value::Int(_), Value::List(others)]) => !others.is_empty(),
        ("removeAll" | "retainAll", [Value::List(others)]) => {
            let mut changes = false;
            for item in list.items() {
                changes = changes || position(others, &item, meter)?.is_some() == (name == "removeAll");
            }
            changes
        }
        _ => return Ok(Value::Null),
    };
    match name {
        _ if changes => Err(Halt::eval(format!("{name}(): the length of an array is fixed"))),
        "clear" => Ok(Value::text("")),
        _ => Ok(Value::Bool(false)),
    }
}

fn iterator(list: &List, name: &str, args: &[Value]) -> Result<Value, Halt> {
    Ok(match (name, args) {
        ("hasNext" | "next", [_, ..]) => return Err(surplus(name)),
        ("hasNext", []) => Value::Bool(!list.is_empty()),
        ("next", []) => {
            if list.is_empty() {
                return Err(Halt::eval("next(): nothing is left"));
            }
            list.items.borrow_mut().remove(0)
        }
        _ => Value::Null,
    })
}

fn change(list: &Rc<List>, name: &str, args: &[Value], meter: &mut Meter) -> Result<Value, Halt> {
    meter.make(16)?;
    // Moving the items behind one takes time.
    let move_items = |meter: &mut Meter| meter.steps(list.len() / 64);
    Ok(match (name, args) {
        ("add", [value]) => {
            list.items.borrow_mut().push(value.clone());
            Value::Bool(true)
        }
        ("add", [Value::Int(n), value]) => {
            move_items(meter)?;
            let at = insertion(list, name, *n)?;
            list.items.borrow_mut().insert(at, value.clone());
            Value::text("")
        }
        ("addAll", [Value::List(others)]) => add_all(list, list.len(), others, meter)?,
        ("addAll", [Value::Int(n), Value::List(others)]) => {
            let at = insertion(list, name, *n)?;
            add_all(list, at, others, meter)?
        }
        ("remove", [Value::Int(n)]) => {
            move_items(meter)?;
            let len = list.len();
            let at = usize::try_from(*n).ok().filter(|i| *i < len);
            let at = at.ok_or_else(|| out_of_range(name, i64::from(*n), len))?;
            list.items.borrow_mut().remove(at)
        }
        ("remove", [value]) => match position(list, value, meter)? {
            Some(at) => {
                let removed = list.items.borrow_mut().remove(at);
                drop(removed);
                Value::Bool(true)
            }
            None => Value::Bool(false),
        },
        ("clear", []) => {
            let old = std::mem::take(&mut *list.items.borrow_mut());
            drop(old);
            Value::text("")
        }
        ("removeAll" | "retainAll", [Value::List(others)]) => {
            let keep_found = name == "retainAll";
            let mut kept = Vec::new();
            let items = list.items();
            for item in &items {
                if position(others, item, meter)?.is_some() == keep_found {
                    kept.push(item.clone());
                }
            }
            let changed = kept.len() != items.len();
            let old = std::mem::replace(&mut *list.items.borrow_mut(), kept);
            drop(old);
            Value::Bool(changed)
        }
        _ => Value::Null,
    })
}

fn add_all(list: &List, at: usize, others: &List, meter: &mut Meter) -> Result<Value, Halt> {
    let others = others.items();
    meter.make(others.len() * 16)?;
    meter.steps(list.len() / 64)?;
    let changed = !others.is_empty();
    list.items.borrow_mut().splice(at..at, others);
    Ok(Value::Bool(changed))
}

fn insertion(list: &List, name: &str, n: i32) -> Result<usize, Halt> {
    let len = list.len();
    usize::try_from(n).ok().filter(|at| *at <= len).ok_or_else(|| out_of_range(name, i64::from(n), len))
}

fn found(index: Option<usize>) -> Value {
    index.map_or(Value::Int(-1), |i| Value::integer(i as i64))
}

fn position(list: &List, value: &Value, meter: &mut Meter) -> Result<Option<usize>, Halt> {
    for (i, item) in list.items.borrow().iter().enumerate() {
        if equals(item, value, meter)? {
            return Ok(Some(i));
        }
    }
    Ok(None)
}
