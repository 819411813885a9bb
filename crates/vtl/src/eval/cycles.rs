//! Takes apart what contains itself, so that no rendering leaves memory behind.

use std::collections::HashSet;
use std::rc::Rc;

use super::Eval;
use crate::value::Value;

/// How many containers are looked at; a rendering's fuel makes far fewer.
const VISITS_MAX: usize = 2_000_000;

impl Eval {
    /// Empties the containers that can be reached from themselves. Only those that a container was put into can be.
    pub(crate) fn break_cycles(&mut self) {
        let mut visits = 0;
        let mut done = HashSet::new();
        for container in std::mem::take(&mut self.touched) {
            if address(&container).is_some_and(|at| done.insert(at)) && reaches_itself(&container, &mut visits) {
                let ordinary = match &container {
                    Value::Node(document, at) => document.thawed(*at).cloned().unwrap_or_default(),
                    value => value.clone(),
                };
                match ordinary {
                    Value::List(list) => drop(std::mem::take(&mut *list.items.borrow_mut())),
                    Value::Map(map) => map.clear(),
                    _ => {}
                }
            }
        }
    }
}

/// Where a container is; a document that was never thawed contains nothing but itself.
fn address(value: &Value) -> Option<usize> {
    match value {
        Value::Node(document, at) => document.thawed(*at).and_then(address),
        Value::List(list) => Some(Rc::as_ptr(list) as usize),
        Value::Map(map) => Some(Rc::as_ptr(map) as usize),
        Value::Entry(entry) => Some(Rc::as_ptr(entry) as usize),
        _ => None,
    }
}

fn inside(value: &Value) -> Vec<Value> {
    match value {
        Value::Node(document, at) => document.thawed(*at).map(inside).unwrap_or_default(),
        Value::List(list) => list.items().into_iter().filter(Value::is_container).collect(),
        Value::Map(map) => {
            map.entries().into_iter().flat_map(|(key, value)| [key, value]).filter(Value::is_container).collect()
        }
        Value::Entry(entry) => [&entry.0, &entry.1].into_iter().filter(|v| v.is_container()).cloned().collect(),
        _ => Vec::new(),
    }
}

fn reaches_itself(start: &Value, visits: &mut usize) -> bool {
    let Some(wanted) = address(start) else { return false };
    let mut seen = HashSet::new();
    let mut rest = inside(start);
    while let Some(value) = rest.pop() {
        let Some(at) = address(&value) else { continue };
        if at == wanted {
            return true;
        }
        *visits += 1;
        if *visits > VISITS_MAX {
            // Too much to look at: emptying one too many is better than leaving memory behind.
            return true;
        }
        if seen.insert(at) {
            rest.extend(inside(&value));
        }
    }
    false
}
