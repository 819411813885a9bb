//! A process of the million: holds the clients of one node, some of which know their connection ids.
//!
//! It prints a line of JSON after each part: opened, and, each time it is told to go on, who heard a post, who is alive.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::bench::backend::WHOAMI;
use crate::bench::options::Options;
use crate::bench::process;
use crate::bench::ws::{WebSocket, source};

/// What the process is called on the command line.
pub(crate) const ROLE: &str = "bench-million-client";
/// Connections that one process opens at a time: the backlog of a listener is longer.
const OPENING_MAX: usize = 64;
/// How often one is tried again that did not open.
const TRIES: usize = 3;
/// How long a post may be under way when its client begins to listen.
const HEARD_WITHIN: Duration = Duration::from_secs(2);

/// Its part of the clients: numbers `from` to `from + count`, of `all`.
struct Share {
    server: SocketAddr,
    path: String,
    from: usize,
    count: usize,
    all: usize,
    /// How many of them are to know their ids.
    known: usize,
}

/// What became of the share.
#[derive(Default)]
struct Opened {
    silent: Vec<WebSocket>,
    known: Vec<(String, WebSocket)>,
    failed: usize,
    trouble: Option<String>,
}

/// Opens, listens, tells who is alive; each part at a line of standard input. Ends with it.
///
/// # Errors
/// Wrong usage. A connection that does not open is counted.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    let mut options = Options::new(words);
    let share = Share {
        server: options.optional("--server")?.context("--server is missing")?,
        path: options.optional("--path")?.context("--path is missing")?,
        from: options.value("--from", 0)?,
        count: options.value("--count", 1)?,
        all: options.value("--all", 1)?,
        known: options.value("--known", 0)?,
    };
    options.end()?;
    process::runtime()?.block_on(async {
        let mut input = process::input();
        let mut opened = tokio::select! {
            opened = open(&share) => opened?,
            // No line comes before the first answer: this is the end of the soak.
            _ = input.recv() => return Ok(true),
        };
        let ids: Vec<&str> = opened.known.iter().map(|(id, _)| id.as_str()).collect();
        let count = opened.silent.len() + opened.known.len();
        println!("{}", json!({ "opened": count, "failed": opened.failed, "trouble": opened.trouble, "ids": ids }));
        if input.recv().await.is_none() {
            return Ok(true);
        }
        println!("{}", json!({ "heard": heard(&mut opened.known).await }));
        while input.recv().await.is_some() {
            let known = opened.known.iter().map(|(_, socket)| socket);
            println!(
                "{}",
                json!({ "alive": opened.silent.iter().chain(known).filter(|socket| socket.is_idle()).count() })
            );
        }
        Ok(true)
    })
}

async fn open(share: &Share) -> anyhow::Result<Opened> {
    let mut tasks = JoinSet::new();
    let gate = Arc::new(Semaphore::new(OPENING_MAX));
    let picked = picked(share.count, share.known);
    let mut opened = Opened { silent: Vec::with_capacity(share.count), ..Opened::default() };
    for index in 0..share.count {
        let permit = gate.clone().acquire_owned().await?;
        let (server, path, from) = (share.server, share.path.clone(), source(share.from + index, share.all));
        let asks = picked.binary_search(&index).is_ok();
        tasks.spawn(async move {
            let mut tries = 1;
            loop {
                match one(server, &path, from, asks).await {
                    Err(_) if tries < TRIES => tries += 1,
                    done => {
                        drop(permit);
                        return done;
                    }
                }
            }
        });
        while let Some(done) = tasks.try_join_next() {
            opened.take(done.context("a client was lost")?);
        }
    }
    while let Some(done) = tasks.join_next().await {
        opened.take(done.context("a client was lost")?);
    }
    Ok(opened)
}

async fn one(
    server: SocketAddr,
    path: &str,
    from: std::net::Ipv4Addr,
    asks: bool,
) -> anyhow::Result<(WebSocket, Option<String>)> {
    let mut socket = WebSocket::open(server, path, from).await?;
    if !asks {
        return Ok((socket, None));
    }
    socket.send(WHOAMI).await?;
    let id = socket.receive().await.context("learn the connection id")?;
    ensure!(!id.is_empty(), "the backend was told no connection id");
    Ok((socket, Some(String::from_utf8_lossy(&id).into_owned())))
}

impl Opened {
    fn take(&mut self, done: anyhow::Result<(WebSocket, Option<String>)>) {
        match done {
            Ok((socket, Some(id))) => self.known.push((id, socket)),
            Ok((socket, None)) => self.silent.push(socket),
            Err(error) => {
                self.failed += 1;
                self.trouble.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }
}

/// `known` numbers below `count` by chance, in rising order.
fn picked(count: usize, known: usize) -> Vec<usize> {
    let chance = RandomState::new();
    let mut numbers: Vec<usize> = (0..count).collect();
    numbers.sort_by_key(|number| chance.hash_one(number));
    numbers.truncate(known);
    numbers.sort_unstable();
    numbers
}

/// How many were sent their own id.
async fn heard(known: &mut [(String, WebSocket)]) -> usize {
    let mut heard = 0;
    for (id, socket) in known {
        let came = tokio::time::timeout(HEARD_WITHIN, socket.receive()).await;
        heard += usize::from(matches!(came, Ok(Ok(text)) if text == id.as_bytes()));
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_picked_is_picked_once() {
        let picked = picked(1000, 20);
        assert!(picked.len() == 20 && picked.windows(2).all(|two| two[0] < two[1]) && picked[19] < 1000);
        assert_eq!(super::picked(3, 20), [0, 1, 2]);
    }
}
