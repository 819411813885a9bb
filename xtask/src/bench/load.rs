//! The loads of the messages bench. Each keeps one unit in flight per connection, checks every answer, and ends
//! at a set time.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hyper::{Method, StatusCode};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::bench::backend;
use crate::bench::http::HttpConnection;
use crate::bench::payload::message;
use crate::bench::ws::{PATIENCE, WebSocket, source};

/// Connections that one kind of load runs over, from one measurement to the next.
pub(crate) enum Lines {
    /// Requests through the proxy.
    Http(Vec<HttpConnection>),
    /// Messages with replies.
    TwoWay(Vec<WebSocket>),
    /// Messages without; the backend tells of each arrival.
    OneWay(Vec<WebSocket>, Arc<[Notify]>),
    /// Posts to `@connections`: each client beside the HTTP connection, and the path, that reach it.
    Push(Vec<(WebSocket, HttpConnection, String)>),
}

impl Lines {
    /// Opens `count` connections to the proxy.
    ///
    /// # Errors
    /// When one does not open.
    pub(crate) async fn http(proxy: SocketAddr, count: usize) -> anyhow::Result<Lines> {
        let mut lines = Vec::with_capacity(count);
        for _ in 0..count {
            lines.push(HttpConnection::open(proxy).await?);
        }
        Ok(Lines::Http(lines))
    }

    /// Opens `count` WebSockets whose messages are replied to.
    ///
    /// # Errors
    /// When one does not open.
    pub(crate) async fn two_way(gateway: SocketAddr, path: &str, count: usize) -> anyhow::Result<Lines> {
        Ok(Lines::TwoWay(sockets(gateway, path, count).await?))
    }

    /// Opens `count` WebSockets whose messages the backend counts in `arrivals`.
    ///
    /// # Errors
    /// When one does not open.
    pub(crate) async fn one_way(
        gateway: SocketAddr,
        path: &str,
        count: usize,
        arrivals: Arc<[Notify]>,
    ) -> anyhow::Result<Lines> {
        Ok(Lines::OneWay(sockets(gateway, path, count).await?, arrivals))
    }

    /// Opens `count` WebSockets, each with an HTTP connection that posts to it, signed or not.
    ///
    /// # Errors
    /// When one does not open, or does not learn its connection id.
    pub(crate) async fn push(gateway: SocketAddr, path: &str, count: usize, signs: bool) -> anyhow::Result<Lines> {
        Lines::pushed(gateway, gateway, path, count, signs).await
    }

    /// The same for clients of another node than the one that posts go through, unsigned.
    ///
    /// # Errors
    /// As for [`Lines::push`].
    pub(crate) async fn push_through(
        through: SocketAddr,
        gateway: SocketAddr,
        path: &str,
        count: usize,
    ) -> anyhow::Result<Lines> {
        Lines::pushed(through, gateway, path, count, false).await
    }

    async fn pushed(
        through: SocketAddr,
        gateway: SocketAddr,
        path: &str,
        count: usize,
        signs: bool,
    ) -> anyhow::Result<Lines> {
        let mut lines = Vec::with_capacity(count);
        for mut socket in sockets(gateway, path, count).await? {
            socket.send(backend::WHOAMI).await?;
            let id = socket.receive().await.context("learn the connection id")?;
            ensure!(!id.is_empty(), "the backend was told no connection id");
            let post = format!("{path}/@connections/{}", percent_encoded(&id));
            let http = HttpConnection::open(through).await?;
            let http = if signs { http.signing("execute-api") } else { http };
            lines.push((socket, http, post));
        }
        Ok(Lines::Push(lines))
    }

    /// Loads every connection for `time`, and gives how many units were done; the connections stay open.
    ///
    /// # Errors
    /// The first answer that was not the right one, or did not come.
    pub(crate) async fn run(&mut self, size: usize, time: Duration) -> anyhow::Result<u64> {
        let end = Instant::now() + time;
        match self {
            Lines::Http(lines) => {
                all(lines, |index, mut line| async move {
                    let message = message(index, size);
                    let mut done = 0;
                    while Instant::now() < end {
                        let (status, body) = line.request(Method::POST, backend::ECHO, message.clone()).await?;
                        ensure!(status == StatusCode::OK && body == message, "the proxy answered {status} {body:?}");
                        done += 1;
                    }
                    Ok((line, done))
                })
                .await
            }
            Lines::TwoWay(lines) => {
                all(lines, |index, mut line| async move {
                    let message = message(index, size);
                    let mut done = 0;
                    while Instant::now() < end {
                        line.send(&message).await?;
                        let reply = line.receive().await?;
                        ensure!(reply == message, "the reply to a message was {reply:?}");
                        done += 1;
                    }
                    Ok((line, done))
                })
                .await
            }
            Lines::OneWay(lines, arrivals) => {
                let arrivals = arrivals.clone();
                all(lines, |index, mut line| {
                    let arrivals = arrivals.clone();
                    async move {
                        let message = message(index, size);
                        let mut done = 0;
                        while Instant::now() < end {
                            line.send(&message).await?;
                            let arrived = timeout(PATIENCE, arrivals[index].notified()).await;
                            arrived.context("a message did not arrive at the backend")?;
                            done += 1;
                        }
                        ensure!(line.is_idle(), "a one-way connection was sent something, or closed");
                        Ok((line, done))
                    }
                })
                .await
            }
            Lines::Push(lines) => {
                all(lines, |index, (mut socket, mut http, post)| async move {
                    let message = message(index, size);
                    let mut done = 0;
                    while Instant::now() < end {
                        let (status, body) = http.request(Method::POST, &post, message.clone()).await?;
                        ensure!(status == StatusCode::OK, "POST {post}: {status} {body:?}");
                        let pushed = socket.receive().await?;
                        ensure!(pushed == message, "what was pushed arrived as {pushed:?}");
                        done += 1;
                    }
                    Ok(((socket, http, post), done))
                })
                .await
            }
        }
    }
}

/// Opens `count` WebSockets.
///
/// # Errors
/// When one does not open.
async fn sockets(gateway: SocketAddr, path: &str, count: usize) -> anyhow::Result<Vec<WebSocket>> {
    let mut sockets = Vec::with_capacity(count);
    for index in 0..count {
        sockets.push(WebSocket::open(gateway, path, source(index, count)).await?);
    }
    Ok(sockets)
}

/// Runs `work` over each line in a task of its own, puts the lines back and sums up what was done.
async fn all<T, F>(lines: &mut Vec<T>, work: impl Fn(usize, T) -> F) -> anyhow::Result<u64>
where
    T: Send + 'static,
    F: Future<Output = anyhow::Result<(T, u64)>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for (index, line) in lines.drain(..).enumerate() {
        let work = work(index, line);
        tasks.spawn(async move { Ok::<_, anyhow::Error>((index, work.await?)) });
    }
    let mut back = Vec::with_capacity(tasks.len());
    let mut sum = 0;
    while let Some(ended) = tasks.join_next().await {
        let (index, (line, done)) = ended.context("a task of the load was lost")??;
        back.push((index, line));
        sum += done;
    }
    // A line keeps its number, by which the backend knows it.
    back.sort_by_key(|(index, _)| *index);
    lines.extend(back.into_iter().map(|(_, line)| line));
    Ok(sum)
}

/// A connection id as it stands in a path; its `=` must be encoded.
pub(super) fn percent_encoded(id: &[u8]) -> String {
    let mut encoded = String::with_capacity(id.len() + 2);
    for &byte in id {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::bench::backend::Backend;
    use crate::bench::proxy;

    #[test]
    fn a_connection_id_is_encoded_for_a_path() {
        assert_eq!(percent_encoded(b"L0SM9cOFvHcCIhw="), "L0SM9cOFvHcCIhw%3D");
    }

    #[tokio::test]
    async fn requests_go_through_the_proxy_to_the_backend_and_back() {
        let backend = Backend::start(0).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(proxy::serve(listener, backend.address));
        let mut lines = Lines::http(at, 4).await.unwrap();
        for _ in 0..2 {
            assert!(lines.run(128, Duration::from_millis(50)).await.unwrap() >= 4);
        }
    }

    #[tokio::test]
    async fn a_wrong_answer_ends_the_load_with_an_error() {
        let backend = Backend::start(0).await.unwrap();
        // A backend that knows no sender, asked directly: every message is refused.
        let mut direct = HttpConnection::open(backend.address).await.unwrap();
        let (status, _) = direct.request(Method::POST, backend::EMPTY, message(0, 128)).await.unwrap();
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = nowhere.local_addr().unwrap();
        let gone = Backend { address: at, arrivals: Arc::new([]) };
        drop(nowhere);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy_at = listener.local_addr().unwrap();
        tokio::spawn(proxy::serve(listener, gone.address));
        let mut lines = Lines::http(proxy_at, 1).await.unwrap();
        assert!(lines.run(128, Duration::from_millis(50)).await.is_err());
    }

    #[tokio::test]
    async fn the_backend_tells_who_sent_a_one_way_message() {
        let backend = Backend::start(2).await.unwrap();
        let mut direct = HttpConnection::open(backend.address).await.unwrap();
        let (status, body) = direct.request(Method::POST, backend::EMPTY, message(1, 128)).await.unwrap();
        assert_eq!((status, body.len()), (StatusCode::OK, 0));
        timeout(PATIENCE, backend.arrivals[1].notified()).await.unwrap();
    }
}
