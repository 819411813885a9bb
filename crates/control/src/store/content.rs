//! What stands at a key: a document, or what a deployment holds, whose parts are shared with other deployments.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Document;

/// What is stored at one key. A store keeps it as one JSON object either way.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// A resource.
    Document(Arc<Document>),
    /// What a deployment holds.
    Definition(Arc<Definition>),
}

/// What a deployment holds: `types::snapshot::ApiDefinition` with whole documents in it.
///
/// Each document is the very one that the resource had when the deployment was made, and not a copy: forty deployments
/// of an API of which little changes in between are hardly more than one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// The API's own document.
    pub api: Arc<Document>,
    /// Its routes, in order of creation.
    pub routes: Vec<RouteParts>,
    /// Its integrations, in order of creation.
    pub integrations: Vec<IntegrationParts>,
    /// Its models.
    #[serde(default)]
    pub models: Vec<Arc<Document>>,
    /// Its authorizers.
    #[serde(default)]
    pub authorizers: Vec<Arc<Document>>,
}

/// A route with its route responses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteParts {
    /// The route.
    pub route: Arc<Document>,
    /// Its route responses, in order of creation.
    #[serde(default)]
    pub responses: Vec<Arc<Document>>,
}

/// An integration with its integration responses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntegrationParts {
    /// The integration.
    pub integration: Arc<Document>,
    /// Its integration responses, in order of creation.
    #[serde(default)]
    pub responses: Vec<Arc<Document>>,
}

impl Content {
    /// The JSON object that a store keeps.
    pub fn to_document(&self) -> Document {
        match self {
            Content::Document(document) => Document::clone(document),
            // It is made of objects and lists of objects, so it is one itself.
            Content::Definition(definition) => match serde_json::to_value(definition) {
                Ok(Value::Object(document)) => document,
                _ => Document::new(),
            },
        }
    }
}

impl Definition {
    /// Gives each of its documents to `exchange`, which may put an equal one in its place.
    pub(crate) fn exchange(&mut self, exchange: &mut impl FnMut(&mut Arc<Document>)) {
        exchange(&mut self.api);
        for route in &mut self.routes {
            exchange(&mut route.route);
            route.responses.iter_mut().for_each(&mut *exchange);
        }
        for integration in &mut self.integrations {
            exchange(&mut integration.integration);
            integration.responses.iter_mut().for_each(&mut *exchange);
        }
        self.models.iter_mut().chain(&mut self.authorizers).for_each(exchange);
    }
}

impl From<Arc<Document>> for Content {
    fn from(document: Arc<Document>) -> Content {
        Content::Document(document)
    }
}
