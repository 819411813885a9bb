//! From a request to a call, and from an answer to a response.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::Value;
use types::Id;
use types::id::IdKind;
use types::time::Timestamp;

use crate::crud::Call;
use crate::error::{self, Fault};
use crate::ids;
use crate::operations::{Action, Operation};
use crate::router::{self, Matched};
use crate::settings::Settings;
use crate::store::Document;

/// How deep a body may be nested: as deep as the parser goes, which stops there by itself.
const DEPTH_MAX: usize = 127;

/// Takes a request apart.
///
/// # Errors
/// No operation has the path and the method, or the body is no JSON object where one is read.
pub(crate) fn call<'r>(
    settings: &'r Settings,
    now: Timestamp,
    request: &'r Request<Bytes>,
) -> Result<(&'static Operation, Call<'r>), Fault> {
    let Matched { operation, params, query } =
        router::route(request.method(), request.uri().path(), request.uri().query().unwrap_or_default())?;
    let body = match (operation.action, request.method()) {
        (Action::WriteRaw(_) | Action::HttpOnly(_) | Action::OutOfScope(_), _) => Document::new(),
        (_, &Method::POST | &Method::PATCH | &Method::PUT) => read_body(request.body())?,
        _ => Document::new(),
    };
    Ok((operation, Call { params, query, body, raw: request.body(), ..Call::none(settings, now) }))
}

/// The body as a JSON object; an empty one counts as `{}`, as for clients that send none.
fn read_body(body: &Bytes) -> Result<Document, Fault> {
    if body.is_empty() {
        return Ok(Document::new());
    }
    serde_json::from_slice(body).map_err(|error| {
        if is_deeper_than(body, DEPTH_MAX) { error::nested_too_deep() } else { error::not_json(&error.to_string()) }
    })
}

/// Whether brackets outside of texts are nested deeper than this.
fn is_deeper_than(body: &[u8], most: usize) -> bool {
    let (mut depth, mut in_text, mut is_escaped) = (0usize, false, false);
    body.iter().any(|byte| {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > most
    })
}

/// The answer of an operation that went well.
pub(crate) fn success(operation: &Operation, body: Option<Document>) -> Response<Bytes> {
    let status = StatusCode::from_u16(operation.success).unwrap_or(StatusCode::OK);
    match body {
        Some(body) => respond(status, None, &Value::Object(body)),
        None => headed(status, None, Bytes::new()),
    }
}

/// The answer that says no.
pub(crate) fn refusal(fault: &Fault) -> Response<Bytes> {
    let mut body = Document::new();
    body.insert("message".into(), Value::String(fault.message.clone()));
    respond(fault.status, Some(fault.name), &Value::Object(body))
}

fn respond(status: StatusCode, name: Option<&'static str>, body: &Value) -> Response<Bytes> {
    headed(status, name, Bytes::from(body.to_string()))
}

/// Source of the headers: observed (the error name is what SDKs dispatch on, the ids are what people report).
fn headed(status: StatusCode, name: Option<&'static str>, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(name) = name {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(name));
    }
    let gateway_id = Id::new(IdKind::Request, 0, rand::random()).to_string();
    for (name, id) in [("x-amzn-requestid", ids::uuid()), ("x-amz-apigw-id", gateway_id)] {
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(name, id);
        }
    }
    response
}
