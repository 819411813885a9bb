//! The record of one event: plain data, from which every view is made.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use mapping::plan::Logging;
use mapping::{Facts, Reply};
use serde_json::{Value, json};
use types::event::{Connection, Disconnect, Event, EventKind};
use types::headers::Headers;
use types::id::Id;
use types::message::{IntegrationRequest, IntegrationResponse, Target};
use types::time::Timestamp;

use super::secrets;

/// The most of a body that the console is sent; the rest is counted.
pub(super) const CONSOLE_BODY_MAX: usize = 16 * 1024;

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
    /// The steps, in order, each with its time.
    pub steps: Vec<(Timestamp, Step)>,
    /// How it ended.
    pub facts: Facts,
}

/// What a client said.
#[derive(Clone, Debug)]
pub enum Came {
    /// The query string of its handshake, as it came.
    Query(String),
    /// Its message.
    Message(Bytes),
}

/// One step of the walk.
#[derive(Clone, Debug)]
pub enum Step {
    /// The request to the backend, mapped.
    Request(Arc<IntegrationRequest>),
    /// The backend's answer.
    Response(Arc<IntegrationResponse>),
    /// What the client gets of it.
    Reply(Arc<Reply>),
    /// A remark.
    Note(String),
    /// The backend did not let the client in: who, and in which words.
    Refused(String),
    /// The end, when something failed: as the execution log says it.
    Failed(String),
}

impl Step {
    /// What the feed calls it.
    fn name(&self) -> &'static str {
        match self {
            Step::Request(_) => "request",
            Step::Response(_) => "response",
            Step::Reply(_) => "reply",
            Step::Note(_) => "note",
            Step::Refused(_) => "refused",
            Step::Failed(_) => "failed",
        }
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
            steps: Vec::new(),
            facts: Facts { message_bytes, ..Facts::default() },
        }
    }

    /// The failure in one line, if there was one: what is said even where logging is off.
    pub fn failure(&self) -> Option<&str> {
        self.steps.iter().find_map(|(_, step)| match step {
            Step::Failed(line) | Step::Refused(line) => Some(line.as_str()),
            _ => None,
        })
    }

    /// What mends the failure, where that is known.
    pub fn remedy(&self) -> Option<&str> {
        let after = self.steps.iter().skip_while(|(_, step)| !matches!(step, Step::Failed(_)));
        after.skip(1).find_map(|(_, step)| match step {
            Step::Note(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Who did not let the client in, where that was the backend.
    pub fn refused(&self) -> Option<&str> {
        self.steps.iter().find_map(|(_, step)| match step {
            Step::Refused(line) => Some(line.as_str()),
            _ => None,
        })
    }

    /// How many bytes of bodies it holds on to.
    pub fn body_bytes(&self) -> usize {
        let bytes = self.steps.iter().map(|(_, step)| match step {
            Step::Request(request) => request.body.len(),
            Step::Response(response) => response.body.len(),
            Step::Reply(reply) => reply.body.len(),
            Step::Note(_) | Step::Refused(_) | Step::Failed(_) => 0,
        });
        let came = match &self.came {
            Some(Came::Message(body)) => body.len(),
            Some(Came::Query(_)) | None => 0,
        };
        came + bytes.sum::<usize>()
    }

    /// The record as the console reads it: the facts, and every line with headers and bodies.
    pub fn to_json(&self) -> Value {
        let mut request = Value::Null;
        let mut response = Value::Null;
        let mut reply = Value::Null;
        let mut latency_ms = Value::Null;
        let mut of_function = false;
        for (_, step) in &self.steps {
            match step {
                Step::Request(sent) => {
                    of_function = matches!(sent.target, Target::Function(_));
                    request = request_json(sent);
                }
                Step::Response(got) => {
                    latency_ms = json!((got.latency.as_secs_f64() * 10_000.0).round() / 10.0);
                    response = json!({
                        "status": got.status, "headers": pairs(&got.headers), "body": shown(&got.body, of_function),
                        "bodyBytes": got.body.len(),
                    });
                }
                Step::Reply(got) => {
                    reply = json!({ "body": text(&got.body), "bodyBytes": got.body.len(), "twoWay": got.two_way });
                }
                Step::Note(_) | Step::Refused(_) | Step::Failed(_) => {}
            }
        }
        let lines = self.all_lines();
        let lines: Vec<_> = lines
            .iter()
            .map(|line| json!({"kind": line.kind.name(), "at": line.at.iso_millis(), "text": line.text}))
            .collect();
        let (query, message) = match &self.came {
            Some(Came::Query(query)) => (json!(secrets::url(&format!("?{query}"))[1..]), Value::Null),
            Some(Came::Message(body)) => (Value::Null, json!({ "body": text(body), "bodyBytes": body.len() })),
            None => (Value::Null, Value::Null),
        };
        let steps: Vec<_> =
            self.steps.iter().map(|(at, step)| json!({"step": step.name(), "at": at.iso_millis()})).collect();
        let disconnect = self.disconnect.as_ref().map(|end| json!({"code": end.status_code, "reason": end.reason}));
        json!({
            "requestId": self.request_id, "connectionId": self.connection.id,
            "apiId": self.connection.stage.api_id, "stage": self.connection.stage.stage,
            "eventType": self.event_type, "routeKey": self.route_key, "at": self.at.iso_millis(),
            "status": self.facts.status, "latencyMs": latency_ms, "request": request, "response": response,
            "query": query, "message": message, "reply": reply, "replyBytes": self.facts.reply_bytes,
            "disconnect": disconnect, "failure": self.facts.failure.as_deref().map(|failure| &failure.message),
            "steps": steps, "lines": lines,
        })
    }
}

fn request_json(sent: &IntegrationRequest) -> Value {
    let url = match (&sent.target, sent.target.url()) {
        (Target::Mock { status }, _) => format!("mock, statusCode {status}"),
        (_, url) => secrets::url(&url.unwrap_or_default()).into_owned(),
    };
    let body = shown(&sent.body, matches!(sent.target, Target::Function(_)));
    json!({
        "method": sent.method, "url": url, "headers": pairs(&sent.headers), "body": body,
        "bodyBytes": sent.body.len(), "bodySent": sent.carries_body,
    })
}

fn pairs(headers: &Headers) -> Vec<(&str, Cow<'_, str>)> {
    headers.iter().map(|(name, value)| (name, secrets::header(name, value))).collect()
}

// Events of functions, and their answers, have headers in them.
fn shown(body: &[u8], of_function: bool) -> String {
    if of_function { text(&secrets::event(body)) } else { text(body) }
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(CONSOLE_BODY_MAX)]).into_owned()
}
