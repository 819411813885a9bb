//! The one who does nothing wrong, and is watched: how long an echo and `/_health` take meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use tokio::sync::watch;

use super::scene::Scene;
use crate::bench::http::HttpConnection;
use crate::bench::procfs;
use crate::bench::ws::{PATIENCE, WebSocket, source};

/// How often each is asked.
const EVERY: Duration = Duration::from_millis(10);

/// What it saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The longest waits.
    pub(super) echo: Duration,
    pub(super) health: Duration,
    /// The most that this thread itself came too late, since others had the processor.
    pub(super) late: Duration,
    pub(super) echoes: usize,
    pub(super) healths: usize,
    /// The gateway's memory at its most, in bytes.
    pub(super) peak: u64,
    /// Why it was served no more.
    pub(super) trouble: Option<String>,
}

/// How far the bystander is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Now {
    Coming,
    There,
    Gone,
}

/// Tells the bystander to go, and when it is there and gone.
pub(super) struct Leave {
    told: AtomicBool,
    now: watch::Sender<Now>,
}

impl Leave {
    pub(super) fn new() -> Arc<Leave> {
        Arc::new(Leave { told: AtomicBool::new(false), now: watch::Sender::new(Now::Coming) })
    }

    /// Sends it away and waits until it is gone.
    ///
    /// # Errors
    /// When it does not go.
    pub(super) async fn and_wait(&self) -> anyhow::Result<()> {
        self.told.store(true, Ordering::Release);
        self.is(Now::Gone).await
    }

    async fn is(&self, wanted: Now) -> anyhow::Result<()> {
        let mut now = self.now.subscribe();
        let coming = now.wait_for(|now| *now == wanted || *now == Now::Gone);
        tokio::time::timeout(PATIENCE, coming).await.context("wait for the bystander")??;
        Ok(())
    }
}

/// Watches on a thread of its own until it is told to end.
pub(super) struct Bystander {
    leave: Arc<Leave>,
    thread: JoinHandle<anyhow::Result<Seen>>,
}

impl Bystander {
    /// Begins, and comes back when it is connected.
    ///
    /// # Errors
    /// When there is no thread, or the bystander does not come in.
    pub(super) async fn start(scene: &Scene, path: &'static str) -> anyhow::Result<Bystander> {
        let (scene, leave) = (scene.clone(), scene.leave.clone());
        let work = move || -> anyhow::Result<Seen> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let mut seen = Seen::default();
            let watching = runtime.block_on(watch(&scene, path, &mut seen));
            drop(runtime);
            seen.trouble = watching.err().map(|error| format!("{error:#}"));
            scene.leave.now.send_replace(Now::Gone);
            Ok(seen)
        };
        let thread = std::thread::Builder::new().name("bystander".to_owned()).spawn(work)?;
        leave.is(Now::There).await?;
        Ok(Bystander { leave, thread })
    }

    /// # Errors
    /// When it was lost.
    pub(super) fn end(self) -> anyhow::Result<Seen> {
        self.leave.told.store(true, Ordering::Release);
        self.thread.join().map_err(|_| anyhow!("the bystander panicked"))?
    }
}

async fn watch(scene: &Scene, path: &str, seen: &mut Seen) -> anyhow::Result<()> {
    let mut client = scene.open(path, source(0, 1)).await.context("open the bystander")?;
    let mut http = HttpConnection::open(scene.gateway).await?;
    let pid = scene.pid;
    // What a first message alone costs is not what this is about.
    echo(&mut client, seen.echoes).await?;
    scene.leave.now.send_replace(Now::There);
    while !scene.leave.told.load(Ordering::Acquire) {
        let sent = Instant::now();
        seen.echoes += 1;
        echo(&mut client, seen.echoes).await?;
        seen.echo = seen.echo.max(sent.elapsed());
        let sent = Instant::now();
        let (status, _) = http.request(Method::GET, "/_health", Bytes::new()).await.context("wait for /_health")?;
        ensure!(status == StatusCode::OK, "/_health answered {status}");
        seen.health = seen.health.max(sent.elapsed());
        seen.healths += 1;
        seen.peak = seen.peak.max(procfs::resident(pid)?);
        let asleep = Instant::now();
        tokio::time::sleep(EVERY).await;
        seen.late = seen.late.max(asleep.elapsed().saturating_sub(EVERY));
    }
    Ok(())
}

/// Each message is another, so that the answer to an earlier one, or to somebody else's, is no echo.
async fn echo(client: &mut WebSocket<Box<dyn super::scene::Wire>>, number: usize) -> anyhow::Result<()> {
    let message = format!(r#"{{"action":"echo","text":"is anybody there","number":{number}}}"#);
    client.send(message.as_bytes()).await?;
    let reply = client.receive().await.context("wait for an echo")?;
    ensure!(reply == message.as_bytes(), "it was answered {reply:?} to {message}");
    Ok(())
}
