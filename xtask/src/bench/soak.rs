//! `cargo xtask soak`: the gateway under clients and backends that mean no good, with bounds that it must keep.
//!
//! First what would make others wait (`stalls`), some seconds each. Then rounds of three torments, for as long as it was
//! told; a well-behaved client echoes all the while. It fails when memory grows beyond what the limits allow, when a `$disconnect` is missing or one too many,
//! when a full client is not answered 429, or when the well-behaved client waits too long.

mod backend;
pub(crate) mod million;
mod stalls;
mod torments;
mod watch;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;

use self::torments::{Done, SLOW_BYTES, SLOW_READERS, STUCK_BYTES, STUCK_POSTS};
use self::watch::Watch;
use crate::bench::options::{Options, within};
use crate::bench::process::{self, Gateway};
use crate::bench::procfs;

/// The API and stage that `serve --backend` makes. Source: the contract.
const PATH: &str = "/_aws/execute-api/gatewright/dev";
/// Files that this process needs beside the storm's clients: the gateway's calls to the backend are connections too.
const FILES_BESIDE: u64 = 6000;
/// How long the last `$disconnect` calls of a torment may take to reach the backend.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);
/// How long one torment may take in all; the soak ends with an error rather than never.
const TORMENT_LIMIT: Duration = Duration::from_secs(180);

/// Memory that grows with no torment: what the allocator keeps, code that is used for the first time, tables.
const SLACK: u64 = 48 * MIB;
/// For each connection of a storm: the aim for an idle one is 1.5 KiB; the call of `$connect` or `$disconnect` that all of
/// them may have under way at once has a request, an answer and a read buffer.
const STORM_BYTES_EACH: u64 = 16 * 1024;
/// The limit `outbox-bytes`, and the frame that may go beyond it; the allocator's size classes take up to a quarter.
const SLOW_BYTES_EACH: u64 = (MIB + SLOW_BYTES as u64) * 5 / 4;
/// For each call at once: its body, read in pieces, and the HTTP connection that it came on.
const POST_BYTES_EACH: u64 = 2 * STUCK_BYTES as u64 + 24 * 1024;
/// How much more the gateway may hold after the last round than after the first: all rounds are alike, so that growth is a
/// leak; an allocator's memory moves by this much.
const GROWTH_MAX: u64 = 32 * MIB;
/// The well-behaved client's round trips. On the machine of two cores the torments run beside the gateway and take more
/// than it does, so these bound being starved and not being fast.
const P99_MAX: Duration = Duration::from_millis(1000);
const LATENCY_MAX: Duration = Duration::from_millis(5000);

const MIB: u64 = 1024 * 1024;

/// One torment in one round.
struct Phase {
    round: usize,
    name: &'static str,
    before: u64,
    after: u64,
    /// How much memory may grow at its peak.
    growth_max: u64,
    seen: watch::Seen,
    done: Done,
    /// `$connect` calls of this phase, and `$disconnect` calls.
    connects: usize,
    disconnects: usize,
    seconds: f64,
}

struct Settings {
    time: Duration,
    connections: usize,
    /// The stalls only, whose names hold this text, or `all`.
    stalls: Option<String>,
    /// What the stalls are held to.
    bounds: stalls::Bounds,
    bin: Option<PathBuf>,
    json: bool,
}

/// Runs the soak; true when every bound was kept.
///
/// # Errors
/// Wrong usage, a process that does not start, an answer that no bound foresees.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    if let Some(("million", rest)) = words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return million::run(rest);
    }
    let mut options = Options::new(words);
    let settings = Settings {
        time: Duration::from_secs(within("--seconds", options.value("--seconds", 60)?, 1..=86_400)?),
        connections: within("--connections", options.value("--connections", 10_000)?, 100..=200_000)?,
        stalls: options.optional("--stalls")?,
        bounds: stalls::Bounds {
            lag_max: Duration::from_millis(options.value("--lag-ms", stalls::LAG_MAX.as_millis() as u64)?),
            time: Duration::from_secs(within(
                "--stall-seconds",
                options.value("--stall-seconds", stalls::TIME.as_secs())?,
                1..=600,
            )?),
        },
        bin: options.bin()?,
        json: options.flag("--json"),
    };
    options.end()?;
    let files = procfs::open_files_max(std::process::id())?;
    let wanted = match settings.stalls {
        Some(_) => stalls::FILES,
        None => settings.connections as u64 + FILES_BESIDE,
    };
    ensure!(files >= wanted, "{wanted} open files are needed, {files} are allowed: ulimit -n, or fewer --connections");
    let program = process::program(settings.bin.clone())?;
    let runtime = process::runtime()?;
    let stalled = runtime.block_on(async {
        let (backend, _) = backend::start().await?;
        stalls::run(&program, backend, settings.stalls.as_deref(), settings.bounds).await
    })?;
    let phases = match settings.stalls {
        Some(_) => Vec::new(),
        None => runtime.block_on(soak(&settings, &program))?,
    };
    let broken = [stalls::broken(&stalled), broken(&phases)].concat();
    report(&settings, &stalled, &phases, &broken);
    Ok(broken.is_empty())
}

async fn soak(settings: &Settings, program: &std::path::Path) -> anyhow::Result<Vec<Phase>> {
    let (backend, seen) = backend::start().await?;
    let gateway = Gateway::start(program, backend).await?;
    let (at, pid) = (gateway.address, gateway.pid);
    let mut watch = Watch::start(at, pid, PATH).await?;
    let (begun, mut phases) = (Instant::now(), Vec::new());
    let mut round = 0;
    // At least two rounds: a leak is what the second adds.
    while round < 2 || begun.elapsed() < settings.time {
        round += 1;
        // The slow readers come last: the allocator keeps for a while what they took, which would hide what others take.
        for name in ["storm", "one stuck client", "slow readers"] {
            watch.take().await?;
            let (before, started) = (procfs::resident(pid)?, Instant::now());
            let counts = || (seen.connects.load(Ordering::Acquire), seen.disconnects.load(Ordering::Acquire));
            let counted = counts();
            let torment = async {
                Ok::<_, anyhow::Error>(match name {
                    "storm" => {
                        let (opened, closed) = torments::storm(at, settings.connections).await?;
                        eprintln!("round {round}: opened in {opened:.1} s, dropped in {closed:.1} s");
                        Done::default()
                    }
                    "slow readers" => torments::slow_readers(at).await?,
                    _ => torments::one_stuck(at).await?,
                })
            };
            let done = tokio::time::timeout(TORMENT_LIMIT, torment).await??;
            // The healthy client stays. Whether it comes to that is one of the bounds, and not an error.
            let _ = seen.settles(1, SETTLE_LIMIT).await;
            let growth_max = SLACK
                + match name {
                    "storm" => settings.connections as u64 * STORM_BYTES_EACH,
                    "slow readers" => SLOW_READERS as u64 * SLOW_BYTES_EACH,
                    _ => STUCK_POSTS as u64 * POST_BYTES_EACH + SLOW_BYTES_EACH,
                };
            let seconds = started.elapsed().as_secs_f64();
            let (after, now) = (procfs::resident(pid)?, counts());
            phases.push(Phase {
                round,
                name,
                before,
                after,
                growth_max,
                seen: watch.take().await?,
                done,
                connects: now.0 - counted.0,
                disconnects: now.1 - counted.1,
                seconds,
            });
        }
    }
    Ok(phases)
}

/// The bounds that were not kept, a sentence each.
fn broken(phases: &[Phase]) -> Vec<String> {
    let mut broken = Vec::new();
    for phase in phases {
        let mut fault = |text: String| broken.push(format!("round {}, {}: {text}", phase.round, phase.name));
        let growth = phase.seen.peak.saturating_sub(phase.before);
        if growth > phase.growth_max {
            fault(format!("memory grew by {} MiB, {} are allowed", growth / MIB, phase.growth_max / MIB));
        }
        if phase.connects != phase.disconnects {
            fault(format!("{} accepted $connect, {} $disconnect", phase.connects, phase.disconnects));
        }
        if phase.name != "storm" && phase.done.posts_full == 0 {
            fault("no post was answered 429".to_owned());
        }
        let (p99, max) = (phase.seen.latency(0.99), phase.seen.latency(1.0));
        if phase.seen.latencies.is_empty() || p99 > P99_MAX || max > LATENCY_MAX {
            fault(format!(
                "the healthy client had {} answers, p99 {p99:?} (at most {P99_MAX:?}), max {max:?} (at most {LATENCY_MAX:?})",
                phase.seen.latencies.len()
            ));
        }
    }
    let after = |round: usize| phases.iter().rfind(|phase| phase.round == round).map_or(0, |phase| phase.after);
    let last = phases.last().map_or(0, |phase| phase.round);
    let growth = after(last).saturating_sub(after(1));
    if growth > GROWTH_MAX {
        let (growth, max) = (growth / MIB, GROWTH_MAX / MIB);
        broken.push(format!("from round 1 to round {last} memory grew by {growth} MiB, {max} are allowed"));
    }
    broken
}

fn report(settings: &Settings, stalled: &[stalls::Result], phases: &[Phase], broken: &[String]) {
    let mib = |bytes: u64| (bytes as f64 / MIB as f64 * 10.0).round() / 10.0;
    let ms = |time: Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
    if settings.json {
        let rows: Vec<_> = phases
            .iter()
            .map(|phase| {
                json!({
                    "round": phase.round, "torment": phase.name, "seconds": phase.seconds,
                    "before_mib": mib(phase.before), "peak_mib": mib(phase.seen.peak), "after_mib": mib(phase.after),
                    "growth_max_mib": mib(phase.growth_max), "connects": phase.connects, "disconnects": phase.disconnects,
                    "posts_taken": phase.done.posts_taken, "posts_full": phase.done.posts_full,
                    "healthy": phase.seen.latencies.len(), "p50_ms": ms(phase.seen.latency(0.5)),
                    "p99_ms": ms(phase.seen.latency(0.99)), "max_ms": ms(phase.seen.latency(1.0)),
                })
            })
            .collect();
        println!(
            "{}",
            json!({ "stalls": stalls::as_json(stalled), "soak": rows, "connections": settings.connections, "broken": broken })
        );
        return;
    }
    stalls::print(stalled, settings.bounds.time);
    if !phases.is_empty() {
        print(settings, phases);
    }
    for line in broken {
        println!("NOT KEPT: {line}");
    }
    if broken.is_empty() {
        println!("every bound was kept");
    }
}

fn print(settings: &Settings, phases: &[Phase]) {
    let mib = |bytes: u64| (bytes as f64 / MIB as f64 * 10.0).round() / 10.0;
    let ms = |time: Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
    println!(
        "{} connections in a storm; memory is VmRSS in MiB; latency of the healthy client in ms",
        settings.connections
    );
    println!(
        "{:<20}{:>7}{:>9}{:>9}{:>9}{:>11}{:>10}{:>12}{:>8}{:>7}{:>8}{:>8}{:>8}{:>8}",
        "",
        "s",
        "before",
        "peak",
        "after",
        "growth ≤",
        "$connect",
        "$disconnect",
        "200",
        "429",
        "echoes",
        "p50",
        "p99",
        "max"
    );
    for phase in phases {
        println!(
            "{:<20}{:>7.1}{:>9}{:>9}{:>9}{:>11}{:>10}{:>12}{:>8}{:>7}{:>8}{:>8}{:>8}{:>8}",
            format!("{} {}", phase.round, phase.name),
            phase.seconds,
            mib(phase.before),
            mib(phase.seen.peak),
            mib(phase.after),
            mib(phase.growth_max),
            phase.connects,
            phase.disconnects,
            phase.done.posts_taken,
            phase.done.posts_full,
            phase.seen.latencies.len(),
            ms(phase.seen.latency(0.5)),
            ms(phase.seen.latency(0.99)),
            ms(phase.seen.latency(1.0)),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut Phase);

    fn phase(round: usize, name: &'static str) -> Phase {
        let seen = watch::Seen { peak: 20 * MIB, latencies: vec![Duration::from_millis(1)] };
        let done = Done { posts_taken: 1, posts_full: 1 };
        let (before, after, growth_max) = (10 * MIB, 15 * MIB, 10 * MIB);
        Phase { round, name, before, after, growth_max, seen, done, connects: 5, disconnects: 5, seconds: 1.0 }
    }

    #[test]
    fn a_bound_that_is_kept_says_nothing_and_each_that_is_not_is_told() {
        assert_eq!(broken(&[phase(1, "storm"), phase(2, "slow readers")]), Vec::<String>::new());
        let changes: [(Change, &str); 6] = [
            (|phase| phase.seen.peak += 1, "memory grew by"),
            (|phase| phase.disconnects = 4, "5 accepted $connect, 4 $disconnect"),
            (|phase| phase.disconnects = 6, "5 accepted $connect, 6 $disconnect"),
            (|phase| phase.done.posts_full = 0, "no post was answered 429"),
            (|phase| phase.seen.latencies.clear(), "had 0 answers"),
            (|phase| phase.after += 40 * MIB, "from round 1 to round 2 memory grew by 40 MiB"),
        ];
        for (change, told) in changes {
            let mut last = phase(2, "slow readers");
            change(&mut last);
            let broken = broken(&[phase(1, "storm"), last]);
            assert!(broken.len() == 1 && broken[0].contains(told), "{told}: {broken:?}");
        }
    }
}
