//! A store that ends with the process.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Change, Document, Key, Store, StoreError};

/// Keeps documents in memory: for `--ephemeral` and for tests. Never fails.
#[derive(Debug, Default)]
pub struct MemoryStore {
    documents: BTreeMap<Key, Arc<Document>>,
}

impl Store for MemoryStore {
    fn load(&mut self) -> Result<Vec<(Key, Document)>, StoreError> {
        Ok(self.documents.iter().map(|(key, document)| (key.clone(), Document::clone(document))).collect())
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        for change in changes {
            match change {
                Change::Put(key, document) => self.documents.insert(key.clone(), document.clone()),
                Change::Delete(key) => self.documents.remove(key),
            };
        }
        Ok(())
    }
}
