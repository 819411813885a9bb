//! The values that templates handle.
//!
//! Lists and maps are shared by reference: a clone is an alias. A value knows nothing of the evaluator.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use num_bigint::BigInt;

use crate::decimal::Decimal;
use crate::map::Map;

/// A value of the template language. Clones are cheap.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Nothing: JSON null, a method without a result, a failed operation.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of 32 bits.
    Int(i32),
    /// An integer of 64 bits.
    Long(i64),
    /// An integer without bounds.
    Big(Arc<BigInt>),
    /// A double.
    Double(f64),
    /// A decimal number of any precision.
    Decimal(Rc<Decimal>),
    /// One character of a string, which is not a string to methods and comparisons.
    Char(char),
    /// Text.
    Text(Arc<str>),
    /// A list, an array, or what a map shows of itself.
    List(Rc<List>),
    /// A map.
    Map(Rc<Map>),
    /// A member of a map's `entrySet`.
    Entry(Rc<(Value, Value)>),
    /// Something of the host's.
    Object(Rc<dyn Object>),
    /// A `#define`d block, rendered when it is printed.
    #[doc(hidden)]
    Block(Block),
    /// `$foreach`.
    #[doc(hidden)]
    Loop(Rc<Loop>),
}

/// Something that the host puts into a template: its properties and methods.
///
/// A method gets its arguments and nothing else.
pub trait Object: fmt::Debug {
    /// The property `name`; `None` where there is none.
    fn get(&self, name: &str) -> Option<Value>;

    /// Calls the method `name`; `None` where none takes these arguments.
    ///
    /// # Errors
    /// A sentence, which ends the rendering.
    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, String>>;

    /// What printing it shows.
    fn text(&self) -> String {
        String::new()
    }
}

/// What a list is to Java: it decides on its text and its methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// A list literal or range: prints `[a, b]`.
    Literal,
    /// A list of a JSON document: prints JSON.
    Json,
    /// `keySet`, `values`, `entrySet`: no indexes.
    View,
    /// An array of objects, as `toArray` gives it.
    Array,
    /// An array of strings, as `split` gives it.
    Strings,
    /// An array of characters or bytes.
    Primitive,
    /// An iterator: what is left of it.
    Iterator,
}

/// A list; see [`ListKind`].
#[derive(Debug)]
pub struct List {
    pub(crate) kind: ListKind,
    pub(crate) items: RefCell<Vec<Value>>,
}

impl List {
    /// The items as they are now.
    pub fn items(&self) -> Vec<Value> {
        self.items.borrow().clone()
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.borrow().len()
    }

    /// Whether Java calls it an array, which is no collection.
    pub(crate) fn is_array(&self) -> bool {
        matches!(self.kind, ListKind::Array | ListKind::Strings | ListKind::Primitive)
    }

    /// Whether an item may be replaced by `value`: an array of characters or strings takes nothing else.
    pub(crate) fn takes(&self, value: &Value) -> bool {
        match self.kind {
            ListKind::Strings => matches!(value, Value::Text(_) | Value::Null),
            ListKind::Primitive => {
                let items = self.items.borrow();
                items.first().is_none_or(|item| std::mem::discriminant(item) == std::mem::discriminant(value))
            }
            _ => true,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at `index`.
    pub fn get(&self, index: usize) -> Option<Value> {
        self.items.borrow().get(index).cloned()
    }
}

/// A `#define`d block; its nodes are shared with the template.
#[doc(hidden)]
#[derive(Clone)]
pub struct Block(pub(crate) Arc<[crate::ast::Node]>);

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Block")
    }
}

/// `$foreach`: where a loop stands.
#[doc(hidden)]
#[derive(Debug)]
pub struct Loop {
    pub(crate) number: u32,
    pub(crate) index: Cell<usize>,
    pub(crate) has_next: Cell<bool>,
    pub(crate) parent: Option<Rc<Loop>>,
    /// What the template has set in it.
    pub(crate) own: Rc<Map>,
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Value {
        Value::Text(Arc::from(text))
    }

    /// A list.
    pub fn list(kind: ListKind, items: Vec<Value>) -> Value {
        Value::List(Rc::new(List { kind, items: RefCell::new(items) }))
    }

    /// The smallest kind of integer that holds `n`.
    pub fn integer(n: i64) -> Value {
        i32::try_from(n).map_or(Value::Long(n), Value::Int)
    }

    /// The smallest kind of integer that holds `n`.
    pub fn big(n: BigInt) -> Value {
        i64::try_from(&n).map_or_else(|_| Value::Big(Arc::new(n)), Value::integer)
    }

    /// The text of a [`Value::Text`].
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    pub(crate) fn is_container(&self) -> bool {
        matches!(self, Value::List(_) | Value::Map(_) | Value::Entry(_))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(Arc::from(text))
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Value {
        Value::Bool(b)
    }
}

/// Takes nested containers apart one after the other, so that dropping deep ones needs no stack.
fn dismantle(mut rest: Vec<Value>) {
    while let Some(value) = rest.pop() {
        match value {
            Value::List(list) => {
                if let Some(mut list) = Rc::into_inner(list) {
                    rest.extend(std::mem::take(list.items.get_mut()).into_iter().filter(Value::is_container));
                }
            }
            Value::Map(map) => {
                if let Some(mut map) = Rc::into_inner(map) {
                    rest.extend(map.take_containers());
                }
            }
            Value::Entry(entry) => {
                if let Some((key, value)) = Rc::into_inner(entry) {
                    rest.extend([key, value].into_iter().filter(Value::is_container));
                }
            }
            _ => {}
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        let items = self.items.get_mut();
        if items.iter().any(Value::is_container) {
            dismantle(std::mem::take(items));
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        let rest = self.take_containers();
        if !rest.is_empty() {
            dismantle(rest);
        }
    }
}
