//! Control planes on several nodes that share their definitions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cluster::{Cluster, LogStore, StoreSettings};
use control::{Caller, Control};
use http::Request;
use serde_json::{Value, json};
use types::Snapshot;
use types::arn::Home;

use super::nats::Servers;

/// A node with its control plane, as the program wires it.
struct Plane {
    control: Arc<Control>,
    _store: Arc<LogStore>,
    _cluster: Cluster,
}

async fn plane(servers: &Servers, index: usize) -> Plane {
    let cluster = servers.node(index).await;
    let store = Arc::new(LogStore::open(&cluster, StoreSettings::new()).await.unwrap());
    let home = Home { region: "eu-west-1".to_owned(), account_id: "000000000000".to_owned() };
    let settings = control::Settings::new(home, "127.0.0.1:4510".to_owned());
    let publish = Box::new(|_: Arc<Snapshot>, _: Vec<control::Remark>| ());
    let control = Arc::new(Control::open(settings, store.clone(), publish).unwrap());
    let weak = Arc::downgrade(&control);
    store.announce(move || {
        if let Some(control) = weak.upgrade() {
            control.catch_up().unwrap();
        }
    });
    Plane { control, _store: store, _cluster: cluster }
}

fn call(control: &Control, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let request = Request::builder().method(method).uri(path).body(body).unwrap();
    let answer = control.handle(&Caller::program(), request);
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
}

async fn ask(plane: &Plane, method: &'static str, path: String, body: Value) -> (u16, Value) {
    let control = plane.control.clone();
    tokio::task::spawn_blocking(move || call(&control, method, &path, &body)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_control_plane_answers_the_others_show_soon() {
    let servers = Servers::start(3).await;
    let planes = [plane(&servers, 0).await, plane(&servers, 1).await, plane(&servers, 2).await];
    let api = json!({"name": "chat", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"});
    let (status, api) = ask(&planes[0], "POST", "/v2/apis".to_owned(), api).await;
    assert_eq!(status, 201, "{api}");
    let path = format!("/v2/apis/{}", api["apiId"].as_str().unwrap());
    let mut waits = Vec::new();
    for number in 0..30 {
        let writer = &planes[number % 3];
        let begun = Instant::now();
        let (status, route) =
            ask(writer, "POST", format!("{path}/routes"), json!({"routeKey": format!("r{number}")})).await;
        assert_eq!(status, 201, "{route}");
        let path = format!("{path}/routes/{}", route["routeId"].as_str().unwrap());
        assert_eq!(ask(writer, "GET", path.clone(), Value::Null).await.0, 200, "one's own write is there at once");
        for plane in &planes {
            while ask(plane, "GET", path.clone(), Value::Null).await.0 != 200 {
                assert!(begun.elapsed() < Duration::from_secs(5), "it comes to every node");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        waits.push(begun.elapsed());
    }
    waits.sort();
    println!("stored and shown by all three: p50 {:?}, longest {:?}", waits[15], waits[29]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_quorum_a_control_plane_reads_and_answers_changes_with_503() {
    let mut servers = Servers::start(3).await;
    let plane = plane(&servers, 0).await;
    let api = json!({"name": "chat", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"});
    assert_eq!(ask(&plane, "POST", "/v2/apis".to_owned(), api.clone()).await.0, 201);
    servers.kill(1);
    servers.kill(2);
    for _ in 0..2 {
        let begun = Instant::now();
        let (status, answer) = ask(&plane, "POST", "/v2/apis".to_owned(), api.clone()).await;
        assert_eq!(status, 503, "{answer}");
        let text = answer["message"].as_str().unwrap_or_default();
        assert!(text.contains("NATS"), "{answer}");
        assert!(begun.elapsed() < Duration::from_secs(7));
        let (status, apis) = ask(&plane, "GET", "/v2/apis".to_owned(), Value::Null).await;
        assert_eq!((status, apis["items"].as_array().map(Vec::len)), (200, Some(1)), "{apis}");
    }
}
