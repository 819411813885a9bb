//! What is watched while the gateway is tormented: its memory, and how a well-behaved client fares meanwhile.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::task::JoinHandle;

use crate::bench::procfs;
use crate::bench::ws::{WebSocket, source};

/// How often memory is read, and how often the healthy client sends a message.
const EVERY: Duration = Duration::from_millis(10);
/// What the healthy client sends.
const MESSAGE: &[u8] = br#"{"action":"echo","text":"is anybody there"}"#;

/// What was seen of one phase.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) peak: u64,
    /// Round trips of the healthy client, sorted.
    pub(super) latencies: Vec<Duration>,
}

impl Seen {
    /// The round trip that this part of all of them (0 to 1) is not above.
    pub(super) fn latency(&self, part: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get((last as f64 * part).round() as usize).copied().unwrap_or_default()
    }
}

/// Watches from its beginning until it is dropped.
pub(super) struct Watch {
    seen: Arc<Mutex<Seen>>,
    memory: JoinHandle<anyhow::Result<()>>,
    healthy: JoinHandle<anyhow::Result<()>>,
}

impl Watch {
    /// # Errors
    /// When the healthy client is not let in.
    pub(super) async fn start(gateway: SocketAddr, pid: u32, path: &str) -> anyhow::Result<Watch> {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let client = WebSocket::open(gateway, path, source(0, 1)).await.context("open the healthy client")?;
        let healthy = tokio::spawn(echo(client, seen.clone()));
        let memory = tokio::spawn(read_memory(pid, seen.clone()));
        Ok(Watch { seen, memory, healthy })
    }

    /// What was seen since the last call.
    ///
    /// # Errors
    /// When the healthy client got a wrong answer or none, or the gateway is gone.
    pub(super) async fn take(&mut self) -> anyhow::Result<Seen> {
        for (task, what) in [(&mut self.healthy, "the healthy client"), (&mut self.memory, "the gateway's memory")] {
            if task.is_finished() {
                task.await.context("a watching task was lost")?.context(what)?;
            }
        }
        let mut seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        seen.latencies.sort_unstable();
        Ok(seen)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.memory.abort();
        self.healthy.abort();
    }
}

async fn echo(mut client: WebSocket, seen: Arc<Mutex<Seen>>) -> anyhow::Result<()> {
    loop {
        let sent = Instant::now();
        client.send(MESSAGE).await?;
        let reply = client.receive().await?;
        ensure!(reply == MESSAGE, "it was answered {reply:?}");
        seen.lock().unwrap_or_else(PoisonError::into_inner).latencies.push(sent.elapsed());
        tokio::time::sleep(EVERY).await;
    }
}

async fn read_memory(pid: u32, seen: Arc<Mutex<Seen>>) -> anyhow::Result<()> {
    loop {
        let resident = procfs::resident(pid)?;
        note_memory(&seen, resident);
        tokio::time::sleep(EVERY).await;
    }
}

fn note_memory(seen: &Mutex<Seen>, resident: u64) {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.peak = seen.peak.max(resident);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_that_of_its_part() {
        let latencies = (1..=101).map(Duration::from_millis).collect();
        let seen = Seen { peak: 0, latencies };
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|part| seen.latency(part).as_millis()), [1, 51, 100, 101]);
        assert_eq!(Seen::default().latency(0.5), Duration::ZERO);
    }
}
