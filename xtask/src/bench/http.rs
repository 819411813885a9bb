//! One keep-alive HTTP/1.1 connection as a client.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::bench::sign::Signer;
use crate::bench::ws::PATIENCE;

/// An open connection; requests go over it one after the other.
pub(crate) struct HttpConnection {
    host: String,
    signer: Option<Signer>,
    requests: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl HttpConnection {
    /// Connects to `server`.
    ///
    /// # Errors
    /// When it does not listen.
    pub(crate) async fn open(server: SocketAddr) -> anyhow::Result<HttpConnection> {
        let stream = timeout(PATIENCE, TcpStream::connect(server)).await.context("connect: timed out")?;
        let stream = stream.context("connect")?;
        stream.set_nodelay(true)?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await.context("open an HTTP connection")?;
        // The connection's own error shows in the request that it breaks.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(HttpConnection { host: server.to_string(), signer: None, requests, driver })
    }

    /// The same connection, whose requests are signed from now on.
    pub(crate) fn signing(mut self, service: &'static str) -> HttpConnection {
        self.signer = Some(Signer::new(service));
        self
    }

    /// Sends one request with a JSON body (or none) and gives the answer, within `PATIENCE`.
    ///
    /// # Errors
    /// When the connection breaks or no answer comes in time.
    pub(crate) async fn request(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let signature = self.signer.as_mut().map(|signer| signer.headers(&method, &self.host, path, &body));
        let mut request = Request::builder().method(method).uri(path).header("host", &self.host);
        for (name, value) in signature.into_iter().flatten() {
            request = request.header(name, value);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Full::new(body)).context("make a request")?;
        let asking = async {
            self.requests.ready().await.context("wait for the HTTP connection")?;
            let answer = self.requests.send_request(request).await.context("send a request")?;
            let status = answer.status();
            let body = answer.into_body().collect().await.context("read an answer")?.to_bytes();
            Ok((status, body))
        };
        timeout(PATIENCE, asking).await.context("wait for an answer: timed out")?
    }

    /// Posts a JSON document and gives the one answered.
    ///
    /// # Errors
    /// As for [`HttpConnection::request`], and when the answer is no success or no JSON.
    pub(crate) async fn create(&mut self, path: &str, document: &Value) -> anyhow::Result<Value> {
        let (status, body) = self.request(Method::POST, path, document.to_string().into()).await?;
        let text = String::from_utf8_lossy(&body);
        ensure!(status.is_success(), "POST {path}: {status} {text}");
        serde_json::from_slice(&body).with_context(|| format!("POST {path}: answered `{text}`"))
    }
}

impl Drop for HttpConnection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
