//! The record of one event: plain data, from which every view is made.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mapping::plan::Logging;
use mapping::{Checks, Facts, Note, Reply, Trace};
use serde_json::{Value, json};
use types::event::{Connection, Disconnect, Event, EventKind};
use types::headers::Headers;
use types::id::Id;
use types::message::{IntegrationRequest, IntegrationResponse, Target};
use types::time::Timestamp;

use super::secrets;

/// The most of a body that the console is sent; the rest is counted.
pub(super) const CONSOLE_BODY_MAX: usize = 16 * 1024;
/// Steps and spans of a message to which nothing happens, for which room is made at once.
const STEPS: usize = 4;
const SPANS: usize = 12;
/// What a URL counts for in a record's size; the limit `url-bytes` bounds what clients choose of it.
const URL_BYTES: usize = 256;

/// What happened to one event.
#[derive(Clone, Debug)]
pub struct Record {
    /// The connection it happened on.
    pub connection: Arc<Connection>,
    /// `$context.requestId`.
    pub request_id: Id,
    /// When it began.
    pub at: Timestamp,
    /// `CONNECT`, `MESSAGE` or `DISCONNECT`.
    pub event_type: &'static str,
    /// What the client said: a MESSAGE's body, a CONNECT's query string. `None` where steps are not kept.
    pub came: Option<Came>,
    /// Code and reason of a DISCONNECT.
    pub disconnect: Option<Disconnect>,
    /// The route that ran, once it was chosen.
    pub route_key: Option<Arc<str>>,
    /// What the stage's settings ask to log of it.
    pub logging: Logging,
    /// What happened on the way, in order.
    pub steps: Vec<Timed>,
    /// What the walk was busy with, in order and without gaps. Empty where steps are not kept.
    pub spans: Vec<Span>,
    /// The deployment that the stage served, where one is known.
    pub deployment_id: Option<Arc<str>>,
    /// The trace that it is part of: of a CONNECT, which may be somebody else's, where steps are kept.
    pub trace: Option<Box<Trace>>,
    /// How it ended.
    pub facts: Facts,
}

/// Whether what opens doors is shown to people as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// All but a few characters are stars.
    #[default]
    Masked,
    /// As it is: for people on a machine of their own.
    Shown,
}

/// What a client said.
#[derive(Clone, Debug)]
pub enum Came {
    /// The query string of its handshake, as it came.
    Query(String),
    /// Its message.
    Message(Bytes),
}

/// A part of the walk, as ARCHITECTURE.md counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// For its turn, where as many calls run as may.
    Queue,
    /// The route.
    Select,
    /// Who the client is, at `$connect`.
    Authorize,
    /// Key, plan, limits, required parameters.
    Admit,
    /// The message against its model.
    Validate,
    /// The request to the backend.
    Map,
    /// The backend, as a whole: where its parts are not known.
    Call,
    /// A connection to the backend, kept or made.
    Connect,
    /// The request, written.
    Send,
    /// The backend's first bytes.
    Wait,
    /// The rest of its answer.
    Read,
    /// Its answer for the client.
    MapBack,
    /// Whether the client may be sent so much.
    Fit,
    /// The reply, or the error, to the client's socket or outbox.
    Deliver,
}

impl Part {
    /// What the feed calls it.
    pub fn name(self) -> &'static str {
        match self {
            Part::Queue => "queue",
            Part::Select => "select",
            Part::Authorize => "authorize",
            Part::Admit => "admit",
            Part::Validate => "validate",
            Part::Map => "map",
            Part::Call => "call",
            Part::Connect => "connect",
            Part::Send => "send",
            Part::Wait => "wait",
            Part::Read => "read",
            Part::MapBack => "map back",
            Part::Fit => "fit",
            Part::Deliver => "deliver",
        }
    }
}

/// How long a part of the walk took, counted from the event's beginning by a clock that only goes forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The part.
    pub part: Part,
    /// When it began and when it was over, in microseconds: an event is over within minutes, and every message has many.
    began: u32,
    ended: u32,
}

impl Span {
    pub(super) fn new(part: Part, began: Duration, ended: Duration) -> Span {
        let micros = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        Span { part, began: micros(began), ended: micros(ended) }
    }

    /// When it began.
    pub fn began(&self) -> Duration {
        Duration::from_micros(self.began.into())
    }

    /// When it was over.
    pub fn ended(&self) -> Duration {
        Duration::from_micros(self.ended.into())
    }
}

/// A step, and when it was taken.
#[derive(Clone, Debug)]
pub struct Timed {
    /// Counted from the event's beginning.
    pub after: Duration,
    /// How long its body was; what is kept of it may be less ([`Record::cut_bodies`]).
    pub body_bytes: usize,
    /// What it gave.
    pub step: Step,
}

/// What happened on the way.
#[derive(Clone, Debug)]
pub enum Step {
    /// The request to the backend, mapped.
    Request(Arc<IntegrationRequest>),
    /// The backend's answer.
    Response(Arc<IntegrationResponse>),
    /// What the client gets of it.
    Reply(Reply),
    /// A step of the authorizer's, before all these.
    Authorizing(AuthorizerStep),
    /// A remark.
    Note(Box<Remark>),
    /// The backend did not let the client in: who, and in which words.
    Refused(String),
    /// The end, when something failed: as the execution log says it.
    Failed(String),
}

/// A remark, and its sentence.
#[derive(Clone, Debug)]
pub struct Remark {
    /// What it is about.
    pub note: Note,
    /// As the log says it.
    pub text: String,
}

/// A step of an authorizer's.
#[derive(Clone, Debug)]
pub enum AuthorizerStep {
    /// It is called. What identifies the client is masked here already.
    Asked(Arc<IntegrationRequest>),
    /// What it answered.
    Answered(Arc<IntegrationResponse>),
    /// A line of the log as AWS has it.
    Line(String),
}

impl Step {
    /// What the feed calls it.
    fn name(&self) -> &'static str {
        match self {
            Step::Request(_) => "request",
            Step::Response(_) => "response",
            Step::Reply(_) => "reply",
            Step::Authorizing(AuthorizerStep::Asked(_)) => "authorizer asked",
            Step::Authorizing(AuthorizerStep::Answered(_)) => "authorizer answered",
            Step::Authorizing(AuthorizerStep::Line(_)) => "authorizer",
            Step::Note(_) => "note",
            Step::Refused(_) => "refused",
            Step::Failed(_) => "failed",
        }
    }

    fn body(&self) -> Option<&Bytes> {
        match self {
            Step::Request(request) => Some(&request.body),
            Step::Response(response) => Some(&response.body),
            Step::Reply(reply) => Some(&reply.body),
            Step::Authorizing(AuthorizerStep::Asked(request)) => Some(&request.body),
            Step::Authorizing(AuthorizerStep::Answered(response)) => Some(&response.body),
            Step::Authorizing(AuthorizerStep::Line(_)) | Step::Note(_) | Step::Refused(_) | Step::Failed(_) => None,
        }
    }

    fn body_mut(&mut self) -> Option<&mut Bytes> {
        match self {
            Step::Request(request) => Some(&mut Arc::make_mut(request).body),
            Step::Response(response) => Some(&mut Arc::make_mut(response).body),
            Step::Reply(reply) => Some(&mut reply.body),
            Step::Authorizing(AuthorizerStep::Asked(request)) => Some(&mut Arc::make_mut(request).body),
            Step::Authorizing(AuthorizerStep::Answered(response)) => Some(&mut Arc::make_mut(response).body),
            Step::Authorizing(AuthorizerStep::Line(_)) | Step::Note(_) | Step::Refused(_) | Step::Failed(_) => None,
        }
    }

    // What it holds on to beside its body.
    fn other_bytes(&self) -> usize {
        size_of::<Timed>()
            + match self {
                Step::Request(request) | Step::Authorizing(AuthorizerStep::Asked(request)) => {
                    size_of::<IntegrationRequest>() + request.headers.bytes() + URL_BYTES
                }
                Step::Response(response) | Step::Authorizing(AuthorizerStep::Answered(response)) => {
                    size_of::<IntegrationResponse>() + response.headers.bytes()
                }
                Step::Reply(reply) => reply.headers.bytes(),
                // What the note holds itself is about what its sentence says.
                Step::Note(remark) => size_of::<Remark>() + 2 * remark.text.len(),
                Step::Authorizing(AuthorizerStep::Line(text)) | Step::Refused(text) | Step::Failed(text) => text.len(),
            }
    }
}

impl Timed {
    pub(super) fn new(after: Duration, step: Step) -> Timed {
        Timed { after, body_bytes: step.body().map_or(0, Bytes::len), step }
    }
}

impl Record {
    pub(super) fn open(event: &Event, logging: Logging, keeps_steps: bool) -> Record {
        let message_bytes = match &event.kind {
            EventKind::Message(message) => message.body.len(),
            EventKind::Connect(_) | EventKind::Disconnect(_) => 0,
        };
        Record {
            connection: event.connection.clone(),
            request_id: event.request_id,
            at: event.at,
            event_type: event.kind.event_type(),
            came: match &event.kind {
                EventKind::Connect(handshake) if keeps_steps => Some(Came::Query(handshake.query_string.clone())),
                EventKind::Message(message) if keeps_steps => Some(Came::Message(message.body.clone())),
                _ => None,
            },
            disconnect: match &event.kind {
                EventKind::Disconnect(disconnect) => Some(disconnect.clone()),
                EventKind::Connect(_) | EventKind::Message(_) => None,
            },
            route_key: None,
            logging,
            steps: Vec::with_capacity(if keeps_steps { STEPS } else { 0 }),
            spans: Vec::with_capacity(if keeps_steps { SPANS } else { 0 }),
            deployment_id: None,
            trace: Some(&event.kind)
                .filter(|kind| keeps_steps && matches!(kind, EventKind::Connect(_)))
                .map(|_| Box::new(mapping::trace(event))),
            facts: Facts { message_bytes, ..Facts::default() },
        }
    }

    /// The failure in one line, if there was one: what is said even where logging is off.
    pub fn failure(&self) -> Option<&str> {
        self.steps.iter().find_map(|timed| match &timed.step {
            Step::Failed(line) | Step::Refused(line) => Some(line.as_str()),
            _ => None,
        })
    }

    /// What mends the failure, where that is known.
    pub fn remedy(&self) -> Option<&str> {
        let after = self.steps.iter().skip_while(|timed| !matches!(timed.step, Step::Failed(_)));
        after.skip(1).find_map(|timed| match &timed.step {
            Step::Note(remark) => Some(remark.text.as_str()),
            _ => None,
        })
    }

    /// Who did not let the client in, where that was the backend.
    pub fn refused(&self) -> Option<&str> {
        self.steps.iter().find_map(|timed| match &timed.step {
            Step::Refused(line) => Some(line.as_str()),
            _ => None,
        })
    }

    /// The client's message, as far as it is kept.
    pub fn message(&self) -> Option<&Bytes> {
        match &self.came {
            Some(Came::Message(body)) => Some(body),
            Some(Came::Query(_)) | None => None,
        }
    }

    /// How many bytes of bodies it holds on to.
    pub fn body_bytes(&self) -> usize {
        let bytes = self.steps.iter().filter_map(|timed| timed.step.body()).map(Bytes::len);
        let came = match &self.came {
            Some(Came::Message(body)) => body.len(),
            Some(Came::Query(_)) | None => 0,
        };
        came + bytes.sum::<usize>()
    }

    /// How many bytes of memory it takes, about.
    pub fn bytes(&self) -> usize {
        let query = match &self.came {
            Some(Came::Query(query)) => query.len(),
            Some(Came::Message(_)) | None => 0,
        };
        let Connection { domain_name, user_agent, path, .. } = &*self.connection;
        let texts = [Some(domain_name), user_agent.as_ref(), path.as_ref()];
        let connection: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
        let reason = self.disconnect.as_ref().map_or(0, |end| end.reason.len());
        let failure = self.facts.failure.as_ref().map_or(0, |failure| failure.message.len() + failure.detail.len());
        let steps: usize = self.steps.iter().map(|timed| timed.step.other_bytes()).sum();
        size_of::<Record>()
            + size_of::<Connection>()
            + connection
            + reason
            + query
            + failure
            + self.facts.checks.as_deref().map_or(0, Checks::bytes)
            + steps
            + size_of_val(&*self.spans)
            + self.body_bytes()
    }

    /// Keeps the first [`CONSOLE_BODY_MAX`] bytes of each longer body, in memory of their own: what a body is cut from would be
    /// held as a whole. Shorter ones stay what the walk had, which is theirs alone.
    pub fn cut_bodies(&mut self) {
        if let Some(Came::Message(body)) = &mut self.came {
            cut_body(body, false);
        }
        let mut of_function = false;
        for step in self.steps.iter_mut().map(|timed| &mut timed.step) {
            match step {
                Step::Request(request) => of_function = matches!(request.target, Target::Function(_)),
                // Its event is that of a function, wherever it is.
                Step::Authorizing(_) => of_function = true,
                Step::Response(_) | Step::Reply(_) | Step::Note(_) | Step::Refused(_) | Step::Failed(_) => {}
            }
            let is_long = step.body().is_some_and(|body| body.len() > CONSOLE_BODY_MAX);
            if is_long && let Some(body) = step.body_mut() {
                cut_body(body, of_function);
            }
        }
    }

    /// The id of its trace, 32 hexadecimal digits: those of the `X-Amzn-Trace-Id` that its backend got, or of the client's
    /// `traceparent`.
    pub fn trace_id(&self) -> String {
        if let Some(trace) = &self.trace {
            return trace.id.clone();
        }
        let header = mapping::trace_id(&self.connection.id, &self.request_id, self.at);
        header.trim_start_matches("Root=1-").replace('-', "")
    }

    /// The id of the event in its trace, 16 hexadecimal digits.
    pub fn span_id(&self) -> String {
        mapping::span_id(&self.request_id)
    }

    /// The time of day at `after` its beginning.
    pub(super) fn time_at(&self, after: Duration) -> Timestamp {
        Timestamp(self.at.0.saturating_add(after.as_millis() as u64))
    }

    /// The record as the console reads it: the facts, and every line with headers and bodies. The lines are AWS's, whose secrets
    /// are always masked.
    pub fn to_json(&self, secrets: Secrets) -> Value {
        let mut request = Value::Null;
        let mut response = Value::Null;
        let mut reply = Value::Null;
        let mut latency_ms = Value::Null;
        let mut of_function = false;
        for Timed { body_bytes, step, .. } in &self.steps {
            match step {
                Step::Request(sent) => {
                    of_function = matches!(sent.target, Target::Function(_));
                    request = request_json(sent, *body_bytes, secrets);
                }
                Step::Response(got) => {
                    latency_ms = json!((got.latency.as_secs_f64() * 10_000.0).round() / 10.0);
                    response = json!({
                        "status": got.status, "headers": pairs(&got.headers, secrets),
                        "body": shown(&got.body, of_function, secrets),
                        "bodyBytes": body_bytes,
                    });
                }
                Step::Reply(got) => {
                    reply = json!({ "body": text(&got.body), "bodyBytes": body_bytes, "twoWay": got.two_way });
                }
                Step::Authorizing(_) | Step::Note(_) | Step::Refused(_) | Step::Failed(_) => {}
            }
        }
        let lines = self.all_lines();
        let lines: Vec<_> = lines
            .iter()
            .map(|line| json!({"kind": line.kind.name(), "at": line.at.iso_millis(), "text": line.text}))
            .collect();
        let (query, message) = match &self.came {
            Some(Came::Query(query)) => (json!(url(&format!("?{query}"), secrets)[1..]), Value::Null),
            Some(Came::Message(body)) => {
                (Value::Null, json!({ "body": text(body), "bodyBytes": self.facts.message_bytes }))
            }
            None => (Value::Null, Value::Null),
        };
        let at = |timed: &Timed| self.time_at(timed.after).iso_millis();
        let steps = self.steps.iter().map(|timed| json!({"step": timed.step.name(), "at": at(timed)}));
        let spans = self
            .spans
            .iter()
            .map(|span| json!({"part": span.part.name(), "beganUs": span.began, "endedUs": span.ended}));
        let disconnect = self
            .disconnect
            .as_ref()
            .map(|end| json!({"code": end.status_code, "reason": end.reason, "delivery": end.delivery.name()}));
        json!({
            "requestId": self.request_id, "connectionId": self.connection.id,
            "apiId": self.connection.stage.api_id, "stage": self.connection.stage.stage,
            "eventType": self.event_type, "routeKey": self.route_key, "at": self.at.iso_millis(),
            "status": self.facts.status, "latencyMs": latency_ms, "request": request, "response": response,
            "query": query, "message": message, "reply": reply, "replyBytes": self.facts.reply_bytes,
            "disconnect": disconnect, "failure": self.facts.failure.as_deref().map(|failure| &failure.message),
            "steps": steps.collect::<Vec<_>>(), "spans": spans.collect::<Vec<_>>(), "lines": lines,
            "traceId": self.trace_id(), "spanId": self.span_id(), "deploymentId": self.deployment_id,
        })
    }
}

pub(crate) fn request_json(sent: &IntegrationRequest, body_bytes: usize, secrets: Secrets) -> Value {
    let url = match (&sent.target, sent.target.url()) {
        (Target::Mock { status }, _) => format!("mock, statusCode {status}"),
        (_, sent_to) => url(&sent_to.unwrap_or_default(), secrets).into_owned(),
    };
    let body = shown(&sent.body, matches!(sent.target, Target::Function(_)), secrets);
    json!({
        "method": sent.method, "url": url, "headers": pairs(&sent.headers, secrets), "body": body,
        "bodyBytes": body_bytes, "bodySent": sent.carries_body,
    })
}

fn cut_body(body: &mut Bytes, of_function: bool) {
    if body.len() <= CONSOLE_BODY_MAX {
        return;
    }
    let cut = |body: &[u8]| Bytes::copy_from_slice(&body[..body.len().min(CONSOLE_BODY_MAX)]);
    // What is secret in an event can only be found while it is whole.
    *body = if of_function { cut(&secrets::event(body)) } else { cut(body) };
}

fn pairs(headers: &Headers, secrets: Secrets) -> Vec<(&str, Cow<'_, str>)> {
    let value = |name, value| match secrets {
        Secrets::Masked => secrets::header(name, value),
        Secrets::Shown => Cow::Borrowed(value),
    };
    headers.iter().map(|(name, text)| (name, value(name, text))).collect()
}

fn url(url: &str, secrets: Secrets) -> Cow<'_, str> {
    if secrets == Secrets::Masked { secrets::url(url) } else { Cow::Borrowed(url) }
}

// Events of functions, and their answers, have headers in them.
fn shown(body: &[u8], of_function: bool, secrets: Secrets) -> String {
    if of_function && secrets == Secrets::Masked { text(&secrets::event(body)) } else { text(body) }
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(CONSOLE_BODY_MAX)]).into_owned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{CONSOLE_BODY_MAX, cut_body};

    #[test]
    fn what_is_cut_off_an_event_takes_no_secret_out_of_hiding() {
        let event = format!(r#"{{"headers":{{"Authorization":"Bearer-0123456789"}},"body":"{}"}}"#, "x".repeat(20_000));
        let mut kept = Bytes::from(event);
        cut_body(&mut kept, true);
        assert_eq!(kept.len(), CONSOLE_BODY_MAX);
        assert!(!String::from_utf8_lossy(&kept).contains("Bearer-0123"), "{kept:?}");
    }
}
