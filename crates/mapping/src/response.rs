//! Makes the reply to the client out of a backend's answer: steps 10 and 11 of the walk.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use types::event::{Event, EventKind};
use types::headers::Headers;
use types::message::IntegrationResponse;

use crate::Mapped;
use crate::context::Scope;
use crate::error::Error;
use crate::note::{Note, Site};
use crate::parameters::{Found, Target, set_header};
use crate::plan::{Backend, Integration, Plan, Response, ResponseKey, Route, RouteTarget};
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
/// [`Kind::Configuration`](crate::Kind::Configuration): a non-proxy integration has no integration response that fits.
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
    let refused = remarks::refused(&plan.site, integration, event, answer, route.two_way);
    let mut notes: Vec<Note> = refused.into_iter().collect();
    let reply = match &integration.backend {
        Backend::HttpProxy(_) => {
            let headers = match event.kind {
                EventKind::Connect(_) => answer.headers.clone(),
                EventKind::Message(_) | EventKind::Disconnect(_) => Headers::new(),
            };
            Reply { status: answer.status, headers, body: answer.body.clone(), two_way: route.two_way }
        }
        Backend::Http(_) | Backend::Mock => non_proxy(&scope, integration, answer, route.two_way, &plan.site)?,
    };
    remark(&plan.site, route, event, &integration.backend, &reply, &mut notes);
    Ok(Mapped { value: reply, notes })
}

/// The regular expression of an integration response's key: what stands between two slashes, not nothing.
fn pattern(key: &str) -> Option<&str> {
    key.strip_prefix('/')?.strip_suffix('/').filter(|pattern| !pattern.is_empty())
}

/// The key of an integration response. What stands between its slashes may be no regular expression: it fits no status then.
pub fn is_response_key(key: &str) -> bool {
    key == "$default" || pattern(key).is_some()
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
    let fits = |response: &&Response| matches!(&response.key, ResponseKey::Pattern(regex) if regex.is_match(&status));
    let is_default = |response: &&Response| matches!(response.key, ResponseKey::Default);
    let responses = &integration.responses;
    let Some(chosen) = responses.iter().find(fits).or_else(|| responses.iter().find(is_default)) else {
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
            let offered = handshake.headers.get_all("Sec-WebSocket-Protocol").collect::<Vec<_>>().join(", ");
            let chosen = reply.headers.get("Sec-WebSocket-Protocol");
            let accepted = (200..300).contains(&reply.status);
            match chosen {
                Some(chosen) if accepted && !offered.split(',').any(|one| one.trim() == chosen) => {
                    notes.push(Note::SubprotocolNotOffered { chosen: chosen.to_owned(), offered });
                }
                None if accepted && !offered.is_empty() => notes.push(Note::NoSubprotocolChosen { offered }),
                _ => {}
            }
            if reply.status == 400 && matches!(backend, Backend::HttpProxy(_)) {
                notes.push(Note::BackendMistookUpgrade);
            }
        }
        _ => {}
    }
}
