//! A JSON document kept flat: two blocks of memory instead of one for each list, map and text.
//!
//! Templates read most documents and change few. The first change, or the first use that is not one of the frequent
//! ones, *thaws* the document: all of it becomes ordinary lists and maps, and from then on its nodes stand for those,
//! so that every alias sees what is changed.

use std::cell::OnceCell;
use std::rc::Rc;

use super::{Document, List, ListKind, Map, MapKind, Value};
use crate::item::{Inside, Item, sign};
use crate::shared::Text;

/// In a map of more members than this a name is found through the index of the thawed map.
const SEARCH_MAX: usize = 64;

/// Beyond so many items one is found in the thawed list, unless all are scalars.
const STEPS_MAX: u32 = 64;

/// A list or map of a document as it is now.
pub(crate) enum Container<'d> {
    /// Nothing has been changed; whether it is a map.
    Flat(Inside, bool),
    List(&'d Rc<List>),
    Map(&'d Rc<Map>),
}

impl Document {
    /// A document of these items, of which the first is the whole.
    pub(crate) fn new(text: Rc<String>, escaped: String, items: Vec<Item>) -> Document {
        let escaped = if escaped.is_empty() { text.clone() } else { Rc::new(escaped) };
        Document { text, escaped, items, thawed: OnceCell::new() }
    }

    /// The whole.
    pub(crate) fn root(self) -> Value {
        Rc::new(self).value(0)
    }

    /// What stands at a place; null where nothing does.
    #[inline]
    pub(crate) fn at(&self, at: u32) -> Item {
        self.items.get(at as usize).copied().unwrap_or(Item::Null)
    }

    /// The value at a place; of a list or map the place itself.
    #[inline]
    pub(crate) fn value(self: &Rc<Document>, at: u32) -> Value {
        match self.at(at) {
            Item::List(_) | Item::Map(_) => Value::Node(self.clone(), at),
            item => self.scalar(item),
        }
    }

    fn scalar(&self, item: Item) -> Value {
        match item {
            Item::Text(span) => Value::Text(Text::part(&self.text, span.start, span.len)),
            Item::Escaped(span) => Value::Text(Text::part(&self.escaped, span.start, span.len)),
            Item::Int(n) => Value::Int(n),
            Item::Bool(b) => Value::Bool(b),
            Item::Long(n) => Value::Long(n),
            Item::Double(d) => Value::Double(d),
            Item::Null | Item::List(_) | Item::Map(_) => Value::Null,
        }
    }

    /// The text of an item that is one.
    #[inline]
    pub(crate) fn text(&self, item: Item) -> Option<&str> {
        let (text, span) = match item {
            Item::Text(span) => (&self.text, span),
            Item::Escaped(span) => (&self.escaped, span),
            _ => return None,
        };
        text.get(span.start as usize..span.start as usize + span.len as usize)
    }

    /// Follows names from map to map, unless the document has been thawed or something on the way is no map that can be
    /// searched: then `None`. What is not there is at a place where nothing stands.
    #[inline]
    pub(crate) fn follow<'n>(&self, mut at: u32, names: impl Iterator<Item = (&'n str, u32)>) -> Option<u32> {
        const NOWHERE: u32 = u32::MAX;
        if self.thawed.get().is_some() {
            return None;
        }
        for (name, sign) in names {
            match self.at(at) {
                Item::Map(inside) if inside.len as usize <= SEARCH_MAX => {
                    at = self.search(at, inside.len, name, sign).unwrap_or(NOWHERE);
                }
                Item::Null => return Some(NOWHERE),
                _ => return None,
            }
        }
        Some(at)
    }

    #[inline]
    fn search(&self, at: u32, len: u32, name: &str, sign: u32) -> Option<u32> {
        let mut place = at + 1;
        for _ in 0..len {
            let [known, value] = self.items.get(place as usize..place as usize + 2)? else { return None };
            if let Item::Text(span) | Item::Escaped(span) = known
                && span.sign == sign
                && self.text(*known) == Some(name)
            {
                return Some(place + 1);
            }
            place = value.next(place + 1);
        }
        None
    }

    /// The list or map at a place.
    pub(crate) fn container(&self, at: u32) -> Container<'_> {
        match self.thawed(at) {
            Some(Value::List(list)) => return Container::List(list),
            Some(Value::Map(map)) => return Container::Map(map),
            _ => {}
        }
        match self.at(at) {
            Item::Map(inside) => Container::Flat(inside, true),
            Item::List(inside) => Container::Flat(inside, false),
            _ => Container::Flat(Inside { len: 0, end: at + 1 }, false),
        }
    }

    /// The member `name` of the map at a place.
    pub(crate) fn member(self: &Rc<Document>, at: u32, name: &str) -> Option<Value> {
        match self.container(at) {
            Container::Flat(inside, true) if inside.len as usize <= SEARCH_MAX => {
                self.search(at, inside.len, name, sign(name)).map(|at| self.value(at))
            }
            Container::Flat(_, true) => match self.thaw(at) {
                Value::Map(map) => map.member(name),
                _ => None,
            },
            Container::Map(map) => map.member(name),
            Container::Flat(_, false) | Container::List(_) => None,
        }
    }

    /// The item of the list at a place, counted from 0.
    pub(crate) fn item(self: &Rc<Document>, at: u32, index: usize) -> Option<Value> {
        match self.container(at) {
            Container::Flat(inside, false) => {
                let index = u32::try_from(index).ok().filter(|index| *index < inside.len)?;
                let scalars = inside.end - at - 1 == inside.len;
                if scalars {
                    return Some(self.value(at + 1 + index));
                }
                if index > STEPS_MAX {
                    return self.thaw(at).item(index as usize);
                }
                Some(self.value((0..index).fold(at + 1, |place, _| self.at(place).next(place))))
            }
            Container::List(list) => list.get(index),
            Container::Flat(_, true) | Container::Map(_) => None,
        }
    }

    /// The members of the map at a place, in their order, each as `part` of name and value.
    pub(crate) fn members(self: &Rc<Document>, at: u32, part: impl Fn(Value, Value) -> Value) -> Vec<Value> {
        match self.container(at) {
            Container::Flat(inside, true) => {
                let mut place = at + 1;
                let member = |_| {
                    let value = place + 1;
                    let member = part(self.value(place), self.value(value));
                    place = self.at(value).next(value);
                    member
                };
                (0..inside.len).map(member).collect()
            }
            Container::Map(map) => map.shown().iter().map(|(name, value)| part(name.clone(), value.clone())).collect(),
            Container::Flat(_, false) | Container::List(_) => Vec::new(),
        }
    }

    /// How many items or members there are at a place.
    pub(crate) fn size(&self, at: u32) -> usize {
        match self.container(at) {
            Container::Flat(inside, _) => inside.len as usize,
            Container::List(list) => list.len(),
            Container::Map(map) => map.len(),
        }
    }

    /// Whether a map stands at a place, and not a list.
    pub(crate) fn is_map(&self, at: u32) -> bool {
        matches!(self.items.get(at as usize), Some(Item::Map(_)))
    }

    /// The ordinary value at a place, if the document has been thawed.
    pub(crate) fn thawed(&self, at: u32) -> Option<&Value> {
        self.thawed.get()?.get(at as usize)
    }

    /// The ordinary value at a place. The document stays thawed.
    pub(crate) fn thaw(&self, at: u32) -> Value {
        let thawed = self.thawed.get_or_init(|| {
            let mut values = vec![Value::Null; self.items.len()];
            // What is inside comes first.
            for (at, item) in self.items.iter().enumerate().rev() {
                let places = |len: u32| {
                    let mut next = at as u32 + 1;
                    (0..len).map(move |_| {
                        let place = next;
                        next = self.at(place).next(place);
                        place as usize
                    })
                };
                let of = |place: usize| values.get(place).cloned().unwrap_or_default();
                values[at] = match item {
                    Item::List(inside) => Value::list(ListKind::Json, places(inside.len).map(of).collect()),
                    Item::Map(inside) => {
                        let mut places = places(inside.len * 2);
                        let member = |_| Some((of(places.next()?), of(places.next()?)));
                        let members = (0..inside.len).filter_map(member);
                        Value::Map(Rc::new(Map::distinct(MapKind::Linked, members.collect())))
                    }
                    scalar => self.scalar(*scalar),
                };
            }
            values
        });
        thawed.get(at as usize).cloned().unwrap_or_default()
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
