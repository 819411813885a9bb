//! Walks references, and writes to them.

use std::rc::Rc;

use super::Eval;
use super::found::find;
use crate::ast::{Call, Expr, Reference, Root, Step};
use crate::equal::index_of;
use crate::halt::Halt;
use crate::methods;
use crate::methods::failure::mismatch;
use crate::number::small;
use crate::value::{ListKind, Value};

impl Eval {
    /// The value of a reference; null where there is none.
    pub(super) fn resolve(&mut self, reference: &Reference) -> Result<Value, Halt> {
        let value = find(&self.variables, &mut self.meter, reference)?.into_value();
        match &reference.steps[reference.lead..] {
            [] => Ok(value),
            steps => self.walk(value, steps),
        }
    }

    fn walk(&mut self, mut value: Value, steps: &[Step]) -> Result<Value, Halt> {
        for step in steps {
            if value.is_null() {
                break;
            }
            self.meter.steps(1)?;
            value = match step {
                Step::Property(name, _) => methods::property(&value, name),
                Step::Index(index, at) => {
                    let index = self.operand(index)?;
                    self.index(&value, &index).map_err(|halt| halt.at(*at))?
                }
                Step::Method(call) => self.call(&value, call).map_err(|halt| halt.at(call.at))?,
            };
        }
        Ok(value)
    }

    fn index(&mut self, value: &Value, index: &Value) -> Result<Value, Halt> {
        match value {
            Value::List(list) if !matches!(list.kind, ListKind::View | ListKind::Iterator) => {
                let items = list.items.borrow();
                match index_of(index, items.len()) {
                    Some(Ok(i)) => Ok(items[i].clone()),
                    Some(Err(n)) => Err(Halt::eval(format!("index {n} of a list of {} items", items.len()))),
                    None => Ok(Value::Null),
                }
            }
            Value::Node(document, at) if document.is_map(*at) => match index {
                Value::Text(name) => Ok(document.member(*at, name).unwrap_or_default()),
                index => self.index(&document.thaw(*at), index),
            },
            Value::Node(document, at) => {
                let size = document.size(*at);
                match index_of(index, size) {
                    Some(Ok(i)) => Ok(document.item(*at, i).unwrap_or_default()),
                    Some(Err(n)) => Err(Halt::eval(format!("index {n} of a list of {size} items"))),
                    None => Ok(Value::Null),
                }
            }
            Value::Map(map) => Ok(map.get(&map_key(index, map.len())).unwrap_or_default()),
            Value::Loop(this) => Ok(this.own.get(index).unwrap_or_default()),
            Value::List(_) => Ok(Value::Null),
            _ if small(index).is_some_and(|n| n < 0) => Err(no_size()),
            _ => Ok(Value::Null),
        }
    }

    fn call(&mut self, target: &Value, call: &Call) -> Result<Value, Halt> {
        // Arguments on the stack: most methods take two at most.
        let mut few = [Value::Null, Value::Null];
        let mut many = Vec::new();
        let args: &[Value] = match &call.args[..] {
            [] => &[],
            args if args.len() <= few.len() => {
                for (place, arg) in few.iter_mut().zip(args) {
                    *place = self.argument(arg)?;
                }
                &few[..args.len()]
            }
            args => {
                for arg in args {
                    many.push(self.argument(arg)?);
                }
                &many
            }
        };
        if target.is_container() && args.iter().any(Value::is_container) {
            self.touched.push(target.clone());
        }
        let pattern = match (&call.regular, target, args.first()) {
            (Some(regular), Value::Text(_), Some(Value::Text(java))) => Some(match call.args.first() {
                Some(Expr::Text(constant)) => regular.constant(constant),
                _ => self.patterns.compiled(java, regular, &mut self.meter)?,
            }),
            _ => None,
        };
        methods::call(target, &call.name, args, pattern, &mut self.meter)
    }

    fn argument(&mut self, arg: &Expr) -> Result<Value, Halt> {
        let value = self.operand(arg)?;
        self.without_block(value)
    }

    /// Writes `value` to a reference; where the way there leads nowhere, nothing happens.
    pub(super) fn assign(&mut self, target: &Reference, value: Value) -> Result<(), Halt> {
        let Root::Slot(slot) = target.root else { return Ok(()) };
        let slot = slot as usize;
        let Some((last, way)) = target.steps.split_last() else {
            if !target.decorated {
                self.variables[slot] = value;
            }
            return Ok(());
        };
        let value = self.without_block(value)?;
        let root = self.variables[slot].clone();
        let container = self.walk(root, way)?;
        if container.is_container() && value.is_container() {
            self.touched.push(container.clone());
        }
        // A document's place becomes what it stands for before it is changed.
        let container = container.thaw();
        match (last, &container) {
            (Step::Property(name, _), Value::Map(map)) => {
                self.meter.make(64 + name.len())?;
                map.put(Value::text(name), value);
            }
            (Step::Property(name, _), Value::Loop(this)) => {
                self.meter.make(64 + name.len())?;
                this.own.put(Value::text(name), value);
            }
            (Step::Method(call), Value::Map(map)) => {
                self.meter.make(64 + call.name.len())?;
                map.put(Value::text(&call.name), value);
            }
            (Step::Index(index, at), Value::Map(map)) => {
                let map = Rc::clone(map);
                let key = self.argument(index).map_err(|halt| halt.at(*at))?;
                self.meter.make(64)?;
                map.put(map_key(&key, map.len()), value);
            }
            (Step::Index(index, at), Value::List(list))
                if !matches!(list.kind, ListKind::View | ListKind::Iterator) =>
            {
                let list = Rc::clone(list);
                let index = self.operand(index).map_err(|halt| halt.at(*at))?;
                let size = list.len();
                match index_of(&index, size) {
                    Some(Ok(_)) if !list.takes(&value) => return Err(mismatch().at(*at)),
                    Some(Ok(i)) => {
                        let old = std::mem::replace(&mut list.items.borrow_mut()[i], value);
                        drop(old);
                    }
                    Some(Err(n)) => {
                        return Err(Halt::eval(format!("index {n} of a list of {size} items")).at(*at));
                    }
                    None => {}
                }
            }
            (
                Step::Index(index, at),
                Value::Text(_) | Value::Bool(_) | Value::Int(_) | Value::Long(_) | Value::Double(_),
            ) => {
                let index = self.operand(index).map_err(|halt| halt.at(*at))?;
                if small(&index).is_some_and(|n| n < 0) {
                    return Err(no_size().at(*at));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn no_size() -> Halt {
    Halt::eval("a negative index on something that has no size")
}

/// A negative integer counts from a map's size, as it does from a list's; the result is the key.
fn map_key(index: &Value, len: usize) -> Value {
    match index {
        Value::Int(n) if *n < 0 => Value::Int(n.saturating_add(i32::try_from(len).unwrap_or(i32::MAX))),
        other => other.clone(),
    }
}
