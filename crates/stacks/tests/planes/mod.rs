//! Control planes in memory: what is exported of one and applied to another must be the same.

use std::collections::HashMap;
use std::sync::Arc;

use control::store::MemoryStore;
use control::{Caller, Control, Settings};
use http::Method;
use indexmap::IndexMap;
use serde_json::{Map as JsonMap, Value as Json};
use stacks::export::{Choice, Notation};
use stacks::locate::Assets;
use stacks::transforms::Known;
use stacks::{Failure, Template, Wanted, export};
use types::arn::Home;

pub(crate) fn control() -> Control {
    let home = Home { region: "us-east-1".into(), account_id: "123456789012".into() };
    let settings = Settings::new(home, "localhost:4510".into());
    Control::open(settings, Arc::new(MemoryStore::default()), Box::new(|_, _| {})).unwrap()
}

/// Applies a template, and says why it cannot be.
pub(crate) fn try_apply(control: &Control, text: &str, file: &str) -> Result<(), Failure> {
    let known = Known { parameters: IndexMap::new(), region: "us-east-1".to_owned(), partition: "aws".to_owned() };
    let document = stacks::read::read(text)?;
    let expanded = stacks::transforms::expand(&document, &known).map_err(Failure)?;
    let template = Template::of(&expanded.document).map_err(Failure)?;
    let parameters = IndexMap::new();
    let wanted = Wanted {
        name: "chat",
        template: &template,
        text,
        file,
        parameters: &parameters,
        assets: &Assets::default(),
        account: "123456789012",
        region: "us-east-1",
        is_strict: false,
        now: "2026-01-01T00:00:00.000Z",
    };
    control.batch(&Caller::program(), |batch| stacks::apply(batch, &wanted)).map(|_| ())
}

/// The same, where it must be.
pub(crate) fn apply(control: &Control, text: &str, file: &str) {
    try_apply(control, text, file).unwrap_or_else(|failure| panic!("{file}: {failure:?}\n{text}"));
}

/// Sends a call, and gives the answer, or the refusal.
pub(crate) fn ask(control: &Control, method: Method, path: &str, body: &Json) -> Result<Json, Json> {
    let request = http::Request::builder().method(method).uri(path).body(body.to_string().into()).unwrap();
    let response = control.handle(&Caller::program(), request);
    let answer = serde_json::from_slice(response.body()).unwrap_or_default();
    if response.status().is_success() { Ok(answer) } else { Err(answer) }
}

/// The same, where it must succeed.
pub(crate) fn call(control: &Control, method: Method, path: &str, body: &Json) -> Json {
    ask(control, method.clone(), path, body).unwrap_or_else(|refusal| panic!("{method} {path} {body}: {refusal}"))
}

pub(crate) fn documents(control: &Control) -> JsonMap<String, Json> {
    control.export().unwrap()["documents"].as_object().unwrap().clone()
}

pub(crate) const ALL: Choice = Choice { apis: &[], with_secrets: true };

/// Members that differ each time something is made.
const MADE_UP: [&str; 7] = [
    "createdDate",
    "lastUpdatedDate",
    "expirationDate",
    "pemEncodedCertificate",
    "privateKeyPem",
    "lastDeploymentStatusMessage",
    "apiGatewayDomainName",
];

/// Everything but ids, dates and what deployments were there before: documents, by what their ids stand for.
fn essence(documents: &JsonMap<String, Json>) -> Vec<String> {
    // An id becomes what a person knows the thing by.
    let mut known: HashMap<String, String> = HashMap::new();
    let labels = ["name", "routeKey", "integrationUri", "integrationResponseKey", "routeResponseKey", "apiMappingKey"];
    let used: Vec<&str> = documents.values().filter_map(|one| one.get("deploymentId")?.as_str()).collect();
    for (path, document) in documents {
        let (collection, id) = path.rsplit_once('/').unwrap();
        let mut label = labels.iter().find_map(|label| document.get(*label)?.as_str()).unwrap_or_default().to_owned();
        if collection.ends_with("/integrations") {
            // Several may have the same URI.
            let members = document.as_object().unwrap().iter();
            let mut members: Vec<String> = members
                .filter(|(name, _)| !["integrationId", "connectionId"].contains(&name.as_str()))
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            members.sort();
            label = members.join(" ");
        }
        let kind = collection.rsplit('/').next().unwrap();
        if !["stages", "domainnames", "account", "stacks"].contains(&kind) && id != "definition" {
            known.entry(id.to_owned()).or_insert(format!("<{kind} {label}>"));
        }
    }
    fn renamed(json: &Json, known: &HashMap<String, String>) -> Json {
        match json {
            Json::String(text) => {
                let exact = known.get(text).cloned();
                let target = text.strip_prefix("integrations/").and_then(|id| known.get(id));
                exact.or(target.map(|name| format!("integrations/{name}"))).unwrap_or_else(|| text.clone()).into()
            }
            Json::Array(items) => {
                let mut items: Vec<Json> = items.iter().map(|item| renamed(item, known)).collect();
                // The order in which routes and integrations of a deployment were made.
                if items.iter().all(Json::is_object) {
                    items.sort_by_key(Json::to_string);
                }
                items.into()
            }
            Json::Object(members) => {
                let kept = members.iter().filter(|(name, _)| !MADE_UP.contains(&name.as_str()));
                let mut kept: Vec<(String, Json)> = kept
                    .map(|(name, value)| match (name.as_str(), value.as_str()) {
                        // White space aside.
                        ("schema", Some(text)) => {
                            (name.clone(), serde_json::from_str(text).unwrap_or_else(|_| text.into()))
                        }
                        _ => (name.clone(), renamed(value, known)),
                    })
                    .collect();
                kept.sort_by(|one, other| one.0.cmp(&other.0));
                Json::Object(kept.into_iter().collect())
            }
            other => other.clone(),
        }
    }
    let mut all: Vec<String> = Vec::new();
    for (path, document) in documents {
        let segments: Vec<&str> = path.split('/').collect();
        let is_left = match segments.as_slice() {
            ["stacks", ..] => false,
            ["apis", _, "deployments", id, ..] => used.contains(id),
            _ => true,
        };
        if is_left {
            let place: Vec<&str> = segments.iter().map(|part| known.get(*part).map_or(*part, String::as_str)).collect();
            let mut document = renamed(document, &known);
            // A deployment that a stage made by itself says so, and is made when the stage is.
            if segments.len() == 4 && segments[2] == "deployments" {
                document.as_object_mut().unwrap().remove("autoDeployed");
            }
            all.push(format!("{} {document}", place.join("/")));
        }
    }
    all.sort();
    all
}

/// Compares, and shows what is only on one side.
fn assert_same(after: &[String], before: &[String], file: &str, text: &str) {
    let only = |some: &[String], others: &[String]| -> Vec<String> {
        some.iter().filter(|one| !others.contains(one)).cloned().collect()
    };
    let (new, gone) = (only(after, before), only(before, after));
    assert!(after == before, "{file}: new {new:#?}, gone {gone:#?}\n{text}");
}

/// Exports, applies, compares; gives the template. Terraform's configuration is the same of both, too: it holds no ids.
pub(crate) fn goes_round(control: &Control, file: &str) -> String {
    let before = documents(control);
    let text = export::cloudformation(&before, &ALL, Notation::Yaml).unwrap();
    let second = self::control();
    apply(&second, &text, file);
    let after = documents(&second);
    assert_same(&essence(&after), &essence(&before), file, &text);
    assert_eq!(export::cloudformation(&after, &ALL, Notation::Yaml).unwrap(), text, "{file}");
    let terraform = |documents| export::terraform(documents, &ALL).unwrap();
    assert_eq!(terraform(&after), terraform(&before), "{file}");
    let third = self::control();
    apply(&third, &export::cloudformation(&before, &ALL, Notation::Json).unwrap(), file);
    assert_same(&essence(&documents(&third)), &essence(&before), file, "");
    text
}
