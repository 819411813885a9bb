//! Arithmetic and order of numbers by Java's rules: 32 bits, 64 bits, unbounded, double, decimal.

use std::cmp::Ordering;
use std::rc::Rc;
use std::sync::Arc;

use java::{Decimal, big_to_double};
use num_bigint::{BigInt, Sign};

use crate::ast::Operator;
use crate::halt::Halt;
use crate::limits::Meter;
use crate::value::Value;

/// The longest bigint or decimal that is computed, in bytes.
const NUMBER_BYTES_MAX: usize = 64 * 1024;

pub(crate) fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Long(_) | Value::Big(_) | Value::Double(_) | Value::Decimal(_))
}

/// The value of an int or long.
pub(crate) fn small(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(i64::from(*n)),
        Value::Long(n) => Some(*n),
        _ => None,
    }
}

pub(crate) fn to_big(value: &Value) -> Option<BigInt> {
    match value {
        Value::Big(n) => Some((**n).clone()),
        other => small(other).map(BigInt::from),
    }
}

pub(crate) fn to_double(value: &Value) -> Option<f64> {
    match value {
        Value::Double(d) => Some(*d),
        Value::Decimal(d) => Some(d.to_double()),
        Value::Big(n) => Some(big_to_double(n)),
        other => small(other).map(|n| n as f64),
    }
}

fn to_decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Decimal(d) => Some((**d).clone()),
        Value::Double(d) => Decimal::from_double(*d),
        other => to_big(other).map(Decimal::from_integer),
    }
}

enum Base {
    Long,
    Big,
    Double,
    Decimal,
}

fn base(a: &Value, b: &Value) -> Base {
    use Value::{Big, Decimal, Double};
    match (a, b) {
        (Decimal(_), _) | (_, Decimal(_)) | (Big(_), Double(_)) | (Double(_), Big(_)) => Base::Decimal,
        (Double(_), _) | (_, Double(_)) => Base::Double,
        (Big(_), _) | (_, Big(_)) => Base::Big,
        _ => Base::Long,
    }
}

/// Computes with two numbers. `None` where the result is null: a division by zero.
pub(crate) fn compute(operator: Operator, a: &Value, b: &Value, meter: &mut Meter) -> Result<Option<Value>, Halt> {
    if matches!(operator, Operator::Divide | Operator::Modulo) && is_zero(b) {
        return Ok(None);
    }
    match base(a, b) {
        Base::Long => Ok(small(a).zip(small(b)).map(|(x, y)| match integers(operator, x, y) {
            Some(n) if matches!(a, Value::Long(_)) || matches!(b, Value::Long(_)) => Value::Long(n),
            Some(n) => Value::integer(n),
            None => Value::Big(Arc::new(beyond(operator, x, y))),
        })),
        Base::Double => {
            let (Some(x), Some(y)) = (to_double(a), to_double(b)) else { return Ok(None) };
            Ok(Some(Value::Double(match operator {
                Operator::Add => x + y,
                Operator::Subtract => x - y,
                Operator::Multiply => x * y,
                Operator::Divide => x / y,
                Operator::Modulo => x % y,
            })))
        }
        Base::Big => {
            let (Some(x), Some(y)) = (to_big(a), to_big(b)) else { return Ok(None) };
            let size = (x.bits() + y.bits()) as usize / 8;
            check_size(size, meter)?;
            Ok(Some(Value::Big(Arc::new(match operator {
                Operator::Add => x + y,
                Operator::Subtract => x - y,
                Operator::Multiply => x * y,
                Operator::Divide => x / y,
                Operator::Modulo if y.sign() == Sign::Minus => {
                    return Err(Halt::eval("the modulus of a big integer is not positive"));
                }
                Operator::Modulo => {
                    let rest = x % &y;
                    if rest.sign() == Sign::Minus { rest + y } else { rest }
                }
            }))))
        }
        Base::Decimal => {
            let (Some(x), Some(y)) = (to_decimal(a), to_decimal(b)) else {
                return Err(Halt::eval("a number that is not finite cannot become a decimal"));
            };
            check_size(x.size() + y.size(), meter)?;
            let result = match operator {
                Operator::Add => x.add(&y),
                Operator::Subtract => x.subtract(&y),
                Operator::Multiply => Some(x.multiply(&y)),
                Operator::Divide => x.divide(&y),
                Operator::Modulo => return Err(Halt::eval("decimals have no modulus")),
            };
            match result {
                Some(result) => Ok(Some(Value::Decimal(Rc::new(result)))),
                None => Err(Halt::limit("decimals of too different sizes")),
            }
        }
    }
}

fn check_size(bytes: usize, meter: &mut Meter) -> Result<(), Halt> {
    if bytes > NUMBER_BYTES_MAX {
        return Err(Halt::limit(format!("a number of more than {NUMBER_BYTES_MAX} bytes")));
    }
    // Multiplying and dividing take more than linear time.
    meter.steps(1 + bytes / 8 + bytes / 64 * (bytes / 64))?;
    meter.make(bytes)
}

/// Computes with two integers; `None` for a division by zero, and for what 64 bits do not hold.
#[inline]
pub(crate) fn integers(operator: Operator, x: i64, y: i64) -> Option<i64> {
    match operator {
        Operator::Add => x.checked_add(y),
        Operator::Subtract => x.checked_sub(y),
        Operator::Multiply => x.checked_mul(y),
        Operator::Divide => (y != 0).then(|| x.wrapping_div(y)),
        Operator::Modulo => (y != 0).then(|| x.wrapping_rem(y)),
    }
}

/// A result that 64 bits do not hold.
fn beyond(operator: Operator, x: i64, y: i64) -> BigInt {
    let (x, y) = (BigInt::from(x), BigInt::from(y));
    match operator {
        Operator::Add => x + y,
        Operator::Subtract => x - y,
        _ => x * y,
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Double(d) => *d == 0.0,
        Value::Big(n) => n.sign() == Sign::NoSign,
        Value::Decimal(d) => d.is_zero(),
        other => small(other) == Some(0),
    }
}

/// The order of two numbers, whatever their kinds; `None` for what is no number, and for NaN.
pub(crate) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    if !is_number(a) || !is_number(b) {
        return None;
    }
    match base(a, b) {
        Base::Long => Some(small(a)?.cmp(&small(b)?)),
        Base::Double => to_double(a)?.partial_cmp(&to_double(b)?),
        Base::Big => Some(to_big(a)?.cmp(&to_big(b)?)),
        Base::Decimal => Some(to_decimal(a)?.order(&to_decimal(b)?)),
    }
}
