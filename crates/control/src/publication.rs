//! From documents to what the data plane reads: builds the next snapshot, sharing all that did not change.

mod account;
mod parsed;

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use serde_json::Value;
use types::resources::Stage;
use types::snapshot::{ApiDefinition, DeployedStage};
use types::{Snapshot, StageKey};

use crate::deployments;
use crate::documents::text;
use crate::error::Error;
use crate::paths;
use crate::store::{Content, Document};
use crate::transaction::Transaction;

use parsed::Parts;

/// Remembers the parsed deployments that are in use and their parts, so that each is parsed, and is in memory, once.
#[derive(Default)]
pub(crate) struct Publication {
    definitions: HashMap<(String, String), Weak<ApiDefinition>>,
    parts: Parts,
}

impl Publication {
    /// The snapshot of everything in the store.
    ///
    /// # Errors
    /// When a stored document is not what this program writes.
    pub(crate) fn first(&mut self, tx: &Transaction) -> Result<Snapshot, Error> {
        let mut snapshot = Snapshot { account: Arc::new(account::build(tx)?), ..Snapshot::default() };
        for (api_id, _) in tx.all("apis") {
            for (name, stage) in tx.all(&paths::stages(api_id)) {
                let key = StageKey { api_id: api_id.to_owned(), stage: name.to_owned() };
                if let Some(deployed) = self.build(tx, &key, stage)? {
                    snapshot.stages.insert(key, Arc::new(deployed));
                }
            }
        }
        Ok(snapshot)
    }

    /// The snapshot after a call; none when the call changed nothing that clients can notice.
    ///
    /// A stage that did not change is the same `Arc` as before, and so is the account.
    ///
    /// # Errors
    /// When a document is not what this program writes.
    pub(crate) fn next(&mut self, current: &Snapshot, tx: &Transaction) -> Result<Option<Snapshot>, Error> {
        let mut next: Option<Snapshot> = None;
        for (api_id, name) in deployments::changed_stages(tx) {
            let key = StageKey { api_id: api_id.to_owned(), stage: name.to_owned() };
            let deployed = match tx.get(&paths::stages(api_id), name) {
                Some(stage) => self.build(tx, &key, stage)?,
                None => None,
            };
            let before = current.stages.get(&key);
            match (before, deployed) {
                (None, None) => {}
                (Some(before), Some(deployed)) if is_same(before, &deployed) => {}
                (_, Some(deployed)) => {
                    let next = next.get_or_insert_with(|| current.clone());
                    next.stages.insert(key, Arc::new(deployed));
                }
                (Some(_), None) => {
                    next.get_or_insert_with(|| current.clone()).stages.remove(&key);
                }
            }
        }
        if account::may_have_changed(tx) {
            let account = account::build(tx)?;
            if account != *current.account {
                next.get_or_insert_with(|| current.clone()).account = Arc::new(account);
            }
        }
        Ok(next)
    }

    /// A stage with its deployment; none while it has none.
    fn build(&mut self, tx: &Transaction, key: &StageKey, stage: &Document) -> Result<Option<DeployedStage>, Error> {
        let id = text(stage, "deploymentId");
        if id.is_empty() {
            return Ok(None);
        }
        let settings: Stage = parse(&format!("{}/{}", paths::stages(&key.api_id), key.stage), stage)?;
        let definition = self.definition(tx, &key.api_id, id)?;
        Ok(Some(DeployedStage { key: key.clone(), settings, definition }))
    }

    fn definition(&mut self, tx: &Transaction, api_id: &str, id: &str) -> Result<Arc<ApiDefinition>, Error> {
        let key = (api_id.to_owned(), id.to_owned());
        if let Some(definition) = self.definitions.get(&key).and_then(Weak::upgrade) {
            return Ok(definition);
        }
        let path = format!("{}/{id}/definition", paths::deployments(api_id));
        let definition = match deployments::definition(tx, api_id, id) {
            Some(Content::Definition(definition)) => self.parts.definition(&path, definition)?,
            // It was not what this program writes when it was loaded; why, is told here.
            Some(Content::Document(document)) => parse(&path, document)?,
            None => return Err(Error::Document { path, detail: "it is missing".into() }),
        };
        let definition = Arc::new(definition);
        self.definitions.retain(|_, definition| definition.strong_count() > 0);
        self.parts.sweep();
        self.definitions.insert(key, Arc::downgrade(&definition));
        Ok(definition)
    }
}

fn is_same(before: &DeployedStage, after: &DeployedStage) -> bool {
    Arc::ptr_eq(&before.definition, &after.definition) && before.settings == after.settings
}

fn parse<T: serde::de::DeserializeOwned>(path: &str, document: &Document) -> Result<T, Error> {
    serde_json::from_value(Value::Object(document.clone()))
        .map_err(|error| Error::Document { path: path.to_owned(), detail: error.to_string() })
}
