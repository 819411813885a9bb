//! Whether a text is a model's schema: JSON Schema, draft 4, with no other keyword.
//!
//! AWS looks at models when they are made and changed. Source: reported, with these examples: an unknown keyword, a number as
//! text, a type that is none, text that is no JSON. Which other keywords it takes is the draft's own list (documented).

use std::collections::HashSet;

use serde_json::{Map, Value};

/// How deep schemas may nest: as deep as the parser goes.
const DEPTH_MAX: usize = 127;

/// Why a text is no schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrongSchema {
    /// It is no JSON; what the parser says.
    NoJson(String),
    /// Keywords that draft 4 does not have, each once.
    Unsupported(Vec<String>),
    /// Where a value stands that its keyword does not take, and what it must be: "a number".
    Value(String, String),
}

/// What a keyword's value must be.
enum Form {
    /// Any value.
    Any,
    Text,
    /// A whole number from 0.
    Count,
    Number,
    /// A number above 0.
    Positive,
    Flag,
    Schema,
    /// A list of schemas, not empty.
    Schemas,
    /// A schema, or a list of them.
    SchemaOrSchemas,
    /// An object whose members are schemas.
    SchemaMap,
    /// A flag or a schema.
    FlagOrSchema,
    /// A list of texts, not empty, none twice.
    Texts,
    /// A list, not empty, nothing twice.
    List,
    /// A type's name, or a list of them, none twice.
    Types,
    /// An object whose members are schemas or lists as above of texts.
    Dependencies,
}

/// The keywords of draft 4. Source: its meta-schema.
const KEYWORDS: &[(&str, Form)] = &[
    ("$ref", Form::Text),
    ("$schema", Form::Text),
    ("additionalItems", Form::FlagOrSchema),
    ("additionalProperties", Form::FlagOrSchema),
    ("allOf", Form::Schemas),
    ("anyOf", Form::Schemas),
    ("default", Form::Any),
    ("definitions", Form::SchemaMap),
    ("dependencies", Form::Dependencies),
    ("description", Form::Text),
    ("enum", Form::List),
    ("exclusiveMaximum", Form::Flag),
    ("exclusiveMinimum", Form::Flag),
    ("format", Form::Text),
    ("id", Form::Text),
    ("items", Form::SchemaOrSchemas),
    ("maxItems", Form::Count),
    ("maxLength", Form::Count),
    ("maxProperties", Form::Count),
    ("maximum", Form::Number),
    ("minItems", Form::Count),
    ("minLength", Form::Count),
    ("minProperties", Form::Count),
    ("minimum", Form::Number),
    ("multipleOf", Form::Positive),
    ("not", Form::Schema),
    ("oneOf", Form::Schemas),
    ("pattern", Form::Text),
    ("patternProperties", Form::SchemaMap),
    ("properties", Form::SchemaMap),
    ("required", Form::Texts),
    ("title", Form::Text),
    ("type", Form::Types),
    ("uniqueItems", Form::Flag),
];

/// Keywords that stand beside another one only. Source: the meta-schema.
const BESIDE: &[(&str, &str)] = &[("exclusiveMaximum", "maximum"), ("exclusiveMinimum", "minimum")];

const TEXTS: &str = "a list of texts with something in it, and nothing twice";
const TYPES: &[&str] = &["array", "boolean", "integer", "null", "number", "object", "string"];

/// A model's schema, as far as it can be told without the API's other models; regular expressions in it may be none.
///
/// # Errors
/// Unknown keywords first, else the first value that is wrong.
pub fn check(text: &str) -> Result<(), WrongSchema> {
    let schema: Value = serde_json::from_str(text).map_err(|error| WrongSchema::NoJson(error.to_string()))?;
    let mut found = Found::default();
    found.schema(&schema, "#", 0);
    let unsupported = (!found.unknown.is_empty()).then_some(WrongSchema::Unsupported(found.unknown));
    unsupported.or(found.wrong).map_or(Ok(()), Err)
}

#[derive(Default)]
struct Found {
    unknown: Vec<String>,
    wrong: Option<WrongSchema>,
}

impl Found {
    fn schema(&mut self, value: &Value, at: &str, depth: usize) {
        let Value::Object(schema) = value else { return self.wrong(at, "an object") };
        if depth > DEPTH_MAX {
            return self.wrong(at, "nested less deeply");
        }
        for (name, value) in schema {
            match KEYWORDS.iter().find(|(keyword, _)| keyword == name) {
                Some((_, form)) => self.value(form, value, &format!("{at}/{name}"), depth),
                None if self.unknown.contains(name) => {}
                None => self.unknown.push(name.clone()),
            }
        }
        let has = |name: &str| schema.contains_key(name);
        if let Some((one, other)) = BESIDE.iter().find(|(one, other)| has(one) && !has(other)) {
            self.wrong(at, &format!("a schema with {other} beside {one}"));
        }
    }

    fn value(&mut self, form: &Form, value: &Value, at: &str, depth: usize) {
        match form {
            Form::Any => {}
            Form::Text => self.must(value.is_string(), at, "a text"),
            Form::Flag => self.must(value.is_boolean(), at, "true or false"),
            Form::Number => self.must(value.is_number(), at, "a number"),
            Form::Count => {
                let is_count = value.as_u64().is_some() || value.as_f64().is_some_and(|n| n >= 0.0 && n.fract() == 0.0);
                self.must(is_count, at, "a whole number from 0");
            }
            Form::Positive => self.must(value.as_f64().is_some_and(|n| n > 0.0), at, "a number above 0"),
            Form::List => self.must(is_list(value, |_| true), at, "a list with something in it, and nothing twice"),
            Form::Texts => self.must(is_list(value, Value::is_string), at, TEXTS),
            Form::Types => {
                let is_type = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
                let fits = is_type(value) || is_list(value, is_type);
                self.must(fits, at, &format!("one or more of {}", TYPES.join(", ")));
            }
            Form::Schema => self.schema(value, at, depth + 1),
            Form::FlagOrSchema if value.is_boolean() => {}
            Form::FlagOrSchema => self.schema(value, at, depth + 1),
            Form::SchemaOrSchemas if value.is_object() => self.schema(value, at, depth + 1),
            Form::Schemas | Form::SchemaOrSchemas => match value.as_array().filter(|list| !list.is_empty()) {
                Some(list) => {
                    list.iter().enumerate().for_each(|(i, one)| self.schema(one, &format!("{at}/{i}"), depth + 1))
                }
                None => self.wrong(at, "a list of schemas"),
            },
            Form::SchemaMap => self.each(value, at, |found, one, at| found.schema(one, at, depth + 1)),
            Form::Dependencies => self.each(value, at, |found, one, at| match one {
                Value::Array(_) => found.must(is_list(one, Value::is_string), at, TEXTS),
                other => found.schema(other, at, depth + 1),
            }),
        }
    }

    fn each(&mut self, value: &Value, at: &str, mut look: impl FnMut(&mut Found, &Value, &str)) {
        let Some(members): Option<&Map<String, Value>> = value.as_object() else { return self.wrong(at, "an object") };
        for (name, member) in members {
            look(self, member, &format!("{at}/{name}"));
        }
    }

    fn must(&mut self, fits: bool, at: &str, what: &str) {
        if !fits {
            self.wrong(at, what);
        }
    }

    // The first one is told.
    fn wrong(&mut self, at: &str, what: &str) {
        self.wrong.get_or_insert_with(|| WrongSchema::Value(at.to_owned(), what.to_owned()));
    }
}

/// Whether a value is a list that is not empty, of what `fits`, each once.
fn is_list(value: &Value, fits: impl Fn(&Value) -> bool) -> bool {
    let mut seen = HashSet::new();
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(|one| fits(one) && seen.insert(one)))
}

#[cfg(test)]
mod tests {
    use super::{WrongSchema, check};

    #[test]
    fn schemas_of_draft_4_pass_and_others_are_told() {
        for schema in [
            "{}",
            r#"{"type":"string","minLength":2}"#,
            r#"{"$schema":"http://json-schema.org/draft-04/schema#","id":"x","title":"t","type":["object","null"],"required":["a"],
                "properties":{"a":{"type":"integer","minimum":0,"exclusiveMinimum":true},"example":{}},"additionalProperties":false}"#,
            r##"{"definitions":{"d":{"enum":[1,"a",null]}},"items":[{"$ref":"#/definitions/d"}],"dependencies":{"a":["b"],"c":{}}}"##,
            r#"{"allOf":[{}],"not":{},"patternProperties":{"^x":{"maxLength":3.0}},"default":{"anything":1}}"#,
        ] {
            assert_eq!(check(schema), Ok(()), "{schema}");
        }
        let unsupported = |names: &[&str]| WrongSchema::Unsupported(names.iter().map(|&name| name.into()).collect());
        for (schema, wrong) in [
            (r#"{"type":"string","MinLength":2}"#, unsupported(&["MinLength"])),
            (r#"{"properties":{"when":{"type":"string","example":"x"}}}"#, unsupported(&["example"])),
            (r#"{"$id":"http://e/x","examples":[1],"not":{"$id":"y"}}"#, unsupported(&["$id", "examples"])),
        ] {
            assert_eq!(check(schema), Err(wrong), "{schema}");
        }
        for (schema, place, form) in [
            (r#"{"type":"string","maxLength":"35"}"#, "#/maxLength", "a whole number from 0"),
            (r#"{"type":"objekt"}"#, "#/type", "one or more of"),
            (r#"{"properties":{"a":1}}"#, "#/properties/a", "an object"),
            (r#"{"required":[]}"#, "#/required", "a list of texts"),
            (r#"{"required":["a","a"]}"#, "#/required", "a list of texts"),
            (r#"{"enum":[{"a":1,"b":2},{"b":2,"a":1}]}"#, "#/enum", "a list"),
            (r#"{"type":["null","null"]}"#, "#/type", "one or more of"),
            (r#"{"dependencies":{"a":["b","b"]}}"#, "#/dependencies/a", "a list of texts"),
            (r#"{"not":{"exclusiveMaximum":true}}"#, "#/not", "a schema with maximum"),
            (r#"{"multipleOf":0}"#, "#/multipleOf", "a number above 0"),
            ("[1]", "#", "an object"),
        ] {
            let told = check(schema);
            let fits =
                matches!(&told, Err(WrongSchema::Value(at, must_be)) if at == place && must_be.starts_with(form));
            assert!(fits, "{schema}: {told:?}");
        }
        for schema in ["not json", ""] {
            assert!(matches!(check(schema), Err(WrongSchema::NoJson(_))), "{schema}");
        }
    }
}
