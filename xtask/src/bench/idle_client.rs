//! A process of the idle bench: holds a share of the connections, because one process may have too few files open.
//!
//! It prints a line of JSON after each part: opened, and, each time it is told to go on, still alive, closed.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::bench::options::Options;
use crate::bench::payload::message;
use crate::bench::process;
use crate::bench::ws::{WebSocket, source};

/// What the process is called on the command line.
pub(crate) const ROLE: &str = "bench-client";
/// Connections that one process opens, or closes, at a time: the backlog of a listener is longer.
const OPENING_MAX: usize = 64;
/// The one message that each connection sends.
const MESSAGE_BYTES: usize = 128;

/// Its part of the connections: numbers `from` to `from + count`, of `all`.
struct Share {
    server: SocketAddr,
    path: String,
    from: usize,
    count: usize,
    all: usize,
}

/// Opens, waits, tells who is alive, closes; each part at a line of standard input.
///
/// # Errors
/// Wrong usage, or a connection that does not open.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    let mut options = Options::new(words);
    let share = Share {
        server: options.optional("--server")?.context("--server is missing")?,
        path: options.optional("--path")?.context("--path is missing")?,
        from: options.value("--from", 0)?,
        count: options.value("--count", 1)?,
        all: options.value("--all", 1)?,
    };
    options.end()?;
    process::runtime()?.block_on(async {
        let mut input = process::input();
        let opened = tokio::select! {
            opened = open(share) => opened?,
            // No line comes before the first answer: this is the end of the bench.
            _ = input.recv() => return Ok(true),
        };
        println!("{}", json!({ "opened": opened.len() }));
        if input.recv().await.is_none() {
            return Ok(true);
        }
        println!("{}", json!({ "alive": opened.iter().filter(|socket| socket.is_idle()).count() }));
        if input.recv().await.is_none() {
            return Ok(true);
        }
        println!("{}", json!({ "closed": close(opened).await }));
        input.recv().await;
        Ok(true)
    })
}

/// Opens the share; each connection sends a message and waits for its reply, so that none is counted that never worked.
async fn open(share: Share) -> anyhow::Result<Vec<WebSocket>> {
    let mut tasks = JoinSet::new();
    let gate = Arc::new(Semaphore::new(OPENING_MAX));
    let mut sockets = Vec::with_capacity(share.count);
    for index in share.from..share.from + share.count {
        let permit = gate.clone().acquire_owned().await?;
        let (server, path, all) = (share.server, share.path.clone(), share.all);
        tasks.spawn(async move {
            let mut socket = WebSocket::open(server, &path, source(index, all)).await?;
            let message = message(index, MESSAGE_BYTES);
            socket.send(&message).await?;
            let reply = socket.receive().await?;
            anyhow::ensure!(reply == message, "the reply to the one message was {reply:?}");
            drop(permit);
            Ok(socket)
        });
        while let Some(opened) = tasks.try_join_next() {
            sockets.push(opened??);
        }
    }
    while let Some(opened) = tasks.join_next().await {
        sockets.push(opened??);
    }
    Ok(sockets)
}

/// Closes all, and gives how many the gateway closed properly in turn.
async fn close(sockets: Vec<WebSocket>) -> usize {
    let mut tasks = JoinSet::new();
    let mut closed = 0;
    for socket in sockets {
        if tasks.len() >= OPENING_MAX {
            closed += usize::from(matches!(tasks.join_next().await, Some(Ok(Ok(())))));
        }
        tasks.spawn(socket.close());
    }
    while let Some(ended) = tasks.join_next().await {
        closed += usize::from(matches!(ended, Ok(Ok(()))));
    }
    closed
}
