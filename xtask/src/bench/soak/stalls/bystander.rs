//! The one who does nothing wrong, and is watched: how long an echo and `/_health` take meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};

use crate::bench::http::HttpConnection;
use crate::bench::procfs;
use crate::bench::ws::{WebSocket, source};

/// How often each is asked.
const EVERY: Duration = Duration::from_millis(10);
const MESSAGE: &[u8] = br#"{"action":"echo","text":"is anybody there"}"#;

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

/// Watches on a thread of its own until it is told to end.
pub(super) struct Bystander {
    over: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Seen>>,
}

impl Bystander {
    /// # Errors
    /// When there is no thread.
    pub(super) fn start(gateway: SocketAddr, path: &'static str, pid: u32) -> anyhow::Result<Bystander> {
        let over = Arc::new(AtomicBool::new(false));
        let told = over.clone();
        let work = move || -> anyhow::Result<Seen> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let mut seen = Seen::default();
            let watching = runtime.block_on(watch(gateway, path, pid, &told, &mut seen));
            seen.trouble = watching.err().map(|error| format!("{error:#}"));
            Ok(seen)
        };
        let thread = std::thread::Builder::new().name("bystander".to_owned()).spawn(work)?;
        Ok(Bystander { over, thread })
    }

    /// # Errors
    /// When it was lost.
    pub(super) fn end(self) -> anyhow::Result<Seen> {
        self.over.store(true, Ordering::Release);
        self.thread.join().map_err(|_| anyhow!("the bystander panicked"))?
    }
}

async fn watch(gateway: SocketAddr, path: &str, pid: u32, over: &AtomicBool, seen: &mut Seen) -> anyhow::Result<()> {
    let mut client = WebSocket::open(gateway, path, source(0, 1)).await.context("open the bystander")?;
    let mut http = HttpConnection::open(gateway).await?;
    while !over.load(Ordering::Acquire) {
        let sent = Instant::now();
        client.send(MESSAGE).await?;
        let reply = client.receive().await.context("wait for an echo")?;
        ensure!(reply == MESSAGE, "it was answered {reply:?}");
        seen.echo = seen.echo.max(sent.elapsed());
        seen.echoes += 1;
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
