//! The soak's backend: counts the connections that begin and end, echoes messages.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};

use crate::bench::backend::{ID_HEADER, WHOAMI};

/// How often a count is looked at that is being waited for.
const LOOK: Duration = Duration::from_millis(20);

/// Connections that may wait to be accepted, as far as the kernel allows (net.core.somaxconn, 4,096 by default).
///
/// The gateway opens a connection for each call that finds none, as many at once as there are calls. Where a backend's
/// queue overflows, the kernel drops what comes and the gateway's tries again after 1, 3, 7 s; every client that needs a
/// new connection in that moment waits so long. With Node's 511 or tokio's 1,024 a storm of 10,000 comes to that.
const WAITING_MAX: u32 = 16 * 1024;

/// What the backend has seen.
#[derive(Default)]
pub(super) struct Seen {
    /// `$connect` calls, all of which are accepted.
    pub(super) connects: AtomicUsize,
    pub(super) disconnects: AtomicUsize,
}

impl Seen {
    /// Connections that have begun and not ended, as far as the backend was told.
    pub(super) fn open(&self) -> isize {
        // Ends first: a connection that begins and ends in between must not look like one end too many.
        let ended = self.disconnects.load(Ordering::Acquire);
        self.connects.load(Ordering::Acquire) as isize - ended as isize
    }

    /// Waits until `open` connections are open; false when they are not within `limit`.
    pub(super) async fn settles(&self, open: isize, limit: Duration) -> bool {
        let wait = async {
            while self.open() != open {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(limit, wait).await.is_ok()
    }
}

/// Listens on a free port and serves until the program ends.
///
/// # Errors
/// When no port can be had.
pub(super) async fn start() -> anyhow::Result<(SocketAddr, Arc<Seen>)> {
    let socket = TcpSocket::new_v4().context("make the backend's socket")?;
    socket.bind(([127, 0, 0, 1], 0).into()).context("bind the backend's socket")?;
    let listener = socket.listen(WAITING_MAX).context("listen for the backend")?;
    let address = listener.local_addr()?;
    let seen = Arc::new(Seen::default());
    tokio::spawn(serve(listener, seen.clone()));
    Ok((address, seen))
}

async fn serve(listener: TcpListener, seen: Arc<Seen>) {
    loop {
        // Without files for one more connection the gateway's calls wait, as they would for any busy backend.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(LOOK).await;
            continue;
        };
        let seen = seen.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(|request| answer(request, &seen));
            // What breaks here breaks a call of the gateway's, and shows in the counts.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, seen: &Seen) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let header = |name: &str| head.headers.get(name).map(|value| Bytes::copy_from_slice(value.as_bytes()));
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let answer = match header("eventType").as_deref() {
        Some(b"CONNECT") => {
            seen.connects.fetch_add(1, Ordering::AcqRel);
            Bytes::new()
        }
        Some(b"DISCONNECT") => {
            seen.disconnects.fetch_add(1, Ordering::AcqRel);
            Bytes::new()
        }
        _ if body == WHOAMI => header(ID_HEADER).unwrap_or_default(),
        _ => body,
    };
    Ok(Response::new(Full::new(answer)))
}
