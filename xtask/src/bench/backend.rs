//! The HTTP backend behind the gateway and the proxy: echoes, or takes a message and tells its sender.
//!
//! It runs inside the bench, so that a sender learns at once that its one-way message has arrived and the load stays
//! closed (one message in flight for each connection), as it is in the other measurements.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::bench::payload;

/// Answers with the body of the request, as does every path but [`EMPTY`]: `serve --backend` has paths of its own.
pub(crate) const ECHO: &str = "/echo";
/// Answers with an empty body.
pub(crate) const EMPTY: &str = "/empty";
/// The message that [`ECHO`] answers with the sender's connection id instead.
pub(crate) const WHOAMI: &[u8] = br#"{"action":"whoami"}"#;
/// The header that carries the connection id, by the request parameters of `control.rs`.
pub(crate) const ID_HEADER: &str = "connectionId";

/// A backend that listens.
pub(crate) struct Backend {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Told when a message of that sender has arrived at [`EMPTY`].
    pub(crate) arrivals: Arc<[Notify]>,
}

impl Backend {
    /// Listens on a free port and serves until the bench ends; `senders` is how many send one-way messages.
    ///
    /// # Errors
    /// When no port can be had.
    pub(crate) async fn start(senders: usize) -> anyhow::Result<Backend> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("listen for the backend")?;
        let address = listener.local_addr()?;
        let arrivals: Arc<[Notify]> = (0..senders).map(|_| Notify::new()).collect();
        tokio::spawn(serve(listener, arrivals.clone()));
        Ok(Backend { address, arrivals })
    }
}

async fn serve(listener: TcpListener, arrivals: Arc<[Notify]>) {
    // An accept that fails ends the backend: every message then times out and says so, rather than this loop spinning.
    while let Ok((stream, _)) = listener.accept().await {
        let arrivals = arrivals.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(|request| answer(request, &arrivals));
            // What breaks here, breaks a message of the bench, which is counted there.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, arrivals: &[Notify]) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut response = Response::new(Full::default());
    if head.uri.path() == EMPTY {
        match payload::sender(&body).and_then(|sender| arrivals.get(sender)) {
            Some(arrival) => arrival.notify_one(),
            None => *response.status_mut() = StatusCode::BAD_REQUEST,
        }
    } else if body == WHOAMI {
        let id = head.headers.get(ID_HEADER).map(|id| Bytes::copy_from_slice(id.as_bytes()));
        *response.body_mut() = Full::new(id.unwrap_or_default());
    } else {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *response.body_mut() = Full::new(body);
    }
    Ok(response)
}
