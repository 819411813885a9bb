//! The demo's backend: a plain HTTP server that never sees a WebSocket.
//!
//! It learns of clients through `/connect` and `/disconnect`, tells them apart by the header `connectionId` that the
//! integrations map, and speaks to them through the answers of two-way routes or through `@connections`.

mod clients;
mod push;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

use crate::demo::backend::clients::{Clients, is_id};
use crate::demo::backend::push::push;

/// How many connections are served at once; the next waits in the kernel's backlog until one ends.
/// The gateway pools its connections and needs one per message in flight.
const CONNECTIONS_MAX: usize = 256;

/// How long a connection may be silent between two requests. It gives places back, and outlasts a pool's own patience.
const IDLE_TIME_MAX: Duration = Duration::from_secs(120);

/// The largest body that is read, in bytes. A WebSocket message has at most 128 KiB; what is larger is not from the gateway.
const BODY_BYTES_MAX: usize = 128 * 1024;

/// How long a body may take to arrive, once its head is there.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// How long one broadcast may take, all pushes together: less than the integration timeout of 29 s, so that its answer counts.
const BROADCAST_TIME_MAX: Duration = Duration::from_secs(20);

/// The pause after a failed `accept`: it fails when descriptors are short, and trying again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves the backend on `listener` until `stop` holds `true` or its sender is gone.
///
/// `push_base` is what [`push_base`](crate::demo::push_base) gives. Stop it after the gateway: it is the gateway that
/// calls `/disconnect` for each client while it drains.
///
/// # Cancel safety
/// Dropping it, like stopping it, ends every open connection.
pub(crate) async fn serve(listener: TcpListener, push_base: String, mut stop: watch::Receiver<bool>) {
    let backend = Arc::new(Backend { push_base, clients: Mutex::default() });
    let mut connections = JoinSet::new();
    // Inside its own future, so that the guard which `wait_for` gives is not held across an await.
    let mut stopped = pin!(async move { drop(stop.wait_for(|stop| *stop).await) });
    loop {
        tokio::select! {
            () = &mut stopped => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, Arc::clone(&backend)));
                }
                Err(_) => time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
}

struct Backend {
    push_base: String,
    clients: Mutex<Clients>,
}

async fn serve_connection(stream: TcpStream, backend: Arc<Backend>) {
    let answer = service_fn(|request| {
        let backend = Arc::clone(&backend);
        async move { Ok::<_, Infallible>(backend.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIME_MAX)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
    // A connection that ends badly is the caller's news: the gateway writes it to the execution log.
    drop(served);
}

type HttpAnswer = Response<Full<Bytes>>;

impl Backend {
    async fn answer(&self, request: Request<Incoming>) -> HttpAnswer {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        if !matches!(path, "/connect" | "/disconnect" | "/message" | "/broadcast" | "/whoami" | "/lost") {
            return refuse(StatusCode::NOT_FOUND, "no such path");
        }
        // `/lost` is about what a method does to a body, so it takes any.
        if head.method != Method::POST && path != "/lost" {
            let mut answer = refuse(StatusCode::METHOD_NOT_ALLOWED, "this path takes POST");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return answer;
        }
        let Some(id) = head.headers.get("connectionId").and_then(|id| id.to_str().ok()).filter(|id| is_id(id)) else {
            return refuse(StatusCode::BAD_REQUEST, "the header connectionId is missing or is no connection id");
        };
        let body = match read(body).await {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        match path {
            "/connect" if !self.clients().add(id, Instant::now()) => {
                refuse(StatusCode::SERVICE_UNAVAILABLE, "too many clients")
            }
            "/connect" => json_answer(StatusCode::OK, &json!({"connected": id})),
            "/disconnect" => {
                self.clients().remove(id);
                json_answer(StatusCode::OK, &json!({"disconnected": id}))
            }
            "/message" => json_answer(StatusCode::OK, &json!({"type": "echo", "said": said(&body)})),
            "/broadcast" => self.broadcast(id, &body).await,
            "/whoami" => {
                let headers: Vec<Value> = head.headers.iter().map(header).collect();
                json_answer(StatusCode::OK, &json!({"type": "whoami", "connectionId": id, "headers": headers}))
            }
            _ => {
                let answer = json!({"type": "lost", "received": said(&body), "method": head.method.as_str()});
                json_answer(StatusCode::OK, &answer)
            }
        }
    }

    /// Pushes the message to every client, its sender too, and tells what became of each push.
    async fn broadcast(&self, from: &str, body: &[u8]) -> HttpAnswer {
        let message = Bytes::from(json!({"type": "broadcast", "from": from, "said": said(body)}).to_string());
        let deadline = time::Instant::now() + BROADCAST_TIME_MAX;
        let ids = self.clients().ids();
        let mut pushed = Vec::with_capacity(ids.len());
        for id in ids {
            let result = match time::timeout_at(deadline, push(&self.push_base, &id, message.clone())).await {
                Ok(Ok(status)) => json!({"connectionId": id, "status": status.as_u16()}),
                Ok(Err(error)) => json!({"connectionId": id, "error": error}),
                Err(_) => json!({"connectionId": id, "error": "the broadcast took too long"}),
            };
            if result["status"] == StatusCode::GONE.as_u16() {
                self.clients().gone(&id, Instant::now());
            }
            pushed.push(result);
        }
        json_answer(StatusCode::OK, &json!({"type": "broadcast", "pushed": pushed}))
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The whole body, or the answer for one that is too large or too slow.
async fn read(body: Incoming) -> Result<Bytes, HttpAnswer> {
    match time::timeout(BODY_TIME_MAX, Limited::new(body, BODY_BYTES_MAX).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than a message can be"))
        }
        Ok(Err(_)) => Err(refuse(StatusCode::BAD_REQUEST, "the body did not arrive whole")),
        Err(_) => Err(refuse(StatusCode::REQUEST_TIMEOUT, "the body took too long")),
    }
}

/// A message as JSON where it is JSON, so that the page can show it as such; else as text.
fn said(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

fn header((name, value): (&http::HeaderName, &HeaderValue)) -> Value {
    json!(format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
}

fn refuse(status: StatusCode, why: &str) -> HttpAnswer {
    json_answer(status, &json!({"message": why}))
}

fn json_answer(status: StatusCode, body: &Value) -> HttpAnswer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
