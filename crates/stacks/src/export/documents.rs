//! The documents of the control plane, by the collections in which they stand.

use std::collections::HashMap;

use serde_json::{Map as JsonMap, Value as Json};

/// A document.
pub(super) type Document = JsonMap<String, Json>;

/// All of them.
pub(super) struct Documents<'d> {
    /// Those of each collection, in the order in which they were made: id and document.
    collections: HashMap<&'d str, Vec<(&'d str, &'d Document)>>,
}

impl<'d> Documents<'d> {
    pub(super) fn of(documents: &'d Document) -> Documents<'d> {
        let mut collections: HashMap<&str, Vec<(&str, &Document)>> = HashMap::new();
        for (path, document) in documents {
            if let (Some((collection, id)), Json::Object(document)) = (path.rsplit_once('/'), document) {
                collections.entry(collection).or_default().push((id, document));
            }
        }
        Documents { collections }
    }

    /// A collection's documents.
    pub(super) fn all(&self, collection: &str) -> &[(&'d str, &'d Document)] {
        self.collections.get(collection).map_or(&[], Vec::as_slice)
    }

    /// A document.
    pub(super) fn get(&self, collection: &str, id: &str) -> Option<&'d Document> {
        self.all(collection).iter().find(|(each, _)| *each == id).map(|(_, document)| *document)
    }

    /// A collection's documents, ordered by a member; what is equal stays in its order.
    pub(super) fn sorted(&self, collection: &str, member: &str) -> Vec<(&'d str, &'d Document)> {
        let mut all = self.all(collection).to_vec();
        all.sort_by_key(|(_, document)| text(document, member));
        all
    }
}

/// A member's text; nothing where there is none.
pub(super) fn text<'d>(document: &'d Document, member: &str) -> &'d str {
    document.get(member).and_then(Json::as_str).unwrap_or_default()
}
