//! Calls of deployers: CloudFormation and its neighbours, guarded, bounded and done on a thread that may block.

use std::sync::Arc;

use ::stacks::api::Error;
use control::Caller;
use gateway::Arrival;
use http::{Method, StatusCode};
use hyper::body::Incoming;
use types::arn::Home;

use super::{BROKEN, BUSY, Service, host, may_run_code, waits_to_send};
use crate::answers::{Response, error};
use crate::bodies::Unread;
use crate::seen;
use crate::stacks::neighbours::{self, Around};
use crate::stacks::{Stacks, call};

const STOPPING: &str = "the gateway is stopping and takes no more changes";

impl Service {
    pub(super) async fn stacks(
        &self,
        stacks: Arc<Stacks>,
        operation: call::Operation,
        request: http::Request<Incoming>,
        peer: Arrival,
    ) -> Response {
        let mut caller = Caller::of(&request, Some(peer.ip));
        let (parts, body) = request.into_parts();
        let signed = match self.guard.as_ref().map(|guard| guard.begin(&parts, "cloudformation", peer)).transpose() {
            Ok(signed) => signed,
            Err(refusal) => return self.refused_by_guard(&refusal),
        };
        if self.gateway.is_draining() && parts.method != Method::GET {
            return super::stopping();
        }
        let waits = waits_to_send(&parts.headers);
        let body = match self.control_bodies.collect(body, call::BYTES_MAX, waits).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => return error(StatusCode::PAYLOAD_TOO_LARGE, "the template is too large"),
            Err(Unread::Broken) => return error(StatusCode::BAD_REQUEST, BROKEN),
            Err(Unread::Busy) => return error(StatusCode::SERVICE_UNAVAILABLE, BUSY),
        };
        if let Some(signed) = &signed {
            let resource = operation.resource(signed.region(), signed.account_id());
            let may = |()| signed.may(&parts, operation.action(), &resource);
            match signed.finish(&parts, &body).and_then(may) {
                Ok(()) => caller = caller.known_as(signed.user()),
                Err(refusal) => return self.refused_by_guard(&refusal),
            }
        }
        caller = caller.with_code(may_run_code(signed.as_ref(), &parts, &peer));
        let _turn = self.stack_calls.acquire().await;
        let _permit = self.control_calls.acquire().await;
        let answer = move || call::answer(&stacks, &operation, &caller, &body);
        match tokio::task::spawn_blocking(answer).await {
            Ok(answer) => answer,
            Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "Internal failure"),
        }
    }

    pub(super) async fn deploying(
        &self,
        stacks: Arc<Stacks>,
        service: neighbours::Service,
        request: http::Request<Incoming>,
        peer: Arrival,
    ) -> Response {
        let host = host(&request).to_owned();
        let mut around = Around {
            caller: Caller::of(&request, Some(peer.ip)),
            user: None,
            request_id: uuid(),
            host,
            new_id: uuid(),
            now: seen::now(),
        };
        let refuse = |error: &Error, id: &str| service.refusal(error, id);
        let (parts, body) = request.into_parts();
        let signed = match self.guard.as_ref().map(|guard| guard.begin(&parts, service.name(), peer)).transpose() {
            Ok(signed) => signed,
            Err(refusal) => return service.refused_by_guard(&refusal, &around.request_id),
        };
        let body =
            match self.control_bodies.collect(body, service.body_bytes_max(), waits_to_send(&parts.headers)).await {
                Ok(body) => body,
                Err(unread) => {
                    let error = match unread {
                        Unread::TooLarge => {
                            let text = format!("the body is larger than {} bytes", service.body_bytes_max());
                            Error::new(413, "RequestEntityTooLarge", text)
                        }
                        Unread::Broken => Error::new(400, "IncompleteBody", BROKEN),
                        Unread::Busy => Error::new(503, "ServiceUnavailable", BUSY),
                    };
                    return refuse(&error, &around.request_id);
                }
            };
        // Whose signature is not right is told nothing of what the call is.
        if let Some(signed) = &signed {
            if let Err(refusal) = signed.finish(&parts, &body) {
                return service.refused_by_guard(&refusal, &around.request_id);
            }
            around.caller = around.caller.known_as(signed.user());
            around.user = Some(signed.user().to_owned());
        }
        around.caller = around.caller.with_code(may_run_code(signed.as_ref(), &parts, &peer));
        let call = match service.read(&parts, body) {
            Ok(call) => call,
            Err(error) => return refuse(&error, &around.request_id),
        };
        if let (Some(signed), Some(action)) = (&signed, call.action()) {
            let home = Home { region: signed.region().to_owned(), account_id: signed.account_id().to_owned() };
            if let Err(refusal) = signed.may(&parts, &action, &call.resource(&home)) {
                return service.refused_by_guard(&refusal, &around.request_id);
            }
        }
        let _turn = if call.is_write() { self.stack_calls.acquire().await.ok() } else { None };
        let _permit = self.control_calls.acquire().await;
        if self.gateway.is_draining() && call.is_write() {
            return refuse(&Error::new(503, "ServiceUnavailable", STOPPING), &around.request_id);
        }
        let id = around.request_id.clone();
        match tokio::task::spawn_blocking(move || call.answer(&stacks, &around)).await {
            Ok(answer) => answer,
            Err(_) => refuse(&Error::new(500, "InternalFailure", "Internal failure"), &id),
        }
    }
}

/// As AWS's request ids, and those of change sets, are.
fn uuid() -> String {
    let hex = format!("{:032x}", rand::random::<u128>());
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
