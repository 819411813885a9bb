//! What is asked of other nodes: each id's own node, many at a time, and never this one.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gateway::{AccessLine, Command, ConnectionsAnswer, Gateway, LogSink, Peers, Push, Record, Settings};
use serde_json::{Value, json};
use types::id::IdKind;
use types::snapshot::{DeployedStage, Snapshot, StageKey};
use types::{Dialect, Id, Limits};

struct Silent;

impl LogSink for Silent {
    fn watched(&self) -> bool {
        false
    }
    fn write(&self, _: Record) {}
    fn push(&self, _: Push) {}
    fn say(&self, _: Option<&StageKey>, _: String) {}
    fn keeps_access(&self) -> bool {
        false
    }
    fn access(&self, _: AccessLine) {}
}

/// Other nodes, which take a while. Node 9 is gone.
#[derive(Default)]
struct Others {
    asked: AtomicUsize,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

#[derive(Clone)]
struct Shared(Arc<Others>);

impl Peers for Shared {
    fn ask<'a>(
        &'a self,
        node: u16,
        _: &'a StageKey,
        _: Id,
        command: Command,
    ) -> Pin<Box<dyn Future<Output = ConnectionsAnswer> + Send + 'a>> {
        Box::pin(async move {
            self.0.asked.fetch_add(1, Ordering::SeqCst);
            let now = self.0.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.0.most.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(50)).await;
            self.0.under_way.fetch_sub(1, Ordering::SeqCst);
            assert!(matches!(&command, Command::Post(data) if data == "hello"));
            match node {
                9 => ConnectionsAnswer::gone(),
                _ => ConnectionsAnswer { status: 200, ..ConnectionsAnswer::gone() },
            }
        })
    }
}

fn house() -> (Arc<Gateway>, Arc<Others>) {
    let others = Arc::new(Others::default());
    let gateway = Gateway::new(Settings {
        limits: Limits::default(),
        node: 7,
        sink: Arc::new(Silent),
        metrics_series: 10,
        peers: Box::new(Shared(others.clone())),
        dialect: Dialect { extended: true, ..Dialect::default() },
        vpc_links: Default::default(),
        integrations: integration::Integrations::new(1024, Vec::new()),
        authorizer: None,
        journal: None,
        public_authority: None,
        origins: Vec::new(),
    });
    let key = StageKey { api_id: "many123456".to_owned(), stage: "prod".to_owned() };
    let settings = serde_json::from_value(json!({ "stageName": "prod" })).unwrap();
    let api = json!({"apiId": "many123456", "name": "many", "routeSelectionExpression": "$request.body.action"});
    let definition = json!({ "api": api, "routes": [], "integrations": [] });
    let definition = Arc::new(serde_json::from_value(definition).unwrap());
    let stage = DeployedStage { key: key.clone(), settings, definition };
    gateway.publish(&Snapshot { stages: HashMap::from([(key, Arc::new(stage))]), ..Snapshot::default() });
    (gateway, others)
}

async fn post(gateway: &Gateway, ids: &[String]) -> Vec<(String, u64)> {
    let address = gateway.address("127.0.0.1", "/_aws/execute-api/many123456/prod/@connections").unwrap();
    let body = json!({ "connectionIds": ids, "data": "hello" }).to_string();
    let answer = gateway.connections("POST", &address, "", body.into()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let results = body["results"].as_array().unwrap().iter();
    results
        .map(|result| (result["connectionId"].as_str().unwrap().to_owned(), result["status"].as_u64().unwrap()))
        .collect()
}

fn id(node: u16, random: u64) -> String {
    Id::new(IdKind::Connection, node, random).to_string()
}

#[tokio::test(start_paused = true)]
async fn a_text_for_many_goes_to_other_nodes_at_the_same_time_and_is_answered_in_order() {
    let (gateway, others) = house();
    let mut expected = Vec::new();
    for random in 0..300 {
        expected.push((id(8, random), 200));
        expected.push((id(9, random), 410));
        expected.push((id(7, random), 410));
    }
    expected.push(("nonsense".to_owned(), 400));
    let ids: Vec<String> = expected.iter().map(|(id, _)| id.clone()).collect();
    let begun = tokio::time::Instant::now();
    assert_eq!(post(&gateway, &ids).await, expected);
    assert_eq!(others.asked.load(Ordering::SeqCst), 600, "its own clients it finds by itself");
    assert!(others.most.load(Ordering::SeqCst) <= 128);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}, and not half a minute", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_node_with_another_number_asks_for_ids_of_its_old_one() {
    let (gateway, others) = house();
    post(&gateway, &[id(7, 1), id(12, 1)]).await;
    assert_eq!((gateway.node(), others.asked.load(Ordering::SeqCst)), (7, 1));
    gateway.renumber(12);
    post(&gateway, &[id(7, 1), id(12, 1)]).await;
    assert_eq!((gateway.node(), others.asked.load(Ordering::SeqCst)), (12, 2));
}
