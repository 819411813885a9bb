//! Computes. Small integers, which most numbers are, go without a value being made for each.

use super::Eval;
use super::found::{integer, is_simple, simple};
use super::number::Number;
use crate::ast::{Arithmetic, Expr, Operator};
use crate::halt::Halt;
use crate::number::{compute, integers, is_number};
use crate::print::write_text;
use crate::value::Value;

impl Eval {
    /// The value of an operand of arithmetic.
    fn number(&mut self, expr: &Expr) -> Result<Number, Halt> {
        match expr {
            Expr::Reference(reference) if is_simple(expr) => {
                if let Some((n, wide)) = integer(&self.variables, &mut self.meter, reference)? {
                    return Ok(Number::Integer(n, wide));
                }
                let found = simple(&self.variables, &mut self.meter, expr)?;
                let value = found.into_value();
                self.without_block(value).map(Number::from)
            }
            Expr::Int(n) => Ok(Number::Integer(i64::from(*n), false)),
            Expr::Arithmetic(arithmetic) => self.arithmetic(arithmetic),
            expr => {
                let value = self.operand(expr)?;
                self.without_block(value).map(Number::from)
            }
        }
    }

    /// The result; null where there is none.
    pub(super) fn arithmetic(&mut self, arithmetic: &Arithmetic) -> Result<Number, Halt> {
        self.meter.down()?;
        self.meter.steps(1)?;
        let left = self.number(&arithmetic.left)?;
        let right = self.number(&arithmetic.right)?;
        self.meter.up();
        if let (Number::Integer(x, x_wide), Number::Integer(y, y_wide)) = (&left, &right)
            && let Some(result) = integers(arithmetic.operator, *x, *y)
        {
            let wide = *x_wide || *y_wide || i32::try_from(result).is_err();
            return Ok(Number::Integer(result, wide));
        }
        self.compute(arithmetic, &left.into_value(), &right.into_value()).map(Number::from)
    }

    fn compute(&mut self, arithmetic: &Arithmetic, left: &Value, right: &Value) -> Result<Value, Halt> {
        if is_number(left) && is_number(right) {
            return compute(arithmetic.operator, left, right, &mut self.meter)
                .map(Option::unwrap_or_default)
                .map_err(|halt| halt.at(arithmetic.at));
        }
        let text = matches!(left, Value::Text(_)) || matches!(right, Value::Text(_));
        if arithmetic.operator != Operator::Add || !text {
            return Ok(Value::Null);
        }
        let mut out = String::new();
        for (value, expr) in [(left, &arithmetic.left), (right, &arithmetic.right)] {
            match (value, expr) {
                (Value::Null, Expr::Arithmetic(failed)) => out.push_str(&failed.literal),
                (value, _) => write_text(value, &mut out, self.meter.limits.string_bytes, &mut self.meter)?,
            }
        }
        self.meter.string(out.len()).map_err(|halt| halt.at(arithmetic.at))?;
        Ok(Value::from(out))
    }
}
