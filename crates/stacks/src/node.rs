//! A value of a template, with the place where somebody wrote it.

use std::fmt;

use indexmap::IndexMap;
use serde_json::{Number, Value as Json};

/// A value and its place. What a template evaluates to is made of these too, so that a fault of a resource that was made of
/// several files and functions still names a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands.
    pub place: Place,
}

/// Line and column, from 1. 0 is nowhere: a value that nobody wrote.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

/// A map in the order of the file.
pub type Map = IndexMap<String, Node>;

/// What a value is. Nothing is converted when it is read: `012` and `yes` are what they are only where somebody knows what is
/// wanted there.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing was written, `~`, or `null`.
    #[default]
    Null,
    /// In quotes, or a block of text: text and nothing else.
    Text(String),
    /// Without quotes (YAML's plain scalars; JSON's numbers and booleans): a number, a boolean or text.
    Plain(String),
    /// A list.
    List(Vec<Node>),
    /// A map. YAML's short tags are read as their long forms: `!GetAtt A.B` is `{"Fn::GetAtt": ["A", "B"]}`.
    Map(Map),
}

impl Node {
    /// A text that stands at a place.
    pub fn text(text: impl Into<String>, place: Place) -> Node {
        Node { value: Value::Text(text.into()), place }
    }

    /// A map that stands at a place.
    pub fn map<K: Into<String>>(members: impl IntoIterator<Item = (K, Node)>, place: Place) -> Node {
        Node { value: Value::Map(members.into_iter().map(|(key, node)| (key.into(), node)).collect()), place }
    }

    /// A list that stands at a place.
    pub fn list(items: impl IntoIterator<Item = Node>, place: Place) -> Node {
        Node { value: Value::List(items.into_iter().collect()), place }
    }

    /// A value that nobody wrote.
    pub fn nowhere(value: Value) -> Node {
        Node { value, place: Place::default() }
    }

    /// What somebody else's JSON says, such as our own tables; it stands nowhere.
    pub fn of_json(json: &Json) -> Node {
        Node::nowhere(match json {
            Json::Null => Value::Null,
            Json::Bool(_) | Json::Number(_) => Value::Plain(json.to_string()),
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(items) => Value::List(items.iter().map(Node::of_json).collect()),
            Json::Object(members) => {
                Value::Map(members.iter().map(|(key, value)| (key.clone(), Node::of_json(value))).collect())
            }
        })
    }

    /// A scalar's text, quoted or not.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Plain(text) => Some(text),
            _ => None,
        }
    }

    /// The map that this is.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list that this is.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// A member of the map that this is.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    /// The function and its argument, where this is a map of one member that is `Ref`, `Condition` or begins with `Fn::`.
    pub fn as_function(&self) -> Option<(&str, &Node)> {
        let map = self.as_map().filter(|map| map.len() == 1)?;
        let (name, argument) = map.first()?;
        (name == "Ref" || name == "Condition" || name.starts_with("Fn::")).then_some((name, argument))
    }

    /// The boolean that a scalar says, in the words of YAML 1.1 and JSON.
    pub fn as_bool(&self) -> Option<bool> {
        match self.as_str()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    /// What kind of value it is, as a person says it: "a list".
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Text(_) => "a text",
            Value::Plain(text) if as_number(text).is_some() => "a number",
            Value::Plain(text) if matches!(text.as_str(), "true" | "false") => "a boolean",
            Value::Plain(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// As JSON: plain scalars are numbers and booleans where JSON would write them the same way, else text.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Text(text) => Json::String(text.clone()),
            Value::Plain(text) => match text.as_str() {
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                _ => as_number(text).map_or_else(|| Json::String(text.clone()), Json::Number),
            },
            Value::List(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Value::Map(map) => Json::Object(map.iter().map(|(key, node)| (key.clone(), node.to_json())).collect()),
        }
    }
}

/// A number that is written as JSON writes it; `012`, `1_000` and `.5` are none.
fn as_number(text: &str) -> Option<Number> {
    let number: Number = serde_json::from_str(text).ok()?;
    (number.to_string() == text || number.is_f64()).then_some(number)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_scalar_is_a_number_only_where_json_writes_it_so() {
        for (text, json) in [
            ("12", serde_json::json!(12)),
            ("012", serde_json::json!("012")),
            ("1.5", serde_json::json!(1.5)),
            ("-3", serde_json::json!(-3)),
            ("true", serde_json::json!(true)),
            ("True", serde_json::json!("True")),
            ("yes", serde_json::json!("yes")),
            ("2010-09-09", serde_json::json!("2010-09-09")),
            ("NaN", serde_json::json!("NaN")),
        ] {
            assert_eq!(Node::nowhere(Value::Plain(text.into())).to_json(), json, "{text}");
            assert_eq!(Node::nowhere(Value::Text(text.into())).to_json(), serde_json::json!(text));
        }
    }
}
