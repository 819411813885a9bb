//! `cargo xtask soak million`: a million idle connections over the nodes of one cluster, all on this machine.
//!
//! As many nodes as the limit of open files asks for, and a process of clients for each. Then posts from one node to clients
//! by chance, and the end of one node without a word. It opens no more than memory and time allow, and says how many those were.

pub(crate) mod client;
mod report;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;

use self::report::{Found, Memory, Posts};
use super::{PATH, backend};
use crate::bench::http::HttpConnection;
use crate::bench::load::percent_encoded;
use crate::bench::nats::Nats;
use crate::bench::options::{Options, within};
use crate::bench::process::{self, Gateway, Process, Start};
use crate::bench::procfs;

/// Files that a node does not give to clients: it keeps up to 4,096 for backends and itself (`client_files_max`), and a few
/// clients come that are none of the million, to post and to ask how it is.
const FILES_BESIDE: u64 = 4096 + 100;
/// Nodes at most.
const NODES_MAX: usize = 200;
/// Clients that are posted to, and posts at once.
const POSTS: usize = 1000;
const POSTS_AT_ONCE: usize = 16;
/// Processes that open their clients at a time: more only wait for the same two cores.
const OPENING_AT_ONCE: usize = 4;
/// How long all may take to open: after that no further process begins.
const OPEN_LIMIT: Duration = Duration::from_secs(1500);
/// How long one process may take for one part.
const PART_LIMIT: Duration = Duration::from_secs(300);
/// What stays free, so that the machine goes on: below it no further process begins.
const FREE_MIN: u64 = 1536 * 1024 * 1024;
/// How long the nodes may take to fall quiet; they renew their numbers all the while, so this is waited for and not more.
const QUIET: Duration = Duration::from_secs(10);
/// How long the `$disconnect`s of a killed node are counted, and how often they are looked at.
const HANDED_OVER_WITHIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(200);
/// Opening takes longer than AWS lets a connection be silent.
const PATIENT: &str = "idle-timeout=0";

struct Settings {
    connections: usize,
    nodes: Option<usize>,
    strict: bool,
    bin: Option<PathBuf>,
    json: bool,
}

/// Runs the soak; true when all opened, every post arrived and the clients of living nodes stayed; `--strict` asks for the
/// killed node's `$disconnect`s too.
///
/// # Errors
/// Wrong usage, a process that does not start or ends too early.
pub(super) fn run(words: &[String]) -> anyhow::Result<bool> {
    let mut options = Options::new(words);
    let settings = Settings {
        connections: within("--connections", options.value("--connections", 1_000_000)?, 100..=2_000_000)?,
        nodes: options.optional("--nodes")?,
        strict: options.flag("--strict"),
        bin: options.bin()?,
        json: options.flag("--json"),
    };
    options.end()?;
    let program = process::program(settings.bin.clone())?;
    let found = process::runtime()?.block_on(soak(&settings, &program))?;
    let broken = found.broken(settings.strict);
    match settings.json {
        true => println!("{}", found.as_json(&broken)),
        false => found.print(&broken),
    }
    Ok(broken.is_empty())
}

/// The processes. The nodes go first, so that no client's end costs a call.
struct Everyone {
    nodes: Vec<Gateway>,
    clients: Vec<Process>,
    nats: Nats,
}

impl Everyone {
    fn memory(&self) -> anyhow::Result<Memory> {
        let sum = |pids: &mut dyn Iterator<Item = u32>| pids.map(procfs::memory).sum::<anyhow::Result<u64>>();
        Ok(Memory {
            nodes: sum(&mut self.nodes.iter().map(|node| node.pid))?,
            clients: sum(&mut self.clients.iter().map(Process::id))?,
            nats: procfs::memory(self.nats.pid)?,
            kernel: procfs::kernel_memory()?,
            available: procfs::available()?,
        })
    }
}

async fn soak(settings: &Settings, program: &Path) -> anyhow::Result<Found> {
    let (backend, seen) = backend::start().await?;
    let nats = Nats::start().await?;
    let first = node(program, backend, &nats).await?;
    let room = procfs::open_files_max(first.pid)?.saturating_sub(FILES_BESIDE);
    let room = usize::try_from(room).unwrap_or(usize::MAX).max(1);
    let count = settings.nodes.unwrap_or(settings.connections.div_ceil(room)).max(2);
    ensure!(count <= NODES_MAX, "{count} nodes would be needed, {NODES_MAX} are the most: allow more open files");
    let share = settings.connections.div_ceil(count);
    ensure!(share <= room, "{share} connections a node, but its open files leave room for {room}: more --nodes");
    let begun = Instant::now();
    let mut all = Everyone { nodes: vec![first], clients: Vec::new(), nats };
    while all.nodes.len() < count {
        let next =
            node(program, backend, &all.nats).await.with_context(|| format!("start node {}", all.nodes.len() + 1))?;
        all.nodes.push(next);
    }
    eprintln!("{count} nodes after {:.0} s, {share} connections each", begun.elapsed().as_secs_f64());
    tokio::time::sleep(QUIET).await;
    let before = all.memory()?;

    let begun = Instant::now();
    let opened = open(settings, &mut all, share, begun).await?;
    let seconds = begun.elapsed().as_secs_f64();
    tokio::time::sleep(QUIET).await;
    let open = all.memory()?;
    let cpu = idle_cpu(&all).await?;

    let posts = post(all.nodes[0].address, &opened.ids).await?;
    let heard = part(&mut all.clients, "heard")?.iter().sum();

    // The last that has clients ends as by a power cut.
    let last = all.clients.len() - 1;
    let (alive_before, told_before) = (part(&mut all.clients, "alive")?, seen.disconnects.load(Ordering::Acquire));
    let died = Instant::now();
    drop(all.nodes.remove(last));
    let (mut handed_over, mut first_after, mut last_after) = (0, None, None);
    let wanted = opened.each[last];
    while died.elapsed() < HANDED_OVER_WITHIN && handed_over < wanted {
        tokio::time::sleep(LOOK).await;
        let now = seen.disconnects.load(Ordering::Acquire) - told_before;
        if now > handed_over {
            first_after.get_or_insert(died.elapsed());
            last_after = Some(died.elapsed());
        }
        handed_over = now;
    }
    let alive = part(&mut all.clients, "alive")?;
    let living = |alive: &[usize]| alive.iter().enumerate().filter(|(at, _)| *at != last).map(|(_, count)| count).sum();
    let found = Found {
        wanted: settings.connections,
        opened: opened.each.iter().sum(),
        failed: opened.failed,
        trouble: opened.trouble,
        nodes: count,
        seconds,
        connects: seen.connects.load(Ordering::Acquire),
        before,
        open,
        idle_cpu: cpu,
        posts,
        heard,
        alive_before: living(&alive_before),
        alive: living(&alive),
        killed: wanted,
        handed_over,
        handed_over_after: first_after.zip(last_after),
    };
    drop(all.nodes);
    drop(all.clients);
    Ok(found)
}

async fn node(program: &Path, backend: SocketAddr, nats: &Nats) -> anyhow::Result<Gateway> {
    let options = ["--cluster", &nats.url, "--cluster-name", "million", "--limit", PATIENT].map(str::to_owned).to_vec();
    Gateway::start_with(program, backend, Start { options, ..Start::default() }).await
}

/// What became of the opening.
#[derive(Default)]
struct Opened {
    /// Of each process.
    each: Vec<usize>,
    failed: usize,
    trouble: Option<String>,
    ids: Vec<String>,
}

/// Starts the clients of one node after the other, a few at a time, until all are there or something is at its end.
async fn open(settings: &Settings, all: &mut Everyone, share: usize, begun: Instant) -> anyhow::Result<Opened> {
    let count = all.nodes.len();
    let mut opened = Opened::default();
    for at in 0..count {
        let from = at * share;
        if from >= settings.connections {
            break;
        }
        if at >= OPENING_AT_ONCE {
            opened.take(&all.clients[at - OPENING_AT_ONCE])?;
        }
        let (free, took) = (procfs::available()?, begun.elapsed());
        if free < FREE_MIN || took > OPEN_LIMIT {
            opened.trouble.get_or_insert(format!(
                "no more were opened: {} MiB free, {} s gone",
                free >> 20,
                took.as_secs()
            ));
            break;
        }
        // Each process has its share of those who know their ids, rounded so that all together are as many as wanted.
        let known = POSTS * (at + 1) / count - POSTS * at / count;
        let numbers = [
            ("--from", from),
            ("--count", share.min(settings.connections - from)),
            ("--all", settings.connections),
            ("--known", known),
        ];
        let mut words = vec!["--server".into(), all.nodes[at].address.to_string(), "--path".into(), PATH.into()];
        words.extend(numbers.iter().flat_map(|(name, number)| [name.to_string(), number.to_string()]));
        all.clients.push(Process::role(client::ROLE, &words)?);
        eprintln!(
            "{} of {} opened after {:.0} s, {} MiB free",
            opened.sum(),
            settings.connections,
            took.as_secs_f64(),
            free >> 20
        );
    }
    while opened.each.len() < all.clients.len() {
        opened.take(&all.clients[opened.each.len()])?;
    }
    ensure!(opened.sum() > 0, "nothing opened: {}", opened.trouble.unwrap_or_default());
    Ok(opened)
}

impl Opened {
    fn sum(&self) -> usize {
        self.each.iter().sum()
    }

    fn take(&mut self, client: &Process) -> anyhow::Result<()> {
        let line = client.line(PART_LIMIT).context("wait for connections to be open")?;
        let said: Value = serde_json::from_str(&line).with_context(|| format!("a client said `{line}`"))?;
        let number =
            |name: &str| said[name].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default();
        self.each.push(number("opened"));
        self.failed += number("failed");
        self.trouble = self.trouble.take().or_else(|| said["trouble"].as_str().map(str::to_owned));
        let ids = said["ids"].as_array().into_iter().flatten();
        self.ids.extend(ids.filter_map(|id| id.as_str().map(str::to_owned)));
        Ok(())
    }
}

/// Tells every process of clients to go on, and gives what each says of `member`.
fn part(clients: &mut [Process], member: &str) -> anyhow::Result<Vec<usize>> {
    for client in clients.iter_mut() {
        client.tell("on")?;
    }
    let said = clients.iter().map(|client| {
        let line = client.line(PART_LIMIT).with_context(|| format!("wait for who is {member}"))?;
        let said: Value = serde_json::from_str(&line).with_context(|| format!("a client said `{line}`"))?;
        let number = said[member].as_u64().with_context(|| format!("a client said `{line}`"))?;
        Ok(usize::try_from(number)?)
    });
    said.collect()
}

/// The part of one core that all nodes together take while nothing happens, and that of NATS.
async fn idle_cpu(all: &Everyone) -> anyhow::Result<(f64, f64)> {
    let spent = || -> anyhow::Result<(Duration, Duration)> {
        let nodes = all.nodes.iter().map(|node| procfs::cpu(node.pid)).sum::<anyhow::Result<Duration>>()?;
        Ok((nodes, procfs::cpu(all.nats.pid)?))
    };
    let (before, begun) = (spent()?, Instant::now());
    tokio::time::sleep(QUIET).await;
    let (after, wall) = (spent()?, begun.elapsed().as_secs_f64());
    let part = |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64() / wall;
    Ok((part(before.0, after.0), part(before.1, after.1)))
}

/// Sends each of the ids its own text, through one node.
async fn post(through: SocketAddr, ids: &[String]) -> anyhow::Result<Posts> {
    let ids: Arc<[String]> = ids.into();
    let mut tasks = JoinSet::new();
    for first in 0..POSTS_AT_ONCE {
        let ids = ids.clone();
        tasks.spawn(async move {
            let mut http = HttpConnection::open(through).await?;
            let mut done = Posts::default();
            for id in ids.iter().skip(first).step_by(POSTS_AT_ONCE) {
                let path = format!("{PATH}/@connections/{}", percent_encoded(id.as_bytes()));
                let begun = Instant::now();
                let (status, _) = http.request(Method::POST, &path, Bytes::copy_from_slice(id.as_bytes())).await?;
                done.times.push(begun.elapsed());
                done.taken += usize::from(status == StatusCode::OK);
            }
            anyhow::Ok(done)
        });
    }
    let mut posts = Posts::default();
    while let Some(done) = tasks.join_next().await {
        let done = done.context("a task that posts was lost")??;
        posts.taken += done.taken;
        posts.times.extend(done.times);
    }
    posts.times.sort_unstable();
    Ok(posts)
}
