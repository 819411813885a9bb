//! What a backend said to a client through `@connections`, as log, feed and page tell it.

use bytes::Bytes;
use serde_json::{Value, json};
use types::id::Id;
use types::snapshot::StageKey;
use types::time::Timestamp;

use super::lines::{Line, LineKind};
use super::record::CONSOLE_BODY_MAX;

/// How much of an id that is none is shown.
const ID_SHOWN_MAX: usize = 64;

/// One call of `@connections`.
#[derive(Clone, Debug)]
pub struct Push {
    /// `x-amzn-RequestId` of the answer would be another; this one is the event's.
    pub request_id: Id,
    /// When it was answered.
    pub at: Timestamp,
    /// The stage that its address names.
    pub stage: StageKey,
    /// The connection, as its address names it.
    pub connection_id: String,
    /// `POST`, `GET` or `DELETE`.
    pub method: String,
    /// What it was answered.
    pub status: u16,
    /// How long the text for the client was.
    pub bytes: usize,
    /// The text for the client, where that is UTF-8; what is kept of it may be less ([`Push::cut_body`]).
    pub body: Bytes,
    /// Whether the stage's log asks for it; else somebody watches.
    pub logged: bool,
}

impl Push {
    /// Keeps the first bytes of the text, in memory of their own.
    pub fn cut_body(&mut self) {
        self.body = Bytes::copy_from_slice(&self.body[..self.body.len().min(CONSOLE_BODY_MAX)]);
    }

    /// How much memory it takes, about.
    pub fn bytes_kept(&self) -> usize {
        size_of::<Push>() + self.connection_id.len() + self.body.len()
    }

    /// The line of the log.
    pub fn line(&self) -> Line {
        let id: String = self.connection_id.chars().take(ID_SHOWN_MAX).collect();
        let (method, status, bytes) = (&self.method, self.status, self.bytes);
        let what = match method.as_str() {
            "POST" => format!(" ({bytes} bytes)"),
            _ => String::new(),
        };
        let why = match status {
            410 => ": the connection is closed, or never was, or belongs to another stage",
            413 => ": the text is longer than the limit message-bytes",
            429 => ": the client does not read what is sent to it, or a rate is used up",
            400 => ": the id is none, or the text cannot be sent",
            _ => "",
        };
        let kind = if status < 400 { LineKind::Log } else { LineKind::Note };
        Line {
            kind,
            at: self.at,
            text: format!("({}) {method} @connections/{id}{what} {status}{why}", self.request_id),
        }
    }

    /// As the feed tells it: a record with `eventType` `PUSH` and without request and response.
    pub fn to_json(&self) -> Value {
        let line = self.line();
        json!({
            "requestId": self.request_id, "connectionId": self.connection_id,
            "apiId": self.stage.api_id, "stage": self.stage.stage,
            "eventType": "PUSH", "routeKey": null, "at": self.at.iso_millis(),
            "status": self.status, "method": self.method, "bodyBytes": self.bytes,
            "body": String::from_utf8_lossy(&self.body),
            "latencyMs": null, "request": null, "response": null,
            "lines": [{ "kind": line.kind.name(), "at": line.at.iso_millis(), "text": line.text }],
        })
    }
}
