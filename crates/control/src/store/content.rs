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

/// The id of the one document below a deployment, which is what the deployment holds.
pub(crate) const DEFINITION: &str = "definition";

/// Whether what a deployment holds stands at a path.
fn is_definition(path: &str) -> bool {
    matches!(path.split('/').collect::<Vec<_>>()[..], ["apis", _, "deployments", _, DEFINITION])
}

impl Content {
    /// Reads what stands at a path from a store's JSON text.
    ///
    /// # Errors
    /// When it is no JSON object.
    pub(super) fn read(path: &str, text: &[u8]) -> serde_json::Result<Content> {
        if is_definition(path)
            && let Ok(definition) = serde_json::from_slice(text)
        {
            return Ok(Content::Definition(Arc::new(definition)));
        }
        serde_json::from_slice(text).map(Content::Document)
    }

    /// What a document at a path is. A definition that is none stays a document; whoever needs it says why it is none: a
    /// deployment that no stage points at hurts nobody.
    pub fn of(path: &str, document: Document) -> Content {
        match is_definition(path).then(|| Definition::deserialize(&document)) {
            Some(Ok(definition)) => Content::Definition(Arc::new(definition)),
            Some(Err(_)) | None => Content::Document(Arc::new(document)),
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "apis/a/deployments/d/definition";

    #[test]
    fn a_deployment_is_stored_as_it_always_was() {
        for text in [
            r#"{"api":{"apiId":"a"},"routes":[{"route":{"routeKey":"k","own":[1]},"responses":[{"routeResponseKey":"$default"}]}],"integrations":[{"integration":{"integrationType":"MOCK"},"responses":[]}],"models":[{"name":"M"}],"authorizers":[{"name":"A"}]}"#,
            r#"{"api":{},"routes":[],"integrations":[],"models":[],"authorizers":[]}"#,
        ] {
            let content = Content::read(PATH, text.as_bytes()).unwrap();
            assert!(matches!(content, Content::Definition(_)), "{text}");
            assert_eq!(serde_json::to_string(&content).unwrap(), text);
            assert_eq!(Value::Object(content.to_document()).to_string(), text);
            assert_eq!(Content::of(PATH, content.to_document()), content);
        }
        // What is no definition, or stands elsewhere, stays what it is.
        for (path, text) in
            [(PATH, r#"{"api":1}"#), ("apis/a/deployments/d", r#"{"api":{},"routes":[],"integrations":[]}"#)]
        {
            let content = Content::read(path, text.as_bytes()).unwrap();
            assert!(matches!(content, Content::Document(_)), "{text}");
            assert_eq!(serde_json::to_string(&content).unwrap(), text);
        }
        assert!(Content::read(PATH, b"[]").is_err());
    }
}
