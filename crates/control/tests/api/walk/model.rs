//! AWS's API model, as the walk reads it: paths, shapes, bounds.

use std::fs;
use std::path::Path;

use serde_json::Value;

pub(super) struct Model {
    operations: Value,
    shapes: Value,
    /// Operation → `both`, `websocket-only`, `http-only` …; v2 only.
    scope: Value,
}

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/models").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

impl Model {
    pub(super) fn v2() -> Model {
        let mut model = read("apigatewayv2/2018-11-29/service-2.json");
        let scope = read("apigatewayv2-scope.json")["operations"].take();
        Model { operations: model["operations"].take(), shapes: model["shapes"].take(), scope }
    }

    pub(super) fn v1() -> Model {
        let mut model = read("apigateway/2015-07-09/service-2.trimmed.json");
        Model { operations: model["operations"].take(), shapes: model["shapes"].take(), scope: Value::Null }
    }

    /// Every operation but those of portals and routing rules.
    pub(super) fn in_scope(&self) -> Vec<String> {
        let names = self.operations.as_object().unwrap().keys();
        let is_foreign = |name: &str| matches!(self.scope[name]["scope"].as_str(), Some("portal" | "routing-rule"));
        names.filter(|name| !is_foreign(name)).cloned().collect()
    }

    pub(super) fn is_http_only(&self, operation: &str) -> bool {
        self.scope[operation]["scope"] == "http-only"
    }

    pub(super) fn method(&self, operation: &str) -> &str {
        self.operations[operation]["http"]["method"].as_str().unwrap_or_else(|| panic!("no operation {operation}"))
    }

    pub(super) fn success(&self, operation: &str) -> u16 {
        self.operations[operation]["http"]["responseCode"].as_u64().unwrap_or(200).try_into().unwrap()
    }

    /// The names of the path's parameters, in order.
    pub(super) fn params(&self, operation: &str) -> Vec<String> {
        let uri = self.operations[operation]["http"]["requestUri"].as_str().unwrap();
        uri.split('{').skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()).collect()
    }

    /// The path with its parameters filled in, encoded as SDKs encode them.
    pub(super) fn path(&self, operation: &str, params: &[&str]) -> String {
        let uri = self.operations[operation]["http"]["requestUri"].as_str().unwrap();
        let names = self.params(operation);
        assert_eq!(names.len(), params.len(), "{operation}");
        names
            .iter()
            .zip(params)
            .fold(uri.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), &encoded(value)))
    }

    /// The names of the documented errors.
    pub(super) fn errors(&self, operation: &str) -> Vec<String> {
        let errors = self.operations[operation]["errors"].as_array().into_iter().flatten();
        errors.map(|error| error["shape"].as_str().unwrap().to_owned()).collect()
    }

    /// The input members that travel in the body: wire name and shape.
    pub(super) fn body_members(&self, operation: &str) -> Vec<(String, String)> {
        let shape = self.operations[operation]["input"]["shape"].as_str().unwrap();
        let members = self.shapes[shape]["members"].as_object().unwrap();
        let in_body = members.iter().filter(|(_, member)| member.get("location").is_none());
        in_body.map(|(name, member)| (wire(name, member), member["shape"].as_str().unwrap().to_owned())).collect()
    }

    /// A value within a shape's bounds. `variant` 0 is short, 1 another one of the same kind, 2 as long as allowed.
    pub(super) fn value(&self, shape: &str, variant: usize) -> Value {
        let description = &self.shapes[shape];
        if let Some(words) = description["enum"].as_array() {
            return words[variant % words.len()].clone();
        }
        match description["type"].as_str().unwrap() {
            "string" => {
                let (min, max) = bounds(shape).unwrap_or((1, 64));
                let letter = ["a", "b", "c"][variant];
                letter.repeat(if variant == 2 { max } else { min.max(1) }).into()
            }
            "boolean" => (variant != 1).into(),
            "integer" | "double" => (60 + variant).into(),
            "timestamp" => "2026-01-15T12:00:00Z".into(),
            "list" => vec![self.value(description["member"]["shape"].as_str().unwrap(), variant)].into(),
            "map" => {
                let value = self.value(description["value"]["shape"].as_str().unwrap(), variant);
                serde_json::json!({"key": value})
            }
            "structure" => {
                let members = description["members"].as_object().unwrap().iter();
                let fill = |(name, member): (&String, &Value)| {
                    (wire(name, member), self.value(member["shape"].as_str().unwrap(), variant))
                };
                Value::Object(members.map(fill).collect())
            }
            other => panic!("no value of type {other}"),
        }
    }

    /// Holds an answer against the operation's output: types, words, bounds, required and unknown members.
    #[track_caller]
    pub(super) fn check_output(&self, operation: &str, answer: &Value) {
        match self.operations[operation]["output"]["shape"].as_str() {
            Some(_) if answer.is_null() && self.success(operation) != 200 => {}
            Some(shape) => self.check(shape, answer, operation),
            None => assert!(answer.is_null(), "{operation} answers nothing: {answer}"),
        }
    }

    #[track_caller]
    fn check(&self, shape: &str, value: &Value, at: &str) {
        let description = &self.shapes[shape];
        if let Some(words) = description["enum"].as_array() {
            assert!(words.contains(value), "{at}: {value} is none of {words:?}");
            return;
        }
        match description["type"].as_str().unwrap() {
            "string" => {
                let length = value.as_str().unwrap_or_else(|| panic!("{at}: {value} is no text")).chars().count();
                let (min, max) = bounds(shape).unwrap_or((0, usize::MAX));
                assert!((min..=max).contains(&length), "{at}: {value} is not {min} to {max} characters long");
                if shape == "Id" {
                    assert!((1..=10).contains(&length), "{at}: {value} is no id");
                }
            }
            "boolean" => assert!(value.is_boolean(), "{at}: {value} is neither true nor false"),
            "integer" | "long" => assert!(value.is_i64(), "{at}: {value} is no whole number"),
            "double" => assert!(value.is_number(), "{at}: {value} is no number"),
            "timestamp" if description["timestampFormat"] == "iso8601" => {
                let text = value.as_str().unwrap_or_default();
                assert!(text.len() == 20 && text.ends_with('Z'), "{at}: {value} is no date of v2");
            }
            "timestamp" => assert!(value.is_number(), "{at}: {value} is no date of v1"),
            "list" => {
                let inner = description["member"]["shape"].as_str().unwrap();
                for item in value.as_array().unwrap_or_else(|| panic!("{at}: {value} is no list")) {
                    self.check(inner, item, &format!("{at}[]"));
                }
            }
            "map" => {
                let inner = description["value"]["shape"].as_str().unwrap();
                for (key, item) in value.as_object().unwrap_or_else(|| panic!("{at}: {value} is no map")) {
                    self.check(inner, item, &format!("{at}.{key}"));
                }
            }
            "structure" => self.check_structure(description, value, at),
            other => panic!("{at}: type {other}"),
        }
    }

    #[track_caller]
    fn check_structure(&self, description: &Value, value: &Value, at: &str) {
        let object = value.as_object().unwrap_or_else(|| panic!("{at}: {value} is no object"));
        let members = description["members"].as_object().unwrap();
        for (name, member) in members {
            let wire = wire(name, member);
            if let Some(value) = object.get(&wire) {
                self.check(member["shape"].as_str().unwrap(), value, &format!("{at}.{wire}"));
            } else {
                let is_required =
                    description["required"].as_array().is_some_and(|all| all.contains(&name.as_str().into()));
                assert!(!is_required, "{at} lacks {wire}");
            }
        }
        for name in object.keys() {
            assert!(members.iter().any(|(known, member)| wire(known, member) == *name), "{at} has {name}");
        }
    }
}

fn wire(name: &str, member: &Value) -> String {
    member["locationName"].as_str().unwrap_or(name).to_owned()
}

/// The bounds that v2 writes into the names of its shapes, as in `StringWithLengthBetween0And32K`.
fn bounds(shape: &str) -> Option<(usize, usize)> {
    let (min, max) = shape.split_once("WithLengthBetween")?.1.split_once("And")?;
    let max = match max.strip_suffix('K') {
        Some(thousands) => thousands.parse::<usize>().ok()? * 1024,
        None => max.parse().ok()?,
    };
    Some((min.parse().ok()?, max))
}

fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
