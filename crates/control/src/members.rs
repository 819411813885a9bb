//! What a resource is made of: tables of members, and the one function that creates and updates by them.
//!
//! Creating is updating nothing: both merge a body into a document, fill in defaults, and check the result.

mod value;

use serde_json::Value;

use crate::error::{self, Fault};
use crate::store::Document;

pub(crate) use value::MemberKind;

/// One member of a resource: a row of its table.
#[derive(Clone, Copy)]
pub(crate) struct Member {
    /// Name on the wire.
    pub(crate) name: &'static str,
    pub(crate) kind: MemberKind,
    pub(crate) rule: Rule,
    required: bool,
    default: Option<fn() -> Value>,
    /// AWS's text when a required member is missing, where it differs from the usual one.
    missing: Option<&'static str>,
    /// AWS's text when a value is out of bounds, where it differs from the usual one.
    invalid: Option<&'static str>,
}

/// What becomes of a value that a caller sends. Source of all: docs/aws/control-plane.md 6.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    /// The new value takes the place of the old one; an empty text, list or object clears it.
    Replace,
    /// A map of texts: merged by key; an empty text deletes its key.
    MergeTexts,
    /// A map of objects: merged by key, each object by member. Keys are deleted by operations of their own.
    MergeObjects,
    /// An object: merged by member.
    MergeMembers,
    /// Taken at creation, ignored later.
    Fixed,
    /// Answered, never taken.
    Output,
    /// Not a member of WebSocket APIs' resources: refused with this text, unless the value asks for nothing.
    Refused(&'static str),
    /// Not a member of WebSocket APIs' resources, and not answered; without effect when sent.
    Ignored,
    /// The same, of which people expect an effect: who sends it at creation is told so in the log, with this reason.
    WithoutEffect(&'static str),
}

impl Member {
    pub(crate) const fn new(name: &'static str, kind: MemberKind, rule: Rule) -> Member {
        Member { name, kind, rule, required: false, default: None, missing: None, invalid: None }
    }

    /// A text that can be replaced and cleared, of `min` to `max` characters.
    pub(crate) const fn text(name: &'static str, min: usize, max: usize) -> Member {
        Member::new(name, MemberKind::Text { min, max }, Rule::Replace)
    }

    /// One of a few words.
    pub(crate) const fn choice(name: &'static str, words: &'static [&'static str]) -> Member {
        Member::new(name, MemberKind::Choice(words), Rule::Replace)
    }

    /// True or false.
    pub(crate) const fn flag(name: &'static str) -> Member {
        Member::new(name, MemberKind::Flag, Rule::Replace)
    }

    /// A text that only answers carry.
    pub(crate) const fn output(name: &'static str) -> Member {
        Member::new(name, MemberKind::Text { min: 0, max: usize::MAX }, Rule::Output)
    }

    /// A member of HTTP APIs, refused here.
    pub(crate) const fn refused(name: &'static str, kind: MemberKind, text: &'static str) -> Member {
        Member::new(name, kind, Rule::Refused(text))
    }

    pub(crate) const fn required(mut self) -> Member {
        self.required = true;
        self
    }

    pub(crate) const fn fixed(mut self) -> Member {
        self.rule = Rule::Fixed;
        self
    }

    /// The value where none was sent, or where it was cleared.
    pub(crate) const fn or(mut self, default: fn() -> Value) -> Member {
        self.default = Some(default);
        self
    }

    /// AWS's own text for a missing member.
    pub(crate) const fn missing(mut self, text: &'static str) -> Member {
        self.missing = Some(text);
        self
    }

    /// AWS's own text for a wrong value.
    pub(crate) const fn invalid(mut self, text: &'static str) -> Member {
        self.invalid = Some(text);
        self
    }
}

/// An empty object, the default of maps that are always answered.
pub(crate) fn empty() -> Value {
    Value::Object(Document::new())
}

/// Merges a body into a document (or into nothing, to create one) and checks the result.
///
/// Members that the table does not name are left out; members that only the program sets are kept.
///
/// # Errors
/// 400 for a wrong JSON type, a refused or missing member, or a value out of bounds, in this order.
pub(crate) fn merge(
    table: &[Member],
    noun: &str,
    current: Option<&Document>,
    body: &Document,
) -> Result<Document, Fault> {
    let given = |member: &Member| body.get(member.name).filter(|value| !value.is_null());
    let takes = |member: &Member| match member.rule {
        Rule::Output | Rule::Ignored | Rule::WithoutEffect(_) | Rule::Refused(_) => false,
        Rule::Fixed => current.is_none(),
        _ => true,
    };
    for member in table.iter().filter(|member| takes(member)) {
        if let Some(value) = given(member) {
            member.kind.check_type(member.name, value)?;
        }
    }
    for member in table {
        if let (Rule::Refused(text), Some(value)) = (member.rule, given(member))
            && asks_for_something(value)
        {
            return Err(error::bad_request(text));
        }
    }
    let mut next = Document::new();
    for member in table {
        let default = || member.default.map(|default| default());
        let mut old = current.and_then(|current| current.get(member.name)).cloned();
        if member.rule == Rule::MergeMembers {
            // A caller who sets one member of the object at creation keeps the defaults of the others.
            old = old.or_else(default);
        }
        let value = match given(member).filter(|_| takes(member)) {
            Some(value) => value::merged(member, old.as_ref(), value),
            None => old,
        };
        if let Some(value) = value.or_else(default) {
            next.insert(member.name.into(), value);
        }
    }
    check(table, noun, &next)?;
    Ok(next)
}

/// Puts members in the table's order, whatever the order in which rules filled them in.
pub(crate) fn arrange(table: &[Member], mut document: Document) -> Document {
    let mut arranged = Document::new();
    for member in table {
        if let Some(value) = document.shift_remove(member.name) {
            arranged.insert(member.name.into(), value);
        }
    }
    arranged.extend(document);
    arranged
}

/// Fills in the defaults that a document lacks, and checks the result as [`merge`] does.
///
/// # Errors
/// 400 for a missing member or a value out of bounds.
pub(crate) fn settle(table: &[Member], noun: &str, document: &mut Document) -> Result<(), Fault> {
    for member in table {
        if let Some(default) = member.default.filter(|_| !document.contains_key(member.name)) {
            document.insert(member.name.into(), default());
        }
    }
    check(table, noun, document)
}

/// Checks a document of which nobody knows whether this program wrote it, and fills in the defaults that it lacks.
///
/// # Errors
/// 400 for a member that is none, for a wrong JSON type, and as [`settle`].
pub(crate) fn readmit(table: &[Member], noun: &str, document: &Document) -> Result<Document, Fault> {
    let is_kept = |member: &Member| !matches!(member.rule, Rule::Refused(_) | Rule::Ignored | Rule::WithoutEffect(_));
    for (name, value) in document {
        let member = table.iter().find(|member| member.name == name && is_kept(member));
        member.ok_or_else(|| error::unknown_member(name, noun))?.kind.check_type(name, value)?;
    }
    let mut settled = document.clone();
    settle(table, noun, &mut settled)?;
    Ok(arrange(table, settled))
}

fn check(table: &[Member], noun: &str, document: &Document) -> Result<(), Fault> {
    if let Some(member) = table.iter().find(|member| member.required && !document.contains_key(member.name)) {
        return Err(match member.missing {
            Some(text) => error::bad_request(text),
            None => error::missing_member(member.name, noun),
        });
    }
    for member in table.iter().filter(|member| member.rule != Rule::Output) {
        if let Some(value) = document.get(member.name) {
            member.kind.check_value(member.name, value).map_err(|fault| match member.invalid {
                Some(text) => error::bad_request(text),
                None => fault,
            })?;
        }
    }
    Ok(())
}

/// The members of a body that have no effect although people expect one, and why.
pub(crate) fn without_effect(table: &[Member], body: &Document) -> Option<(Vec<&'static str>, &'static str)> {
    let expected = table.iter().filter_map(|member| match member.rule {
        Rule::WithoutEffect(why) if body.get(member.name).is_some_and(asks_for_something) => Some((member.name, why)),
        _ => None,
    });
    let (names, reasons): (Vec<_>, Vec<_>) = expected.unzip();
    reasons.first().map(|why| (names, *why))
}

/// Whether a value differs from what is so anyway: tools send `false`, `0` and empty lists for members they do not use.
fn asks_for_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

#[cfg(test)]
mod tests;
