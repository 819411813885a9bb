//! Where a schedule is played: a gateway, a backend and clients on real sockets, over loopback.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::gateway::{Gateway, Settings, Socket};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::backend::{self, Call};
use super::run;
use super::world::World;

/// What a rate of a schedule is in requests per second.
pub(crate) const RATE: f64 = 1.0;
/// Whether connections are handed over.
pub(crate) const MOVES: bool = true;
/// A small window, so that a client that does not read is noticed after few frames.
const RECEIVE_BUFFER: u32 = 2048;
/// What a client's socket takes on our side; the kernel doubles it.
const SEND_BUFFER: usize = 2304;

/// The listeners of a schedule.
pub(crate) struct Place {
    backend: TcpListener,
    front: TcpListener,
}

/// Where clients come in.
#[derive(Clone)]
pub(crate) struct Door(SocketAddr);

impl Place {
    pub(crate) async fn new(_seed: u64) -> Place {
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let (backend, front) = (listen().await.unwrap(), listen().await.unwrap());
        let _ = SockRef::from(&front).set_send_buffer_size(SEND_BUFFER);
        Place { backend, front }
    }

    pub(crate) fn backend(&self) -> SocketAddr {
        self.backend.local_addr().unwrap()
    }

    pub(crate) fn gateway(&self, settings: Settings) -> Arc<Gateway> {
        Gateway::new(settings)
    }

    /// Serves until the set is dropped.
    pub(crate) fn serve(self, world: &Arc<World>, servers: &mut JoinSet<()>) -> Door {
        let door = Door(self.front.local_addr().unwrap());
        servers.spawn(serve(self.backend, world.clone()));
        servers.spawn(accept(self.front, world.gateway.clone()));
        door
    }
}

// The front door as the program has it, without TLS and without other requests.
async fn accept(listener: TcpListener, gateway: Arc<Gateway>) {
    let mut greeted = JoinSet::new();
    while let Ok((stream, from)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        greeted.spawn(run::greet(Socket::Clear(stream), from.ip(), gateway.clone()));
    }
}

async fn serve(listener: TcpListener, world: Arc<World>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let world = world.clone();
        connections.spawn(async move { while_open(stream, &world).await });
    }
}

async fn while_open(mut stream: TcpStream, world: &World) {
    let _ = stream.set_nodelay(true);
    let mut bytes = Vec::new();
    loop {
        let call = loop {
            match read_call(&mut bytes) {
                Ok(Some(call)) => break call,
                Ok(None) => {}
                Err(error) => return world.fault(format!("the backend was sent no request: {error}")),
            }
            if !matches!(stream.read_buf(&mut bytes).await, Ok(read) if read > 0) {
                return;
            }
        };
        let Some((status, body)) = backend::answer(&call, world).await else { return };
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn read_call(bytes: &mut Vec<u8>) -> Result<Option<Call>, String> {
    let mut space = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut space);
    let head = match request.parse(bytes).map_err(|error| error.to_string())? {
        httparse::Status::Complete(head) => head,
        httparse::Status::Partial => return Ok(None),
    };
    let header = |name: &str| {
        let header = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let call = Call::read(header, bytes.get(head..head + length).unwrap_or_default());
    if bytes.len() < head + length {
        return Ok(None);
    }
    bytes.drain(..head + length);
    Ok(Some(call))
}

/// A client's side of its socket.
pub(crate) struct Line(TcpStream);

impl Line {
    pub(crate) async fn connect(door: &Door) -> io::Result<Line> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        let stream = socket.connect(door.0).await?;
        stream.set_nodelay(true)?;
        Ok(Line(stream))
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.0.readable().await
    }

    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.0.writable().await
    }

    pub(crate) fn try_read(&self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        self.0.try_read_buf(bytes)
    }

    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    /// Nothing more will be written.
    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        self.0.shutdown().await
    }

    /// Is reset when it is dropped.
    pub(crate) fn reset(&self) -> io::Result<()> {
        SockRef::from(&self.0).set_linger(Some(std::time::Duration::ZERO))
    }
}
