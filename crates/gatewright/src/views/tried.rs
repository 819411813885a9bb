//! What would become of an event, deployed or as the API is edited; nothing is sent. And of past events: which line of the
//! template wrote what.

use std::sync::Arc;

use bytes::Bytes;
use control::Version;
use gateway::{Record, lines_json, rehearse};
use mapping::{Plan, Shared};
use serde_json::{Value, json};
use types::event::{ClientMessage, Connection, Disconnect, Event, EventKind, Handshake};
use types::headers::Headers;
use types::id::{Id, IdKind};
use types::snapshot::StageKey;

use super::{Asked, Views, Wrong};
use crate::seen;

/// Who tries, as far as events name clients.
const AGENT: &str = "gatewright-console";

/// `POST try {"apiId", "stage", "edited", "eventType", "message", "query", "headers", "connectionId"}`.
pub(super) fn answer(views: &Views, asked: &Asked) -> Result<Value, Wrong> {
    let given = asked.json()?;
    let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let key = StageKey { api_id: text("apiId"), stage: text("stage") };
    let version = if given["edited"] == true { Version::Edited } else { Version::Deployed };
    let plan = plan(views, &key, version)?;
    let event = event(views, &key, &given, text)?;
    let rehearsal = rehearse(&plan, &event);
    let mut told = rehearsal.to_json(views.secrets);
    told["selection"] = json!({ "expression": plan.selection_text(), "value": plan.selected(&event) });
    Ok(told)
}

fn plan(views: &Views, key: &StageKey, version: Version) -> Result<Plan, Wrong> {
    let stage = views.control.stage(key, version).map_err(|error| Wrong::bad(error.to_string()))?;
    let stage = stage.ok_or_else(|| match version {
        Version::Deployed => Wrong::absent(format!("there is no deployed stage {key}")),
        Version::Edited => Wrong::absent(format!("there is no stage {key}")),
    })?;
    Ok(Plan::compile(&stage, &views.limits, views.dialect, &mut Shared::default()).0)
}

fn event(views: &Views, key: &StageKey, given: &Value, text: impl Fn(&str) -> String) -> Result<Event, Wrong> {
    let now = seen::now();
    let invented = || Id::new(IdKind::Connection, 0, rand::random());
    let id = match given["connectionId"].as_str() {
        Some(id) => id.parse().map_err(|_| Wrong::bad(format!("`{id}` is no connection's id")))?,
        None => invented(),
    };
    let connection = match views.gateway.connected(id) {
        Some(connected) => connected.connection,
        None => Arc::new(Connection {
            id,
            stage: Arc::new(key.clone()),
            domain_name: format!("{}.execute-api.localhost", key.api_id).into(),
            source_ip: [127, 0, 0, 1].into(),
            user_agent: Some(AGENT.into()),
            connected_at: now,
            path: None,
            identity: None,
        }),
    };
    let kind = match given["eventType"].as_str().unwrap_or("MESSAGE") {
        "MESSAGE" => {
            let body = Bytes::from(text("message"));
            EventKind::Message(ClientMessage { id: invented(), body, is_binary: false })
        }
        "CONNECT" => EventKind::Connect(Box::new(handshake(given, &text("query")))),
        "DISCONNECT" => EventKind::Disconnect(Disconnect::new(1005, "Client-side close frame status not set")),
        other => return Err(Wrong::bad(format!("eventType: `{other}` is none of MESSAGE, CONNECT, DISCONNECT"))),
    };
    Ok(Event { connection, request_id: Id::new(IdKind::Request, 0, rand::random()), at: now, kind })
}

fn handshake(given: &Value, query: &str) -> Handshake {
    let mut headers = Headers::new();
    for (name, value) in given["headers"].as_object().into_iter().flatten() {
        headers.append(name.clone(), value.as_str().unwrap_or_default().to_owned());
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (traces::decoded(name), traces::decoded(value))
    });
    Handshake { headers, query: pairs.collect(), query_string: query.to_owned(), path: "/".to_owned() }
}

/// The template that made a past message's body, beside it: where the stage still serves the same deployment.
pub(super) fn lines_of(views: &Views, record: &Record) -> Option<Value> {
    let message = record.message().filter(|body| body.len() == record.facts.message_bytes)?;
    let key = &record.connection.stage;
    let deployed = views.control.stage(key, Version::Deployed).ok()??;
    if deployed.settings.deployment_id.as_deref() != record.deployment_id.as_deref() {
        return None;
    }
    let (plan, _) = Plan::compile(&deployed, &views.limits, views.dialect, &mut Shared::default());
    let route = plan.route(record.route_key.as_deref()?)?;
    let event = Event {
        connection: record.connection.clone(),
        request_id: record.request_id,
        at: record.at,
        kind: EventKind::Message(ClientMessage { id: record.request_id, body: message.clone(), is_binary: false }),
    };
    mapping::template_lines(&plan, route, &event).map(|lines| lines_json(&lines))
}
