//! A store that ends with the process.

use std::collections::BTreeMap;

use super::{Change, Content, Key, Store, StoreError};

/// Keeps documents in memory: for `--ephemeral` and for tests. Never fails.
#[derive(Debug, Default)]
pub struct MemoryStore {
    contents: BTreeMap<Key, Content>,
}

impl Store for MemoryStore {
    fn each(&mut self, take: &mut dyn FnMut(Key, Content)) -> Result<(), StoreError> {
        self.contents.iter().for_each(|(key, content)| take(key.clone(), content.clone()));
        Ok(())
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        for change in changes {
            match change {
                Change::Put(key, content) => self.contents.insert(key.clone(), content.clone()),
                Change::Delete(key) => self.contents.remove(key),
            };
        }
        Ok(())
    }
}
