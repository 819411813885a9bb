//! The phases: a crowd that comes and is dropped at once, clients that do not read, many posts to one that is stuck.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::bench::http::HttpConnection;
use crate::bench::procfs;
use crate::bench::ws::{WebSocket, source};
use crate::soak::backend::{Backend, WHOAMI};
use crate::soak::healthy::{Healthy, Latencies};
use crate::soak::report::Report;

/// Handshakes at once: fewer than a listener's backlog, so that the kernel turns none away.
const OPENING_MAX: usize = 256;
/// How long the `$disconnect` calls of a dropped crowd may take.
const DISCONNECTS_LIMIT: Duration = Duration::from_secs(60);
/// How long the gateway may take to fall quiet before its memory is read.
const QUIET_LIMIT: Duration = Duration::from_secs(15);
/// How long the healthy client talks between a round and the reading of what memory is left.
const SETTLING: Duration = Duration::from_secs(3);
/// How often the gateway's memory is read during a phase.
const LOOK: Duration = Duration::from_millis(50);
/// The slowest echo of the healthy client that is allowed, but for one in a hundred. The crowd, the backend and the gateway
/// share the processors, so this is the time in which all of them have had their turn.
const ECHO_P99_MAX: Duration = Duration::from_secs(1);
/// Memory of an open connection, at most: the bench's aim with room for what opening ten thousand at once leaves.
const BYTES_PER_CONNECTION_MAX: u64 = 8 * 1024;
/// What the allocator may keep beside: buffers of the threads, freed pages not yet given back.
const SLACK_BYTES: u64 = 48 << 20;
/// A message of a client that does not read; the largest frame that AWS allows.
const READER_MESSAGE_BYTES: usize = 32 * 1024;
/// Messages after which a client that is still not held up would never be.
const READER_MESSAGES_MAX: usize = 4_000;
/// Between two messages of such a client. The load is to fill queues, not the processors, which the clients, the backend
/// and the gateway share here.
const READER_PAUSE: Duration = Duration::from_millis(20);
/// A client whose message is not taken for so long is held up.
const HELD_UP: Duration = Duration::from_secs(1);
/// What may wait for one client: the default of `outbox-bytes`, and its `in-flight-per-connection` messages both as the
/// request that goes out and as the answer that comes back.
const BYTES_PER_READER_MAX: u64 = (1 << 20) + 16 * 2 * (READER_MESSAGE_BYTES as u64 + 8 * 1024);
/// Posts are so large that a thousand of them neither fit into an outbox nor into the kernel's buffers.
const POST_BYTES: usize = 32 * 1024;

/// Where the soak happens.
pub(crate) struct Place {
    /// The gateway.
    pub(crate) server: SocketAddr,
    /// Its process.
    pub(crate) pid: u32,
    /// The stage's path.
    pub(crate) path: String,
    /// Its backend.
    pub(crate) backend: Backend,
}

impl Place {
    /// Memory after a round, when its connections have ended and the healthy client has talked for a while: the
    /// allocator gives pages back while it is asked for others, not by itself.
    ///
    /// # Errors
    /// When the healthy client is not served, or the process is gone.
    pub(crate) async fn memory_afterwards(&self, healthy: &mut Healthy) -> anyhow::Result<u64> {
        // All but the healthy client are gone; whoever is not shows in the accounts.
        self.backend.accounts.wait_for(DISCONNECTS_LIMIT, |sums| sums.ended + 1 >= sums.begun).await;
        let talk = async {
            tokio::time::sleep(SETTLING).await;
            anyhow::Ok(())
        };
        healthy.meanwhile(talk).await?;
        self.quiet_memory().await
    }

    async fn quiet_memory(&self) -> anyhow::Result<u64> {
        procfs::quiet(self.pid, QUIET_LIMIT).await?;
        procfs::memory(self.pid)
    }

    /// Does `work` while the healthy client talks and memory is watched; gives what it gave, echoes, the peak.
    async fn watch<T>(
        &self,
        healthy: &mut Healthy,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<(T, Latencies, u64)> {
        let peak = AtomicU64::new(procfs::memory(self.pid)?);
        let watched = async {
            let mut work = std::pin::pin!(work);
            loop {
                tokio::select! {
                    done = &mut work => return done,
                    () = tokio::time::sleep(LOOK) => {
                        peak.fetch_max(procfs::memory(self.pid)?, Ordering::Relaxed);
                    }
                }
            }
        };
        let (given, latencies) = healthy.meanwhile(watched).await?;
        Ok((given, latencies, peak.into_inner()))
    }
}

/// Many connections open, and are dropped at once without a close frame.
///
/// # Errors
/// A connection that does not open.
pub(crate) async fn crowd(
    place: &Place,
    healthy: &mut Healthy,
    count: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let before = place.quiet_memory().await?;
    let begun = place.backend.accounts.sums().begun;
    let (sockets, opening, peak) = place.watch(healthy, open(place, count)).await?;
    let open = place.quiet_memory().await?;
    let accounts = place.backend.accounts.clone();
    let ended = accounts.sums().ended;
    let work = async {
        drop(sockets);
        Ok(accounts.wait_for(DISCONNECTS_LIMIT, |sums| sums.ended >= ended + count).await)
    };
    let (sums, dropping, dropping_peak) = place.watch(healthy, work).await?;
    let each = open.saturating_sub(before) / count as u64;
    let all = count as u64 * BYTES_PER_CONNECTION_MAX + SLACK_BYTES;
    let phase = "crowd";
    report.row(phase, "connections opened", count.to_string(), count.to_string(), sums.begun - begun == count);
    report.row(
        phase,
        "dropped at once, $disconnect calls",
        (sums.ended - ended).to_string(),
        count.to_string(),
        sums.ended - ended == count,
    );
    report.row(
        phase,
        "memory of an open connection",
        format!("{each} B"),
        format!("{BYTES_PER_CONNECTION_MAX} B"),
        each <= BYTES_PER_CONNECTION_MAX,
    );
    memory(report, phase, [before, peak.max(dropping_peak)], all);
    echoes(report, phase, "while they open", &opening);
    echoes(report, phase, "while they are dropped", &dropping);
    Ok(())
}

async fn open(place: &Place, count: usize) -> anyhow::Result<Vec<WebSocket>> {
    let gate = Arc::new(Semaphore::new(OPENING_MAX));
    let mut tasks = JoinSet::new();
    for index in 0..count {
        let (gate, server, path) = (gate.clone(), place.server, place.path.clone());
        tasks.spawn(async move {
            let _permit = gate.acquire_owned().await?;
            WebSocket::open(server, &path, source(index, count)).await
        });
    }
    let mut sockets = Vec::with_capacity(count);
    while let Some(opened) = tasks.join_next().await {
        sockets.push(opened??);
    }
    Ok(sockets)
}

/// Clients that ask for echoes and read none, until the gateway takes no more from them.
///
/// # Errors
/// A connection that does not open.
pub(crate) async fn slow_readers(
    place: &Place,
    healthy: &mut Healthy,
    count: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let before = place.quiet_memory().await?;
    let sockets = open(place, count).await?;
    let work = async {
        let mut tasks = JoinSet::new();
        for socket in sockets {
            tasks.spawn(ask_until_held_up(socket));
        }
        let mut held = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            held.push(ended??);
        }
        Ok(held)
    };
    let (held, latencies, peak) = place.watch(healthy, work).await?;
    let stopped = held.iter().filter(|(_, sent)| *sent < READER_MESSAGES_MAX).count();
    let most = held.iter().map(|(_, sent)| *sent).max().unwrap_or_default();
    drop(held);
    let phase = "slow readers";
    report.row(phase, "clients that were held up", stopped.to_string(), count.to_string(), stopped == count);
    report.row(
        phase,
        "messages that the quickest could send",
        most.to_string(),
        format!("< {READER_MESSAGES_MAX}"),
        most < READER_MESSAGES_MAX,
    );
    memory(report, phase, [before, peak], count as u64 * BYTES_PER_READER_MAX + SLACK_BYTES);
    echoes(report, phase, "meanwhile", &latencies);
    Ok(())
}

/// Gives the socket, still open, and how many messages it could send.
async fn ask_until_held_up(mut socket: WebSocket) -> anyhow::Result<(WebSocket, usize)> {
    let message = vec![b'a'; READER_MESSAGE_BYTES];
    for sent in 0..READER_MESSAGES_MAX {
        tokio::time::sleep(READER_PAUSE).await;
        match timeout(HELD_UP, socket.send(&message)).await {
            Ok(done) => done?,
            Err(_) => return Ok((socket, sent)),
        }
    }
    Ok((socket, READER_MESSAGES_MAX))
}

/// Many posts at once to one client that does not read.
///
/// # Errors
/// A connection that does not open, or a post that is not answered.
pub(crate) async fn stuck(
    place: &Place,
    healthy: &mut Healthy,
    count: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let before = place.quiet_memory().await?;
    let mut client = WebSocket::open(place.server, &place.path, source(0, 1)).await?;
    client.send(WHOAMI).await?;
    let id = String::from_utf8(client.receive().await?.to_vec()).context("a connection id")?;
    let path = format!("{}/@connections/{id}", place.path);
    let work = async {
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let (server, path) = (place.server, path.clone());
            tasks.spawn(async move {
                let mut connection = HttpConnection::open(server).await?;
                let (status, _) = connection.request(Method::POST, &path, Bytes::from(vec![b'a'; POST_BYTES])).await?;
                ensure!(
                    matches!(status, StatusCode::OK | StatusCode::TOO_MANY_REQUESTS),
                    "a post was answered {status}"
                );
                Ok(status)
            });
        }
        let mut refused = 0;
        while let Some(answered) = tasks.join_next().await {
            refused += usize::from(answered?? == StatusCode::TOO_MANY_REQUESTS);
        }
        Ok(refused)
    };
    let (refused, latencies, peak) = place.watch(healthy, work).await?;
    drop(client);
    let phase = "stuck client";
    // Each post is held once while it is answered.
    let all = (1 << 20) + count as u64 * 2 * (POST_BYTES as u64 + 16 * 1024) + SLACK_BYTES;
    report.row(phase, format!("of {count} posts, all answered, 429"), refused.to_string(), "> 0", refused > 0);
    memory(report, phase, [before, peak], all);
    echoes(report, phase, "meanwhile", &latencies);
    Ok(())
}

/// Whoever was let in was disconnected, once.
pub(crate) async fn accounts(place: &Place, report: &mut Report) {
    let sums = place.backend.accounts.wait_for(DISCONNECTS_LIMIT, |sums| sums.ended >= sums.begun).await;
    let phase = "accounts";
    report.row(
        phase,
        "$disconnect for each accepted $connect",
        sums.ended.to_string(),
        sums.begun.to_string(),
        sums.ended == sums.begun,
    );
    report.row(phase, "called twice, or never begun", sums.wrong.to_string(), "0", sums.wrong == 0);
}

/// Memory after one round and after the next: nothing of a round stays for good.
pub(crate) fn growth(kept: [u64; 2], report: &mut Report) {
    let [first, second] = kept;
    let grown = second.saturating_sub(first);
    report.row("rounds", "memory after the first", mebibytes(first), "–", true);
    report.row("rounds", "growth by another round", mebibytes(grown), mebibytes(SLACK_BYTES), grown <= SLACK_BYTES);
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

fn memory(report: &mut Report, phase: &'static str, [before, peak]: [u64; 2], growth_max: u64) {
    report.row(phase, "memory before", mebibytes(before), "–", true);
    report.row(
        phase,
        "memory at its peak",
        mebibytes(peak),
        mebibytes(before + growth_max),
        peak <= before + growth_max,
    );
}

fn echoes(report: &mut Report, phase: &'static str, when: &str, latencies: &Latencies) {
    let [p50, p99] = [50, 99].map(|percent| latencies.percentile(percent));
    let text = |duration: Duration| format!("{:.1} ms", duration.as_secs_f64() * 1000.0);
    let count = latencies.count();
    report.row(phase, format!("another's echo {when}, median of {count}"), text(p50), "–", count > 0);
    report.row(phase, format!("another's echo {when}, 99 of 100"), text(p99), text(ECHO_P99_MAX), p99 <= ECHO_P99_MAX);
}
