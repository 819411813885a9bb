//! An API as it is now beside what a stage serves: for those who want to see the difference, or try it.

use serde_json::Value;
use types::StageKey;
use types::snapshot::{ApiDefinition, DeployedStage};

use crate::control::Control;
use crate::deployments;
use crate::documents::text;
use crate::error::Error;
use crate::paths;
use crate::store::{Content, Definition};
use crate::transaction::Transaction;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// What the stage serves.
    Deployed,
    /// What is defined now.
    Edited,
}

impl Control {
    /// An API's documents: as they are now, or as the stage's deployment has them. `None`: there is no such API or stage, or the
    /// stage has no deployment.
    ///
    /// # Errors
    /// When a stored document is not what this program writes.
    pub fn definition(&self, key: &StageKey, version: Version) -> Result<Option<Definition>, Error> {
        let memory = self.memory();
        let tx = Transaction::new(&memory.state);
        definition(&tx, key, version)
    }

    /// An API as it is now, as the data plane reads it; the key's stage does not matter.
    ///
    /// # Errors
    /// As [`Control::definition`].
    pub fn draft(&self, key: &StageKey) -> Result<Option<ApiDefinition>, Error> {
        let Some(definition) = self.definition(key, Version::Edited)? else { return Ok(None) };
        let definition = serde_json::to_value(&definition).map_err(|error| wrong(&key.api_id, &error))?;
        parse(&key.api_id, definition).map(Some)
    }

    /// A stage with an API as it is now, or as its deployment has it, ready to be compiled.
    ///
    /// # Errors
    /// As [`Control::definition`].
    pub fn stage(&self, key: &StageKey, version: Version) -> Result<Option<DeployedStage>, Error> {
        let memory = self.memory();
        let tx = Transaction::new(&memory.state);
        let Some(settings) = tx.get(&paths::stages(&key.api_id), &key.stage) else { return Ok(None) };
        let Some(definition) = definition(&tx, key, version)? else { return Ok(None) };
        let path = format!("{}/{}", paths::stages(&key.api_id), key.stage);
        let settings = parse(&path, Value::Object((**settings).clone()))?;
        let definition = serde_json::to_value(&definition).map_err(|error| wrong(&path, &error))?;
        let definition = std::sync::Arc::new(parse(&path, definition)?);
        Ok(Some(DeployedStage { key: key.clone(), settings, definition }))
    }
}

fn definition(tx: &Transaction, key: &StageKey, version: Version) -> Result<Option<Definition>, Error> {
    if version == Version::Edited {
        return Ok(deployments::draft(tx, &key.api_id));
    }
    let Some(stage) = tx.get(&paths::stages(&key.api_id), &key.stage) else { return Ok(None) };
    let id = text(stage, "deploymentId");
    match deployments::definition(tx, &key.api_id, id) {
        Some(Content::Definition(definition)) => Ok(Some((**definition).clone())),
        Some(Content::Document(document)) => parse(id, Value::Object((**document).clone())).map(Some),
        None => Ok(None),
    }
}

fn parse<T: serde::de::DeserializeOwned>(path: &str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| wrong(path, &error))
}

fn wrong(path: &str, error: &serde_json::Error) -> Error {
    Error::Document { path: path.to_owned(), detail: error.to_string() }
}
