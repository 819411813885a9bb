//! `resources`: what a service says to its template itself.

use crate::fault::Fault;
use crate::node::{Node, Value};

/// The parts of a resource that `extensions` may say.
const EXTENDED: &[&str] = &[
    "Condition",
    "CreationPolicy",
    "DeletionPolicy",
    "UpdatePolicy",
    "UpdateReplacePolicy",
    "Properties",
    "DependsOn",
];

/// Puts what a service says into the template that was made of it: a map, or a list of them.
pub(super) fn resources(template: &mut Node, own: &Node, faults: &mut Vec<Fault>) {
    let single = std::slice::from_ref(own);
    for part in own.as_list().unwrap_or(single) {
        if part.value == Value::Null {
            continue;
        }
        let Some(map) = part.as_map() else {
            faults.push(Fault::new(format!("resources are a map, not {}", part.kind()), "resources", part.place));
            continue;
        };
        let mut map = map.clone();
        let extensions = map.shift_remove("extensions");
        merge(template, &Node { value: Value::Map(map), place: part.place });
        for (id, said) in extensions.iter().filter_map(Node::as_map).flatten() {
            extend(template, id, said, faults);
        }
    }
}

fn extend(template: &mut Node, id: &str, said: &Node, faults: &mut Vec<Fault>) {
    let path = format!("resources.extensions.{id}");
    let (Some(resource), Some(said_map)) =
        (member(template, "Resources").and_then(|all| member(all, id)), said.as_map())
    else {
        faults.push(Fault::new("there is no such resource to extend", path, said.place));
        return;
    };
    let Value::Map(resource) = &mut resource.value else { return };
    for (name, value) in said_map {
        match (name.as_str(), resource.get_mut(name).map(|node| &mut node.value), &value.value) {
            ("Properties", Some(Value::Map(properties)), Value::Map(more)) => properties.extend(more.clone()),
            ("DependsOn", Some(Value::List(depends)), Value::List(more)) => depends.extend(more.clone()),
            (name, _, _) if EXTENDED.contains(&name) => {
                resource.insert(name.to_owned(), value.clone());
            }
            _ => faults.push(Fault::new(format!("{name} cannot be extended"), path.clone(), value.place)),
        }
    }
}

fn member<'n>(node: &'n mut Node, name: &str) -> Option<&'n mut Node> {
    match &mut node.value {
        Value::Map(map) => map.get_mut(name),
        _ => None,
    }
}

/// Maps are merged member by member and lists item by item; anything else is replaced.
fn merge(target: &mut Node, source: &Node) {
    match (&mut target.value, &source.value) {
        (Value::Map(target), Value::Map(source)) => {
            for (name, value) in source {
                match target.get_mut(name) {
                    Some(target) => merge(target, value),
                    None => {
                        target.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (Value::List(target), Value::List(source)) => {
            for (at, value) in source.iter().enumerate() {
                match target.get_mut(at) {
                    Some(target) => merge(target, value),
                    None => target.push(value.clone()),
                }
            }
        }
        _ => *target = source.clone(),
    }
}
