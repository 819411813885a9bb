//! What templates make of sample messages: a plain one, and one with a quotation mark in it.

use std::sync::Arc;

use bytes::Bytes;
use gateway::{Rehearsal, rehearse};
use mapping::{Mend, Note, Plan};
use serde_json::{Map, Value, json};
use types::event::{ClientMessage, Connection, Event, EventKind};
use types::id::{Id, IdKind};
use types::resources::{Integration, Route};
use types::time::Timestamp;

use crate::Subject;
use crate::findings::Finding;

/// How deep and how wide a sample message may become.
const DEPTH_MAX: usize = 8;
const MEMBERS_MAX: usize = 100;

const PLAIN: &str = "sample";
const QUOTED: &str = "a \"quoted\" word";

pub(crate) fn look(subject: &Subject<'_>, plan: &Plan, findings: &mut Vec<Finding>) {
    for of in &subject.definition.routes {
        let route = &*of.route;
        if matches!(route.route_key.as_str(), "$connect" | "$disconnect") {
            continue;
        }
        let id = route.target.as_deref().and_then(|target| target.strip_prefix("integrations/"));
        let of = subject.definition.integrations.iter().find(|of| Some(of.integration.integration_id.as_str()) == id);
        let Some(integration) = of.map(|of| &*of.integration) else { continue };
        if integration.request_templates.is_empty() || integration.integration_type.ends_with("_PROXY") {
            continue;
        }
        let tried = |value: &str| {
            let message = sample(&subject.definition.api.route_selection_expression, route, integration, value);
            (rehearse(plan, &event(plan, &message)), message)
        };
        let place = format!("integration {}", integration.integration_id);
        let (plain, message) = tried(PLAIN);
        if let Some(refused) = plain.refused.as_ref().filter(|refused| is_of_template(&refused.detail)) {
            let what = format!("On the message {message}: {}.", refused.detail);
            findings.push(Finding::new("template-fails", place, what).mended(play(&message, plan)));
            continue;
        }
        if let Some(note) = no_json(&plain) {
            let what = format!("On the message {message}: {}", note.headline());
            let mend = note.mend().unwrap_or_else(|| play(&message, plan));
            findings.push(Finding::new("body-not-json", place, what).mended(mend));
            continue;
        }
        let (quoted, message) = tried(QUOTED);
        if let Some(note) = no_json(&quoted) {
            let what = format!("On the message {message}: {}", note.headline());
            let mend = Mend::told(
                "have valid JSON, put texts in quotes by \"$util.escapeJavaScript($input.path('$.x'))\", or use $input.json('$.x')",
            );
            findings.push(Finding::new("template-unescaped", place, what).mended(mend));
        }
    }
}

fn is_of_template(detail: &str) -> bool {
    detail.contains("mapping template failed") || detail.contains("statusCode")
}

fn no_json(rehearsal: &Rehearsal) -> Option<&Note> {
    rehearsal.notes.iter().find(|note| matches!(note, Note::BodyIsNoJson { .. }))
}

fn play(message: &Value, plan: &Plan) -> Mend {
    let quoted = message.to_string().replace('\'', "'\\''");
    Mend::by(
        "play with it",
        &format!("gatewright render --template TEMPLATE.vtl --body-text '{quoted}' # stage {}", plan.key.stage),
    )
}

/// A message that takes the route, with every member that the templates ask for.
fn sample(expression: &str, route: &Route, integration: &Integration, value: &str) -> Value {
    let mut message = Map::new();
    for template in integration.request_templates.values() {
        for path in paths(template).into_iter().take(MEMBERS_MAX) {
            put(&mut message, &path, json!(value));
        }
    }
    if let Some(path) = expression.strip_prefix("$request.body.").filter(|path| is_path(path)) {
        put(&mut message, path, json!(route.route_key));
    }
    Value::Object(message)
}

fn put(into: &mut Map<String, Value>, path: &str, value: Value) {
    let mut parts = path.split('.').take(DEPTH_MAX).peekable();
    let mut at = into;
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            at.insert(part.to_owned(), value);
            return;
        }
        let below = at.entry(part.to_owned()).or_insert_with(|| json!({}));
        let Value::Object(below) = below else { return };
        at = below;
    }
}

// The plain paths of `$input.path('$.x.y')` and `$input.json(…)`.
fn paths(template: &str) -> Vec<String> {
    let mut found = Vec::new();
    for call in ["$input.path(", "$input.json("] {
        for rest in template.split(call).skip(1) {
            let rest = rest.trim_start().trim_start_matches(['\'', '"']);
            let path = rest.split(['\'', '"', ')']).next().unwrap_or_default();
            found.extend(path.strip_prefix("$.").filter(|path| is_path(path)).map(str::to_owned));
        }
    }
    found
}

fn is_path(path: &str) -> bool {
    let is_name = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    path.split('.').all(is_name)
}

fn event(plan: &Plan, message: &Value) -> Event {
    let connection = Connection {
        id: Id::new(IdKind::Connection, 0, 1),
        stage: plan.key.clone(),
        domain_name: "sample.execute-api.localhost".into(),
        source_ip: [127, 0, 0, 1].into(),
        user_agent: Some("doctor".into()),
        connected_at: Timestamp(0),
        path: None,
        identity: None,
    };
    let body = Bytes::from(message.to_string());
    let message = ClientMessage { id: Id::new(IdKind::Connection, 0, 2), body, is_binary: false };
    let kind = EventKind::Message(message);
    Event { connection: Arc::new(connection), request_id: Id::new(IdKind::Request, 0, 3), at: Timestamp(0), kind }
}
