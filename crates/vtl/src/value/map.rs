//! Maps that keep the order of insertion, or iterate as Java's hash maps do.

use std::cell::{Ref, RefCell};
use std::rc::Rc;

use super::{Map, MapKind, Members, Value};

/// From this many members on texts are found through an index; making it for fewer costs more than it saves.
const INDEX_FROM: usize = 64;

impl Value {
    /// Whether two values are the same to a map: same class, same value. Containers are themselves only.
    pub(crate) fn is_same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Long(a), Value::Long(b)) => a == b,
            (Value::Big(a), Value::Big(b)) => a == b,
            (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
            (Value::Decimal(a), Value::Decimal(b)) => a == b,
            (Value::Char(a), Value::Char(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::List(a), Value::List(b)) => Rc::ptr_eq(a, b),
            (Value::Map(a), Value::Map(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Members {
    fn find_text(&self, name: &str) -> Option<usize> {
        if self.entries.len() >= INDEX_FROM {
            return self.index.as_ref().and_then(|index| index.get(name)).copied();
        }
        self.entries.iter().position(|(key, _)| matches!(key, Value::Text(key) if key.is(name)))
    }

    fn find(&self, key: &Value) -> Option<usize> {
        match key {
            Value::Text(name) => self.find_text(name),
            Value::Node(document, at) => self.find(&document.thaw(*at)),
            key => self.entries.iter().position(|(k, _)| k.is_same(key)),
        }
    }

    fn reindex(&mut self) {
        self.index = None;
        if self.entries.len() >= INDEX_FROM {
            let index = self.index.get_or_insert_default();
            for (i, (key, _)) in self.entries.iter().enumerate() {
                if let Value::Text(key) = key {
                    index.insert(key.clone(), i);
                }
            }
        }
    }

    fn put(&mut self, key: Value, value: Value) -> Option<Value> {
        if let Some(i) = self.find(&key) {
            return Some(std::mem::replace(&mut self.entries[i].1, value));
        }
        let i = self.entries.len();
        if i >= INDEX_FROM
            && let Value::Text(key) = &key
        {
            self.index.get_or_insert_default().insert(key.clone(), i);
        }
        self.entries.push((key, value));
        if i + 1 == INDEX_FROM {
            self.reindex();
        }
        None
    }
}

impl Map {
    /// An empty map.
    pub fn new(kind: MapKind) -> Map {
        Map { kind, members: RefCell::default() }
    }

    /// A map of these members, in this order.
    pub fn of(kind: MapKind, members: impl IntoIterator<Item = (Value, Value)>) -> Map {
        let map = Map::new(kind);
        {
            let members = members.into_iter();
            let mut into = map.members.borrow_mut();
            into.entries.reserve_exact(members.size_hint().0);
            for (key, value) in members {
                into.put(key.thaw(), value);
            }
        }
        map
    }

    /// A map of these members, in this order, of which no two have the same name.
    pub fn distinct(kind: MapKind, entries: Vec<(Value, Value)>) -> Map {
        let mut members = Members { entries, index: None };
        members.reindex();
        Map { kind, members: RefCell::new(members) }
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.borrow().entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of the text `name`.
    pub fn member(&self, name: &str) -> Option<Value> {
        let members = self.members.borrow();
        members.find_text(name).map(|i| members.entries[i].1.clone())
    }

    /// The value of `key`.
    pub fn get(&self, key: &Value) -> Option<Value> {
        let members = self.members.borrow();
        members.find(key).map(|i| members.entries[i].1.clone())
    }

    /// Sets the value of `key`; gives the one it had.
    pub fn put(&self, key: Value, value: Value) -> Option<Value> {
        // A list or map is a key as itself, so a document's place is the one that it stands for.
        let key = key.thaw();
        self.members.borrow_mut().put(key, value)
    }

    /// Removes `key`; gives its value.
    pub fn remove(&self, key: &Value) -> Option<Value> {
        let mut members = self.members.borrow_mut();
        let i = members.find(key)?;
        let (_, value) = members.entries.remove(i);
        members.reindex();
        Some(value)
    }

    /// Removes all members.
    pub fn clear(&self) {
        // Taken out before they are dropped: a member may be this very map.
        let old = std::mem::take(&mut *self.members.borrow_mut());
        drop(old);
    }

    /// The members in the order that the map shows them.
    pub fn entries(&self) -> Vec<(Value, Value)> {
        self.shown().iter().cloned().collect()
    }

    /// The members in the order that the map shows them, borrowed: the map must not be changed meanwhile.
    pub(crate) fn shown(&self) -> Shown<'_> {
        let members = self.members.borrow();
        let order = (self.kind == MapKind::Hash).then(|| {
            let mut buckets = 32;
            while members.entries.len() * 4 > buckets * 3 {
                buckets *= 2;
            }
            let bucket = |(key, _): &(Value, Value)| {
                let hash = key.as_text().map_or(0, |text| java::hash_code(text) as u32);
                (hash ^ (hash >> 16)) as usize & (buckets - 1)
            };
            let mut order: Vec<_> = members.entries.iter().map(bucket).enumerate().collect();
            order.sort_by_key(|(_, bucket)| *bucket);
            order
        });
        Shown { members, order }
    }

    /// The value of the member inserted as the `index`th.
    pub fn nth(&self, index: usize) -> Option<(Value, Value)> {
        self.members.borrow().entries.get(index).cloned()
    }
}

/// The members of a map in the order that it shows them.
pub(crate) struct Shown<'m> {
    members: Ref<'m, Members>,
    /// Where each is, and its bucket; of a map that shows them as inserted there is none.
    order: Option<Vec<(usize, usize)>>,
}

impl Shown<'_> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Value, Value)> {
        let order = self.order.as_deref();
        (0..self.members.entries.len()).filter_map(move |i| {
            let place = order.map_or(Some(i), |order| order.get(i).map(|(place, _)| *place));
            self.members.entries.get(place?)
        })
    }
}
