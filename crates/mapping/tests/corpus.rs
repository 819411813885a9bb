//! Runs `corpus/mapping/*.txt`: an integration and an event in; the request, the reply and the notes out. And
//! `corpus/proxy/*.txt`: an event in; out what a function is given.
//!
//! A case is a sentence, its source, and sections; `UPDATE=1` rewrites the section `expect`. Sections of the one: `integration`
//! and `event` (JSON), `stage`, `route`, `routes` (more of them), `responses` (JSON, optional), `answer` (JSON, optional: what the backend
//! answered), `expect`. Of the other: `event`, `stage`, `authorizer` (JSON, optional: where its ARN says that the API is).
#![allow(clippy::disallowed_methods, reason = "the corpus is files; the crate itself reads none")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mapping::{Error, Note, Plan, remarks};
use serde_json::{Value, json};
use types::arn::Home;
use types::event::{ClientMessage, Connection, Disconnect, Event, EventKind, Handshake};
use types::id::Id;
use types::identity::Identity;
use types::limits::Limits;
use types::message::{IntegrationRequest, IntegrationResponse, Target};
use types::snapshot::{DeployedStage, StageKey};
use types::time::Timestamp;

#[test]
fn every_case_of_the_corpus_maps_as_it_says() {
    every_case("../../corpus/mapping", 70, run);
}

#[test]
fn functions_are_given_what_aws_gives_them_to_the_byte() {
    every_case("../../corpus/proxy", 13, |sections, name| {
        let stage = sections.get("stage").map_or("{}", String::as_str);
        let event = event(&json(sections, "event", name));
        let key = match &event.kind {
            EventKind::Connect(_) => "$connect",
            EventKind::Message(_) => "$default",
            EventKind::Disconnect(_) => "$disconnect",
        };
        let definition = json!({
            "api": { "apiId": event.connection.stage.api_id, "routeSelectionExpression": "$request.body.action" },
            "routes": [{ "route": { "routeId": "rou0001", "routeKey": key } }],
            "integrations": [],
        });
        let stage = DeployedStage {
            key: (*event.connection.stage).clone(),
            settings: serde_json::from_str(stage).unwrap(),
            definition: Arc::new(serde_json::from_value(definition).unwrap()),
        };
        let (plan, _) =
            Plan::compile(&stage, &Limits::default(), types::Dialect::default(), &mut mapping::Shared::default());
        let route = mapping::select_route(&plan, &event).unwrap().unwrap();
        let given = if sections.contains_key("authorizer") {
            let place = json(sections, "authorizer", name);
            let text = |member: &str| place[member].as_str().unwrap().to_owned();
            let place = Home { region: text("region"), account_id: text("accountId") };
            mapping::authorizer_event(&plan, route, &event, &place)
        } else {
            mapping::proxy_event(&plan, route, &event)
        };
        assert!(serde_json::from_slice::<Value>(&given).is_ok(), "{name}: no JSON");
        format!("{}\n", String::from_utf8(given.to_vec()).unwrap())
    });
}

fn json(sections: &BTreeMap<String, String>, key: &str, name: &str) -> Value {
    let text = sections.get(key).map_or("null", String::as_str);
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: section {key}: {error}"))
}

fn every_case(folder: &str, at_least: usize, run: impl Fn(&BTreeMap<String, String>, &str) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    assert!(paths.len() >= at_least, "{} cases in {}", paths.len(), folder.display());
    let mut wrong = String::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, expected) = text.split_once("-- expect\n").expect("a case has a section `expect`");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        assert!(
            before.starts_with("# ") && before.contains("\nsource: "),
            "{name}: a sentence and a source come first"
        );
        let got = run(&sections(before), &name);
        if got == expected {
            continue;
        }
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, format!("{before}-- expect\n{got}")).unwrap();
        }
        write!(wrong, "{name}: expected\n{expected}\ngot\n{got}\n").unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn sections(text: &str) -> BTreeMap<String, String> {
    let parts = text.split("\n-- ").skip(1).map(|part| part.split_once('\n').unwrap_or((part, "")));
    parts.map(|(name, body)| (name.trim().to_owned(), body.to_owned())).collect()
}

fn run(sections: &BTreeMap<String, String>, name: &str) -> String {
    let section = |key: &str, default: &str| -> Value {
        let text = sections.get(key).map_or(default, String::as_str);
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: section {key}: {error}"))
    };
    let event = event(&section("event", "null"));
    let mut integration = section("integration", "null");
    integration["integrationId"] = json!("int0001");
    let mut route = section("route", "{}");
    let key = match &event.kind {
        EventKind::Connect(_) => "$connect",
        EventKind::Message(_) => "$default",
        EventKind::Disconnect(_) => "$disconnect",
    };
    route["routeKey"] = json!(key);
    route["routeId"] = json!("rou0001");
    if route.get("target").is_none() {
        route["target"] = json!("integrations/int0001");
    }
    let definition = json!({
        "api": { "apiId": "abcdef1234", "routeSelectionExpression": "$request.body.action" },
        "routes": section("routes", "[]").as_array().unwrap().iter().chain([&route]).map(|route| json!({ "route": route })).collect::<Vec<_>>(),
        "integrations": [{ "integration": integration, "responses": section("responses", "[]") }],
    });
    let stage = DeployedStage {
        key: (*event.connection.stage).clone(),
        settings: serde_json::from_value(section("stage", "{}")).unwrap(),
        definition: Arc::new(serde_json::from_value(definition).unwrap()),
    };
    let (plan, notes) =
        Plan::compile(&stage, &Limits::default(), types::Dialect::default(), &mut mapping::Shared::default());
    let mut out = String::new();
    print_notes(&mut out, "deployment note", &notes);
    if let Err(error) = walk(&plan, &event, sections.contains_key("answer").then(|| section("answer", "")), &mut out) {
        writeln!(out, "error: {error}").unwrap();
        error.remedy.iter().for_each(|remedy| writeln!(out, "remedy: {remedy}").unwrap());
    }
    out
}

fn walk(plan: &Plan, event: &Event, answer: Option<Value>, out: &mut String) -> Result<(), Error> {
    let Some(route) = mapping::select_route(plan, event)? else { return Ok(()) };
    print_notes(out, "note", remarks::on_selection(plan, event).filter(|_| &*route.key == "$default").as_slice());
    let request = mapping::request(plan, route, event)?;
    let Some(sent) = request.value else { return Ok(()) };
    print_request(out, &sent);
    print_notes(out, "note", &remarks::on_request(plan, route, event, &sent));
    print_notes(out, "note", &request.notes);
    let Some(answer) = answer else { return Ok(()) };
    let headers = answer["headers"].as_object().into_iter().flatten();
    let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect();
    let answer = IntegrationResponse {
        status: answer["status"].as_u64().unwrap() as u16,
        headers,
        body: Bytes::from(answer["body"].as_str().unwrap_or_default().to_owned()),
        function_failed: answer["functionFailed"] == true,
        latency: Duration::ZERO,
        times: None,
    };
    let reply = mapping::response(plan, route, event, &answer)?;
    writeln!(
        out,
        "reply: {} {}",
        reply.value.status,
        if reply.value.two_way { "to the client" } else { "not delivered" }
    )
    .unwrap();
    for (name, value) in reply.value.headers.iter() {
        writeln!(out, "  {name}: {value}").unwrap();
    }
    writeln!(out, "  [{}]", String::from_utf8_lossy(&reply.value.body)).unwrap();
    print_notes(out, "note", &reply.notes);
    Ok(())
}

fn print_request(out: &mut String, request: &IntegrationRequest) {
    match &request.target {
        Target::Http(target) => writeln!(out, "{} {}", request.method, target.url()).unwrap(),
        Target::Mock { status } => writeln!(out, "mock {status}").unwrap(),
        Target::Function(target) => {
            writeln!(out, "{} {} {}", request.method, target.invocation.name(), target.function.url()).unwrap();
        }
        Target::Service(target) => {
            let role = target.role.as_deref().unwrap_or("no role");
            writeln!(out, "{} {}", request.method, target.at.url()).unwrap();
            writeln!(out, "  signed for {} in {} with {role}", target.service, target.region).unwrap();
        }
    }
    for (name, value) in request.headers.iter() {
        writeln!(out, "  {name}: {value}").unwrap();
    }
    let sent = if request.carries_body { "" } else { " (not sent)" };
    writeln!(out, "  [{}]{sent}", String::from_utf8_lossy(&request.body)).unwrap();
}

fn print_notes(out: &mut String, what: &str, notes: &[Note]) {
    for note in notes {
        writeln!(out, "{what}: {note}").unwrap();
    }
}

// An event from JSON: {"type": "CONNECT", "headers": {…}, "query": "a=1"}, {"type": "MESSAGE", "body": "…"} or
// {"type": "DISCONNECT", "code": 1000, "reason": "…"}. Ids, times and the rest are the same in all cases that do not say them.
fn event(value: &Value) -> Event {
    let text = |member: &str, default: &'static str| value[member].as_str().unwrap_or(default).to_owned();
    let id = |member: &str, default| -> Id { text(member, default).parse().unwrap() };
    let time = |member: &str, default| Timestamp(value[member].as_u64().unwrap_or(default));
    let identity: Option<Identity> = value.get("identity").map(|of| serde_json::from_value(of.clone()).unwrap());
    let agent = text("userAgent", "agent/1.0");
    let connection = Arc::new(Connection {
        id: id("connectionId", "fr1iDchODoECFIQ="),
        stage: Arc::new(StageKey { api_id: "abcdef1234".into(), stage: text("stage", "prod") }),
        domain_name: "abcdef1234.execute-api.us-east-1.amazonaws.com".into(),
        source_ip: text("sourceIp", "203.0.113.15").parse().unwrap(),
        user_agent: Some(agent.as_str().into()).filter(|_| !agent.is_empty()),
        connected_at: time("connectedAt", 1_708_326_702_789),
        path: None,
        identity: identity.map(Arc::new),
    });
    let kind = match value["type"].as_str().unwrap() {
        "CONNECT" => {
            let headers = value["headers"].as_object().into_iter().flatten();
            let query = value["query"].as_str().unwrap_or_default();
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            EventKind::Connect(Box::new(Handshake {
                headers: headers
                    .flat_map(|(n, v)| match v {
                        // A header that comes several times.
                        Value::Array(values) => values.iter().map(|v| (n, v)).collect(),
                        v => vec![(n, v)],
                    })
                    .map(|(n, v)| (n.clone(), v.as_str().unwrap_or_default().to_owned()))
                    .collect(),
                query: pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
                query_string: query.to_owned(),
                path: "/prod".to_owned(),
            }))
        }
        "MESSAGE" => EventKind::Message(ClientMessage {
            id: id("messageId", "AAAAAAAAAAcCAAA="),
            body: Bytes::from(value["body"].as_str().unwrap().to_owned()),
            is_binary: value["binary"] == true,
        }),
        _ => EventKind::Disconnect(Disconnect::new(
            value["code"].as_u64().unwrap() as u16,
            value["reason"].as_str().unwrap().to_owned(),
        )),
    };
    Event {
        connection,
        request_id: id("requestId", "fr1iDG7CjoEFWTg="),
        at: time("requestTimeEpoch", 1_708_326_702_790),
        kind,
    }
}
