//! The snapshot: all that the data plane reads, as the control plane published it.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use crate::stage_key::StageKey;

use crate::account::Account;
use crate::resources::{Api, Authorizer, Integration, IntegrationResponse, Model, Route, RouteResponse, Stage};

/// Every stage that clients can reach. Immutable; a change makes a new one that shares what did not change.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The stages that point at a deployment. A stage that did not change is the same `Arc` as before.
    pub stages: HashMap<StageKey, Arc<DeployedStage>>,
    /// What belongs to no single API. The same `Arc` as before when nothing of it changed.
    pub account: Arc<Account>,
}

/// A stage together with what is deployed on it.
#[derive(Clone, Debug)]
pub struct DeployedStage {
    /// API and stage name.
    pub key: StageKey,
    /// The stage's own settings; they act without a deployment. Source: documented.
    pub settings: Stage,
    /// The API as it was when the stage's deployment was made; shared by stages that point at the same one.
    pub definition: Arc<ApiDefinition>,
}

/// A deployment: an API with its routes and integrations at one moment. Never changes.
///
/// Its parts are shared with other deployments: what did not change in between is the same `Arc`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiDefinition {
    /// The API's own settings.
    pub api: Arc<Api>,
    /// Its routes, in order of creation.
    pub routes: Vec<RouteDefinition>,
    /// Its integrations, in order of creation.
    pub integrations: Vec<IntegrationDefinition>,
    /// Its models.
    #[serde(default)]
    pub models: Vec<Arc<Model>>,
    /// Its authorizers.
    #[serde(default)]
    pub authorizers: Vec<Arc<Authorizer>>,
}

/// A route with its route responses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteDefinition {
    /// The route itself.
    pub route: Arc<Route>,
    /// Its route responses; one with the key `$default` makes the route two-way.
    #[serde(default)]
    pub responses: Vec<Arc<RouteResponse>>,
}

/// An integration with its integration responses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationDefinition {
    /// The integration itself.
    pub integration: Arc<Integration>,
    /// Its integration responses, in order of creation.
    #[serde(default)]
    pub responses: Vec<Arc<IntegrationResponse>>,
}
