//! What console and terminal ask of a running gateway, below `/_gatewright/v1/`: JSON in, JSON out.
//!
//! Served where the control plane is. A file each beside this one answers one kind of question; here stands which question a
//! request is, and what is true of all.

mod changes;
mod connections;
mod doctor;
mod events;
mod live;
mod render;
mod series;
mod tried;
mod watch;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use control::Control;
use gateway::{Gateway, Secrets};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use traces::decoded;
use traces::series::Series;
use types::Dialect;
use types::limits::Limits;

use crate::answers::{Response, error, feed_response, json_response};
use crate::logs::Log;
use crate::nodes::Node;

pub(crate) use doctor::{PLACES_MAX as DOCTORS_PLACES_MAX, of_api as doctor_of_api};

/// The most of a body that such a call may have: a message, a template and its `$context` together.
pub(crate) const BYTES_MAX: usize = 1024 * 1024;

/// Calls that render templates, at once.
pub(crate) const BUSY_MAX: usize = 2;

/// The folder of all of them, with both slashes.
const FOLDER: &str = "/_gatewright/v1/";

/// What the answers are made from.
pub(crate) struct Views {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) control: Arc<Control>,
    pub(crate) log: Log,
    pub(crate) limits: Limits,
    pub(crate) dialect: Dialect,
    /// Whether people are shown what opens doors.
    pub(crate) secrets: Secrets,
    /// How many may render or try something at once: templates may be much work.
    pub(crate) busy: Semaphore,
    /// The last hour in numbers.
    pub(crate) series: Arc<Series>,
    /// Readers of the live feed.
    pub(crate) watchers: Arc<AtomicUsize>,
    /// Who this is among many.
    pub(crate) node: Option<Arc<Node>>,
}

/// A question, and what of it stands in the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// `GET live`: rows as they come, as server-sent events.
    Live,
    /// `GET follow`: rows as they come, for who asks again and again.
    Follow,
    /// `GET events`: rows of the past.
    Events,
    /// `GET events/{requestId}`, or `events/last-failure`: the whole of one.
    Event(String),
    /// `GET watch`, `POST watch`: the stages that a person has watched.
    Watch,
    /// `GET connections`: who is connected.
    Connections,
    /// `GET`, `POST` (send) and `DELETE` (close) `connections/{id}`.
    Connection(String),
    /// `POST try`: what would become of a message.
    Try,
    /// `POST render`: what a template makes of a message.
    Render,
    /// `GET changes?api=&stage=`: what is not deployed yet.
    Changes,
    /// `GET series`: the last hour in numbers.
    Series,
    /// `GET doctor`: what will bite.
    Doctor,
    /// `GET nodes`: who the nodes of the cluster are.
    Nodes,
}

impl Call {
    /// The question that a path is; `None` where it is none of these.
    pub(crate) fn of(path: &str) -> Option<Call> {
        let rest = path.strip_prefix(FOLDER)?;
        Some(match rest.split_once('/') {
            None => match rest {
                "live" => Call::Live,
                "follow" => Call::Follow,
                "events" => Call::Events,
                "watch" => Call::Watch,
                "connections" => Call::Connections,
                "try" => Call::Try,
                "render" => Call::Render,
                "changes" => Call::Changes,
                "series" => Call::Series,
                "doctor" => Call::Doctor,
                "nodes" => Call::Nodes,
                _ => return None,
            },
            Some(("events", id)) if !id.contains('/') => Call::Event(decoded(id)),
            Some(("connections", id)) if !id.contains('/') => Call::Connection(decoded(id)),
            Some(_) => return None,
        })
    }

    /// Whether it may take long because it waits for something to happen.
    pub(crate) fn waits(&self) -> bool {
        matches!(self, Call::Live | Call::Follow)
    }

    /// Whether it renders templates, which may be much work.
    fn is_work(&self) -> bool {
        matches!(self, Call::Try | Call::Render | Call::Event(_) | Call::Doctor)
    }

    /// Whether a call of this method reaches clients: where calls are signed, such calls are the signed API's alone.
    pub(crate) fn reaches_clients(&self, method: &Method) -> bool {
        matches!(self, Call::Connection(_)) && method != Method::GET
    }
}

/// A call with all that came with it.
pub(crate) struct Asked {
    pub(crate) call: Call,
    pub(crate) method: Method,
    /// Without `?`; empty where there was none.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    /// A parameter of the query, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key) == name).then(|| decoded(value))
        };
        self.query.split('&').find_map(pair)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn json(&self) -> Result<Value, Wrong> {
        serde_json::from_slice(&self.body).map_err(|error| Wrong::bad(format!("the body is not JSON: {error}")))
    }
}

/// Why there is no answer.
pub(crate) struct Wrong {
    status: StatusCode,
    text: String,
}

impl Wrong {
    /// The call itself is at fault.
    pub(crate) fn bad(text: impl Into<String>) -> Wrong {
        Wrong { status: StatusCode::BAD_REQUEST, text: text.into() }
    }

    /// It was refused, with this status.
    pub(crate) fn refused(status: u16, text: impl Into<String>) -> Wrong {
        Wrong { status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), text: text.into() }
    }

    /// What is wrong.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What it asks for is not there.
    pub(crate) fn absent(text: impl Into<String>) -> Wrong {
        Wrong { status: StatusCode::NOT_FOUND, text: text.into() }
    }
}

impl Views {
    /// Answers a call. What is slow is done on a thread that may be busy.
    pub(crate) async fn answer(self: &Arc<Views>, asked: Asked) -> Response {
        if asked.call == Call::Live {
            return match live::start(self, &asked) {
                Some(body) => feed_response(body),
                None => error(StatusCode::SERVICE_UNAVAILABLE, "too many pages and terminals follow this gateway"),
            };
        }
        if asked.call == Call::Follow {
            return answered(live::follow(self, &asked).await);
        }
        if let Call::Connection(id) = &asked.call {
            return answered(connections::one(self, id, &asked).await);
        }
        let _turn = if asked.call.is_work() { self.busy.acquire().await.ok() } else { None };
        let views = self.clone();
        let answer = tokio::task::spawn_blocking(move || views.now(&asked)).await;
        answer.map_or_else(|_| error(StatusCode::INTERNAL_SERVER_ERROR, "Internal failure"), answered)
    }

    fn now(&self, asked: &Asked) -> Result<Value, Wrong> {
        match (&asked.call, asked.method.as_str()) {
            (Call::Events, "GET") => events::list(self, asked),
            (Call::Event(id), "GET") => events::one(self, id),
            (Call::Watch, "GET" | "POST") => watch::answer(self, asked),
            (Call::Connections, "GET") => connections::list(self, asked),
            (Call::Try, "POST") => tried::answer(self, asked),
            (Call::Render, "POST") => render::answer(asked),
            (Call::Changes, "GET") => changes::answer(self, asked),
            (Call::Series, "GET") => series::answer(self, asked),
            (Call::Doctor, "GET") => doctor::answer(self, asked),
            (Call::Nodes, "GET") => {
                Ok(self.node.as_ref().map_or_else(|| json!({ "cluster": null, "nodes": [] }), |node| node.list()))
            }
            (_, method) => {
                let text = format!("{method} is not taken here");
                Err(Wrong { status: StatusCode::METHOD_NOT_ALLOWED, text })
            }
        }
    }
}

fn answered(answer: Result<Value, Wrong>) -> Response {
    match answer {
        Ok(value) => json_response(StatusCode::OK, &value),
        Err(wrong) => error(wrong.status, &wrong.text),
    }
}
