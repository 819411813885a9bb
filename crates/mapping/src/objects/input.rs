//! `$input`: the message as a template sees it.

use std::cell::{Cell, OnceCell};

use jsonpath::Path;
use vtl::{Object, Text, Value};

use crate::objects::node::Place;

/// What the message is where there is none. Source: observed.
const NO_BODY: &str = "{}";

/// `$input`. The body is parsed when it is first asked for, once, and shared: what a template changes in it stays.
#[derive(Debug)]
pub(super) struct Input {
    body: Text,
    params: Value,
    document: OnceCell<Option<Value>>,
    unreadable: Cell<bool>,
}

impl Input {
    pub(super) fn new(body: Option<&[u8]>, params: Value) -> Input {
        let body = match body.unwrap_or_default() {
            [] => Text::fixed(NO_BODY),
            body => match str::from_utf8(body) {
                Ok(body) => Text::from(body.to_owned()),
                Err(_) => Text::from(String::from_utf8_lossy(body).into_owned()),
            },
        };
        Input { body, params, document: OnceCell::new(), unreadable: Cell::new(false) }
    }

    /// Whether the rendering failed because the body is not even lenient JSON.
    pub(super) fn body_was_unreadable(&self) -> bool {
        self.unreadable.get()
    }

    fn document(&self) -> Result<&Value, String> {
        let document = self.document.get_or_init(|| vtl::read_json(&self.body).ok());
        document.as_ref().ok_or_else(|| {
            self.unreadable.set(true);
            "Could not process payload".to_owned()
        })
    }

    /// What a path finds; null where there is nothing.
    fn find(&self, path: &Value) -> Option<Result<Value, String>> {
        match path {
            Value::Text(path) => Some(self.document().and_then(|document| follow(document, path))),
            Value::Null => Some(Err("a path cannot be null".to_owned())),
            _ => None,
        }
    }

    fn param(&self, name: &Value) -> Value {
        let Value::Map(params) = &self.params else { return Value::text("") };
        let found = ["path", "querystring", "header"].into_iter().find_map(|kind| match params.member(kind)? {
            Value::Map(values) => values.get(name).filter(|value| !matches!(value, Value::Null)),
            _ => None,
        });
        found.unwrap_or_else(|| Value::text(""))
    }
}

fn follow(document: &Value, path: &str) -> Result<Value, String> {
    if let Some(value) = plain(document, path) {
        return Ok(value);
    }
    let path = Path::parse(path).map_err(|error| error.to_string())?;
    if matches!(document, Value::Null) {
        return Ok(Value::Null);
    }
    let found = path.evaluate(&Place(document.clone())).map_err(|error| error.to_string())?;
    Ok(found.map_or(Value::Null, |place| place.0))
}

/// The short way for `$` and dotted names, which nearly all paths are; `None` for every other path.
fn plain(document: &Value, path: &str) -> Option<Value> {
    let mut rest = path.strip_prefix('$')?;
    let mut value = document.clone();
    while !rest.is_empty() {
        rest = rest.strip_prefix('.')?;
        let len = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if len == 0 || !matches!(rest.as_bytes().get(len), None | Some(b'.')) {
            return None;
        }
        value = value.member(&rest[..len]).unwrap_or_default();
        rest = &rest[len..];
    }
    Some(value)
}

impl Object for Input {
    fn get(&self, name: &str) -> Option<Value> {
        (name == "body").then(|| Value::Text(self.body.clone()))
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
        match (name, args) {
            ("path", [path]) => self.find(path),
            ("json", [path]) => Some(self.find(path)?.and_then(|found| {
                let found = if matches!(found, Value::Null) { Value::text("") } else { found };
                vtl::to_json(&found).map(Value::from)
            })),
            ("params", []) => Some(Ok(self.params.clone())),
            ("params", [name @ (Value::Text(_) | Value::Null)]) => Some(Ok(self.param(name))),
            ("getBody", []) => Some(Ok(Value::Text(self.body.clone()))),
            _ => None,
        }
    }
}
