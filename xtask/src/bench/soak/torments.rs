//! What is done to the gateway: storms of connections, clients that read nothing, many posts to one of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::PATH;
use crate::bench::backend::WHOAMI;
use crate::bench::http::HttpConnection;
use crate::bench::load::percent_encoded;
use crate::bench::ws::{WebSocket, socket, source, upgrade};

/// Handshakes of a storm at once: as many as a listener's queue holds in the kernel's default (net.core.somaxconn, 4,096),
/// with room for the gateway's calls of `$connect`.
const HANDSHAKES_AT_ONCE: usize = 2000;
/// Clients that read nothing.
pub(super) const SLOW_READERS: usize = 200;
/// What backends push to each of them, again and again.
pub(super) const SLOW_BYTES: usize = 64 * 1024;
/// Pushes to one slow reader after which a 429 must have come: the outbox has room for 16, the kernel for some more.
const PUSHES_MAX: usize = 400;
/// Posts at once to one stuck client, and the size of each.
pub(super) const STUCK_POSTS: usize = 1000;
pub(super) const STUCK_BYTES: usize = 4 * 1024;
/// The window of a client that reads nothing, so that the kernel does not keep megabytes for it.
const NARROW: u32 = 4096;
/// Calls of `@connections` to slow readers at once; each pushes until its client is full.
const PUSHERS: usize = 50;

/// What came of a phase.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    pub(super) posts_taken: usize,
    pub(super) posts_full: usize,
}

/// Opens `count` connections, holds all of them, and drops them at the same moment in four ways: a close frame, a reset,
/// half a close, and (before the answer to the handshake) none at all. Gives how long both took.
///
/// # Errors
/// When a connection is not let in.
pub(super) async fn storm(gateway: SocketAddr, count: usize) -> anyhow::Result<(f64, f64)> {
    let begun = Instant::now();
    let room = Arc::new(Semaphore::new(HANDSHAKES_AT_ONCE));
    let mut opening = JoinSet::new();
    for index in 0..count {
        let place = room.clone().acquire_owned().await?;
        opening.spawn(async move {
            let opened = match index % 4 {
                // It vanishes without having been answered.
                3 => unanswered(gateway, index, count).await.map(|()| None),
                _ => WebSocket::open(gateway, PATH, source(index, count)).await.map(Some),
            };
            drop(place);
            Ok::<_, anyhow::Error>((index, opened?))
        });
    }
    let mut open = Vec::with_capacity(count);
    while let Some(opened) = opening.join_next().await {
        open.push(opened??);
    }
    let opened = begun.elapsed().as_secs_f64();
    let mut closing = JoinSet::new();
    for (index, client) in open {
        let Some(client) = client else { continue };
        closing.spawn(async move {
            match index % 4 {
                0 => client.close().await,
                1 => client.into_stream().set_zero_linger().context("reset"),
                _ => half_close(client.into_stream()).await,
            }
        });
    }
    while let Some(closed) = closing.join_next().await {
        closed??;
    }
    Ok((opened, begun.elapsed().as_secs_f64() - opened))
}

async fn unanswered(gateway: SocketAddr, index: usize, count: usize) -> anyhow::Result<()> {
    let mut stream = socket(source(index, count))?.connect(gateway).await.context("connect")?;
    stream.write_all(upgrade(gateway, PATH).as_bytes()).await.context("send the upgrade")?;
    if index % 8 == 3 {
        stream.set_zero_linger()?;
    }
    Ok(())
}

async fn half_close(mut stream: TcpStream) -> anyhow::Result<()> {
    stream.shutdown().await.context("close one half")
}

/// A client that has said who it is and reads nothing from then on, and its path below `@connections`.
async fn stuck(gateway: SocketAddr, index: usize, count: usize) -> anyhow::Result<(WebSocket, String)> {
    let socket = socket(source(index, count))?;
    socket.set_recv_buffer_size(NARROW)?;
    let mut client = WebSocket::open_on(socket, gateway, PATH).await?;
    client.send(WHOAMI).await?;
    let id = client.receive().await.context("learn the connection id")?;
    ensure!(!id.is_empty(), "the backend was told no connection id");
    Ok((client, format!("{PATH}/@connections/{}", percent_encoded(&id))))
}

/// Fills the outboxes of clients that read nothing, each until it is answered 429; then they are reset.
///
/// # Errors
/// When another answer comes than 200 or 429, or no 429.
pub(super) async fn slow_readers(gateway: SocketAddr) -> anyhow::Result<Done> {
    let mut clients = Vec::new();
    for index in 0..SLOW_READERS {
        clients.push(stuck(gateway, index, SLOW_READERS).await?);
    }
    let room = Arc::new(Semaphore::new(PUSHERS));
    let body = Bytes::from(vec![b'x'; SLOW_BYTES]);
    let mut pushing = JoinSet::new();
    for (_, path) in &clients {
        let (place, path, body) = (room.clone().acquire_owned().await?, path.clone(), body.clone());
        pushing.spawn(async move {
            let mut http = HttpConnection::open(gateway).await?;
            let mut done = Done::default();
            for _ in 0..PUSHES_MAX {
                push(&mut http, &path, &body, &mut done).await?;
                if done.posts_full > 0 {
                    break;
                }
            }
            drop(place);
            ensure!(done.posts_full > 0, "a client that reads nothing took {PUSHES_MAX} pushes");
            Ok(done)
        });
    }
    let done = sum(pushing).await?;
    for (client, _) in clients {
        client.into_stream().set_zero_linger()?;
    }
    Ok(done)
}

/// Posts to one client that reads nothing from many connections at the same time; then it is reset.
///
/// # Errors
/// When another answer comes than 200 or 429.
pub(super) async fn one_stuck(gateway: SocketAddr) -> anyhow::Result<Done> {
    let (client, path) = stuck(gateway, 0, 1).await?;
    let body = Bytes::from(vec![b'y'; STUCK_BYTES]);
    let mut callers = Vec::with_capacity(STUCK_POSTS);
    for _ in 0..STUCK_POSTS {
        callers.push(HttpConnection::open(gateway).await?);
    }
    let mut posting = JoinSet::new();
    for mut http in callers {
        let (path, body) = (path.clone(), body.clone());
        posting.spawn(async move {
            let mut done = Done::default();
            push(&mut http, &path, &body, &mut done).await?;
            Ok(done)
        });
    }
    let done = sum(posting).await?;
    client.into_stream().set_zero_linger()?;
    Ok(done)
}

async fn push(http: &mut HttpConnection, path: &str, body: &Bytes, done: &mut Done) -> anyhow::Result<()> {
    let (status, answer) = http.request(Method::POST, path, body.clone()).await?;
    match status {
        StatusCode::OK => done.posts_taken += 1,
        StatusCode::TOO_MANY_REQUESTS => done.posts_full += 1,
        _ => anyhow::bail!("POST {path}: {status} {}", String::from_utf8_lossy(&answer)),
    }
    Ok(())
}

async fn sum(mut parts: JoinSet<anyhow::Result<Done>>) -> anyhow::Result<Done> {
    let mut sum = Done::default();
    while let Some(done) = parts.join_next().await {
        let done = done??;
        sum.posts_taken += done.posts_taken;
        sum.posts_full += done.posts_full;
    }
    Ok(sum)
}
