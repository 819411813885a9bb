//! What may be deleted, and what goes with it.

use std::sync::Arc;

use control::store::{MemoryStore, Store};
use serde_json::{Value, json};

use crate::gateway::{Gateway, id};

#[test]
fn an_integration_in_use_stays_until_its_routes_are_gone() {
    let gateway = Gateway::new();
    let api = gateway.api();
    let mock = gateway.make(&format!("{api}/integrations"), json!({"integrationType": "MOCK"}), "integrationId");
    let responses = format!("{mock}/integrationresponses");
    gateway.make(&responses, json!({"integrationResponseKey": "$default"}), "integrationResponseId");
    let target = format!("integrations/{}", id(&mock));
    let one = gateway.make(&format!("{api}/routes"), json!({"routeKey": "a", "target": target}), "routeId");
    let two = gateway.make(&format!("{api}/routes"), json!({"routeKey": "b", "target": target}), "routeId");
    let message = format!(
        "Cannot delete Integration because it is referenced by the following Routes with Ids: [{}, {}]",
        id(&one),
        id(&two)
    );
    gateway.check_refused("DELETE", &mock, Value::Null, 409, "ConflictException", &message);
    gateway.ok("DELETE", &one, Value::Null);
    gateway.ok("PATCH", &two, json!({"target": ""}));
    gateway.check("DELETE", &mock, Value::Null, 204, Value::Null);
    assert_eq!(gateway.call("GET", &responses, Value::Null).0, 404);
}

#[test]
fn an_authorizer_and_a_model_in_use_stay_until_the_route_lets_go() {
    let gateway = Gateway::new();
    let api = gateway.api();
    let authorizer = json!({"name": "auth", "authorizerType": "REQUEST", "authorizerUri": "u"});
    let authorizer = gateway.make(&format!("{api}/authorizers"), authorizer, "authorizerId");
    let model = gateway.make(&format!("{api}/models"), json!({"name": "Chat", "schema": "{}"}), "modelId");
    let route = json!({
        "routeKey": "$connect", "authorizationType": "CUSTOM", "authorizerId": id(&authorizer),
        "requestModels": {"$default": "Chat"},
    });
    let route = gateway.make(&format!("{api}/routes"), route, "routeId");
    let conflict = "ConflictException";
    let message = "Cannot delete authorizer 'auth', is referenced in route: $connect";
    gateway.check_refused("DELETE", &authorizer, Value::Null, 409, conflict, message);
    let message = "Cannot delete model 'Chat', is referenced in route: $connect";
    gateway.check_refused("DELETE", &model, Value::Null, 409, conflict, message);
    gateway.ok("PATCH", &route, json!({"authorizationType": "NONE", "requestModels": {}}));
    gateway.check("DELETE", &authorizer, Value::Null, 204, Value::Null);
    gateway.check("DELETE", &model, Value::Null, 204, Value::Null);
}

#[test]
fn a_route_takes_its_responses_and_its_settings_on_stages_with_it() {
    let gateway = Gateway::new();
    let api = gateway.api();
    let route = gateway.make(&format!("{api}/routes"), json!({"routeKey": "say"}), "routeId");
    let other = gateway.make(&format!("{api}/routes"), json!({"routeKey": "old"}), "routeId");
    gateway.make(&format!("{route}/routeresponses"), json!({"routeResponseKey": "$default"}), "routeResponseId");
    let settings = json!({"say": {"loggingLevel": "INFO"}, "old": {"loggingLevel": "INFO"}});
    let stage = json!({"stageName": "dev", "routeSettings": settings});
    let stage = gateway.make(&format!("{api}/stages"), stage, "stageName");
    gateway.ok("DELETE", &route, Value::Null);
    assert_eq!(gateway.call("GET", &format!("{route}/routeresponses"), Value::Null).0, 404);
    gateway.ok("PATCH", &other, json!({"routeKey": "new"}));
    assert_eq!(gateway.ok("GET", &stage, Value::Null)["routeSettings"], json!({}));
    gateway.ok("PATCH", &stage, json!({"description": "still valid"}));
}

#[test]
fn an_api_takes_everything_with_it() {
    let store = Arc::new(MemoryStore::default());
    let gateway = Gateway::open(store.clone());
    let kept = gateway.api_with_route();
    let api = gateway.api_with_route();
    gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "dev"}));
    gateway.ok("POST", &format!("{api}/deployments"), json!({"stageName": "dev"}));
    gateway.ok("POST", &format!("{kept}/stages"), json!({"stageName": "dev", "autoDeploy": true}));
    assert_eq!(gateway.snapshot().stages.len(), 2);
    gateway.check("DELETE", &api, Value::Null, 204, Value::Null);
    assert_eq!(gateway.snapshot().stages.len(), 1);
    for below in ["", "/routes", "/stages", "/deployments"] {
        assert_eq!(gateway.call("GET", &format!("{api}{below}"), Value::Null).0, 404, "{below}");
    }
    assert_eq!(gateway.ok("GET", "/v2/apis", Value::Null)["items"].as_array().unwrap().len(), 1);
    assert_eq!(gateway.control.stages().len(), 1);
    gateway.ok("DELETE", &kept, Value::Null);
    assert_eq!(store.load().unwrap().1, [], "nothing is left behind in the store");
}

#[test]
fn a_runaway_script_meets_a_bound() {
    let gateway = Gateway::new();
    let mock =
        gateway.make(&format!("{}/integrations", gateway.api()), json!({"integrationType": "MOCK"}), "integrationId");
    let responses = format!("{mock}/integrationresponses");
    let body = |n: usize| json!({"integrationResponseKey": format!("/{n}/")});
    let first = gateway.make(&responses, body(0), "integrationResponseId");
    for n in 1..300 {
        gateway.ok("POST", &responses, body(n));
    }
    let message = "Maximum number of IntegrationResponses for this API has been reached. \
                   Please contact AWS if you need additional IntegrationResponses.";
    gateway.check_refused("POST", &responses, body(300), 400, "BadRequestException", message);
    gateway.ok("DELETE", &first, Value::Null);
    gateway.ok("POST", &responses, body(300));
}
