//! What arithmetic takes and gives: small integers without a value made for each.

use crate::value::Value;

/// An operand or a result.
pub(super) enum Number {
    /// An integer; whether it is of 64 bits.
    Integer(i64, bool),
    /// Any value.
    Other(Value),
}

impl From<Value> for Number {
    fn from(value: Value) -> Number {
        match value {
            Value::Int(n) => Number::Integer(i64::from(n), false),
            Value::Long(n) => Number::Integer(n, true),
            value => Number::Other(value),
        }
    }
}

impl Number {
    pub(super) fn into_value(self) -> Value {
        match self {
            Number::Integer(n, true) => Value::Long(n),
            Number::Integer(n, false) => Value::integer(n),
            Number::Other(value) => value,
        }
    }
}
