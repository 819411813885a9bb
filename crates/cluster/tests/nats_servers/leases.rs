//! Node numbers on real servers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cluster::{Cluster, Held, Login, Standing, Tell};
use tokio::sync::watch;

use super::nats::Servers;

const SOON: Duration = Duration::from_secs(15);

async fn held(standing: &mut watch::Receiver<Standing>) -> Held {
    let found = tokio::time::timeout(SOON, standing.wait_for(|standing| matches!(standing, Standing::Held(_)))).await;
    match *found.expect("a number in time").unwrap() {
        Standing::Held(held) => held,
        Standing::Lost => unreachable!("waited for"),
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < SOON, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn numbers(cluster: &Cluster) -> Vec<u16> {
    cluster.members().all().iter().map(|member| member.number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_taken_renewed_given_back_and_seen_by_all() {
    let servers = Servers::start(3).await;
    let (a, b) = (servers.node(0).await, servers.node(1).await);
    let first = held(&mut a.join()).await;
    assert_eq!(first.number, 1);
    let second = held(&mut b.join()).await;
    assert_eq!(second.number, 2);
    assert!(second.token > first.token);
    until("both know both", || [&a, &b].iter().all(|node| numbers(node) == [1, 2])).await;
    a.report().connections.store(17, std::sync::atomic::Ordering::Relaxed);
    // Longer than the lease: without renewal it would have ended.
    tokio::time::sleep(a.lease() + Duration::from_secs(1)).await;
    assert_eq!((a.tenure().current(), b.tenure().current()), (Some(first), Some(second)));
    let member = b.members().get(1).expect("a is there");
    assert_eq!((member.token, member.connections, member.address.as_str()), (first.token, 17, "127.0.0.1"));
    a.leave().await;
    assert_eq!(a.tenure().current(), None);
    let begun = Instant::now();
    until("b knows that a left", || numbers(&b) == [2]).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "at once, not with the lease: {:?}", begun.elapsed());
    assert!(!b.members().admits(1, first.token), "what a says now is no longer believed");
    let c = servers.node(2).await;
    let third = held(&mut c.join()).await;
    assert_eq!(third.number, 1, "the lowest that is free");
    assert!(third.token > second.token);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_a_node_that_vanished_comes_free_with_its_lease() {
    let servers = Servers::start(1).await;
    let (a, b) = (servers.node(0).await, servers.node(0).await);
    let first = held(&mut a.join()).await;
    held(&mut b.join()).await;
    until("b knows a", || numbers(&b) == [1, 2]).await;
    let begun = Instant::now();
    drop(a);
    until("b hears that a's lease ended", || numbers(&b) == [2]).await;
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert!(!b.members().admits(1, first.token));
}

/// A process that is stopped for longer than its lease: the whole of its runtime stands still.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_paused_holds_nothing_when_it_goes_on_and_another_has_its_number() {
    let servers = Servers::start(1).await;
    let paused = Arc::new(servers.node(0).await);
    let lease = paused.lease();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let settings = servers.settings(0);
    // Its node lives on a runtime of its own, of which the only thread sleeps.
    let thread = std::thread::spawn(move || {
        runtime.block_on(async {
            let node = cluster::connect(settings).await.unwrap();
            let mut standing = node.join();
            let before = held(&mut standing).await;
            standing.borrow_and_update();
            std::thread::sleep(lease * 2);
            // Nothing has run yet that could have told it.
            let at_once = node.tenure().current();
            let told = *standing.borrow();
            standing.changed().await.unwrap();
            let then = *standing.borrow_and_update();
            let after = held(&mut standing).await;
            (before, at_once, told, then, after)
        })
    });
    until("the node that will be paused has number 1", || numbers(&paused) == [1]).await;
    until("its lease ends", || numbers(&paused).is_empty()).await;
    let taken = held(&mut paused.join()).await;
    let (before, at_once, told, then, after) = thread.join().unwrap();
    assert_eq!((before.number, taken.number), (1, 1));
    assert!(taken.token > before.token);
    assert_eq!(told, Standing::Held(before), "it had not been told");
    assert_eq!(at_once, None, "and yet held nothing");
    assert_eq!(then, Standing::Lost);
    assert_eq!(after.number, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_reach_nats_stops_before_its_lease_ends_and_goes_on_later() {
    let mut servers = Servers::start(1).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let words = told.clone();
    let tell = Tell(Arc::new(move |text| words.lock().unwrap().push(text)));
    let node = servers.node_with(cluster::Settings { tell, ..servers.settings(0) }).await;
    let mut standing = node.join();
    let first = held(&mut standing).await;
    servers.kill(0);
    let begun = Instant::now();
    let lost = standing.wait_for(|standing| *standing == Standing::Lost);
    tokio::time::timeout(SOON, lost).await.expect("it stops").unwrap();
    assert!(begun.elapsed() < node.lease(), "{:?}", begun.elapsed());
    assert_eq!(node.tenure().current(), None);
    servers.restart(0);
    let second = held(&mut standing).await;
    assert!(second.token > first.token);
    let own = || node.members().get(second.number).is_some_and(|member| member.token == second.token);
    until("it hears of the others again", own).await;
    let told = told.lock().unwrap().clone();
    let lost = told.iter().position(|text| text == "the connection to NATS is lost; it is tried again");
    let again = told.iter().rposition(|text| text == "connected to NATS");
    assert!(lost.is_some() && lost < again, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leaders_death_costs_nobody_its_number() {
    let mut servers = Servers::start(3).await;
    let mut settings = servers.settings(0);
    settings.lease = Duration::from_secs(15);
    let node = servers.node_with(settings).await;
    let mut standing = node.join();
    let first = held(&mut standing).await;
    standing.borrow_and_update();
    let leader = servers.leader("KV_test-nodes").await;
    servers.kill(leader);
    tokio::time::sleep(Duration::from_secs(16)).await;
    assert_eq!(node.tenure().current(), Some(first));
    assert!(!standing.has_changed().unwrap(), "it was never lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_nats_is_said_in_a_sentence() {
    let servers = Servers::with(1, "authorization { user: gw, password: right }").await;
    let mut settings = servers.settings(0);
    let login = |password: &str| Login::Password { user: "gw".to_owned(), password: password.to_owned() };
    settings.login = login("right");
    let begun = Instant::now();
    while let Err(error) = cluster::connect(settings.clone()).await {
        assert!(begun.elapsed() < SOON, "{error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let told = |settings| async { cluster::connect(settings).await.err().expect("it fails").to_string() };
    settings.login = login("wrong");
    let text = told(settings.clone()).await;
    assert!(text.contains("no NATS server answers at nats://127.0.0.1:") && text.contains("authorization"), "{text}");
    settings.login = Login::CredentialsFile("no-such.creds".into());
    assert_eq!(told(settings.clone()).await, "no-such.creds: no such file");
    settings.servers = vec!["nats://127.0.0.1:1".to_owned()];
    settings.login = Login::Nobody;
    let text = told(settings).await;
    assert!(text.starts_with("no NATS server answers at nats://127.0.0.1:1: "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_jetstream_is_refused() {
    let program = std::env::var_os("GATEWRIGHT_NATS_SERVER").expect("GATEWRIGHT_NATS_SERVER names nats-server");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = std::process::Command::new(program)
        .args(["-a", "127.0.0.1", "-p", &port.to_string()])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let settings = cluster::Settings::new(vec![format!("nats://127.0.0.1:{port}")], "gw");
    let begun = Instant::now();
    let text = loop {
        let text = cluster::connect(settings.clone()).await.err().expect("it fails").to_string();
        if text.contains("JetStream") || begun.elapsed() > SOON {
            break text;
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(text.contains("has no JetStream, which keeps the definitions; start it with `-js`"), "{text}");
}
