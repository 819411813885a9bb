//! A WebSocket client that is quick and keeps nothing: text messages out, text messages in.
//!
//! It takes what a well-behaved gateway sends and refuses everything else, for a bench must not measure nonsense.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// The nonce of RFC 6455's own example (section 1.3), and the answer to it, so that no SHA-1 is needed here.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// The longest head of an answer to the upgrade, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// How long a connection may take to open, to answer, or to close.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
/// Connections from one source address. The kernel has about 28,000 ports for each.
const CONNECTIONS_PER_ADDRESS: usize = 10_000;
/// Source addresses that even few connections are spread over, as real clients would be.
const ADDRESSES_MIN: usize = 16;

const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

/// The address that connection number `index` of `count` comes from, one of 127.0.0.1, 127.0.0.2, ….
pub(crate) fn source(index: usize, count: usize) -> Ipv4Addr {
    let addresses = ADDRESSES_MIN.max(count.div_ceil(CONNECTIONS_PER_ADDRESS));
    let number = index % addresses;
    // 250 of each last byte keep clear of broadcast-like addresses.
    let [high, low] = [(number / 250) as u8, (number % 250) as u8 + 1];
    Ipv4Addr::new(127, 0, high, low)
}

/// One open WebSocket connection.
pub(crate) struct WebSocket<S = TcpStream> {
    stream: S,
    arrived: BytesMut,
    mask: u32,
}

impl WebSocket {
    /// Connects from `source` to `server` and asks for an upgrade on `path`.
    ///
    /// # Errors
    /// When it is not upgraded within [`PATIENCE`]; the message says what came instead.
    pub(crate) async fn open(server: SocketAddr, path: &str, source: Ipv4Addr) -> anyhow::Result<WebSocket> {
        WebSocket::open_on(socket(source)?, server, path).await
    }

    /// The same on a socket that the caller has made, and perhaps changed.
    ///
    /// # Errors
    /// As for [`WebSocket::open`].
    pub(crate) async fn open_on(socket: TcpSocket, server: SocketAddr, path: &str) -> anyhow::Result<WebSocket> {
        let opening = async {
            let stream = socket.connect(server).await.context("connect")?;
            stream.set_nodelay(true)?;
            let port = stream.local_addr()?.port();
            WebSocket::over(stream, server, path, port).await
        };
        timeout(PATIENCE, opening).await.context("open a WebSocket: timed out")?
    }

    /// True while nothing has arrived that was not asked for, the connection's end included.
    pub(crate) fn is_idle(&self) -> bool {
        let nothing = self.stream.try_read(&mut [0; 1]);
        self.arrived.is_empty() && nothing.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Asks for an upgrade on `path` over a stream to `server` that is there already; `port` is its own end's.
    ///
    /// # Errors
    /// When it is not upgraded; the message says what came instead.
    pub(crate) async fn over(mut stream: S, server: SocketAddr, path: &str, port: u16) -> anyhow::Result<WebSocket<S>> {
        stream.write_all(upgrade(server, path).as_bytes()).await.context("send the upgrade")?;
        stream.flush().await.context("send the upgrade")?;
        let mut arrived = BytesMut::new();
        let end = loop {
            if let Some(end) = arrived.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end;
            }
            ensure!(arrived.len() < HEAD_BYTES_MAX, "the answer to the upgrade is too long");
            let read = stream.read_buf(&mut arrived).await.context("read the answer to the upgrade")?;
            ensure!(read > 0, "closed instead of upgraded");
        };
        accepted(&String::from_utf8_lossy(&arrived[..end]))?;
        arrived.advance(end + 4);
        let mask = u32::from(port).wrapping_mul(0x9E37_79B9) | 1;
        Ok(WebSocket { stream, arrived, mask })
    }

    /// Sends one text message.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(crate) async fn send(&mut self, text: &[u8]) -> anyhow::Result<()> {
        let frame = self.frame(TEXT, text);
        self.stream.write_all(&frame).await.context("send a message")?;
        // Under TLS what is written may wait here.
        self.stream.flush().await.context("send a message")
    }

    /// Waits for one text message, at most [`PATIENCE`].
    ///
    /// # Errors
    /// When none comes, or something comes that no gateway should send here.
    pub(crate) async fn receive(&mut self) -> anyhow::Result<BytesMut> {
        let receiving = async {
            loop {
                while let Some((opcode, payload)) = take_frame(&mut self.arrived)? {
                    match opcode {
                        TEXT => return Ok(payload),
                        PING => {
                            let frame = self.frame(PONG, &payload);
                            self.stream.write_all(&frame).await.context("answer a ping")?;
                        }
                        PONG => {}
                        CLOSE => bail!("closed by the gateway, code {}", close_code(&payload)),
                        other => bail!("a frame with opcode {other}"),
                    }
                }
                let read = self.stream.read_buf(&mut self.arrived).await.context("receive a message")?;
                ensure!(read > 0, "cut off by the gateway");
            }
        };
        timeout(PATIENCE, receiving).await.context("receive a message: timed out")?
    }

    /// Closes with code 1000 and waits for the gateway's end of it, at most [`PATIENCE`].
    ///
    /// # Errors
    /// When that does not come.
    pub(crate) async fn close(mut self) -> anyhow::Result<()> {
        let frame = self.frame(CLOSE, &1000_u16.to_be_bytes());
        let closing = async {
            self.stream.write_all(&frame).await?;
            while self.stream.read_buf(&mut self.arrived).await? > 0 {
                self.arrived.clear();
            }
            std::io::Result::Ok(())
        };
        timeout(PATIENCE, closing).await.context("close: timed out")?.context("close")
    }

    /// The bare stream, for an end that no WebSocket should have.
    pub(crate) fn into_stream(self) -> S {
        self.stream
    }

    fn frame(&mut self, opcode: u8, payload: &[u8]) -> Vec<u8> {
        // xorshift: a new mask for each frame, as RFC 6455 wants it, without the cost of randomness.
        self.mask ^= self.mask << 13;
        self.mask ^= self.mask >> 17;
        self.mask ^= self.mask << 5;
        masked_frame(opcode, payload, self.mask.to_be_bytes())
    }
}

/// A socket that will connect from `source`.
///
/// # Errors
/// When the system gives none.
pub(crate) fn socket(source: Ipv4Addr) -> anyhow::Result<TcpSocket> {
    let socket = TcpSocket::new_v4().context("make a socket")?;
    socket.bind((source, 0).into()).with_context(|| format!("bind {source}"))?;
    Ok(socket)
}

/// The request that asks for a WebSocket.
pub(crate) fn upgrade(server: SocketAddr, path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

/// The answer to [`upgrade`], for a server that serves nobody but this client.
pub(crate) fn answer_to_upgrade() -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    )
}

/// A text message as servers send it.
pub(crate) fn plain_frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(10 + payload.len());
    frame.push(FIN | TEXT);
    put_length(&mut frame, 0, payload.len());
    frame.extend_from_slice(payload);
    frame
}

/// Takes one complete text message of a client off the front of `arrived`, if there is one.
pub(crate) fn take_masked_text(arrived: &mut BytesMut) -> anyhow::Result<Option<BytesMut>> {
    let &[first, second, ..] = &arrived[..] else {
        return Ok(None);
    };
    ensure!(first == FIN | TEXT && second & MASKED != 0, "no text message of a client");
    let (head, length) = match (second & !MASKED, arrived.len()) {
        (126, 4..) => (4, usize::from(u16::from_be_bytes([arrived[2], arrived[3]]))),
        (126, _) => return Ok(None),
        (127, _) => bail!("too long a message"),
        (length, _) => (2, usize::from(length)),
    };
    if arrived.len() < head + 4 + length {
        return Ok(None);
    }
    let mask = [arrived[head], arrived[head + 1], arrived[head + 2], arrived[head + 3]];
    arrived.advance(head + 4);
    let mut payload = arrived.split_to(length);
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Ok(Some(payload))
}

/// Checks the head of the answer to an upgrade.
fn accepted(head: &str) -> anyhow::Result<()> {
    let status = head.lines().next().unwrap_or_default();
    ensure!(status.split(' ').nth(1) == Some("101"), "not upgraded: {status}");
    let accept = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-accept").then_some(value.trim())
    });
    ensure!(accept == Some(ACCEPT), "upgraded with the wrong Sec-WebSocket-Accept");
    Ok(())
}

/// A complete frame as clients send it.
pub(crate) fn masked_frame(opcode: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(14 + payload.len());
    frame.push(FIN | opcode);
    put_length(&mut frame, MASKED, payload.len());
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn put_length(frame: &mut Vec<u8>, masked: u8, length: usize) {
    match length {
        0..126 => frame.push(masked | length as u8),
        126..0x1_0000 => {
            frame.push(masked | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            frame.push(masked | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// Takes one complete frame off the front of `arrived`, if there is one: its opcode and payload.
fn take_frame(arrived: &mut BytesMut) -> anyhow::Result<Option<(u8, BytesMut)>> {
    let &[first, second, ..] = &arrived[..] else {
        return Ok(None);
    };
    ensure!(first & 0xF0 == FIN, "a fragment, or a frame with reserved bits");
    ensure!(second & MASKED == 0, "a masked frame from a server");
    let (head, length) = match (second, arrived.len()) {
        (126, 4..) => (4, usize::from(u16::from_be_bytes([arrived[2], arrived[3]]))),
        (127, 10..) => (10, usize::try_from((&arrived[2..10]).get_u64()).context("a frame too long")?),
        (126 | 127, _) => return Ok(None),
        (length, _) => (2, usize::from(length)),
    };
    if arrived.len() - head < length {
        return Ok(None);
    }
    arrived.advance(head);
    Ok(Some((first & 0x0F, arrived.split_to(length))))
}

/// The code that a close frame carries; 1005 where it carries none.
fn close_code(payload: &[u8]) -> u16 {
    match payload {
        [high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => 1005,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_the_three_length_forms() {
        for (length, head) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let frame = masked_frame(TEXT, &vec![b'x'; length], [1, 2, 3, 4]);
            assert_eq!(frame.len(), head + 4 + length, "{length}");
        }
    }

    #[test]
    fn a_masked_frame_is_as_in_the_rfc() {
        // RFC 6455, section 5.7: a masked text message "Hello".
        let expected = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(masked_frame(TEXT, b"Hello", [0x37, 0xfa, 0x21, 0x3d]), expected);
    }

    #[test]
    fn frames_are_taken_only_when_complete() {
        let mut arrived = BytesMut::from(&[0x81, 0x02, b'h'][..]);
        assert!(take_frame(&mut arrived).unwrap().is_none());
        arrived.extend_from_slice(&[b'i', 0x89, 0x00]);
        assert_eq!(take_frame(&mut arrived).unwrap(), Some((TEXT, BytesMut::from("hi"))));
        assert_eq!(take_frame(&mut arrived).unwrap(), Some((PING, BytesMut::new())));
        assert!(take_frame(&mut arrived).unwrap().is_none());
    }

    #[test]
    fn a_long_frame_is_taken() {
        let mut arrived = BytesMut::from(&[0x81, 126, 0x01, 0x00][..]);
        arrived.extend_from_slice(&[b'x'; 256]);
        assert_eq!(take_frame(&mut arrived).unwrap().map(|(_, payload)| payload.len()), Some(256));
    }

    #[test]
    fn masked_and_reserved_frames_are_refused() {
        assert!(take_frame(&mut BytesMut::from(&[0x81, 0x80, 1, 2, 3, 4][..])).is_err());
        assert!(take_frame(&mut BytesMut::from(&[0xC1, 0x00][..])).is_err());
    }

    #[test]
    fn only_a_right_answer_is_an_upgrade() {
        let right = format!("HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {ACCEPT}");
        assert!(accepted(&right).is_ok());
        assert!(accepted("HTTP/1.1 403 Forbidden").is_err());
        assert!(accepted("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: wrong").is_err());
    }

    #[test]
    fn a_million_connections_have_a_hundred_sources() {
        let sources: std::collections::HashSet<_> = (0..1_000_000).map(|index| source(index, 1_000_000)).collect();
        assert_eq!(sources.len(), 100);
        assert!(sources.iter().all(|source| source.is_loopback()));
    }
}
