//! A JSON document kept flat: two blocks of memory instead of one for each list, map and text.
//!
//! Templates read most documents and change few. The first change, or the first use that is not one of the frequent
//! ones, *thaws* the document: all of it becomes ordinary lists and maps, and from then on its nodes stand for those,
//! so that every alias sees what is changed.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::map::{Map, MapKind};
use crate::shared::Text;
use crate::value::{List, ListKind, Value, dismantle};

/// In a map of more members than this a name is found through the index of the thawed map.
const SEARCH_MAX: usize = 64;

/// Some bytes of the document's text, or some of its items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) len: u32,
    /// Of a member's name its [`sign`].
    pub(crate) sign: u32,
}

/// A number of a name that is quick to make and to compare: names of different signs differ.
#[inline]
pub(crate) fn sign(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let at = |index: usize| u32::from(bytes.get(index).copied().unwrap_or_default());
    let last = bytes.len().saturating_sub(1);
    (bytes.len() as u32) << 24 ^ at(0) << 16 ^ at(last / 2) << 8 ^ at(last)
}

/// One value of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item {
    Null,
    Bool(bool),
    Int(i32),
    Long(i64),
    Double(f64),
    /// Within the text.
    Text(Span),
    /// A string that had escapes, within those.
    Escaped(Span),
    /// Its items.
    List(Span),
    /// Its members: a name and a value each, so that there are half as many. No name is there twice.
    Map(Span),
}

/// A list or map of a document as it is now.
pub(crate) enum Container<'d> {
    /// Nothing has been changed.
    Items(&'d [Item], u32),
    /// Names and values in turn.
    Members(&'d [Item], u32),
    List(&'d Rc<List>),
    Map(&'d Rc<Map>),
}

/// A JSON document; [`Value::Node`] is a place in it.
#[derive(Debug)]
pub struct Document {
    /// What was read.
    text: Rc<String>,
    /// The strings that had escapes, one after the other.
    escaped: Rc<String>,
    /// What is inside a list or map stands together, and before it; the last item is the whole.
    items: Vec<Item>,
    /// The ordinary value of each item, from the first change on.
    thawed: OnceCell<Vec<Value>>,
}

impl Document {
    /// A document of these items, of which the last is the whole.
    pub(crate) fn new(text: Rc<String>, escaped: String, items: Vec<Item>) -> Document {
        let escaped = if escaped.is_empty() { text.clone() } else { Rc::new(escaped) };
        Document { text, escaped, items, thawed: OnceCell::new() }
    }

    /// The whole.
    pub(crate) fn root(self) -> Value {
        let last = self.items.len().saturating_sub(1) as u32;
        Rc::new(self).value(last)
    }

    /// The value at a place; of a list or map the place itself.
    pub(crate) fn value(self: &Rc<Document>, at: u32) -> Value {
        match self.items.get(at as usize) {
            Some(Item::List(_) | Item::Map(_)) => Value::Node(self.clone(), at),
            Some(Item::Text(span)) => Value::Text(Text::part(&self.text, span.start, span.len)),
            Some(Item::Escaped(span)) => Value::Text(Text::part(&self.escaped, span.start, span.len)),
            Some(Item::Int(n)) => Value::Int(*n),
            Some(Item::Bool(b)) => Value::Bool(*b),
            Some(Item::Long(n)) => Value::Long(*n),
            Some(Item::Double(d)) => Value::Double(*d),
            Some(Item::Null) | None => Value::Null,
        }
    }

    /// What stands at a place.
    #[inline]
    pub(crate) fn at(&self, at: u32) -> Item {
        self.items.get(at as usize).copied().unwrap_or(Item::Null)
    }

    /// The place of a map's member, or that there is none; `None`: ask for its value instead.
    #[inline]
    pub(crate) fn place(&self, at: u32, name: &str, sign: u32) -> Option<Option<u32>> {
        let span = match self.items.get(at as usize) {
            Some(Item::Map(span)) if span.len as usize <= SEARCH_MAX && self.thawed.get().is_none() => *span,
            _ => return None,
        };
        let mut place = span.start + 1;
        for pair in self.inside(span, 2).chunks_exact(2) {
            if let Item::Text(known) | Item::Escaped(known) = pair[0]
                && known.sign == sign
                && self.bytes(pair[0]) == name.as_bytes()
            {
                return Some(Some(place));
            }
            place += 2;
        }
        Some(None)
    }

    #[inline]
    fn bytes(&self, item: Item) -> &[u8] {
        let (text, span) = match item {
            Item::Text(span) => (&self.text, span),
            Item::Escaped(span) => (&self.escaped, span),
            _ => return &[],
        };
        text.as_bytes().get(span.start as usize..span.start as usize + span.len as usize).unwrap_or_default()
    }

    /// The text at a place in the text or among the strings with escapes.
    #[inline]
    pub(crate) fn text(&self, item: Item) -> Option<&str> {
        let (text, span) = match item {
            Item::Text(span) => (&self.text, span),
            Item::Escaped(span) => (&self.escaped, span),
            _ => return None,
        };
        text.get(span.start as usize..span.start as usize + span.len as usize)
    }

    /// The list or map at a place.
    pub(crate) fn container(&self, at: u32) -> Container<'_> {
        if let Some(thawed) = self.thawed.get() {
            match thawed.get(at as usize) {
                Some(Value::List(list)) => return Container::List(list),
                Some(Value::Map(map)) => return Container::Map(map),
                _ => {}
            }
        }
        match self.items.get(at as usize) {
            Some(Item::Map(span)) => Container::Members(self.inside(*span, 2), span.start),
            Some(Item::List(span)) => Container::Items(self.inside(*span, 1), span.start),
            _ => Container::Items(&[], 0),
        }
    }

    pub(crate) fn inside(&self, span: Span, each: usize) -> &[Item] {
        let start = span.start as usize;
        self.items.get(start..start + span.len as usize * each).unwrap_or_default()
    }

    /// The member `name` of the map at a place.
    pub(crate) fn member(self: &Rc<Document>, at: u32, name: &str) -> Option<Value> {
        if let Some(found) = self.place(at, name, sign(name)) {
            return found.map(|at| self.value(at));
        }
        match self.container(at) {
            Container::Members(..) => match self.thaw(at) {
                Value::Map(map) => map.member(name),
                _ => None,
            },
            Container::Map(map) => map.member(name),
            Container::Items(..) | Container::List(_) => None,
        }
    }

    /// The item of the list at a place, counted from 0.
    pub(crate) fn item(self: &Rc<Document>, at: u32, index: usize) -> Option<Value> {
        match self.container(at) {
            Container::Items(items, start) => (index < items.len()).then(|| self.value(start + index as u32)),
            Container::List(list) => list.get(index),
            Container::Members(..) | Container::Map(_) => None,
        }
    }

    /// The members of the map at a place, in their order, each as `part` of name and value.
    pub(crate) fn members(self: &Rc<Document>, at: u32, part: impl Fn(Value, Value) -> Value) -> Vec<Value> {
        match self.container(at) {
            Container::Members(members, start) => {
                let places = (0..members.len() as u32).step_by(2).map(|i| start + i);
                places.map(|place| part(self.value(place), self.value(place + 1))).collect()
            }
            Container::Map(map) => map.entries().into_iter().map(|(name, value)| part(name, value)).collect(),
            Container::Items(..) | Container::List(_) => Vec::new(),
        }
    }

    /// How many items or members there are at a place.
    pub(crate) fn size(&self, at: u32) -> usize {
        match self.container(at) {
            Container::Items(items, _) => items.len(),
            Container::Members(members, _) => members.len() / 2,
            Container::List(list) => list.len(),
            Container::Map(map) => map.len(),
        }
    }

    /// Whether a map stands at a place, and not a list.
    pub(crate) fn is_map(&self, at: u32) -> bool {
        matches!(self.items.get(at as usize), Some(Item::Map(_)))
    }

    /// The items of the list at a place, unless the document has been thawed: where they begin, and how many there are.
    pub(crate) fn items(&self, at: u32) -> Option<(u32, usize)> {
        match self.items.get(at as usize) {
            Some(Item::List(span)) if self.thawed.get().is_none() => Some((span.start, span.len as usize)),
            _ => None,
        }
    }

    /// The ordinary value at a place, if the document has been thawed.
    pub(crate) fn thawed(&self, at: u32) -> Option<&Value> {
        self.thawed.get()?.get(at as usize)
    }

    /// The ordinary value at a place. The document stays thawed.
    pub(crate) fn thaw(&self, at: u32) -> Value {
        let thawed = self.thawed.get_or_init(|| {
            let mut values: Vec<Value> = Vec::with_capacity(self.items.len());
            for item in &self.items {
                // What is inside stands before.
                let inside = |span: &Span, each: usize| {
                    let start = span.start as usize;
                    values.get(start..start + span.len as usize * each).unwrap_or_default()
                };
                let value = match item {
                    Item::Null => Value::Null,
                    Item::Bool(b) => Value::Bool(*b),
                    Item::Int(n) => Value::Int(*n),
                    Item::Long(n) => Value::Long(*n),
                    Item::Double(d) => Value::Double(*d),
                    Item::Text(span) => Value::Text(Text::part(&self.text, span.start, span.len)),
                    Item::Escaped(span) => Value::Text(Text::part(&self.escaped, span.start, span.len)),
                    Item::List(span) => Value::list(ListKind::Json, inside(span, 1).to_vec()),
                    Item::Map(span) => {
                        let members = inside(span, 2).chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
                        Value::Map(Rc::new(Map::of(MapKind::Linked, members)))
                    }
                };
                values.push(value);
            }
            values
        });
        thawed.get(at as usize).cloned().unwrap_or_default()
    }

    pub(crate) fn take_thawed(&mut self) -> Vec<Value> {
        self.thawed.take().unwrap_or_default()
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        dismantle(self.take_thawed());
    }
}

impl Value {
    /// The value itself, of a document's place the ordinary list or map.
    pub(crate) fn thaw(self) -> Value {
        match self {
            Value::Node(document, at) => document.thaw(at),
            value => value,
        }
    }

    /// The map that this is, if it is one.
    pub fn as_map(&self) -> Option<Rc<Map>> {
        match self {
            Value::Map(map) => Some(map.clone()),
            Value::Node(document, at) if document.is_map(*at) => match document.thaw(*at) {
                Value::Map(map) => Some(map),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it is a map.
    pub fn is_map(&self) -> bool {
        match self {
            Value::Node(document, at) => document.is_map(*at),
            value => matches!(value, Value::Map(_)),
        }
    }

    /// Whether it is a list, an array, or what a map shows of itself.
    pub fn is_list(&self) -> bool {
        match self {
            Value::Node(document, at) => !document.is_map(*at),
            value => matches!(value, Value::List(_)),
        }
    }

    /// How many items a list has, or members a map; else 0.
    pub fn size(&self) -> usize {
        match self {
            Value::List(list) => list.len(),
            Value::Map(map) => map.len(),
            Value::Node(document, at) => document.size(*at),
            _ => 0,
        }
    }

    /// The item of a list, counted from 0.
    pub fn item(&self, index: usize) -> Option<Value> {
        match self {
            Value::List(list) => list.get(index),
            Value::Node(document, at) => document.item(*at, index),
            _ => None,
        }
    }

    /// The member of a map with this text as its name.
    pub fn member(&self, name: &str) -> Option<Value> {
        match self {
            Value::Map(map) => map.member(name),
            Value::Node(document, at) => document.member(*at, name),
            _ => None,
        }
    }

    /// The names of a map's members, in its order.
    pub fn names(&self) -> Vec<Value> {
        match self {
            Value::Map(map) => map.entries().into_iter().map(|(name, _)| name).collect(),
            Value::Node(document, at) => document.members(*at, |name, _| name),
            _ => Vec::new(),
        }
    }
}
