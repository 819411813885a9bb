//! What console and terminal ask, with its body read within bounds.

use http::StatusCode;
use hyper::body::Incoming;

use super::{BROKEN, BUSY, Service, waits_to_send};
use crate::answers::{Response, error, typed_error};
use crate::bodies::Unread;
use crate::views;

const SIGNED: &str = "with --credentials, clients are reached by signed calls alone: aws apigatewaymanagementapi post-to-connection, \
                      delete-connection";

impl Service {
    pub(super) async fn view(&self, call: views::Call, request: http::Request<Incoming>) -> Response {
        let (parts, body) = request.into_parts();
        if self.guard.is_some() && call.reaches_clients(&parts.method) {
            return typed_error(StatusCode::FORBIDDEN, "AccessDeniedException", SIGNED);
        }
        let body = match self.control_bodies.collect(body, views::BYTES_MAX, waits_to_send(&parts.headers)).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => return error(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 1 MiB"),
            Err(Unread::Broken) => return error(StatusCode::BAD_REQUEST, BROKEN),
            Err(Unread::Busy) => return error(StatusCode::SERVICE_UNAVAILABLE, BUSY),
        };
        let query = parts.uri.query().unwrap_or_default().to_owned();
        // Who waits for events holds up no call of the control plane; the number of those is bounded by itself.
        let _permit = if call.waits() { None } else { self.control_calls.acquire().await.ok() };
        self.views.answer(views::Asked { call, method: parts.method, query, headers: parts.headers, body }).await
    }
}
