//! Every document in memory, by collection and id.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::store::{Change, Content, Key, Revision};

/// A document with its age.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key's sequence number: entries of a collection ascend by it.
    pub(crate) sequence: u64,
    pub(crate) content: Content,
}

/// The documents of one collection, such as `apis/a1b2c3d4e5/routes`, by id, in order of creation.
pub(crate) type Collection = IndexMap<String, Entry>;

/// All collections. Once loaded it changes only by [`State::apply`], with batches that the store has.
#[derive(Debug, Default)]
pub(crate) struct State {
    collections: BTreeMap<String, Collection>,
    /// The store's, when it was as this is.
    pub(crate) revision: Revision,
}

impl State {
    /// A collection, if it has documents.
    pub(crate) fn collection(&self, path: &str) -> Option<&Collection> {
        self.collections.get(path)
    }

    /// The collections below a document, with their paths: its own and those of what is in them.
    pub(crate) fn below(&self, path: &str) -> impl Iterator<Item = (&str, &Collection)> {
        below(&self.collections, path)
    }

    /// Makes a stored batch visible, which led to a revision.
    pub(crate) fn apply(&mut self, changes: Vec<Change>, revision: Revision) {
        self.revision = revision;
        for change in changes {
            match change {
                Change::Put(key, content) => self.put(key, content),
                Change::Delete(key) => self.delete(&key),
            }
        }
    }

    /// Puts one thing in its place; a new one is younger than all others of its collection.
    pub(crate) fn put(&mut self, key: Key, content: Content) {
        let (collection, id) = split(&key.path);
        let entry = Entry { sequence: key.sequence, content };
        self.collections.entry(collection.to_owned()).or_default().insert(id.to_owned(), entry);
    }

    /// What it takes to get from here to another state, as a batch: first what is gone, then what is new or different,
    /// ordered by key.
    pub(crate) fn changes_to(&self, other: &State) -> Vec<Change> {
        let entries = |state: &State| {
            let all = state.collections.iter().flat_map(|(path, collection)| {
                collection.iter().map(move |(id, entry)| {
                    let key = Key { sequence: entry.sequence, path: format!("{path}/{id}") };
                    (key, entry.content.clone())
                })
            });
            all.collect::<BTreeMap<Key, Content>>()
        };
        let (here, there) = (entries(self), entries(other));
        let gone = here.keys().filter(|key| !there.contains_key(key)).cloned().map(Change::Delete);
        let there = there.iter().filter(|(key, content)| here.get(key) != Some(content));
        gone.chain(there.map(|(key, content)| Change::Put(key.clone(), content.clone()))).collect()
    }

    fn delete(&mut self, key: &Key) {
        let (path, id) = split(&key.path);
        if let Some(collection) = self.collections.get_mut(path) {
            collection.shift_remove(id);
            if collection.is_empty() {
                self.collections.remove(path);
            }
        }
    }
}

/// The entries of a map by collection path that are below a document.
///
/// A document's path can be a collection's as well: a deployment's content is the one document of such a collection.
pub(crate) fn below<'m, V>(map: &'m BTreeMap<String, V>, path: &str) -> impl Iterator<Item = (&'m str, &'m V)> {
    let prefix = format!("{path}/");
    let itself = map.get_key_value(path);
    let under = map.range(prefix.clone()..).take_while(move |(path, _)| path.starts_with(&prefix));
    itself.into_iter().chain(under).map(|(path, entries)| (path.as_str(), entries))
}

/// The collection and the id in a key's path.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
