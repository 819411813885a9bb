//! From a store into memory: every document where it belongs, and equal parts of deployments once.
//!
//! A store has each deployment whole, so that it can be read without the others. In memory, deployments of one API are
//! made of the same documents, as they are when they are made (`deployments.rs`).

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::Error;
use crate::paths;
use crate::state::State;
use crate::store::{Change, Content, Document, Key, Store};

/// Where documents stand that deployments hold.
const OF_APIS: &str = "apis/";

/// Reads everything that a store has.
///
/// # Errors
/// When the store cannot be read, or a key's path names no collection.
pub(crate) fn load(store: &dyn Store) -> Result<State, Error> {
    let mut loading = Loading::default();
    let mut fault = None;
    loading.state.revision = store.each(&mut |key, content| {
        if fault.is_none() {
            fault = loading.add(key, content).err();
        }
    })?;
    fault.map_or(Ok(loading.state), Err)
}

/// Puts documents, ordered by key, together.
///
/// # Errors
/// When a key's path names no collection.
pub(crate) fn collect(documents: impl IntoIterator<Item = (Key, Document)>) -> Result<State, Error> {
    let mut loading = Loading::default();
    for (key, document) in documents {
        let content = Content::of(&key.path, document);
        loading.add(key, content)?;
    }
    Ok(loading.state)
}

/// Has what others wrote share the documents that are in memory already.
pub(crate) fn adopt(state: &State, changes: &mut [Change]) {
    let mut loading = Loading::default();
    let mut seen = HashSet::new();
    for change in changes {
        let Change::Put(key, content) = change else { continue };
        if let (Content::Definition(_), Some(api_id)) = (&*content, key.path.split('/').nth(1))
            && seen.insert(api_id.to_owned())
        {
            loading.know(state, api_id);
        }
        loading.share(&key.path, content);
    }
}

#[derive(Default)]
struct Loading {
    state: State,
    /// What deployments may have in common with others, or with the API as it is now. Two that differ only in the order of
    /// their members count as equal, as they do for updates.
    known: HashSet<Arc<Document>>,
}

impl Loading {
    fn add(&mut self, key: Key, mut content: Content) -> Result<(), Error> {
        if !key.path.contains('/') {
            return Err(Error::Document { path: key.path, detail: "the path names no collection".into() });
        }
        self.share(&key.path, &mut content);
        self.state.put(key, content);
        Ok(())
    }

    /// Puts known documents in the place of equal ones, and knows the others from now on.
    fn share(&mut self, path: &str, content: &mut Content) {
        match content {
            Content::Definition(definition) => Arc::make_mut(definition).exchange(&mut |document| {
                match self.known.get(document) {
                    Some(known) => *document = known.clone(),
                    None => drop(self.known.insert(document.clone())),
                };
            }),
            Content::Document(document) if path.starts_with(OF_APIS) => drop(self.known.insert(document.clone())),
            Content::Document(_) => {}
        }
    }

    /// Knows the documents of an API as it is.
    fn know(&mut self, state: &State, api_id: &str) {
        let path = format!("{}/{api_id}", paths::APIS);
        let api = state.collection(paths::APIS).and_then(|apis| apis.get(api_id));
        let below = state.below(&path).flat_map(|(_, entries)| entries.values());
        for entry in api.into_iter().chain(below) {
            self.share(&path, &mut entry.content.clone());
        }
    }
}
