//! Broken definitions, each with what is found in it, and its mended twin, in which that is not found: corpus/doctor.
//!
//! A case is made through the real control plane. Its members: `api`, `integrations`, `responses`, `models`, `authorizers`,
//! `routes`, `routeResponses`, `stages`, `account` (calls of v1 and v2), `edits` (of integrations) and `deletes` (paths), after the deployment,
//! `expected` (codes), `told` (of a finding by its code: texts in its place, sentence or command), `links` and whether `linksWithoutAddress`, and
//! `mend`, a merge patch that makes the twin of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use control::store::MemoryStore;
use control::{Caller, Control, Settings, Version};
use doctor::{CODES, Finding, Known, StageOf, Subject, examine};
use serde_json::{Map, Value, json};
use types::Dialect;
use types::account::Account;
use types::arn::Home;
use types::limits::Limits;
use types::snapshot::StageKey;

struct House {
    control: Control,
    account: Arc<Mutex<Arc<Account>>>,
    api_id: String,
}

fn call(control: &Control, method: &str, path: &str, body: &Value) -> Value {
    let request = http::Request::builder().method(method).uri(path).body(body.to_string().into()).unwrap();
    let answer = control.handle(&Caller::program(), request);
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    assert!(answer.status().is_success(), "{method} {path} {body}: {} {text}", answer.status());
    serde_json::from_str(&text).unwrap_or_default()
}

fn members<'c>(case: &'c Value, name: &str) -> impl Iterator<Item = (&'c String, &'c Value)> {
    case[name].as_object().into_iter().flatten()
}

/// Names of the case that stand as `@name` become the ids that there are.
fn filled(value: &Value, ids: &BTreeMap<String, String>) -> Value {
    let mut text = value.to_string();
    for (name, id) in ids {
        text = text.replace(&format!("@{name}"), id);
    }
    serde_json::from_str(&text).unwrap()
}

fn house(case: &Value) -> House {
    let account: Arc<Mutex<Arc<Account>>> = Arc::default();
    let seen = account.clone();
    let home = Home { region: "us-east-1".into(), account_id: "000000000000".into() };
    let publish = Box::new(move |snapshot: Arc<types::Snapshot>, _: Vec<control::Remark>| {
        *seen.lock().unwrap() = snapshot.account.clone();
    });
    let control =
        Control::open(Settings::new(home, "localhost".into()), Arc::new(MemoryStore::default()), publish).unwrap();
    let mut api =
        json!({"name": "sample", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"});
    api.as_object_mut().unwrap().extend(case["api"].as_object().cloned().unwrap_or_default());
    let api_id = call(&control, "POST", "/v2/apis", &api)["apiId"].as_str().unwrap().to_owned();
    let base = format!("/v2/apis/{api_id}");
    let mut ids = BTreeMap::from([("api".to_owned(), api_id.clone())]);
    let make = |collection: &str, id: &str, body: &Value, ids: &mut BTreeMap<String, String>, name: &str| {
        let made = call(&control, "POST", &format!("{base}/{collection}"), &filled(body, ids));
        ids.insert(name.to_owned(), made[id].as_str().unwrap_or_default().to_owned());
    };
    for (name, body) in members(case, "models") {
        let mut body = body.clone();
        body["name"] = name.clone().into();
        make("models", "modelId", &body, &mut ids, name);
    }
    for (name, body) in members(case, "authorizers") {
        let mut body = body.clone();
        body["name"] = name.clone().into();
        make("authorizers", "authorizerId", &body, &mut ids, name);
    }
    for (name, body) in members(case, "links") {
        let mut body = body.clone();
        body["name"] = name.clone().into();
        let id = call(&control, "POST", "/vpclinks", &body)["id"].as_str().unwrap().to_owned();
        ids.insert(name.clone(), id);
    }
    for (name, body) in members(case, "integrations") {
        make("integrations", "integrationId", body, &mut ids, name);
    }
    for (name, bodies) in members(case, "responses") {
        for body in bodies.as_array().unwrap() {
            call(&control, "POST", &format!("{base}/integrations/{}/integrationresponses", ids[name]), body);
        }
    }
    for (key, body) in members(case, "routes") {
        let mut body = body.clone();
        body["routeKey"] = key.clone().into();
        make("routes", "routeId", &body, &mut ids, &format!("route {key}"));
    }
    for key in case["routeResponses"].as_array().into_iter().flatten() {
        let id = &ids[&format!("route {}", key.as_str().unwrap())];
        call(&control, "POST", &format!("{base}/routes/{id}/routeresponses"), &json!({"routeResponseKey": "$default"}));
    }
    for (name, body) in members(case, "stages") {
        let mut body = body.clone();
        let deploys =
            body.as_object_mut().unwrap().remove("deployed") != Some(Value::Bool(false)) && body["autoDeploy"] != true;
        body["stageName"] = name.clone().into();
        call(&control, "POST", &format!("{base}/stages"), &body);
        if deploys && case["routes"].as_object().is_some_and(|routes| !routes.is_empty()) {
            call(&control, "POST", &format!("{base}/deployments"), &json!({"stageName": name}));
        }
    }
    for (name, body) in members(case, "edits") {
        call(&control, "PATCH", &format!("{base}/integrations/{}", ids[name]), body);
    }
    for path in case["deletes"].as_array().into_iter().flatten() {
        let path = filled(path, &ids);
        call(&control, "DELETE", &format!("{base}/{}", path.as_str().unwrap()), &json!({}));
    }
    for made in case["account"].as_array().into_iter().flatten() {
        let path = filled(&made["path"], &ids);
        let answer = call(&control, "POST", path.as_str().unwrap(), &filled(&made["body"], &ids));
        if let Some(name) = made["as"].as_str() {
            ids.insert(name.to_owned(), answer["id"].as_str().unwrap_or_default().to_owned());
        }
    }
    House { control, account, api_id }
}

/// What is found.
fn found(case: &Value) -> Vec<Finding> {
    let house = house(case);
    let key = |stage: &str| StageKey { api_id: house.api_id.clone(), stage: stage.to_owned() };
    let stages = house.control.stages().into_iter().filter(|(key, _)| key.api_id == house.api_id);
    let stages = stages.map(|(key, is_deployed)| {
        let settings = house.control.stage(&key, Version::Edited).unwrap().unwrap().settings;
        let version = |version| house.control.definition(&key, version).unwrap();
        let is_behind = is_deployed && version(Version::Deployed) != version(Version::Edited);
        let changes = if is_behind { vec!["it changed".to_owned()] } else { Vec::new() };
        StageOf { settings, is_deployed, changes }
    });
    let stages: Vec<StageOf> = stages.collect();
    let definition = house.control.draft(&key("")).unwrap().unwrap();
    let account = house.account.lock().unwrap().clone();
    let known = Known {
        limits: &Limits::default(),
        dialect: Dialect::default(),
        has_function: &|function| function.name == "known",
        link_addresses: &|_| match case["linksWithoutAddress"] == true {
            true => Some(Vec::new()),
            false => None,
        },
        has_services: false,
    };
    let findings = examine(&Subject { definition: &definition, stages, account: &account }, &known);
    for finding in &findings {
        let told = format!("{finding:?}");
        assert!(finding.what.ends_with(['.', '?']) && finding.why.ends_with('.'), "{told}");
    }
    findings
}

/// The codes that are found, each once, in order.
fn codes(case: &Value) -> Vec<&'static str> {
    let Ok(found) = std::panic::catch_unwind(|| found(case)) else { return vec!["a panic"] };
    let mut codes: Vec<&str> = found.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// What of `told` is not so.
fn untold(case: &Value) -> Vec<String> {
    let told = |(code, wanted): (&String, &Value)| {
        let found = found(case).into_iter().find(|finding| finding.code == code.as_str());
        let found = found.expect("it is among the expected");
        let command = found.mend.as_ref().and_then(|mend| mend.command.clone()).unwrap_or_default();
        let text = format!("{}: {} {command}", found.place, found.what);
        let texts = wanted.as_array().unwrap().iter().map(|text| text.as_str().unwrap());
        let missing: Vec<&str> = texts.filter(|wanted| !text.contains(wanted)).collect();
        (!missing.is_empty()).then(|| format!("{code}: {text}: without {missing:?}"))
    };
    members(case, "told").filter_map(told).collect()
}

// RFC 7396.
fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let into = into.as_object_mut().unwrap();
    for (name, value) in patch {
        if value.is_null() {
            into.remove(name);
        } else {
            merge(into.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

#[test]
fn what_is_broken_is_found_and_what_is_mended_is_not() {
    let folder = Path::new("../../corpus/doctor");
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    names.sort();
    assert!(names.len() >= 40, "{}", names.len());
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for path in names {
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let expected: Vec<&str> =
            case["expected"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        let seen = codes(&case);
        if seen != expected {
            wrong.push(format!("{}: found {seen:?}, not {expected:?}", path.display()));
        }
        wrong.extend(untold(&case).into_iter().map(|untold| format!("{}: {untold}", path.display())));
        let mut mended = case.clone();
        merge(&mut mended, &case["mend"]);
        let left = codes(&mended);
        if !left.is_empty() {
            wrong.push(format!("{} mended: {left:?}", path.display()));
        }
        all.extend(expected.iter().map(|code| (*code).to_owned()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What the program finds itself has its test elsewhere.
    let untried: Vec<&str> = CODES
        .iter()
        .map(|row| row.name)
        .filter(|name| *name != "backend-unreachable")
        .filter(|name| !all.iter().any(|code| code == name))
        .collect();
    assert!(untried.is_empty(), "no case has {untried:?}");
}

#[test]
fn the_page_has_every_code() {
    let page = std::fs::read_to_string("../../docs/doctor.md").unwrap();
    let (before, rest) = page.split_once("<!-- codes -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of codes -->").unwrap();
    let made = format!("{before}<!-- codes -->\n{}<!-- end of codes -->{after}", doctor::page());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write("../../docs/doctor.md", &made).unwrap();
    } else {
        assert_eq!(page, made, "docs/doctor.md is behind: UPDATE=1 cargo test -p doctor");
    }
}
