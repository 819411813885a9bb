//! The methods of numbers, truth values and characters, the static ones of their classes too.

use std::cmp::Ordering;

use super::failure::{incomparable, null, surplus};
use crate::halt::Halt;
use crate::limits::Meter;
use crate::number::{compare, small, to_big, to_double};
use crate::print::to_text;
use crate::value::Value;

fn order(order: Ordering) -> Value {
    Value::Int(order as i32)
}

fn no_number(text: &str) -> Halt {
    Halt::eval(format!("`{text}` is no number"))
}

/// Java's narrowing: a double saturates, a bigint loses its upper bits.
fn to_long(value: &Value) -> i64 {
    match value {
        Value::Double(d) => *d as i64,
        Value::Decimal(d) => d.to_double() as i64,
        Value::Big(_) => {
            let low = to_big(value).and_then(|n| {
                let modulus = num_bigint::BigInt::from(1u128 << 64);
                let low = ((n % &modulus) + &modulus) % modulus;
                u64::try_from(low).ok()
            });
            low.unwrap_or_default() as i64
        }
        other => small(other).unwrap_or_default(),
    }
}

fn to_int(value: &Value) -> i32 {
    match value {
        Value::Double(d) => *d as i32,
        other => to_long(other) as i32,
    }
}

pub(super) fn call(target: &Value, name: &str, args: &[Value], meter: &mut Meter) -> Result<Value, Halt> {
    let value = match (name, args) {
        ("intValue", []) => Value::Int(to_int(target)),
        ("longValue", []) => Value::Long(to_long(target)),
        ("doubleValue", []) => Value::Double(to_double(target).unwrap_or(f64::NAN)),
        ("byteValue", []) => Value::Int(i32::from(to_int(target) as i8)),
        ("shortValue", []) => Value::Int(i32::from(to_int(target) as i16)),
        ("intValue" | "longValue" | "doubleValue", _) => return Err(surplus(name)),
        ("compareTo", [Value::Null]) => return Err(null(name)),
        ("compareTo", [other]) if std::mem::discriminant(target) == std::mem::discriminant(other) => {
            match (target, other) {
                (Value::Double(a), Value::Double(b)) => order(a.total_cmp(b)),
                _ => order(compare(target, other).unwrap_or(Ordering::Equal)),
            }
        }
        ("compareTo", [_]) => return Err(incomparable()),
        ("toString", [only]) => Value::text(&to_text(only, meter)?),
        ("hashCode", [Value::Int(n)]) => Value::Int(*n),
        _ => match target {
            Value::Int(_) => integer(name, args)?,
            Value::Long(_) => long(name, args)?,
            Value::Double(d) => double(*d, name, args)?,
            _ => Value::Null,
        },
    };
    Ok(value)
}

fn integer(name: &str, args: &[Value]) -> Result<Value, Halt> {
    Ok(match (name, args) {
        ("parseInt" | "valueOf", [Value::Text(text)]) => Value::Int(text.parse().map_err(|_| no_number(text))?),
        ("parseInt" | "valueOf", [Value::Text(text), Value::Int(radix)]) => {
            let radix = u32::try_from(*radix).ok().filter(|radix| (2..=36).contains(radix));
            let radix = radix.ok_or_else(|| Halt::eval("a radix is 2 to 36"))?;
            Value::Int(i32::from_str_radix(text, radix).map_err(|_| no_number(text))?)
        }
        ("parseInt", [Value::Null]) => return Err(null(name)),
        ("valueOf", [Value::Int(n)]) => Value::Int(*n),
        ("max", [Value::Int(a), Value::Int(b)]) => Value::Int(*a.max(b)),
        ("min", [Value::Int(a), Value::Int(b)]) => Value::Int(*a.min(b)),
        ("sum", [Value::Int(a), Value::Int(b)]) => Value::Int(a.wrapping_add(*b)),
        ("compare", [Value::Int(a), Value::Int(b)]) => order(a.cmp(b)),
        ("signum", [Value::Int(a)]) => Value::Int(a.signum()),
        ("toHexString", [Value::Int(n)]) => Value::from(format!("{n:x}")),
        ("toBinaryString", [Value::Int(n)]) => Value::from(format!("{n:b}")),
        ("toOctalString", [Value::Int(n)]) => Value::from(format!("{n:o}")),
        _ => Value::Null,
    })
}

fn long(name: &str, args: &[Value]) -> Result<Value, Halt> {
    if let ("parseLong" | "valueOf", [Value::Text(text)]) = (name, args) {
        return Ok(Value::Long(text.parse().map_err(|_| no_number(text))?));
    }
    let [a, rest @ ..] = args else { return Ok(Value::Null) };
    let Some(a) = small(a) else { return Ok(Value::Null) };
    let b = rest.first().and_then(small);
    Ok(match (name, b, rest.len()) {
        ("valueOf", None, 0) => Value::Long(a),
        ("toHexString", None, 0) => Value::from(format!("{a:x}")),
        ("toBinaryString", None, 0) => Value::from(format!("{a:b}")),
        ("toOctalString", None, 0) => Value::from(format!("{a:o}")),
        ("signum", None, 0) => Value::Int(a.signum() as i32),
        ("max", Some(b), 1) => Value::Long(a.max(b)),
        ("min", Some(b), 1) => Value::Long(a.min(b)),
        ("sum", Some(b), 1) => Value::Long(a.wrapping_add(b)),
        ("compare", Some(b), 1) => order(a.cmp(&b)),
        _ => Value::Null,
    })
}

fn double(target: f64, name: &str, args: &[Value]) -> Result<Value, Halt> {
    if let ("parseDouble" | "valueOf", [Value::Text(text)]) = (name, args) {
        return Ok(Value::Double(text.trim().parse().map_err(|_| no_number(text))?));
    }
    let number = |value: &Value| match value {
        Value::Big(_) | Value::Decimal(_) => None,
        other => to_double(other),
    };
    Ok(match (name, args) {
        ("isNaN", []) => Value::Bool(target.is_nan()),
        ("isInfinite", []) => Value::Bool(target.is_infinite()),
        ("parseDouble", [Value::Null]) => return Err(null(name)),
        (name, [a]) => match (name, number(a)) {
            ("valueOf", Some(a)) => Value::Double(a),
            ("isNaN", Some(a)) => Value::Bool(a.is_nan()),
            ("isInfinite", Some(a)) => Value::Bool(a.is_infinite()),
            _ => Value::Null,
        },
        (name, [a, b]) => match (name, number(a), number(b)) {
            ("max", Some(a), Some(b)) => Value::Double(a.max(b)),
            ("min", Some(a), Some(b)) => Value::Double(a.min(b)),
            ("sum", Some(a), Some(b)) => Value::Double(a + b),
            ("compare", Some(a), Some(b)) => order(a.total_cmp(&b)),
            _ => Value::Null,
        },
        _ => Value::Null,
    })
}

/// The methods of truth values and characters.
pub(super) fn call_plain(target: &Value, name: &str, args: &[Value]) -> Result<Value, Halt> {
    Ok(match (target, name, args) {
        (Value::Bool(b), "booleanValue", []) => Value::Bool(*b),
        (Value::Bool(_), "parseBoolean" | "valueOf", [Value::Text(text)]) => {
            Value::Bool(text.eq_ignore_ascii_case("true"))
        }
        (Value::Bool(_), "valueOf", [Value::Bool(b)]) => Value::Bool(*b),
        (Value::Bool(a), "compareTo", [Value::Bool(b)]) => order(a.cmp(b)),
        (Value::Bool(_), "toString", [Value::Bool(b)]) => Value::from(b.to_string()),
        (Value::Char(a), "compareTo", [Value::Char(b)]) => Value::Int(*a as i32 - *b as i32),
        (Value::Char(c), "charValue", []) => Value::Char(*c),
        (Value::Char(_), "isDigit", [Value::Char(c)]) => Value::Bool(c.is_numeric()),
        (Value::Char(_), "isLetter", [Value::Char(c)]) => Value::Bool(c.is_alphabetic()),
        (_, "compareTo", [Value::Null]) => return Err(null(name)),
        (_, "compareTo", [_]) => return Err(incomparable()),
        _ => Value::Null,
    })
}
