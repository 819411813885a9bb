//! Evaluates expressions.

use std::rc::Rc;

use super::Eval;
use super::found::{Scalar, find, is_simple, simple};
use crate::ast::{Comparison, Expr, Inner, Relation};
use crate::equal::loosely_equal;
use crate::halt::Halt;
use crate::number::{compare, small};
use crate::value::{Block, ListKind, Map, MapKind, Value};

/// The longest range, in items.
const RANGE_MAX: u64 = 1_000_000;

impl Eval {
    /// The value of an expression. A reference without a value is the empty text; null is a failed operation only.
    pub(super) fn operand(&mut self, expr: &Expr) -> Result<Value, Halt> {
        Ok(match expr {
            Expr::Reference(reference) => match self.resolve(reference).map_err(|halt| halt.at(reference.at))? {
                Value::Null => Value::fixed(""),
                value => value,
            },
            Expr::Text(text) => Value::Text(text.clone().into()),
            Expr::Int(n) => Value::Int(*n),
            Expr::Bool(b) => Value::Bool(*b),
            Expr::Template(inner) => self.string(inner)?,
            Expr::Long(n) => Value::Long(*n),
            Expr::Double(d) => Value::Double(*d),
            Expr::Big(n) => Value::Big(n.clone()),
            Expr::Null => Value::Null,
            Expr::Arithmetic(arithmetic) => self.arithmetic(arithmetic)?.into_value(),
            Expr::Range(from, to, at) => self.range(from, to).map_err(|halt| halt.at(*at))?,
            Expr::List(items) => {
                self.meter.down()?;
                self.meter.make(64 + items.len() * 16)?;
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    let item = self.operand(item)?;
                    list.push(self.without_block(item)?);
                }
                self.meter.up();
                Value::list(ListKind::Literal, list)
            }
            Expr::Map(members) => {
                self.meter.down()?;
                self.meter.make(96 + members.len() * 32)?;
                let map = Map::new(MapKind::Linked);
                for (key, value) in members {
                    let key = self.operand(key)?;
                    let key = self.without_block(key)?;
                    let value = self.operand(value)?;
                    map.put(key, self.without_block(value)?);
                }
                self.meter.up();
                Value::Map(Rc::new(map))
            }
            Expr::Not(_) | Expr::And(..) | Expr::Or(..) | Expr::Compare(_) => Value::Bool(self.truth(expr)?),
        })
    }

    /// Whether a condition holds: a reference unless it is `false`, a literal only if it is `true`.
    pub(super) fn truth(&mut self, expr: &Expr) -> Result<bool, Halt> {
        Ok(match expr {
            Expr::Bool(b) => *b,
            Expr::Reference(reference) if reference.lead == reference.steps.len() => {
                let found = find(&self.variables, &mut self.meter, reference).map_err(|halt| halt.at(reference.at))?;
                !matches!(found.scalar(), Scalar::Bool(false))
            }
            Expr::Reference(reference) => {
                !matches!(self.resolve(reference).map_err(|halt| halt.at(reference.at))?, Value::Bool(false))
            }
            Expr::Not(operand) => {
                self.meter.down()?;
                let truth = self.truth(operand)?;
                self.meter.up();
                !truth
            }
            Expr::And(left, right) => {
                self.meter.down()?;
                let truth = self.truth(left)? && self.truth(right)?;
                self.meter.up();
                truth
            }
            Expr::Or(left, right) => {
                self.meter.down()?;
                let truth = self.truth(left)? || self.truth(right)?;
                self.meter.up();
                truth
            }
            Expr::Compare(comparison) => {
                self.meter.down()?;
                let truth = self.compare(comparison)?;
                self.meter.up();
                truth
            }
            // A value is never true, and is not even made. Source: observed.
            _ => false,
        })
    }

    fn compare(&mut self, comparison: &Comparison) -> Result<bool, Halt> {
        let Comparison { relation, left, right } = comparison;
        if is_simple(left) && is_simple(right) {
            let found = simple(&self.variables, &mut self.meter, left)?;
            let other = simple(&self.variables, &mut self.meter, right)?;
            let order = match (found.scalar(), other.scalar()) {
                (Scalar::Integer(a), Scalar::Integer(b)) => Some(a.cmp(&b)),
                (Scalar::Text(a), Scalar::Text(b)) if relation.is_equality() => {
                    self.meter.steps(1 + a.len().min(b.len()) / 64)?;
                    Some(a.cmp(b))
                }
                _ => None,
            };
            if let Some(order) = order {
                return Ok(relation.holds(order));
            }
            // A block may set what the right side reads.
            if !found.is_block() {
                let (left, right) = (found.into_value(), other.into_value());
                return self.relate(*relation, left, right);
            }
        }
        let left = self.operand(left)?;
        let left = self.without_block(left)?;
        let right = self.operand(right)?;
        self.relate(*relation, left, right)
    }

    fn relate(&mut self, relation: Relation, left: Value, right: Value) -> Result<bool, Halt> {
        let left = self.without_block(left)?;
        let right = self.without_block(right)?;
        Ok(match relation {
            Relation::Equal => loosely_equal(&left, &right, &mut self.meter)?,
            Relation::NotEqual => !loosely_equal(&left, &right, &mut self.meter)?,
            relation => compare(&left, &right).is_some_and(|order| relation.holds(order)),
        })
    }

    fn range(&mut self, from: &Expr, to: &Expr) -> Result<Value, Halt> {
        let (from, to) = (self.operand(from)?, self.operand(to)?);
        // Java takes the integer value of any number.
        let whole = |value: &Value| match value {
            Value::Double(d) => Some(i64::from(*d as i32)),
            other => small(other).map(|n| i64::from(n as i32)),
        };
        let (Some(from), Some(to)) = (whole(&from), whole(&to)) else { return Ok(Value::Null) };
        let count = from.abs_diff(to) + 1;
        if count > RANGE_MAX {
            return Err(Halt::limit(format!("a range of more than {RANGE_MAX} items")));
        }
        self.meter.make(count as usize * 16)?;
        self.meter.steps(count as usize / 8)?;
        let item = |n: i64| Value::integer(n);
        let items = if from <= to { (from..=to).map(item).collect() } else { (to..=from).rev().map(item).collect() };
        Ok(Value::list(ListKind::Literal, items))
    }

    fn string(&mut self, inner: &Inner) -> Result<Value, Halt> {
        let mut out = String::new();
        let outer = std::mem::replace(&mut self.out_max, self.meter.limits.string_bytes);
        // What is written here is no output yet.
        let pieces = self.pieces.take();
        let result = self.render(&inner.nodes, &mut out);
        self.pieces = pieces;
        self.out_max = outer;
        result?;
        if inner.padded {
            out.pop();
        }
        self.meter.string(out.len())?;
        Ok(Value::from(out))
    }

    /// A block as an operand is its text.
    pub(super) fn without_block(&mut self, value: Value) -> Result<Value, Halt> {
        let Value::Block(Block(body)) = value else { return Ok(value) };
        let mut out = String::new();
        let outer = std::mem::replace(&mut self.out_max, self.meter.limits.string_bytes);
        let pieces = self.pieces.take();
        let result = self.block(&body, "", &mut out);
        self.pieces = pieces;
        self.out_max = outer;
        result?;
        self.meter.string(out.len())?;
        Ok(Value::from(out))
    }
}
