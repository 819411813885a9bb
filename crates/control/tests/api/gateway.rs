//! The one way in which these tests talk to a control plane.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use control::store::{MemoryStore, Store};
use control::{Caller, Control, Remark, Settings};
use http::{Method, Request, Response};
use serde_json::{Value, json};
use types::arn::Home;
use types::snapshot::DeployedStage;
use types::{Snapshot, StageKey};

/// What was published, newest last.
type Published = Arc<Mutex<Vec<(Arc<Snapshot>, Vec<Remark>)>>>;

/// A control plane and what it published.
pub(crate) struct Gateway {
    pub(crate) control: Control,
    published: Published,
}

impl Gateway {
    pub(crate) fn new() -> Gateway {
        Gateway::open(Arc::new(MemoryStore::default()))
    }

    pub(crate) fn open(store: Arc<dyn Store>) -> Gateway {
        Gateway::with(store, |_| ())
    }

    /// With settings of its own.
    pub(crate) fn with(store: Arc<dyn Store>, change: impl FnOnce(&mut Settings)) -> Gateway {
        let place = Home { region: "us-east-1".into(), account_id: "000000000000".into() };
        let mut settings = Settings::new(place, "localhost:4510".into());
        change(&mut settings);
        let published = Published::default();
        let sink = published.clone();
        let publish = Box::new(move |snapshot, remarks| sink.lock().unwrap().push((snapshot, remarks)));
        Gateway { control: Control::open(settings, store, publish).unwrap(), published }
    }

    /// Sends a request as it stands.
    pub(crate) fn send(&self, method: Method, path: &str, body: &str) -> Response<Bytes> {
        let request = Request::builder().method(method).uri(path).body(Bytes::from(body.to_owned())).unwrap();
        self.control.handle(&Caller::of(&request, None), request)
    }

    /// Sends JSON (null: no body) and gives status and JSON (null: no body).
    pub(crate) fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let response = self.send(method.parse().unwrap(), path, &text);
        let answer = match response.body() {
            body if body.is_empty() => Value::Null,
            body => serde_json::from_slice(body).unwrap(),
        };
        (response.status().as_u16(), answer)
    }

    /// A call that must succeed; gives the answer.
    #[track_caller]
    pub(crate) fn ok(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// A call whose status and answer must be these.
    #[track_caller]
    pub(crate) fn check(&self, method: &str, path: &str, body: Value, status: u16, answer: Value) {
        assert_eq!(self.call(method, path, body), (status, answer), "{method} {path}");
    }

    /// A call that must be refused with this status, error name and message.
    #[track_caller]
    pub(crate) fn check_refused(&self, method: &str, path: &str, body: Value, status: u16, name: &str, message: &str) {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let response = self.send(method.parse().unwrap(), path, &text);
        let given = response.headers().get("x-amzn-errortype").map_or("", |name| name.to_str().unwrap());
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let is = (response.status().as_u16(), given, answer);
        assert_eq!(is, (status, name, json!({"message": message})), "{method} {path} {body}");
    }

    /// Creates an API and gives its path, `/v2/apis/{id}`.
    #[track_caller]
    pub(crate) fn api(&self) -> String {
        let body = json!({"name": "n", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.a"});
        path("/v2/apis", &self.ok("POST", "/v2/apis", body), "apiId")
    }

    /// Creates something and gives its path.
    #[track_caller]
    pub(crate) fn make(&self, collection: &str, body: Value, id_member: &str) -> String {
        path(collection, &self.ok("POST", collection, body), id_member)
    }

    /// Creates an API with one route and gives its path.
    #[track_caller]
    pub(crate) fn api_with_route(&self) -> String {
        let api = self.api();
        self.make(&format!("{api}/routes"), json!({"routeKey": "first"}), "routeId");
        api
    }

    /// The newest snapshot.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.published.lock().unwrap().last().unwrap().0.clone()
    }

    /// How often something was published.
    pub(crate) fn publications(&self) -> usize {
        self.published.lock().unwrap().len()
    }

    /// The texts of all remarks so far.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let published = self.published.lock().unwrap();
        published.iter().flat_map(|(_, remarks)| remarks.iter().map(|remark| remark.text.clone())).collect()
    }

    /// A stage of the newest snapshot.
    pub(crate) fn stage(&self, api: &str, stage: &str) -> Option<Arc<DeployedStage>> {
        let key = StageKey { api_id: id(api).to_owned(), stage: stage.to_owned() };
        self.snapshot().stages.get(&key).cloned()
    }

    /// The keys of the routes that are deployed on a stage.
    #[track_caller]
    pub(crate) fn deployed_routes(&self, api: &str, stage: &str) -> Vec<String> {
        let stage = self.stage(api, stage).expect("the stage is deployed");
        stage.definition.routes.iter().map(|route| route.route.route_key.clone()).collect()
    }
}

/// The last segment of a path.
pub(crate) fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

#[track_caller]
fn path(collection: &str, answer: &Value, id_member: &str) -> String {
    format!("{collection}/{}", answer[id_member].as_str().unwrap_or_else(|| panic!("no {id_member}: {answer}")))
}

/// `answer` without the members whose values differ from run to run.
pub(crate) fn without(mut answer: Value, members: &[&str]) -> Value {
    for member in members {
        let gone = answer.as_object_mut().and_then(|answer| answer.shift_remove(*member));
        assert!(gone.is_some(), "no {member}: {answer}");
    }
    answer
}
