//! Java's equality and hash of values.

use std::rc::Rc;

use java::hash_code;

use crate::halt::Halt;
use crate::limits::Meter;
use crate::number::{compare, is_number};
use crate::print::to_text;
use crate::value::{ListKind, Map, Value};

/// Java's `equals`: same class and same value; lists item by item, maps regardless of order.
///
/// Values that share their parts take exponentially many comparisons, so each costs a step.
pub(crate) fn equals(a: &Value, b: &Value, meter: &mut Meter) -> Result<bool, Halt> {
    meter.steps(1)?;
    if let (Value::Text(a), Value::Text(b)) = (a, b) {
        meter.steps(a.len().min(b.len()) / 64)?;
    }
    match (a, b) {
        (Value::Node(..), _) | (_, Value::Node(..)) => ordinary(&a.clone().thaw(), &b.clone().thaw(), meter),
        (a, b) => ordinary(a, b, meter),
    }
}

fn ordinary(a: &Value, b: &Value, meter: &mut Meter) -> Result<bool, Halt> {
    Ok(match (a, b) {
        (Value::List(a), Value::List(b)) => {
            if Rc::ptr_eq(a, b) {
                return Ok(true);
            }
            let lists = |kind| matches!(kind, ListKind::Literal | ListKind::Json);
            if !(lists(a.kind) && lists(b.kind) || a.kind == ListKind::View && b.kind == ListKind::View) {
                return Ok(false);
            }
            let (a, b) = (a.items.borrow(), b.items.borrow());
            if a.len() != b.len() {
                return Ok(false);
            }
            meter.down()?;
            for (a, b) in a.iter().zip(b.iter()) {
                if !equals(a, b, meter)? {
                    meter.up();
                    return Ok(false);
                }
            }
            meter.up();
            true
        }
        (Value::Map(a), Value::Map(b)) => Rc::ptr_eq(a, b) || maps(a, b, meter)?,
        (Value::Entry(a), Value::Entry(b)) => {
            meter.down()?;
            let same = equals(&a.0, &b.0, meter)? && equals(&a.1, &b.1, meter)?;
            meter.up();
            same
        }
        (Value::Loop(a), Value::Loop(b)) => Rc::ptr_eq(a, b),
        (Value::Object(a), Value::Object(b)) => Rc::ptr_eq(a, b),
        (a, b) => a.is_same(b),
    })
}

fn maps(a: &Map, b: &Map, meter: &mut Meter) -> Result<bool, Halt> {
    if a.len() != b.len() {
        return Ok(false);
    }
    meter.down()?;
    for (key, value) in a.shown().iter() {
        meter.steps(1)?;
        let same = match b.get(key) {
            Some(other) => equals(value, &other, meter)?,
            None => false,
        };
        if !same {
            meter.up();
            return Ok(false);
        }
    }
    meter.up();
    Ok(true)
}

/// `==` of the language: numbers by their value, the same class by Java's equality, else the texts.
pub(crate) fn loosely_equal(a: &Value, b: &Value, meter: &mut Meter) -> Result<bool, Halt> {
    if a.is_null() || b.is_null() {
        return Ok(a.is_null() && b.is_null());
    }
    if is_number(a) && is_number(b) {
        return Ok(compare(a, b) == Some(std::cmp::Ordering::Equal));
    }
    let alike = match (a, b) {
        // A JSON list is a list of its own class, which the other is above.
        (a, b) if a.is_list() && b.is_list() || a.is_map() && b.is_map() => true,
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    };
    if alike {
        return equals(a, b, meter);
    }
    let (a, b) = (to_text(a, meter)?, to_text(b, meter)?);
    meter.steps(a.len().min(b.len()) / 64)?;
    Ok(a == b)
}

/// Java's `hashCode`.
pub(crate) fn hash(value: &Value, meter: &mut Meter) -> Result<i32, Halt> {
    meter.steps(1)?;
    Ok(match value {
        Value::Null => 0,
        Value::Bool(b) => {
            if *b {
                1231
            } else {
                1237
            }
        }
        Value::Int(n) => *n,
        Value::Long(n) => (*n ^ (*n as u64 >> 32) as i64) as i32,
        Value::Double(d) => {
            let bits = if d.is_nan() { 0x7ff8_0000_0000_0000 } else { d.to_bits() };
            (bits ^ (bits >> 32)) as i32
        }
        Value::Big(n) => {
            let hash = n.iter_u32_digits().rev().fold(0i32, |h, digit| h.wrapping_mul(31).wrapping_add(digit as i32));
            if n.sign() == num_bigint::Sign::Minus { hash.wrapping_neg() } else { hash }
        }
        Value::Char(c) => *c as i32,
        Value::Text(text) => {
            meter.steps(text.len() / 16)?;
            hash_code(text)
        }
        Value::List(list) => {
            meter.down()?;
            let seed = i32::from(list.kind != ListKind::View);
            let mut sum = seed;
            for item in list.items.borrow().iter() {
                let h = hash(item, meter)?;
                sum = if seed == 1 { sum.wrapping_mul(31).wrapping_add(h) } else { sum.wrapping_add(h) };
            }
            meter.up();
            sum
        }
        Value::Map(map) => {
            meter.down()?;
            let mut sum = 0i32;
            for (key, value) in map.shown().iter() {
                sum = sum.wrapping_add(hash(key, meter)? ^ hash(value, meter)?);
            }
            meter.up();
            sum
        }
        Value::Entry(entry) => {
            meter.down()?;
            let h = hash(&entry.0, meter)? ^ hash(&entry.1, meter)?;
            meter.up();
            h
        }
        Value::Node(document, at) => return hash(&document.thaw(*at), meter),
        other => hash_code(&to_text(other, meter)?),
    })
}

/// A number as an index into something of `len` items; negative ones count from the end.
pub(crate) fn index_of(value: &Value, len: usize) -> Option<Result<usize, i64>> {
    let n = match value {
        Value::Int(n) => i64::from(*n),
        _ => return None,
    };
    let from_start = if n < 0 { n + len as i64 } else { n };
    Some(usize::try_from(from_start).ok().filter(|i| *i < len).ok_or(n))
}
