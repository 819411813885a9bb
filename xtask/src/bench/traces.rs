//! `bench traces`: what it costs to see what becomes of messages, beside messages that nobody looks at.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bench::backend::{self, Backend};
use crate::bench::control;
use crate::bench::http::HttpConnection;
use crate::bench::load::Lines;
use crate::bench::messages::{Lane, Round, median};
use crate::bench::options::{Options, within};
use crate::bench::payload::MESSAGE_BYTES_MIN;
use crate::bench::process::{self, Gateway, Start};

/// The most that a message may cost where each of its steps is kept, as a ratio to one that nobody looks at. Source: ours.
const KEPT_AIM: f64 = 1.25;
/// The least rate with a page open, as a ratio to that without. Source: ours.
const PAGE_AIM: f64 = 0.9;
/// How long each load runs before the first measurement, unmeasured.
const WARM_UP: Duration = Duration::from_secs(1);

struct Settings {
    time: Duration,
    connections: usize,
    size: usize,
    rounds: usize,
    bin: Option<PathBuf>,
    json: bool,
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
        let gateway = Gateway::start(&program, backend.address).await?;
        // Its collector takes everything at once.
        let endpoint = format!("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://{}{}", backend.address, backend::EMPTY);
        let start = Start { environment: vec![endpoint], ..Start::default() };
        let exporting = Gateway::start_with(&program, backend.address, start).await?;
        let count = settings.connections;
        let (at, pid) = (gateway.address, gateway.pid);
        let plain = control::create(at, backend.address, true).await?.path;
        let watched = control::create(at, backend.address, true).await?.path;
        watch(at, &watched).await?;
        let exported = control::create(exporting.address, backend.address, true).await?.path;
        let lane = |name, what, pid, lines| Lane { name, what, pid, lines, rounds: Vec::new() };
        let mut lanes = vec![
            lane("off", "nobody looks", pid, Lines::two_way(at, &plain, count).await?),
            lane("kept", "the stage is watched: every step is kept", pid, Lines::two_way(at, &watched, count).await?),
            lane("page", "nobody watches it, and a page is open", pid, Lines::two_way(at, &plain, count).await?),
            lane(
                "spans",
                "every event goes to a collector as spans",
                exporting.pid,
                Lines::two_way(exporting.address, &exported, count).await?,
            ),
        ];
        for lane in &mut lanes {
            lane.lines.run(settings.size, WARM_UP).await.with_context(|| format!("warm up {}", lane.name))?;
        }
        for round in 1..=settings.rounds {
            for lane in &mut lanes {
                let page = if lane.name == "page" { Some(page(at).await?) } else { None };
                lane.measure(round, settings.size, settings.time).await?;
                page.inspect(|page| page.abort());
            }
        }
        report(&settings, &lanes);
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

// `path` is that of the stage's clients: its last parts are the API and the stage.
async fn watch(gateway: SocketAddr, path: &str) -> anyhow::Result<()> {
    let mut parts = path.rsplit('/');
    let (stage, api) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let body = json!({ "apiId": api, "stage": stage, "on": true }).to_string();
    let mut connection = HttpConnection::open(gateway).await?;
    let (status, answer) = connection.request(Method::POST, "/_gatewright/v1/watch", Bytes::from(body)).await?;
    ensure!(status == StatusCode::OK, "watch the stage: {status} {}", String::from_utf8_lossy(&answer));
    Ok(())
}

/// Follows the events as the console does, and drops what it reads.
async fn page(gateway: SocketAddr) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let mut socket = TcpStream::connect(gateway).await.context("open the page's feed")?;
    let request = format!("GET /_gatewright/v1/live HTTP/1.1\r\nHost: {gateway}\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut bytes = vec![0; 64 * 1024];
    let read = socket.read(&mut bytes).await?;
    ensure!(bytes[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&bytes[..read]));
    Ok(tokio::spawn(async move { while socket.read(&mut bytes).await.is_ok_and(|read| read > 0) {} }))
}

fn report(settings: &Settings, lanes: &[Lane]) {
    let cost = |lane: &Lane| median(&lane.rounds, Round::cost);
    let rate = |lane: &Lane| median(&lane.rounds, Round::per_second);
    let Some(off) = lanes.first() else { return };
    let ratios = |lane: &Lane| (cost(lane) / cost(off), rate(lane) / rate(off));
    if settings.json {
        let row = |lane: &Lane| {
            let (cost_ratio, rate_ratio) = ratios(lane);
            json!({ "name": lane.name, "what": lane.what, "cpu_us": cost(lane), "per_second": rate(lane).round(), "cpu_ratio": cost_ratio, "rate_ratio": rate_ratio })
        };
        let rows: Vec<Value> = lanes.iter().map(row).collect();
        println!(
            "{}",
            json!({ "bench": "traces", "connections": settings.connections, "bytes": settings.size, "rounds": settings.rounds, "lanes": rows })
        );
        return;
    }
    println!(
        "messages of {} bytes with a reply, {} connections, one in flight on each; medians of {} rounds",
        settings.size, settings.connections, settings.rounds
    );
    println!("{:<44}{:>8}{:>8}{:>11}{:>8}", "", "CPU µs", "ratio", "a second", "ratio");
    for lane in lanes {
        let (cost_ratio, rate_ratio) = ratios(lane);
        let aim = match lane.name {
            "kept" => format!("aim: CPU ≤ {KEPT_AIM} ×, {}", verdict(cost_ratio <= KEPT_AIM)),
            "page" => format!("aim: rate ≥ {PAGE_AIM} ×, {}", verdict(rate_ratio >= PAGE_AIM)),
            "off" => "the measure".to_owned(),
            _ => String::new(),
        };
        println!("{:<44}{:>8.2}{cost_ratio:>8.2}{:>11.0}{rate_ratio:>8.2}  {aim}", lane.what, cost(lane), rate(lane));
    }
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}
