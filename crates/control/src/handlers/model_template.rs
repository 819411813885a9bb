//! `GetModelTemplate`: a mapping template that a model's shape suggests, for a person to go on from.
//!
//! Source: documented (the examples of "Models and mapping templates"): objects become objects, arrays loops, texts
//! stand in quotes. The spaces are ours.

use serde_json::Value;

use super::models::MODEL;
use crate::crud::{self, Answer, Call};
use crate::documents::text;
use crate::error;
use crate::store::Document;
use crate::transaction::Transaction;

/// How deep a model is followed: one that refers to itself has no end.
const DEPTH_MAX: usize = 20;

/// The longest template, in bytes: shapes that refer to shapes grow fast. Ours, the bound of a template itself.
const BYTES_MAX: usize = 300 * 1024;

/// Answers the template that a model suggests.
pub(crate) fn get(call: &Call, tx: &mut Transaction) -> Answer {
    let (_, _, model) = crud::find(&MODEL, call, tx)?;
    let schema: Value = serde_json::from_str(text(&model, "schema"))
        .map_err(|error| error::bad_request(format!("The model's schema is not JSON: {error}")))?;
    let mut sketch = Sketch { root: &schema, text: String::from("#set($inputRoot = $input.path('$'))\n") };
    sketch.shape(&schema, "$inputRoot", 0);
    let mut answer = Document::new();
    answer.insert("value".into(), sketch.text.into());
    Ok(Some(answer))
}

/// A template in the making.
struct Sketch<'a> {
    root: &'a Value,
    text: String,
}

impl Sketch<'_> {
    /// Writes the template of one shape; `place` is the reference that holds its value.
    fn shape(&mut self, schema: &Value, place: &str, depth: usize) {
        let schema = self.followed(schema);
        let kind = schema["type"].as_str();
        if depth >= DEPTH_MAX || self.text.len() > BYTES_MAX {
            self.text.push_str(place);
        } else if let Some(properties) = schema["properties"].as_object() {
            self.object(properties, place, depth);
        } else if kind == Some("array") || schema.get("items").is_some() {
            self.array(&schema["items"], place, depth);
        } else if kind == Some("object") {
            self.text.push_str("{}");
        } else if matches!(kind, Some("number" | "integer" | "boolean" | "null")) {
            self.text.push_str(place);
        } else {
            self.text.push_str(&format!("\"{place}\""));
        }
    }

    fn object(&mut self, properties: &Document, place: &str, depth: usize) {
        self.text.push_str("{\n");
        for (at, (name, schema)) in properties.iter().enumerate() {
            if at > 0 {
                self.text.push_str(",\n");
            }
            self.indent(depth + 1);
            self.text.push_str(&format!("{} : ", Value::from(name.as_str())));
            let plain = name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
                && name.bytes().next().is_some_and(|c| c.is_ascii_alphabetic());
            let member = if plain { format!("{place}.{name}") } else { format!("{place}.get({})", quoted(name)) };
            self.shape(schema, &member, depth + 1);
        }
        self.text.push('\n');
        self.indent(depth);
        self.text.push('}');
    }

    fn array(&mut self, items: &Value, place: &str, depth: usize) {
        // Loops within loops need names of their own.
        let name = if depth == 0 { "$elem".to_owned() } else { format!("$elem{depth}") };
        self.text.push_str(&format!("[\n#foreach({name} in {place})\n"));
        self.indent(depth + 1);
        self.shape(items, &name, depth + 1);
        self.text.push_str("#if($foreach.hasNext),#end\n#end\n");
        self.indent(depth);
        self.text.push(']');
    }

    fn indent(&mut self, depth: usize) {
        self.text.extend(std::iter::repeat_n("  ", depth));
    }

    /// What a `$ref` within the model leads to. One that leads elsewhere, or in a circle, is taken as it stands.
    fn followed<'s>(&'s self, schema: &'s Value) -> Value {
        let mut schema = schema;
        for _ in 0..DEPTH_MAX {
            let target = schema["$ref"].as_str().and_then(|path| self.root.pointer(path.strip_prefix('#')?));
            match target {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema.clone()
    }
}

/// A name as a text of a template, which knows no escapes.
fn quoted(name: &str) -> String {
    format!("'{}'", name.replace('\'', ""))
}
