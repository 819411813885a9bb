//! The soak's backend: keeps account of every connection's beginning and end, and echoes messages.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;

/// The gateway's calls that may wait to be accepted, as far as the system allows.
const BACKLOG: u32 = 65_535;
/// Where `$connect` calls.
pub(crate) const CONNECT: &str = "/connect";
/// Where `$disconnect` calls.
pub(crate) const DISCONNECT: &str = "/disconnect";
/// Where messages go; answers with the message.
pub(crate) const ECHO: &str = "/echo";
/// The message that is answered with its sender's connection id.
pub(crate) const WHOAMI: &[u8] = b"whoami";
/// The header with the connection id.
pub(crate) const ID_HEADER: &str = "connectionId";

/// What the backend heard of connections.
#[derive(Default)]
pub(crate) struct Accounts {
    calls: Mutex<HashMap<String, Calls>>,
    changed: Notify,
}

/// How often a connection began and ended.
#[derive(Clone, Copy, Default)]
struct Calls {
    connects: u32,
    disconnects: u32,
}

/// The sums of all connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Connections that began.
    pub(crate) begun: usize,
    /// Connections that ended.
    pub(crate) ended: usize,
    /// Connections that began or ended more than once, or ended without a beginning.
    pub(crate) wrong: usize,
}

impl Accounts {
    fn note(&self, id: &str, path: &str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = calls.entry(id.to_owned()).or_default();
        match path {
            CONNECT => entry.connects += 1,
            _ => entry.disconnects += 1,
        }
        drop(calls);
        self.changed.notify_waiters();
    }

    /// The sums now.
    pub(crate) fn sums(&self) -> Sums {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.values().fold(Sums::default(), |sums, calls| Sums {
            begun: sums.begun + usize::from(calls.connects > 0),
            ended: sums.ended + usize::from(calls.disconnects > 0),
            wrong: sums.wrong + usize::from(calls.connects != 1 || calls.disconnects > 1),
        })
    }

    /// Waits until `holds` is true of the sums, at most `limit`; gives the last sums.
    pub(crate) async fn wait_for(&self, limit: Duration, holds: impl Fn(Sums) -> bool) -> Sums {
        let start = Instant::now();
        loop {
            let changed = self.changed.notified();
            let sums = self.sums();
            let left = limit.saturating_sub(start.elapsed());
            if holds(sums) || left.is_zero() {
                return sums;
            }
            // Sums are dear with many connections; there is no need to look at each of ten thousand calls.
            let _ = tokio::time::timeout(left.min(Duration::from_millis(100)), changed).await;
        }
    }
}

/// A backend that listens.
pub(crate) struct Backend {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What it heard of connections.
    pub(crate) accounts: Arc<Accounts>,
}

impl Backend {
    /// Listens on a free port and serves until the soak ends.
    ///
    /// # Errors
    /// When no port can be had.
    pub(crate) fn start() -> anyhow::Result<Backend> {
        let socket = TcpSocket::new_v4().context("make a socket for the backend")?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).context("bind the backend")?;
        let listener = socket.listen(BACKLOG).context("listen for the backend")?;
        let address = listener.local_addr()?;
        let accounts = Arc::new(Accounts::default());
        tokio::spawn(serve(listener, accounts.clone()));
        Ok(Backend { address, accounts })
    }
}

async fn serve(listener: TcpListener, accounts: Arc<Accounts>) {
    loop {
        // Without a free file there is nothing to accept with; the gateway's calls wait in the kernel's queue.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let accounts = accounts.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(|request| answer(request, &accounts));
            // What breaks here breaks a call of the gateway, which shows in the accounts.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, accounts: &Accounts) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let id = head.headers.get(ID_HEADER).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let reply = match head.uri.path() {
        path @ (CONNECT | DISCONNECT) => {
            accounts.note(id, path);
            Bytes::new()
        }
        _ if body == WHOAMI => Bytes::copy_from_slice(id.as_bytes()),
        _ => body,
    };
    Ok(Response::new(Full::new(reply)))
}

#[cfg(test)]
mod tests {
    use super::{Accounts, CONNECT, DISCONNECT, Sums};

    #[test]
    fn whoever_ends_twice_or_never_began_is_wrong() {
        let accounts = Accounts::default();
        accounts.note("a", CONNECT);
        accounts.note("b", CONNECT);
        accounts.note("b", DISCONNECT);
        assert_eq!(accounts.sums(), Sums { begun: 2, ended: 1, wrong: 0 });
        accounts.note("b", DISCONNECT);
        accounts.note("c", DISCONNECT);
        assert_eq!(accounts.sums(), Sums { begun: 2, ended: 2, wrong: 2 });
    }
}
