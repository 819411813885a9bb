//! The parts of deployments as the data plane reads them, each parsed once from the document that deployments share.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use serde::de::DeserializeOwned;
use types::resources::{Api, Authorizer, Integration, IntegrationResponse, Model, Route, RouteResponse};
use types::snapshot::{ApiDefinition, IntegrationDefinition, RouteDefinition};

use super::parse;
use crate::error::Error;
use crate::store::{Definition, Document};

/// The parts that are in use.
#[derive(Default)]
pub(super) struct Parts {
    apis: Parsed<Api>,
    routes: Parsed<Route>,
    route_responses: Parsed<RouteResponse>,
    integrations: Parsed<Integration>,
    integration_responses: Parsed<IntegrationResponse>,
    models: Parsed<Model>,
    authorizers: Parsed<Authorizer>,
}

impl Parts {
    /// Parses what a deployment holds, as far as no other deployment has it.
    ///
    /// # Errors
    /// When a document is not what this program writes; `path` is where the deployment's content stands.
    pub(super) fn definition(&mut self, path: &str, definition: &Definition) -> Result<ApiDefinition, Error> {
        let routes = definition.routes.iter().map(|parts| {
            Ok(RouteDefinition {
                route: self.routes.get(path, &parts.route)?,
                responses: self.route_responses.all(path, &parts.responses)?,
            })
        });
        let integrations = definition.integrations.iter().map(|parts| {
            Ok(IntegrationDefinition {
                integration: self.integrations.get(path, &parts.integration)?,
                responses: self.integration_responses.all(path, &parts.responses)?,
            })
        });
        let parsed = ApiDefinition {
            api: self.apis.get(path, &definition.api)?,
            routes: routes.collect::<Result<_, Error>>()?,
            integrations: integrations.collect::<Result<_, Error>>()?,
            models: self.models.all(path, &definition.models)?,
            authorizers: self.authorizers.all(path, &definition.authorizers)?,
        };
        Ok(parsed)
    }

    /// Forgets what nobody has any more.
    pub(super) fn sweep(&mut self) {
        self.apis.sweep();
        self.routes.sweep();
        self.route_responses.sweep();
        self.integrations.sweep();
        self.integration_responses.sweep();
        self.models.sweep();
        self.authorizers.sweep();
    }
}

/// What documents of one kind were parsed to, by the documents' addresses.
struct Parsed<T> {
    by_address: HashMap<usize, Pair<T>>,
}

/// A document and what it was parsed to. The document, even a dropped one, keeps its address to itself as long as this
/// is here, so that no other one is taken for it.
struct Pair<T> {
    document: Weak<Document>,
    parsed: Weak<T>,
}

impl<T> Default for Parsed<T> {
    fn default() -> Parsed<T> {
        Parsed { by_address: HashMap::new() }
    }
}

impl<T: DeserializeOwned> Parsed<T> {
    fn get(&mut self, path: &str, document: &Arc<Document>) -> Result<Arc<T>, Error> {
        let address = Arc::as_ptr(document).addr();
        if let Some(parsed) = self.by_address.get(&address).and_then(|pair| pair.parsed.upgrade()) {
            return Ok(parsed);
        }
        let parsed = Arc::new(parse(path, document)?);
        let pair = Pair { document: Arc::downgrade(document), parsed: Arc::downgrade(&parsed) };
        self.by_address.insert(address, pair);
        Ok(parsed)
    }

    fn all(&mut self, path: &str, documents: &[Arc<Document>]) -> Result<Vec<Arc<T>>, Error> {
        documents.iter().map(|document| self.get(path, document)).collect()
    }

    fn sweep(&mut self) {
        self.by_address.retain(|_, pair| pair.document.strong_count() > 0 && pair.parsed.strong_count() > 0);
    }
}
