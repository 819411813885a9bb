//! Makes the reply to the client out of a backend's answer: steps 10 and 11 of the walk.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use types::event::{Event, EventKind, Handshake};
use types::headers::Headers;
use types::message::IntegrationResponse;
use types::subprotocols;

use crate::Mapped;
use crate::context::Scope;
use crate::error::{Error, ErrorKind};
use crate::note::{Note, Site};
use crate::parameters::{Found, Target, set_header};
use crate::plan::{Backend, Integration, Plan, Response, ResponseKey, Route, RouteTarget};
use crate::proxy_answer::proxy_answer;
use crate::remarks;

/// What an event gave back: the outcome of `$connect`, or the payload for the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The integration's own status; 2xx lets a client in at `$connect`.
    pub status: u16,
    /// Headers for the answer to the handshake; of no use to messages.
    pub headers: Headers,
    /// What the client gets, when the route is two-way.
    pub body: Bytes,
    /// Whether the route hands `body` on.
    pub two_way: bool,
}

/// Maps a backend's answer.
///
/// # Errors
/// [`ErrorKind::Configuration`]: a non-proxy integration has no integration response that fits. [`ErrorKind::NotInvoked`] and
/// [`ErrorKind::FunctionFailed`] of functions.
pub fn response(
    plan: &Plan,
    route: &Route,
    event: &Event,
    answer: &IntegrationResponse,
) -> Result<Mapped<Reply>, Error> {
    let RouteTarget::Integration(integration) = &route.target else {
        return Err(Error::configuration("the route has no integration"));
    };
    let scope = plan.scope(route, event);
    let mut notes = Vec::new();
    let mut said = (answer.status, &answer.body[..]);
    let reply = match &integration.backend {
        Backend::HttpProxy(_) => {
            let headers = match event.kind {
                EventKind::Connect(_) => answer.headers.clone(),
                EventKind::Message(_) | EventKind::Disconnect(_) => Headers::new(),
            };
            Reply { status: answer.status, headers, body: answer.body.clone(), two_way: route.two_way }
        }
        Backend::FunctionProxy(_) => {
            check_invoked(answer)?;
            from_function(answer, event, route.two_way)?
        }
        Backend::Function(_) => {
            check_invoked(answer)?;
            let reply = non_proxy(&scope, integration, answer, route.two_way, &plan.site)?;
            notes.extend(unexpected(answer, integration, &plan.site));
            reply
        }
        Backend::Http(_) | Backend::Mock | Backend::Service(_) => {
            non_proxy(&scope, integration, answer, route.two_way, &plan.site)?
        }
    };
    if matches!(integration.backend, Backend::FunctionProxy(_)) {
        said = (reply.status, &reply.body[..]);
    }
    notes.extend(remarks::refused(&plan.site, integration, event, said, route.two_way));
    remark(&plan.site, route, event, &integration.backend, &reply, &mut notes);
    Ok(Mapped { value: reply, notes })
}

/// The regular expression of an integration response's key: what stands between two slashes, not nothing.
pub(crate) fn pattern(key: &str) -> Option<&str> {
    key.strip_prefix('/')?.strip_suffix('/').filter(|pattern| !pattern.is_empty())
}

/// The key of an integration response. What stands between its slashes may be no regular expression: it fits no status then.
pub fn is_response_key(key: &str) -> bool {
    key == "$default" || pattern(key).is_some()
}

/// Where AWS says which run of a function, or which call of a service, it was.
const REQUEST_ID: &str = "x-amzn-RequestId";

// What Lambda answers beside 2xx: no such function, no leave to invoke it, too many at once. The function did not run.
// Source: the text is observed on REST APIs; what it says beside the status is ours.
fn check_invoked(answer: &IntegrationResponse) -> Result<(), Error> {
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    let mut line = format!("Lambda invocation failed with status: {}{}", answer.status, request_id(answer));
    let said = remarks::said(&answer.body);
    if !said.is_empty() {
        line += &format!(". {said}");
    }
    Err(Error::new(ErrorKind::NotInvoked, line))
}

fn request_id(answer: &IntegrationResponse) -> String {
    let id = answer.headers.get(REQUEST_ID);
    id.map(|id| format!(". Lambda request id: {id}")).unwrap_or_default()
}

// A function that failed. Source: the text is observed on REST APIs.
fn failure(answer: &IntegrationResponse) -> Error {
    let message = error_message(&answer.body).unwrap_or_else(|| remarks::said(&answer.body));
    let (status, id) = (answer.status, request_id(answer));
    let line = format!("Lambda execution failed with status {status} due to customer function error: {message}{id}");
    Error::new(ErrorKind::FunctionFailed, line)
}

// A failure that went the way of a success.
fn unexpected(answer: &IntegrationResponse, integration: &Integration, site: &Site) -> Option<Note> {
    let message = error_message(&answer.body).filter(|_| answer.function_failed)?;
    let expects =
        |response: &Response| matches!(&response.key, ResponseKey::Pattern(pattern) if pattern.is_match(&message));
    let unexpected = !integration.responses.iter().any(expects);
    let (integration_id, site) = (integration.id.clone(), site.clone());
    unexpected.then_some(Note::FunctionFailureUnexpected { message, integration_id, site })
}

/// `errorMessage` of what a function gave, if it is an object that has one.
fn error_message(payload: &[u8]) -> Option<String> {
    match serde_json::from_slice::<Value>(payload).ok()?.get_mut("errorMessage")?.take() {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn from_function(answer: &IntegrationResponse, event: &Event, two_way: bool) -> Result<Reply, Error> {
    if answer.function_failed {
        return Err(failure(answer));
    }
    let answer = proxy_answer(&answer.body).map_err(|error| {
        // AWS's own log text (observed on REST).
        Error::new(ErrorKind::FunctionFailed, format!("Execution failed due to configuration error: {error}"))
    })?;
    let headers = match event.kind {
        EventKind::Connect(_) => answer.headers,
        EventKind::Message(_) | EventKind::Disconnect(_) => Headers::new(),
    };
    Ok(Reply { status: answer.status, headers, body: answer.body, two_way })
}

// docs/aws/data-plane.md 4.3: the first pattern that fits the whole status, else $default.
fn non_proxy(
    scope: &Scope<'_>,
    integration: &Integration,
    answer: &IntegrationResponse,
    two_way: bool,
    site: &Site,
) -> Result<Reply, Error> {
    let status = answer.status.to_string();
    // Of a function `errorMessage` is what chooses, and where there is none, nothing fits but the default (documented).
    let is_function = matches!(integration.backend, Backend::Function(_));
    let chooses = match is_function {
        true => error_message(&answer.body).map(Cow::Owned),
        false => Some(Cow::Borrowed(status.as_str())),
    };
    let fits = |response: &&Response| match (&response.key, &chooses) {
        (ResponseKey::Pattern(regex), Some(text)) => regex.is_match(text),
        _ => false,
    };
    let is_default = |response: &&Response| matches!(response.key, ResponseKey::Default);
    let responses = &integration.responses;
    let handled = responses.iter().find(fits);
    // Inferred: at $connect a failure that no pattern expects is a refusal, though the invocation's own status is 200.
    if answer.function_failed && handled.is_none() && matches!(scope.event.kind, EventKind::Connect(_)) {
        return Err(failure(answer));
    }
    let Some(chosen) = handled.or_else(|| responses.iter().find(is_default)) else {
        // AWS's own log text (observed on REST).
        let error = Error::configuration(format!(
            "No match for output mapping and no default output mapping configured. Endpoint Response Status Code: {status}"
        ));
        let (integration_id, site) = (integration.id.clone(), site.clone());
        let remedy = match responses.is_empty() {
            true => Note::NoIntegrationResponses { integration_id, site },
            false => Note::NoResponseFits { status: answer.status, integration_id, site },
        };
        return Err(Error { remedy: Some(Box::new(remedy)), ..error });
    };
    let mut headers = Headers::new();
    for parameter in &chosen.parameters {
        let Target::Header(name) = &parameter.target else { continue };
        let value = match parameter.find(scope, Some(answer)) {
            Found::Nothing => continue,
            Found::Escaped(value) => value,
            Found::Values(values) => values.join(","),
        };
        set_header(&mut headers, name, &value)?;
    }
    let message = match &scope.event.kind {
        EventKind::Message(message) => message.body.clone(),
        _ => Bytes::new(),
    };
    let answer_body = match chosen.to_text {
        true => Bytes::from(STANDARD.encode(&answer.body)),
        false => answer.body.clone(),
    };
    let mut status = answer.status;
    let body = match chosen.templates.choose(&message, Some(answer)) {
        Some(template) => {
            let rendered = template.render(scope, &answer_body, Some(answer.status))?;
            status = rendered.overrides.status.unwrap_or(status);
            for (name, value) in &rendered.overrides.headers {
                set_header(&mut headers, name, value)?;
            }
            rendered.body.into()
        }
        // A mock has no backend whose body could pass; what is here is its request (observed: it stays empty).
        None if matches!(integration.backend, Backend::Mock) => Bytes::new(),
        None => answer_body,
    };
    Ok(Reply { status, headers, body, two_way })
}

fn remark(site: &Site, route: &Route, event: &Event, backend: &Backend, reply: &Reply, notes: &mut Vec<Note>) {
    match &event.kind {
        EventKind::Message(_) if !route.two_way && !reply.body.is_empty() => {
            notes.push(Note::AnswerNotDelivered {
                bytes: reply.body.len(),
                route_key: route.key.to_string(),
                route_id: route.id().to_owned(),
                site: site.clone(),
            });
        }
        EventKind::Connect(handshake) => {
            if (200..300).contains(&reply.status) {
                notes.extend(subprotocol_note(handshake, reply.headers.get(subprotocols::HEADER), true));
            }
            if reply.status == 400 && matches!(backend, Backend::HttpProxy(_)) {
                notes.push(Note::BackendMistookUpgrade);
            }
        }
        _ => {}
    }
}

/// A remark where browsers hang up because of the subprotocol that the answer to the upgrade chooses, or does not. `called`:
/// whether there is an integration that could have chosen.
pub(crate) fn subprotocol_note(handshake: &Handshake, chosen: Option<&str>, called: bool) -> Option<Note> {
    let offered = handshake.headers.get_all(subprotocols::HEADER).collect::<Vec<_>>().join(", ");
    // Some of them may be tokens.
    let shown = |value: &str| subprotocols::shown(value, |_| "…".to_owned()).into_owned();
    match chosen {
        Some(chosen) if !offered.split(',').any(|one| one.trim() == chosen) => {
            Some(Note::SubprotocolNotOffered { chosen: shown(chosen), offered: shown(&offered) })
        }
        None if !offered.is_empty() => Some(Note::NoSubprotocolChosen { offered: shown(&offered), called }),
        _ => None,
    }
}
