//! The log of definitions: no update lost, no batch half there or there twice, the same documents on every node.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use cluster::log::{Append, Bounds, Log, Read, Snapshot, Stream};
use control::store::{Change, Content, Document, Key, StoreError};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::seeds;

/// How many schedules the gate runs.
const SCHEDULES: u64 = 1200;

/// The longest that a change may take, as `store.rs` has it.
const COMMIT_MAX: Duration = Duration::from_secs(5);
/// So small that some batches are several messages.
const MESSAGE_BYTES_MAX: usize = 1024 + 90;
/// When trouble ends.
const CALM: Duration = Duration::from_secs(20);
/// How much of the log stays behind a snapshot.
const KEPT: u64 = 3;

/// The servers: one stream, and whatever can become of requests.
struct World {
    rng: StdRng,
    begun: Instant,
    /// How much goes wrong, in percent.
    trouble: u32,
    /// The first message that is kept, and all from there on.
    first: u64,
    messages: Vec<(String, Bytes)>,
    /// Message ids that were stored.
    ids: BTreeMap<String, u64>,
    /// Taken by the leader, and not stored yet; lost when it dies.
    under_way: Option<(u64, String)>,
    proposals: u64,
    no_leader: Instant,
    snapshot: Snapshot,
    grown: watch::Sender<u64>,
    coverage: Coverage,
}

#[derive(Clone, Copy, Debug, Default)]
struct Coverage {
    stored: usize,
    conflicts: usize,
    unavailable: usize,
    in_doubt: usize,
    in_doubt_and_there: usize,
    requests_lost: usize,
    answers_lost: usize,
    leaders_died: usize,
    cuts: usize,
    restarts: usize,
    in_parts: usize,
}

#[derive(Clone)]
struct Model(Arc<Mutex<World>>);

impl Model {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    fn last(&self) -> u64 {
        let world = self.world();
        world.first + world.messages.len() as u64 - 1
    }

    /// A way there or back; `false` where it gets lost. Some take longer than anybody waits.
    async fn way(&self) -> bool {
        let (is_lost, delay) = {
            let mut world = self.world();
            let trouble = world.trouble();
            let fate = world.rng.random_range(0..100);
            let most = if fate >= trouble && fate < 2 * trouble { 9_000_000 } else { 2_000 };
            (fate < trouble, Duration::from_micros(world.rng.random_range(50..most)))
        };
        sleep(delay).await;
        !is_lost
    }

    fn is_led(&self) -> bool {
        self.world().no_leader <= Instant::now()
    }

    async fn store(&self, expected: u64, id: String, message: Bytes) -> Append {
        let proposal = {
            let mut world = self.world();
            if let Some(sequence) = world.ids.get(&id) {
                return Append::Stored(*sequence);
            }
            let last = world.first + world.messages.len() as u64 - 1;
            match &world.under_way {
                Some((_, other)) if *other == id => return Append::Unknown("under way".to_owned()),
                Some(_) => return Append::Elsewhere,
                None if expected != last => return Append::Elsewhere,
                None => {}
            }
            world.proposals += 1;
            let proposal = world.proposals;
            world.under_way = Some((proposal, id.clone()));
            proposal
        };
        let delay = Duration::from_micros(self.world().rng.random_range(20..3_000));
        sleep(delay).await;
        match self.stored(proposal, id, message) {
            Some(sequence) => Append::Stored(sequence),
            // Its leader died; nobody answers.
            None => pending().await,
        }
    }

    fn stored(&self, proposal: u64, id: String, message: Bytes) -> Option<u64> {
        let mut world = self.world();
        world.under_way.take_if(|(under_way, _)| *under_way == proposal)?;
        let sequence = world.first + world.messages.len() as u64;
        world.messages.push((id.clone(), message));
        world.ids.insert(id, sequence);
        world.grown.send_replace(sequence);
        Some(sequence)
    }
}

impl World {
    fn trouble(&self) -> u32 {
        if self.begun.elapsed() < CALM { self.trouble } else { 0 }
    }
}

impl Stream for Model {
    async fn append(&self, expected: u64, id: &str, message: Bytes) -> Append {
        let (model, id) = (self.clone(), id.to_owned());
        // Whoever does not wait any more has sent it all the same.
        let sent = tokio::spawn(async move {
            if !model.way().await || !model.is_led() {
                model.world().coverage.requests_lost += 1;
                pending::<()>().await;
            }
            let stored = model.store(expected, id, message).await;
            if !model.way().await {
                model.world().coverage.answers_lost += 1;
                pending::<()>().await;
            }
            stored
        });
        // Longer than anybody waits, so that no task stays.
        match timeout(Duration::from_secs(30), sent).await {
            Ok(Ok(append)) => append,
            Ok(Err(_)) | Err(_) => Append::Unknown("silence".to_owned()),
        }
    }

    async fn read(&self, sequence: u64) -> Read {
        if !self.way().await || !self.is_led() {
            sleep(Duration::from_secs(2)).await;
            return Read::Failed;
        }
        let world = self.world();
        let index = sequence.checked_sub(world.first).and_then(|index| usize::try_from(index).ok());
        match index.and_then(|index| world.messages.get(index)) {
            Some((_, message)) => Read::Message(message.clone()),
            None => Read::Nothing,
        }
    }

    async fn bounds(&self) -> Option<Bounds> {
        if !self.way().await || !self.is_led() {
            sleep(Duration::from_secs(2)).await;
            return None;
        }
        let last = self.last();
        Some(Bounds { first: self.world().first, last })
    }

    async fn snapshot(&self) -> Option<Snapshot> {
        self.way().await.then(|| self.world().snapshot.clone())
    }
}

/// What writers were told.
#[derive(Default)]
struct History {
    stored: Vec<(u64, u64)>,
    done: Vec<String>,
    refused: Vec<String>,
    in_doubt: Vec<String>,
    faults: Vec<String>,
}

type Node = Arc<Log<Model>>;

fn put(sequence: u64, path: &str, text: &str) -> Change {
    let document = Document::from_iter([("name".to_owned(), json!(text))]);
    Change::Put(Key { sequence, path: path.to_owned() }, Content::Document(Arc::new(document)))
}

fn name(content: &Content) -> String {
    match content {
        Content::Document(document) => document["name"].as_str().unwrap().to_owned(),
        Content::Definition(_) => panic!("nobody wrote one"),
    }
}

fn contents(node: &Node) -> BTreeMap<String, String> {
    node.contents().into_iter().map(|(key, content)| (key.path, name(&content))).collect()
}

/// One batch, computed anew after each conflict: a counter, and two documents that belong together.
async fn write(node: Node, unique: String, padding: usize, history: Arc<Mutex<History>>, model: Model) {
    history.lock().unwrap().in_doubt.push(unique.clone());
    let told = |to: fn(&mut History) -> &mut Vec<String>| {
        let mut history = history.lock().unwrap();
        history.in_doubt.retain(|other| *other != unique);
        to(&mut history).push(unique.clone());
    };
    for _ in 0..200 {
        let (revision, there) = (node.revision(), node.contents());
        let counter = there.get(&Key { sequence: 0, path: "apis/counter".to_owned() });
        let count: u64 = counter.map_or(0, |counter| name(counter).parse().unwrap());
        let changes = [
            put(0, "apis/counter", &(count + 1).to_string()),
            put(revision.0 + 1, &format!("apis/left-{unique}"), &count.to_string()),
            put(revision.0 + 2, &format!("apis/pad-{unique}"), &"x".repeat(padding)),
            put(revision.0 + 3, &format!("apis/right-{unique}"), &count.to_string()),
        ];
        let batch = node.write(revision, &changes).unwrap();
        let begun = Instant::now();
        let committed = node.commit(&batch, COMMIT_MAX).await;
        if begun.elapsed() > COMMIT_MAX + Duration::from_millis(150) {
            history.lock().unwrap().faults.push(format!("{unique} took {:?}", begun.elapsed()));
        }
        match committed {
            Ok(to) => {
                if node.revision() < to || !node.contents().contains_key(changes[1].key()) {
                    history.lock().unwrap().faults.push(format!("{unique} is not there at once"));
                }
                history.lock().unwrap().stored.push((revision.0, to.0));
                model.world().coverage.stored += 1;
                return told(|history| &mut history.done);
            }
            Err(StoreError::Conflict) => {
                model.world().coverage.conflicts += 1;
                if node.revision() <= revision {
                    history.lock().unwrap().faults.push(format!("{unique}: a conflict with nothing"));
                    return;
                }
            }
            Err(StoreError::Unavailable { .. }) => {
                model.world().coverage.unavailable += 1;
                return told(|history| &mut history.refused);
            }
            Err(StoreError::Doubtful(_)) => return,
            Err(error) => {
                history.lock().unwrap().faults.push(format!("{unique}: {error}"));
                return;
            }
        }
    }
    told(|history| &mut history.refused);
}

/// Brings messages to a node as they come, with pauses in which none does.
async fn follow(node: Node, model: Model) {
    let mut grown = model.world().grown.subscribe();
    loop {
        let pause = Duration::from_micros(model.world().rng.random_range(100..3_000));
        let trouble = model.world().trouble();
        let stands_still = model.world().rng.random_range(0..1000) < trouble;
        sleep(if stands_still { Duration::from_secs(4) } else { pause }).await;
        let next = node.applied() + 1;
        let message = {
            let world = model.world();
            let index = next.checked_sub(world.first).and_then(|index| usize::try_from(index).ok());
            index.and_then(|index| world.messages.get(index).cloned())
        };
        match message {
            Some((_, message)) => drop(node.take(next, &message)),
            // What was cut before it came.
            None if next < model.world().first => drop(node.catch_up().await),
            None => drop(timeout(Duration::from_secs(5), grown.changed()).await),
        }
    }
}

/// Leaders die, and nobody leads for a while; the log is cut behind a snapshot.
async fn weather(model: Model, nodes: Arc<Mutex<Vec<Node>>>) {
    while model.world().begun.elapsed() < CALM {
        let pause = Duration::from_millis(model.world().rng.random_range(20..3_000));
        sleep(pause).await;
        let kind = model.world().rng.random_range(0..100);
        if kind < model.world().trouble() * 3 {
            let mut world = model.world();
            world.coverage.leaders_died += 1;
            world.under_way = None;
            // The next leader may not know what was sent twice.
            if world.rng.random_bool(0.5) {
                world.ids.clear();
            }
            let silence = world.rng.random_range(0..7_000);
            world.no_leader = Instant::now() + Duration::from_millis(silence);
        } else if kind > 80 {
            let nodes = nodes.lock().unwrap().clone();
            let index = model.world().rng.random_range(0..nodes.len());
            let snapshot = nodes[index].snapshot();
            let mut world = model.world();
            if snapshot.applied() > world.snapshot.applied() {
                let first = (snapshot.applied() + 1).saturating_sub(KEPT).max(world.first);
                let cut = usize::try_from(first - world.first).unwrap();
                world.messages.drain(..cut);
                world.first = first;
                world.snapshot = snapshot;
                world.coverage.cuts += usize::from(cut > 0);
            }
        }
    }
}

async fn run(seed: u64) -> Result<Coverage, String> {
    let mut rng = StdRng::seed_from_u64(seed);
    let begun = Instant::now();
    let world = World {
        begun,
        trouble: [0, 2, 5, 10][rng.random_range(0..4)],
        first: 1,
        messages: Vec::new(),
        ids: BTreeMap::new(),
        under_way: None,
        proposals: 0,
        no_leader: begun,
        snapshot: Snapshot::default(),
        grown: watch::Sender::new(0),
        coverage: Coverage::default(),
        rng: StdRng::seed_from_u64(seed ^ 0x5eed),
    };
    let model = Model(Arc::new(Mutex::new(world)));
    let history: Arc<Mutex<History>> = Arc::default();
    let count = rng.random_range(1..=4);
    let fresh = |model: &Model, from: Snapshot| Arc::new(Log::new(model.clone(), from, MESSAGE_BYTES_MAX));
    let nodes: Arc<Mutex<Vec<Node>>> =
        Arc::new(Mutex::new((0..count).map(|_| fresh(&model, Snapshot::default())).collect()));
    let start = |index: usize, rng: &mut StdRng| {
        let mut tasks = JoinSet::new();
        let node = nodes.lock().unwrap()[index].clone();
        tasks.spawn(follow(node.clone(), model.clone()));
        for writer in 0..rng.random_range(1..=3) {
            let batches: Vec<(usize, u64)> = (0..rng.random_range(1..=6))
                .map(|_| ([0, 0, 0, 200, 2000][rng.random_range(0..5)], rng.random_range(0..4_000)))
                .collect();
            let (node, history, model) = (node.clone(), history.clone(), model.clone());
            let name = format!("{index}.{writer}.{}", rng.random_range(0..1_000_000));
            tasks.spawn(async move {
                for (number, (padding, pause)) in batches.into_iter().enumerate() {
                    model.world().coverage.in_parts += usize::from(padding > 0);
                    write(node.clone(), format!("{name}.{number}"), padding, history.clone(), model.clone()).await;
                    sleep(Duration::from_millis(pause)).await;
                }
            });
        }
        tasks
    };
    let mut tasks: Vec<JoinSet<()>> = (0..count).map(|index| start(index, &mut rng)).collect();
    let weather = tokio::spawn(weather(model.clone(), nodes.clone()));
    // Nodes are killed, and start again with a snapshot, a copy of some time before, or nothing.
    for _ in 0..rng.random_range(0..3) {
        sleep(Duration::from_millis(rng.random_range(0..5_000))).await;
        let index = rng.random_range(0..count);
        let copy = nodes.lock().unwrap()[index].snapshot();
        sleep(Duration::from_millis(rng.random_range(0..2_000))).await;
        tasks[index].abort_all();
        model.world().coverage.restarts += 1;
        let from = if rng.random_bool(0.5) { copy } else { Snapshot::default() };
        nodes.lock().unwrap()[index] = fresh(&model, from);
        tasks[index] = start(index, &mut rng);
    }
    let _ = weather.await;
    sleep((begun + CALM + Duration::from_secs(30)).saturating_duration_since(Instant::now())).await;
    let nodes = nodes.lock().unwrap().clone();
    let coverage = check(&model, &nodes, &history).await;
    tasks.iter_mut().for_each(JoinSet::abort_all);
    coverage
}

async fn check(model: &Model, nodes: &[Node], history: &Mutex<History>) -> Result<Coverage, String> {
    let mut faults = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        if let Err(error) = node.catch_up().await {
            faults.push(format!("node {index} cannot catch up: {error}"));
        }
        if node.applied() != model.last() {
            faults.push(format!("node {index} is at {}, the log at {}", node.applied(), model.last()));
        }
    }
    let there = contents(&nodes[0]);
    for (index, node) in nodes.iter().enumerate() {
        if contents(node) != there || node.revision() != nodes[0].revision() {
            faults.push(format!("node {index} has other documents than the first"));
        }
    }
    let history = history.lock().unwrap();
    faults.extend(history.faults.iter().cloned());
    let has = |side: &str, unique: &String| there.contains_key(&format!("apis/{side}-{unique}"));
    for unique in &history.done {
        if !has("left", unique) || !has("pad", unique) || !has("right", unique) {
            faults.push(format!("{unique} was stored and is lost"));
        }
    }
    for unique in &history.refused {
        if has("left", unique) || has("right", unique) {
            faults.push(format!("{unique} was refused and is there"));
        }
    }
    for unique in &history.in_doubt {
        if has("left", unique) != has("right", unique) {
            faults.push(format!("{unique} is half there"));
        }
    }
    let from: BTreeSet<u64> = history.stored.iter().map(|(from, _)| *from).collect();
    if from.len() != history.stored.len() {
        faults.push("two batches were stored on one revision".to_owned());
    }
    let left: Vec<&String> =
        there.iter().filter(|(path, _)| path.starts_with("apis/left-")).map(|(_, count)| count).collect();
    let counted: usize = there.get("apis/counter").map_or(0, |count| count.parse().unwrap());
    if counted != left.len() || left.iter().collect::<BTreeSet<_>>().len() != left.len() {
        faults.push(format!("an update was lost: {counted} counted, {} there", left.len()));
    }
    let mut coverage = model.world().coverage;
    coverage.in_doubt = history.in_doubt.len();
    coverage.in_doubt_and_there = history.in_doubt.iter().filter(|unique| has("left", unique)).count();
    if faults.is_empty() { Ok(coverage) } else { Err(faults.join("\n  ")) }
}

#[test]
fn the_log_loses_nothing_and_is_the_same_everywhere() {
    let mut all = [0; 11];
    for seed in seeds(SCHEDULES) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let coverage = match runtime.block_on(run(seed)) {
            Ok(coverage) => coverage,
            Err(text) => panic!("SIMULATION_SEED={seed} fails:\n  {text}"),
        };
        let Coverage { stored, conflicts, unavailable, in_doubt, in_doubt_and_there, .. } = coverage;
        let Coverage { requests_lost, answers_lost, leaders_died, cuts, restarts, in_parts, .. } = coverage;
        let happened = [
            stored,
            conflicts,
            unavailable,
            in_doubt,
            in_doubt_and_there,
            requests_lost,
            answers_lost,
            leaders_died,
            cuts,
            restarts,
            in_parts,
        ];
        all.iter_mut().zip(happened).for_each(|(all, now)| *all += now);
    }
    println!(
        "stored, conflicts, unavailable, in doubt, in doubt and there, requests lost, answers lost, leaders died, \
         cuts, restarts, in parts: {all:?}"
    );
    assert!(
        seeds(SCHEDULES).end - seeds(SCHEDULES).start < 100 || all.iter().all(|count| *count > 0),
        "not all of it happened: {all:?}"
    );
}
