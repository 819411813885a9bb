//! The events that functions are given: by a Lambda proxy integration, and as a REQUEST authorizer.
//!
//! Written as AWS writes them, to the byte and in its order of members: an event is read by others only, so no type stands
//! for one. Source: observed (recorded events of 2019 to 2024) where nothing else is said; corpus/proxy holds the cases.

use std::collections::HashMap;
use std::io::Write;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use types::arn::Home;
use types::event::{Event, EventKind, Handshake};
use vtl::{Map, MapKind, Value};

use crate::context::{Given, Of, Scope, Seen, VARIABLES, Variable};
use crate::delivery::delivery_headers;
use crate::json_object::{Members, object};
use crate::objects::authorizer;
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
                let again: Vec<_> = delivery_headers(event, scope.extended).collect();
                let again = again.iter().map(|(name, value)| (*name, value.as_str()));
                headers(members, host.into_iter().chain(EMPTY_AT_DISCONNECT.map(|name| (name, ""))).chain(again));
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
    members.object("requestContext", |members| {
        context_members(members, &ROWS, scope, except);
    });
}

/// A variable, and those of the map that it may be, in the order in which templates print them.
struct Row {
    variable: &'static Variable,
    members: Vec<Row>,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| rows_as_printed(VARIABLES));

// As long as they are few the order of some is that of all (a test sees to that), so it is found once and not for each event.
fn rows_as_printed(rows: &'static [Variable]) -> Vec<Row> {
    let rows: Vec<_> = rows.iter().filter(|row| row.seen == Seen::Everywhere).collect();
    let named = rows.iter().map(|row| (Value::fixed(row.key), Value::Null)).collect();
    let printed = Map::distinct(MapKind::Hash, named).entries();
    let found = printed.iter().filter_map(|(name, _)| rows.iter().find(|row| name.as_text() == Some(row.key)));
    let row = |variable: &&'static Variable| {
        let members = match variable.of {
            Of::Members(rows) => rows_as_printed(rows),
            Of::Value(_) | Of::Authorizer(_) => Vec::new(),
        };
        Row { variable, members }
    };
    found.map(row).collect()
}

// Whether the map has any key, be it without a value.
fn context_members(members: &mut Members<'_>, rows: &[Row], scope: &Scope<'_>, except: &str) -> bool {
    let mut any = false;
    for Row { variable: Variable { key, of, .. }, members: rows } in
        rows.iter().filter(|row| row.variable.key != except)
    {
        any |= match of {
            Of::Value(value) => {
                let given = value(scope);
                match &given {
                    Given::Absent | Given::Null => {}
                    Given::Text(text) => members.text(key, text),
                    Given::Json(text) => members.text(key, text),
                    Given::Number(number) => {
                        // Writing to memory cannot fail.
                        let _ = write!(members.value(key), "{}", i64::try_from(*number).unwrap_or(i64::MAX));
                    }
                }
                !matches!(given, Given::Absent)
            }
            Of::Members(_) => members.object_if(key, |members| context_members(members, rows, scope, "")),
            Of::Authorizer(_) => match authorizer(scope) {
                Some(said) => {
                    members.object(key, |members| map_members(members, &said));
                    true
                }
                None => false,
            },
        };
    }
    any
}

fn map_members(members: &mut Members<'_>, map: &Value) {
    let Some(map) = map.as_map() else { return };
    for (name, value) in map.entries() {
        let Some(name) = name.as_text() else { continue };
        match &value {
            Value::Null => {}
            Value::Text(text) => members.text(name, text),
            Value::Map(_) => members.object(name, |members| map_members(members, &value)),
            number => members.value(name).extend(vtl::to_json(number).unwrap_or_default().into_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Java's hash maps of up to so many members have 32 buckets, as templates' maps have at least.
    const ORDERED_MAX: usize = 24;

    #[test]
    fn no_map_has_so_many_variables_that_their_order_depends_on_which_are_there() {
        fn check(rows: &[Row]) {
            assert!((1..=ORDERED_MAX).contains(&rows.len()));
            rows.iter().filter(|row| matches!(row.variable.of, Of::Members(_))).for_each(|row| check(&row.members));
        }
        check(&ROWS);
    }
}
