//! What kinds of values SAM's properties take.

use crate::node::{Map, Node, Value};

use super::{Subject, Work};

/// What a property takes, besides functions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Takes {
    /// A text.
    Text,
    /// A boolean.
    Boolean,
    /// A map.
    Map,
}

/// A property: its name, what it takes, and whether it must be there.
pub(super) type Property = (&'static str, Takes, bool);

/// Says what is wrong with a resource's properties; true where nothing is.
pub(super) fn check(subject: &Subject, properties: &[Property], work: &mut Work) -> bool {
    let before = work.faults.len();
    let path = format!("Resources.{}.Properties", subject.id);
    for (name, value) in &subject.properties {
        let Some((_, takes, _)) = properties.iter().find(|(known, ..)| known == name) else {
            work.fault(format!("SAM knows no property {name:?} of this type"), format!("{path}.{name}"), value.place);
            continue;
        };
        if !fits(value, *takes) {
            let wanted = match takes {
                Takes::Text => "a text",
                Takes::Boolean => "a boolean",
                Takes::Map => "a map",
            };
            work.fault(format!("this is {wanted}, not {}", value.kind()), format!("{path}.{name}"), value.place);
        }
    }
    for (name, ..) in
        properties.iter().filter(|(name, _, required)| *required && !subject.properties.contains_key(*name))
    {
        work.fault(format!("the property {name} is missing"), &path, subject.resource.place);
    }
    work.faults.len() == before
}

fn fits(value: &Node, takes: Takes) -> bool {
    // SAM takes any map of one member for a function.
    if value.as_map().is_some_and(|map| map.len() == 1) {
        return true;
    }
    match takes {
        Takes::Text => is_text(value),
        Takes::Boolean => matches!(value.value, Value::Plain(_)) && value.as_bool().is_some(),
        Takes::Map => value.as_map().is_some(),
    }
}

/// Whether YAML reads a text there.
pub(super) fn is_text(value: &Node) -> bool {
    value.kind() == "a text"
}

/// Whether Python, in which the translator is written, takes a value for true.
pub(super) fn is_truthy(value: &Node) -> bool {
    match &value.value {
        Value::Null => false,
        Value::Text(text) => !text.is_empty(),
        Value::Plain(text) => value.as_bool().unwrap_or_else(|| text.parse::<f64>() != Ok(0.0)),
        Value::List(items) => !items.is_empty(),
        Value::Map(map) => !map.is_empty(),
    }
}

/// A member that is there and that Python takes for true.
pub(super) fn truthy<'a>(map: &'a Map, key: &str) -> Option<&'a Node> {
    map.get(key).filter(|value| is_truthy(value))
}

/// A member that is there and says something.
pub(super) fn some<'a>(map: &'a Map, key: &str) -> Option<&'a Node> {
    map.get(key).filter(|value| value.value != Value::Null)
}
