//! The stage that clients connect to, as the control plane would publish it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::json;
use types::account::{Account, ApiKey, PlanStage, Quota, UsagePlan};
use types::resources::{Api, RouteSettings, Stage};
use types::snapshot::{ApiDefinition, DeployedStage, Snapshot, StageKey};

use super::place::RATE;
use super::plan::{GOOD_KEY, Schedule};

pub(crate) const API: &str = "simulated1";
pub(crate) const STAGE: &str = "prod";

pub(crate) fn key() -> StageKey {
    StageKey { api_id: API.to_owned(), stage: STAGE.to_owned() }
}

/// What is deployed at the moment.
pub(crate) struct Deployed {
    backend: SocketAddr,
    account: Arc<Account>,
    needs_key: bool,
    pub(crate) has_extra: bool,
    pub(crate) throttle: Option<(u32, u32)>,
    pub(crate) is_there: bool,
}

impl Deployed {
    pub(crate) fn new(schedule: &Schedule, backend: SocketAddr) -> Deployed {
        Deployed {
            backend,
            account: Arc::new(schedule.quota.map_or_else(Account::default, account)),
            needs_key: schedule.quota.is_some(),
            has_extra: true,
            throttle: schedule.throttle,
            is_there: true,
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut stages = HashMap::new();
        if self.is_there {
            stages.insert(key(), Arc::new(self.stage()));
        }
        Snapshot { stages, account: self.account.clone() }
    }

    fn stage(&self) -> DeployedStage {
        let throttled = |(burst, rate): (u32, u32)| RouteSettings {
            throttling_burst_limit: Some(burst),
            throttling_rate_limit: Some(f64::from(rate) * RATE),
            ..RouteSettings::default()
        };
        let settings = Stage {
            stage_name: STAGE.to_owned(),
            route_settings: self
                .throttle
                .map(|throttle| ("echo".to_owned(), throttled(throttle)))
                .into_iter()
                .collect(),
            ..Stage::default()
        };
        let api = Api {
            api_id: API.to_owned(),
            name: API.to_owned(),
            route_selection_expression: "$request.body.action".to_owned(),
            ..Api::default()
        };
        let mut keys = vec!["$connect", "$disconnect", "$default", "echo"];
        keys.extend(self.has_extra.then_some("extra"));
        let routes = keys.iter().map(|key| {
            let two_way = !["$connect", "$disconnect"].contains(key);
            json!({
                "route": {
                    "routeId": key, "routeKey": key, "target": format!("integrations/{key}"),
                    "apiKeyRequired": self.needs_key && *key == "$connect",
                    "routeResponseSelectionExpression": two_way.then_some("$default"),
                },
                "responses": if two_way { json!([{"routeResponseId": "r", "routeResponseKey": "$default"}]) } else { json!([]) },
            })
        });
        let integrations = keys.iter().map(|key| {
            let mut parameters = json!({
                "integration.request.header.sim-id": "context.connectionId",
                "integration.request.header.sim-event": "context.eventType",
                "integration.request.header.sim-route": "context.routeKey",
            });
            match *key {
                "$connect" => {
                    parameters["integration.request.header.sim-client"] = json!("route.request.header.x-client")
                }
                "$disconnect" => {
                    parameters["integration.request.header.sim-code"] = json!("context.disconnectStatusCode");
                }
                _ => {}
            }
            json!({ "integration": {
                "integrationId": key, "integrationType": "HTTP_PROXY", "integrationMethod": "POST",
                "integrationUri": format!("http://{}/", self.backend), "requestParameters": parameters,
            }})
        });
        let definition = json!({
            "api": api, "routes": routes.collect::<Vec<_>>(), "integrations": integrations.collect::<Vec<_>>(),
        });
        let definition: ApiDefinition = serde_json::from_value(definition).expect("the document above is a definition");
        DeployedStage { key: key(), settings, definition: Arc::new(definition) }
    }
}

fn account(quota: u32) -> Account {
    let key = ApiKey { id: "key1".to_owned(), value: GOOD_KEY.to_owned(), enabled: true };
    let stage = PlanStage { api_id: API.to_owned(), stage: STAGE.to_owned(), ..PlanStage::default() };
    let plan = UsagePlan {
        id: "plan1".to_owned(),
        api_stages: vec![stage],
        quota: Some(Quota { limit: quota, ..Quota::default() }),
        key_ids: vec!["key1".to_owned()],
        ..UsagePlan::default()
    };
    Account {
        api_keys: [("key1".to_owned(), key)].into(),
        usage_plans: [("plan1".to_owned(), plan)].into(),
        ..Account::default()
    }
}
