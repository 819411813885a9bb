//! What console and terminal ask, and what CloudWatch's clients do: with their bodies read within bounds.

use gateway::Arrival;
use http::StatusCode;
use hyper::body::Incoming;
use types::arn::Home;

use super::{BROKEN, BUSY, Service, waits_to_send};
use crate::answers::{Response, error, typed_error};
use crate::bodies::Unread;
use crate::{cloudwatch, views};

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

    pub(super) async fn cloudwatch(
        &self,
        service: cloudwatch::Service,
        request: http::Request<Incoming>,
        peer: Arrival,
    ) -> Response {
        let (parts, body) = request.into_parts();
        let signed = match self.guard.as_ref().map(|guard| guard.begin(&parts, service.name(), peer)).transpose() {
            Ok(signed) => signed,
            Err(refusal) => return self.refused_by_guard(&refusal),
        };
        let bytes_max = cloudwatch::BODY_BYTES_MAX;
        let body = match self.control_bodies.collect(body, bytes_max, waits_to_send(&parts.headers)).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => return error(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 1 MiB"),
            Err(Unread::Broken) => return error(StatusCode::BAD_REQUEST, BROKEN),
            Err(Unread::Busy) => return error(StatusCode::SERVICE_UNAVAILABLE, BUSY),
        };
        let call = match cloudwatch::Call::read(service, &parts, &body, self.gateway.new_request_id()) {
            Ok(call) => call,
            Err(refused) => return *refused,
        };
        if let Some(signed) = &signed {
            let home = Home { region: signed.region().to_owned(), account_id: signed.account_id().to_owned() };
            let may = |()| signed.may(&parts, &call.action(), &call.resource(&home));
            if let Err(refusal) = signed.finish(&parts, &body).and_then(may) {
                return self.refused_by_guard(&refusal);
            }
        }
        let _permit = self.control_calls.acquire().await;
        let around = self.cloudwatch.clone();
        let answer = tokio::task::spawn_blocking(move || call.answer(&around)).await;
        answer.unwrap_or_else(|_| error(StatusCode::INTERNAL_SERVER_ERROR, "Internal failure"))
    }
}
