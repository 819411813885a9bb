//! `[?( … )]`: which members, or whether the map itself.

use crate::node::{Node, NodeKind};
use crate::step::{Operand, Operator, Predicate, Program, Step};
use crate::stop::{Stop, Why};

use super::operators::compare;
use super::value::Value;
use super::{Run, Setting, value};

impl<N: Node> Run<'_, '_, '_, N> {
    pub(super) fn filter(&mut self, at: usize, predicate: &Predicate, model: &N) -> Result<(), Stop> {
        match model.kind() {
            NodeKind::Map => match self.accepts(predicate, model)? {
                true => self.go_on(at + 1, model),
                false => Ok(()),
            },
            NodeKind::List => {
                for index in 0..model.len() {
                    let Some(item) = model.item(index) else { continue };
                    if self.accepts(predicate, &item)? {
                        self.item(at, i64::try_from(index).unwrap_or(i64::MAX), model)?;
                    }
                }
                Ok(())
            }
            _ if self.is_definite_before(at) => Err(Stop::refused("a filter stands behind a scalar")),
            _ => Ok(()),
        }
    }

    /// Whether the filter holds for `item`. What makes no sense for it is a no; only a document that cannot be
    /// compared ends the run.
    pub(super) fn accepts(&mut self, predicate: &Predicate, item: &N) -> Result<bool, Stop> {
        match self.holds(predicate, item) {
            Err(stop) if matches!(stop.why, Why::Missing | Why::Refused) => Ok(false),
            done => done,
        }
    }

    fn holds(&mut self, predicate: &Predicate, item: &N) -> Result<bool, Stop> {
        self.meter.visit(1)?;
        match predicate {
            Predicate::Any(parts) => {
                for part in parts {
                    if self.holds(part, item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Predicate::All(parts) => {
                for part in parts {
                    if !self.holds(part, item)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Predicate::Not(part) => Ok(!self.holds(part, item)?),
            Predicate::Exists(path, wanted) => Ok(self.exists(path, item)? == *wanted),
            Predicate::Compare(left, operator, right) => self.compare(left, *operator, right, item),
        }
    }

    // Asked of the member, also where the path starts with `$`; a list of results is there even if it is empty.
    fn exists(&mut self, path: &Program, item: &N) -> Result<bool, Stop> {
        let strict = Setting { strict: true, ..self.setting };
        match value(path, item, strict, self.meter) {
            Ok(_) => Ok(true),
            Err(stop) if stop.why == Why::Missing => Ok(false),
            Err(stop) => Err(stop),
        }
    }

    fn compare(&mut self, left: &Operand, operator: Operator, right: &Operand, item: &N) -> Result<bool, Stop> {
        let left = self.operand(left, item)?;
        let right = self.operand(right, item)?;
        self.meter.read(left.bytes().saturating_add(right.bytes()))?;
        compare(&left, operator, &right, self.meter)
    }

    fn operand<'o>(&mut self, operand: &'o Operand, item: &N) -> Result<Value<'o, N>, Stop> {
        Ok(match operand {
            Operand::Null => Value::Null,
            Operand::Bool(b) => Value::Bool(*b),
            Operand::Number(number) => Value::Number(number.clone()),
            Operand::Text(text) => Value::Text(text.into()),
            Operand::Pattern(pattern) => Value::Pattern(pattern),
            Operand::Json(text, None) => Value::Written(text.into(), None),
            Operand::Json(text, Some(literal)) => {
                let node = match self.constants.get(&address(operand)) {
                    Some(node) => node.clone(),
                    None => {
                        let node: N = literal.node();
                        self.constants.insert(address(operand), node.clone());
                        node
                    }
                };
                Value::Written(text.into(), Some(node))
            }
            Operand::Path(path) => self.path_operand(operand, path, item)?,
        })
    }

    fn path_operand<'o>(&mut self, operand: &'o Operand, path: &Program, item: &N) -> Result<Value<'o, N>, Stop> {
        let key = address(operand);
        let document = if path.from_root { self.setting.root } else { item };
        let found = match self.constants.get(&key) {
            Some(node) => Ok(node.clone()),
            None => value(path, document, self.setting, self.meter),
        };
        let node = match found {
            Ok(node) => node,
            Err(stop) if stop.why == Why::Missing => return Ok(Value::Undefined),
            Err(stop) => return Err(stop),
        };
        if path.from_root {
            self.constants.insert(key, node.clone());
        }
        let makes_names = matches!(path.steps.last(), Some(Step::Call(call)) if call.name == "keys");
        if makes_names && path.is_definite() && node.kind() == NodeKind::List {
            return Err(Stop::failed("the names of `keys()` cannot be compared"));
        }
        Value::of(node)
    }
}

// Operands stay where they are while the path runs, so each is known by its place.
fn address(operand: &Operand) -> usize {
    std::ptr::from_ref(operand).addr()
}
