//! The values that templates handle.
//!
//! Lists and maps are shared by reference: a clone is an alias. A value knows nothing of the evaluator. Values hold lists,
//! maps and documents, which hold values: so all of them stand here, and what they can do in a file of its own.

pub(crate) mod document;

mod dismantle;
mod list;
mod map;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use java::Decimal;
use num_bigint::BigInt;

use crate::ast::Node;
use crate::item::Item;
use crate::shared::Text;

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
    Text(Text),
    /// A list, an array, or what a map shows of itself.
    List(Rc<List>),
    /// A map.
    Map(Rc<Map>),
    /// A member of a map's `entrySet`.
    Entry(Rc<(Value, Value)>),
    /// A list or map of a document that was read by [`read_json`](crate::read_json), by its place there.
    Node(Rc<Document>, u32),
    /// Something of the host's.
    Object(Rc<dyn Object>),
    /// A `#define`d block, rendered when it is printed.
    #[doc(hidden)]
    Block(Block),
    /// `$foreach`.
    #[doc(hidden)]
    Loop(Rc<Loop>),
}

// Values are moved all the time.
const _: () = assert!(size_of::<Value>() <= 24);

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

/// How a map orders its members when it is printed or iterated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKind {
    /// As inserted.
    Linked,
    /// By the buckets of a `java.util.HashMap` made for 32: `$context` and what is inside it. Source: observed.
    Hash,
}

/// A map. A repeated key keeps its first place and its last value.
#[derive(Debug)]
pub struct Map {
    kind: MapKind,
    members: RefCell<Members>,
}

#[derive(Debug, Default)]
struct Members {
    entries: Vec<(Value, Value)>,
    /// Where the texts are, once there are many: most maps are small and never need it.
    #[expect(clippy::box_collection, reason = "most maps have no index; a pointer keeps them small")]
    index: Option<Box<HashMap<Text, usize>>>,
}

/// A JSON document; [`Value::Node`] is a place in it.
#[derive(Debug)]
pub struct Document {
    /// What was read.
    text: Rc<String>,
    /// The strings that had escapes, one after the other.
    escaped: Rc<String>,
    /// The whole, and behind each list or map what is inside of it.
    items: Vec<Item>,
    /// The ordinary value of each item, from the first change on.
    thawed: OnceCell<Vec<Value>>,
}

/// A `#define`d block; its nodes are shared with the template.
#[doc(hidden)]
#[derive(Clone)]
pub struct Block(pub(crate) Arc<[Node]>);

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
        Value::Text(Text::from(text))
    }

    /// A text that is part of the program.
    pub const fn fixed(text: &'static str) -> Value {
        Value::Text(Text::fixed(text))
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
        matches!(self, Value::List(_) | Value::Map(_) | Value::Node(..) | Value::Entry(_))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(Text::from(text))
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Value {
        Value::Bool(b)
    }
}
