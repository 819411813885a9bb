//! Commands on other nodes' connections, over real servers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cluster::{Cluster, Held, Serves, Standing};
use futures_util::future::join_all;
use gateway::{Command, ConnectionsAnswer, Peers};
use types::Id;
use types::id::IdKind;
use types::snapshot::StageKey;

use super::nats::Servers;

/// A gateway of a test: answers with what it was asked, after as long as it is told.
#[derive(Default)]
struct Echo {
    pause: Duration,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl Serves for Echo {
    fn carry_out<'a>(
        &'a self,
        stage: StageKey,
        connection_id: Id,
        command: Command,
    ) -> Pin<Box<dyn Future<Output = ConnectionsAnswer> + Send + 'a>> {
        Box::pin(async move {
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(self.pause).await;
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            let body = format!("{stage} {connection_id} {command:?}");
            ConnectionsAnswer { status: 200, error_type: None, body, retry_after: None }
        })
    }
}

fn stage() -> StageKey {
    StageKey { api_id: "a1b2c3".to_owned(), stage: "dev".to_owned() }
}

async fn join(cluster: &Cluster) -> Held {
    let mut standing = cluster.join();
    let held = standing.wait_for(|standing| matches!(standing, Standing::Held(_))).await.unwrap();
    match *held {
        Standing::Held(held) => held,
        Standing::Lost => unreachable!("waited for"),
    }
}

/// Two nodes that know each other; the second serves.
async fn two(servers: &Servers, echo: Arc<Echo>) -> (Cluster, Cluster, u16) {
    let (a, b) = (servers.node(0).await, servers.node(1).await);
    join(&a).await;
    let number = join(&b).await.number;
    b.serve(echo);
    let peers = a.peers();
    let begun = Instant::now();
    // It listens a moment after it has its number.
    while peers.ask(number, &stage(), Id::new(IdKind::Connection, number, 0), Command::Get).await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the other node answers");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (a, b, number)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_reaches_the_node_of_the_connection_and_its_answer_comes_back() {
    let servers = Servers::start(3).await;
    let (a, _b, number) = two(&servers, Arc::default()).await;
    let peers = a.peers();
    let id = Id::new(IdKind::Connection, number, 7);
    for command in [
        Command::Post("hello".into()),
        Command::Get,
        Command::Delete { code: 4000, reason: "enough".to_owned() },
        Command::Post("x".repeat(200_000).into()),
    ] {
        let answer = peers.ask(number, &stage(), id, command.clone()).await;
        assert_eq!(
            (answer.status, answer.body),
            (200, format!("a1b2c3/dev {id} {command:?}").replace("a1b2c3/dev", &stage().to_string()))
        );
    }
    let too_large = peers.ask(number, &stage(), id, Command::Post(vec![b'x'; 2_000_000].into())).await;
    assert_eq!(too_large.status, 413);
    let mut times = Vec::new();
    for _ in 0..300 {
        let begun = Instant::now();
        assert_eq!(peers.ask(number, &stage(), id, Command::Post("hello".into())).await.status, 200);
        times.push(begun.elapsed());
    }
    times.sort();
    println!("a post to another node: p50 {:?}, p99 {:?}", times[150], times[297]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_commands_to_one_node_go_together_and_each_gets_its_own_answer() {
    let servers = Servers::start(1).await;
    let (a, _b, number) = two(&servers, Arc::default()).await;
    let peers = a.peers();
    let stage = stage();
    let before = a.members().get(number);
    assert!(before.is_some());
    let begun = Instant::now();
    let asked = (0..1000).map(|random| {
        let (peers, stage) = (&peers, &stage);
        async move {
            let id = Id::new(IdKind::Connection, number, random);
            let answer = peers.ask(number, stage, id, Command::Post(format!("text {random}").into())).await;
            (answer.status, answer.body.contains(&id.to_string()) && answer.body.contains(&format!("text {random}\"")))
        }
    });
    let answers = join_all(asked).await;
    println!("1,000 posts at once: {:?}", begun.elapsed());
    assert!(answers.iter().all(|answer| *answer == (200, true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_refused_and_nothing_waits_for_ever() {
    let servers = Servers::start(1).await;
    let echo = Arc::new(Echo { pause: Duration::from_millis(500), ..Echo::default() });
    let (a, _b, number) = two(&servers, echo.clone()).await;
    let peers = a.peers();
    let stage = stage();
    let begun = Instant::now();
    let asked = (0..4000).map(|random| {
        let id = Id::new(IdKind::Connection, number, random);
        peers.ask(number, &stage, id, Command::Get)
    });
    let answers = join_all(asked).await;
    let with = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    println!("{} answered, {} refused, {:?}", with(200), with(429), begun.elapsed());
    assert_eq!(with(200) + with(429), 4000);
    assert!(with(200) >= 1024 && with(429) > 0);
    assert!(echo.most.load(Ordering::SeqCst) <= 16 * 64, "16 messages of 64 commands at a time");
    let slow = Arc::new(Echo { pause: Duration::from_secs(60), ..Echo::default() });
    let c = servers.node(0).await;
    let number = join(&c).await.number;
    c.serve(slow);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let begun = Instant::now();
    let answer = peers.ask(number, &stage, Id::new(IdKind::Connection, number, 1), Command::Get).await;
    assert_eq!((answer.status, answer.error_type), (503, Some("ServiceUnavailableException")));
    assert!(answer.body.contains("does not answer in time"), "{}", answer.body);
    assert!((Duration::from_secs(4)..Duration::from_secs(7)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connections_of_a_node_that_is_gone_are_gone() {
    let servers = Servers::start(1).await;
    let (a, b, number) = two(&servers, Arc::default()).await;
    let peers = a.peers();
    let stage = stage();
    let ask = async |number: u16| {
        let begun = Instant::now();
        let answer = peers.ask(number, &stage, Id::new(IdKind::Connection, number, 1), Command::Get).await;
        assert!(begun.elapsed() < Duration::from_secs(1), "at once: {:?}", begun.elapsed());
        answer
    };
    assert_eq!(ask(4711).await, ConnectionsAnswer::gone(), "nobody ever was");
    let old = b.tenure().current().unwrap();
    drop(b);
    // What is under way when it ends is answered by nobody, and waited for.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let answer = ask(number).await;
    assert_eq!(answer.status, 503, "it may only be cut off, until its lease ends");
    assert!(answer.body.contains("cannot be reached at the moment"), "{}", answer.body);
    let begun = Instant::now();
    while ask(number).await != ConnectionsAnswer::gone() {
        assert!(begun.elapsed() < Duration::from_secs(10), "its lease ends");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Another takes the number. Whoever still means the first is told that its connections are gone.
    let c = servers.node(0).await;
    let new = join(&c).await;
    assert_eq!(new.number, number);
    assert!(new.token > old.token);
    assert!(!a.members().admits(number, old.token));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_number_neither_asks_nor_answers() {
    let servers = Servers::start(1).await;
    let (a, b, number) = two(&servers, Arc::default()).await;
    let c = servers.node(0).await;
    let id = Id::new(IdKind::Connection, number, 1);
    let answer = c.peers().ask(number, &stage(), id, Command::Get).await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("no number"), "{}", answer.body);
    b.leave().await;
    let begun = Instant::now();
    loop {
        let answer = a.peers().ask(number, &stage(), id, Command::Get).await;
        if answer == ConnectionsAnswer::gone() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{answer:?}");
    }
}

/// A message of long ago that arrives now: what a node sent that was stopped, or a wire held back.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_from_somebody_who_had_the_number_before_is_refused() {
    let servers = Servers::start(1).await;
    let (a, b, number) = two(&servers, Arc::default()).await;
    let wire = async_nats::connect(servers.addresses()).await.unwrap();
    let subject = format!("test.node.{number}");
    let mut heard = wire.subscribe(subject.clone()).await.unwrap();
    wire.flush().await.unwrap();
    let id = Id::new(IdKind::Connection, number, 1);
    assert_eq!(a.peers().ask(number, &stage(), id, Command::Get).await.status, 200);
    let old = futures_util::StreamExt::next(&mut heard).await.unwrap().payload;
    let reply = async || wire.request(subject.clone(), old.clone()).await.unwrap().payload;
    let answered = reply().await;
    assert_eq!(answered[..2], [1, 1], "as long as both are who they were it is answered");
    let sender = a.tenure().current().unwrap().number;
    a.leave().await;
    let begun = Instant::now();
    while b.members().get(sender).is_some() {
        assert!(begun.elapsed() < Duration::from_secs(5), "it hears that the sender left");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(reply().await[..], [1, 4], "the sender has no number any more");
    // Another has the sender's number by now; its token is not that of the message.
    let c = servers.node(0).await;
    assert_eq!(join(&c).await.number, sender);
    while b.members().get(sender).is_none() {
        assert!(begun.elapsed() < Duration::from_secs(5), "it hears of the new one");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(reply().await[..], [1, 4]);
    let id = Id::new(IdKind::Connection, number, 1);
    assert_eq!(c.peers().ask(number, &stage(), id, Command::Get).await.status, 200, "the new one's own are answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_sees_all_nodes_and_takes_no_number() {
    let servers = Servers::start(1).await;
    let looks = servers.node(0).await;
    assert!(looks.list().await.unwrap().is_empty());
    let (_a, _b, number) = two(&servers, Arc::default()).await;
    let all = looks.list().await.unwrap();
    assert_eq!(all.iter().map(|member| member.number).collect::<Vec<_>>(), [1, number]);
    assert!(all.iter().all(|member| member.version == env!("CARGO_PKG_VERSION") && member.started > 0));
    assert_eq!(looks.tenure().current(), None);
}
