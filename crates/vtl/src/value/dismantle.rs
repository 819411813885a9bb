//! Takes values apart when they go: however deep they nest, that needs no stack.

use std::rc::Rc;

use super::{Document, List, Map, Value};

/// Takes nested containers apart one after the other, so that dropping deep ones needs no stack.
fn dismantle(mut rest: Vec<Value>) {
    while let Some(value) = rest.pop() {
        match value {
            Value::List(list) => {
                if let Some(mut list) = Rc::into_inner(list) {
                    rest.extend(std::mem::take(list.items.get_mut()).into_iter().filter(Value::is_container));
                }
            }
            Value::Map(map) => {
                if let Some(mut map) = Rc::into_inner(map) {
                    rest.extend(map.take_containers());
                }
            }
            Value::Node(document, _) => {
                if let Some(mut document) = Rc::into_inner(document) {
                    rest.extend(document.take_thawed());
                }
            }
            Value::Entry(entry) => {
                if let Some((key, value)) = Rc::into_inner(entry) {
                    rest.extend([key, value].into_iter().filter(Value::is_container));
                }
            }
            _ => {}
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        let items = self.items.get_mut();
        if items.iter().any(Value::is_container) {
            dismantle(std::mem::take(items));
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        let rest = self.take_containers();
        if !rest.is_empty() {
            dismantle(rest);
        }
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        dismantle(self.take_thawed());
    }
}

impl Map {
    fn take_containers(&mut self) -> Vec<Value> {
        let entries = &mut self.members.get_mut().entries;
        if !entries.iter().any(|(key, value)| value.is_container() || key.is_container()) {
            return Vec::new();
        }
        std::mem::take(entries).into_iter().flat_map(|(key, value)| [key, value]).filter(Value::is_container).collect()
    }
}

impl Document {
    fn take_thawed(&mut self) -> Vec<Value> {
        self.thawed.take().unwrap_or_default()
    }
}
