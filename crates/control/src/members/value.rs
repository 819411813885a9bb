//! One member's value: its JSON type, its bounds, and how a new value joins an old one.

use serde_json::{Number, Value};

use super::{Member, Rule};
use crate::error::{self, Fault};
use crate::store::Document;

/// The most keys in a map that has no bound of AWS's: merging by key must not let a document grow for ever. Ours.
pub(crate) const KEYS_MAX: usize = 1000;

/// The longest key of a map, in characters. Ours.
const KEY_CHARS_MAX: usize = 1024;

/// JSON type and bounds of a member.
#[derive(Clone, Copy)]
pub(crate) enum MemberKind {
    /// A text of so many characters.
    Text { min: usize, max: usize },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// True or false.
    Flag,
    /// A whole number within bounds.
    Whole { min: i64, max: i64 },
    /// A number from 0 up.
    Number,
    /// A list of texts.
    Texts,
    /// A map to texts of at most so many characters.
    TextMap { value_max: usize },
    /// An object with these members.
    Object(&'static [Member]),
    /// A list of objects with these members.
    Objects(&'static [Member]),
    /// A map to objects with these members.
    ObjectMap(&'static [Member]),
    /// Anything: for members that are refused or ignored.
    Any,
}

impl MemberKind {
    /// Refuses a value of another JSON type; names the member and the type it should have.
    pub(super) fn check_type(self, name: &str, value: &Value) -> Result<(), Fault> {
        match (self, value) {
            (MemberKind::Text { .. } | MemberKind::Choice(_), Value::String(_))
            | (MemberKind::Flag, Value::Bool(_))
            | (MemberKind::Number, Value::Number(_))
            | (MemberKind::Any, _) => Ok(()),
            (MemberKind::Whole { .. }, Value::Number(number)) => match whole(number) {
                Some(_) => Ok(()),
                None => Err(error::wrong_type(name, "a whole number")),
            },
            (MemberKind::Texts, Value::Array(items)) => match items.iter().position(|item| !item.is_string()) {
                Some(at) => Err(error::wrong_type(&format!("{name}[{at}]"), "a string")),
                None => Ok(()),
            },
            (MemberKind::TextMap { .. }, Value::Object(map)) => {
                match map.iter().find(|(_, value)| !value.is_string()) {
                    Some((key, _)) => Err(error::wrong_type(&format!("{name}.{key}"), "a string")),
                    None => Ok(()),
                }
            }
            (MemberKind::Object(members), Value::Object(object)) => check_types(members, name, object),
            (MemberKind::Objects(members), Value::Array(items)) => {
                items.iter().enumerate().try_for_each(|(at, value)| {
                    let name = format!("{name}[{at}]");
                    let object = value.as_object().ok_or_else(|| error::wrong_type(&name, "an object"))?;
                    check_types(members, &name, object)
                })
            }
            (MemberKind::ObjectMap(members), Value::Object(map)) => map.iter().try_for_each(|(key, value)| {
                let name = format!("{name}.{key}");
                let object = value.as_object().ok_or_else(|| error::wrong_type(&name, "an object"))?;
                check_types(members, &name, object)
            }),
            _ => Err(error::wrong_type(name, self.noun())),
        }
    }

    /// Refuses a value out of bounds. The type has been checked.
    pub(super) fn check_value(self, name: &str, value: &Value) -> Result<(), Fault> {
        match (self, value) {
            (MemberKind::Text { min, max }, Value::String(text)) => {
                let length = text.chars().count();
                if length < min || length > max {
                    return Err(error::out_of_bounds(name, &format!("{min} to {max} characters long")));
                }
            }
            (MemberKind::Choice(words), Value::String(text)) if !words.contains(&text.as_str()) => {
                return Err(error::no_such_choice(name, words));
            }
            (MemberKind::Whole { min, max }, Value::Number(number))
                if !whole(number).is_some_and(|number| (min..=max).contains(&number)) =>
            {
                return Err(error::out_of_bounds(name, &format!("from {min} to {max}")));
            }
            (MemberKind::Number, Value::Number(number)) if !number.as_f64().is_some_and(|number| number >= 0.0) => {
                return Err(error::out_of_bounds(name, "0 or more"));
            }
            (MemberKind::Texts | MemberKind::Objects(_), Value::Array(items)) if items.len() > KEYS_MAX => {
                return Err(error::out_of_bounds(name, &format!("a list of at most {KEYS_MAX}")));
            }
            (MemberKind::TextMap { value_max }, Value::Object(map)) => {
                check_keys(name, map)?;
                let long = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() > value_max);
                if let Some((key, _)) = map.iter().find(|(_, value)| long(value)) {
                    let bounds = format!("at most {value_max} characters long");
                    return Err(error::out_of_bounds(&format!("{name}.{key}"), &bounds));
                }
            }
            (MemberKind::Object(members), Value::Object(object)) => check_values(members, name, object)?,
            (MemberKind::Objects(members), Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    if let Value::Object(object) = item {
                        check_values(members, &format!("{name}[{at}]"), object)?;
                    }
                }
            }
            (MemberKind::ObjectMap(members), Value::Object(map)) => {
                check_keys(name, map)?;
                for (key, value) in map {
                    if let Value::Object(object) = value {
                        check_values(members, &format!("{name}.{key}"), object)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn noun(self) -> &'static str {
        match self {
            MemberKind::Text { .. } | MemberKind::Choice(_) => "a string",
            MemberKind::Flag => "a boolean",
            MemberKind::Whole { .. } | MemberKind::Number => "a number",
            MemberKind::Texts => "a list of strings",
            MemberKind::Objects(_) => "a list of objects",
            MemberKind::TextMap { .. } | MemberKind::Object(_) | MemberKind::ObjectMap(_) => "an object",
            MemberKind::Any => "a value",
        }
    }
}

/// Joins a new value to an old one by the member's rule. None clears the member.
pub(super) fn merged(member: &Member, old: Option<&Value>, new: &Value) -> Option<Value> {
    let old_object = || old.and_then(Value::as_object).cloned().unwrap_or_default();
    let value = match (member.rule, member.kind, new) {
        (Rule::MergeTexts, _, Value::Object(new)) => {
            let mut map = old_object();
            for (key, value) in new {
                if value.as_str() == Some("") {
                    map.shift_remove(key);
                } else {
                    map.insert(key.clone(), value.clone());
                }
            }
            Value::Object(map)
        }
        (Rule::MergeObjects, MemberKind::ObjectMap(members), Value::Object(new)) => {
            let mut map = old_object();
            for (key, value) in new {
                let object = joined(members, map.get(key).and_then(Value::as_object), value);
                map.insert(key.clone(), Value::Object(object));
            }
            Value::Object(map)
        }
        (Rule::MergeMembers, MemberKind::Object(members), new) => {
            Value::Object(joined(members, old.and_then(Value::as_object), new))
        }
        (_, MemberKind::Object(members), new) => Value::Object(joined(members, None, new)),
        (_, MemberKind::Objects(members), Value::Array(new)) => {
            Value::Array(new.iter().map(|item| Value::Object(joined(members, None, item))).collect())
        }
        (_, MemberKind::ObjectMap(members), Value::Object(new)) => {
            let entries = new.iter().map(|(key, value)| (key.clone(), Value::Object(joined(members, None, value))));
            Value::Object(entries.collect())
        }
        (_, MemberKind::Whole { .. }, Value::Number(number)) => whole(number).map_or_else(|| new.clone(), Value::from),
        _ => new.clone(),
    };
    let cleared = match &value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    (!cleared).then_some(value)
}

/// An object's known members: the old ones, and the new ones over them, in the table's order.
fn joined(members: &[Member], old: Option<&Document>, new: &Value) -> Document {
    let mut object = Document::new();
    for member in members {
        let old = old.and_then(|old| old.get(member.name));
        let value = match new.get(member.name).filter(|value| !value.is_null()) {
            Some(value) => merged(member, old, value),
            None => old.cloned(),
        };
        if let Some(value) = value {
            object.insert(member.name.into(), value);
        }
    }
    object
}

fn check_types(members: &[Member], name: &str, object: &Document) -> Result<(), Fault> {
    for member in members {
        if let Some(value) = object.get(member.name).filter(|value| !value.is_null()) {
            member.kind.check_type(&format!("{name}.{}", member.name), value)?;
        }
    }
    Ok(())
}

fn check_values(members: &[Member], name: &str, object: &Document) -> Result<(), Fault> {
    for member in members {
        if let Some(value) = object.get(member.name) {
            member.kind.check_value(&format!("{name}.{}", member.name), value)?;
        }
    }
    Ok(())
}

fn check_keys(name: &str, map: &Document) -> Result<(), Fault> {
    if map.len() > KEYS_MAX {
        return Err(error::out_of_bounds(name, &format!("a map of at most {KEYS_MAX} keys")));
    }
    if map.keys().any(|key| key.is_empty() || key.chars().count() > KEY_CHARS_MAX) {
        return Err(error::out_of_bounds(name, &format!("a map with keys of 1 to {KEY_CHARS_MAX} characters")));
    }
    Ok(())
}

/// A JSON number without a fraction; `29000.0` counts. Numbers beyond 64 bits become the nearest that fits, which
/// every bound that a table names refuses.
fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| number.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as i64))
}
