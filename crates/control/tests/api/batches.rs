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

#[test]
fn what_is_put_is_as_if_it_were_created_so_and_keeps_its_id() {
    let gateway = Gateway::open(Arc::new(MemoryStore::default()));
    let api = json!({"name": "n", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.a"});
    let made = gateway.control.batch::<_, Refused>(&Caller::program(), |batch| {
        let api = batch.create_api("chat-api", &api)?;
        assert_eq!((&api["apiId"], &api["tags"]), (&json!("chat-api"), &json!({})));
        // Taken, and impossible, ids are not used.
        let others = ["chat-api", "Not An Id"].map(|id| batch.create_api(id, &json!(api)).unwrap()["apiId"].clone());
        assert!(others.iter().all(|id| id.as_str().is_some_and(|id| id.len() == 10)), "{others:?}");
        let path = "/v2/apis/chat-api";
        let integration = json!({
            "integrationType": "HTTP", "integrationUri": "http://127.0.0.1", "integrationMethod": "POST",
            "description": "old", "timeoutInMillis": 50,
            "requestParameters": {"integration.request.header.a": "'1'", "integration.request.header.b": "'2'"},
        });
        let made = batch.call(Method::POST, &format!("{path}/integrations"), &integration)?;
        let own = format!("{path}/integrations/{}", made["integrationId"].as_str().unwrap());
        let fewer = json!({
            "integrationType": "HTTP", "integrationUri": "http://127.0.0.2", "integrationMethod": "POST",
            "requestParameters": {"integration.request.header.b": "'3'"},
        });
        let put = batch.put(&own, &fewer)?;
        let fresh = batch.call(Method::POST, &format!("{path}/integrations"), &fewer)?;
        let without_id = |value: &Value| {
            let mut value = value.clone();
            value.as_object_mut().unwrap().remove("integrationId");
            value
        };
        assert_eq!(without_id(&put), without_id(&fresh));
        assert_eq!(put["integrationId"], made["integrationId"]);

        batch.call(Method::POST, &format!("{path}/routes"), &json!({"routeKey": "$default"}))?;
        let stages = format!("{path}/stages");
        let stage = json!({"stageName": "dev", "description": "d", "autoDeploy": true, "tags": {"a": "1"}});
        let deployed = batch.call(Method::POST, &stages, &stage)?["deploymentId"].clone();
        let put = batch.put(&format!("{stages}/dev"), &json!({"stageName": "dev", "stageVariables": {"v": "1"}}))?;
        let seen = ["deploymentId", "autoDeploy", "description", "stageVariables", "tags"].map(|name| put[name].clone());
        assert_eq!(seen, [deployed, json!(false), Value::Null, json!({"v": "1"}), json!({})]);

        let plan = json!({"name": "p", "quota": {"limit": 5, "period": "DAY"}, "throttle": {"rateLimit": 1.0, "burstLimit": 2}});
        let plan = batch.call(Method::POST, "/usageplans", &plan)?;
        let plan = format!("/usageplans/{}", plan["id"].as_str().unwrap());
        let put = batch.put(&plan, &json!({"name": "q", "throttle": {"rateLimit": 3.0, "burstLimit": 4}}))?;
        assert_eq!((&put["name"], &put["quota"], &put["throttle"]["burstLimit"]), (&json!("q"), &Value::Null, &json!(4)));
        let key = batch.call(Method::POST, "/apikeys", &json!({"name": "k", "enabled": true}))?;
        let key_path = format!("/apikeys/{}", key["id"].as_str().unwrap());
        batch.put(&key_path, &json!({"name": "l", "enabled": true}))?;
        let now = batch.call(Method::GET, &format!("{key_path}?includeValue=true"), &Value::Null)?;
        assert_eq!((&now["name"], &now["value"]), (&json!("l"), &key["value"]));

        batch.put(&format!("{stages}/gone"), &json!({"stageName": "gone"})).map(|_| ())
    });
    assert_eq!(made.unwrap_err().status().as_u16(), 404);
    assert_eq!(gateway.control.api_names().len(), 0, "all or nothing");
}

#[test]
fn what_is_kept_of_a_stack_is_there_after_a_restart_and_an_import() {
    let store = Arc::new(MemoryStore::default());
    let gateway = Gateway::open(store.clone());
    let document = json!({"any": ["thing"]}).as_object().unwrap().clone();
    let keep = |name: &str, document: Option<_>| {
        let keep = |batch: &mut Batch| {
            batch.keep_stack(name, document.clone());
            Ok::<_, Refused>(batch.stacks().into_iter().map(|(name, _)| name).collect::<Vec<_>>())
        };
        gateway.control.batch(&Caller::program(), keep).unwrap()
    };
    assert_eq!(
        (keep("a", Some(document.clone())), keep("b", Some(document.clone()))),
        (vec!["a".into()], vec!["a".into(), "b".into()])
    );
    assert_eq!(keep("a", None), ["b"]);
    let read = |gateway: &Gateway| {
        let read = |batch: &mut Batch| {
            Ok::<_, Refused>(["a", "b"].map(|name| batch.stack(name).map(|stack| (*stack).clone())))
        };
        gateway.control.batch(&Caller::program(), read).unwrap()
    };
    assert_eq!(read(&Gateway::open(store)), [None, Some(document.clone())]);
    let exported = gateway.control.export().unwrap().to_string();
    let other = Arc::new(MemoryStore::default());
    control::transfer::import(&crate::transfer::settings(), &*other, exported.as_bytes(), false).unwrap();
    assert_eq!(read(&Gateway::open(other)), [None, Some(document)]);
}
