//! What is kept across restarts, and what a failing store does.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use control::store::{Change, Content, DiskStore, Document, Followed, Key, MemoryStore, Revision, Store, StoreError};
use serde_json::{Value, json};

use crate::gateway::{Gateway, id};

/// A folder that no other test uses; removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Folder(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("control-{}-{count}", std::process::id())))
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.0
    }

    pub(crate) fn open(&self) -> Gateway {
        Gateway::open(Arc::new(DiskStore::open(&self.0).unwrap()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Everything that a control plane answers about its APIs.
pub(crate) fn everything(gateway: &Gateway) -> Vec<String> {
    let mut answers = Vec::new();
    let mut collections = vec!["/v2/apis".to_owned()];
    while let Some(collection) = collections.pop() {
        let page = gateway.ok("GET", &format!("{collection}?maxResults=500"), Value::Null);
        answers.push(format!("{collection} {page}"));
        for item in page["items"].as_array().unwrap() {
            let below: &[(&str, &[&str])] = &[
                ("apiId", &["routes", "integrations", "deployments", "stages", "models", "authorizers"]),
                ("routeId", &["routeresponses"]),
                ("integrationId", &["integrationresponses"]),
            ];
            for (member, names) in below {
                if let Some(id) = item[*member].as_str() {
                    collections.extend(names.iter().map(|name| format!("{collection}/{id}/{name}")));
                }
            }
        }
    }
    answers
}

/// Fills a control plane with some of everything, some of it updated and deleted: the API's path.
fn fill(gateway: &Gateway) -> String {
    let api = gateway.api_with_route();
    let integrations = format!("{api}/integrations");
    let mocks: Vec<String> =
        (0..5).map(|_| gateway.make(&integrations, json!({"integrationType": "MOCK"}), "integrationId")).collect();
    gateway.ok("PATCH", &mocks[0], json!({"description": "changed last, still first"}));
    gateway.ok("DELETE", &mocks[2], Value::Null);
    gateway.ok("POST", &format!("{}/integrationresponses", mocks[1]), json!({"integrationResponseKey": "$default"}));
    gateway.ok("POST", &format!("{api}/models"), json!({"name": "M", "schema": "{}"}));
    gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "dev", "stageVariables": {"z": "1", "a": "2"}}));
    gateway.ok("POST", &format!("{api}/deployments"), json!({"stageName": "dev"}));
    gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "auto", "autoDeploy": true}));
    gateway.ok("POST", &format!("{api}/routes"), json!({"routeKey": "late"}));
    api
}

#[test]
fn a_store_on_disk_gives_the_same_answers_in_the_same_order_after_a_restart() {
    let folder = Folder::new();
    let gateway = folder.open();
    let api = fill(&gateway);
    let before = everything(&gateway);
    let stages = gateway.control.stages();
    drop(gateway);
    let gateway = folder.open();
    assert_eq!(everything(&gateway), before);
    assert_eq!(gateway.control.stages(), stages);
    assert_eq!(gateway.publications(), 1, "the first snapshot comes with opening");
    assert_eq!(gateway.deployed_routes(&api, "dev"), ["first"]);
    assert_eq!(gateway.deployed_routes(&api, "auto"), ["first", "late"]);
    gateway.ok("POST", &format!("{api}/routes"), json!({"routeKey": "after"}));
    let routes = gateway.ok("GET", &format!("{api}/routes"), Value::Null);
    let keys: Vec<&str> = routes["items"].as_array().unwrap().iter().map(|r| r["routeKey"].as_str().unwrap()).collect();
    assert_eq!(keys, ["first", "late", "after"]);
}

#[test]
fn a_deployment_keeps_members_that_no_one_reads_yet() {
    let folder = Folder::new();
    let gateway = folder.open();
    let api = fill(&gateway);
    drop(gateway);
    let (_, documents) = DiskStore::open(&folder.0).unwrap().load().unwrap();
    let definitions: Vec<&Document> =
        documents.iter().filter(|(key, _)| key.path.ends_with("/definition")).map(|(_, document)| document).collect();
    assert_eq!(definitions.len(), 2);
    for definition in definitions {
        assert_eq!(definition["api"]["apiId"], id(&api));
        assert_eq!(definition["models"][0]["name"], "M");
        assert_eq!(definition["authorizers"], json!([]));
        assert_eq!(definition["integrations"][0]["integration"]["payloadFormatVersion"], "1.0");
    }
}

/// Fails the commit that `fails` asks for; keeps what the others bring.
struct Failing {
    inner: MemoryStore,
    fails: Arc<AtomicBool>,
}

impl Store for Failing {
    fn each(&self, take: &mut dyn FnMut(Key, Content)) -> Result<Revision, StoreError> {
        self.inner.each(take)
    }

    fn follow(&self, from: Revision) -> Result<Followed, StoreError> {
        self.inner.follow(from)
    }

    fn commit(&self, expected: Revision, batch: &[Change]) -> Result<Revision, StoreError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(StoreError::Full("some.file".into()));
        }
        self.inner.commit(expected, batch)
    }
}

#[test]
fn a_commit_that_fails_changes_nothing_and_loses_nothing_that_was_answered() {
    let fails = Arc::new(AtomicBool::new(false));
    let gateway = Gateway::open(Arc::new(Failing { inner: MemoryStore::default(), fails: fails.clone() }));
    let api = fill(&gateway);
    let calls = [
        ("POST", format!("{api}/routes"), json!({"routeKey": "lost"})),
        ("PATCH", api.clone(), json!({"name": "lost"})),
        ("PATCH", format!("{api}/stages/dev"), json!({"stageVariables": {"lost": "1"}})),
        ("POST", format!("{api}/deployments"), json!({"stageName": "dev"})),
        ("DELETE", api.clone(), Value::Null),
    ];
    for (method, path, body) in &calls {
        let (before, published) = (everything(&gateway), gateway.publications());
        fails.store(true, Ordering::SeqCst);
        gateway.check_refused(
            method,
            path,
            body.clone(),
            500,
            "InternalServerErrorException",
            "The change was not stored: some.file: the disk is full",
        );
        fails.store(false, Ordering::SeqCst);
        assert_eq!(everything(&gateway), before, "{method} {path}");
        assert_eq!(gateway.publications(), published, "{method} {path}");
        gateway.ok("PATCH", &format!("{api}/stages/dev"), json!({"description": path}));
    }
    for (method, path, body) in calls {
        gateway.ok(method, &path, body);
    }
    gateway.check("GET", "/v2/apis", Value::Null, 200, json!({"items": []}));
}

/// Cannot be reached; whether what was sent arrived is known or is not.
struct Unreachable {
    inner: MemoryStore,
    in_doubt: bool,
}

impl Store for Unreachable {
    fn each(&self, take: &mut dyn FnMut(Key, Content)) -> Result<Revision, StoreError> {
        self.inner.each(take)
    }

    fn follow(&self, from: Revision) -> Result<Followed, StoreError> {
        self.inner.follow(from)
    }

    fn commit(&self, _: Revision, _: &[Change]) -> Result<Revision, StoreError> {
        let error = StoreError::Unavailable { place: "NATS".into(), detail: "no quorum".into() };
        Err(if self.in_doubt { StoreError::Doubtful(Box::new(error)) } else { error })
    }
}

#[test]
fn a_store_that_cannot_be_reached_is_a_503_and_reads_go_on() {
    for (in_doubt, text) in [
        (false, "The change was not stored: NATS: no quorum"),
        (true, "The change may not be stored, and may be there later all the same: NATS: no quorum"),
    ] {
        let gateway = Gateway::open(Arc::new(Unreachable { inner: MemoryStore::default(), in_doubt }));
        let body =
            json!({"name": "a", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"});
        gateway.check_refused("POST", "/v2/apis", body, 503, "ServiceUnavailableException", text);
        gateway.check("GET", "/v2/apis", Value::Null, 200, json!({"items": []}));
    }
}

#[test]
fn what_is_answered_is_stored_whenever_the_process_ends() {
    let store = Arc::new(MemoryStore::default());
    let gateway = Gateway::open(store.clone());
    let api = gateway.api();
    for key in 0..20 {
        gateway.ok("POST", &format!("{api}/routes"), json!({"routeKey": key.to_string()}));
        if key == 10 {
            gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "dev", "autoDeploy": true}));
        }
        let reopened = Gateway::open(store.clone());
        assert_eq!(everything(&reopened), everything(&gateway), "after route {key}");
    }
}

#[test]
fn a_stored_document_that_is_not_ours_is_named() {
    let store = Arc::new(MemoryStore::default());
    let stage: Document = serde_json::from_value(json!({"stageName": "dev", "deploymentId": "gone"})).unwrap();
    let key = |sequence, path: &str| Key { sequence, path: path.into() };
    let api = Change::Put(key(0, "apis/a"), Content::Document(Arc::default()));
    let stage = Change::Put(key(1, "apis/a/stages/dev"), Content::Document(Arc::new(stage)));
    store.commit(Revision::default(), &[api, stage]).unwrap();
    let place = types::arn::Home { region: "r".into(), account_id: "0".into() };
    let settings = control::Settings::new(place, "h".into());
    let error = control::Control::open(settings, store, Box::new(|_, _| ())).err().unwrap();
    let text = "the stored document apis/a/deployments/gone/definition cannot be read: it is missing";
    assert_eq!(error.to_string(), text);
}
