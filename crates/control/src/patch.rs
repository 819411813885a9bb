//! v1's updates: `patchOperations`, a list of steps such as `{"op": "replace", "path": "/name", "value": "x"}`.
//!
//! Which paths a resource has is its own; what stands at a path is told by its table of members. Values are texts,
//! whatever the member's type. Source: documented ("PatchOperation"); texts recorded where said.

use serde_json::{Number, Value};

use crate::crud::{self, Answer, Call, Resource};
use crate::error::{self, Fault};
use crate::members::{self, Member, MemberKind};
use crate::store::Document;
use crate::transaction::Transaction;

/// The most steps in one call. Ours.
const STEPS_MAX: usize = 1000;

/// One step.
pub(crate) struct Step<'a> {
    pub(crate) op: Op,
    /// As the caller wrote it.
    pub(crate) path: &'a str,
    /// Empty where the caller gave none.
    pub(crate) value: &'a str,
}

impl Step<'_> {
    /// The refusal of a step whose path is none of these.
    pub(crate) fn wrong_path(&self, paths: &[&str]) -> Fault {
        error::patch_path(self.path, self.op.word(), paths)
    }

    fn wrong_value(&self) -> Fault {
        error::patch_value(self.value, self.path)
    }
}

/// What a step does. v1 has three more, which no path here takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// For a member that is one value the same as [`Op::Replace`].
    Add,
    Remove,
    Replace,
}

impl Op {
    /// As it goes over the wire.
    fn word(self) -> &'static str {
        match self {
            Op::Add => "add",
            Op::Remove => "remove",
            Op::Replace => "replace",
        }
    }
}

/// What of a resource can be patched.
pub(crate) struct Patch {
    pub(crate) resource: &'static Resource,
    /// The paths of members, in the order in which a refusal lists them.
    pub(crate) paths: &'static [&'static str],
    /// Takes a step that is no member's; false where it is none of its own either.
    pub(crate) special: fn(&mut Document, &Step) -> Result<bool, Fault>,
}

/// A resource whose paths are all members'.
pub(crate) fn nothing_special(_: &mut Document, _: &Step) -> Result<bool, Fault> {
    Ok(false)
}

/// Takes a call's steps, in order, on the resource that it is about; answers the result. All of them, or none.
pub(crate) fn update(patch: &Patch, call: &Call, tx: &mut Transaction) -> Answer {
    let (_, _, current) = crud::find(patch.resource, call, tx)?;
    let mut document = Document::clone(&current);
    for step in read(&call.body)? {
        if !(patch.special)(&mut document, &step)? {
            take(patch.resource.members, patch.paths, &mut document, &step)?;
        }
    }
    members::settle(patch.resource.members, patch.resource.noun, &mut document)?;
    crud::replace(patch.resource, document, call, tx)
}

/// The steps of a call.
///
/// # Errors
/// 400 for what is no list of steps.
pub(crate) fn read(body: &Document) -> Result<Vec<Step<'_>>, Fault> {
    let steps = match body.get("patchOperations") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(steps)) if steps.len() > STEPS_MAX => {
            return Err(error::out_of_bounds("patchOperations", &format!("a list of at most {STEPS_MAX}")));
        }
        Some(Value::Array(steps)) => steps,
        Some(_) => return Err(error::wrong_type("patchOperations", "a list of objects")),
    };
    steps.iter().enumerate().map(|(at, step)| read_step(at, step)).collect()
}

fn read_step(at: usize, step: &Value) -> Result<Step<'_>, Fault> {
    let name = format!("patchOperations[{at}]");
    let step = step.as_object().ok_or_else(|| error::wrong_type(&name, "an object"))?;
    let text = |member: &str| match step.get(member) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(error::wrong_type(&format!("{name}.{member}"), "a string")),
    };
    let op = match text("op")? {
        "add" => Op::Add,
        "remove" => Op::Remove,
        "replace" => Op::Replace,
        _ => return Err(error::bad_request(error::PATCH_OP)),
    };
    Ok(Step { op, path: text("path")?, value: text("value")? })
}

/// Takes one step on a member.
///
/// # Errors
/// 400 for a path that is not among `paths`, which the text lists, and for a value that is none of the member's type.
pub(crate) fn take(
    members: &[Member],
    paths: &[&'static str],
    document: &mut Document,
    step: &Step,
) -> Result<(), Fault> {
    if !paths.contains(&step.path) {
        return Err(step.wrong_path(paths));
    }
    let segments: Vec<&str> = step.path.split('/').skip(1).collect();
    set(members, document, &segments, step)
}

fn set(members: &[Member], document: &mut Document, segments: &[&str], step: &Step) -> Result<(), Fault> {
    let [name, rest @ ..] = segments else { return Ok(()) };
    let Some(member) = members.iter().find(|member| member.name == *name) else { return Ok(()) };
    match (member.kind, rest) {
        (_, []) if step.op == Op::Remove => {
            document.shift_remove(*name);
        }
        (kind, []) => match converted(kind, step)? {
            Some(value) => {
                document.insert((*name).to_owned(), value);
            }
            None => {
                document.shift_remove(*name);
            }
        },
        (MemberKind::Object(inner), rest) => {
            let entry = document.entry(*name).or_insert_with(members::empty);
            if let Value::Object(inner_document) = entry {
                set(inner, inner_document, rest, step)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// A text as the member's type; none for an empty text, which clears.
fn converted(kind: MemberKind, step: &Step) -> Result<Option<Value>, Fault> {
    if step.value.is_empty() {
        return Ok(None);
    }
    let number = |number: Option<Number>| number.map(Value::Number).ok_or_else(|| step.wrong_value());
    Ok(Some(match kind {
        // Any other word counts as false. Source: recorded.
        MemberKind::Flag => Value::Bool(step.value.eq_ignore_ascii_case("true")),
        MemberKind::Whole { .. } => number(step.value.parse::<i64>().ok().map(Number::from))?,
        MemberKind::Number => number(step.value.parse::<f64>().ok().and_then(Number::from_f64))?,
        MemberKind::Text { .. } | MemberKind::Choice(_) => Value::String(step.value.to_owned()),
        // A whole object is no text; what is in it has paths of its own.
        _ => return Err(step.wrong_value()),
    }))
}
