//! What a property of an exported resource is: plain data, and texts in which other resources are named.

use serde_json::{Number, Value as Json};

use crate::kinds::Shape;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    /// A text with references in it.
    Parts(Vec<Part>),
    Flag(bool),
    Number(Number),
    Null,
    List(Vec<Value>),
    /// In its order. Keys are the user's, or the names of members as templates spell them.
    Map(Vec<(String, Value)>),
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Text(String),
    /// What `Ref` gives for a resource: its place in the list.
    Reference(usize),
    /// The ARN of an API, as callers of its methods have it.
    ExecutionArn(usize),
}

impl Value {
    pub(super) fn reference(index: usize) -> Value {
        Value::Parts(vec![Part::Reference(index)])
    }

    pub(super) fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// Any JSON, as it is.
    pub(super) fn of_json(json: &Json) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Flag(*flag),
            Json::Number(number) => Value::Number(number.clone()),
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(items) => Value::List(items.iter().map(Value::of_json).collect()),
            Json::Object(members) => {
                Value::Map(members.iter().map(|(key, value)| (key.clone(), Value::of_json(value))).collect())
            }
        }
    }

    /// What a template says for what the API has: the other way round of [`Shape::json`].
    pub(super) fn shaped(shape: Shape, json: &Json) -> Option<Value> {
        let each = |json: &Json, shape: Shape| -> Vec<(String, Value)> {
            let members = json.as_object().into_iter().flatten();
            members.filter_map(|(key, value)| Some((key.clone(), Value::shaped(shape, value)?))).collect()
        };
        Some(match shape {
            Shape::Unused => return None,
            Shape::Text | Shape::Flag | Shape::Number | Shape::Texts => Value::of_json(json),
            Shape::Document => match json.as_str() {
                Some(text) => object(text).map_or_else(|| Value::text(text), |object| Value::of_json(&object)),
                None => Value::of_json(json),
            },
            Shape::TextMap | Shape::TagList => Value::Map(each(json, Shape::Text)),
            Shape::ObjectMap(members) => Value::Map(each(json, Shape::Object(members))),
            Shape::Object(members) => {
                let member = |(name, shape): &(&str, Shape)| {
                    let value = json.get(crate::kinds::small_first(name)).filter(|value| !is_empty(value))?;
                    // The one member of an inner object that is so by itself.
                    if *name == "IpAddressType" && value == "ipv4" {
                        return None;
                    }
                    Some(((*name).to_owned(), Value::shaped(*shape, value)?))
                };
                Value::Map(members.iter().filter_map(member).collect())
            }
            Shape::Objects(members) => {
                let items = json.as_array().into_iter().flatten();
                Value::List(items.filter_map(|item| Value::shaped(Shape::Object(members), item)).collect())
            }
        })
    }

    /// A member of the map that this is.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(members) => members.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// What need not be written: nothing, an empty text, list or map.
pub(super) fn is_empty(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        Json::Bool(_) | Json::Number(_) => false,
    }
}

/// Whether a template would take a map with this key for a function.
pub(super) fn is_function(key: &str) -> bool {
    key == "Ref" || key == "Condition" || key.starts_with("Fn::")
}

fn has_functions(json: &Json) -> bool {
    match json {
        Json::Array(items) => items.iter().any(has_functions),
        Json::Object(members) => members.iter().any(|(key, value)| is_function(key) || has_functions(value)),
        _ => false,
    }
}

/// A JSON object in a text, if it says in other white space exactly what the text says, and no template would read more in it.
fn object(text: &str) -> Option<Json> {
    let object: Json =
        serde_json::from_str(text).ok().filter(|json: &Json| json.is_object() && !has_functions(json))?;
    let (mut dense, mut in_text, mut escaped) = (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        if in_text {
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if c == '"' {
            in_text = true;
        } else if c.is_ascii_whitespace() {
            continue;
        }
        dense.push(c);
    }
    let written = object.to_string();
    (written == dense).then_some(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_an_object_only_where_nothing_is_lost() {
        for (text, is_object) in [
            (r#"{"type":"object"}"#, true),
            ("{ \"a b\" : [1, 2.50e0] }", false),
            ("{\n  \"a \\\" b\" : [ 1, -2.5 ]\n}", true),
            (r#"{"a":1,"a":2}"#, false),
            (r#"{"a":12345678901234567890123}"#, false),
            (r#"{"a":[{"Ref":"b"}]}"#, false),
            ("[1]", false),
            ("{", false),
        ] {
            assert_eq!(object(text).is_some(), is_object, "{text}");
        }
    }
}
