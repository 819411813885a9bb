//! Renders statements.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use crate::ast::{Expr, Foreach, Node, Reference, Root};
use crate::halt::Halt;
use crate::limits::{Limits, Meter, PASSES_MAX};
use crate::names::Names;
use crate::patterns::Patterns;
use crate::value::document::Container;
use crate::value::{Block, Document, List, ListKind, Loop, Map, MapKind, Value};

mod arithmetic;
mod cycles;
mod expression;
mod found;
mod number;
mod reference;

use found::{Found, find};
use number::Number;

/// How often a block may be inside of itself. Source: observed.
const BLOCK_RECURSION_MAX: usize = 2;

/// The most pieces of an output that are noted; a person looks at fewer.
const PIECES_MAX: usize = 10_000;

/// What a reference wrote: start, end, place in the source.
pub(crate) type Noted = (usize, usize, u32);

/// One rendering.
pub(crate) struct Eval {
    /// By slot; null: not set.
    variables: Vec<Value>,
    meter: Meter,
    patterns: Patterns,
    /// How long the text may become that is being written: the output or a string.
    out_max: usize,
    current: Option<Rc<Loop>>,
    loops: u32,
    foreach: Option<usize>,
    count: Option<usize>,
    has_next: Option<usize>,
    open_blocks: Vec<Arc<[Node]>>,
    /// Containers that containers were put into: they may contain themselves.
    touched: Vec<Value>,
    /// Which part of the output each reference wrote: start, end, place in the source. Kept where somebody asked.
    pub(crate) pieces: Option<Vec<Noted>>,
}

/// What a loop walks over, and what must not change meanwhile.
enum Items {
    /// A list of a document.
    Node(Rc<Document>, u32, usize),
    List(Rc<List>, usize),
    /// The last is a map and how many members it had.
    Values(Vec<Value>, Option<(Value, usize)>),
}

impl Eval {
    pub(crate) fn new(names: &Names, given: &[(&'static str, Value)], limits: Limits) -> Eval {
        let mut variables = vec![Value::Null; names.len()];
        let slot = |name: &str| names.slot(name);
        for (name, value) in given {
            if let Some(slot) = slot(name) {
                variables[slot] = value.clone();
            }
        }
        Eval {
            variables,
            meter: Meter::new(limits),
            patterns: Patterns::default(),
            out_max: limits.output_bytes,
            current: None,
            loops: 0,
            foreach: names.foreach,
            count: names.count,
            has_next: names.has_next,
            open_blocks: Vec::new(),
            touched: Vec::new(),
            pieces: None,
        }
    }

    pub(crate) fn variable(&self, slot: usize) -> Value {
        self.variables.get(slot).cloned().unwrap_or_default()
    }

    pub(crate) fn render(&mut self, nodes: &[Node], out: &mut String) -> Result<(), Halt> {
        self.meter.down()?;
        for node in nodes {
            self.node(node, out)?;
        }
        self.meter.up();
        Ok(())
    }

    fn node(&mut self, node: &Node, out: &mut String) -> Result<(), Halt> {
        self.meter.steps(1)?;
        match node {
            Node::Text(text) => {
                out.push_str(text);
                self.check(out)
            }
            Node::Print(reference) if self.pieces.is_some() => self.print_noted(reference, out),
            Node::Print(reference) => self.print(reference, out).map_err(|halt| halt.at(reference.at)),
            Node::Set(target, value) => {
                let value = match &**value {
                    Expr::Arithmetic(arithmetic) => {
                        let number = self.arithmetic(arithmetic).map_err(|halt| halt.at(target.at))?;
                        if let (Number::Integer(n, false), Some(place)) = (&number, self.integer_at(target)) {
                            *place = *n as i32;
                            return Ok(());
                        }
                        number.into_value()
                    }
                    value => self.operand(value).map_err(|halt| halt.at(target.at))?,
                };
                if value.is_null() {
                    return Ok(());
                }
                self.assign(target, value).map_err(|halt| halt.at(target.at))
            }
            Node::If(branches, otherwise) => {
                for (condition, body) in branches {
                    if self.truth(condition)? {
                        return self.render(body, out);
                    }
                }
                match otherwise {
                    Some(body) => self.render(body, out),
                    None => Ok(()),
                }
            }
            Node::Foreach(foreach) => self.foreach(foreach, out),
            Node::Define(slot, body) => {
                self.variables[*slot as usize] = Value::Block(Block(body.clone()));
                Ok(())
            }
            Node::Break(None, _) => Err(Halt::Break(None)),
            Node::Break(Some(of), at) => match self.operand(&of.0).map_err(|halt| halt.at(*at))? {
                Value::Loop(of) => Err(Halt::Break(Some(of.number))),
                _ => Err(Halt::eval(format!("#break: `{}` is no loop", of.1)).at(*at)),
            },
            Node::Stop => Err(Halt::Stop),
            Node::Fail(why, at) => Err(Halt::eval(*why).at(*at)),
        }
    }

    // A block that is printed has notes of its own.
    #[cold]
    fn print_noted(&mut self, reference: &Reference, out: &mut String) -> Result<(), Halt> {
        let (start, before) = (out.len(), self.pieces.as_ref().map_or(0, Vec::len));
        let result = self.print(reference, out).map_err(|halt| halt.at(reference.at));
        if let Some(pieces) = self.pieces.as_mut()
            && pieces.len() == before
            && pieces.len() < PIECES_MAX
            && out.len() > start
        {
            pieces.push((start, out.len(), reference.at));
        }
        result
    }

    /// Where `#set` may put an integer of 32 bits: into a variable that is one already.
    #[inline]
    fn integer_at(&mut self, target: &Reference) -> Option<&mut i32> {
        let Root::Slot(slot) = target.root else { return None };
        match self.variables.get_mut(slot as usize) {
            Some(Value::Int(n)) if target.steps.is_empty() && !target.decorated => Some(n),
            _ => None,
        }
    }

    fn check(&self, out: &str) -> Result<(), Halt> {
        if out.len() > self.out_max {
            return Err(self.too_long());
        }
        Ok(())
    }

    #[cold]
    fn too_long(&self) -> Halt {
        Halt::limit(format!("more than {} bytes of text", self.out_max))
    }

    fn print(&mut self, reference: &Reference, out: &mut String) -> Result<(), Halt> {
        if let Root::Runt(text) = &reference.root {
            out.push_str(text);
            return self.check(out);
        }
        let found = match reference.steps.len() {
            steps if steps == reference.lead => find(&self.variables, &mut self.meter, reference)?,
            _ => Found::Made(self.resolve(reference)?),
        };
        if found.is_block() && !reference.escaped {
            // What stood in front of it is lost. Source: observed.
            let Value::Block(Block(body)) = found.into_value() else { return Ok(()) };
            return self.block(&body, &reference.literal, out);
        }
        out.push_str(&reference.prefix);
        if reference.escaped {
            out.push_str(&reference.literal);
            return self.check(out);
        }
        found.write(out, self.out_max, &mut self.meter)
    }

    /// Renders a block where it is printed; one too deep inside of itself shows as it was written.
    fn block(&mut self, body: &Arc<[Node]>, literal: &str, out: &mut String) -> Result<(), Halt> {
        let inside = self.open_blocks.iter().filter(|open| Arc::ptr_eq(open, body)).count();
        if inside >= BLOCK_RECURSION_MAX {
            out.push_str(literal);
            return self.check(out);
        }
        self.open_blocks.push(body.clone());
        let depth = self.meter.depth;
        let result = self.render(body, out);
        self.meter.depth = depth;
        self.open_blocks.pop();
        match result {
            // `#break` ends the block it stands in. Source: observed.
            Err(Halt::Break(None)) => Ok(()),
            result => result,
        }
    }

    fn foreach(&mut self, foreach: &Foreach, out: &mut String) -> Result<(), Halt> {
        let source = self.operand(&foreach.source).map_err(|halt| halt.at(foreach.at))?;
        let Some(items) = self.items(source)? else { return Ok(()) };
        self.loops += 1;
        let this = Rc::new(Loop {
            number: self.loops,
            index: Cell::new(0),
            has_next: Cell::new(false),
            parent: self.current.take(),
            own: Rc::new(Map::new(MapKind::Linked)),
        });
        self.current = Some(this.clone());
        let slots = [foreach.item.map(|slot| slot as usize), self.foreach, self.count, self.has_next];
        let before = slots.map(|slot| slot.map(|slot| self.variables[slot].clone()));
        let result = self.passes(foreach, &items, &this, out).map_err(|halt| halt.at(foreach.at));
        for (slot, value) in slots.into_iter().zip(before).rev() {
            if let (Some(slot), Some(value)) = (slot, value) {
                self.variables[slot] = value;
            }
        }
        self.current = this.parent.clone();
        match result {
            Err(Halt::Break(of)) if of.is_none_or(|of| of == this.number) => Ok(()),
            result => result,
        }
    }

    fn passes(&mut self, foreach: &Foreach, items: &Items, this: &Rc<Loop>, out: &mut String) -> Result<(), Halt> {
        let depth = self.meter.depth;
        // Of a document's list: where the next item stands.
        let mut place = if let Items::Node(_, at, _) = items { *at + 1 } else { 0 };
        for index in 0..PASSES_MAX {
            let (item, left) = match items {
                Items::List(list, size) => {
                    let items = list.items.borrow();
                    if index == items.len() {
                        break;
                    }
                    if items.len() != *size {
                        return Err(Halt::eval("#foreach: the list was changed while it was looped over"));
                    }
                    (Some(items[index].clone()), items.len() - index - 1)
                }
                Items::Node(document, at_list, size) => {
                    let flat = matches!(document.container(*at_list), Container::Flat(..));
                    let len = if flat { *size } else { document.size(*at_list) };
                    if index == len {
                        break;
                    }
                    if len != *size {
                        return Err(Halt::eval("#foreach: the list was changed while it was looped over"));
                    }
                    let left = len - index - 1;
                    let at = place;
                    place = document.at(at).next(at);
                    match foreach.item.and_then(|slot| self.variables.get_mut(slot as usize)) {
                        // The variable is in this document already: it only moves on.
                        Some(Value::Node(known, to))
                            if flat && Rc::ptr_eq(known, document) && document.at(at).is_container() =>
                        {
                            *to = at;
                            (None, left)
                        }
                        _ if flat => (Some(document.value(at)), left),
                        _ => (Some(document.item(*at_list, index).unwrap_or_default()), left),
                    }
                }
                Items::Values(values, watched) => {
                    if index == values.len() {
                        break;
                    }
                    if watched.as_ref().is_some_and(|(map, size)| map.size() != *size) {
                        return Err(Halt::eval("#foreach: the map was changed while it was looped over"));
                    }
                    (Some(values[index].clone()), values.len() - index - 1)
                }
            };
            this.index.set(index);
            this.has_next.set(left > 0);
            if let (Some(slot), Some(item)) = (foreach.item, item) {
                self.variables[slot as usize] = item;
            }
            // Unless a pass has set it, it is this loop already.
            if let Some(slot) = self.foreach
                && !matches!(&self.variables[slot], Value::Loop(set) if Rc::ptr_eq(set, this))
            {
                self.variables[slot] = Value::Loop(this.clone());
            }
            if let Some(slot) = self.count {
                self.variables[slot] = Value::Int(index as i32 + 1);
            }
            if let Some(slot) = self.has_next {
                self.variables[slot] = Value::Bool(left > 0);
            }
            self.meter.steps(1)?;
            let result = self.render(&foreach.body, out);
            self.meter.depth = depth;
            result?;
        }
        Ok(())
    }

    /// What can be looped over; `None` for everything else, which is no pass and no error.
    fn items(&mut self, source: Value) -> Result<Option<Items>, Halt> {
        Ok(match source {
            Value::List(list) => match list.kind {
                ListKind::Literal | ListKind::Json => {
                    let size = list.len();
                    Some(Items::List(list, size))
                }
                ListKind::Iterator => Some(Items::Values(std::mem::take(&mut *list.items.borrow_mut()), None)),
                ListKind::View | ListKind::Array | ListKind::Strings | ListKind::Primitive => {
                    // A list that was made for this loop is used up by it.
                    let items = match Rc::try_unwrap(list) {
                        Ok(mut list) => std::mem::take(list.items.get_mut()),
                        Err(list) => list.items(),
                    };
                    Some(Items::Values(items, None))
                }
            },
            Value::Map(map) => {
                let size = map.len();
                self.meter.steps(size)?;
                let values = map.shown().iter().map(|(_, value)| value.clone()).collect();
                Some(Items::Values(values, Some((Value::Map(map), size))))
            }
            Value::Node(document, at) if document.is_map(at) => {
                let size = document.size(at);
                self.meter.steps(size)?;
                let values = document.members(at, |_, value| value);
                Some(Items::Values(values, Some((Value::Node(document, at), size))))
            }
            Value::Node(document, at) => {
                let size = document.size(at);
                Some(Items::Node(document, at, size))
            }
            _ => None,
        })
    }
}
