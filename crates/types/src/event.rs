//! What happens on a connection: `$connect`, a message, `$disconnect`; and the connection it happens on.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::headers::Headers;
use crate::id::Id;
use crate::identity::Identity;
use crate::stage_key::StageKey;
use crate::time::Timestamp;

/// All that is known of a client's connection from its handshake on. Plain data: it can be written down and read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// `$context.connectionId`.
    pub id: Id,
    /// The API and stage that the client connected to.
    pub stage: Arc<StageKey>,
    /// `$context.domainName`: the host the client asked for, with its port where it named one.
    pub domain_name: Arc<str>,
    /// `$context.identity.sourceIp`.
    pub source_ip: IpAddr,
    /// `$context.identity.userAgent`, if the client sent one.
    pub user_agent: Option<Arc<str>>,
    /// `$context.connectedAt`: when the upgrade request came.
    pub connected_at: Timestamp,
    /// `$context.path`: what followed the stage in the address; the extended dialect's.
    #[serde(default)]
    pub path: Option<Arc<str>>,
    /// Who the client showed itself to be; `None` where nobody asked, and until `$connect` has.
    #[serde(default)]
    pub identity: Option<Arc<Identity>>,
}

/// One event of a connection, on its way to a backend.
#[derive(Clone, Debug)]
pub struct Event {
    /// The connection it happens on.
    pub connection: Arc<Connection>,
    /// `$context.requestId` and `$context.extendedRequestId`, which are equal (observed).
    pub request_id: Id,
    /// `$context.requestTimeEpoch`.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
}

/// The three kinds of event, each with what only it has.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// A client asks to connect; the upgrade is not answered yet.
    Connect(Box<Handshake>),
    /// A client sent a message.
    Message(ClientMessage),
    /// A connection has ended.
    Disconnect(Disconnect),
}

impl EventKind {
    /// `$context.eventType`: `CONNECT`, `MESSAGE` or `DISCONNECT`.
    pub fn event_type(&self) -> &'static str {
        match self {
            EventKind::Connect(_) => "CONNECT",
            EventKind::Message(_) => "MESSAGE",
            EventKind::Disconnect(_) => "DISCONNECT",
        }
    }
}

/// What the upgrade request said. Only `$connect` sees it. Source: documented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handshake {
    /// The client's headers, and `X-Forwarded-*` and `X-Amzn-Trace-Id` as the gateway adds them.
    pub headers: Headers,
    /// Query parameters in order, decoded.
    pub query: Vec<(String, String)>,
    /// The query string as it came, without `?`; empty when there was none.
    pub query_string: String,
    /// The path as it came, not decoded: clients sign it so.
    pub path: String,
}

/// One message of a client, reassembled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMessage {
    /// `$context.messageId`.
    pub id: Id,
    /// What it says; valid UTF-8 unless it is binary.
    pub body: Bytes,
    /// Whether it came in binary frames, which only [`Dialect::binary`](crate::Dialect) lets in.
    pub is_binary: bool,
}

impl ClientMessage {
    /// The message as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }
}

/// Why a connection ended, as `$disconnect` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disconnect {
    /// `$context.disconnectStatusCode`: a WebSocket close code.
    pub status_code: u16,
    /// `$context.disconnectReason`.
    pub reason: String,
    /// Whether it is told for the first time.
    #[serde(default)]
    pub delivery: Delivery,
}

impl Disconnect {
    /// One that is told for the first time.
    pub fn new(status_code: u16, reason: impl Into<String>) -> Disconnect {
        Disconnect { status_code, reason: reason.into(), delivery: Delivery::First }
    }
}

/// How often a backend may have been told of a connection's end. Ours: AWS tells it once, as well as it can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// It is told for the first time.
    #[default]
    First,
    /// It was told before, and did not take it.
    Retry,
    /// The program ended before it was known to be told, and says it now.
    Replay,
}

impl Delivery {
    /// `retry` or `replay`; `None` for the first time.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Delivery::First => None,
            Delivery::Retry => Some("retry"),
            Delivery::Replay => Some("replay"),
        }
    }
}
