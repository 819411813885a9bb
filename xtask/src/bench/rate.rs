//! `bench rate`: what a message costs and how long its reply takes at a low, even load, beside a bare skeleton.
//!
//! Where a gateway is mostly idle, each message finds all threads asleep, and waking one too many costs as much as the work.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bench::aims::Aims;
use crate::bench::backend::Backend;
use crate::bench::options::{Options, within};
use crate::bench::payload::{MESSAGE_BYTES_MIN, message};
use crate::bench::process::{self, Gateway, Process};
use crate::bench::ws::{WebSocket, source};
use crate::bench::{control, procfs, skeleton};

/// The aims, as ratios to the skeleton's figures in the same run.
///
/// Source: ours: a quarter for what a gateway does beyond passing on.
const AIMS: Aims = Aims { now: 1.25, later: 1.25 };
/// How long each load runs before the first measurement, unmeasured.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long the skeleton may take to start.
const START: Duration = Duration::from_secs(10);

struct Settings {
    time: Duration,
    connections: usize,
    size: usize,
    rate: u32,
    rounds: usize,
    bin: Option<PathBuf>,
    json: bool,
}

struct Lane {
    name: &'static str,
    pid: u32,
    sockets: Vec<WebSocket>,
    rounds: Vec<Round>,
}

/// One measurement.
struct Round {
    cpu: Duration,
    /// Times that a thread went to sleep, by the kernel's count; zero where it keeps none.
    sleeps: u64,
    /// From a message to its reply, in order of length.
    waits: Vec<Duration>,
}

impl Round {
    fn per_message(&self, figure: f64) -> f64 {
        figure / self.waits.len().max(1) as f64
    }

    fn cost(&self) -> f64 {
        self.per_message(self.cpu.as_secs_f64() * 1e6)
    }

    fn wait(&self, part: f64) -> f64 {
        let at = (self.waits.len() as f64 * part) as usize;
        self.waits.get(at).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1e6)
    }

    fn sleeps(&self) -> f64 {
        self.per_message(self.sleeps as f64)
    }
}

/// The medians of a lane: CPU time, half of the replies, 99 of 100, sleeps.
struct Figures {
    cost: f64,
    half: f64,
    most: f64,
    sleeps: f64,
}

/// Runs the bench; true when it came to figures.
///
/// # Errors
/// Wrong usage, a process that does not start, or a message that is not answered as it should be.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    let settings = settings(words)?;
    let program = process::program(settings.bin.clone())?;
    process::runtime()?.block_on(async {
        let backend = Backend::start(settings.connections).await?;
        let skeleton = Process::role(skeleton::ROLE, &[backend.address.to_string()])?;
        let skeleton_at: SocketAddr = skeleton.line(START)?.parse().context("read the skeleton's address")?;
        let gateway = Gateway::start(&program, backend.address).await?;
        let path = control::create(gateway.address, backend.address, true).await?.path;
        let mut lanes = [
            lane("skeleton", skeleton.id(), skeleton_at, "/", &settings).await?,
            lane("gateway", gateway.pid, gateway.address, &path, &settings).await?,
        ];
        measure(&settings, &mut lanes).await?;
        report(&settings, &lanes.map(|lane| figures(&lane.rounds)));
        Ok(true)
    })
}

fn settings(words: &[String]) -> anyhow::Result<Settings> {
    let mut options = Options::new(words);
    let settings = Settings {
        time: Duration::from_secs(within("--seconds", options.value("--seconds", 5)?, 1..=600)?),
        connections: within("--connections", options.value("--connections", 64)?, 1..=4096)?,
        size: within("--size", options.value("--size", 128)?, MESSAGE_BYTES_MIN..=32 * 1024)?,
        rate: within("--rate", options.value("--rate", 1000)?, 1..=20_000)?,
        rounds: within("--rounds", options.value("--rounds", 3)?, 1..=99)?,
        bin: options.bin()?,
        json: options.flag("--json"),
    };
    options.end()?;
    Ok(settings)
}

async fn lane(name: &'static str, pid: u32, at: SocketAddr, path: &str, settings: &Settings) -> anyhow::Result<Lane> {
    let mut sockets = Vec::with_capacity(settings.connections);
    for index in 0..settings.connections {
        sockets.push(WebSocket::open(at, path, source(index, settings.connections)).await?);
    }
    Ok(Lane { name, pid, sockets, rounds: Vec::new() })
}

async fn measure(settings: &Settings, lanes: &mut [Lane]) -> anyhow::Result<()> {
    for lane in lanes.iter_mut() {
        load(settings, &mut lane.sockets, WARM_UP).await.with_context(|| format!("warm up {}", lane.name))?;
    }
    for round in 1..=settings.rounds {
        for lane in lanes.iter_mut() {
            let (cpu, sleeps) = (procfs::cpu_exact(lane.pid)?, procfs::sleeps(lane.pid));
            let waits = load(settings, &mut lane.sockets, settings.time).await;
            let mut waits = waits.with_context(|| format!("measure {}", lane.name))?;
            waits.sort();
            let cpu = procfs::cpu_exact(lane.pid)?.saturating_sub(cpu);
            let measured = Round { cpu, sleeps: procfs::sleeps(lane.pid).saturating_sub(sleeps), waits };
            eprintln!(
                "round {round}, {:<8} {:>7.1} µs CPU, {:>7.1} µs",
                lane.name,
                measured.cost(),
                measured.wait(0.5)
            );
            lane.rounds.push(measured);
        }
    }
    Ok(())
}

/// Sends at an even rate for `time`, over each connection in turn, and gives how long each reply took.
async fn load(settings: &Settings, sockets: &mut Vec<WebSocket>, time: Duration) -> anyhow::Result<Vec<Duration>> {
    let count = sockets.len() as u32;
    let between = Duration::from_secs(1) / settings.rate;
    let start = tokio::time::Instant::now() + Duration::from_millis(10);
    let mut tasks = JoinSet::new();
    for (index, mut socket) in sockets.drain(..).enumerate() {
        let message = message(index, settings.size);
        tasks.spawn(async move {
            let mut waits = Vec::new();
            let mut at = start + between * index as u32;
            while at < start + time {
                tokio::time::sleep_until(at).await;
                let sent = Instant::now();
                socket.send(&message).await?;
                let reply = socket.receive().await?;
                ensure!(reply == message, "the reply to a message was {reply:?}");
                waits.push(sent.elapsed());
                at += between * count;
            }
            anyhow::Ok((index, socket, waits))
        });
    }
    let mut back = Vec::with_capacity(tasks.len());
    let mut all = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        let (index, socket, waits) = ended.context("a task of the load was lost")??;
        back.push((index, socket));
        all.extend(waits);
    }
    back.sort_by_key(|(index, _)| *index);
    sockets.extend(back.into_iter().map(|(_, socket)| socket));
    Ok(all)
}

fn figures(rounds: &[Round]) -> Figures {
    Figures {
        cost: median(rounds, Round::cost),
        half: median(rounds, |round| round.wait(0.5)),
        most: median(rounds, |round| round.wait(0.99)),
        sleeps: median(rounds, Round::sleeps),
    }
}

fn median(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
    let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

fn report(settings: &Settings, [skeleton, gateway]: &[Figures; 2]) {
    let (cost, half) = (gateway.cost / skeleton.cost, gateway.half / skeleton.half);
    if settings.json {
        let row = |of: &Figures| -> Value {
            json!({ "cpu_us": of.cost, "p50_us": of.half, "p99_us": of.most, "sleeps": of.sleeps })
        };
        println!(
            "{}",
            json!({
                "bench": "rate", "rate": settings.rate, "connections": settings.connections, "bytes": settings.size,
                "rounds": settings.rounds, "aim": AIMS.now, "skeleton": row(skeleton), "gateway": row(gateway),
                "cpu_ratio": cost, "p50_ratio": half,
            })
        );
        return;
    }
    let Settings { rate, connections, size, rounds, .. } = settings;
    println!("{rate} messages of {size} bytes a second over {connections} connections; medians of {rounds} rounds");
    println!("{:<12}{:>8}{:>9}{:>9}{:>18}", "", "CPU µs", "p50 µs", "p99 µs", "sleeps a message");
    for (name, of) in [("skeleton", skeleton), ("gateway", gateway)] {
        println!("{name:<12}{:>8.1}{:>9.1}{:>9.1}{:>18.2}", of.cost, of.half, of.most, of.sleeps);
    }
    let (by_cost, by_half) = (AIMS.verdict(cost), AIMS.verdict(half));
    println!("{:<12}{cost:>8.2}{half:>9.2}  aims: ≤ {} ×; CPU {by_cost}, p50 {by_half}", "ratio", AIMS.now);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_per_message() {
        let waits = (1..=100).map(Duration::from_micros).collect();
        let round = Round { cpu: Duration::from_millis(5), sleeps: 150, waits };
        assert_eq!((round.cost(), round.sleeps()), (50.0, 1.5));
        assert_eq!(round.wait(0.5).round(), 51.0);
        assert_eq!(round.wait(0.99).round(), 100.0);
    }
}
