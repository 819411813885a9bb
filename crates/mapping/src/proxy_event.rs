//! The events that functions are given: by a Lambda proxy integration, and as a REQUEST authorizer.
//!
//! Written as AWS writes them, to the byte and in its order of members: an event is read by others only, so no type stands
//! for one. Source: observed (recorded events of 2019 to 2024) where nothing else is said; corpus/proxy holds the cases.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use types::arn::Home;
use types::event::{Event, EventKind, Handshake};
use vtl::Value;

use crate::context::Scope;
use crate::json_object::{Members, object};
use crate::objects::{Source, for_event};
use crate::plan::{Plan, Route, is_one_of};

/// What most events take, in bytes, the message aside.
const EVENT_BYTES: usize = 1024;

/// Headers of the upgrade itself, which the event of `$connect` has not, and an authorizer's spells in its own way.
const OF_THE_UPGRADE: &[&str] = &["Connection", "Upgrade", "Content-Length"];

/// What an authorizer's event has in their place. Source: documented (the sample event of "Control access with AWS Lambda
/// REQUEST authorizers").
const FOR_AUTHORIZERS: [(&str, &str); 3] =
    [("Connection", "upgrade"), ("content-length", "0"), ("Upgrade", "websocket")];

/// Headers that are there at `$disconnect` beside `Host`, and are empty.
const EMPTY_AT_DISCONNECT: [&str; 3] = ["x-api-key", "X-Forwarded-For", "x-restapi"];

/// The event that the function of a Lambda proxy integration is given, as compact JSON.
///
/// What an event has not is left out and never null. `requestContext` is `$context` as templates print it, less its nulls.
/// `body` is the message as text; one that came in binary frames (extended) is base64, and `isBase64Encoded` says so (ours).
pub fn proxy_event(plan: &Plan, route: &Route, event: &Event) -> Bytes {
    let scope = plan.scope(route, event);
    let mut out = Vec::with_capacity(EVENT_BYTES);
    object(&mut out, |members| {
        match &event.kind {
            EventKind::Connect(handshake) => {
                headers(members, of_client(handshake));
                if !handshake.query.is_empty() {
                    query(members, handshake);
                }
            }
            EventKind::Message(_) => {}
            EventKind::Disconnect(_) => {
                let host = [("Host", &*event.connection.domain_name)];
                headers(members, host.into_iter().chain(EMPTY_AT_DISCONNECT.map(|name| (name, ""))));
            }
        }
        // Inferred: where a stage has none they are left out like all else.
        if !scope.stage_variables.is_empty() {
            stage_variables(members, &scope);
        }
        request_context(members, &scope, "");
        let is_binary = match &event.kind {
            EventKind::Message(message) if message.is_binary => {
                members.text("body", &STANDARD.encode(&message.body));
                true
            }
            EventKind::Message(message) => {
                members.text("body", message.text());
                false
            }
            EventKind::Connect(_) | EventKind::Disconnect(_) => false,
        };
        members.bool("isBase64Encoded", is_binary);
    });
    out.into()
}

/// The event that a REQUEST authorizer is given for a `$connect`, as compact JSON; `place` stands in its ARN.
///
/// It has the headers of the upgrade, which the integration's event has not, and no `isBase64Encoded` and no
/// `requestContext.authorizer`. Source: documented (the guide's sample); inferred: the headers' order, and that parameters and
/// stage variables that are not there are `{}`, so that a function which looks into them does not fail.
pub fn authorizer_event(plan: &Plan, route: &Route, event: &Event, place: &Home) -> Bytes {
    let scope = plan.scope(route, event);
    let none = Handshake::default();
    let handshake = match &event.kind {
        EventKind::Connect(handshake) => handshake,
        EventKind::Message(_) | EventKind::Disconnect(_) => &none,
    };
    let mut out = Vec::with_capacity(EVENT_BYTES);
    object(&mut out, |members| {
        members.text("type", "REQUEST");
        let (stage, Home { region, account_id }) = (scope.stage, place);
        let arn =
            format!("arn:aws:execute-api:{region}:{account_id}:{}/{}/{}", stage.api_id, stage.stage, scope.route_key);
        members.text("methodArn", &arn);
        headers(members, of_client(handshake).chain(FOR_AUTHORIZERS));
        query(members, handshake);
        stage_variables(members, &scope);
        request_context(members, &scope, "authorizer");
    });
    out.into()
}

fn of_client(handshake: &Handshake) -> impl Iterator<Item = (&str, &str)> {
    handshake.headers.iter().filter(|(name, _)| !is_one_of(name, OF_THE_UPGRADE))
}

// As spelled, and sorted without regard to case. Inferred: names that differ in case only are one, spelled as the first.
fn headers<'h>(members: &mut Members<'_>, headers: impl Iterator<Item = (&'h str, &'h str)>) {
    let mut sorted: Vec<_> = headers.map(|(name, value)| (name.to_ascii_lowercase(), name, value)).collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let groups = sorted.chunk_by(|a, b| a.0 == b.0);
    let groups = groups.map(|group| (group[0].1, group.iter().map(|(_, _, value)| *value).collect()));
    both(members, ["headers", "multiValueHeaders"], &groups.collect::<Vec<_>>());
}

// Decoded (inferred, as on REST APIs), in the order in which the names first stand.
fn query(members: &mut Members<'_>, handshake: &Handshake) {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, value) in &handshake.query {
        let place = *places.entry(name).or_insert_with(|| {
            groups.push((name, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(value);
    }
    both(members, ["queryStringParameters", "multiValueQueryStringParameters"], &groups);
}

// Of what is there several times the one map holds the last, the other all.
fn both(members: &mut Members<'_>, [single, multiple]: [&str; 2], groups: &[(&str, Vec<&str>)]) {
    members.object(single, |members| {
        for (name, values) in groups {
            members.text(name, values.last().copied().unwrap_or_default());
        }
    });
    members.object(multiple, |members| {
        for (name, values) in groups {
            members.texts(name, values);
        }
    });
}

fn stage_variables(members: &mut Members<'_>, scope: &Scope<'_>) {
    members.object("stageVariables", |members| {
        for (name, value) in scope.stage_variables {
            members.text(name, value);
        }
    });
}

fn request_context(members: &mut Members<'_>, scope: &Scope<'_>, except: &str) {
    let context = for_event(scope, b"", None, false).source.context();
    members.object("requestContext", |members| {
        context_members(members, &context, except);
    });
}

fn context_members(members: &mut Members<'_>, map: &Value, except: &str) {
    let Some(map) = map.as_map() else { return };
    for (name, value) in map.entries() {
        let Some(name) = name.as_text().filter(|name| *name != except) else { continue };
        match &value {
            Value::Null => {}
            Value::Text(text) => members.text(name, text),
            Value::Map(_) => members.object(name, |members| context_members(members, &value, "")),
            number => members.value(name).extend(vtl::to_json(number).unwrap_or_default().into_bytes()),
        }
    }
}
