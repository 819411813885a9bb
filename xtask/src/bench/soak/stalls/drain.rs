//! SIGTERM while mappings are much work: the gateway ends in time, and says whose `$disconnect` may be missing.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::task::JoinSet;

use super::scene::{Api, Scene};
use super::torments::LOOP;
use crate::bench::soak::backend::{self, Seen};
use crate::bench::ws::source;

/// The limit that the gateway is started with.
pub(super) const OPTIONS: &[&str] = &["--limit", "drain-timeout=3s"];
const DRAIN: Duration = Duration::from_secs(3);
/// How far it may be off.
const SLACK: Duration = Duration::from_secs(1);
/// How long its end is awaited.
const END_LIMIT: Duration = Duration::from_secs(20);
/// Clients whose messages are much work, how many each has at once, and clients that send nothing.
const WORKERS: usize = 16;
const AT_ONCE: usize = 2;
const IDLE: usize = 64;
/// What the gateway says at its end of connections that were not over, behind their number.
const LEFT: &str = " connections were not over in time";

/// # Errors
/// When the gateway ends too early or too late, or a `$disconnect` is missing of which it says nothing.
pub(super) async fn drain(scene: Scene) -> anyhow::Result<()> {
    let (backend, seen) = backend::start().await?;
    let mut api = Api::create(scene.gateway).await?;
    let told = json!({
        "integrationType": "HTTP_PROXY", "integrationMethod": "POST", "integrationUri": format!("http://{backend}/"),
        "requestParameters": { "integration.request.header.eventType": "context.eventType" },
    });
    let told = api.integration(&told).await?;
    let work = api.integration(&json!({"integrationType": "MOCK", "requestTemplates": {"$default": LOOP}})).await?;
    for (key, integration) in [("$connect", &told), ("$disconnect", &told), ("$default", &work)] {
        api.route(key, integration, &json!({})).await?;
    }
    let path: Arc<str> = api.deploy().await?.into();
    let mut clients = JoinSet::new();
    for index in 0..WORKERS + IDLE {
        let mut client = scene.open(&path, source(index, WORKERS + IDLE)).await?;
        clients.spawn(async move {
            for _ in 0..if index < WORKERS { AT_ONCE } else { 0 } {
                client.send(b"{}").await?;
            }
            // Until the gateway closes it, which is no error here.
            while let Ok(reply) = client.receive().await {
                ensure!(index < WORKERS, "an idle client was sent {reply:?}");
                client.send(b"{}").await?;
            }
            Ok(())
        });
    }
    tokio::time::sleep(scene.time / 2).await;
    scene.leave.and_wait().await?;
    ensure!(clients.try_join_next().is_none(), "a client was closed before its time");
    let (took, left) = stop(&scene).await?;
    judge(took, left, &seen)
}

/// Asks the gateway to end: how long it took, and how many connections it says were not over.
async fn stop(scene: &Scene) -> anyhow::Result<(Duration, usize)> {
    let pid = i32::try_from(scene.pid).ok().and_then(Pid::from_raw).context("the gateway's process id")?;
    let lines = scene.lines.clone();
    let begun = Instant::now();
    kill_process(pid, Signal::TERM).context("send SIGTERM")?;
    let ended = tokio::task::spawn_blocking(move || {
        let mut left = 0;
        while let Some(line) = lines.next(END_LIMIT).context("wait for the gateway's end")? {
            let number = line.split(LEFT).next().and_then(|before| before.rsplit(|c: char| !c.is_ascii_digit()).next());
            if let (true, Some(number)) = (line.contains(LEFT), number) {
                left = number.parse().with_context(|| format!("read `{line}`"))?;
            }
        }
        Ok::<_, anyhow::Error>((begun.elapsed(), left))
    });
    ended.await?
}

fn judge(took: Duration, left: usize, seen: &Seen) -> anyhow::Result<()> {
    let (begun, ended) = (seen.connects.load(Ordering::Acquire), seen.disconnects.load(Ordering::Acquire));
    ensure!(took <= DRAIN + SLACK, "it ended {took:?} after SIGTERM; drain-timeout is {DRAIN:?}");
    ensure!(left == 0 || took + SLACK >= DRAIN, "it gave up after {took:?}; drain-timeout is {DRAIN:?}");
    ensure!(begun == WORKERS + IDLE, "{begun} of {} clients were let in", WORKERS + IDLE);
    ensure!(
        ended <= begun && ended + left >= begun,
        "{begun} connections, {ended} $disconnect, and {left} are said to be missing"
    );
    ensure!(ended >= IDLE, "{ended} $disconnect, although {IDLE} connections had nothing under way");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_is_early_late_or_silent_about_what_is_missing_is_told() {
        let ms = Duration::from_millis;
        let seen = |ended: usize| {
            let seen = Seen::default();
            seen.connects.store(WORKERS + IDLE, Ordering::Release);
            seen.disconnects.store(ended, Ordering::Release);
            seen
        };
        let all = WORKERS + IDLE;
        for (took, left, ended) in [(ms(20), 0, all), (ms(3000), WORKERS, IDLE), (ms(3900), 1, all)] {
            judge(took, left, &seen(ended)).unwrap();
        }
        for (took, left, ended, told) in [
            (ms(4100), 0, all, "it ended 4.1s after"),
            (ms(1900), 1, all, "it gave up after 1.9s"),
            (ms(3000), 0, all - 1, "0 are said to be missing"),
            (ms(3000), 0, all + 1, "0 are said to be missing"),
            (ms(3000), all, IDLE - 1, "had nothing under way"),
        ] {
            let error = judge(took, left, &seen(ended)).unwrap_err().to_string();
            assert!(error.contains(told), "{told}: {error}");
        }
    }
}
