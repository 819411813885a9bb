//! `bench messages`: CPU time of the gateway per message, beside a bare hyper reverse proxy in the same run.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use crate::bench::aims::Aims;
use crate::bench::backend::Backend;
use crate::bench::http::HttpConnection;
use crate::bench::load::Lines;
use crate::bench::options::{Options, within};
use crate::bench::payload::MESSAGE_BYTES_MIN;
use crate::bench::process::{self, Gateway, Process, Start};
use crate::bench::{control, procfs, proxy, sign};

/// The aims, as ratios to the proxy's cost per request.
///
/// Source: ours, 1.5 times the proxy now and once later.
const AIMS: Aims = Aims { now: 1.5, later: 1.0 };
/// The most that a signed push may cost, as a ratio to an unsigned one in the same run. Source: ours.
const SIGNED_AIM: f64 = 1.25;
/// How long each load runs before the first measurement, unmeasured.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long the proxy may take to start.
const PROXY_START: Duration = Duration::from_secs(10);

struct Settings {
    time: Duration,
    connections: usize,
    size: usize,
    rounds: usize,
    bin: Option<PathBuf>,
    json: bool,
}

/// One of the things that are measured, in turn with the others.
pub(super) struct Lane {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) pid: u32,
    pub(super) lines: Lines,
    pub(super) rounds: Vec<Round>,
}

/// One measurement.
#[derive(Clone, Copy)]
pub(super) struct Round {
    pub(super) units: u64,
    pub(super) cpu: Duration,
    pub(super) wall: Duration,
}

impl Round {
    /// CPU time per unit, in microseconds.
    pub(super) fn cost(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.units.max(1) as f64
    }

    pub(super) fn per_second(&self) -> f64 {
        self.units as f64 / self.wall.as_secs_f64().max(f64::EPSILON)
    }
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
        let proxy = Process::role(proxy::ROLE, &[backend.address.to_string()])?;
        let proxy_at: SocketAddr = proxy.line(PROXY_START)?.parse().context("read the proxy's address")?;
        let gateway = Gateway::start(&program, backend.address).await?;
        let credentials = Credentials::write()?;
        let options = vec!["--credentials".to_owned(), credentials.0.display().to_string()];
        let start = Start { options, ..Start::default() };
        let guarded = Gateway::start_with(&program, backend.address, start).await?;
        let mut lanes = lanes(&settings, &backend, (proxy.id(), proxy_at), (&gateway, &guarded)).await?;
        measure(&settings, &mut lanes).await?;
        report(&settings, &lanes);
        Ok(true)
    })
}

/// The file of the gateway that asks who calls; gone with the bench.
struct Credentials(PathBuf);

impl Credentials {
    fn write() -> anyhow::Result<Credentials> {
        let path = std::env::temp_dir().join(format!("gatewright-bench-{}.toml", std::process::id()));
        std::fs::write(&path, sign::credentials()).with_context(|| format!("write {}", path.display()))?;
        Ok(Credentials(path))
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn settings(words: &[String]) -> anyhow::Result<Settings> {
    let mut options = Options::new(words);
    let settings = Settings {
        time: Duration::from_secs(within("--seconds", options.value("--seconds", 5)?, 1..=600)?),
        connections: within("--connections", options.value("--connections", 64)?, 1..=4096)?,
        size: within("--size", options.value("--size", 128)?, MESSAGE_BYTES_MIN..=32 * 1024)?,
        rounds: within("--rounds", options.value("--rounds", 3)?, 1..=99)?,
        bin: options.bin()?,
        json: options.flag("--json"),
    };
    options.end()?;
    Ok(settings)
}

/// Makes the APIs and opens every connection that is measured later.
async fn lanes(
    settings: &Settings,
    backend: &Backend,
    (proxy, proxy_at): (u32, SocketAddr),
    (gateway, guarded): (&Gateway, &Gateway),
) -> anyhow::Result<Vec<Lane>> {
    let count = settings.connections;
    let (at, pid) = (gateway.address, gateway.pid);
    let two_way = control::create(at, backend.address, true).await?.path;
    let one_way = control::create(at, backend.address, false).await?.path;
    let control = HttpConnection::open(guarded.address).await?.signing("apigateway");
    let signed = control::create_by(control, backend.address, true).await?.path;
    let lane = |name, what, pid, lines| Lane { name, what, pid, lines, rounds: Vec::new() };
    let arrivals = backend.arrivals.clone();
    Ok(vec![
        lane("proxy", "HTTP request through a bare hyper proxy", proxy, Lines::http(proxy_at, count).await?),
        lane("two-way", "message → backend → reply frame", pid, Lines::two_way(at, &two_way, count).await?),
        lane("one-way", "message → backend", pid, Lines::one_way(at, &one_way, count, arrivals).await?),
        lane("push", "POST @connections → frame", pid, Lines::push(at, &two_way, count, false).await?),
        lane("signed", "the same, signed", guarded.pid, Lines::push(guarded.address, &signed, count, true).await?),
    ])
}

/// Measures each lane in turn, several times over, so that what else the machine does meets all of them alike.
async fn measure(settings: &Settings, lanes: &mut [Lane]) -> anyhow::Result<()> {
    for lane in lanes.iter_mut() {
        lane.lines.run(settings.size, WARM_UP).await.with_context(|| format!("warm up {}", lane.name))?;
    }
    for round in 1..=settings.rounds {
        for lane in lanes.iter_mut() {
            lane.measure(round, settings.size, settings.time).await?;
        }
    }
    Ok(())
}

impl Lane {
    /// One round: what its messages cost.
    ///
    /// # Errors
    /// A message that is not answered as it should be.
    pub(super) async fn measure(&mut self, round: usize, size: usize, time: Duration) -> anyhow::Result<()> {
        let (before, start) = (procfs::cpu(self.pid)?, Instant::now());
        let units = self.lines.run(size, time).await.with_context(|| format!("measure {}", self.name))?;
        let cpu = procfs::cpu(self.pid)?.saturating_sub(before);
        let measured = Round { units, cpu, wall: start.elapsed() };
        eprintln!("round {round}, {:<8} {:>7.2} µs", self.name, measured.cost());
        self.rounds.push(measured);
        Ok(())
    }
}

fn report(settings: &Settings, lanes: &[Lane]) {
    let (count, size, rounds) = (settings.connections, settings.size, settings.rounds);
    let base = lanes.first().map_or(1.0, |lane| median(&lane.rounds, Round::cost));
    if settings.json {
        let rows: Vec<Value> = lanes.iter().map(|lane| row(lane, base)).collect();
        println!(
            "{}",
            json!({
                "bench": "messages", "connections": count, "bytes": size, "rounds": rounds,
                "seconds": settings.time.as_secs(), "aim_now": AIMS.now, "aim_later": AIMS.later, "lanes": rows,
                "signed_to_push": signed_to_push(lanes), "signed_aim": SIGNED_AIM,
            })
        );
        return;
    }
    println!("messages of {size} bytes, {count} connections, one in flight on each; medians of {rounds} rounds");
    let aims = format!("aims: ≤ {} × now, ≤ {} × later", AIMS.now, AIMS.later);
    println!("{:<42}{:>8}{:>8}{:>11}  {aims}", "", "CPU µs", "ratio", "a second");
    for lane in lanes {
        let (cost, rate) = (median(&lane.rounds, Round::cost), median(&lane.rounds, Round::per_second));
        let ratio = cost / base;
        let verdict = if lane.name == "proxy" { "the measure" } else { AIMS.verdict(ratio) };
        println!("{:<42}{cost:>8.2}{ratio:>8.2}{rate:>11.0}  {verdict}", lane.what);
    }
    let ratio = signed_to_push(lanes);
    let verdict = if ratio <= SIGNED_AIM { "met" } else { "missed" };
    println!("a signed push costs {ratio:.2} × an unsigned one; aim: ≤ {SIGNED_AIM} ×, {verdict}");
}

fn signed_to_push(lanes: &[Lane]) -> f64 {
    let cost = |name| lanes.iter().find(|lane| lane.name == name).map(|lane| median(&lane.rounds, Round::cost));
    cost("signed").zip(cost("push")).map_or(f64::NAN, |(signed, push)| signed / push)
}

fn row(lane: &Lane, base: f64) -> Value {
    let rounded = |x: f64| (x * 1000.0).round() / 1000.0;
    let costs: Vec<f64> = lane.rounds.iter().map(|round| rounded(round.cost())).collect();
    let cost = median(&lane.rounds, Round::cost);
    json!({
        "name": lane.name, "what": lane.what, "cpu_us": rounded(cost), "ratio": rounded(cost / base),
        "per_second": median(&lane.rounds, Round::per_second).round(), "cpu_us_rounds": costs,
    })
}

pub(super) fn median(rounds: &[Round], figure: fn(&Round) -> f64) -> f64 {
    let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    match figures.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => figures[n / 2],
        n => f64::midpoint(figures[n / 2 - 1], figures[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(units: u64, cpu_millis: u64) -> Round {
        Round { units, cpu: Duration::from_millis(cpu_millis), wall: Duration::from_secs(2) }
    }

    #[test]
    fn a_cost_is_cpu_time_per_unit() {
        assert_eq!(round(1000, 20).cost(), 20.0);
        assert_eq!(round(1000, 20).per_second(), 500.0);
    }

    #[test]
    fn a_signed_push_is_compared_with_an_unsigned_one() {
        let lane =
            |name, cpu| Lane { name, what: "", pid: 0, lines: Lines::Http(Vec::new()), rounds: vec![round(1000, cpu)] };
        assert_eq!(signed_to_push(&[lane("proxy", 5), lane("push", 20), lane("signed", 24)]), 1.2);
        assert!(signed_to_push(&[lane("push", 20)]).is_nan());
    }

    #[test]
    fn the_median_is_the_middle() {
        let rounds = [round(1000, 30), round(1000, 10), round(1000, 90)];
        assert_eq!(median(&rounds, Round::cost), 30.0);
        assert_eq!(median(&rounds[..2], Round::cost), 20.0);
        assert!(median(&[], Round::cost).is_nan());
    }
}
