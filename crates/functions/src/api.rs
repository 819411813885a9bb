//! The Lambda Runtime API, as one process sees it. Source: documented ("Using the Lambda runtime API").

use std::convert::Infallible;
use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::desk::{BASE, Desk};
use crate::roster::{Asked, Job, Outcome};
use crate::{failure, quick};

/// How many connections a process may have here at once; clients have one or two.
const CONNECTIONS_MAX: usize = 8;

/// Answers what comes to the listener. Never returns by itself.
pub(crate) async fn serve(desk: Arc<Desk>, listener: TcpListener) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        let Ok((socket, _)) = listener.accept().await else { continue };
        // Without it each answer waits for the client's system to acknowledge its head: 40 ms (measured).
        let _ = socket.set_nodelay(true);
        let desk = desk.clone();
        tokio::spawn(async move {
            if let Some((socket, received)) = quick::serve(&desk, socket).await {
                serve_with_care(desk, socket, received).await;
            }
            drop(place);
        });
    }
}

// Goes on with a connection of which this was read.
async fn serve_with_care(desk: Arc<Desk>, socket: TcpStream, received: Vec<u8>) {
    let service = service_fn(|request| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(answer(&desk, request).await) }
    });
    let (reading, writing) = socket.into_split();
    let socket = tokio::io::join(Cursor::new(received).chain(reading), writing);
    // A process may answer and end at once: then the end of its half is there together with the answer.
    let connection = http1::Builder::new().half_close(true).serve_connection(TokioIo::new(socket), service);
    let _ = connection.await;
}

// A web page can send requests to any port of this machine; the process sends none of a page's headers.
fn is_of_the_process(desk: &Desk, headers: &HeaderMap) -> bool {
    let is_host = headers.get("host").is_some_and(|host| host.as_bytes() == desk.address.as_bytes());
    is_host && !headers.contains_key("origin") && !headers.contains_key("sec-fetch-site")
}

async fn answer(desk: &Desk, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    if !is_of_the_process(desk, request.headers()) {
        return refused(StatusCode::FORBIDDEN, "AccessDenied", "this is for the function's process alone");
    }
    let Some(what) = path.strip_prefix(BASE) else { return refused(StatusCode::NOT_FOUND, "InvalidPath", &path) };
    match (request.method(), what.split('/').collect::<Vec<_>>().as_slice()) {
        (&Method::GET, ["invocation", "next"]) => next(desk).await,
        (&Method::POST, ["invocation", id, "response"]) => finish(desk, id, request, Outcome::Answered).await,
        (&Method::POST, ["invocation", id, "error"]) => finish(desk, id, request, Outcome::Failed).await,
        (&Method::POST, ["init", "error"]) => {
            let said = body(request).await.unwrap_or_default();
            desk.function.fails_to_begin(desk.seat, said);
            accepted()
        }
        _ => refused(StatusCode::NOT_FOUND, "InvalidPath", &path),
    }
}

async fn next(desk: &Desk) -> Response<Full<Bytes>> {
    let job = match desk.function.asks(desk.seat) {
        Asked::Given(job) => Some(job),
        Asked::Waits(job) => job.await.ok(),
        Asked::Gone => None,
    };
    let Some(job) = job else {
        return refused(StatusCode::GONE, "ShutDown", "nothing comes any more");
    };
    desk.runs(&job);
    let Job { request_id, payload, arn, trace_id, client_context } = job;
    let mut response = Response::builder()
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", &*request_id)
        .header("Lambda-Runtime-Deadline-Ms", desk.deadline())
        .header("Lambda-Runtime-Invoked-Function-Arn", arn);
    if let Some(trace_id) = trace_id {
        response = response.header("Lambda-Runtime-Trace-Id", trace_id);
    }
    if let Some(client_context) = client_context {
        response = response.header("Lambda-Runtime-Client-Context", client_context);
    }
    response.body(Full::new(payload)).unwrap_or_default()
}

async fn finish(
    desk: &Desk,
    id: &str,
    request: Request<Incoming>,
    outcome: fn(Bytes) -> Outcome,
) -> Response<Full<Bytes>> {
    let body = body(request).await;
    let (outcome, response) = match body {
        Ok(body) => (outcome(body), accepted()),
        Err(bytes) => {
            let said = "Exceeded maximum allowed payload size (6291556 bytes).";
            let response = refused(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", said);
            (Outcome::Failed(failure::too_large(bytes)), response)
        }
    };
    match desk.function.answers(desk.seat, id, || outcome) {
        Some(delivery) => {
            desk.function.deliver(delivery);
            response
        }
        None => refused(StatusCode::BAD_REQUEST, "InvalidRequestID", "this invocation does not run here"),
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
