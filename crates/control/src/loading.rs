//! From a store into memory: every document where it belongs, and equal parts of deployments once.
//!
//! A store has each deployment whole, so that it can be read without the others. In memory, deployments of one API are
//! made of the same documents, as they are when they are made (`deployments.rs`).

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::Error;
use crate::state::State;
use crate::store::{Content, Document, Key, Store};

/// Where documents stand that deployments hold.
const OF_APIS: &str = "apis/";

/// Reads everything that a store has.
///
/// # Errors
/// When the store cannot be read, or a key's path names no collection.
pub(crate) fn load(store: &mut dyn Store) -> Result<State, Error> {
    let mut loading = Loading::default();
    let mut fault = None;
    store.each(&mut |key, content| {
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
        match &mut content {
            Content::Definition(definition) => Arc::make_mut(definition).exchange(&mut |document| {
                match self.known.get(document) {
                    Some(known) => *document = known.clone(),
                    None => drop(self.known.insert(document.clone())),
                };
            }),
            Content::Document(document) if key.path.starts_with(OF_APIS) => drop(self.known.insert(document.clone())),
            Content::Document(_) => {}
        }
        self.state.put(key, content);
        Ok(())
    }
}
