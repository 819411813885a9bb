//! The forms that answers over HTTP have.

use std::convert::Infallible;

use bytes::Bytes;
use gateway::{ConnectionsAnswer, HandshakeAnswer};
use http::{HeaderValue, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use serde_json::json;

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;
pub(crate) type Response = http::Response<Body>;

pub(crate) fn full(bytes: Bytes) -> Body {
    Full::new(bytes).boxed_unsync()
}

pub(crate) fn json_response(status: StatusCode, value: &serde_json::Value) -> Response {
    let mut response = http::Response::new(full(value.to_string().into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn error(status: StatusCode, message: &str) -> Response {
    json_response(status, &json!({ "message": message }))
}

pub(crate) fn typed_error(status: StatusCode, error_type: &'static str, message: &str) -> Response {
    let mut response = error(status, message);
    response.headers_mut().insert("x-amzn-ErrorType", HeaderValue::from_static(error_type));
    response
}

pub(crate) fn too_many() -> Response {
    typed_error(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Too Many Requests")
}

pub(crate) fn text_response(content_type: &'static str, text: String) -> Response {
    let mut response = http::Response::new(full(text.into()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(crate) fn moved(to: &'static str) -> Response {
    let mut response = http::Response::new(full(Bytes::new()));
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(to));
    response
}

/// To another page, this time: a program that asks the same gets something else.
pub(crate) fn see_other(to: &'static str) -> Response {
    let mut response = moved(to);
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

pub(crate) fn feed_response(body: Body) -> Response {
    let mut response = http::Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

pub(crate) fn from_connections(answer: ConnectionsAnswer) -> Response {
    let mut response = http::Response::new(full(answer.body.into()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(error_type) = answer.error_type {
        headers.insert("x-amzn-ErrorType", HeaderValue::from_static(error_type));
    }
    if let Some(seconds) = answer.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// An answer to a handshake as hyper sends it.
pub(crate) fn from_gateway(answer: HandshakeAnswer) -> Response {
    let mut response = http::Response::new(full(answer.body.into()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in answer.headers.iter() {
        // A header that HTTP does not allow is a backend's; the others still count.
        if let (Ok(name), Ok(value)) = (header::HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
