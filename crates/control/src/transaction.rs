//! What one call reads and changes: the state with the call's own changes laid over it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::ids;
use crate::settings::Remark;
use crate::state::{self, Entry, State};
use crate::store::{Change, Content, Definition, Document, Key};

/// A changed document: where it was created in the order of things, and what it is now, if it is.
struct Pending {
    sequence: u64,
    content: Option<Content>,
}

/// One call's view. Nothing is visible to others, and nothing is lost, until the batch is stored and applied.
pub(crate) struct Transaction<'a> {
    state: &'a State,
    pending: BTreeMap<String, IndexMap<String, Pending>>,
    next_sequence: u64,
    edited: BTreeSet<String>,
    deployed: BTreeSet<(String, String)>,
    remarks: Vec<Remark>,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(state: &'a State) -> Transaction<'a> {
        Transaction {
            state,
            pending: BTreeMap::new(),
            next_sequence: state.next_sequence,
            edited: BTreeSet::new(),
            deployed: BTreeSet::new(),
            remarks: Vec::new(),
        }
    }

    /// A document of a collection.
    pub(crate) fn get(&self, collection: &str, id: &str) -> Option<&Arc<Document>> {
        document(self.content(collection, id)?)
    }

    /// What stands at a place.
    pub(crate) fn content(&self, collection: &str, id: &str) -> Option<&Content> {
        match self.pending.get(collection).and_then(|pending| pending.get(id)) {
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
        let pending = self.pending.get(collection);
        let known = stored.into_iter().flat_map(move |stored| {
            // Entries ascend by sequence, so that a page far down a long list costs no walk to it.
            let start = sequence.map_or(0, |sequence| stored.partition_point(|_, entry| entry.sequence <= sequence));
            stored[start..].iter().filter_map(move |(id, entry)| {
                let (sequence, content) = match pending.and_then(|pending| pending.get(id)) {
                    Some(pending) => (pending.sequence, pending.content.as_ref()?),
                    None => (entry.sequence, &entry.content),
                };
                Some((sequence, id.as_str(), document(content)?))
            })
        });
        let new = pending.into_iter().flatten().filter_map(move |(id, pending)| {
            let is_new = stored.is_none_or(|stored| !stored.contains_key(id));
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
        if self.pending.contains_key(collection) {
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
            let sequence = self.next_sequence;
            self.next_sequence += 1;
            sequence
        });
        let pending = Pending { sequence, content: Some(content) };
        self.pending.entry(collection.to_owned()).or_default().insert(id.to_owned(), pending);
    }

    /// Removes a document and everything below it.
    pub(crate) fn delete(&mut self, collection: &str, id: &str) {
        let path = format!("{collection}/{id}");
        let mut gone = vec![(collection.to_owned(), id.to_owned())];
        for (collection, entries) in self.state.below(&path) {
            gone.extend(entries.keys().map(|id| (collection.to_owned(), id.clone())));
        }
        for (collection, entries) in state::below(&self.pending, &path) {
            gone.extend(entries.keys().map(|id| (collection.to_owned(), id.clone())));
        }
        for (collection, id) in gone {
            if let Some(sequence) = self.sequence_of(&collection, &id) {
                let pending = Pending { sequence, content: None };
                self.pending.entry(collection).or_default().insert(id, pending);
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
        self.edited.insert(api_id.to_owned());
    }

    /// The APIs that [`Transaction::edited`] was told of.
    pub(crate) fn edited_apis(&self) -> &BTreeSet<String> {
        &self.edited
    }

    /// Notes that a stage was given a deployment, by a person or by itself.
    pub(crate) fn deployed(&mut self, api_id: &str, stage: &str) {
        self.deployed.insert((api_id.to_owned(), stage.to_owned()));
    }

    /// The stages that [`Transaction::deployed`] was told of: API id and stage name.
    pub(crate) fn deployed_stages(&self) -> &BTreeSet<(String, String)> {
        &self.deployed
    }

    /// Notes what the person who runs the program should know of this call, once it is stored.
    pub(crate) fn remark(&mut self, remark: Remark) {
        self.remarks.push(remark);
    }

    /// What [`Transaction::remark`] was told.
    pub(crate) fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// The ids of documents that this call changed, by collection.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pending
            .iter()
            .flat_map(|(collection, entries)| entries.keys().map(|id| (collection.as_str(), id.as_str())))
    }

    /// Whether a document was there before this call.
    pub(crate) fn was_there(&self, collection: &str, id: &str) -> bool {
        self.before(collection, id).is_some()
    }

    /// A document as it was before this call.
    pub(crate) fn before(&self, collection: &str, id: &str) -> Option<&Arc<Document>> {
        document(&self.stored(collection, id)?.content)
    }

    /// The call's changes, oldest document first.
    pub(crate) fn into_changes(self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (collection, entries) in self.pending {
            for (id, pending) in entries {
                let known = self.state.collection(&collection).is_some_and(|stored| stored.contains_key(&id));
                let key = Key { sequence: pending.sequence, path: format!("{collection}/{id}") };
                match pending.content {
                    Some(content) => changes.push((key.sequence, Change::Put(key, content))),
                    None if known => changes.push((key.sequence, Change::Delete(key))),
                    // Made and removed by the same call: the store never knew it.
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
        let pending = self.pending.get(collection).and_then(|pending| pending.get(id));
        pending.map(|pending| pending.sequence).or_else(|| self.stored(collection, id).map(|entry| entry.sequence))
    }
}

fn document(content: &Content) -> Option<&Arc<Document>> {
    match content {
        Content::Document(document) => Some(document),
        Content::Definition(_) => None,
    }
}
