//! The bare gateway that `bench rate` compares with: each text message becomes one HTTP call, its answer a message.
//!
//! No routes, templates, limits or logs: what remains is what the machine asks for the trip itself, on a runtime as the
//! gateway's own. It is a process of its own, so that its CPU time can be told.

use std::cell::RefCell;
use std::net::SocketAddr;

use anyhow::{Context, ensure};
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Usage;
use crate::bench::{backend, process, ws};

/// What the process is called on the command line.
pub(crate) const ROLE: &str = "bench-skeleton";
/// Kept connections of one thread; more than there are clients of a bench.
const KEPT_MAX: usize = 4096;
/// The longest head of a request or an answer, and the longest message.
const BYTES_MAX: usize = 64 * 1024;

/// A connection to the backend, with what was read from it.
type Kept = (TcpStream, BytesMut);

thread_local! {
    static KEPT: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

/// Serves until its standard input ends; prints its address first.
///
/// # Errors
/// Wrong usage, or no port to listen on.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    let backend = words.first().and_then(|word| word.parse().ok());
    let backend = backend.ok_or_else(|| Usage::error(format!("{ROLE} needs the backend's address")))?;
    process::until_input_ends(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("listen for the skeleton")?;
        println!("{}", listener.local_addr()?);
        // In a task, so that accepting is done by the threads that do the rest.
        tokio::spawn(serve(listener, backend)).await?
    })
}

/// Serves every client that comes over `listener`.
///
/// # Errors
/// When connections cannot be accepted any more.
pub(crate) async fn serve(listener: TcpListener, backend: SocketAddr) -> anyhow::Result<()> {
    loop {
        let (stream, _) = listener.accept().await.context("accept a connection")?;
        // What breaks here breaks a message of the bench, which is counted there.
        tokio::spawn(async move { client(stream, backend).await });
    }
}

async fn client(mut stream: TcpStream, backend: SocketAddr) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut arrived = BytesMut::new();
    let head = head_of(&mut stream, &mut arrived).await?;
    arrived.advance(head);
    stream.write_all(ws::answer_to_upgrade().as_bytes()).await?;
    loop {
        while let Some(message) = ws::take_masked_text(&mut arrived)? {
            let answer = Box::pin(call(backend, &message)).await?;
            stream.write_all(&ws::plain_frame(&answer)).await?;
        }
        ensure!(arrived.len() < BYTES_MAX, "too long a message");
        ensure!(stream.read_buf(&mut arrived).await? > 0, "closed");
    }
}

async fn call(backend: SocketAddr, body: &[u8]) -> anyhow::Result<BytesMut> {
    let kept = KEPT.with_borrow_mut(Vec::pop);
    let (mut stream, mut arrived) = match kept {
        Some(kept) => kept,
        None => {
            let stream = TcpStream::connect(backend).await.context("connect to the backend")?;
            stream.set_nodelay(true)?;
            (stream, BytesMut::new())
        }
    };
    let mut request = format!(
        "POST {} HTTP/1.1\r\nHost: {backend}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        backend::ECHO,
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    stream.write_all(&request).await.context("call the backend")?;
    let head = head_of(&mut stream, &mut arrived).await?;
    let length = content_length(&arrived[..head]).context("an answer without Content-Length")?;
    arrived.advance(head);
    while arrived.len() < length {
        ensure!(stream.read_buf(&mut arrived).await? > 0, "the backend closed in the middle of an answer");
    }
    let answer = arrived.split_to(length);
    KEPT.with_borrow_mut(|kept| {
        if kept.len() < KEPT_MAX {
            kept.push((stream, arrived));
        }
    });
    Ok(answer)
}

/// Reads until a head is whole: its length, the empty line with it.
async fn head_of(stream: &mut TcpStream, arrived: &mut BytesMut) -> anyhow::Result<usize> {
    loop {
        if let Some(end) = arrived.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            return Ok(end + 4);
        }
        ensure!(arrived.len() < BYTES_MAX, "too long a head");
        ensure!(stream.read_buf(arrived).await? > 0, "closed in the middle of a head");
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?;
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::backend::Backend;
    use crate::bench::ws::WebSocket;

    #[tokio::test]
    async fn a_message_goes_to_the_backend_and_back() {
        let backend = Backend::start(0).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, backend.address));
        let mut socket = WebSocket::open(at, "/", ws::source(0, 1)).await.unwrap();
        for length in [1, 125, 126, 4096] {
            let message = vec![b'x'; length];
            socket.send(&message).await.unwrap();
            assert_eq!(socket.receive().await.unwrap(), message);
        }
    }
}
