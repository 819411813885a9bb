//! What the values of properties look like, and how they become what the API takes.

use serde_json::{Map as JsonMap, Value as Json};

use crate::fault::Fault;
use crate::node::{Node, Value};

/// The shape of a value. Texts may stand where numbers and booleans are wanted and the other way round, as CloudFormation has
/// it; members of objects are written with a capital in templates and with a small letter in the API.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A text. Numbers and booleans are written out.
    Text,
    /// True or false.
    Flag,
    /// A number.
    Number,
    /// JSON as text: a map is written out.
    Document,
    /// A list of texts; one text counts as a list of it.
    Texts,
    /// A map of texts, whose keys are the user's. It may be written as JSON in a text.
    TextMap,
    /// A map of objects, whose keys are the user's.
    ObjectMap(&'static [(&'static str, Shape)]),
    /// An object with these members.
    Object(&'static [(&'static str, Shape)]),
    /// A list of objects with these members.
    Objects(&'static [(&'static str, Shape)]),
    /// A list of `{Key, Value}`, which the API has as a map.
    TagList,
    /// What only HTTP APIs have, and what says nothing here: taken, left out, and told.
    Unused,
}

impl Shape {
    /// The value that the API takes; none for what is left out.
    ///
    /// # Errors
    /// A value of another kind.
    pub(crate) fn json(self, node: &Node, path: &str) -> Result<Option<Json>, Fault> {
        let wrong = |wanted: &str| Fault::new(format!("{wanted} belongs here, not {}", node.kind()), path, node.place);
        if node.value == Value::Null && !matches!(self, Shape::Unused) {
            return Err(Fault::new("a value belongs here, and nothing is written", path, node.place));
        }
        Ok(Some(match self {
            Shape::Unused => return Ok(None),
            Shape::Text => Json::String(node.as_str().ok_or_else(|| wrong("a text"))?.to_owned()),
            Shape::Flag => Json::Bool(node.as_bool().ok_or_else(|| wrong("true or false"))?),
            Shape::Number => {
                let text = node.as_str().map(str::trim).ok_or_else(|| wrong("a number"))?;
                let whole = text.parse::<i64>().ok().map(Json::from);
                let number = whole.or_else(|| serde_json::Number::from_f64(text.parse().ok()?).map(Json::Number));
                number.ok_or_else(|| wrong("a number"))?
            }
            Shape::Document => match &node.value {
                Value::Map(_) | Value::List(_) => Json::String(node.to_json().to_string()),
                _ => Json::String(node.as_str().unwrap_or_default().to_owned()),
            },
            Shape::Texts => match &node.value {
                Value::List(items) => {
                    let texts = items.iter().enumerate();
                    let texts = texts.map(|(n, item)| Shape::Text.json(item, &format!("{path}.{n}")));
                    Json::Array(texts.filter_map(Result::transpose).collect::<Result<_, _>>()?)
                }
                _ => Json::Array(vec![Json::String(node.as_str().ok_or_else(|| wrong("a list of texts"))?.to_owned())]),
            },
            Shape::TextMap => self.of_map(node, path, "a map of texts", |value, path| {
                // The API has a template or a variable as text, whatever it looks like.
                match &value.value {
                    Value::Map(_) | Value::List(_) => Shape::Document.json(value, path),
                    _ => Shape::Text.json(value, path),
                }
            })?,
            Shape::ObjectMap(members) => {
                self.of_map(node, path, "a map of objects", |value, path| Shape::Object(members).json(value, path))?
            }
            Shape::Object(members) => Json::Object(object(members, node, path)?),
            Shape::Objects(members) => {
                let items = node.as_list().ok_or_else(|| wrong("a list of objects"))?.iter().enumerate();
                let objects = items.map(|(n, item)| Ok(Json::Object(object(members, item, &format!("{path}.{n}"))?)));
                Json::Array(objects.collect::<Result<_, Fault>>()?)
            }
            Shape::TagList => match &node.value {
                Value::Map(_) => return Shape::TextMap.json(node, path),
                _ => {
                    let mut tags = JsonMap::new();
                    for (n, item) in node.as_list().ok_or_else(|| wrong("a list of tags"))?.iter().enumerate() {
                        let path = format!("{path}.{n}");
                        let (Some(key), Some(value)) = (item.get("Key").and_then(Node::as_str), item.get("Value"))
                        else {
                            return Err(Fault::new("a tag has a Key and a Value", path, item.place));
                        };
                        let value = Shape::Text.json(value, &path)?;
                        tags.insert(key.to_owned(), value.unwrap_or_default());
                    }
                    Json::Object(tags)
                }
            },
        }))
    }

    /// A map whose keys are the user's, or a text of JSON that is one.
    fn of_map(
        self,
        node: &Node,
        path: &str,
        wanted: &str,
        each: impl Fn(&Node, &str) -> Result<Option<Json>, Fault>,
    ) -> Result<Json, Fault> {
        if let Some(parsed) = node.as_str().and_then(|text| serde_json::from_str::<JsonMap<String, Json>>(text).ok()) {
            let map = Node { value: Node::of_json(&Json::Object(parsed)).value, place: node.place };
            return self.json(&map, path).map(Option::unwrap_or_default);
        }
        let wrong = || Fault::new(format!("{wanted} belongs here, not {}", node.kind()), path, node.place);
        let mut map = JsonMap::new();
        for (key, value) in node.as_map().ok_or_else(wrong)? {
            if let Some(value) = each(value, &format!("{path}.{key}"))? {
                map.insert(key.clone(), value);
            }
        }
        Ok(Json::Object(map))
    }
}

fn object(members: &[(&'static str, Shape)], node: &Node, path: &str) -> Result<JsonMap<String, Json>, Fault> {
    let wrong = || Fault::new(format!("a map belongs here, not {}", node.kind()), path, node.place);
    let mut object = JsonMap::new();
    for (key, value) in node.as_map().ok_or_else(wrong)? {
        // Some tools write these maps in the API's own spelling.
        let Some((name, shape)) = members.iter().find(|(name, _)| name == key || small_first(name) == *key) else {
            let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
            let text = format!("extraneous key [{key}] is not permitted; there are {}", names.join(", "));
            return Err(Fault::new(text, path, value.place));
        };
        if let Some(value) = shape.json(value, &format!("{path}.{key}"))? {
            object.insert(small_first(name), value);
        }
    }
    Ok(object)
}

/// A property's name as the API spells it.
pub(crate) fn small_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + chars.as_str())
}
