//! Events as OpenTelemetry's spans, in OTLP's JSON form.
//!
//! Source: OTLP 1.x, "JSON Protobuf Encoding" (ids are hexadecimal, 64-bit numbers are texts, members in lowerCamelCase); semantic
//! conventions of messaging and HTTP.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use gateway::{Part, Record, Span, Step};
use mapping::{call_span_id, span_id};
use serde::{Serialize, Serializer};
use types::message::{IntegrationRequest, Target};

/// What OTLP calls the kinds of spans.
const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const CONSUMER: u8 = 5;
/// What OTLP calls a status that is one of failure.
const FAILED: u8 = 2;

/// The most that is told of one text: a remark, a failure.
const TEXT_BYTES_MAX: usize = 1024;

/// An `ExportTraceServiceRequest` of these events, as JSON. `resource` says who tells: `service.name` and whatever else was given.
///
/// Events whose steps were not kept are one span each, without children.
pub fn export<'r>(records: impl Iterator<Item = &'r Record>, resource: &[(String, String)], version: &str) -> String {
    let mut spans = Vec::new();
    records.for_each(|record| add_spans(record, &mut spans));
    let attributes = resource.iter().map(|(name, value)| attribute(name, text(value))).collect();
    let scope = Scope { name: "gatewright", version };
    let scope_spans = [ScopeSpans { scope, spans }];
    let export = Export { resource_spans: [ResourceSpans { resource: Resource { attributes }, scope_spans }] };
    // Nothing in it is no JSON.
    serde_json::to_string(&export).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Export<'r> {
    resource_spans: [ResourceSpans<'r>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'r> {
    resource: Resource<'r>,
    scope_spans: [ScopeSpans<'r>; 1],
}

#[derive(Serialize)]
struct Resource<'r> {
    attributes: Vec<Attribute<'r>>,
}

#[derive(Serialize)]
struct ScopeSpans<'r> {
    scope: Scope<'r>,
    spans: Vec<SpanJson<'r>>,
}

#[derive(Serialize)]
struct Scope<'r> {
    name: &'r str,
    version: &'r str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanJson<'r> {
    trace_id: Rc<str>,
    span_id: SpanId,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<Cow<'r, str>>,
    name: Cow<'r, str>,
    kind: u8,
    start_time_unix_nano: Nanos,
    end_time_unix_nano: Nanos,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<Attribute<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<EventJson<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventJson<'r> {
    time_unix_nano: Nanos,
    name: &'static str,
    attributes: [Attribute<'r>; 1],
}

#[derive(Serialize)]
struct Status<'r> {
    code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'r str>,
}

#[derive(Serialize)]
struct Attribute<'r> {
    key: &'r str,
    value: Said<'r>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Said<'r> {
    StringValue(Cow<'r, str>),
    // Numbers of 64 bits are texts in JSON.
    IntValue(Nanos),
}

/// A number that stands in JSON as a text.
#[derive(Clone, Copy)]
struct Nanos(i128);

impl Serialize for Nanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The id of a span: 16 hexadecimal digits.
#[derive(Clone, Copy)]
struct SpanId(u64);

impl Serialize for SpanId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

/// The spans of one event: its own, and below it the parts of the walk; those of the call to the backend below a span of the
/// call, which backends that are told of the trace have as their parent.
fn add_spans<'r>(record: &'r Record, spans: &mut Vec<SpanJson<'r>>) {
    let writer = Writer { record, trace_id: record.trace_id().into() };
    spans.push(writer.event());
    let call = || record.spans.iter().filter(|span| is_of_call(span.part));
    if let (Some(first), Some(last)) = (call().next(), call().next_back()) {
        spans.push(writer.call(first.began(), last.ended()));
    }
    let (own, of_call) = (span_id(&record.request_id), call_span_id(&record.request_id));
    for (number, span) in record.spans.iter().enumerate().filter(|(_, span)| span.part != Part::Call) {
        let parent = if is_of_call(span.part) { &of_call } else { &own };
        spans.push(writer.part(number, span, parent));
    }
}

fn is_of_call(part: Part) -> bool {
    matches!(part, Part::Call | Part::Connect | Part::Send | Part::Wait | Part::Read)
}

struct Writer<'r> {
    record: &'r Record,
    trace_id: Rc<str>,
}

impl<'r> Writer<'r> {
    fn span(
        &self,
        id: u64,
        parent: Option<Cow<'r, str>>,
        (name, kind): (Cow<'r, str>, u8),
        times: (Duration, Duration),
    ) -> SpanJson<'r> {
        SpanJson {
            trace_id: self.trace_id.clone(),
            span_id: SpanId(id),
            parent_span_id: parent,
            name,
            kind,
            start_time_unix_nano: self.nanos(times.0),
            end_time_unix_nano: self.nanos(times.1),
            attributes: Vec::new(),
            events: Vec::new(),
            status: None,
        }
    }

    fn nanos(&self, after: Duration) -> Nanos {
        Nanos(i128::from(self.record.at.0) * 1_000_000 + after.as_nanos() as i128)
    }

    fn event(&self) -> SpanJson<'r> {
        let record = self.record;
        let took = record.spans.last().map(Span::ended);
        let took = took.or_else(|| record.steps.last().map(|last| last.after)).unwrap_or_default();
        let route = record.route_key.as_deref().unwrap_or("none");
        let is_connect = record.event_type == "CONNECT";
        let name = if is_connect { format!("GET {route}") } else { format!("process {route}") };
        let kind = if is_connect { SERVER } else { CONSUMER };
        let parent = record.trace.as_ref().and_then(|trace| trace.parent.as_deref()).map(Cow::Borrowed);
        let mut span =
            self.span(id_of(&span_id(&record.request_id)), parent, (name.into(), kind), (Duration::ZERO, took));
        span.attributes = self.attributes(route, is_connect);
        span.events = record
            .steps
            .iter()
            .filter_map(|timed| match &timed.step {
                Step::Note(remark) => Some(EventJson {
                    time_unix_nano: self.nanos(timed.after),
                    name: "remark",
                    attributes: [attribute("message", text(&remark.text))],
                }),
                _ => None,
            })
            .collect();
        span.status = record.failure().map(|failure| Status { code: FAILED, message: Some(cut(failure)) });
        span
    }

    fn attributes(&self, route: &'r str, is_connect: bool) -> Vec<Attribute<'r>> {
        let record = self.record;
        let connection = &record.connection;
        let mut attributes = Vec::with_capacity(16);
        attributes.extend([
            attribute("aws.request_id", owned(record.request_id.to_string())),
            attribute("gatewright.api_id", text(&connection.stage.api_id)),
            attribute("gatewright.stage", text(&connection.stage.stage)),
            attribute("gatewright.event_type", text(record.event_type)),
            attribute("client.address", owned(connection.source_ip.to_string())),
        ]);
        if let Some(agent) = &connection.user_agent {
            attributes.push(attribute("user_agent.original", text(agent)));
        }
        let status = i128::from(record.facts.status);
        if is_connect {
            let status = if (200..300).contains(&status) { 101 } else { status };
            attributes.extend([
                attribute("http.request.method", text("GET")),
                attribute("http.route", text(route)),
                attribute("http.response.status_code", number(status)),
                attribute("server.address", text(&connection.domain_name)),
            ]);
        } else {
            attributes.extend([
                attribute("messaging.system", text("websocket")),
                attribute("messaging.operation.type", text("process")),
                attribute("messaging.operation.name", text("process")),
                attribute("messaging.destination.name", text(route)),
                attribute("messaging.message.body.size", number(record.facts.message_bytes as i128)),
                attribute("gatewright.status", number(status)),
            ]);
        }
        attributes.push(attribute("messaging.message.conversation_id", owned(connection.id.to_string())));
        if let Some(failure) = &record.facts.failure {
            attributes.push(attribute("error.type", text(failure.response_type)));
        }
        attributes
    }

    fn call(&self, began: Duration, ended: Duration) -> SpanJson<'r> {
        let id = &self.record.request_id;
        let sent = self.record.steps.iter().find_map(|timed| match &timed.step {
            Step::Request(sent) => Some(&**sent),
            _ => None,
        });
        let name = sent.map_or(Cow::Borrowed("call"), name_of_call);
        let parent = Some(span_id(id).into());
        let mut span = self.span(id_of(&call_span_id(id)), parent, (name, CLIENT), (began, ended));
        span.attributes = sent.map(attributes_of_call).unwrap_or_default();
        let answer = self.record.facts.call.as_ref().and_then(|call| call.answer);
        if let Some((status, _)) = answer {
            span.attributes.push(attribute("http.response.status_code", number(i128::from(status))));
        }
        // Source: semantic conventions of HTTP, "Status": a client's span of 4xx and 5xx is one of failure.
        if let Some((status @ 400.., _)) = answer {
            span.attributes.push(attribute("error.type", owned(status.to_string())));
            span.status = Some(Status { code: FAILED, message: None });
        } else if answer.is_none() {
            span.status = Some(Status { code: FAILED, message: Some("no answer") });
        }
        span
    }

    fn part(&self, number: usize, span: &Span, parent: &str) -> SpanJson<'r> {
        // Any other 16 digits would do: these are the same whenever it is asked.
        let id = self.record.request_id.random().wrapping_add((number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let name = Cow::Borrowed(span.part.name());
        self.span(id.max(1), Some(parent.to_owned().into()), (name, INTERNAL), (span.began(), span.ended()))
    }
}

fn id_of(hexadecimal: &str) -> u64 {
    u64::from_str_radix(hexadecimal, 16).unwrap_or(1)
}

fn name_of_call(sent: &IntegrationRequest) -> Cow<'_, str> {
    match &sent.target {
        Target::Http(_) => sent.method.as_str().into(),
        Target::Mock { .. } => "MOCK".into(),
        Target::Function(target) => format!("Invoke {}", target.function.name).into(),
        Target::Service(_) => format!("{} service", sent.method).into(),
    }
}

fn attributes_of_call(sent: &IntegrationRequest) -> Vec<Attribute<'_>> {
    let url = sent.target.url().map(|url| gateway::url_shown(&url).into_owned());
    let mut attributes = Vec::with_capacity(8);
    match &sent.target {
        Target::Http(target) => attributes.extend([
            attribute("http.request.method", text(&sent.method)),
            attribute("server.address", text(&target.host)),
            attribute("server.port", number(i128::from(target.port))),
            attribute("http.request.body.size", number(sent.body.len() as i128)),
        ]),
        Target::Function(target) => attributes.extend([
            attribute("rpc.system", text("aws-api")),
            attribute("rpc.service", text("Lambda")),
            attribute("rpc.method", text("Invoke")),
            attribute("faas.invoked_name", text(&target.function.name)),
        ]),
        Target::Service(_) => attributes.push(attribute("rpc.system", text("aws-api"))),
        Target::Mock { .. } => {}
    }
    attributes.extend(url.map(|url| attribute("url.full", owned(url))));
    attributes
}

fn attribute<'r>(key: &'r str, value: Said<'r>) -> Attribute<'r> {
    Attribute { key, value }
}

fn text(value: &str) -> Said<'_> {
    Said::StringValue(cut(value).into())
}

fn owned(mut value: String) -> Said<'static> {
    value.truncate(value.floor_char_boundary(TEXT_BYTES_MAX));
    Said::StringValue(value.into())
}

fn number(value: i128) -> Said<'static> {
    Said::IntValue(Nanos(value))
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}
