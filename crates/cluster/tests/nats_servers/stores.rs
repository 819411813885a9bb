//! The definitions on real servers: many writers, a leader that dies, no quorum, snapshots, copies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cluster::{Cluster, LogStore, StoreSettings};
use control::store::{Change, Content, Document, Followed, Key, Revision, Store, StoreError};
use serde_json::json;

use super::nats::Servers;

const SOON: Duration = Duration::from_secs(20);

fn document(text: &str) -> Content {
    Content::Document(Arc::new(Document::from_iter([("name".to_owned(), json!(text))])))
}

fn put(sequence: u64, path: &str, text: &str) -> Change {
    Change::Put(Key { sequence, path: path.to_owned() }, document(text))
}

fn contents(store: &dyn Store) -> BTreeMap<String, String> {
    let (_, documents) = store.load().unwrap();
    documents.into_iter().map(|(key, document)| (key.path, document["name"].as_str().unwrap().to_owned())).collect()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < SOON, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

struct Nodes {
    clusters: Vec<Cluster>,
    stores: Vec<Arc<LogStore>>,
}

async fn nodes(servers: &Servers, count: usize, settings: StoreSettings) -> Nodes {
    let mut nodes = Nodes { clusters: Vec::new(), stores: Vec::new() };
    for index in 0..count {
        let cluster = servers.node(index).await;
        nodes.stores.push(Arc::new(LogStore::open(&cluster, settings.clone()).await.unwrap()));
        nodes.clusters.push(cluster);
    }
    nodes
}

/// What writers were told of their batches.
#[derive(Default)]
struct History {
    /// From and to of those that were stored.
    stored: Vec<(u64, u64)>,
    done: Vec<String>,
    refused: Vec<String>,
    in_doubt: Vec<String>,
    conflicts: usize,
}

/// Reads a counter and two lists, and writes them anew in one batch, as often as it is asked to.
fn writer(store: &LogStore, name: &str, batches: usize, ends: &AtomicBool, history: &Mutex<History>) {
    for batch in 0..batches {
        let unique = format!("{name}-{batch}");
        loop {
            if ends.load(Ordering::Relaxed) {
                return;
            }
            let (revision, documents) = store.load().unwrap();
            let counter = documents.iter().find(|(key, _)| key.path == "apis/counter");
            let count: u64 = counter.map_or(0, |(_, document)| document["name"].as_str().unwrap().parse().unwrap());
            let changes = [
                put(0, "apis/counter", &(count + 1).to_string()),
                put(revision.0 + 1, &format!("apis/left-{unique}"), &count.to_string()),
                put(revision.0 + 2, &format!("apis/right-{unique}"), &count.to_string()),
            ];
            let committed = store.commit(revision, &changes);
            let mut history = history.lock().unwrap();
            match committed {
                Ok(to) => {
                    let own = contents(store);
                    assert!(own.contains_key(&format!("apis/left-{unique}")), "one's own write is there at once");
                    history.stored.push((revision.0, to.0));
                    history.done.push(unique.clone());
                    break;
                }
                Err(StoreError::Conflict) => history.conflicts += 1,
                Err(StoreError::Unavailable { .. }) => {
                    history.refused.push(unique.clone());
                    break;
                }
                Err(StoreError::Doubtful(_)) => {
                    history.in_doubt.push(unique.clone());
                    break;
                }
                Err(error) => panic!("{error}"),
            }
            drop(history);
            // As the control plane does after a conflict.
            assert!(matches!(store.follow(revision), Ok(Followed::Changes(now, _)) if now > revision));
        }
    }
}

/// Whether what is there is what the writers were told, and the same on every node.
async fn check(nodes: &Nodes, history: &History) {
    let applied = || nodes.stores.iter().map(|store| store.applied()).collect::<BTreeSet<_>>().len();
    until("all nodes have the same", || applied() == 1).await;
    let all: Vec<_> = nodes.stores.iter().map(|store| contents(&**store)).collect();
    assert!(all.iter().all(|other| *other == all[0]), "all nodes have the same documents");
    let revisions: BTreeSet<_> = nodes.stores.iter().map(|store| store.revision()).collect();
    assert_eq!(revisions.len(), 1);
    let there = &all[0];
    let has = |side: &str, unique: &String| there.contains_key(&format!("apis/{side}-{unique}"));
    for unique in &history.done {
        assert!(has("left", unique) && has("right", unique), "{unique} was stored and is lost");
    }
    for unique in &history.refused {
        assert!(!has("left", unique) && !has("right", unique), "{unique} was refused and is there");
    }
    for unique in &history.in_doubt {
        assert_eq!(has("left", unique), has("right", unique), "{unique} is half there");
    }
    // Each batch was made on what the one before it led to: no two on the same.
    let from: BTreeSet<_> = history.stored.iter().map(|(from, _)| from).collect();
    assert_eq!(from.len(), history.stored.len(), "two batches were stored on one revision");
    let counted: u64 = there["apis/counter"].parse().unwrap();
    let batches = there.keys().filter(|path| path.starts_with("apis/left-")).count();
    assert_eq!(counted as usize, batches, "an update was lost");
    // And each found another count, so the chain has no branch.
    let found: BTreeSet<_> =
        there.iter().filter(|(path, _)| path.starts_with("apis/left-")).map(|(_, count)| count).collect();
    assert_eq!(found.len(), batches);
}

fn write_all(nodes: &Nodes, writers: usize, batches: usize, meanwhile: impl FnOnce()) -> History {
    let (history, ends) = (Mutex::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for index in 0..writers {
            let store = &nodes.stores[index % nodes.stores.len()];
            let (history, ends) = (&history, &ends);
            scope.spawn(move || writer(store, &format!("w{index}"), batches, ends, history));
        }
        meanwhile();
    });
    history.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_writers_on_three_nodes_lose_nothing() {
    let servers = Servers::start(3).await;
    let nodes = nodes(&servers, 3, StoreSettings::new()).await;
    let begun = Instant::now();
    let history = tokio::task::block_in_place(|| write_all(&nodes, 16, 12, || ()));
    println!("{} batches, {} conflicts, {:?}", history.stored.len(), history.conflicts, begun.elapsed());
    assert_eq!(history.stored.len(), 16 * 12);
    check(&nodes, &history).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leaders_death_loses_nothing_that_was_answered() {
    let mut servers = Servers::start(3).await;
    let nodes = nodes(&servers, 3, StoreSettings::new()).await;
    let leader = servers.leader("test-log").await;
    let history = tokio::task::block_in_place(|| {
        write_all(&nodes, 16, 40, || {
            std::thread::sleep(Duration::from_millis(400));
            servers.kill(leader);
        })
    });
    let told = [history.done.len(), history.refused.len(), history.in_doubt.len()];
    println!("stored, refused, in doubt: {told:?}; {} conflicts", history.conflicts);
    assert!(history.done.len() > 100, "{told:?}");
    assert!(history.stored.iter().max() > history.stored.get(history.stored.len() / 2), "it went on");
    check(&nodes, &history).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_quorum_changes_are_refused_with_a_word_and_reads_go_on() {
    let mut servers = Servers::start(3).await;
    let nodes = nodes(&servers, 1, StoreSettings::new()).await;
    let store = nodes.stores[0].clone();
    let commit = async |path: &'static str| {
        let store = store.clone();
        let begun = Instant::now();
        let task = tokio::task::spawn_blocking(move || {
            let revision = store.revision();
            store.commit(revision, &[put(revision.0, path, "x")])
        });
        (task.await.unwrap(), begun.elapsed())
    };
    commit("apis/before").await.0.unwrap();
    // The node's own server stays.
    servers.kill(1);
    servers.kill(2);
    let (first, took) = commit("apis/during").await;
    assert!(took < Duration::from_secs(7), "{took:?}");
    let text = match first {
        Err(StoreError::Unavailable { .. } | StoreError::Doubtful(_)) => first.unwrap_err().to_string(),
        other => panic!("{other:?}"),
    };
    assert!(text.starts_with("the definitions of the cluster, which NATS keeps: "), "{text}");
    assert_eq!(contents(&*store).len(), 1, "reads go on");
    assert!(matches!(store.follow(Revision(0)), Ok(Followed::Changes(..))));
    // Of the next it is known that it is not stored.
    let (second, took) = commit("apis/refused").await;
    assert!(matches!(second, Err(StoreError::Unavailable { .. })), "{second:?}");
    assert!(took < Duration::from_secs(7), "{took:?}");
    servers.restart(1);
    servers.restart(2);
    let begun = Instant::now();
    loop {
        match commit("apis/after").await.0 {
            Ok(_) => break,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(40), "{error}"),
        }
    }
    let there = contents(&*store);
    assert!(
        there.contains_key("apis/before") && there.contains_key("apis/after") && !there.contains_key("apis/refused")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_larger_than_a_message_is_there_whole_on_every_node_and_announced_once() {
    let servers = Servers::start(3).await;
    let first = nodes(&servers, 1, StoreSettings::new()).await;
    let announced = Arc::new(AtomicUsize::new(0));
    let counter = announced.clone();
    let other = nodes(&servers, 1, StoreSettings::new()).await;
    other.stores[0].announce(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let text = "x".repeat(1000);
    let changes: Vec<Change> = (0..4000).map(|index| put(index, &format!("apis/{index}"), &text)).collect();
    let begun = Instant::now();
    let store = first.stores[0].clone();
    let revision = tokio::task::spawn_blocking(move || store.commit(Revision(0), &changes)).await.unwrap().unwrap();
    let stored = begun.elapsed();
    until("the other node has it", || other.stores[0].revision() == revision).await;
    println!("4 MB stored in {stored:?}, on the other node after {:?}", begun.elapsed());
    assert_eq!(other.stores[0].applied(), 4, "four messages");
    assert_eq!(contents(&*other.stores[0]).len(), 4000);
    until("it is announced", || announced.load(Ordering::SeqCst) > 0).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(announced.load(Ordering::SeqCst), 1);
    let store = other.stores[0].clone();
    tokio::task::spawn_blocking(move || store.commit(revision, &[put(revision.0, "apis/small", "y")]))
        .await
        .unwrap()
        .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(announced.load(Ordering::SeqCst), 1, "one's own is not");
    until("the first has it", || contents(&*first.stores[0]).contains_key("apis/small")).await;
}

/// A scratch folder.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_node_begins_with_the_snapshot_and_one_that_starts_again_with_its_copy() {
    let servers = Servers::start(1).await;
    let folder = Folder(std::env::temp_dir().join(format!("gatewright-copy-{}", std::process::id())));
    let with_copy = StoreSettings { folder: Some(folder.0.clone()), snapshot_every: 300, ..StoreSettings::new() };
    let all = nodes(&servers, 1, with_copy.clone()).await;
    let (store, cluster) = (all.stores[0].clone(), &all.clusters[0]);
    let write = async |store: &Arc<LogStore>, count: u64| {
        let store = store.clone();
        let write = move || {
            for _ in 0..count {
                let revision = store.revision();
                store
                    .commit(
                        revision,
                        &[
                            put(revision.0, &format!("apis/{}", revision.0 % 40), "x"),
                            Change::Delete(Key {
                                sequence: revision.0 - revision.0.min(40),
                                path: format!("apis/{}", revision.0 % 40),
                            }),
                        ],
                    )
                    .unwrap();
            }
        };
        tokio::task::spawn_blocking(write).await.unwrap();
    };
    write(&store, 700).await;
    let client = async_nats::connect(servers.addresses()).await.unwrap();
    let context = async_nats::jetstream::new(client);
    let first = async || context.get_stream("test-log").await.unwrap().cached_info().state.first_sequence;
    let begun = Instant::now();
    while first().await < 101 {
        assert!(begun.elapsed() < SOON, "the log is cut");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let new = LogStore::open(cluster, StoreSettings::new()).await.unwrap();
    assert_eq!((new.revision(), new.applied()), (store.revision(), 700));
    assert_eq!(contents(&new), contents(&*store));
    // The copy is written a second behind.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    drop(all.stores);
    drop(store);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let again = LogStore::open(cluster, with_copy.clone()).await.unwrap();
    assert_eq!((again.revision(), contents(&again)), (new.revision(), contents(&new)));
    drop(again);
    // What it missed meanwhile it gets from the cluster; also when the log was cut behind it.
    let new =
        Arc::new(LogStore::open(cluster, StoreSettings { snapshot_every: 300, ..StoreSettings::new() }).await.unwrap());
    tokio::time::sleep(Duration::from_millis(300)).await;
    write(&new, 900).await;
    let begun = Instant::now();
    while first().await < 702 {
        assert!(begun.elapsed() < SOON, "the log is cut again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let again = LogStore::open(cluster, with_copy).await.unwrap();
    assert_eq!((again.revision(), contents(&again)), (new.revision(), contents(&*new)));
}

/// What a new node takes: as many definitions as 100 APIs of 300 routes have, each with its integration.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_node_has_sixty_thousand_documents_in_seconds() {
    let servers = Servers::start(1).await;
    let all = nodes(&servers, 1, StoreSettings { snapshot_every: 1, ..StoreSettings::new() }).await;
    let store = all.stores[0].clone();
    let text = "x".repeat(250);
    let changes: Vec<Change> = (0..60_000).map(|index| put(index, &format!("apis/a/routes/{index}"), &text)).collect();
    let begun = Instant::now();
    tokio::task::spawn_blocking(move || store.commit(Revision(0), &changes)).await.unwrap().unwrap();
    println!("stored at once in {:?}", begun.elapsed());
    let client = async_nats::connect(servers.addresses()).await.unwrap();
    let context = async_nats::jetstream::new(client);
    let begun = Instant::now();
    while context.get_stream("test-snapshots").await.unwrap().cached_info().state.messages < 10 {
        assert!(begun.elapsed() < SOON, "a snapshot is made");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let begun = Instant::now();
    let new = LogStore::open(&all.clusters[0], StoreSettings::new()).await.unwrap();
    println!("a new node has them after {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(new.revision(), all.stores[0].revision());
}
