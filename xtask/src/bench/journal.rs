//! `bench journal`: what it costs to write down which connections are open, in connects and in messages, beside not doing so.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bench::backend::Backend;
use crate::bench::load::Lines;
use crate::bench::messages::{Lane, Round, median};
use crate::bench::options::{Options, within};
use crate::bench::payload::MESSAGE_BYTES_MIN;
use crate::bench::process::{self, Gateway, Start};
use crate::bench::procfs;
use crate::bench::ws::{WebSocket, source};

/// The path of the API that `serve --backend` has.
const PATH: &str = "/_aws/execute-api/gatewright/dev";
/// The most that `process` may cost a message and a connect, as a ratio to no journal. Source: ours.
const MESSAGE_AIM: f64 = 1.03;
const CONNECT_AIM: f64 = 1.10;
const WARM_UP: Duration = Duration::from_secs(1);

struct Settings {
    time: Duration,
    connections: usize,
    size: usize,
    rounds: usize,
    bin: Option<PathBuf>,
    json: bool,
}

/// One way to keep a journal.
struct Mode {
    name: &'static str,
    gateway: Gateway,
    folder: PathBuf,
    messages: Lane,
    connects: Vec<Round>,
}

/// Runs the bench; true when it came to figures.
///
/// # Errors
/// Wrong usage, a process that does not start, or a client that is not let in.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    let settings = settings(words)?;
    let program = process::program(settings.bin.clone())?;
    process::runtime()?.block_on(async {
        let backend = Backend::start(settings.connections).await?;
        let mut modes = Vec::new();
        for name in ["off", "process", "disk"] {
            let folder = std::env::temp_dir().join(format!("gatewright-bench-journal-{name}-{}", std::process::id()));
            let options = vec!["--journal".to_owned(), name.to_owned()];
            let start = Start { options, data_dir: Some(folder.clone()), ..Start::default() };
            let gateway = Gateway::start_with(&program, backend.address, start).await?;
            let lines = Lines::two_way(gateway.address, PATH, settings.connections).await?;
            let messages = Lane { name, what: "", pid: gateway.pid, lines, rounds: Vec::new() };
            modes.push(Mode { name, gateway, folder, messages, connects: Vec::new() });
        }
        let ran = measure(&settings, &mut modes).await;
        for mode in &modes {
            let _ = std::fs::remove_dir_all(&mode.folder);
        }
        ran?;
        report(&settings, &modes);
        Ok(true)
    })
}

fn settings(words: &[String]) -> anyhow::Result<Settings> {
    let mut options = Options::new(words);
    let settings = Settings {
        time: Duration::from_secs(within("--seconds", options.value("--seconds", 3)?, 1..=600)?),
        connections: within("--connections", options.value("--connections", 64)?, 1..=4096)?,
        size: within("--size", options.value("--size", 128)?, MESSAGE_BYTES_MIN..=32 * 1024)?,
        rounds: within("--rounds", options.value("--rounds", 5)?, 1..=99)?,
        bin: options.bin()?,
        json: options.flag("--json"),
    };
    options.end()?;
    Ok(settings)
}

async fn measure(settings: &Settings, modes: &mut [Mode]) -> anyhow::Result<()> {
    for mode in modes.iter_mut() {
        mode.messages.lines.run(settings.size, WARM_UP).await.context("warm up")?;
        connects(mode.gateway.address, settings.connections, WARM_UP).await?;
    }
    for round in 1..=settings.rounds {
        for mode in modes.iter_mut() {
            mode.messages.measure(round, settings.size, settings.time).await?;
        }
        for mode in modes.iter_mut() {
            let (before, start) = (procfs::cpu(mode.gateway.pid)?, Instant::now());
            let units = connects(mode.gateway.address, settings.connections, settings.time).await?;
            let cpu = procfs::cpu(mode.gateway.pid)?.saturating_sub(before);
            let measured = Round { units, cpu, wall: start.elapsed() };
            eprintln!("round {round}, connects {:<8} {:>7.2} µs", mode.name, measured.cost());
            mode.connects.push(measured);
        }
    }
    Ok(())
}

/// Clients that connect and leave, one after the other, so many at once; gives how many there were.
async fn connects(gateway: SocketAddr, at_once: usize, time: Duration) -> anyhow::Result<u64> {
    let until = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for index in 0..at_once {
        let from: Ipv4Addr = source(index, at_once);
        tasks.spawn(async move {
            let mut count = 0;
            while Instant::now() < until {
                WebSocket::open(gateway, PATH, from).await?.close().await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let mut sum = 0;
    while let Some(count) = tasks.join_next().await {
        sum += count.context("a client's task")??;
    }
    Ok(sum)
}

fn report(settings: &Settings, modes: &[Mode]) {
    let Some(off) = modes.first() else { return };
    let cost = |rounds: &[Round]| median(rounds, Round::cost);
    let per_second = |rounds: &[Round]| median(rounds, Round::per_second);
    let rows: Vec<Value> = modes
        .iter()
        .map(|mode| {
            json!({
                "journal": mode.name,
                "message_us": cost(&mode.messages.rounds),
                "message_ratio": cost(&mode.messages.rounds) / cost(&off.messages.rounds),
                "connect_us": cost(&mode.connects),
                "connect_ratio": cost(&mode.connects) / cost(&off.connects),
                "connects_per_second": per_second(&mode.connects).round(),
            })
        })
        .collect();
    if settings.json {
        println!(
            "{}",
            json!({ "bench": "journal", "connections": settings.connections, "rounds": settings.rounds, "modes": rows })
        );
        return;
    }
    println!("{} connections; CPU of the gateway; medians of {} rounds", settings.connections, settings.rounds);
    println!("aims of process: a message ≤ {MESSAGE_AIM} ×, a connect with its end ≤ {CONNECT_AIM} ×");
    println!("{:<10}{:>12}{:>8}{:>12}{:>8}{:>12}", "journal", "message µs", "ratio", "connect µs", "ratio", "a second");
    for row in rows {
        println!(
            "{:<10}{:>12.2}{:>8.2}{:>12.2}{:>8.2}{:>12}",
            row["journal"].as_str().unwrap_or_default(),
            row["message_us"].as_f64().unwrap_or_default(),
            row["message_ratio"].as_f64().unwrap_or_default(),
            row["connect_us"].as_f64().unwrap_or_default(),
            row["connect_ratio"].as_f64().unwrap_or_default(),
            row["connects_per_second"].as_f64().unwrap_or_default()
        );
    }
}
