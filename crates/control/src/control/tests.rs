//! What is in memory once, however many deployments hold it.

use std::collections::HashSet;
use std::path::PathBuf;

use http::Method;
use serde_json::json;
use types::arn::Home;

use super::*;
use crate::store::{Content, Definition, DiskStore, MemoryStore};

const MODELS: usize = 30;
const DEPLOYMENTS: usize = 40;
/// A model is changed before every so manieth deployment.
const CHANGED_EVERY: usize = 4;

fn open(store: Arc<dyn Store>) -> Control {
    let place = Home { region: "us-east-1".into(), account_id: "000000000000".into() };
    Control::open(Settings::new(place, "localhost:1".into()), store, Box::new(|_, _| ())).unwrap()
}

fn call(control: &Control, method: Method, path: &str, body: &Value) -> Value {
    let request = Request::builder().method(method).uri(path).body(Bytes::from(body.to_string())).unwrap();
    let answer = control.handle(&Caller::program(), request);
    assert!(answer.status().is_success(), "{path}: {:?}", answer.body());
    serde_json::from_slice(answer.body()).unwrap()
}

/// An API with models, a route and an integration, deployed many times: its id.
fn fill(control: &Control) -> String {
    let make = |path: &str, body: Value| call(control, Method::POST, path, &body);
    let api = json!({"name": "n", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.a"});
    let id = make("/v2/apis", api)["apiId"].as_str().unwrap().to_owned();
    let path = format!("/v2/apis/{id}");
    let integration = make(&format!("{path}/integrations"), json!({"integrationType": "MOCK"}));
    let integration = integration["integrationId"].as_str().unwrap();
    let responses = format!("{path}/integrations/{integration}/integrationresponses");
    make(&responses, json!({"integrationResponseKey": "$default"}));
    let target = format!("integrations/{integration}");
    let route = make(&format!("{path}/routes"), json!({"routeKey": "say", "target": target}));
    let responses = format!("{path}/routes/{}/routeresponses", route["routeId"].as_str().unwrap());
    make(&responses, json!({"routeResponseKey": "$default"}));
    let models: Vec<Value> = (0..MODELS)
        .map(|n| make(&format!("{path}/models"), json!({"name": format!("M{n}"), "schema": "{}"})))
        .collect();
    for n in 0..DEPLOYMENTS {
        if n % CHANGED_EVERY == 0 {
            let model = format!("{path}/models/{}", models[n % MODELS]["modelId"].as_str().unwrap());
            call(control, Method::PATCH, &model, &json!({"description": n.to_string()}));
        }
        make(&format!("{path}/deployments"), json!({}));
    }
    id
}

/// How many documents the API's deployments hold, and how many there are of them and the API's own in memory.
fn count(control: &Control, api_id: &str) -> (usize, usize) {
    let memory = control.memory();
    let tx = Transaction::new(&memory.state);
    let (mut held, mut addresses) = (0, HashSet::new());
    let mut keep = |document: &Arc<Document>| {
        addresses.insert(Arc::as_ptr(document).addr());
    };
    for (id, _) in tx.all(&paths::deployments(api_id)) {
        let Some(Content::Definition(definition)) = deployments::definition(&tx, api_id, id) else {
            panic!("the deployment {id} has no content of its form");
        };
        Definition::clone(definition).exchange(&mut |document| {
            held += 1;
            keep(document);
        });
    }
    let api = format!("apis/{api_id}");
    for (path, collection) in memory.state.below(&api).filter(|(path, _)| !path.contains("/deployments")) {
        collection.keys().filter_map(|id| tx.get(path, id)).for_each(&mut keep);
    }
    (held, addresses.len())
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        Folder(std::env::temp_dir().join(format!("control-{name}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn deployments_hold_the_documents_that_did_not_change_between_them_together() {
    // The API, its integration and route with a response each, and the models.
    let of_one = 5 + MODELS;
    let versions = DEPLOYMENTS.div_ceil(CHANGED_EVERY);
    let expected = (DEPLOYMENTS * of_one, of_one + versions - 1);
    let control = open(Arc::new(MemoryStore::default()));
    let api_id = fill(&control);
    assert_eq!(count(&control, &api_id), expected);

    let folder = Folder::new("shared-documents");
    let control = open(Arc::new(DiskStore::open(&folder.0).unwrap()));
    let api_id = fill(&control);
    assert_eq!(count(&control, &api_id), expected);
    drop(control);
    let control = open(Arc::new(DiskStore::open(&folder.0).unwrap()));
    assert_eq!(count(&control, &api_id), expected, "after a restart");
}
