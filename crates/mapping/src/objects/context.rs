//! `$context` and the other maps, as values of the template language.

use std::rc::Rc;

use vtl::{ListKind, Map, MapKind, Value};

/// `$context` of a JSON document: a hash map of 32 buckets at every level, in the document's order within a bucket.
///
/// Source: observed, the dump of a WebSocket API's `$context`.
pub(crate) fn map_of(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let members = map.entries().into_iter().map(|(key, value)| (key, map_of(&value))).collect();
            Value::Map(Rc::new(Map::distinct(MapKind::Hash, members)))
        }
        Value::List(list) => Value::list(ListKind::Json, list.items()),
        other => other.clone(),
    }
}

/// A map of names that are part of the program, which keeps its order.
pub(crate) fn fixed<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    let members = members.into_iter().map(|(key, value)| (Value::fixed(key), value)).collect();
    Value::Map(Rc::new(Map::distinct(MapKind::Linked, members)))
}

/// A map of texts that keeps its order.
pub(crate) fn linked<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let members = members.into_iter().map(|(key, value)| (Value::text(key), value));
    Value::Map(Rc::new(Map::of(MapKind::Linked, members)))
}
