//! A backend that is killed and started again every second under load: what it costs ends with the restart.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use bytes::BytesMut;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::scene::Scene;
use super::server::{answer, request};
use crate::bench::ws::source;

/// Clients, each with one message at a time.
const CLIENTS: usize = 16;
/// How long the backend is up at a time; what is counted is the second half.
const UP: Duration = Duration::from_secs(1);
/// How long it is down.
const DOWN: Duration = Duration::from_millis(50);
/// Of so many calls at most one may open a connection once the restart is over, and each client may once.
const CALLS_PER_CONNECTION_MIN: usize = 20;

/// What a backend has seen since it was started.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    calls: AtomicUsize,
}

impl Seen {
    fn now(&self) -> (usize, usize) {
        (self.connections.load(Ordering::Acquire), self.calls.load(Ordering::Acquire))
    }
}

/// A backend on a thread of its own: its connections end with it, as when a process is killed.
struct Backend {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
    seen: Arc<Seen>,
}

impl Backend {
    fn start(listener: std::net::TcpListener) -> anyhow::Result<Backend> {
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let seen = Arc::new(Seen::default());
        let counted = seen.clone();
        let thread = std::thread::Builder::new().name("backend".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! { () = serve(listener, counted) => {}, _ = stopped => {} }
            });
        })?;
        Ok(Backend { stop, thread, seen })
    }

    /// Kills it; every connection is closed when this comes back.
    async fn kill(self) -> anyhow::Result<()> {
        let Backend { stop, thread, .. } = self;
        drop(stop);
        tokio::task::spawn_blocking(move || thread.join()).await?.map_err(|_| anyhow!("the backend panicked"))
    }
}

async fn serve(listener: TcpListener, seen: Arc<Seen>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::AcqRel);
        connections.spawn(echo(stream, seen.clone()));
    }
}

async fn echo(mut stream: TcpStream, seen: Arc<Seen>) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut arrived = BytesMut::new();
    while let Some(request) = request(&mut stream, &mut arrived).await? {
        seen.calls.fetch_add(1, Ordering::AcqRel);
        stream.write_all(&answer(&request.body)).await?;
    }
    Ok(())
}

/// Restarts a backend again and again while clients send it messages.
///
/// # Errors
/// When a message fails that was sent after a restart, connections are not kept again, or an answer is not a client's own.
pub(super) async fn restarts(scene: Scene) -> anyhow::Result<()> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("bind a backend")?;
    let at: SocketAddr = listener.local_addr()?;
    let mut backend = Backend::start(listener)?;
    let uri = format!("http://{at}/");
    let integration = json!({"integrationType": "HTTP_PROXY", "integrationMethod": "POST", "integrationUri": uri});
    let path = scene.api(&integration, &[]).await?;
    // Grows when the backend goes, and when it is there again: odd while it is down.
    let changes = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for index in 0..CLIENTS {
        let (scene, path, changes) = (scene.clone(), path.clone(), changes.clone());
        clients.spawn(async move { talk(&scene, &path, index, &changes).await });
    }
    let watched = async {
        let begun = Instant::now();
        while begun.elapsed() < scene.time {
            tokio::time::sleep(UP / 2).await;
            let (connections, calls) = backend.seen.now();
            tokio::time::sleep(UP / 2).await;
            let (connections, calls) = (backend.seen.now().0 - connections, backend.seen.now().1 - calls);
            ensure!(calls > 0, "no message reached the backend for half a second");
            ensure!(
                connections <= CLIENTS + calls / CALLS_PER_CONNECTION_MIN,
                "{connections} new connections for {calls} calls, half a second after a restart"
            );
            changes.fetch_add(1, Ordering::AcqRel);
            backend.kill().await?;
            tokio::time::sleep(DOWN).await;
            backend = Backend::start(std::net::TcpListener::bind(at).context("bind the backend again")?)?;
            changes.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    };
    tokio::select! {
        done = watched => done,
        Some(done) = clients.join_next() => done.context("a client was lost")?,
    }
}

/// One message after the other; fails with the first that failed although the backend was up all the while.
async fn talk(scene: &Scene, path: &str, index: usize, changes: &AtomicUsize) -> anyhow::Result<()> {
    let mut client = scene.open(path, source(index, CLIENTS)).await?;
    for number in 0.. {
        let message = format!("client {index}, message {number}");
        let before = changes.load(Ordering::Acquire);
        client.send(message.as_bytes()).await?;
        let reply = client.receive().await?;
        if reply == message.as_bytes() {
            continue;
        }
        let is_up = before.is_multiple_of(2) && changes.load(Ordering::Acquire) == before;
        let failed = reply.starts_with(br#"{"message": ""#);
        if is_up || !failed {
            bail!("{message} was answered {}", String::from_utf8_lossy(&reply));
        }
        // A program would not try again at once either.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
