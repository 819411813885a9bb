//! What a call, or a batch of calls, reads and changes: the state with its own changes laid over it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::ids;
use crate::settings::Remark;
use crate::state::{self, Entry, State};
use crate::store::{Change, Content, Definition, Document, Key};

/// A changed document: where it was created in the order of things, and what it is now, if it is.
#[derive(Clone, Debug)]
struct Pending {
    sequence: u64,
    content: Option<Content>,
}

/// What a batch changes, apart from the state that it changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    pending: BTreeMap<String, IndexMap<String, Pending>>,
    /// How many documents it created.
    created: u64,
    edited: BTreeSet<String>,
    remarks: Vec<Remark>,
}

impl Overlay {
    /// That of a batch that somebody else stored.
    pub(crate) fn of(batch: &[Change]) -> Overlay {
        let mut overlay = Overlay::default();
        for change in batch {
            let (key, content) = match change {
                Change::Put(key, content) => (key, Some(content.clone())),
                Change::Delete(key) => (key, None),
            };
            let (collection, id) = state::split(&key.path);
            let pending = overlay.pending.entry(collection.to_owned()).or_default();
            // Removed and made anew it is the youngest.
            pending.shift_remove(id);
            pending.insert(id.to_owned(), Pending { sequence: key.sequence, content });
        }
        overlay
    }
}

/// One batch's view: that of a call, or of several. Nothing is visible to others, and nothing is lost, until the batch is
/// stored and applied.
pub(crate) struct Transaction<'a> {
    state: &'a State,
    overlay: Overlay,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(state: &'a State) -> Transaction<'a> {
        Transaction::over(state, Overlay::default())
    }

    /// The view of changes that were made on top of this very state.
    pub(crate) fn over(state: &'a State, overlay: Overlay) -> Transaction<'a> {
        Transaction { state, overlay }
    }

    /// The changes, to be laid over the state again.
    pub(crate) fn into_overlay(self) -> Overlay {
        self.overlay
    }

    /// A document of a collection.
    pub(crate) fn get(&self, collection: &str, id: &str) -> Option<&Arc<Document>> {
        document(self.content(collection, id)?)
    }

    /// What stands at a place.
    pub(crate) fn content(&self, collection: &str, id: &str) -> Option<&Content> {
        match self.overlay.pending.get(collection).and_then(|pending| pending.get(id)) {
            Some(pending) => pending.content.as_ref(),
            None => Some(&self.state.collection(collection)?.get(id)?.content),
        }
    }

    /// The documents of a collection that are younger than a sequence number, in order of creation.
    pub(crate) fn after(
        &self,
        collection: &str,
        sequence: Option<u64>,
    ) -> impl Iterator<Item = (u64, &str, &Arc<Document>)> {
        let stored = self.state.collection(collection);
        let pending = self.overlay.pending.get(collection);
        let known = stored.into_iter().flat_map(move |stored| {
            // Entries ascend by sequence, so that a page far down a long list costs no walk to it.
            let start = sequence.map_or(0, |sequence| stored.partition_point(|_, entry| entry.sequence <= sequence));
            stored[start..].iter().filter_map(move |(id, entry)| {
                let content = match pending.and_then(|pending| pending.get(id)) {
                    // Removed and made anew it stands among the new ones.
                    Some(pending) if pending.sequence != entry.sequence => return None,
                    Some(pending) => pending.content.as_ref()?,
                    None => &entry.content,
                };
                Some((entry.sequence, id.as_str(), document(content)?))
            })
        });
        let new = pending.into_iter().flatten().filter_map(move |(id, pending)| {
            let is_new = stored.and_then(|stored| stored.get(id)).is_none_or(|old| old.sequence != pending.sequence);
            let is_after = sequence.is_none_or(|sequence| pending.sequence > sequence);
            let content = pending.content.as_ref().filter(|_| is_new && is_after)?;
            Some((pending.sequence, id.as_str(), document(content)?))
        });
        known.chain(new)
    }

    /// Every document of a collection, in order of creation.
    pub(crate) fn all(&self, collection: &str) -> impl Iterator<Item = (&str, &Arc<Document>)> {
        self.after(collection, None).map(|(_, id, document)| (id, document))
    }

    /// How many documents a collection has.
    pub(crate) fn count(&self, collection: &str) -> usize {
        if self.overlay.pending.contains_key(collection) {
            self.all(collection).count()
        } else {
            self.state.collection(collection).map_or(0, IndexMap::len)
        }
    }

    /// Creates or replaces a document.
    pub(crate) fn put(&mut self, collection: &str, id: &str, document: Document) {
        self.put_content(collection, id, Content::Document(Arc::new(document)));
    }

    /// Creates what a deployment holds.
    pub(crate) fn put_definition(&mut self, collection: &str, id: &str, definition: Definition) {
        self.put_content(collection, id, Content::Definition(Arc::new(definition)));
    }

    fn put_content(&mut self, collection: &str, id: &str, content: Content) {
        let sequence = self.sequence_of(collection, id).unwrap_or_else(|| {
            self.overlay.created += 1;
            self.state.revision.0 + self.overlay.created - 1
        });
        let pending = Pending { sequence, content: Some(content) };
        self.overlay.pending.entry(collection.to_owned()).or_default().insert(id.to_owned(), pending);
    }

    /// Removes a document and everything below it.
    pub(crate) fn delete(&mut self, collection: &str, id: &str) {
        let path = format!("{collection}/{id}");
        let mut gone = vec![(collection.to_owned(), id.to_owned())];
        for (collection, entries) in self.state.below(&path) {
            gone.extend(entries.keys().map(|id| (collection.to_owned(), id.clone())));
        }
        for (collection, entries) in state::below(&self.overlay.pending, &path) {
            gone.extend(entries.keys().map(|id| (collection.to_owned(), id.clone())));
        }
        for (collection, id) in gone {
            if let Some(sequence) = self.sequence_of(&collection, &id) {
                let pending = Pending { sequence, content: None };
                self.overlay.pending.entry(collection).or_default().insert(id, pending);
            }
        }
    }

    /// An id that no document of the collection has: small letters and digits.
    pub(crate) fn fresh_id(&self, collection: &str, length: usize) -> String {
        loop {
            let id = ids::lower(length);
            if self.get(collection, &id).is_none() {
                return id;
            }
        }
    }

    /// Notes that an API changed in a way that reaches clients only through a deployment.
    pub(crate) fn edited(&mut self, api_id: &str) {
        self.overlay.edited.insert(api_id.to_owned());
    }

    /// The APIs that [`Transaction::edited`] was told of.
    pub(crate) fn edited_apis(&self) -> &BTreeSet<String> {
        &self.overlay.edited
    }

    /// Notes what the person who runs the program should know of this batch, once it is stored.
    pub(crate) fn remark(&mut self, remark: Remark) {
        self.overlay.remarks.push(remark);
    }

    /// What [`Transaction::remark`] was told.
    pub(crate) fn remarks(&self) -> &[Remark] {
        &self.overlay.remarks
    }

    /// The ids of documents that the batch changed, by collection.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.overlay
            .pending
            .iter()
            .flat_map(|(collection, entries)| entries.keys().map(|id| (collection.as_str(), id.as_str())))
    }

    /// Whether a document was there before.
    pub(crate) fn was_there(&self, collection: &str, id: &str) -> bool {
        self.before(collection, id).is_some()
    }

    /// A document as it was before.
    pub(crate) fn before(&self, collection: &str, id: &str) -> Option<&Arc<Document>> {
        document(&self.stored(collection, id)?.content)
    }

    /// The changes as a batch for the store, oldest document first.
    pub(crate) fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (collection, entries) in &self.overlay.pending {
            for (id, pending) in entries {
                let key = Key { sequence: pending.sequence, path: format!("{collection}/{id}") };
                match &pending.content {
                    Some(content) => changes.push((key.sequence, Change::Put(key, content.clone()))),
                    None if self.stored(collection, id).is_some() => changes.push((key.sequence, Change::Delete(key))),
                    // Made and removed by the same batch: the store never knew it.
                    None => {}
                }
            }
        }
        changes.sort_by_key(|(sequence, _)| *sequence);
        changes.into_iter().map(|(_, change)| change).collect()
    }

    fn stored(&self, collection: &str, id: &str) -> Option<&Entry> {
        self.state.collection(collection)?.get(id)
    }

    fn sequence_of(&self, collection: &str, id: &str) -> Option<u64> {
        let pending = self.overlay.pending.get(collection).and_then(|pending| pending.get(id));
        pending.map(|pending| pending.sequence).or_else(|| self.stored(collection, id).map(|entry| entry.sequence))
    }
}

fn document(content: &Content) -> Option<&Arc<Document>> {
    match content {
        Content::Document(document) => Some(document),
        Content::Definition(_) => None,
    }
}
