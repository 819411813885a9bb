//! Torments that would make others wait: each a few seconds long, against a gateway of its own.
//!
//! While clients do their worst, a bystander's echo and `/_health` wait at most [`LAG_MAX`], and memory stays within the
//! torment's bound. What tormenters take of the processor is not the gateway's fault: they run behind everybody else, and
//! what the bystander itself came too late is added to the bound. A torment that fails is tried again, [`TRIES`]
//! times in all, since a machine that others use can stop a gateway for longer than that.

//!
//! Rows that are not here have tests: 7 to 9 in `integration` (a matrix of ill-behaved servers, the pool), 10, 11, 14, 16 and
//! 17 in `clients/test_strangers.py`, `gatewright` and `control`, 15 in `mapping`.

mod bystander;
mod torments;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::net::{TcpListener, UdpSocket};

use self::bystander::{Bystander, Seen};
use self::torments::TORMENTS;
use super::{MIB, PATH};
use crate::bench::http::HttpConnection;
use crate::bench::process::Gateway;
use crate::bench::procfs;

/// The longest that a bystander may wait. Source: the house's own aim for what one client may cost the others.
pub(super) const LAG_MAX: Duration = Duration::from_millis(100);
/// What stands for every torment's name.
pub(super) const ALL: &str = "all";
/// Files that the torments need at once, for their clients.
pub(super) const FILES: u64 = 4000;
/// How long each torment lasts.
const TIME: Duration = Duration::from_secs(5);
/// How long a torment may take to begin: its API, its clients.
const PREPARATION: Duration = Duration::from_secs(1);
/// How often a torment is tried that others on the machine may have spoiled.
const TRIES: usize = 3;
/// How far tormenters stand behind everybody else: 0 is everybody, 19 the last.
const NICENESS: i32 = 10;

/// Where a torment takes place.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) gateway: SocketAddr,
    /// A backend that takes connections and never answers.
    pub(super) silent: SocketAddr,
}

impl Place {
    /// Makes an API whose every message goes to one integration: the path of its stage.
    ///
    /// # Errors
    /// When the control plane refuses it.
    pub(super) async fn api(&self, integration: &Value, models: &[(&str, Value)]) -> anyhow::Result<String> {
        let mut control = HttpConnection::open(self.gateway).await?;
        let api =
            json!({"name": "torment", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"});
        let id = |answer: &Value, member: &str| {
            answer[member].as_str().map(str::to_owned).with_context(|| format!("no {member} in {answer}"))
        };
        let api = id(&control.create("/v2/apis", &api).await?, "apiId")?;
        let base = format!("/v2/apis/{api}");
        let integration = id(&control.create(&format!("{base}/integrations"), integration).await?, "integrationId")?;
        let mut route = json!({"routeKey": "$default", "target": format!("integrations/{integration}"), "routeResponseSelectionExpression": "$default"});
        for (name, schema) in models {
            let model = json!({"name": name, "contentType": "application/json", "schema": schema.to_string()});
            control.create(&format!("{base}/models"), &model).await?;
            route["modelSelectionExpression"] = json!("default");
            route["requestModels"] = json!({"default": name});
        }
        let route = id(&control.create(&format!("{base}/routes"), &route).await?, "routeId")?;
        let responses = format!("{base}/routes/{route}/routeresponses");
        control.create(&responses, &json!({"routeResponseKey": "$default"})).await?;
        let responses = format!("{base}/integrations/{integration}/integrationresponses");
        control.create(&responses, &json!({"integrationResponseKey": "$default"})).await?;
        control.create(&format!("{base}/stages"), &json!({"stageName": "t"})).await?;
        control.create(&format!("{base}/deployments"), &json!({"stageName": "t"})).await?;
        Ok(format!("/_aws/execute-api/{api}/t"))
    }
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
    lag_max: Duration,
) -> anyhow::Result<Vec<Result>> {
    let mut results = Vec::new();
    for torment in TORMENTS.iter().filter(|torment| only.is_none_or(|only| only == ALL || torment.name.contains(only)))
    {
        let mut tries = 1;
        let mut result = one(program, backend, torment, lag_max).await?;
        while !result.broken.is_empty() && tries < TRIES {
            eprintln!("{}: {}; again", torment.name, result.broken.join("; "));
            tries += 1;
            result = one(program, backend, torment, lag_max).await?;
        }
        results.push(result);
    }
    Ok(results)
}

async fn one(
    program: &Path,
    backend: SocketAddr,
    torment: &'static torments::Torment,
    lag_max: Duration,
) -> anyhow::Result<Result> {
    // Bound and never served: what is sent to them waits for ever.
    let silent = TcpListener::bind("127.0.0.1:0").await.context("bind a silent backend")?;
    let names = UdpSocket::bind("127.0.0.1:0").await.context("bind a silent name server")?;
    let at = names.local_addr()?.to_string();
    let options: Vec<String> = torment.options.iter().map(|option| option.replace("{names}", &at)).collect();
    let gateway = Gateway::start_with(program, backend, &options).await?;
    let place = Place { gateway: gateway.address, silent: silent.local_addr()? };
    let bystander = Bystander::start(gateway.address, PATH, gateway.pid)?;
    let before = procfs::resident(gateway.pid)?;
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
        let work = runtime.spawn((torment.act)(place));
        let done = runtime.block_on(async { tokio::time::timeout(PREPARATION + TIME, work).await });
        runtime.shutdown_background();
        match done {
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
    drop((silent, names));
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
pub(super) fn print(results: &[Result]) {
    println!("longest waits of a bystander in ms, {} s each; memory in MiB", TIME.as_secs());
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
