//! A document with its places as JSON: from a program that read a template to the one that applies it.
//!
//! A value is `[line, column, what]`: null, `"text"`, `{"plain": …}`, a list of values, or `{"map": [[key, value], …]}`.

use serde_json::{Value as Json, json};

use crate::node::{Map, Node, Place, Value};

/// How deep it may be nested; what is read of templates is less deep.
const DEPTH_MAX: usize = 120;

/// How many values it may have: more than can be read of a template.
const NODES_MAX: usize = 500_000;

/// Writes a document.
pub fn write(node: &Node) -> Json {
    let what = match &node.value {
        Value::Null => Json::Null,
        Value::Text(text) => json!(text),
        Value::Plain(text) => json!({ "plain": text }),
        Value::List(items) => items.iter().map(write).collect(),
        Value::Map(map) => {
            json!({ "map": map.iter().map(|(key, value)| json!([key, write(value)])).collect::<Vec<_>>() })
        }
    };
    json!([node.place.line, node.place.column, what])
}

/// Reads what [`write`] wrote; `None` for anything else.
pub fn read(json: &Json) -> Option<Node> {
    read_at(json, 0, &mut 0)
}

fn read_at(json: &Json, depth: usize, nodes: &mut usize) -> Option<Node> {
    let [line, column, what] = json.as_array()?.as_slice() else { return None };
    *nodes += 1;
    if depth > DEPTH_MAX || *nodes > NODES_MAX {
        return None;
    }
    let place = Place { line: u32::try_from(line.as_u64()?).ok()?, column: u32::try_from(column.as_u64()?).ok()? };
    let value = match what {
        Json::Null => Value::Null,
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => {
            Value::List(items.iter().map(|item| read_at(item, depth + 1, nodes)).collect::<Option<_>>()?)
        }
        Json::Object(object) => match (object.get("plain"), object.get("map")) {
            (Some(Json::String(text)), None) => Value::Plain(text.clone()),
            (None, Some(Json::Array(members))) => {
                let mut member = |member: &Json| {
                    let [Json::String(key), value] = member.as_array()?.as_slice() else { return None };
                    Some((key.clone(), read_at(value, depth + 1, nodes)?))
                };
                Value::Map(members.iter().map(&mut member).collect::<Option<Map>>()?)
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(Node { value, place })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_comes_back_with_its_places() {
        let node = crate::read::read("a: [1, 'x', {b: !Ref C}]\nd:\n").unwrap();
        assert_eq!(read(&write(&node)), Some(node));
        for wrong in [
            json!([1, 2]),
            json!([1, 2, 3]),
            json!([1, -2, null]),
            json!([1, 2, {"plain": 1}]),
            json!([1, 2, {"map": [["a"]]}]),
            json!("x"),
        ] {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }
}
