//! A short text that changes with a value.

use sha1_smol::Sha1;

use crate::node::{Node, Value};

/// What tools put behind an id so that it changes with a value. As SAM's translator has it: ten digits of SHA-1, of a text as it is, of
/// anything else as compact JSON with sorted keys.
pub(crate) fn hash(value: &Node) -> String {
    let text = match &value.value {
        Value::Null => return String::new(),
        // What Python takes for nothing has no hash.
        Value::List(items) if items.is_empty() => return String::new(),
        Value::Map(map) if map.is_empty() => return String::new(),
        Value::Plain(text) if matches!(text.as_str(), "0" | "false") => return String::new(),
        Value::Text(text) => text.clone(),
        _ => compact(value),
    };
    if text.is_empty() {
        return text;
    }
    let mut hash = Sha1::from(text).digest().to_string();
    hash.truncate(10);
    hash
}

/// JSON as Python's `json.dumps(sort_keys=True, separators=(",", ":"))` writes it.
fn compact(node: &Node) -> String {
    match &node.value {
        Value::List(items) => format!("[{}]", items.iter().map(compact).collect::<Vec<_>>().join(",")),
        Value::Map(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            let members: Vec<_> =
                members.iter().map(|(key, value)| format!("{}:{}", ascii(key), compact(value))).collect();
            format!("{{{}}}", members.join(","))
        }
        _ => match node.to_json() {
            serde_json::Value::String(text) => ascii(&text),
            other => other.to_string(),
        },
    }
}

/// A JSON string in which what is not ASCII is escaped.
fn ascii(text: &str) -> String {
    let mut quoted = String::new();
    for character in serde_json::Value::from(text).to_string().chars() {
        if character.is_ascii() {
            quoted.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            quoted.push_str(&format!("\\u{unit:04x}"));
        }
    }
    quoted
}
