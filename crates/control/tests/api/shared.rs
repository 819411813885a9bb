//! Several control planes on one store.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use control::store::{Change, Content, DiskStore, Followed, Key, MemoryStore, Revision, Store, StoreError};
use serde_json::{Value, json};
use types::Snapshot;

use crate::gateway::Gateway;
use crate::stores::{Folder, everything};

/// How many writes each of two control planes makes.
const WRITES: usize = 400;

/// How many integrations they change, each of them in turn: large documents take their time.
const MOCKS: usize = 10;

/// A store that others use at the same time, as it is told.
struct Crowded<S> {
    inner: S,
    /// How many commits are still to find that somebody was quicker.
    quicker: AtomicUsize,
    conflicts: AtomicUsize,
}

impl<S: Store> Crowded<S> {
    fn new(inner: S) -> Arc<Crowded<S>> {
        Arc::new(Crowded { inner, quicker: AtomicUsize::new(0), conflicts: AtomicUsize::new(0) })
    }
}

impl<S: Store> Store for Crowded<S> {
    fn each(&self, take: &mut dyn FnMut(Key, Content)) -> Result<Revision, StoreError> {
        self.inner.each(take)
    }

    fn follow(&self, from: Revision) -> Result<Followed, StoreError> {
        self.inner.follow(from)
    }

    fn commit(&self, expected: Revision, batch: &[Change]) -> Result<Revision, StoreError> {
        let is_beaten =
            self.quicker.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if is_beaten {
            let key = Key { sequence: expected.0, path: format!("things/{}", expected.0) };
            self.inner.commit(expected, &[Change::Put(key, Content::Document(Arc::default()))])?;
        }
        let committed = self.inner.commit(expected, batch);
        if matches!(committed, Err(StoreError::Conflict)) {
            self.conflicts.fetch_add(1, Ordering::SeqCst);
        }
        committed
    }
}

fn open(store: &Arc<impl Store + 'static>) -> Gateway {
    Gateway::with(store.clone(), |settings| {
        let limits = &mut settings.limits;
        (limits.routes_per_api, limits.api_keys) = (0, 0);
    })
}

/// What a snapshot holds, in a form that can be compared.
fn shown(snapshot: &Snapshot) -> Vec<String> {
    let mut stages: Vec<String> = snapshot.stages.values().map(|stage| format!("{stage:?}")).collect();
    stages.sort();
    stages.push(format!("{:?}", snapshot.account));
    stages
}

/// Two control planes write at the same time; all that both were answered must be there, once.
fn check_two_writers(store: impl Store + 'static, writes: usize) {
    let store = Crowded::new(store);
    let gateways = [open(&store), open(&store)];
    let api = gateways[0].api_with_route();
    let mock = || gateways[0].make(&format!("{api}/integrations"), json!({"integrationType": "MOCK"}), "integrationId");
    let mocks: Vec<String> = (0..MOCKS).map(|_| mock()).collect();
    let stage = gateways[0].make(&format!("{api}/stages"), json!({"stageName": "dev"}), "stageName");
    gateways[0].ok("POST", &format!("{api}/deployments"), json!({"stageName": "dev"}));
    gateways[1].control.catch_up().unwrap();
    let together = Barrier::new(2);
    thread::scope(|scope| {
        for (writer, gateway) in gateways.iter().enumerate() {
            let (api, mocks, stage, together) = (&api, &mocks, &stage, &together);
            scope.spawn(move || {
                together.wait();
                for n in 0..writes {
                    let name = format!("{writer}-{n}");
                    match n % 4 {
                        0 => gateway.ok("POST", &format!("{api}/routes"), json!({"routeKey": name})),
                        // Both change one document: a lost update would miss one of the keys.
                        1 => {
                            let key = format!("integration.request.header.h{name}");
                            gateway.ok("PATCH", &mocks[n / 4 % MOCKS], json!({"requestParameters": {key: "'1'"}}))
                        }
                        2 => gateway.ok("POST", "/apikeys", json!({"name": name})),
                        _ => gateway.ok("PATCH", stage, json!({"description": name})),
                    };
                }
            });
        }
    });
    for gateway in &gateways {
        gateway.control.catch_up().unwrap();
    }
    let [one, other] = &gateways;
    assert!(store.conflicts.load(Ordering::SeqCst) > 0, "they did not meet");
    let of_each_kind = writes / 4 * 2;
    let parameters = |mock: &String| one.ok("GET", mock, Value::Null)["requestParameters"].as_object().unwrap().len();
    assert_eq!(mocks.iter().map(parameters).sum::<usize>(), of_each_kind);
    assert_eq!(one.snapshot().account.api_keys.len(), of_each_kind);
    let (_, documents) = store.load().unwrap();
    let routes = documents.iter().filter(|(key, _)| key.path.contains("/routes/")).count();
    assert_eq!(routes, 1 + of_each_kind);
    let sequences: HashSet<u64> = documents.iter().map(|(key, _)| key.sequence).collect();
    assert_eq!(sequences.len(), documents.len(), "no two documents share a number");
    assert_eq!(shown(&one.snapshot()), shown(&other.snapshot()));
    assert_eq!(everything(one), everything(other));
    assert_eq!(everything(&open(&store)), everything(one), "what is stored is what both show");
}

#[test]
fn two_control_planes_on_one_store_lose_nothing_and_show_the_same() {
    check_two_writers(MemoryStore::default(), WRITES);
}

#[test]
fn two_control_planes_on_one_disk_lose_nothing_and_show_the_same() {
    let folder = Folder::new();
    // Each write waits for the disk.
    check_two_writers(DiskStore::open(folder.path()).unwrap(), WRITES / 4);
}

#[test]
fn what_others_write_is_taken_in_and_published_as_if_it_were_ones_own() {
    let store = Arc::new(MemoryStore::default());
    let (one, other) = (open(&store), open(&store));
    let publications = other.publications();
    other.control.catch_up().unwrap();
    assert_eq!(other.publications(), publications, "nothing happened");
    let api = one.api_with_route();
    other.control.catch_up().unwrap();
    assert_eq!(other.publications(), publications, "nothing that clients notice");
    one.make(&format!("{api}/stages"), json!({"stageName": "dev"}), "stageName");
    one.ok("POST", &format!("{api}/deployments"), json!({"stageName": "dev"}));
    other.control.catch_up().unwrap();
    assert_eq!(other.deployed_routes(&api, "dev"), ["first"]);
    // It is told of what is edited there, and no more, once a deployment by the other has made it untrue.
    let edit = |name: &str| {
        other.ok("PATCH", &format!("{api}/stages/dev"), json!({"description": name}));
        other.ok("PATCH", &api, json!({"name": name}));
        other.remarks().len()
    };
    assert_eq!((edit("a"), edit("b")), (1, 1), "once until the next deployment");
    one.control.catch_up().unwrap();
    let before = other.snapshot();
    one.ok("POST", &format!("{api}/deployments"), json!({"stageName": "dev"}));
    other.control.catch_up().unwrap();
    assert_eq!(edit("c"), 2);
    assert!(!Arc::ptr_eq(&before, &other.snapshot()));
    one.control.catch_up().unwrap();
    one.ok("DELETE", &api, Value::Null);
    other.control.catch_up().unwrap();
    assert!(other.snapshot().stages.is_empty());
    // An API of the same id is another one, and the youngest.
    let named = |gateway: &Gateway, id: &str| {
        let api = json!({"name": id, "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.a", "tags": {"_custom_id_": id}});
        gateway.ok("POST", "/v2/apis", api);
    };
    named(&one, "aaaaaaaaaa");
    named(&one, "bbbbbbbbbb");
    other.control.catch_up().unwrap();
    one.ok("DELETE", "/v2/apis/aaaaaaaaaa", Value::Null);
    named(&one, "aaaaaaaaaa");
    other.control.catch_up().unwrap();
    assert_eq!(everything(&other), everything(&one));
    let listed = other.ok("GET", "/v2/apis", Value::Null)["items"][1]["apiId"].clone();
    assert_eq!(listed, "aaaaaaaaaa");
}

#[test]
fn a_change_is_made_anew_where_others_were_quicker_and_given_up_in_a_crowd() {
    let store = Crowded::new(MemoryStore::default());
    let gateway = open(&store);
    let api = gateway.api();
    store.quicker.store(99, Ordering::SeqCst);
    gateway.ok("POST", &format!("{api}/routes"), json!({"routeKey": "kept"}));
    assert_eq!(store.conflicts.load(Ordering::SeqCst), 99);
    store.quicker.store(1000, Ordering::SeqCst);
    let text = "The change was not stored: too many others change definitions at the same time";
    let lost = json!({"routeKey": "lost"});
    gateway.check_refused("POST", &format!("{api}/routes"), lost, 429, "TooManyRequestsException", text);
    assert_eq!(store.conflicts.load(Ordering::SeqCst), 99 + 400);
    store.quicker.store(0, Ordering::SeqCst);
    let routes = gateway.ok("GET", &format!("{api}/routes"), Value::Null)["items"].clone();
    assert_eq!((routes.as_array().unwrap().len(), &routes[0]["routeKey"]), (1, &json!("kept")));
}

#[test]
fn a_plan_that_somebody_else_made_old_is_made_anew_of_what_is_there() {
    let store = Arc::new(MemoryStore::default());
    let (one, other) = (open(&store), open(&store));
    let api = one.api();
    other.control.catch_up().unwrap();
    let routes = format!("{api}/routes");
    let plan = || {
        let key = |batch: &mut control::Batch| {
            let there = batch.call(http::Method::GET, &routes, &Value::Null)?;
            let key = there["items"].as_array().unwrap().len().to_string();
            batch.call(http::Method::POST, &routes, &json!({"routeKey": key}))
        };
        other.control.plan::<_, control::Refused>(&control::Caller::program(), key).unwrap()
    };
    let old = plan();
    one.ok("POST", &routes, json!({"routeKey": "0"}));
    assert_eq!(other.control.carry_out(old).unwrap_err().status().as_u16(), 409);
    assert_eq!(other.control.carry_out(plan()).unwrap()["routeKey"], "1");
    assert_eq!(everything(&open(&store)), everything(&other));
}

#[test]
fn who_stayed_away_for_too_long_reads_everything_anew() {
    let store = Arc::new(MemoryStore::default());
    let (one, other) = (open(&store), open(&store));
    let api = one.api_with_route();
    one.make(&format!("{api}/stages"), json!({"stageName": "dev", "autoDeploy": true}), "stageName");
    let gone = one.make(&format!("{api}/models"), json!({"name": "Gone", "schema": "{}"}), "modelId");
    other.control.catch_up().unwrap();
    let kept = other.stage(&api, "dev").unwrap();
    one.ok("DELETE", &gone, Value::Null);
    one.ok("PATCH", &api, json!({"name": "renamed"}));
    let revision = store.load().unwrap().0;
    let thing = |n: u64| {
        let key = Key { sequence: revision.0 + n, path: format!("things/{n}") };
        Change::Put(key, Content::Document(Arc::default()))
    };
    store.commit(revision, &(0..5000).map(thing).collect::<Vec<_>>()).unwrap();
    assert!(matches!(store.follow(Revision(0)).unwrap(), Followed::Gap));
    for gateway in [&one, &other] {
        gateway.control.catch_up().unwrap();
    }
    assert_eq!(everything(&other), everything(&one));
    assert_eq!(shown(&other.snapshot()), shown(&one.snapshot()));
    assert_eq!(everything(&other), everything(&open(&store)));
    let now = other.stage(&api, "dev").unwrap();
    assert!(!Arc::ptr_eq(&kept, &now), "the stage was deployed anew");
    other.control.catch_up().unwrap();
    assert!(Arc::ptr_eq(&now, &other.stage(&api, "dev").unwrap()));
}
