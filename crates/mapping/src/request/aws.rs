//! Makes calls of functions and of AWS's services.

use std::sync::Arc;

use bytes::Bytes;
use types::arn::Function;
use types::event::EventKind;
use types::headers::Headers;
use types::message::{FunctionTarget, IntegrationRequest, InvocationType, Target as RequestTarget};

use super::{Body, Sent, body, check_path, default_headers};
use crate::aws_uri::ServiceUri;
use crate::context::Scope;
use crate::error::Error;
use crate::note::Note;
use crate::plan::{Integration, carries_body};

/// A header in which a mapping says how a function is called. Source: documented ("Set up asynchronous invocation").
const INVOCATION_TYPE: &str = "X-Amz-Invocation-Type";

/// The call of a function that is given what a template makes, or the message.
pub(super) fn function(
    scope: &Scope<'_>,
    integration: &Integration,
    function: &Arc<Function>,
    notes: &mut Vec<Note>,
) -> Result<IntegrationRequest, Error> {
    let Body { bytes, overrides } = body(scope, integration)?;
    let mut sent = Sent::default();
    default_headers(scope, &mut sent.headers);
    // Lambda's Invoke has no place for mapped query and path parameters.
    sent.parameters(scope, integration, &overrides, notes)?;
    let kind = match sent.headers.get(INVOCATION_TYPE) {
        None => InvocationType::RequestResponse,
        Some(name) => InvocationType::of(name).ok_or_else(|| {
            Error::configuration(format!("{INVOCATION_TYPE} `{name}` is none of RequestResponse, Event and DryRun"))
        })?,
    };
    // Observed on REST APIs: where nothing is there to be sent, the payload is an empty object.
    let payload = if bytes.is_empty() { Bytes::from_static(b"{}") } else { bytes };
    let target = FunctionTarget { function: function.clone(), invocation: kind };
    Ok(invocation(scope, integration, target, sent.headers, payload))
}

/// The call of a function that is given an event. Request parameters change nothing of it (observed on REST APIs).
pub(super) fn with_event(
    scope: &Scope<'_>,
    integration: &Integration,
    function: &Arc<Function>,
    event: Bytes,
) -> IntegrationRequest {
    let mut headers = Headers::new();
    default_headers(scope, &mut headers);
    let target = FunctionTarget { function: function.clone(), invocation: InvocationType::RequestResponse };
    invocation(scope, integration, target, headers, event)
}

fn invocation(
    scope: &Scope<'_>,
    integration: &Integration,
    target: FunctionTarget,
    headers: Headers,
    payload: Bytes,
) -> IntegrationRequest {
    IntegrationRequest {
        target: RequestTarget::Function(target),
        method: integration.method.clone(),
        headers,
        body: payload,
        carries_body: true,
        may_repeat: matches!(scope.event.kind, EventKind::Disconnect(_)),
        timeout: integration.timeout,
    }
}

/// The call of a service of AWS.
pub(super) fn service(
    scope: &Scope<'_>,
    integration: &Integration,
    uri: &ServiceUri,
    notes: &mut Vec<Note>,
) -> Result<IntegrationRequest, Error> {
    let Body { bytes: body, overrides } = body(scope, integration)?;
    let mut sent = Sent::default();
    default_headers(scope, &mut sent.headers);
    uri.target.iter().for_each(|target| sent.headers.append("X-Amz-Target", target.clone()));
    sent.parameters(scope, integration, &overrides, notes)?;
    let Sent { mut headers, query, path } = sent;
    let target = uri.fill(&path, &query);
    check_path(&target.at)?;
    // The signature is for AWS's own host.
    headers.set("Host", target.at.authority.clone());
    headers.set("Connection", "Keep-Alive");
    Ok(IntegrationRequest {
        target: RequestTarget::Service(Box::new(target)),
        method: integration.method.clone(),
        headers,
        body,
        carries_body: carries_body(&integration.method),
        may_repeat: false,
        timeout: integration.timeout,
    })
}
