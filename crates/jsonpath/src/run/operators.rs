//! What the operators of a filter say of two values.

use std::cmp::Ordering;

use java::{Decimal, FilterPattern, utf16};

use crate::node::{Node, NodeKind};
use crate::step::Operator;
use crate::stop::{Meter, Stop};

use super::value::Value;

pub(super) fn compare<N: Node>(
    left: &Value<'_, N>,
    operator: Operator,
    right: &Value<'_, N>,
    meter: &mut Meter,
) -> Result<bool, Stop> {
    let order = |holds: fn(Ordering) -> bool| Ok(order(left, right).is_some_and(holds));
    match operator {
        Operator::Equal => is_equal(left, right, meter),
        Operator::NotEqual => Ok(!is_equal(left, right, meter)?),
        Operator::SameKindEqual => Ok(left.is_alike(right) && is_equal(left, right, meter)?),
        Operator::SameKindNotEqual => Ok(!(left.is_alike(right) && is_equal(left, right, meter)?)),
        Operator::Less => order(Ordering::is_lt),
        Operator::LessOrEqual => order(Ordering::is_le),
        Operator::Greater => order(Ordering::is_gt),
        Operator::GreaterOrEqual => order(Ordering::is_ge),
        Operator::Matches => matches_pattern(left, right, meter),
        Operator::In => is_in(left, right, meter),
        Operator::NotIn => Ok(!is_in(left, right, meter)?),
        Operator::Contains => match (left, right) {
            (Value::Text(left), Value::Text(right)) => Ok(left.contains(&**right)),
            (Value::Found(_) | Value::Written(..), _) => {
                Ok(left.members(meter)?.is_some_and(|members| has(&members, right)))
            }
            _ => Ok(false),
        },
        Operator::Size => has_size(left, right),
        Operator::Empty => is_empty(left, right),
        Operator::SubsetOf => of_lists(left, right, meter, |left, right| left.iter().all(|item| has(right, item))),
        Operator::AnyOf => of_lists(left, right, meter, |left, right| left.iter().any(|item| has(right, item))),
        Operator::NoneOf => of_lists(left, right, meter, |left, right| !left.iter().any(|item| has(right, item))),
        Operator::Exists => match (left, right) {
            (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
            (Value::Bool(_), _) | (_, Value::Bool(_)) => Err(Stop::refused("`exists` needs two booleans")),
            _ => Err(Stop::failed("`exists` needs booleans")),
        },
        Operator::Never => Err(Stop::refused("the operator cannot be asked in a path")),
    }
}

fn is_equal<N: Node>(left: &Value<'_, N>, right: &Value<'_, N>, meter: &mut Meter) -> Result<bool, Stop> {
    match (left, right) {
        (Value::Found(left), Value::Found(_) | Value::Written(..)) => match right.json()? {
            Some(right) => same(left, right, meter),
            None => Ok(false),
        },
        // JSON on the left is still text to Jayway, which no list or map equals.
        (Value::Written(..), Value::Found(_) | Value::Written(..)) => right.json().map(|_| false),
        _ => Ok(equals(left, right)),
    }
}

/// Equality as lists see it. Text converts to a number beside one on the left, and the number to text else.
fn equals<N: Node>(left: &Value<'_, N>, right: &Value<'_, N>) -> bool {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => left == right,
        (Value::Text(left), Value::Number(right)) => *left == right.to_string(),
        (Value::Number(left), Value::Number(right)) => left.order(right).is_eq(),
        (Value::Number(left), Value::Text(right)) => {
            Decimal::parse(right).is_some_and(|right| left.order(&right).is_eq())
        }
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Null, Value::Null) => true,
        (Value::Written(left, _), Value::Written(right, _)) => left == right,
        _ => false,
    }
}

/// Whether lists or maps are the same as Java sees them: 1 and 1.0 differ within, the order of members does not count.
fn same<N: Node>(left: &N, right: &N, meter: &mut Meter) -> Result<bool, Stop> {
    meter.visit(1)?;
    if left.kind() != right.kind() || left.len() != right.len() {
        return Ok(false);
    }
    match left.kind() {
        NodeKind::Null => Ok(true),
        NodeKind::Bool => Ok(left.as_bool() == right.as_bool()),
        NodeKind::Number => Ok(left.number_text() == right.number_text()),
        NodeKind::String => Ok(left.as_text() == right.as_text()),
        NodeKind::List => same_parts(0..left.len(), |index| Some((left.item(index)?, right.item(index)?)), meter),
        NodeKind::Map => same_parts(left.names(), |name| Some((left.member(&name)?, right.member(&name)?)), meter),
    }
}

/// Whether each of two lists' or maps' parts are there and the same. What a template has made may nest without end.
fn same_parts<P, N: Node>(
    parts: impl IntoIterator<Item = P>,
    both: impl Fn(P) -> Option<(N, N)>,
    meter: &mut Meter,
) -> Result<bool, Stop> {
    meter.enter()?;
    let mut all = true;
    for part in parts {
        all = match both(part) {
            Some((left, right)) => same(&left, &right, meter)?,
            None => false,
        };
        if !all {
            break;
        }
    }
    meter.leave();
    Ok(all)
}

fn order<N: Node>(left: &Value<'_, N>, right: &Value<'_, N>) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Some(left.order(right)),
        (Value::Text(left), Value::Text(right)) => Some(left.encode_utf16().cmp(right.encode_utf16())),
        _ => None,
    }
}

fn has<N: Node>(members: &[Value<'_, N>], wanted: &Value<'_, N>) -> bool {
    members.iter().any(|member| equals(wanted, member))
}

fn is_in<N: Node>(left: &Value<'_, N>, right: &Value<'_, N>, meter: &mut Meter) -> Result<bool, Stop> {
    Ok(right.members(meter)?.is_some_and(|members| has(&members, left)))
}

fn of_lists<'o, N: Node>(
    left: &Value<'o, N>,
    right: &Value<'o, N>,
    meter: &mut Meter,
    holds: impl Fn(&[Value<'o, N>], &[Value<'o, N>]) -> bool,
) -> Result<bool, Stop> {
    let Some(right) = right.members(meter)? else {
        return Ok(false);
    };
    let Some(left) = left.members(meter)? else {
        return Ok(false);
    };
    meter.visit(left.len().saturating_mul(right.len()))?;
    Ok(holds(&left, &right))
}

fn matches_pattern<N: Node>(left: &Value<'_, N>, right: &Value<'_, N>, meter: &mut Meter) -> Result<bool, Stop> {
    match (left, right) {
        (Value::Pattern(_), Value::Pattern(_)) => Ok(false),
        (Value::Pattern(pattern), value) | (value, Value::Pattern(pattern)) => {
            let is_list = value.json()?.is_some_and(|node| node.kind() == NodeKind::List);
            match value.members(meter) {
                Ok(Some(members)) => Ok(members.iter().any(|member| is_match(pattern, member))),
                Err(stop) if is_list => Err(stop),
                _ => Ok(is_match(pattern, value)),
            }
        }
        _ => Ok(false),
    }
}

// What is neither text nor number nor boolean is the empty text here.
fn is_match<N>(pattern: &FilterPattern, value: &Value<'_, N>) -> bool {
    match value {
        Value::Text(text) => pattern.is_match(text),
        Value::Number(number) => pattern.is_match(&number.to_string()),
        Value::Bool(b) => pattern.is_match(if *b { "true" } else { "false" }),
        _ => pattern.is_match(""),
    }
}

fn has_size<N: Node>(left: &Value<'_, N>, right: &Value<'_, N>) -> Result<bool, Stop> {
    let Value::Number(wanted) = right else {
        return Ok(false);
    };
    let size = match left {
        Value::Text(text) => Some(utf16::len(text)),
        _ => match left.json()? {
            // Jayway gives a map the size -1.
            Some(node) if node.kind() == NodeKind::Map => return Ok(wanted.int_value() == -1),
            node => node.map(N::len),
        },
    };
    Ok(size.is_some_and(|size| i32::try_from(size) == Ok(wanted.int_value())))
}

fn is_empty<N: Node>(left: &Value<'_, N>, right: &Value<'_, N>) -> Result<bool, Stop> {
    let empty = match left {
        Value::Text(text) => text.is_empty(),
        _ => match left.json()? {
            Some(node) if node.kind() == NodeKind::Map => return Err(Stop::failed("`empty` cannot be asked of a map")),
            Some(node) => node.len() == 0,
            None => return Ok(false),
        },
    };
    match right {
        Value::Bool(wanted) => Ok(empty == *wanted),
        _ => Err(Stop::refused("`empty` needs true or false")),
    }
}
