//! Follows properties without making values on the way: most references are nothing else.

use std::rc::Rc;

use crate::ast::{Expr, Reference, Root, Step};
use crate::halt::Halt;
use crate::item::Item;
use crate::limits::Meter;
use crate::methods;
use crate::print::{check, write_item, write_text};
use crate::value::{Document, Value};

/// What a reference leads to, borrowed where it need not be made.
pub(super) enum Found<'v> {
    Value(&'v Value),
    /// A place of a document that has not been thawed.
    Item(&'v Rc<Document>, u32),
    /// A literal.
    Text(&'v str),
    Made(Value),
}

/// What comparisons look at first.
pub(super) enum Scalar<'v> {
    Bool(bool),
    Integer(i64),
    Text(&'v str),
    Other,
}

/// The value of a reference's leading properties; what follows them is not looked at.
#[inline]
pub(super) fn find<'v>(variables: &'v [Value], meter: &mut Meter, reference: &Reference) -> Result<Found<'v>, Halt> {
    let Root::Slot(slot) = reference.root else { return Ok(Found::Made(Value::Null)) };
    let Some(value) = variables.get(slot as usize) else { return Ok(Found::Made(Value::Null)) };
    let steps = &reference.steps[..reference.lead];
    if steps.is_empty() {
        return Ok(Found::Value(value));
    }
    if let Value::Node(document, at) = value
        && let Some(place) = document.follow(*at, names(steps))
    {
        meter.steps(steps.len())?;
        return Ok(Found::Item(document, place));
    }
    through(value, steps, meter).map(Found::Made)
}

/// The value of a reference of properties where that is an integer which is at hand, and whether it is of 64 bits.
#[inline]
pub(super) fn integer(
    variables: &[Value],
    meter: &mut Meter,
    reference: &Reference,
) -> Result<Option<(i64, bool)>, Halt> {
    let Root::Slot(slot) = reference.root else { return Ok(None) };
    let steps = &reference.steps[..];
    Ok(match variables.get(slot as usize) {
        Some(Value::Int(n)) if steps.is_empty() => Some((i64::from(*n), false)),
        Some(Value::Node(document, at)) => match document.follow(*at, names(steps)).map(|at| document.at(at)) {
            Some(Item::Int(n)) => {
                meter.steps(steps.len()).map_err(|halt| halt.at(reference.at))?;
                Some((i64::from(n), false))
            }
            _ => None,
        },
        _ => None,
    })
}

fn names(steps: &[Step]) -> impl Iterator<Item = (&str, u32)> {
    steps.iter().filter_map(|step| match step {
        Step::Property(name, sign) => Some((&**name, *sign)),
        _ => None,
    })
}

/// Follows properties through what is no document.
fn through(value: &Value, steps: &[Step], meter: &mut Meter) -> Result<Value, Halt> {
    let mut made = Value::Null;
    for (i, step) in steps.iter().enumerate() {
        let value = if i == 0 { value } else { &made };
        let Step::Property(name, _) = step else { break };
        if value.is_null() {
            break;
        }
        meter.steps(1)?;
        made = methods::property(value, name);
    }
    Ok(made)
}

/// Whether [`simple`] gives the value of an operand: a literal, or a reference of properties.
pub(super) fn is_simple(expr: &Expr) -> bool {
    match expr {
        Expr::Reference(reference) => reference.lead == reference.steps.len(),
        expr => matches!(expr, Expr::Int(_) | Expr::Bool(_) | Expr::Text(_)),
    }
}

/// The value of an operand that [`is_simple`]. A reference to null is the empty text.
#[inline]
pub(super) fn simple<'v>(variables: &'v [Value], meter: &mut Meter, expr: &'v Expr) -> Result<Found<'v>, Halt> {
    Ok(match expr {
        Expr::Reference(reference) => {
            let found = find(variables, meter, reference).map_err(|halt| halt.at(reference.at))?;
            if found.is_null() { Found::Text("") } else { found }
        }
        Expr::Text(text) => Found::Text(text),
        Expr::Int(n) => Found::Made(Value::Int(*n)),
        Expr::Bool(b) => Found::Made(Value::Bool(*b)),
        _ => Found::Made(Value::Null),
    })
}

impl<'v> Found<'v> {
    #[inline]
    pub(super) fn is_null(&self) -> bool {
        match self {
            Found::Value(value) => value.is_null(),
            Found::Item(document, at) => matches!(document.at(*at), Item::Null),
            Found::Text(_) => false,
            Found::Made(value) => value.is_null(),
        }
    }

    pub(super) fn is_block(&self) -> bool {
        matches!(self, Found::Value(Value::Block(_)) | Found::Made(Value::Block(_)))
    }

    pub(super) fn into_value(self) -> Value {
        match self {
            Found::Value(value) => value.clone(),
            Found::Item(document, at) => document.value(at),
            Found::Text(text) => Value::text(text),
            Found::Made(value) => value,
        }
    }

    #[inline]
    pub(super) fn scalar(&self) -> Scalar<'_> {
        let value = match self {
            Found::Value(value) => value,
            Found::Made(value) => value,
            Found::Text(text) => return Scalar::Text(text),
            Found::Item(document, at) => {
                return match document.at(*at) {
                    Item::Bool(b) => Scalar::Bool(b),
                    Item::Int(n) => Scalar::Integer(i64::from(n)),
                    Item::Long(n) => Scalar::Integer(n),
                    item => document.text(item).map_or(Scalar::Other, Scalar::Text),
                };
            }
        };
        match value {
            Value::Bool(b) => Scalar::Bool(*b),
            Value::Int(n) => Scalar::Integer(i64::from(*n)),
            Value::Long(n) => Scalar::Integer(*n),
            Value::Text(text) => Scalar::Text(text),
            _ => Scalar::Other,
        }
    }

    /// Writes its text; null writes nothing.
    pub(super) fn write(&self, out: &mut String, bytes_max: usize, meter: &mut Meter) -> Result<(), Halt> {
        match self {
            _ if self.is_null() => Ok(()),
            Found::Item(document, at) => write_item(document, *at, out, bytes_max, meter),
            Found::Text(text) => {
                out.push_str(text);
                check(out, bytes_max)
            }
            Found::Value(value) => write_text(value, out, bytes_max, meter),
            Found::Made(value) => write_text(value, out, bytes_max, meter),
        }
    }
}
