//! Events as OpenTelemetry's spans, in OTLP's JSON form.
//!
//! Source: OTLP 1.x, "JSON Protobuf Encoding" (ids are hexadecimal, 64-bit numbers are texts, members in lowerCamelCase); semantic
//! conventions of messaging and HTTP.

use std::time::Duration;

use gateway::{Part, Record, Span, Step};
use mapping::{call_span_id, span_id};
use serde_json::{Map, Value, json};
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

/// An `ExportTraceServiceRequest` of these events. `resource` says who tells: `service.name` and whatever else was given.
///
/// Events whose steps were not kept are one span each, without children.
pub fn export<'r>(records: impl Iterator<Item = &'r Record>, resource: &[(String, String)], version: &str) -> Value {
    let spans: Vec<Value> = records.flat_map(spans).collect();
    let resource: Vec<Value> = resource.iter().map(|(name, value)| attribute(name, text(value))).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": "gatewright", "version": version }, "spans": spans }],
    }] })
}

/// The spans of one event: its own, and below it the parts of the walk; those of the call to the backend below a span of the
/// call, which backends that are told of the trace have as their parent.
fn spans(record: &Record) -> Vec<Value> {
    let writer = Writer { record, trace_id: record.trace_id() };
    let mut spans = vec![writer.event()];
    let call: Vec<&Span> = record.spans.iter().filter(|span| is_of_call(span.part)).collect();
    if let (Some(first), Some(last)) = (call.first(), call.last()) {
        spans.push(writer.call(first.began(), last.ended()));
    }
    for (number, span) in record.spans.iter().enumerate().filter(|(_, span)| span.part != Part::Call) {
        let parent = if is_of_call(span.part) { call_span_id } else { span_id };
        spans.push(writer.part(number, span, &parent(&record.request_id)));
    }
    spans
}

fn is_of_call(part: Part) -> bool {
    matches!(part, Part::Call | Part::Connect | Part::Send | Part::Wait | Part::Read)
}

struct Writer<'r> {
    record: &'r Record,
    trace_id: String,
}

impl Writer<'_> {
    fn span(
        &self,
        id: &str,
        parent: Option<&str>,
        (name, kind): (&str, u8),
        times: (Duration, Duration),
    ) -> Map<String, Value> {
        let mut span = Map::new();
        span.insert("traceId".into(), self.trace_id.as_str().into());
        span.insert("spanId".into(), id.into());
        if let Some(parent) = parent {
            span.insert("parentSpanId".into(), parent.into());
        }
        span.insert("name".into(), name.into());
        span.insert("kind".into(), kind.into());
        span.insert("startTimeUnixNano".into(), self.nanos(times.0).into());
        span.insert("endTimeUnixNano".into(), self.nanos(times.1).into());
        span
    }

    fn nanos(&self, after: Duration) -> String {
        let nanos = u128::from(self.record.at.0) * 1_000_000 + after.as_nanos();
        nanos.to_string()
    }

    fn event(&self) -> Value {
        let record = self.record;
        let took = record.spans.last().map(Span::ended);
        let took = took.or_else(|| record.steps.last().map(|last| last.after)).unwrap_or_default();
        let route = record.route_key.as_deref().unwrap_or("none");
        let is_connect = record.event_type == "CONNECT";
        let name = if is_connect { format!("GET {route}") } else { format!("process {route}") };
        let kind = if is_connect { SERVER } else { CONSUMER };
        let parent = record.trace.as_ref().and_then(|trace| trace.parent.as_deref());
        let mut span = self.span(&span_id(&record.request_id), parent, (&name, kind), (Duration::ZERO, took));
        span.insert("attributes".into(), self.attributes(route, is_connect).into());
        let remarks: Vec<Value> = record
            .steps
            .iter()
            .filter_map(|timed| match &timed.step {
                Step::Note(remark) => Some(json!({
                    "timeUnixNano": self.nanos(timed.after), "name": "remark",
                    "attributes": [attribute("message", text(&remark.text))],
                })),
                _ => None,
            })
            .collect();
        if !remarks.is_empty() {
            span.insert("events".into(), remarks.into());
        }
        if let Some(failure) = record.failure() {
            span.insert("status".into(), json!({ "code": FAILED, "message": cut(failure) }));
        }
        Value::Object(span)
    }

    fn attributes(&self, route: &str, is_connect: bool) -> Vec<Value> {
        let record = self.record;
        let connection = &record.connection;
        let mut attributes = vec![
            attribute("aws.request_id", text(&record.request_id.to_string())),
            attribute("gatewright.api_id", text(&connection.stage.api_id)),
            attribute("gatewright.stage", text(&connection.stage.stage)),
            attribute("gatewright.event_type", text(record.event_type)),
            attribute("client.address", text(&connection.source_ip.to_string())),
        ];
        if let Some(agent) = &connection.user_agent {
            attributes.push(attribute("user_agent.original", text(agent)));
        }
        let status = i64::from(record.facts.status);
        if is_connect {
            attributes.push(attribute("http.request.method", text("GET")));
            attributes.push(attribute("http.route", text(route)));
            let status = if (200..300).contains(&status) { 101 } else { status };
            attributes.push(attribute("http.response.status_code", number(status)));
            attributes.push(attribute("server.address", text(&connection.domain_name)));
        } else {
            attributes.push(attribute("messaging.system", text("websocket")));
            attributes.push(attribute("messaging.operation.type", text("process")));
            attributes.push(attribute("messaging.operation.name", text("process")));
            attributes.push(attribute("messaging.destination.name", text(route)));
            attributes.push(attribute("messaging.message.body.size", number(record.facts.message_bytes as i64)));
            attributes.push(attribute("gatewright.status", number(status)));
        }
        attributes.push(attribute("messaging.message.conversation_id", text(&connection.id.to_string())));
        if let Some(failure) = &record.facts.failure {
            attributes.push(attribute("error.type", text(failure.response_type)));
        }
        attributes
    }

    fn call(&self, began: Duration, ended: Duration) -> Value {
        let id = &self.record.request_id;
        let sent = self.record.steps.iter().find_map(|timed| match &timed.step {
            Step::Request(sent) => Some(&**sent),
            _ => None,
        });
        let name = sent.map_or_else(|| "call".to_owned(), name_of_call);
        let parent = span_id(id);
        let mut span = self.span(&call_span_id(id), Some(&parent), (&name, CLIENT), (began, ended));
        let mut attributes = sent.map(attributes_of_call).unwrap_or_default();
        let answer = self.record.facts.call.as_ref().and_then(|call| call.answer);
        if let Some((status, _)) = answer {
            attributes.push(attribute("http.response.status_code", number(i64::from(status))));
        }
        // Source: semantic conventions of HTTP, "Status": a client's span of 4xx and 5xx is one of failure.
        if let Some((status @ 400.., _)) = answer {
            attributes.push(attribute("error.type", text(&status.to_string())));
            span.insert("status".into(), json!({ "code": FAILED }));
        } else if answer.is_none() {
            span.insert("status".into(), json!({ "code": FAILED, "message": "no answer" }));
        }
        span.insert("attributes".into(), attributes.into());
        Value::Object(span)
    }

    fn part(&self, number: usize, span: &Span, parent: &str) -> Value {
        // Any other 16 digits would do: these are the same whenever it is asked.
        let id = self.record.request_id.random().wrapping_add((number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let id = format!("{:016x}", id.max(1));
        Value::Object(self.span(&id, Some(parent), (span.part.name(), INTERNAL), (span.began(), span.ended())))
    }
}

fn name_of_call(sent: &IntegrationRequest) -> String {
    match &sent.target {
        Target::Http(_) => sent.method.clone(),
        Target::Mock { .. } => "MOCK".to_owned(),
        Target::Function(target) => format!("Invoke {}", target.function.name),
        Target::Service(_) => format!("{} service", sent.method),
    }
}

fn attributes_of_call(sent: &IntegrationRequest) -> Vec<Value> {
    let url = sent.target.url().map(|url| gateway::url_shown(&url).into_owned());
    let mut attributes = Vec::new();
    match &sent.target {
        Target::Http(target) => {
            attributes.push(attribute("http.request.method", text(&sent.method)));
            attributes.push(attribute("server.address", text(&target.host)));
            attributes.push(attribute("server.port", number(i64::from(target.port))));
            attributes.push(attribute("http.request.body.size", number(sent.body.len() as i64)));
        }
        Target::Function(target) => {
            attributes.push(attribute("rpc.system", text("aws-api")));
            attributes.push(attribute("rpc.service", text("Lambda")));
            attributes.push(attribute("rpc.method", text("Invoke")));
            attributes.push(attribute("faas.invoked_name", text(&target.function.name)));
        }
        Target::Service(_) => attributes.push(attribute("rpc.system", text("aws-api"))),
        Target::Mock { .. } => {}
    }
    attributes.extend(url.map(|url| attribute("url.full", text(&url))));
    attributes
}

fn attribute(name: &str, value: Value) -> Value {
    json!({ "key": name, "value": value })
}

fn text(value: &str) -> Value {
    json!({ "stringValue": cut(value) })
}

// Numbers of 64 bits are texts in JSON.
fn number(value: i64) -> Value {
    json!({ "intValue": value.to_string() })
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}
