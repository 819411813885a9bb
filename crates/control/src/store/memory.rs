//! A store that ends with the process.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use super::log::Log;
use super::{Change, Content, Followed, Key, Revision, Store, StoreError};

/// Keeps documents in memory: for `--ephemeral` and for tests. Never fails.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    contents: BTreeMap<Key, Content>,
    log: Log,
}

impl MemoryStore {
    /// One that holds what another store had at a revision.
    pub fn at(revision: Revision, contents: BTreeMap<Key, Content>) -> MemoryStore {
        MemoryStore(Mutex::new(Memory { contents, log: Log::at(revision) }))
    }
}

impl Store for MemoryStore {
    fn each(&self, take: &mut dyn FnMut(Key, Content)) -> Result<Revision, StoreError> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.contents.iter().for_each(|(key, content)| take(key.clone(), content.clone()));
        Ok(memory.log.revision())
    }

    fn commit(&self, expected: Revision, batch: &[Change]) -> Result<Revision, StoreError> {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.log.revision() != expected {
            return Err(StoreError::Conflict);
        }
        for change in batch {
            match change {
                Change::Put(key, content) => memory.contents.insert(key.clone(), content.clone()),
                Change::Delete(key) => memory.contents.remove(key),
            };
        }
        Ok(memory.log.add(batch))
    }

    fn follow(&self, from: Revision) -> Result<Followed, StoreError> {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Memory { contents, log } = &mut *memory;
        let Ok(followed) = log.since(from, |key| Ok::<_, Infallible>(contents.get(key).cloned()));
        Ok(followed)
    }
}
