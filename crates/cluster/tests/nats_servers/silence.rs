//! NATS is there and says nothing: its servers are stopped, or a wire is cut, without any connection being closed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cluster::{LogStore, Standing, StoreSettings};
use control::store::{Change, Content, Key, Store, StoreError};
use gateway::{Command, Peers};
use rustix::process::Signal;
use types::Id;
use types::id::IdKind;
use types::snapshot::StageKey;

use super::nats::Servers;

const SOON: Duration = Duration::from_secs(30);

async fn commit(store: &Arc<LogStore>, path: &str) -> (Result<(), StoreError>, Duration) {
    let (store, path) = (store.clone(), path.to_owned());
    let begun = Instant::now();
    let task = tokio::task::spawn_blocking(move || {
        let revision = store.revision();
        let key = Key { sequence: revision.0, path };
        store.commit(revision, &[Change::Put(key, Content::Document(Arc::default()))]).map(drop)
    });
    (task.await.unwrap(), begun.elapsed())
}

fn paths(store: &LogStore) -> Vec<String> {
    store.load().unwrap().1.into_iter().map(|(key, _)| key.path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_nats_stops_the_node_in_time_and_everything_goes_on_when_it_speaks_again() {
    let servers = Servers::start(1).await;
    let node = servers.node(0).await;
    let store = Arc::new(LogStore::open(&node, StoreSettings::new()).await.unwrap());
    let mut standing = node.join();
    let is_held = |standing: &Standing| matches!(standing, Standing::Held(_));
    tokio::time::timeout(SOON, standing.wait_for(is_held)).await.unwrap().unwrap();
    commit(&store, "apis/before").await.0.unwrap();
    servers.signal(0, Signal::STOP);
    let begun = Instant::now();
    let lost = standing.wait_for(|standing| *standing == Standing::Lost);
    tokio::time::timeout(SOON, lost).await.expect("it stops").unwrap();
    assert!(begun.elapsed() < node.lease(), "{:?}", begun.elapsed());
    let (refused, took) = commit(&store, "apis/during").await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. } | StoreError::Doubtful(_))), "{refused:?}");
    assert!(took < Duration::from_secs(7), "{took:?}");
    assert_eq!(paths(&store), ["apis/before"], "reads go on");
    let stage = StageKey { api_id: "a".to_owned(), stage: "s".to_owned() };
    let peers = node.peers();
    let begun = Instant::now();
    let answer = peers.ask(9, &stage, Id::new(IdKind::Connection, 9, 1), Command::Get).await;
    assert_eq!(answer.status, 503, "without a number it asks nobody");
    assert!(begun.elapsed() < Duration::from_secs(6));
    servers.signal(0, Signal::CONT);
    tokio::time::timeout(SOON, standing.wait_for(is_held)).await.expect("it has a number again").unwrap();
    let begun = Instant::now();
    while let (Err(error), _) = commit(&store, "apis/after").await {
        assert!(begun.elapsed() < SOON, "{error}");
    }
    // Of the one in between nobody knew; it is there once or not at all.
    let mut there = paths(&store);
    there.retain(|path| path != "apis/during");
    assert_eq!(there, ["apis/before", "apis/after"]);
    assert!(paths(&store).len() <= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_falls_silent_is_replaced_and_no_change_is_lost_or_doubled() {
    let servers = Servers::start(3).await;
    let mut stores = Vec::new();
    let mut nodes = Vec::new();
    for index in 0..3 {
        let node = servers.node(index).await;
        stores.push(Arc::new(LogStore::open(&node, StoreSettings::new()).await.unwrap()));
        nodes.push(node);
    }
    let leader = servers.leader("test-log").await;
    let other = (leader + 1) % 3;
    for number in 0..20 {
        commit(&stores[other], &format!("apis/before{number}")).await.0.unwrap();
    }
    servers.signal(leader, Signal::STOP);
    let begun = Instant::now();
    let mut doubts = Vec::new();
    loop {
        let path = format!("apis/try{}", doubts.len());
        let (committed, took) = commit(&stores[other], &path).await;
        assert!(took < Duration::from_secs(8), "{took:?}");
        match committed {
            Ok(()) => break,
            Err(StoreError::Unavailable { .. } | StoreError::Doubtful(_)) => doubts.push(path),
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error}"),
        }
        assert!(begun.elapsed() < SOON * 2, "another leads");
    }
    println!(
        "a change was stored {:?} after the leader fell silent; {} were refused before",
        begun.elapsed(),
        doubts.len()
    );
    servers.signal(leader, Signal::CONT);
    let begun = Instant::now();
    // The node of the silent server has all of it in the end, too.
    while stores.iter().any(|store| store.revision() != stores[other].revision()) {
        assert!(begun.elapsed() < SOON, "all nodes have the same");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let there = paths(&stores[other]);
    let mut once = there.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), there.len(), "nothing is there twice: {there:?}");
    assert!(stores.iter().all(|store| paths(store) == there));
    assert_eq!(there.iter().filter(|path| path.starts_with("apis/before")).count(), 20);
}

/// A server whose machine lost its power closes no connection, so the others find out by waiting.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_leader_costs_nobody_its_number() {
    let servers = Servers::start(3).await;
    let settings = cluster::Settings { lease: Duration::from_secs(15), ..servers.settings(0) };
    drop(servers.node_with(settings.clone()).await);
    let leader = servers.leader("KV_test-nodes").await;
    let mut addresses = servers.addresses();
    addresses.remove(leader);
    let node = servers.node_with(cluster::Settings { servers: addresses, ..settings }).await;
    let mut standing = node.join();
    let is_held = |standing: &Standing| matches!(standing, Standing::Held(_));
    tokio::time::timeout(SOON, standing.wait_for(is_held)).await.unwrap().unwrap();
    standing.borrow_and_update();
    let held = node.tenure().current();
    // At the worst moment: just before it renews.
    tokio::time::sleep(Duration::from_millis(2_700)).await;
    servers.signal(leader, Signal::STOP);
    tokio::time::sleep(Duration::from_secs(16)).await;
    assert_eq!(node.tenure().current(), held);
    assert!(!standing.has_changed().unwrap(), "it was never lost");
}
