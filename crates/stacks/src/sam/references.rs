//! References inside SAM's resources: parameters that SAM puts in early, and names such as `Ws.Stage` of what it makes.

use indexmap::IndexMap;

use crate::node::{Node, Value};
use crate::transforms::Known;

/// A value with the parameters that are known already. Other references and functions stay.
pub(crate) fn with_parameters(node: &Node, known: &Known) -> Node {
    walk(node, &|node| match node.as_function() {
        Some(("Ref", name)) => known.value(name.as_str()?).map(|value| Node::text(value, node.place)),
        Some(("Fn::Sub", argument)) => Some(with_text(node, argument, |name| known.value(name).map(str::to_owned))),
        _ => None,
    })
}

/// A document in which names such as `Ws.Stage` are the ids of what they stand for.
pub(super) fn resolved(node: &Node, made: &IndexMap<String, String>) -> Node {
    if made.is_empty() {
        return node.clone();
    }
    walk(node, &|node| match node.as_function()? {
        ("Ref", name) => {
            let id = made.get(name.as_str()?)?;
            Some(Node::map([("Ref", Node::text(id, name.place))], node.place))
        }
        ("Fn::Sub", argument) => Some(with_text(node, argument, |name| {
            let (resource, rest) = name.split_once('.')?;
            let (property, rest) = rest.split_once('.').map_or((rest, None), |(property, rest)| (property, Some(rest)));
            let id = made.get(&format!("{resource}.{property}"))?;
            Some(rest.map_or_else(|| format!("${{{id}}}"), |rest| format!("${{{id}.{rest}}}")))
        })),
        ("Fn::GetAtt", argument) => {
            let parts: Vec<&str> = argument.as_list()?.iter().map(Node::as_str).collect::<Option<_>>()?;
            let name = parts.join(".");
            let mut parts = name.split('.');
            let id = made.get(&format!("{}.{}", parts.next()?, parts.next()?))?;
            let parts = std::iter::once(id.as_str()).chain(parts);
            let list = Node::list(parts.map(|part| Node::text(part, argument.place)), argument.place);
            Some(Node::map([("Fn::GetAtt", list)], node.place))
        }
        _ => None,
    })
}

/// Each value of a tree by what `change` makes of it, from the top down.
fn walk(node: &Node, change: &impl Fn(&Node) -> Option<Node>) -> Node {
    let changed = change(node);
    let node = changed.as_ref().unwrap_or(node);
    let value = match &node.value {
        Value::List(items) => Value::List(items.iter().map(|item| walk(item, change)).collect()),
        Value::Map(map) => Value::Map(map.iter().map(|(key, value)| (key.clone(), walk(value, change))).collect()),
        other => other.clone(),
    };
    Node { value, place: node.place }
}

/// `Fn::Sub` with another text: the whole argument or the first of its list.
fn with_text(node: &Node, argument: &Node, value: impl Fn(&str) -> Option<String>) -> Node {
    let argument = match &argument.value {
        _ if argument.kind() == "a text" => {
            Node::text(filled(argument.as_str().unwrap_or_default(), value), argument.place)
        }
        Value::List(items) => {
            let mut items = items.clone();
            if let Some(first) = items.first_mut().filter(|first| first.kind() == "a text")
                && let Some(text) = first.as_str()
            {
                *first = Node::text(filled(text, value), first.place);
            }
            Node::list(items, argument.place)
        }
        _ => argument.clone(),
    };
    Node::map([("Fn::Sub", argument)], node.place)
}

/// A text with `${name}` replaced where the name has a value.
fn filled(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        filled.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let name = inside.find('}').map(|end| &inside[..end]).filter(|name| is_name(name));
        match name.and_then(|name| Some((name, value(name)?))) {
            Some((name, value)) => {
                filled.push_str(&value);
                rest = &inside[name.len() + 1..];
            }
            None => {
                filled.push_str("${");
                rest = inside;
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn is_name(name: &str) -> bool {
    let name = name.strip_prefix("AWS::").unwrap_or(name);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}
