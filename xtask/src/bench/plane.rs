//! `bench control`: the control plane as a library with its store on disk: reads and writes a second, how long a write
//! takes with the disk's part in it, and how long a change of one API among many takes to reach the data plane.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use bytes::Bytes;
use control::store::{DiskStore, MemoryStore, Store};
use control::{Caller, Control, Settings, transfer};
use serde_json::{Value, json};
use types::arn::Home;
use types::{Snapshot, StageKey};

use crate::bench::options::{Options, within};

/// APIs and routes of each in the large store. Source: ours; AWS allows 300 routes (docs/aws/data-plane.md 9).
const APIS: usize = 100;
const ROUTES: usize = 300;
/// Threads that write at once, beside the one alone.
const WRITERS: usize = 8;
/// How often one API is deployed anew among the others.
const DEPLOYMENTS: usize = 50;
const STAGE: &str = "bench";

/// Figures of one measurement.
pub(super) struct Figures {
    name: &'static str,
    /// In a second.
    pub(super) rate: f64,
    /// Each call's time, ascending.
    times: Vec<Duration>,
}

impl Figures {
    pub(super) fn new(name: &'static str, mut times: Vec<Duration>, elapsed: Duration) -> Figures {
        times.sort_unstable();
        Figures { name, rate: times.len() as f64 / elapsed.as_secs_f64(), times }
    }

    /// How many calls there were.
    pub(super) fn count(&self) -> usize {
        self.times.len()
    }

    /// The time that so many of a hundred calls did not exceed, in microseconds.
    pub(super) fn percentile(&self, percent: usize) -> f64 {
        let at = (self.times.len() * percent / 100).min(self.times.len().saturating_sub(1));
        self.times.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
    }
}

/// A control plane, and what it published last.
struct Plane {
    control: Control,
    published: Arc<Mutex<Published>>,
}

#[derive(Default)]
struct Published {
    snapshot: Arc<Snapshot>,
    at: Option<Instant>,
}

impl Plane {
    fn open(store: Arc<dyn Store>) -> anyhow::Result<Plane> {
        let published = Arc::new(Mutex::new(Published::default()));
        let sink = published.clone();
        let publish = move |snapshot: Arc<Snapshot>, _: Vec<control::Remark>| {
            *sink.lock().unwrap_or_else(PoisonError::into_inner) = Published { snapshot, at: Some(Instant::now()) };
        };
        Ok(Plane { control: Control::open(settings(), store, Box::new(publish))?, published })
    }

    /// One call that must succeed.
    fn call(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = http::Request::builder().method(method).uri(path).body(body)?;
        let answer = self.control.handle(&Caller::program(), request);
        ensure!(answer.status().is_success(), "{method} {path}: {} {:?}", answer.status(), answer.body());
        if answer.body().is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(answer.body())?) }
    }

    fn published(&self) -> (Arc<Snapshot>, Option<Instant>) {
        let published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        (published.snapshot.clone(), published.at)
    }

    /// An API with so many routes, deployed: its path.
    fn api(&self, routes: usize) -> anyhow::Result<String> {
        let api = json!({"name": "n", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"});
        let api = format!("/v2/apis/{}", text(&self.call("POST", "/v2/apis", &api)?, "apiId")?);
        let mock = self.call("POST", &format!("{api}/integrations"), &json!({"integrationType": "MOCK"}))?;
        let target = format!("integrations/{}", text(&mock, "integrationId")?);
        for number in 0..routes {
            let route = json!({"routeKey": format!("route{number}"), "target": target});
            self.call("POST", &format!("{api}/routes"), &route)?;
        }
        self.call("POST", &format!("{api}/stages"), &json!({"stageName": STAGE}))?;
        self.call("POST", &format!("{api}/deployments"), &json!({"stageName": STAGE}))?;
        Ok(api)
    }
}

fn settings() -> Settings {
    let place = Home { region: "us-east-1".into(), account_id: "000000000000".into() };
    Settings::new(place, "localhost:4510".into())
}

fn text(document: &Value, member: &str) -> anyhow::Result<String> {
    Ok(document[member].as_str().with_context(|| format!("no {member} in the answer {document}"))?.to_owned())
}

/// Runs the bench; true when every call went well and no API but the changed one was published anew.
///
/// # Errors
/// Wrong usage, a disk that fails, or a control plane that refuses a call.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    let mut options = Options::new(words);
    let seconds = within("--seconds", options.value("--seconds", 2.0)?, 0.05..=60.0)?;
    let folder: Option<PathBuf> = options.optional("--data-dir")?;
    let json = options.flag("--json");
    options.end()?;
    let folder = match folder {
        Some(folder) => folder,
        // Not the system's folder for such things, which may be memory; the figures are about a disk.
        None => std::env::current_dir()?.join(format!("bench-control-{}", std::process::id())),
    };
    ensure!(!folder.exists(), "{} is there already; the bench makes and removes it", folder.display());
    let done = measure(&folder, Duration::from_secs_f64(seconds), APIS, ROUTES);
    let removed = std::fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()));
    let (figures, others) = done?;
    removed?;
    if json {
        println!("{}", as_json(&figures, others));
    } else {
        print(&figures, others);
    }
    Ok(others == 0)
}

/// All figures, and how many stages of other APIs were published anew when one was changed.
fn measure(folder: &Path, time: Duration, apis: usize, routes: usize) -> anyhow::Result<(Vec<Figures>, usize)> {
    let mut figures = Vec::new();
    let plane = Plane::open(Arc::new(DiskStore::open(&folder.join("small"))?))?;
    let api = plane.api(10)?;
    eprintln!("writing and reading, {} s each", time.as_secs_f64());
    figures.push(writes("write, one at a time", &plane, &api, 1, time)?);
    figures.push(writes("write, eight threads", &plane, &api, WRITERS, time)?);
    let route = plane.call("GET", &format!("{api}/routes?maxResults=1"), &Value::Null)?;
    let route = format!("{api}/routes/{}", text(&route["items"][0], "routeId")?);
    figures.push(reads("read one route", &plane, &route, time)?);
    figures.push(reads("list ten routes", &plane, &format!("{api}/routes?maxResults=10"), time)?);
    drop(plane);
    eprintln!("deploying one of {apis} APIs with {routes} routes each");
    let large = DiskStore::open(&folder.join("large"))?;
    fill(&large, apis, routes)?;
    let began = Instant::now();
    let plane = Plane::open(Arc::new(large))?;
    let opened = began.elapsed();
    figures.push(Figures::new("open the large store", vec![opened], opened));
    let others = deployments(&plane, &mut figures)?;
    Ok((figures, others))
}

/// Writes of a route's name until the time is over: each is on the disk before the next of its thread begins.
fn writes(name: &'static str, plane: &Plane, api: &str, writers: usize, time: Duration) -> anyhow::Result<Figures> {
    let routes: Vec<String> = (0..writers)
        .map(|_| {
            let key = format!("{name} {}", NUMBER.fetch_add(1, Ordering::Relaxed));
            let route = plane.call("POST", &format!("{api}/routes"), &json!({"routeKey": key}))?;
            Ok(format!("{api}/routes/{}", text(&route, "routeId")?))
        })
        .collect::<anyhow::Result<_>>()?;
    let began = Instant::now();
    let times = thread::scope(|scope| {
        let threads: Vec<_> = routes
            .iter()
            .map(|route| {
                scope.spawn(move || {
                    until(began + time, |number| {
                        plane.call("PATCH", route, &json!({"operationName": number.to_string()})).map(drop)
                    })
                })
            })
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a writer panicked"))?);
        joined.collect::<anyhow::Result<Vec<_>>>()
    })?;
    Ok(Figures::new(name, times.concat(), began.elapsed()))
}

/// Numbers route keys, which must differ.
static NUMBER: AtomicU64 = AtomicU64::new(0);

fn reads(name: &'static str, plane: &Plane, path: &str, time: Duration) -> anyhow::Result<Figures> {
    let began = Instant::now();
    let times = until(began + time, |_| plane.call("GET", path, &Value::Null).map(drop))?;
    Ok(Figures::new(name, times, began.elapsed()))
}

/// Each call's time, until the time is over.
fn until(end: Instant, call: impl Fn(usize) -> anyhow::Result<()>) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    while Instant::now() < end {
        let began = Instant::now();
        call(times.len())?;
        times.push(began.elapsed());
    }
    Ok(times)
}

/// Makes the large store in one batch: call by call, each waiting for the disk, it would take minutes.
fn fill(store: &DiskStore, apis: usize, routes: usize) -> anyhow::Result<()> {
    let memory = Arc::new(MemoryStore::default());
    let plane = Plane::open(memory.clone())?;
    for _ in 0..apis {
        plane.api(routes)?;
    }
    drop(plane);
    let exported = transfer::export(&*memory)?;
    transfer::import(&settings(), store, &serde_json::to_vec(&exported)?, false)?;
    Ok(())
}

/// Changes and deploys one API, again and again. How many stages of others were published anew: there should be none.
fn deployments(plane: &Plane, figures: &mut Vec<Figures>) -> anyhow::Result<usize> {
    let apis = plane.call("GET", "/v2/apis?maxResults=1", &Value::Null)?;
    let id = text(&apis["items"][0], "apiId")?;
    let api = format!("/v2/apis/{id}");
    let changed = StageKey { api_id: id, stage: STAGE.to_owned() };
    let (mut times, mut publications, mut others) = (Vec::new(), Vec::new(), 0);
    let all = Instant::now();
    for number in 0..DEPLOYMENTS {
        plane.call("PATCH", &api, &json!({"description": number.to_string()}))?;
        let (before, _) = plane.published();
        let began = Instant::now();
        plane.call("POST", &format!("{api}/deployments"), &json!({"stageName": STAGE}))?;
        times.push(began.elapsed());
        let (after, at) = plane.published();
        publications.push(at.context("nothing was published")?.saturating_duration_since(began));
        let is_other = |key: &&StageKey| **key != changed;
        let anew = |key: &&StageKey| !before.stages.get(*key).is_some_and(|old| Arc::ptr_eq(old, &after.stages[*key]));
        others += after.stages.keys().filter(is_other).filter(anew).count();
        ensure!(anew(&&changed), "the deployment of {} was not published", changed.api_id);
    }
    let elapsed = all.elapsed();
    figures.push(Figures::new("deploy one API of many", times, elapsed));
    figures.push(Figures::new("… until it is published", publications, elapsed));
    Ok(others)
}

fn print(figures: &[Figures], others: usize) {
    println!("{:<26} {:>10} {:>10} {:>10} {:>10}", "", "a second", "p50 µs", "p99 µs", "max µs");
    for figure in figures {
        let [p50, p99, max] = [50, 99, 100].map(|percent| figure.percentile(percent));
        println!("{:<26} {:>10.0} {p50:>10.0} {p99:>10.0} {max:>10.0}", figure.name, figure.rate);
    }
    println!("stages of other APIs published anew: {others}");
}

fn as_json(figures: &[Figures], others: usize) -> Value {
    let figures = figures.iter().map(|figure| {
        let [p50, p99, max] = [50, 99, 100].map(|percent| figure.percentile(percent));
        json!({"name": figure.name, "per_second": figure.rate, "p50_us": p50, "p99_us": p99, "max_us": max})
    });
    json!({"bench": "control", "figures": figures.collect::<Vec<_>>(), "others_published_anew": others})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_there_and_a_change_of_one_api_leaves_the_others_alone() {
        let folder = std::env::temp_dir().join(format!("bench-control-test-{}", std::process::id()));
        let done = measure(&folder, Duration::from_millis(50), 5, 3);
        std::fs::remove_dir_all(&folder).unwrap();
        let (figures, others) = done.unwrap();
        assert_eq!(others, 0);
        assert_eq!(figures.len(), 7);
        assert!(figures.iter().all(|figure| figure.rate > 0.0 && figure.percentile(50) > 0.0));
    }

    #[test]
    fn a_percentile_is_a_call_that_was_made() {
        let times = (1..=100).map(Duration::from_micros).collect();
        let figures = Figures::new("n", times, Duration::from_secs(1));
        assert_eq!([0, 50, 99, 100].map(|percent| figures.percentile(percent).round()), [1.0, 51.0, 100.0, 100.0]);
        assert_eq!(figures.rate, 100.0);
    }
}
