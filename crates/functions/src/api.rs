//! The Lambda Runtime API, as one process sees it. Source: documented ("Using the Lambda runtime API").

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot, watch};

use crate::failure;

/// How many connections a process may have here at once; clients have one or two.
const CONNECTIONS_MAX: usize = 8;

const BASE: &str = "/2018-06-01/runtime/";

/// One invocation on its way to the process.
pub(crate) struct Job {
    pub(crate) request_id: String,
    pub(crate) payload: Bytes,
    pub(crate) arn: String,
    /// In milliseconds since 1970.
    pub(crate) deadline: u64,
    pub(crate) trace_id: Option<String>,
    /// What the caller says of its client: a JSON object in ASCII.
    pub(crate) client_context: Option<String>,
    pub(crate) answer: oneshot::Sender<Outcome>,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered(Bytes),
    /// The function failed; this says how.
    Failed(Bytes),
}

/// What the process's requests come to.
pub(crate) struct Desk {
    jobs: Mutex<mpsc::Receiver<Job>>,
    /// What the process knows this by.
    address: String,
    running: std::sync::Mutex<Option<(String, oneshot::Sender<Outcome>)>>,
    last: std::sync::Mutex<Option<String>>,
    /// Whether the process asks for an invocation just now.
    asks: watch::Sender<bool>,
    init_error: std::sync::Mutex<Option<Bytes>>,
}

impl Desk {
    pub(crate) fn new(jobs: mpsc::Receiver<Job>, address: String) -> Arc<Desk> {
        Arc::new(Desk {
            jobs: Mutex::new(jobs),
            address,
            running: std::sync::Mutex::default(),
            last: std::sync::Mutex::default(),
            asks: watch::Sender::new(false),
            init_error: std::sync::Mutex::default(),
        })
    }

    /// Whether the process asks for an invocation.
    pub(crate) fn is_asking(&self) -> bool {
        *self.asks.borrow()
    }

    /// Returns when the process asks for an invocation: it has begun, or is done with all that the last one meant.
    pub(crate) async fn asks(&self) {
        let _ = self.asks.subscribe().wait_for(|asks| *asks).await;
    }

    /// What the process said of its beginning, before it ended.
    pub(crate) fn init_error(&self) -> Option<Bytes> {
        self.init_error.lock().ok().and_then(|mut error| error.take())
    }

    /// The invocation that runs, or ran last: what is printed may be heard after the answer.
    pub(crate) fn request_id(&self) -> Option<String> {
        self.last.lock().ok().and_then(|last| last.clone())
    }

    /// Answers what comes to the listener. Never returns by itself.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = room.clone().acquire_owned().await else { return };
            let Ok((socket, _)) = listener.accept().await else { continue };
            // Without it each answer waits for the client's system to acknowledge its head: 40 ms (measured).
            let _ = socket.set_nodelay(true);
            let desk = self.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    let desk = desk.clone();
                    async move { Ok::<_, Infallible>(desk.answer(request).await) }
                });
                // A process may answer and end at once: then the end of its half is there together with the answer.
                let connection = http1::Builder::new().half_close(true).serve_connection(TokioIo::new(socket), service);
                let _ = connection.await;
                drop(place);
            });
        }
    }

    // A web page can send requests to any port of this machine; the process sends none of a page's headers.
    fn is_of_the_process(&self, headers: &HeaderMap) -> bool {
        let is_host = headers.get("host").is_some_and(|host| host.as_bytes() == self.address.as_bytes());
        is_host && !headers.contains_key("origin") && !headers.contains_key("sec-fetch-site")
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        if !self.is_of_the_process(request.headers()) {
            return refused(StatusCode::FORBIDDEN, "AccessDenied", "this is for the function's process alone");
        }
        let Some(what) = path.strip_prefix(BASE) else { return refused(StatusCode::NOT_FOUND, "InvalidPath", &path) };
        match (request.method(), what.split('/').collect::<Vec<_>>().as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await,
            (&Method::POST, ["invocation", id, "response"]) => self.finish(id, request, Outcome::Answered).await,
            (&Method::POST, ["invocation", id, "error"]) => self.finish(id, request, Outcome::Failed).await,
            (&Method::POST, ["init", "error"]) => {
                let said = body(request).await.unwrap_or_default();
                if let Ok(mut error) = self.init_error.lock() {
                    *error = Some(said);
                }
                accepted()
            }
            _ => refused(StatusCode::NOT_FOUND, "InvalidPath", &path),
        }
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        self.asks.send_replace(true);
        let job = self.jobs.lock().await.recv().await;
        self.asks.send_replace(false);
        let Some(Job { request_id, payload, arn, deadline, trace_id, client_context, answer }) = job else {
            return refused(StatusCode::GONE, "ShutDown", "nothing comes any more");
        };
        let mut response = Response::builder()
            .header("Content-Type", "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", &request_id)
            .header("Lambda-Runtime-Deadline-Ms", deadline)
            .header("Lambda-Runtime-Invoked-Function-Arn", arn);
        if let Some(trace_id) = trace_id {
            response = response.header("Lambda-Runtime-Trace-Id", trace_id);
        }
        if let Some(client_context) = client_context {
            response = response.header("Lambda-Runtime-Client-Context", client_context);
        }
        if let (Ok(mut running), Ok(mut last)) = (self.running.lock(), self.last.lock()) {
            *last = Some(request_id.clone());
            *running = Some((request_id, answer));
        }
        response.body(Full::new(payload)).unwrap_or_default()
    }

    async fn finish(
        &self,
        id: &str,
        request: Request<Incoming>,
        outcome: fn(Bytes) -> Outcome,
    ) -> Response<Full<Bytes>> {
        let body = body(request).await;
        let running = self.running.lock().ok().and_then(|mut running| running.take_if(|(running, _)| running == id));
        let Some((_, answer)) = running else {
            return refused(StatusCode::BAD_REQUEST, "InvalidRequestID", "this invocation does not run here");
        };
        let (outcome, response) = match body {
            Ok(body) => (outcome(body), accepted()),
            Err(bytes) => {
                let said = "Exceeded maximum allowed payload size (6291556 bytes).";
                let response = refused(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", said);
                (Outcome::Failed(failure::too_large(bytes)), response)
            }
        };
        // Nobody may wait for it any more.
        let _ = answer.send(outcome);
        response
    }
}

// The error is how many bytes there are at least.
async fn body(request: Request<Incoming>) -> Result<Bytes, usize> {
    let announced = request.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
    let limited = Limited::new(request.into_body(), failure::ANSWER_BYTES_MAX);
    match limited.collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(announced.unwrap_or(failure::ANSWER_BYTES_MAX + 1)),
        // The process broke off: there is no answer.
        Err(_) => Ok(Bytes::new()),
    }
}

fn accepted() -> Response<Full<Bytes>> {
    let mut response = json_of(&json!({ "status": "OK" }));
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

fn refused(status: StatusCode, error_type: &str, message: &str) -> Response<Full<Bytes>> {
    let mut response = json_of(&json!({ "errorType": error_type, "errorMessage": message }));
    *response.status_mut() = status;
    response
}

fn json_of(value: &serde_json::Value) -> Response<Full<Bytes>> {
    let response = Response::builder().header("Content-Type", "application/json");
    response.body(Full::new(value.to_string().into())).unwrap_or_default()
}
