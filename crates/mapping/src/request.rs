//! Makes the call to the backend out of an event: step 7 of the walk.

mod aws;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use types::event::{Event, EventKind};
use types::headers::Headers;
use types::message::{HttpTarget, IntegrationRequest, Target as RequestTarget};

use crate::Mapped;
use crate::context::Scope;
use crate::delivery::delivery_headers;
use crate::error::{Error, ErrorKind};
use crate::note::Note;
use crate::parameters::{Found, Target, set_header};
use crate::plan::{Backend, Integration, Passthrough, Plan, Route, RouteTarget, carries_body, is_one_of};
use crate::proxy_event::proxy_event;
use crate::response::subprotocol_note;
use crate::template::{Overrides, TemplateLines, mock_status};
use crate::trace::{TRACEPARENT, trace_id, traceparent};
use crate::uri::{UriTemplate, escape_value};

/// Maps an event to the request that its route's integration sends.
///
/// `None`: `$connect` or `$disconnect` without an integration, so nothing is called.
///
/// # Errors
/// [`ErrorKind::Configuration`] when the definition cannot work, also for a message on a route without an integration, and for
/// a client that nobody has authorized where the route asks for it;
/// [`ErrorKind::UnsupportedMediaType`] when the passthrough behaviour refuses the message.
pub fn request(plan: &Plan, route: &Route, event: &Event) -> Result<Mapped<Option<IntegrationRequest>>, Error> {
    if !route.authorization.is_met_by(event) {
        return Err(Error::configuration(
            "the route asks for authorization, and nobody said who the client is: AWS_IAM needs --credentials",
        ));
    }
    let integration = match &route.target {
        RouteTarget::Integration(integration) => integration,
        RouteTarget::Broken(detail) => return Err(Error::configuration(detail.clone())),
        RouteTarget::None if matches!(event.kind, EventKind::Message(_)) => {
            return Err(Error::configuration(format!("route {} has no integration", route.key)));
        }
        RouteTarget::None => {
            // Nothing is called, so nothing chooses a subprotocol either.
            let note = match &event.kind {
                EventKind::Connect(handshake) => subprotocol_note(handshake, None, false),
                EventKind::Message(_) | EventKind::Disconnect(_) => None,
            };
            return Ok(Mapped { value: None, notes: note.into_iter().collect() });
        }
    };
    let scope = plan.scope(route, event);
    let mut notes = Vec::new();
    let request = match &integration.backend {
        Backend::Mock => mock(&scope, integration)?,
        Backend::Http(uri) => {
            let body = body(&scope, integration)?;
            http(&scope, integration, uri, body, &mut notes)?
        }
        Backend::HttpProxy(uri) => {
            let body = Body { bytes: message(&scope, integration)?, overrides: Overrides::default() };
            http(&scope, integration, uri, body, &mut notes)?
        }
        Backend::FunctionProxy(function) => {
            let event = proxy_event(plan, route, event);
            aws::with_event(&scope, integration, function, event)
        }
        Backend::Function(function) => aws::function(&scope, integration, function, &mut notes)?,
        Backend::Service(uri) => aws::service(&scope, integration, uri, &mut notes)?,
    };
    if !request.carries_body && !request.body.is_empty() {
        notes.push(Note::BodyDiscarded {
            method: request.method.clone(),
            bytes: request.body.len(),
            integration_id: integration.id.clone(),
            site: plan.site.clone(),
        });
    }
    Ok(Mapped { value: Some(request), notes })
}

/// A body as it goes out, and what its template set beside it.
struct Body {
    bytes: Bytes,
    overrides: Overrides,
}

fn message_text(event: &Event) -> Bytes {
    match &event.kind {
        EventKind::Message(message) => message.body.clone(),
        EventKind::Connect(_) | EventKind::Disconnect(_) => Bytes::new(),
    }
}

// The message as contentHandlingStrategy makes it. Source: documented; the text is AWS's on REST APIs.
fn message(scope: &Scope<'_>, integration: &Integration) -> Result<Bytes, Error> {
    let message = message_text(scope.event);
    if !integration.to_binary {
        return Ok(message);
    }
    let decoded = STANDARD.decode(message.trim_ascii());
    decoded.map(Bytes::from).map_err(|_| Error::configuration("Unable to base64 decode the body."))
}

// docs/aws/data-plane.md 3.9: a template if one fits, else as the passthrough behaviour says.
fn body(scope: &Scope<'_>, integration: &Integration) -> Result<Body, Error> {
    let message = message(scope, integration)?;
    if let Some(template) = integration.templates.choose(&message_text(scope.event), None) {
        // A template reads text: the bytes of a binary message as base64 (ours).
        let is_binary = matches!(&scope.event.kind, EventKind::Message(message) if message.is_binary);
        let input = if is_binary { Bytes::from(STANDARD.encode(&message)) } else { message };
        let rendered = template.render(scope, &input, None)?;
        return Ok(Body { bytes: rendered.body.into(), overrides: rendered.overrides });
    }
    let passes = match integration.passthrough {
        Passthrough::WhenNoMatch => true,
        Passthrough::WhenNoTemplates => integration.templates.is_empty(),
        Passthrough::Never => false,
    };
    if passes {
        return Ok(Body { bytes: message, overrides: Overrides::default() });
    }
    let detail = "no request template fits the message and the passthrough behaviour does not let it pass".to_owned();
    Err(Error::new(ErrorKind::UnsupportedMediaType, detail))
}

/// The request template that an event's route renders, beside what it makes of the event: rendered once more, for somebody who
/// looks. `None` where no template is rendered, or it fails.
pub fn template_lines(plan: &Plan, route: &Route, event: &Event) -> Option<TemplateLines> {
    let RouteTarget::Integration(integration) = &route.target else { return None };
    let renders =
        matches!(integration.backend, Backend::Http(_) | Backend::Mock | Backend::Function(_) | Backend::Service(_));
    let scope = plan.scope(route, event);
    let input = message(&scope, integration).ok().filter(|_| renders)?;
    integration.templates.choose(&message_text(event), None)?.lines(&scope, &input)
}

fn mock(scope: &Scope<'_>, integration: &Integration) -> Result<IntegrationRequest, Error> {
    let body = body(scope, integration)?.bytes;
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

/// How many headers a request to a backend usually has.
const HEADERS_USUAL: usize = 12;

fn http(
    scope: &Scope<'_>,
    integration: &Integration,
    uri: &UriTemplate,
    body: Body,
    notes: &mut Vec<Note>,
) -> Result<IntegrationRequest, Error> {
    let mut headers = Headers::with_room(HEADERS_USUAL);
    let mut query = String::new();
    match (&scope.event.kind, &integration.backend) {
        (EventKind::Connect(handshake), Backend::HttpProxy(_)) => {
            query.push_str(&handshake.query_string);
            forward_client_headers(scope, &handshake.headers, integration.extended, &mut headers);
        }
        _ => default_headers(scope, &mut headers),
    }
    if integration.extended {
        tell_connection(scope, &mut headers);
    }
    delivery_headers(scope.event, integration.extended).for_each(|(name, value)| headers.set(name, value));
    let Body { bytes: body, overrides } = body;
    let mut sent = Sent { headers, query, path: Vec::new() };
    sent.parameters(scope, integration, &overrides, notes)?;
    let Sent { mut headers, query, path } = sent;
    let target = uri.fill(&path, &query);
    check_path(&target)?;
    // The order on the wire is AWS's (observed twice): Host and Connection come last.
    if headers.get("Host").is_none() {
        headers.append("Host", target.authority.clone());
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

fn check_path(target: &HttpTarget) -> Result<(), Error> {
    if target.path_and_query.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(Error::configuration(format!("Invalid endpoint address: `{}`", target.path_and_query)));
    }
    Ok(())
}

/// What request parameters and overrides are put into.
#[derive(Default)]
struct Sent<'p> {
    headers: Headers,
    query: String,
    /// Path parameters, escaped.
    path: Vec<(&'p str, String)>,
}

impl<'p> Sent<'p> {
    // Mappings first, overrides of the template last; an override wins (documented for REST APIs).
    fn parameters(
        &mut self,
        scope: &Scope<'_>,
        integration: &'p Integration,
        overrides: &'p Overrides,
        notes: &mut Vec<Note>,
    ) -> Result<(), Error> {
        let Sent { headers, query, path } = self;
        let backend = &integration.backend;
        let mapped = integration.parameters.iter().filter(|parameter| !overrides.replaces(&parameter.target));
        for parameter in mapped {
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
                (Target::Header(name), _) if backend.drops(name) => {}
                (Target::Header(name), Found::Escaped(value)) => set_header(headers, name, &value)?,
                (Target::Header(name), Found::Values(values)) => set_header(headers, name, &values.join(","))?,
                (Target::Query(name), Found::Escaped(value)) => append_query(query, name, &value),
                (Target::Query(name), Found::Values(values)) => {
                    values.iter().for_each(|value| append_query(query, name, &escape_value(value)));
                }
                (Target::Path(name), Found::Escaped(value)) => path.push((name.as_str(), value)),
                (Target::Path(name), Found::Values(values)) => {
                    path.push((name.as_str(), path_value(name, &values.join(","))?));
                }
            }
        }
        for (name, value) in overrides.headers.iter().filter(|(name, _)| !backend.drops(name)) {
            if backend.owns(name) {
                return Err(Error::configuration(format!("{name} header already present")));
            }
            set_header(headers, name, value)?;
        }
        for (name, value) in &overrides.query {
            append_query(query, name, &escape_value(value));
        }
        for (name, value) in &overrides.path {
            path.push((name, path_value(name, value)?));
        }
        Ok(())
    }
}

// Observed twice on AWS, also on requests without a body.
pub(crate) fn default_headers(scope: &Scope<'_>, headers: &mut Headers) {
    let api_id = &scope.stage.api_id;
    headers.append("X-Amzn-Apigateway-Api-Id", api_id.clone());
    headers.append("X-Amzn-Trace-Id", trace_id(&scope.event.connection.id, &scope.event.request_id, scope.event.at));
    tell_trace(scope, headers);
    headers.append("User-Agent", ["AmazonAPIGateway_", api_id].concat());
    headers.append("Content-Type", "application/json");
    headers.append("Accept", "application/json");
}

// What HTTP_PROXY takes along at $connect: all but what belongs to this hop. Observed; the hop-by-hop list is RFC 9110's.
fn forward_client_headers(scope: &Scope<'_>, client: &Headers, extended: bool, headers: &mut Headers) {
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
    // Servers that speak WebSocket themselves take a request with these for a broken upgrade.
    const OF_THE_UPGRADE: &[&str] = &["Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions"];
    let goes = |name: &str| !(is_one_of(name, OF_THIS_HOP) || extended && is_one_of(name, OF_THE_UPGRADE));
    headers.take_along(client, goes);
    let api_id = &scope.stage.api_id;
    headers.set("X-Amzn-Apigateway-Api-Id", api_id.clone());
    tell_trace(scope, headers);
    if headers.get("User-Agent").is_none() {
        headers.append("User-Agent", ["AmazonAPIGateway_", api_id].concat());
    }
}

// Ours: AWS has its own header alone.
fn tell_trace(scope: &Scope<'_>, headers: &mut Headers) {
    if scope.tracing.is_told {
        let is_sampled = scope.tracing.samples(&scope.event.request_id);
        headers.set(TRACEPARENT, traceparent(scope.event, is_sampled));
    }
}

// `--compat extended`: what every backend needs for its answer, and AWS leaves to a mapping.
fn tell_connection(scope: &Scope<'_>, headers: &mut Headers) {
    let connection = &scope.event.connection;
    headers.set("connectionId", connection.id.to_string());
    headers.set("domainName", connection.domain_name.to_string());
    headers.set("stage", scope.stage.stage.clone());
}

// Escaping does not keep a server from climbing: it takes `%2E%2E` for the folder above too.
fn path_value(name: &str, value: &str) -> Result<String, Error> {
    if value == "." || value == ".." {
        let detail = format!("Invalid endpoint address: `{value}` as path parameter {name} names another place");
        return Err(Error::configuration(detail));
    }
    Ok(escape_value(value))
}

fn append_query(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(&escape_value(name));
    query.push('=');
    query.push_str(&value.replace([' ', '\r', '\n'], "%20"));
}
