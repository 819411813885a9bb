//! Several calls as one.

use std::sync::Arc;

use control::store::{MemoryStore, Store};
use control::{Batch, Caller, Refused};
use http::Method;
use serde_json::{Value, json};

use crate::gateway::{Gateway, id};
use crate::stores::everything;

/// How many calls the batches make.
const CALLS: usize = 60;

/// Creates an API, a stage with auto-deploy and routes, in so many calls; the one that `wrong` names cannot be made. Gives
/// the API's path.
fn calls(batch: &mut Batch, wrong: Option<usize>) -> Result<String, Refused> {
    let api = json!({"name": "n", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.a"});
    let api = batch.call(Method::POST, "/v2/apis", &api)?;
    let api = format!("/v2/apis/{}", api["apiId"].as_str().unwrap());
    let stage = json!({"stageName": "dev", "autoDeploy": true});
    batch.call(Method::POST, &format!("{api}/stages"), &stage)?;
    for call in 3..=CALLS {
        let key = if wrong == Some(call) { "$wrong".to_owned() } else { format!("route{call}") };
        batch.call(Method::POST, &format!("{api}/routes"), &json!({"routeKey": key}))?;
    }
    Ok(api)
}

#[test]
fn a_batch_of_sixty_calls_fails_as_a_whole_at_call_forty_one() {
    let store = Arc::new(MemoryStore::default());
    let gateway = Gateway::open(store.clone());
    gateway.api_with_route();
    let before = (store.load().unwrap(), everything(&gateway), gateway.publications(), gateway.remarks());
    let refused = gateway.control.batch(&Caller::program(), |batch| calls(batch, Some(41))).unwrap_err();
    assert_eq!((refused.call, refused.status().as_u16()), (41, 400), "{refused}");
    assert!(
        refused.to_string().starts_with("POST /v2/apis/") && refused.to_string().contains("/routes: 400"),
        "{refused}"
    );
    // Whoever goes on after a refused change cannot save the rest.
    let swallowed = gateway.control.batch(&Caller::program(), |batch| {
        let _ = calls(batch, Some(41));
        batch.call(Method::GET, "/v2/apis", &Value::Null)
    });
    assert_eq!(swallowed.unwrap_err().call, 41);
    let after = (store.load().unwrap(), everything(&gateway), gateway.publications(), gateway.remarks());
    assert_eq!(after, before);
}

#[test]
fn a_batch_is_stored_published_and_deployed_at_once() {
    let store = Arc::new(MemoryStore::default());
    let gateway = Gateway::open(store.clone());
    let (revision, published) = (store.load().unwrap().0, gateway.publications());
    let api = gateway.control.batch(&Caller::program(), |batch| {
        let there = batch.call(Method::GET, "/v2/apis/gone", &Value::Null);
        assert_eq!(there.unwrap_err().status().as_u16(), 404, "a read that fails spoils nothing");
        calls(batch, None)
    });
    let api = api.unwrap();
    assert_eq!(gateway.deployed_routes(&api, "dev").len(), CALLS - 2);
    assert_eq!(gateway.publications(), published + 1);
    let deployments = gateway.ok("GET", &format!("{api}/deployments"), Value::Null);
    assert_eq!(deployments["items"].as_array().unwrap().len(), 1);
    // API, stage and routes; the deployment and what it holds.
    let documents = u64::try_from(CALLS + 2).unwrap();
    assert_eq!(store.load().unwrap().0.0, revision.0 + documents);
    assert_eq!(everything(&Gateway::open(store)), everything(&gateway));
}

#[test]
fn a_plan_shows_what_it_does_and_does_what_it_showed() {
    let store = Arc::new(MemoryStore::default());
    let gateway = Gateway::open(store.clone());
    let old = gateway.api_with_route();
    let before = (store.load().unwrap(), gateway.publications());
    let calls = |batch: &mut Batch| {
        batch.call(Method::PATCH, &old, &json!({"name": "renamed"}))?;
        let routes = batch.call(Method::GET, &format!("{old}/routes"), &Value::Null)?;
        let route = routes["items"][0]["routeId"].as_str().unwrap().to_owned();
        batch.call(Method::DELETE, &format!("{old}/routes/{route}"), &Value::Null)?;
        calls(batch, None)
    };
    let plan = gateway.control.plan(&Caller::program(), calls).unwrap();
    assert_eq!((store.load().unwrap(), gateway.publications()), before, "a plan changes nothing");
    let told: Vec<(bool, bool, &str)> = plan
        .steps
        .iter()
        .map(|step| (step.before.is_some(), step.after.is_some(), step.path.rsplit('/').nth(1).unwrap()))
        .collect();
    assert_eq!(
        told[..4],
        [(true, true, "apis"), (true, false, "routes"), (false, true, "apis"), (false, true, "stages")]
    );
    assert_eq!(plan.steps[0].before.as_ref().unwrap()["name"], "n");
    assert_eq!(plan.steps[0].after.as_ref().unwrap()["name"], "renamed");
    assert_eq!(told.len(), 4 + CALLS - 2 + 1, "the routes, and the deployment that the stage makes");
    let api = format!("/v2/{}", plan.steps[2].path);
    let made = gateway.control.carry_out(plan).unwrap();
    assert_eq!(made, api, "with the ids that it showed");
    assert_eq!(gateway.deployed_routes(&made, "dev").len(), CALLS - 2);
    assert_eq!(gateway.ok("GET", &old, Value::Null)["name"], "renamed");
    assert_eq!(gateway.ok("GET", &format!("{old}/routes"), Value::Null)["items"], json!([]));
}

#[test]
fn a_plan_is_not_carried_out_on_something_else() {
    let gateway = Gateway::new();
    let plan = gateway.control.plan(&Caller::program(), |batch| calls(batch, None)).unwrap();
    let other = gateway.api();
    let refused = gateway.control.carry_out(plan).unwrap_err();
    assert_eq!((refused.call, refused.status().as_u16()), (0, 409), "{refused}");
    let apis = gateway.ok("GET", "/v2/apis", Value::Null);
    assert_eq!(apis["items"].as_array().unwrap().len(), 1);
    assert_eq!(apis["items"][0]["apiId"], id(&other));
}
