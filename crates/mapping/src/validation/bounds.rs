//! Bounds the work of checking a message: how many references are followed, and how deep.
//!
//! A model that refers to itself in two alternatives takes time that doubles with each level of a message, and a long
//! chain of references takes the thread's stack, which would end the program. The library bounds neither, so each
//! `$ref` gets a keyword beside it that counts. A schema's nesting without references is bounded by its JSON.

use std::cell::Cell;

use jsonschema::{Keyword, ValidationError};
use serde_json::{Value, json};

use crate::effort;

/// The keyword; it stands in no schema of a user, and does no harm if it does.
pub(super) const KEYWORD: &str = "gatewright:bounded";

/// How many references one message may lead through: some for each value of the largest one.
const STEPS_MAX: usize = 500_000;
/// How much stack they may take: a quarter of what the program's threads have.
const STACK_BYTES_MAX: usize = 512 * 1024;

thread_local! {
    /// What is left for the message, or the model, that this thread is at.
    static LEFT: Cell<Left> = const { Cell::new(Left { steps: 0, stack_start: 0, exceeded: None }) };
}

#[derive(Clone, Copy)]
struct Left {
    steps: usize,
    stack_start: usize,
    exceeded: Option<Exceeded>,
}

/// A bound that was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exceeded {
    Steps,
    Depth,
}

impl Exceeded {
    /// A sentence for the log.
    pub(super) fn told(self) -> String {
        match self {
            Exceeded::Steps => format!("it leads through more than {STEPS_MAX} references between schemas"),
            Exceeded::Depth => "it leads too deep through references between schemas".to_owned(),
        }
    }
}

/// Runs something under the bounds; gives what it gave, and the bound it met, in which case that is worth nothing.
pub(super) fn within<T>(act: impl FnOnce() -> T) -> (T, Option<Exceeded>) {
    let steps = effort::references(STEPS_MAX);
    LEFT.set(Left { steps, stack_start: stack_position(), exceeded: None });
    let outcome = act();
    if LEFT.get().exceeded == Some(Exceeded::Steps) {
        effort::limit_met();
    }
    (outcome, LEFT.get().exceeded)
}

/// Puts the keyword beside each reference. In draft 4 a `$ref` silences its neighbours, so both become parts of an `allOf`.
pub(super) fn bounded(schema: Value) -> Value {
    match schema {
        Value::Object(mut members) if members.get("$ref").is_some_and(Value::is_string) => {
            // Other references lead there by their place.
            let definitions = members.remove("definitions").map(bounded);
            let mut schema = json!({ "allOf": [{ KEYWORD: true }, members] });
            if let Some(definitions) = definitions {
                schema["definitions"] = definitions;
            }
            schema
        }
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| {
                // The values of an enumeration are no schemas.
                let is_data = name == "enum" && value.is_array();
                let value = if is_data { value } else { bounded(value) };
                (name, value)
            };
            members.into_iter().map(member).collect()
        }
        Value::Array(items) => items.into_iter().map(bounded).collect(),
        other => other,
    }
}

/// Whether a schema's faults can be listed in a time that grows with the message alone: the library stops early when it
/// checks, but goes everywhere when it lists, so references must not meet keywords that look at a value twice.
pub(super) fn is_listable<'s>(schemas: impl Iterator<Item = &'s Value>) -> bool {
    const TWICE: &[&str] = &["allOf", "anyOf", "oneOf", "not", "patternProperties", "dependencies"];
    let (mut has_reference, mut looks_twice) = (false, false);
    let mut left: Vec<&Value> = schemas.collect();
    while let Some(value) = left.pop() {
        match value {
            Value::Object(members) => {
                has_reference |= members.contains_key("$ref");
                looks_twice |= TWICE.iter().any(|keyword| members.contains_key(*keyword));
                left.extend(members.values());
            }
            Value::Array(items) => left.extend(items),
            _ => {}
        }
    }
    !(has_reference && looks_twice)
}

/// What the library calls for each [`KEYWORD`], when it compiles a schema and when it checks a message.
pub(super) struct Bounded;

impl Bounded {
    /// Goes one step further, unless a bound is met.
    pub(super) fn step() -> bool {
        let mut left = LEFT.get();
        if left.exceeded.is_none() {
            match left.steps.checked_sub(1) {
                _ if left.stack_start.abs_diff(stack_position()) > STACK_BYTES_MAX => {
                    left.exceeded = Some(Exceeded::Depth);
                }
                Some(steps) => left.steps = steps,
                None => left.exceeded = Some(Exceeded::Steps),
            }
            LEFT.set(left);
        }
        left.exceeded.is_none()
    }
}

impl<'i> Keyword<'i> for Bounded {
    fn validate(&self, _: &'i Value) -> Result<(), ValidationError<'i>> {
        if Bounded::step() { Ok(()) } else { Err(ValidationError::custom("too much to check")) }
    }

    fn is_valid(&self, _: &'i Value) -> bool {
        Bounded::step()
    }
}

// Where the stack stands, as nearly as safe code can tell.
#[inline(never)]
fn stack_position() -> usize {
    let here = 0_u8;
    (&raw const here).addr()
}
