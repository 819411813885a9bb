//! Checks messages against models (JSON Schema, draft 4) before a backend sees them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, JsonType, PatternOptions, Retrieve, Uri, ValidationError, Validator};
use serde_json::Value;
use types::resources::{Map, Model, Route};

use crate::effort;
use crate::error::{Error, ErrorKind};
use crate::expression::Expression;
use crate::shared::{MadeOf, Pool};

mod bounds;
mod schema;

use bounds::{Bounded, bounded, is_listable, within};

pub use schema::{WrongSchema, check as schema};

/// What a model refers to another one by, up to the API's id. Source: documented.
const MODEL_URI: &str = "https://apigateway.amazonaws.com/restapis/";
/// How many faults of one message are told, and how much of each.
const FAULTS_MAX: usize = 10;
const FAULT_BYTES_MAX: usize = 256;
/// The longest text that a pattern with look-around or back references may look at, in bytes: its time may grow with the
/// square of that, uncounted; this much takes some 0.7 s at worst.
const SLOW_TEXT_BYTES_MAX: usize = 16 * 1024;
/// How many models all routes of an API may use, each counted as often as another one refers to it.
const MODELS_USED_MAX: usize = 2_000;
/// How far a schema's regular expression may search one text before the message counts as not fitting.
const BACKTRACKS_MAX: usize = 100_000;

/// The models of an API, read and compiled as they are asked for.
pub(crate) struct Models<'a> {
    api_id: &'a str,
    by_name: HashMap<&'a str, &'a Model>,
    compiled: HashMap<&'a str, Result<Arc<Compiled>, String>>,
    /// How many models were looked at so far.
    used: usize,
}

/// One model.
pub(crate) struct Compiled {
    /// The API, and the name and text of each model that it leads to, in order of their names.
    made_of: String,
    validator: Validator,
    /// A pattern of it whose time may grow with the square of a text.
    slow: Option<String>,
    /// Whether the faults of a message are listed; without that it is only told that it does not fit.
    lists_faults: bool,
}

/// The models of one route, and how to choose among them.
pub(crate) struct Validation {
    selection: Expression,
    /// Model key → the model's name and what checks it.
    by_key: Map<(String, Arc<Compiled>)>,
}

impl MadeOf for Compiled {
    fn made_of(&self) -> &str {
        &self.made_of
    }
}

/// Takes an API's models in. Each is read when a route asks for it.
pub(crate) fn compile<'a>(api_id: &'a str, models: &'a [Arc<Model>]) -> Models<'a> {
    Models {
        api_id,
        by_name: models.iter().map(|model| (model.name.as_str(), &**model)).collect(),
        compiled: HashMap::new(),
        used: 0,
    }
}

impl<'a> Models<'a> {
    /// A model, compiled once; `None`: there is none of this name.
    fn get(&mut self, name: &str, shared: &mut Pool<Compiled>) -> Option<Result<Arc<Compiled>, String>> {
        let model = *self.by_name.get(name)?;
        if let Some(compiled) = self.compiled.get(name) {
            return Some(compiled.clone());
        }
        let compiled = self.compile(model, shared);
        self.compiled.insert(&model.name, compiled.clone());
        Some(compiled)
    }

    fn compile(&mut self, model: &'a Model, shared: &mut Pool<Compiled>) -> Result<Arc<Compiled>, String> {
        // Where there are too many, the next one is not even read.
        let reached = if self.used > MODELS_USED_MAX { BTreeMap::new() } else { self.reached(model)? };
        // The library makes a copy of each for each that leads to it.
        self.used = self.used.saturating_add(reached.len());
        if self.used > MODELS_USED_MAX {
            return Err(format!(
                "the models of this API's routes refer to {} models in all, and {MODELS_USED_MAX} may be: let one model hold what \
                 belongs together",
                self.used
            ));
        }
        let texts = reached.keys().filter_map(|name| self.by_name.get(name)).map(|model| (&model.name, &model.schema));
        let made_of = format!("{} {:?}", self.api_id, (&model.name, texts.collect::<Vec<_>>()));
        shared.get(&made_of.clone(), || self.build(model, reached, made_of))
    }

    fn build(&self, model: &Model, reached: BTreeMap<&str, Value>, made_of: String) -> Result<Compiled, String> {
        let slow = reached.values().find_map(slow_pattern);
        let lists_faults = is_listable(reached.values());
        let reached: HashMap<String, Value> =
            reached.into_iter().map(|(name, schema)| (name.to_owned(), bounded(schema))).collect();
        let schema = reached.get(&model.name).cloned().unwrap_or_default();
        let others = Others { api_id: self.api_id.to_owned(), schemas: reached };
        let options = jsonschema::options()
            .with_draft(Draft::Draft4)
            .with_retriever(others)
            .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(BACKTRACKS_MAX))
            .should_ignore_unknown_formats(true)
            .with_keyword(bounds::KEYWORD, |_, _, _| match Bounded::step() {
                true => Ok(Box::new(Bounded)),
                false => Err(ValidationError::custom("too deep")),
            });
        match within(|| options.build(&schema)) {
            (_, Some(exceeded)) => Err(exceeded.told()),
            (built, None) => built
                .map(|validator| Compiled { made_of, validator, slow, lists_faults })
                .map_err(|error| shortened(error.to_string())),
        }
    }

    /// The schemas that a model leads to, its own included, by their names. Others that are no JSON are left out.
    fn reached(&self, model: &'a Model) -> Result<BTreeMap<&'a str, Value>, String> {
        let read = |model: &Model| serde_json::from_str::<Value>(&model.schema).map_err(|error| error.to_string());
        let mut reached = BTreeMap::from([(model.name.as_str(), read(model)?)]);
        let mut left = vec![model.name.as_str()];
        while let Some(name) = left.pop() {
            for other in reached.get(name).map(references).unwrap_or_default() {
                let new = self.by_name.get(other.as_str()).filter(|_| !reached.contains_key(other.as_str()));
                if let Some((model, Ok(schema))) = new.map(|model| (*model, read(model))) {
                    reached.insert(&model.name, schema);
                    left.push(&model.name);
                }
            }
        }
        Ok(reached)
    }
}

/// The names of the models that a schema refers to.
fn references(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    each_object(schema, |members| {
        let target = members.get("$ref").and_then(Value::as_str).and_then(|uri| uri.strip_prefix(MODEL_URI));
        let name = target.and_then(|rest| rest.split_once("/models/")).map(|(_, rest)| rest);
        found.extend(name.map(|rest| rest.split('#').next().unwrap_or(rest).to_owned()));
    });
    found
}

/// A pattern of a schema whose time may grow with the square of a text.
fn slow_pattern(schema: &Value) -> Option<String> {
    let mut slow = None;
    each_object(schema, |members| {
        let pattern = members.get("pattern").and_then(Value::as_str);
        let of_names = members.get("patternProperties").and_then(Value::as_object);
        let of_names = of_names.into_iter().flat_map(|patterns| patterns.keys().map(String::as_str));
        let found = pattern.into_iter().chain(of_names).find(|text| slow.is_none() && java::is_slow_pattern(text));
        slow = slow.take().or_else(|| found.map(str::to_owned));
    });
    slow
}

fn each_object<'v>(value: &'v Value, mut look: impl FnMut(&'v serde_json::Map<String, Value>)) {
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Value::Object(members) => {
                look(members);
                left.extend(members.values());
            }
            Value::Array(items) => left.extend(items),
            _ => {}
        }
    }
}

/// Finds the models that a model refers to; nothing is ever loaded from elsewhere.
struct Others {
    api_id: String,
    schemas: HashMap<String, Value>,
}

impl Retrieve for Others {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.as_str().strip_prefix(MODEL_URI).and_then(|rest| rest.split_once("/models/"));
        match name {
            Some((api_id, name)) if api_id == self.api_id => {
                self.schemas.get(name).cloned().ok_or_else(|| format!("the API has no model {name}").into())
            }
            _ => {
                Err(format!("`{uri}` is no model of this API; they are {MODEL_URI}{}/models/NAME", self.api_id).into())
            }
        }
    }
}

impl Validation {
    /// What a route asks of its messages; `None` where it asks nothing.
    ///
    /// # Errors
    /// A sentence, when the expression or a model of the route cannot work.
    pub(crate) fn compile(
        route: &Route,
        models: &mut Models<'_>,
        shared: &mut Pool<Compiled>,
    ) -> Result<Option<Validation>, String> {
        let expression = route.model_selection_expression.as_deref().filter(|text| !text.is_empty());
        let Some(expression) = expression else { return Ok(None) };
        let selection =
            Expression::parse(expression).map_err(|error| format!("model selection expression: {error}"))?;
        let mut by_key = Map::new();
        for (key, name) in &route.request_models {
            let model = models.get(name, shared).ok_or_else(|| format!("its model `{name}` does not exist"))?;
            let model = model.map_err(|error| format!("its model `{name}`: {error}"))?;
            by_key.insert(key.clone(), (name.clone(), model));
        }
        Ok(Some(Validation { selection, by_key }))
    }

    /// The models with a slow pattern, and the pattern.
    pub(crate) fn slow_patterns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_key.iter().filter_map(|(_, (name, model))| Some((name.as_str(), model.slow.as_deref()?)))
    }

    /// Lets a message pass that fits the model chosen for it. Source: documented, also that a message for which there
    /// is no model does not pass.
    ///
    /// # Errors
    /// [`ErrorKind::BadRequestBody`] with what is wrong, in the words of the library that REST APIs are seen to use.
    pub(crate) fn check(&self, body: &[u8]) -> Result<(), Error> {
        let bad = |detail: String| Err(Error::new(ErrorKind::BadRequestBody, detail));
        let message = match serde_json::from_slice::<Value>(body) {
            Ok(message) => message,
            Err(error) => return bad(format!("the message cannot be read as JSON: {error}")),
        };
        let key = self.selection.evaluate(body, None).unwrap_or_default();
        let Some((_, model)) = self.by_key.get(&key).or_else(|| self.by_key.get("$default")) else {
            return bad(format!("no model has the key `{}` and there is no $default model", shortened(key)));
        };
        if !effort::may_check(body.len(), model.slow.is_some()) {
            effort::limit_met();
            return bad("to be checked elsewhere".to_owned());
        }
        if model.slow.is_some()
            && let Some(bytes) = longest_text(&message).filter(|bytes| *bytes > SLOW_TEXT_BYTES_MAX)
        {
            return bad(format!(
                "it holds a text of {bytes} bytes, and a pattern with look-around or back references looks at {SLOW_TEXT_BYTES_MAX} at \
                 the most"
            ));
        }
        match within(|| model.validator.is_valid(&message)) {
            (_, Some(exceeded)) => return bad(exceeded.told()),
            (true, None) => return Ok(()),
            (false, None) => {}
        }
        if !model.lists_faults {
            return bad("the message does not fit its model".to_owned());
        }
        let faults: Vec<_> =
            model.validator.iter_errors(&message).take(FAULTS_MAX).map(|fault| shortened(told(&fault))).collect();
        bad(format!("[{}]", faults.join(", ")))
    }
}

fn longest_text(message: &Value) -> Option<usize> {
    let mut longest = None;
    let mut left = vec![message];
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) => longest = longest.max(Some(text.len())),
            Value::Array(items) => left.extend(items),
            Value::Object(members) => {
                longest = longest.max(members.keys().map(String::len).max());
                left.extend(members.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    longest
}

/// A fault as the Java library of the same name tells it, whose texts REST APIs show. Source: inferred.
fn told(fault: &ValidationError<'_>) -> String {
    let instance = fault.instance();
    let length = || instance.as_str().map_or(0, |text| text.chars().count());
    let items = || instance.as_array().map_or(0, Vec::len);
    match fault.kind() {
        ValidationErrorKind::Required { property } => {
            format!("object has missing required properties ([{property}])")
        }
        ValidationErrorKind::Type { kind } => {
            let mut allowed: Vec<JsonType> = match kind {
                TypeKind::Single(one) => vec![*one],
                TypeKind::Multiple(set) => set.iter().collect(),
            };
            allowed.sort_by_key(ToString::to_string);
            let allowed: Vec<_> = allowed.iter().map(|kind| format!("\"{kind}\"")).collect();
            format!(
                "instance type ({}) does not match any allowed primitive type (allowed: [{}])",
                type_of(instance),
                allowed.join(",")
            )
        }
        ValidationErrorKind::Enum { options } => {
            format!("instance value ({instance}) not found in enum (possible values: {options})")
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let names: Vec<_> = unexpected.iter().map(|name| format!("\"{name}\"")).collect();
            format!("object instance has properties which are not allowed by the schema: [{}]", names.join(","))
        }
        ValidationErrorKind::MinLength { limit } => {
            format!("string {instance} is too short (length: {}, required minimum: {limit})", length())
        }
        ValidationErrorKind::MaxLength { limit } => {
            format!("string {instance} is too long (length: {}, maximum allowed: {limit})", length())
        }
        ValidationErrorKind::Minimum { limit } => {
            format!("numeric instance is lower than the required minimum (minimum: {limit}, found: {instance})")
        }
        ValidationErrorKind::Maximum { limit } => {
            format!("numeric instance is greater than the required maximum (maximum: {limit}, found: {instance})")
        }
        ValidationErrorKind::Pattern { pattern } => {
            format!("ECMA 262 regex \"{pattern}\" does not match input string {instance}")
        }
        ValidationErrorKind::MinItems { limit } => {
            format!("array is too short: must have at least {limit} elements but instance has {} elements", items())
        }
        ValidationErrorKind::MaxItems { limit } => {
            format!("array is too long: must have at most {limit} elements but instance has {} elements", items())
        }
        // The library would show the schema as it was compiled.
        ValidationErrorKind::Not { .. } => "instance matched a schema which it should not have".to_owned(),
        _ => fault.to_string(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > FAULT_BYTES_MAX {
        let end = (0..=FAULT_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str, schema: &str) -> Arc<Model> {
        Arc::new(Model { name: name.to_owned(), schema: schema.to_owned(), content_type: None })
    }

    fn validation(route: &Route, models: &[Arc<Model>]) -> Result<Option<Validation>, String> {
        Validation::compile(route, &mut compile("abc", models), &mut Pool::default())
    }

    fn route(expression: &str, models: &[(&str, &str)]) -> Route {
        Route {
            model_selection_expression: Some(expression.to_owned()),
            request_models: models.iter().map(|(key, name)| ((*key).to_owned(), (*name).to_owned())).collect(),
            ..Route::default()
        }
    }

    #[test]
    fn a_fault_is_told_in_the_words_of_the_java_library() {
        let schema = r#"{"type":"object","required":["action","text"],"additionalProperties":false,"properties":{
            "action":{"enum":["send"]},"text":{"type":"string","minLength":1,"maxLength":3,"pattern":"^[a-z]*$"},
            "n":{"type":["integer","null"],"minimum":1,"maximum":5},"l":{"minItems":1,"maxItems":2}}}"#;
        let models = [model("Send", schema)];
        let validation = validation(&route("$request.body.action", &[("send", "Send")]), &models).unwrap().unwrap();
        assert_eq!(validation.check(br#"{"action":"send","text":"abc","n":5}"#), Ok(()));
        for (body, expected) in [
            (r#"{"action":"send"}"#, r#"[object has missing required properties (["text"])]"#),
            (r#"{"action":"send","text":""}"#, r#"[string "" is too short (length: 0, required minimum: 1)]"#),
            (r#"{"action":"send","text":"abcd"}"#, r#"[string "abcd" is too long (length: 4, maximum allowed: 3)]"#),
            (r#"{"action":"send","text":"A"}"#, r#"[ECMA 262 regex "^[a-z]*$" does not match input string "A"]"#),
            (
                r#"{"action":"send","text":1}"#,
                r#"[instance type (integer) does not match any allowed primitive type (allowed: ["string"])]"#,
            ),
            (
                r#"{"action":"send","text":"a","n":0.5}"#,
                r#"[instance type (number) does not match any allowed primitive type (allowed: ["integer","null"]), numeric instance is lower than the required minimum (minimum: 1, found: 0.5)]"#,
            ),
            (
                r#"{"action":"send","text":"a","n":6}"#,
                "[numeric instance is greater than the required maximum (maximum: 5, found: 6)]",
            ),
            (
                r#"{"action":"send","text":"a","l":[]}"#,
                "[array is too short: must have at least 1 elements but instance has 0 elements]",
            ),
            (
                r#"{"action":"send","text":"a","l":[1,2,3]}"#,
                "[array is too long: must have at most 2 elements but instance has 3 elements]",
            ),
            (
                r#"{"action":"send","text":"a","x":1}"#,
                r#"[object instance has properties which are not allowed by the schema: ["x"]]"#,
            ),
            (r#"{"action":"other"}"#, "no model has the key `other` and there is no $default model"),
            ("plain", "the message cannot be read as JSON: expected value at line 1 column 1"),
            (r#"{"n":1e400}"#, "the message cannot be read as JSON: number out of range at line 1 column 10"),
        ] {
            let error = validation.check(body.as_bytes()).unwrap_err();
            assert_eq!((error.kind, error.detail.as_str()), (ErrorKind::BadRequestBody, expected), "{body}");
        }
    }

    #[test]
    fn a_model_may_refer_to_another_one_of_its_api_and_to_nothing_else() {
        let refer = |name: &str| format!(r#"{{"properties":{{"o":{{"$ref":"{name}"}}}}}}"#);
        let models = [
            model("Text", r#"{"type":"string"}"#),
            model("Good", &refer("https://apigateway.amazonaws.com/restapis/abc/models/Text")),
            model("Unknown", &refer("https://apigateway.amazonaws.com/restapis/abc/models/Nope")),
            model("Elsewhere", &refer("https://example.com/schema")),
            model("File", &refer("file:///etc/hosts")),
            model("Broken", r#"{"type":"strin"}"#),
            model("NoJson", "{"),
        ];
        let good = validation(&route(r"\$default", &[("$default", "Good")]), &models).unwrap().unwrap();
        assert_eq!(good.check(br#"{"o":"text"}"#), Ok(()));
        assert!(good.check(br#"{"o":1}"#).is_err());
        for (name, part) in [
            ("Unknown", "no model Nope"),
            ("Elsewhere", "no model of this API"),
            ("File", "no model of this API"),
            ("Broken", "strin"),
            ("NoJson", "EOF"),
            ("Missing", "does not exist"),
        ] {
            let error = validation(&route("a", &[("a", name)]), &models).err().unwrap_or_default();
            assert!(error.contains(part) && error.contains(name), "{name}: {error}");
        }
    }

    #[test]
    fn recursive_models_and_greedy_patterns_end() {
        let models = [
            model("Tree", r##"{"type":"object","properties":{"c":{"$ref":"#"}}}"##),
            model("Loop", r##"{"allOf":[{"$ref":"#"}]}"##),
            model(
                "Circle",
                r##"{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}"##,
            ),
            model("Slow", r#"{"pattern":"^(a|aa)+\\1$"}"#),
        ];
        let deep = "{\"c\":".repeat(100) + "{}" + &"}".repeat(100);
        let check = |name: &str, body: &str| {
            let validation = validation(&route("a", &[("$default", name)]), &models);
            validation.map(|validation| validation.map(|validation| validation.check(body.as_bytes()).is_ok()))
        };
        assert_eq!(check("Tree", &deep), Ok(Some(true)));
        assert_eq!(check("Tree", &deep.replace("{}", "1")), Ok(Some(false)));
        assert_eq!(check("Slow", &format!("\"{}b\"", "a".repeat(10_000))), Ok(Some(false)));
        for name in ["Loop", "Circle"] {
            // Whatever it says, it says it.
            let _ = check(name, "{}");
        }
    }

    #[test]
    fn alternatives_that_recurse_and_long_chains_of_references_end_within_bounds() {
        let fork = r##"{"anyOf":[{"properties":{"c":{"$ref":"#"}},"required":["x"]},
            {"properties":{"c":{"$ref":"#"}},"required":["y"]}]}"##;
        let many = r##"{"definitions":{"n":{"type":"integer"}},"items":{"allOf":[REFERENCES]}}"##
            .replace("REFERENCES", &[r##"{"$ref":"#/definitions/n"}"##; 10].join(","));
        let link = |at: usize| format!(r##""a{at}":{{"allOf":[{{"$ref":"#/definitions/a{}"}}]}}"##, at + 1);
        let chain = |links: usize| {
            let definitions: Vec<_> = (0..links).map(link).collect();
            format!(r##"{{"$ref":"#/definitions/a0","definitions":{{{},"a{links}":{{}}}}}}"##, definitions.join(","))
        };
        let data = r#"{"enum":[{"$ref":"x"}]}"#;
        let models =
            [("Fork", fork), ("Many", &many), ("Long", &chain(10_000)), ("Short", &chain(100)), ("Data", data)];
        let models = models.map(|(name, schema)| model(name, schema));
        let check = |name: &str, body: &str| {
            let validation = validation(&route("a", &[("$default", name)]), &models)?;
            validation.map_or(Ok(()), |validation| validation.check(body.as_bytes()).map_err(|error| error.detail))
        };
        let is_told = |name: &str, body: &str, part: &str| {
            let told = check(name, body).err().unwrap_or_default();
            assert!(told.contains(part), "{name}: {told}");
        };
        let fork = |depth: usize| r#"{"x":1,"y":1,"c":"#.repeat(depth) + "{}" + &"}".repeat(depth);
        is_told("Fork", &fork(2), "does not fit its model");
        is_told("Fork", &fork(100), "does not fit its model");
        let ones = |count: usize| format!("[1{}]", ",1".repeat(count));
        assert_eq!(check("Many", &ones(1_000)), Ok(()));
        is_told("Many", &ones(60_000), "more than 500000 references");
        assert_eq!(check("Short", "{}"), Ok(()));
        is_told("Long", "{}", "too deep");
        assert_eq!(check("Data", r#"{"$ref":"x"}"#), Ok(()));
    }
}
