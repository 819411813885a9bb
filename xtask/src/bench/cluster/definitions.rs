//! The control plane of many nodes: writes a second, and how soon a new node has everything.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Folder, Place, Settings};
use crate::bench::http::HttpConnection;
use crate::bench::plane::Figures;
use crate::bench::process::Gateway;

/// Writers at once, beside the one alone.
const WRITERS: usize = 8;
/// Who fills the large store at once: each waits for NATS most of the time.
const FILLERS: usize = 16;
/// Nodes that the writers are spread over.
const NODES: usize = 3;
const STAGE: &str = "bench";

/// Writes in one arrangement.
pub(super) struct Writes {
    what: &'static str,
    figures: Figures,
    /// Those that were answered otherwise than with success: two nodes at one thing, or no time.
    refused: usize,
}

/// How long a node takes from its start until it is healthy; seconds, one for each round.
pub(super) struct Ready {
    apis: usize,
    routes: usize,
    /// How long it took to define them.
    filled: Duration,
    /// A node that is alone and has nothing.
    alone: Vec<Duration>,
    /// A node with an empty folder: it reads snapshot and log.
    new: Vec<Duration>,
    /// The same node again: it has its copy.
    again: Vec<Duration>,
}

/// Writes to a node that is alone, with its store on disk, and to a cluster.
///
/// # Errors
/// A node that does not start, or breaks off.
pub(super) async fn writes(place: &Place<'_>, settings: &Settings) -> anyhow::Result<Vec<Writes>> {
    let folder = Folder::make("alone")?;
    let alone = place.node(None, Some(folder.0.clone())).await?;
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(place.node(Some("writes"), None).await?);
    }
    let at = |gateways: &[Gateway]| gateways.iter().map(|gateway| gateway.address).collect::<Vec<_>>();
    let (alone, one, all) = (vec![alone.address], at(&nodes[..1]), at(&nodes));
    let mut writes = Vec::new();
    for (what, at, writers) in [
        ("alone, 1 writer", &alone, 1),
        ("alone, 8 writers", &alone, WRITERS),
        ("cluster, 1 writer", &one, 1),
        ("cluster, 8 on one node", &one, WRITERS),
        ("cluster, 8 on 3 nodes", &all, WRITERS),
    ] {
        let written = write(what, at, writers, settings.time).await.with_context(|| format!("write: {what}"))?;
        eprintln!("{what:<24} {:>7.0} a second", written.figures.rate);
        writes.push(written);
    }
    drop(nodes);
    Ok(writes)
}

/// Each writer changes a route of its own, one time after the other.
async fn write(what: &'static str, at: &[SocketAddr], writers: usize, time: Duration) -> anyhow::Result<Writes> {
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for number in 0..writers {
        let node = at[number % at.len()];
        tasks.spawn(async move {
            let mut http = HttpConnection::open(node).await?;
            let api = api(&mut http, 1).await?;
            let routes = http.request(Method::GET, &format!("{api}/routes"), "".into()).await?.1;
            let routes: Value = serde_json::from_slice(&routes)?;
            let route = format!("{api}/routes/{}", text(&routes["items"][0], "routeId")?);
            let (mut times, mut refused) = (Vec::new(), 0);
            let begun = Instant::now();
            while begun.elapsed() < time {
                let body = json!({ "operationName": format!("n{}", times.len()) }).to_string();
                let asked = Instant::now();
                let (status, answer) = http.request(Method::PATCH, &route, body.into()).await?;
                match status {
                    StatusCode::OK => times.push(asked.elapsed()),
                    StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                        refused += 1
                    }
                    _ => anyhow::bail!("PATCH {route}: {status} {}", String::from_utf8_lossy(&answer)),
                }
            }
            Ok((times, refused))
        });
    }
    let (mut times, mut refused) = (Vec::new(), 0);
    while let Some(done) = tasks.join_next().await {
        let (its, denied): (Vec<Duration>, usize) = done.context("a writer was lost")??;
        times.extend(its);
        refused += denied;
    }
    ensure!(!times.is_empty(), "no write was taken in {} s", begun.elapsed().as_secs());
    Ok(Writes { what, figures: Figures::new(what, times, time), refused })
}

/// An API with so many routes, deployed: its path.
async fn api(http: &mut HttpConnection, routes: usize) -> anyhow::Result<String> {
    let api = json!({"name": "n", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"});
    let api = format!("/v2/apis/{}", text(&http.create("/v2/apis", &api).await?, "apiId")?);
    let mock = http.create(&format!("{api}/integrations"), &json!({"integrationType": "MOCK"})).await?;
    let target = format!("integrations/{}", text(&mock, "integrationId")?);
    for number in 0..routes {
        http.create(&format!("{api}/routes"), &json!({"routeKey": format!("route{number}"), "target": target})).await?;
    }
    http.create(&format!("{api}/stages"), &json!({"stageName": STAGE})).await?;
    http.create(&format!("{api}/deployments"), &json!({"stageName": STAGE})).await?;
    Ok(api)
}

fn text(document: &Value, member: &str) -> anyhow::Result<String> {
    Ok(document[member].as_str().with_context(|| format!("no {member} in the answer {document}"))?.to_owned())
}

/// Fills a cluster call by call, as users do, so that log and snapshots are as they would be; then starts nodes.
///
/// # Errors
/// A node that does not start, a call that is refused.
pub(super) async fn ready(place: &Place<'_>, settings: &Settings) -> anyhow::Result<Ready> {
    const NAME: Option<&str> = Some("large");
    let first = place.node(NAME, None).await?;
    eprintln!("defining {} APIs with {} routes each", settings.apis, settings.routes);
    let begun = Instant::now();
    fill(first.address, settings.apis, settings.routes).await?;
    let mut ready = Ready {
        apis: settings.apis,
        routes: settings.routes,
        filled: begun.elapsed(),
        alone: Vec::new(),
        new: Vec::new(),
        again: Vec::new(),
    };
    for round in 1..=settings.rounds {
        ready.alone.push(started(place, None, None).await?);
        let folder = Folder::make(&format!("new-{round}"))?;
        ready.new.push(started(place, NAME, Some(folder.0.clone())).await?);
        ready.again.push(started(place, NAME, Some(folder.0.clone())).await?);
        eprintln!("round {round}, ready after {:?}", ready.new.last().unwrap_or(&Duration::ZERO));
    }
    Ok(ready)
}

/// From the start of a process to `/_health` with 200.
async fn started(place: &Place<'_>, cluster: Option<&str>, data_dir: Option<PathBuf>) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let gateway = place.node(cluster, data_dir).await?;
    let took = begun.elapsed();
    // Long enough for its copy to be written.
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(gateway);
    Ok(took)
}

async fn fill(node: SocketAddr, apis: usize, routes: usize) -> anyhow::Result<()> {
    let left = Arc::new(AtomicUsize::new(apis));
    let mut tasks = JoinSet::new();
    for _ in 0..FILLERS {
        let left = left.clone();
        tasks.spawn(async move {
            let mut http = HttpConnection::open(node).await?;
            while left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok() {
                api(&mut http, routes).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.context("a task that defines was lost")??;
    }
    Ok(())
}

/// The table of writes.
pub(super) fn print(writes: &[Writes]) {
    println!("changes of a route by the control plane");
    println!("{:<26}{:>10}{:>10}{:>10}{:>10}{:>10}", "", "a second", "p50 µs", "p99 µs", "max µs", "refused");
    for Writes { what, figures, refused } in writes {
        let [p50, p99, max] = [50, 99, 100].map(|percent| figures.percentile(percent));
        println!("{what:<26}{:>10.0}{p50:>10.0}{p99:>10.0}{max:>10.0}{refused:>10}", figures.rate);
    }
}

impl Writes {
    pub(super) fn as_json(&self) -> Value {
        let [p50, p99, max] = [50, 99, 100].map(|percent| self.figures.percentile(percent));
        json!({
            "what": self.what, "per_second": self.figures.rate, "p50_us": p50, "p99_us": p99, "max_us": max,
            "refused": self.refused,
        })
    }
}

impl Ready {
    fn rows(&self) -> [(&'static str, &'static str, f64); 3] {
        [
            ("alone", "a node alone that has nothing", middle(&self.alone)),
            ("new", "a new node of the cluster", middle(&self.new)),
            ("again", "the same node with its copy", middle(&self.again)),
        ]
    }

    pub(super) fn print(&self) {
        let (apis, routes, filled) = (self.apis, self.routes, self.filled.as_secs_f64());
        println!("from start to ready, {apis} APIs with {routes} routes each (defined in {filled:.1} s, call by call)");
        for (_, what, seconds) in self.rows() {
            println!("{what:<32}{seconds:>8.2} s");
        }
    }

    pub(super) fn as_json(&self) -> Value {
        let mut row = json!({ "apis": self.apis, "routes": self.routes, "filled_seconds": self.filled.as_secs_f64() });
        for (name, _, seconds) in self.rows() {
            row[name] = json!(seconds);
        }
        row
    }
}

/// The middle one, in seconds.
fn middle(times: &[Duration]) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_odd_and_even_many_is_one_of_them() {
        let times = [3, 1, 2].map(Duration::from_secs);
        assert_eq!((middle(&times), middle(&times[..2]), middle(&times[..1])), (2.0, 3.0, 3.0));
        assert!(middle(&[]).is_nan());
    }
}
