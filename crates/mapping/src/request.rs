//! Makes the call to the backend out of an event: step 6 of the walk.

use bytes::Bytes;
use types::event::{Event, EventKind};
use types::headers::Headers;
use types::message::{IntegrationRequest, Target as RequestTarget};

use crate::Mapped;
use crate::context::Scope;
use crate::error::{Error, Kind};
use crate::note::Note;
use crate::parameters::{Found, Target, header_value};
use crate::plan::{Backend, Integration, NEVER_SENT, Passthrough, Plan, Route, RouteTarget, carries_body, is_one_of};
use crate::template::{Template, mock_status};
use crate::uri::{UriTemplate, escape_value};

/// Maps an event to the request that its route's integration sends.
///
/// `None`: `$connect` or `$disconnect` without an integration, so nothing is called.
///
/// # Errors
/// [`Kind::Configuration`] when the definition cannot work, also for a message on a route without an integration;
/// [`Kind::UnsupportedMediaType`] when the passthrough behaviour refuses the message.
pub fn request(plan: &Plan, route: &Route, event: &Event) -> Result<Mapped<Option<IntegrationRequest>>, Error> {
    let integration = match &route.target {
        RouteTarget::Integration(integration) => integration,
        RouteTarget::Broken(detail) => return Err(Error::configuration(detail.clone())),
        RouteTarget::None if matches!(event.kind, EventKind::Message(_)) => {
            return Err(Error::configuration(format!("route {} has no integration", route.key)));
        }
        RouteTarget::None => return Ok(Mapped { value: None, notes: Vec::new() }),
    };
    let scope = plan.scope(route, event);
    let mut notes = Vec::new();
    let request = match &integration.backend {
        Backend::Mock => mock(integration, event)?,
        Backend::Http(uri) => http(&scope, integration, uri, body(integration, event)?, &mut notes)?,
        Backend::HttpProxy(uri) => http(&scope, integration, uri, message_body(event), &mut notes)?,
    };
    if !request.carries_body && !request.body.is_empty() {
        notes.push(Note::BodyDiscarded {
            method: request.method.clone(),
            bytes: request.body.len(),
            api_id: plan.key.api_id.clone(),
            integration_id: integration.id.clone(),
        });
    }
    Ok(Mapped { value: Some(request), notes })
}

fn message_body(event: &Event) -> Bytes {
    match &event.kind {
        EventKind::Message(message) => message.body.clone(),
        EventKind::Connect(_) | EventKind::Disconnect(_) => Bytes::new(),
    }
}

// Reference 3.9: a template if one fits, else as the passthrough behaviour says.
fn body(integration: &Integration, event: &Event) -> Result<Bytes, Error> {
    let message = message_body(event);
    match integration.templates.choose(&message, None) {
        Some(Template::Literal(text)) => return Ok(Bytes::copy_from_slice(text.as_bytes())),
        Some(Template::NotYet) => return Ok(message),
        None => {}
    }
    let passes = match integration.passthrough {
        Passthrough::WhenNoMatch => true,
        Passthrough::WhenNoTemplates => integration.templates.is_empty(),
        Passthrough::Never => false,
    };
    if passes {
        return Ok(message);
    }
    let detail = "no request template fits the message and the passthrough behaviour does not let it pass".to_owned();
    Err(Error { kind: Kind::UnsupportedMediaType, detail })
}

fn mock(integration: &Integration, event: &Event) -> Result<IntegrationRequest, Error> {
    let body = body(integration, event)?;
    let rendered = String::from_utf8_lossy(&body);
    // AWS's own log text (observed on REST).
    let status = mock_status(&rendered).ok_or_else(|| {
        Error::configuration(
            "Unable to parse statusCode. It should be an integer that is defined in the request template.",
        )
    })?;
    Ok(IntegrationRequest {
        target: RequestTarget::Mock { status },
        method: String::new(),
        headers: Headers::new(),
        body,
        carries_body: true,
        may_repeat: true,
        timeout: integration.timeout,
    })
}

fn http(
    scope: &Scope<'_>,
    integration: &Integration,
    uri: &UriTemplate,
    body: Bytes,
    notes: &mut Vec<Note>,
) -> Result<IntegrationRequest, Error> {
    let mut headers = Headers::new();
    let mut query = String::new();
    match (&scope.event.kind, &integration.backend) {
        (EventKind::Connect(handshake), Backend::HttpProxy(_)) => {
            query.push_str(&handshake.query_string);
            forward_client_headers(scope, &handshake.headers, &mut headers);
        }
        _ => default_headers(scope, &mut headers),
    }
    let mut path = Vec::new();
    for parameter in &integration.parameters {
        let found = parameter.find(scope, None);
        match (&parameter.target, found) {
            (_, Found::Nothing) => {
                // A message has no headers or query, $connect no body: only what could have been there is remarked.
                let expected = match scope.event.kind {
                    EventKind::Connect(_) => !parameter.reads_message(),
                    EventKind::Message(_) => parameter.reads_message(),
                    EventKind::Disconnect(_) => false,
                };
                if expected {
                    let (target, source) = (parameter.target_text.clone(), parameter.source_text.clone());
                    notes.push(Note::ParameterWithoutValue { target, source });
                }
            }
            (Target::Header(name), _) if is_one_of(name, NEVER_SENT) => {}
            (Target::Header(name), Found::Escaped(value)) => set_header(&mut headers, name, &value)?,
            (Target::Header(name), Found::Values(values)) => set_header(&mut headers, name, &values.join(","))?,
            (Target::Query(name), Found::Escaped(value)) => append_query(&mut query, name, &value),
            (Target::Query(name), Found::Values(values)) => {
                values.iter().for_each(|value| append_query(&mut query, name, &escape_value(value)));
            }
            (Target::Path(name), Found::Escaped(value)) => path.push((name.as_str(), value)),
            (Target::Path(name), Found::Values(values)) => {
                let value = values.join(",");
                // Escaping does not help here: servers take `%2E%2E` for the folder above too.
                if value == "." || value == ".." {
                    let detail =
                        format!("Invalid endpoint address: `{value}` as path parameter {name} names another place");
                    return Err(Error::configuration(detail));
                }
                path.push((name.as_str(), escape_value(&value)));
            }
        }
    }
    let target = uri.fill(&path, &query);
    if target.path_and_query.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(Error::configuration(format!("Invalid endpoint address: `{}`", target.path_and_query)));
    }
    // The order on the wire is AWS's (observed twice): Host and Connection come last.
    if headers.get("Host").is_none() {
        headers.append("Host", target.authority.as_str());
    }
    headers.set("Connection", "Keep-Alive");
    Ok(IntegrationRequest {
        target: RequestTarget::Http(target),
        method: integration.method.clone(),
        headers,
        body,
        carries_body: carries_body(&integration.method),
        may_repeat: matches!(scope.event.kind, EventKind::Disconnect(_)),
        timeout: integration.timeout,
    })
}

// Observed twice on AWS, also on requests without a body.
fn default_headers(scope: &Scope<'_>, headers: &mut Headers) {
    let api_id = &scope.stage.api_id;
    headers.append("X-Amzn-Apigateway-Api-Id", api_id.as_str());
    headers.append("X-Amzn-Trace-Id", trace_id(scope.event));
    headers.append("User-Agent", format!("AmazonAPIGateway_{api_id}"));
    headers.append("Content-Type", "application/json");
    headers.append("Accept", "application/json");
}

// What HTTP_PROXY takes along at $connect: all but what belongs to this hop. Observed; the hop-by-hop list is RFC 9110's.
fn forward_client_headers(scope: &Scope<'_>, client: &Headers, headers: &mut Headers) {
    const OF_THIS_HOP: &[&str] = &[
        "Host",
        "Connection",
        "Upgrade",
        "Expect",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Via",
        "Keep-Alive",
        "Trailer",
        "Transfer-Encoding",
        "Content-Encoding",
        "Content-Length",
    ];
    for (name, value) in client.iter().filter(|(name, _)| !is_one_of(name, OF_THIS_HOP)) {
        headers.append(name, value);
    }
    let api_id = &scope.stage.api_id;
    headers.set("X-Amzn-Apigateway-Api-Id", api_id.as_str());
    if headers.get("User-Agent").is_none() {
        headers.append("User-Agent", format!("AmazonAPIGateway_{api_id}"));
    }
}

/// The value of `X-Amzn-Trace-Id`: `Root=1-{8 hex: epoch seconds}-{24 hex}`. Source: observed.
///
/// The last digits are taken from the event's random ids, so that mapping needs no randomness of its own.
pub fn trace_id(event: &Event) -> String {
    let tail = event.connection.id.random() as u32;
    format!("Root=1-{:08x}-{:016x}{tail:08x}", event.at.seconds(), event.request_id.random())
}

fn set_header(headers: &mut Headers, name: &str, value: &str) -> Result<(), Error> {
    let value = header_value(value).map_err(|detail| Error::configuration(format!("header {name}: {detail}")))?;
    headers.set(name, value);
    Ok(())
}

fn append_query(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(&escape_value(name));
    query.push('=');
    query.push_str(&value.replace([' ', '\r', '\n'], "%20"));
}
