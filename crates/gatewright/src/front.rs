//! The front door: takes connections in and tells upgrades from other requests.
//!
//! An upgrade request is read here, with the client's own spelling of its headers, and goes to the gateway with its
//! bare socket. Everything else is hyper's, which gets the bytes that were read. A later upgrade on such a kept-alive
//! connection (some proxies do that) goes the same way as far as the gateway is concerned.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use gateway::{Arrival, RequestHead, Seat, Socket, TooMany};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::certificates::{self, Tls};
use crate::choices::LogLevel;
use crate::door::{Turned, Visitor};
use crate::own_tls::OwnTls;
use crate::patience::Patient;
use crate::service::Service;

/// How long accepting rests when the system gives no more sockets, and how often that is said.
const ACCEPT_REST: Duration = Duration::from_millis(50);
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

/// hyper refuses to work with less.
const HYPER_BUFFER_MIN: usize = 8192;

/// How long a connection may wait for its next request. Longer than the minute after which most clients give theirs
/// up, so that none is closed by us in the moment in which it is used.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Accepts connections until `stop` says so. Each has a task of its own, which ends with its connection.
/// With `tls`, in no other way than under TLS.
pub(crate) async fn accept(
    listener: TcpListener,
    service: Arc<Service>,
    tls: Option<Arc<Tls>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut complained: Option<Instant> = None;
    let most = service.limits.http_connections.min(Semaphore::MAX_PERMITS);
    let room = Room { places: Arc::new(Semaphore::new(most)), most };
    loop {
        let accepted = tokio::select! {
            accepted = accept_one(&listener, &room, &service) => accepted,
            _ = stop.wait_for(|stopped| *stopped) => return,
        };
        match accepted {
            Ok((socket, address, place)) => {
                let local_port = listener.local_addr().map_or(0, |address| address.port());
                let arrival =
                    Arrival { ip: address.ip().to_canonical(), port: address.port(), local_port, tls: tls.is_some() };
                let (service, tls) = (service.clone(), tls.clone());
                tokio::spawn(async move {
                    greet(socket, tls, service, arrival).await;
                    drop(place);
                });
            }
            // The client hung up before we came to it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if complained.is_none_or(|last| last.elapsed() >= COMPLAIN_EVERY) {
                    complained = Some(Instant::now());
                    let text = format!(
                        "accept a connection: {error}; clients wait. More open files: ulimit -n, or LimitNOFILE="
                    );
                    service.log.say(LogLevel::Error, text);
                }
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

/// How many sockets may be open that are no WebSocket, or not yet.
struct Room {
    places: Arc<Semaphore>,
    most: usize,
}

impl Room {
    fn taken(&self) -> usize {
        self.most.saturating_sub(self.places.available_permits())
    }
}

// A place first, then a socket: where there is no place, clients wait in the system's queue. Sockets of clients leave
// room for files and for connections to backends, without which no client would be served.
async fn accept_one(
    listener: &TcpListener,
    room: &Room,
    service: &Service,
) -> io::Result<(TcpStream, SocketAddr, Option<OwnedSemaphorePermit>)> {
    let place = room.places.clone().acquire_owned().await.ok();
    // WebSockets are open where clients are served; the other address has files of its own, so that neither takes all.
    let web_sockets = if service.serves_clients { service.gateway.open_connections() } else { 0 };
    if room.taken() + web_sockets > service.client_files_max {
        let text = format!(
            "{} sockets of clients are open, as many as the limit of open files lets be",
            service.client_files_max
        );
        return Err(io::Error::other(text));
    }
    let (socket, address) = listener.accept().await?;
    Ok((socket, address, place))
}

// The larger futures are boxed, so that a connection that waits for its first bytes costs little.
async fn greet(mut tcp: TcpStream, tls: Option<Arc<Tls>>, service: Arc<Service>, arrival: Arrival) {
    let limits = &service.limits;
    if tcp.set_nodelay(true).is_err() {
        return;
    }
    if limits.send_buffer_bytes != 0 {
        // Where the system refuses, its own size holds.
        let _ = socket2::SockRef::from(&tcp).set_send_buffer_size(limits.send_buffer_bytes);
    }
    let head_bytes_max = limits.url_bytes + limits.header_bytes;
    let hello = async {
        let mut visitor = match Visitor::at_the_door(&mut tcp, &service, arrival, tls.is_some()).await {
            Ok(visitor) => visitor,
            Err(Turned::Away) => return None,
            Err(Turned::TooMany) => return Some((Socket::Clear(tcp), First::TooMany, None)),
        };
        let mut socket = match (&tls, service.own_tls.as_deref().and_then(OwnTls::acceptor)) {
            (Some(tls), _) => Socket::Tls(Box::new(Box::pin(tls.accept(tcp, visitor.ip())).await?)),
            (None, Some(own)) if begins_tls(&tcp).await => {
                visitor.speaks_tls(&service).ok()?;
                Socket::Tls(Box::new(Box::pin(own.accept(tcp)).await.ok()?))
            }
            (None, _) => Socket::Clear(tcp),
        };
        let first = read_head(&mut socket, head_bytes_max).await;
        Some((socket, first, Some(visitor)))
    };
    let Ok(Some((mut socket, first, visitor))) = tokio::time::timeout(limits.handshake_timeout, hello).await else {
        return;
    };
    let Some(visitor) = visitor else {
        // Under TLS the answer would cost the handshake that is refused.
        if tls.is_none()
            && let Ok(_permit) = service.refusals.try_acquire()
        {
            refuse(socket, TOO_MANY.0, TOO_MANY.1).await;
        }
        return;
    };
    match first {
        First::Upgrade(mut head, rest) if service.serves_clients => match visitor.upgrades(&service, &mut head) {
            Ok((arrival, seat)) => {
                head.certificate = certificates::shown(&socket);
                Box::pin(open(&service, *head, socket, rest, (arrival, seat))).await;
            }
            // All of the request is read, so that the answer arrives without waiting for the client.
            Err(TooMany) => tell(&mut socket, TOO_MANY.0, TOO_MANY.1).await,
        },
        First::Upgrade(..) => refuse(socket, "403 Forbidden", "WebSockets are not opened on this address").await,
        First::Other(bytes) => Box::pin(serve(Prefixed { prefix: bytes.into(), socket }, service, visitor)).await,
        First::TooMany => {}
        First::TooLarge => {
            refuse(socket, "431 Request Header Fields Too Large", "Request Header Fields Too Large").await
        }
        First::Malformed => {
            refuse(socket, "400 Bad Request", "not an HTTP/1.1 request in clear text with at most 100 headers").await;
        }
        First::Gone => {}
    }
}

// The first byte of a TLS handshake (RFC 8446, 5.1) is none of a method's.
async fn begins_tls(tcp: &TcpStream) -> bool {
    let mut first = [0];
    tcp.peek(&mut first).await.is_ok() && first == [22]
}

enum First {
    /// The head of an upgrade request, and what came behind it.
    Upgrade(Box<RequestHead>, Vec<u8>),
    /// The beginning of something else.
    Other(Vec<u8>),
    TooLarge,
    Malformed,
    Gone,
    /// It is not read: its address has too much already.
    TooMany,
}

async fn read_head(socket: &mut Socket, bytes_max: usize) -> First {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        match socket.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return First::Gone,
            Ok(_) => {}
        }
        match RequestHead::parse(&bytes) {
            Ok(Some((head, length))) if length > bytes_max => {
                drop(head);
                return First::TooLarge;
            }
            Ok(Some((head, length))) if head.is_upgrade() => {
                bytes.drain(..length);
                return First::Upgrade(Box::new(head), bytes);
            }
            Ok(Some(_)) => return First::Other(bytes),
            Ok(None) if bytes.len() > bytes_max => return First::TooLarge,
            Ok(None) => {}
            Err(_) => return First::Malformed,
        }
    }
}

async fn open(
    service: &Service,
    head: RequestHead,
    mut socket: Socket,
    rest: Vec<u8>,
    (arrival, seat): (Arrival, Option<Seat>),
) {
    let (answer, opening) = service.gateway.open(head, arrival).await;
    match opening {
        Some(opening) => opening.on(seat).start(socket, rest, &answer.to_bytes()),
        // The client may be gone; then there is nobody to tell.
        None => {
            let _ = socket.write_all(&answer.to_bytes()).await;
            let _ = socket.shutdown().await;
        }
    }
}

const TOO_MANY: (&str, &str) = ("429 Too Many Requests", "Too Many Requests");

async fn tell(socket: &mut Socket, status: &str, message: &str) {
    let body = serde_json::json!({ "message": message }).to_string();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    let _ = socket.write_all(answer.as_bytes()).await;
    let _ = socket.shutdown().await;
}

async fn refuse(mut socket: Socket, status: &str, message: &str) {
    tell(&mut socket, status, message).await;
    // What the client is still sending is read for a moment, so that its system does not drop the answer. Not a part of this
    // future, which is a part of that of each socket that waits.
    let mut sink = vec![0; 4096];
    let drain = async { while matches!(socket.read(&mut sink).await, Ok(read) if read > 0) {} };
    let _ = tokio::time::timeout(Duration::from_secs(1), drain).await;
}

async fn serve(io: Prefixed, service: Arc<Service>, visitor: Visitor) {
    let head_bytes_max = (service.limits.url_bytes + service.limits.header_bytes).max(HYPER_BUFFER_MIN);
    let certificate = certificates::shown(&io.socket);
    let keep_alive = KEEP_ALIVE.max(service.limits.handshake_timeout);
    let visitor = visitor.stays();
    let answer = service_fn(move |mut request: hyper::Request<Incoming>| {
        let (service, visitor, certificate) = (service.clone(), visitor.clone(), certificate.clone());
        async move {
            let head = (service.serves_clients && request.headers().contains_key(hyper::header::UPGRADE))
                .then(|| head_of(&request))
                .filter(RequestHead::is_upgrade);
            Ok::<_, Infallible>(match head {
                Some(head) => {
                    let head = RequestHead { certificate, ..head };
                    upgrade(&mut request, head, &service, &visitor).await
                }
                None => {
                    let arrival = visitor.asks(&service, request.headers());
                    service.answer(request, arrival).await
                }
            })
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(keep_alive)
        // A client that hangs up while its $connect runs must not take the call down with it: its $disconnect is owed.
        .half_close(true)
        .max_buf_size(head_bytes_max)
        .serve_connection(TokioIo::new(Patient::new(io)), answer)
        .with_upgrades();
    // What goes wrong with one client's HTTP is told to the client; the program has nothing to do.
    let _ = connection.await;
}

// hyper has lost the spelling of the names, so they get the usual one.
fn head_of(request: &hyper::Request<Incoming>) -> RequestHead {
    let headers = request.headers().iter();
    let headers = headers
        .map(|(name, value)| (usual_spelling(name.as_str()), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    RequestHead {
        method: request.method().to_string(),
        target: request.uri().to_string(),
        minor_version: u8::from(request.version() == hyper::Version::HTTP_11),
        headers: headers.collect(),
        certificate: None,
    }
}

// An upgrade on a connection that has carried other requests.
async fn upgrade(
    request: &mut hyper::Request<Incoming>,
    mut head: RequestHead,
    service: &Service,
    visitor: &Visitor,
) -> crate::answers::Response {
    let (arrival, seat) = match visitor.upgrades(service, &mut head) {
        Ok(let_in) => let_in,
        Err(TooMany) => return crate::answers::too_many(),
    };
    let (answer, opening) = Box::pin(service.gateway.open(head, arrival)).await;
    if let Some(opening) = opening.map(|opening| opening.on(seat)) {
        let upgraded = hyper::upgrade::on(request);
        tokio::spawn(async move {
            let parts = match upgraded.await {
                Ok(upgraded) => upgraded.downcast::<TokioIo<Patient<Prefixed>>>().ok(),
                Err(_) => None,
            };
            match parts {
                Some(parts) => {
                    let Prefixed { prefix, socket } = parts.io.into_inner().into_inner();
                    opening.start(socket, [prefix, parts.read_buf].concat(), &[]);
                }
                None => opening.abandon().await,
            }
        });
    }
    crate::answers::from_gateway(answer)
}

fn usual_spelling(name: &str) -> String {
    if let Some(rest) = name.strip_prefix("sec-websocket-") {
        return format!("Sec-WebSocket-{}", usual_spelling(rest));
    }
    let words = name.split('-').map(|word| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + rest,
        None => String::new(),
    });
    words.collect::<Vec<_>>().join("-")
}

/// A socket with bytes that were read from it already.
struct Prefixed {
    prefix: Bytes,
    socket: Socket,
}

impl AsyncRead for Prefixed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, buf);
        }
        let take = self.prefix.len().min(buf.remaining());
        buf.put_slice(&self.prefix[..take]);
        self.prefix.advance(take);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prefixed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::usual_spelling;

    #[test]
    fn header_names_get_their_usual_spelling() {
        for (name, spelling) in [
            ("host", "Host"),
            ("user-agent", "User-Agent"),
            ("sec-websocket-key", "Sec-WebSocket-Key"),
            ("x--y", "X--Y"),
        ] {
            assert_eq!(usual_spelling(name), spelling);
        }
    }
}
