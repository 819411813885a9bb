//! Torments that would make others wait, or give them what is not theirs: each a few seconds long, against a gateway of its own.
//!
//! While clients and backends do their worst, a bystander's echo and `/_health` wait at most [`LAG_MAX`], and memory stays
//! within the torment's bound. What tormenters take of the processor is not the gateway's fault: they run behind
//! everybody else, and what the bystander itself came too late is added to the bound. A torment that fails is tried
//! again, [`TRIES`] times in all, since a machine that others use can stop a gateway for longer than that.
//!
//! The faults that users and attackers found, by row, and what shows that they are gone:
//!
//! | row | fault | shown by |
//! |---|---|---|
//! | 1 | input that costs little to send stalls all others | torments: pings, empty continuations, tiny messages, in clear and under TLS |
//! | 2 | regular expressions with look-around | torments: look-around in a template, in a model, SIGTERM in much work; `vtl`, `mapping` |
//! | 3 | much work in templates | torments: long loops, deep scans, comparisons, SIGTERM in much work; `mapping/effort.rs` |
//! | 4 | posting to many | torment: posts to one client 45,000 times |
//! | 5 | a name server that hangs | torment: a silent name server; `integration/tests/names.rs` |
//! | 6 | one API takes all calls to backends | torment: a silent backend; `gateway/in_flight.rs` |
//! | 7 | answers that reach somebody else | torment: ill-behaved servers; `integration/tests/servers.rs`; both by `corpus/backends` |
//! | 8 | connections to backends that are not kept | torment: a backend that restarts; `integration/{pool.rs,tests}` |
//! | 9 | headers of one hop, `Host`, long heads | `corpus/backends`, `integration/wire.rs`, `gateway/handshake.rs` |
//! | 10 | foreign pages drive the control plane | `clients/test_strangers.py`, `gatewright/strangers.rs` |
//! | 11 | others on the machine read keys and logs | `clients/test_strangers.py` |
//! | 12 | unfinished posts hold memory | torment: unfinished posts; `clients/test_strangers.py` |
//! | 13 | answers that are never read | torment: answers that nobody reads; `gatewright/patience.rs` |
//! | 14 | few open files | torment: silent sockets, few files; `clients/test_strangers.py` |
//! | 15 | models that refer to each other | torment: models in a chain; `mapping/validation.rs` |
//! | 16 | a refused write that comes back | `control/store/disk/tests.rs`, `clients/test_durability.py` |
//! | 17 | secrets in logs and in the feed | `gateway/execution_log/secrets.rs` |
//! | 18 | frames that announce much; logs that rotate over others; changes during the stop | torment: announced frames; `gatewright/access_logs/file.rs`; `clients/test_strangers.py` |

mod bystander;
mod drain;
mod ill_behaved;
mod restarts;
mod scene;
mod server;
mod tls;
mod torments;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::net::{TcpListener, UdpSocket};

use self::bystander::{Bystander, Leave, Seen};
use self::scene::Scene;
use self::torments::{TORMENTS, Torment};
use super::{MIB, PATH};
use crate::bench::process::{Gateway, Start};
use crate::bench::procfs;

/// The longest that a bystander may wait. Source: the house's own aim for what one client may cost the others.
pub(super) const LAG_MAX: Duration = Duration::from_millis(100);
/// What stands for every torment's name.
pub(super) const ALL: &str = "all";
/// Files that the torments need at once, for their clients.
pub(super) const FILES: u64 = 4000;
/// How long each torment lasts, unless told otherwise.
pub(super) const TIME: Duration = Duration::from_secs(5);
/// How long a torment may take to begin: its API, its clients.
const PREPARATION: Duration = Duration::from_secs(1);
/// How long one that judges what it saw may take beyond its time: its API may be large, and its end is awaited.
const JUDGEMENT: Duration = Duration::from_secs(60);
/// How often a torment is tried that others on the machine may have spoiled.
const TRIES: usize = 3;
/// How far tormenters stand behind everybody else: 0 is everybody, 19 the last.
const NICENESS: i32 = 10;

/// What torments are held to.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// The longest that the bystander may wait.
    pub(super) lag_max: Duration,
    /// How long each torment lasts.
    pub(super) time: Duration,
}

/// What came of one torment.
pub(super) struct Result {
    pub(super) name: &'static str,
    pub(super) row: &'static str,
    seen: Seen,
    growth: u64,
    growth_max: u64,
    broken: Vec<String>,
}

/// Runs those whose names hold `only`, or all of them: what came of each.
///
/// # Errors
/// When a gateway does not start.
pub(super) async fn run(
    program: &Path,
    backend: SocketAddr,
    only: Option<&str>,
    bounds: Bounds,
) -> anyhow::Result<Vec<Result>> {
    let mut results = Vec::new();
    for torment in TORMENTS.iter().filter(|torment| only.is_none_or(|only| only == ALL || torment.name.contains(only)))
    {
        let mut tries = 1;
        let mut result = one(program, backend, torment, bounds).await?;
        while !result.broken.is_empty() && tries < TRIES {
            eprintln!("{}: {}; again", torment.name, result.broken.join("; "));
            tries += 1;
            result = one(program, backend, torment, bounds).await?;
        }
        results.push(result);
    }
    Ok(results)
}

async fn one(
    program: &Path,
    backend: SocketAddr,
    torment: &'static Torment,
    Bounds { lag_max, time }: Bounds,
) -> anyhow::Result<Result> {
    // Bound and never served: what is sent to them waits for ever.
    let silent = TcpListener::bind("127.0.0.1:0").await.context("bind a silent backend")?;
    let names = UdpSocket::bind("127.0.0.1:0").await.context("bind a silent name server")?;
    let at = names.local_addr()?.to_string();
    let (files, trust) = tls::make()?;
    let option = |option: &&str| match *option {
        "{names}" => at.clone(),
        "{cert}" => files.certificate.display().to_string(),
        "{key}" => files.key.display().to_string(),
        other => other.to_owned(),
    };
    let start = Start {
        options: torment.options.iter().map(option).collect(),
        files_max: torment.files_max,
        ..Start::default()
    };
    let gateway = Gateway::start_with(program, backend, start).await?;
    let scene = Scene {
        gateway: gateway.address,
        secure: gateway.secure.map(|secure| (secure, trust)),
        pid: gateway.pid,
        lines: gateway.lines.clone(),
        silent: silent.local_addr()?,
        leave: Leave::new(),
        time,
    };
    let bystander = Bystander::start(&scene, PATH).await?;
    let before = procfs::resident(gateway.pid)?;
    let limit = PREPARATION + time + if torment.judges { JUDGEMENT } else { Duration::ZERO };
    // On threads of their own, which give way to the bystander's and the gateway's.
    let tormenters = std::thread::spawn(move || -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .on_thread_start(|| {
                // Where it cannot be lowered, the tormenters share like everybody.
                let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
            })
            .build()
            .context("start the tormenters")?;
        let work = runtime.spawn((torment.act)(scene));
        let done = runtime.block_on(async { tokio::time::timeout(limit, work).await });
        runtime.shutdown_background();
        match done {
            Err(_) if torment.judges => anyhow::bail!("it was not done after {} s", limit.as_secs()),
            // Its time is over.
            Err(_) => Ok(()),
            Ok(done) => done.context("a tormenter was lost")?,
        }
    });
    let done = tokio::task::spawn_blocking(move || tormenters.join()).await?;
    let seen = bystander.end()?;
    let growth = seen.peak.saturating_sub(before);
    let mut broken = Vec::new();
    match done {
        Ok(Ok(())) => {}
        Ok(Err(error)) => broken.push(format!("the torment broke off: {error:#}")),
        Err(_) => broken.push("the torment panicked".to_owned()),
    }
    broken.extend(faults(&seen, growth, torment.growth_max, lag_max));
    drop((silent, names, files));
    Ok(Result { name: torment.name, row: torment.row, seen, growth, growth_max: torment.growth_max, broken })
}

fn faults(seen: &Seen, growth: u64, growth_max: u64, lag_max: Duration) -> Vec<String> {
    let mut faults = Vec::new();
    if let Some(trouble) = &seen.trouble {
        faults.push(format!("the bystander was not served: {trouble}"));
    }
    for (what, waited, count) in [("echo", seen.echo, seen.echoes), ("/_health", seen.health, seen.healths)] {
        if waited > lag_max + seen.late || count == 0 {
            faults.push(format!(
                "the bystander's {what} waited {waited:?} ({count} in all), at most {lag_max:?} are allowed"
            ));
        }
    }
    if growth > growth_max {
        faults.push(format!("memory grew by {} MiB, {} are allowed", growth / MIB, growth_max / MIB));
    }
    faults
}

/// The bounds that were not kept, a sentence each.
pub(super) fn broken(results: &[Result]) -> Vec<String> {
    let told =
        |result: &Result| result.broken.iter().map(|fault| format!("{}: {fault}", result.name)).collect::<Vec<_>>();
    results.iter().flat_map(told).collect()
}

/// One row for each, as JSON.
pub(super) fn as_json(results: &[Result]) -> Vec<Value> {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let row = |result: &Result| {
        json!({
            "torment": result.name, "row": result.row, "echo_max_ms": ms(result.seen.echo), "health_max_ms": ms(result.seen.health),
            "late_ms": ms(result.seen.late), "echoes": result.seen.echoes, "growth_mib": result.growth / MIB,
            "growth_max_mib": result.growth_max / MIB,
        })
    };
    results.iter().map(row).collect()
}

/// A table for people.
pub(super) fn print(results: &[Result], time: Duration) {
    println!("longest waits of a bystander in ms, {} s each; memory in MiB", time.as_secs_f64());
    println!(
        "{:<34}{:>6}{:>9}{:>9}{:>9}{:>8}{:>9}{:>10}",
        "", "row", "echo", "health", "itself", "echoes", "growth", "growth ≤"
    );
    for result in results {
        let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
        println!(
            "{:<34}{:>6}{:>9}{:>9}{:>9}{:>8}{:>9}{:>10}",
            result.name,
            result.row,
            ms(result.seen.echo),
            ms(result.seen.health),
            ms(result.seen.late),
            result.seen.echoes,
            result.growth / MIB,
            result.growth_max / MIB
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_too_long_or_takes_too_much_is_told() {
        let ms = Duration::from_millis;
        let well =
            || Seen { echo: ms(120), health: ms(9), late: ms(30), echoes: 4, healths: 4, peak: 0, trouble: None };
        assert_eq!(faults(&well(), 5, 5, ms(100)), Vec::<String>::new());
        for (seen, growth, told) in [
            (Seen { echo: ms(131), ..well() }, 0, "echo waited 131ms"),
            (Seen { health: ms(500), ..well() }, 0, "/_health waited 500ms"),
            (Seen { echoes: 0, ..well() }, 0, "echo waited"),
            (Seen { trouble: Some("cut off".into()), ..well() }, 0, "not served: cut off"),
            (well(), 6, "memory grew"),
        ] {
            let faults = faults(&seen, growth, 5, ms(100));
            assert!(faults.len() == 1 && faults[0].contains(told), "{told}: {faults:?}");
        }
    }
}
