//! The bare hyper reverse proxy that the gateway is compared with: hyper's server in front, hyper-util's pooled client
//! behind, bodies passed through, and nothing else. It is a process of its own, so that its CPU time can be told.

use std::net::SocketAddr;

use anyhow::Context;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::Usage;
use crate::bench::process;

/// What the process is called on the command line.
pub(crate) const ROLE: &str = "bench-proxy";

type Forward = Client<HttpConnector, Incoming>;

/// Serves until its standard input ends; prints its address first.
///
/// # Errors
/// Wrong usage, or no port to listen on.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    let backend = words.first().and_then(|word| word.parse().ok());
    let backend = backend.ok_or_else(|| Usage::error(format!("{ROLE} needs the backend's address")))?;
    process::until_input_ends(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("listen for the proxy")?;
        println!("{}", listener.local_addr()?);
        serve(listener, backend).await
    })
}

/// Forwards every request that comes over `listener` to `backend`.
///
/// # Errors
/// When connections cannot be accepted any more.
pub(crate) async fn serve(listener: TcpListener, backend: SocketAddr) -> anyhow::Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Forward = Client::builder(TokioExecutor::new()).build(connector);
    loop {
        let (stream, _) = listener.accept().await.context("accept a connection")?;
        let client = client.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(|request| forward(&client, backend, request));
            // A broken connection is its client's to notice.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn forward(
    client: &Forward,
    backend: SocketAddr,
    mut request: Request<Incoming>,
) -> anyhow::Result<Response<Incoming>> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let uri = Uri::builder().scheme("http").authority(backend.to_string()).path_and_query(path).build();
    *request.uri_mut() = uri.context("make the backend's URI")?;
    Ok(client.request(request).await?)
}
