//! A backend of a torment's own, which reads requests by hand, so that it may answer as it likes.

use anyhow::{Context, ensure};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// The longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// A request, as far as torments look at it.
pub(super) struct Request {
    pub(super) path: String,
    /// The header [`MARKER`].
    pub(super) marker: Option<String>,
    pub(super) body: Bytes,
}

/// The header that carries a message's marker to its backend.
pub(super) const MARKER: &str = "marker";

/// The next request of a connection; `None` at its end.
///
/// # Errors
/// When it breaks, or what comes is no request.
pub(super) async fn request(stream: &mut TcpStream, arrived: &mut BytesMut) -> anyhow::Result<Option<Request>> {
    let end = loop {
        if let Some(end) = arrived.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end;
        }
        ensure!(arrived.len() < HEAD_BYTES_MAX, "a request's head is too long");
        if stream.read_buf(arrived).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&arrived[..end]).into_owned();
    arrived.advance(end + 4);
    let header = |name: &str| {
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let mut values = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
        values.next().map(str::to_owned)
    };
    let length: usize =
        header("content-length").map_or(Ok(0), |length| length.parse()).context("a request's length")?;
    while arrived.len() < length {
        if stream.read_buf(arrived).await? == 0 {
            return Ok(None);
        }
    }
    let path = head.split(' ').nth(1).context("a request without a path")?.to_owned();
    Ok(Some(Request { path, marker: header(MARKER), body: arrived.split_to(length).freeze() }))
}

/// An answer as it should be.
pub(super) fn answer(body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}
