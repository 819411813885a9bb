//! From evaluated properties to a path and a body of the control plane.

use serde_json::{Map as JsonMap, Value as Json};
use types::nearest::nearest;

use crate::fault::Fault;
use crate::kinds::{Kind, Property};
use crate::node::{Node, Value};
use crate::template::Template;

/// What can be said of properties before anything is evaluated: which ones there are. Source of the words: CloudFormation's
/// validation of properties by the schemas of types.
pub(super) fn faults(template: &Template, order: &[&str]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for logical in order {
        let Some(resource) = template.resources.get(*logical) else { continue };
        let (Some(kind), Some(properties)) = (Kind::of(&resource.kind), resource.properties.as_map()) else { continue };
        if resource.properties.as_function().is_some() {
            continue;
        }
        let path = format!("Resources.{logical}.Properties");
        for (name, value) in properties {
            if kind.property(name).is_none() {
                let names = kind.properties.iter().map(|property| property.name);
                let hint = nearest(name, names).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                let text = format!("extraneous key [{name}] is not permitted{hint}");
                faults.push(Fault::new(text, &path, value.place));
            }
        }
        for property in kind.properties.iter().filter(|property| property.is_required) {
            if !properties.contains_key(property.name) {
                let text = format!("required key [{}] not found", property.name);
                faults.push(Fault::new(text, &path, resource.place));
            }
        }
    }
    faults
}

/// What is sent to make a resource.
#[derive(Debug, PartialEq)]
pub(super) struct Sent {
    /// The collection's path.
    pub(super) collection: String,
    /// The body.
    pub(super) body: Json,
}

/// Makes what is sent of evaluated properties. `own_name` is what a resource is called that must have a name and was given none.
///
/// # Errors
/// A property of the wrong kind, or one in the path that evaluated to nothing.
pub(super) fn sent(kind: &Kind, properties: &Node, path: &str, own_name: &str) -> Result<Sent, Fault> {
    let mut body = JsonMap::new();
    let mut collection = kind.collection.to_owned();
    let wrong = || Fault::new(format!("a map belongs here, not {}", properties.kind()), path, properties.place);
    let given = properties.as_map().ok_or_else(wrong)?;
    for (name, value) in given {
        let Some(property) = kind.property(name) else {
            return Err(Fault::new(format!("extraneous key [{name}] is not permitted"), path, value.place));
        };
        let at = format!("{path}.{name}");
        let Some(json) = property.shape.json(value, &at)? else { continue };
        if kind.is_in_path(name) {
            let text = json.as_str().unwrap_or_default();
            if text.is_empty() {
                return Err(Fault::new("a value belongs here, and it is empty", at, value.place));
            }
            collection = collection.replace(&format!("{{{name}}}"), &encoded(text));
        } else {
            body.insert(property.wire(), json);
        }
    }
    let missing = |property: &&Property| property.is_required && !given.contains_key(property.name);
    if let Some(property) = kind.properties.iter().find(missing) {
        return Err(Fault::new(format!("required key [{}] not found", property.name), path, properties.place));
    }
    // CloudFormation makes up a name. Source: documented.
    if kind.name == "AWS::ApiGateway::UsagePlan" && !body.contains_key("name") {
        body.insert("name".into(), own_name.into());
    }
    Ok(Sent { collection, body: Json::Object(body) })
}

/// A segment of a path.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

/// Which members differ, one level into maps: `requestParameters.x`.
pub(super) fn differences(old: &Json, new: &Json) -> Vec<String> {
    let mut names = Vec::new();
    let empty = JsonMap::new();
    let (old, new) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
    for name in new.keys().chain(old.keys().filter(|name| !new.contains_key(*name))) {
        match (old.get(name), new.get(name)) {
            (a, b) if a == b => {}
            (Some(Json::Object(a)), Some(Json::Object(b))) => {
                let keys = b.keys().chain(a.keys().filter(|key| !b.contains_key(*key)));
                names.extend(keys.filter(|key| a.get(*key) != b.get(*key)).map(|key| format!("{name}.{key}")));
            }
            _ => names.push(name.clone()),
        }
    }
    names
}

/// The property that a refusal speaks of: its place is what a person looks for.
pub(super) fn blamed<'n>(kind: &Kind, properties: &'n Node, message: &str) -> Option<(&'static str, &'n Node)> {
    let lower = message.to_ascii_lowercase();
    let words = |name: &str| {
        let is_word = message.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.eq_ignore_ascii_case(name));
        // `RouteKey` is "route key" in sentences.
        is_word || (spaced(name).contains(' ') && lower.contains(&spaced(name)))
    };
    // A key or a value that the text repeats tells more than the name of a property.
    let named = kind.properties.iter().filter(|property| words(property.name) || words(&property.wire()));
    let found = named.filter_map(|property| Some((property.name, properties.get(property.name)?))).next();
    let quoted = || {
        let all = properties.as_map()?.iter();
        let speaks = |node: &Node| node.as_str().is_some_and(|text| text.len() > 2 && message.contains(text));
        let within = |node: &Node| match &node.value {
            Value::Map(map) => map.iter().any(|(key, value)| message.contains(key.as_str()) || speaks(value)),
            _ => speaks(node),
        };
        let name = |name: &str| kind.property(name).map(|property| property.name);
        all.filter(|(_, node)| within(node)).find_map(|(key, node)| Some((name(key)?, node)))
    };
    found.or_else(quoted)
}

fn spaced(name: &str) -> String {
    let mut spaced = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !spaced.is_empty() {
            spaced.push(' ');
        }
        spaced.push(c.to_ascii_lowercase());
    }
    spaced
}
