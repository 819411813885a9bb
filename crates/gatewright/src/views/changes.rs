//! What is defined and not deployed yet, in plain words.

use control::store::Definition;
use control::{Control, Version};
use serde_json::{Map, Value, json};
use types::snapshot::StageKey;

use super::{Asked, Views, Wrong};

/// The most differences that are told.
const DIFFERENCES_MAX: usize = 500;
/// The most of a value that a sentence shows, in characters.
const VALUE_MAX: usize = 60;

/// `GET changes?api=&stage=`: `deployed` and `edited` (the documents of routes, integrations and so on), and `differences`, each
/// with `what`, `path`, `deployed`, `edited`, and `says`. A stage's own settings apply at once and are no part of it.
pub(super) fn answer(views: &Views, asked: &Asked) -> Result<Value, Wrong> {
    let named = |name: &str| asked.parameter(name).ok_or_else(|| Wrong::bad(format!("`{name}` is missing")));
    let key = StageKey { api_id: named("api")?, stage: named("stage")? };
    let definition = |version| {
        let definition = views.control.definition(&key, version).map_err(|error| Wrong::bad(error.to_string()))?;
        Ok::<_, Wrong>(definition.map(|definition| told(&definition)))
    };
    let edited =
        definition(Version::Edited)?.ok_or_else(|| Wrong::absent(format!("there is no API {}", key.api_id)))?;
    let deployed = definition(Version::Deployed)?;
    let mut differences = Vec::new();
    if let Some(deployed) = &deployed {
        compare(deployed, &edited, &mut differences);
    }
    differences.truncate(DIFFERENCES_MAX);
    Ok(json!({ "deployed": deployed, "edited": edited, "differences": differences }))
}

/// What is not deployed to a stage, a sentence each.
pub(super) fn says(control: &Control, key: &StageKey) -> Result<Vec<String>, Wrong> {
    let definition = |version| {
        let definition = control.definition(key, version).map_err(|error| Wrong::bad(error.to_string()))?;
        Ok::<_, Wrong>(definition.map(|definition| told(&definition)))
    };
    let (Some(deployed), Some(edited)) = (definition(Version::Deployed)?, definition(Version::Edited)?) else {
        return Ok(Vec::new());
    };
    let mut differences = Vec::new();
    compare(&deployed, &edited, &mut differences);
    Ok(differences.iter().filter_map(|difference| difference["says"].as_str().map(str::to_owned)).collect())
}

/// An API as a map of what it has to its document: `route join`, `integration abc`, `the API`.
fn told(definition: &Definition) -> Map<String, Value> {
    let text = |document: &Map<String, Value>, member: &str| {
        document.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut told = Map::new();
    let mut put = |name: String, document: &Map<String, Value>| {
        told.insert(name, Value::Object(document.clone()));
    };
    put("the API".to_owned(), &definition.api);
    for parts in &definition.routes {
        let key = text(&parts.route, "routeKey");
        put(format!("route {key}"), &parts.route);
        for response in &parts.responses {
            put(format!("route response {} of route {key}", text(response, "routeResponseKey")), response);
        }
    }
    for parts in &definition.integrations {
        let id = text(&parts.integration, "integrationId");
        put(format!("integration {id}"), &parts.integration);
        for response in &parts.responses {
            put(
                format!("integration response {} of integration {id}", text(response, "integrationResponseKey")),
                response,
            );
        }
    }
    for model in &definition.models {
        put(format!("model {}", text(model, "name")), model);
    }
    for authorizer in &definition.authorizers {
        put(format!("authorizer {}", text(authorizer, "name")), authorizer);
    }
    told
}

fn compare(deployed: &Map<String, Value>, edited: &Map<String, Value>, differences: &mut Vec<Value>) {
    for (what, before) in deployed {
        match edited.get(what) {
            Some(after) => members(what, "", before, after, differences),
            None => differences.push(json!({
                "what": what, "path": null, "deployed": before, "edited": null,
                "says": format!("{what} is deployed, and deleted since"),
            })),
        }
    }
    for (what, after) in edited.iter().filter(|(what, _)| !deployed.contains_key(*what)) {
        differences.push(json!({
            "what": what, "path": null, "deployed": null, "edited": after,
            "says": format!("{what} is new, and not deployed"),
        }));
    }
}

fn members(what: &str, path: &str, before: &Value, after: &Value, differences: &mut Vec<Value>) {
    if before == after || differences.len() > DIFFERENCES_MAX {
        return;
    }
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else {
        let says = match (before.is_null(), after.is_null()) {
            (true, false) => format!("{what}: {path} is {}, which is not deployed", shown(after)),
            (false, true) => format!("{what}: {path} is {} where it is deployed, and gone now", shown(before)),
            _ => format!("{what}: {path} is {} where it is deployed, and {} now", shown(before), shown(after)),
        };
        differences.push(json!({ "what": what, "path": path, "deployed": before, "edited": after, "says": says }));
        return;
    };
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names {
        let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let member = |of: &Map<String, Value>| of.get(name).cloned().unwrap_or_default();
        members(what, &below, &member(old), &member(new), differences);
    }
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line = text.lines().next().unwrap_or_default();
    let is_cut = line.chars().nth(VALUE_MAX).is_some() || line.len() < text.len();
    let short: String = line.chars().take(VALUE_MAX).collect();
    format!("`{short}{}`", if is_cut { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_in_sentences() {
        let before = json!({
            "the API": {"name": "a"},
            "route join": {"target": "integrations/x", "operationName": "o"},
            "integration x": {"integrationMethod": "GET", "requestTemplates": {"$default": "one\ntwo"}},
            "route gone": {},
        });
        let after = json!({
            "the API": {"name": "a"},
            "route join": {"target": "integrations/x"},
            "integration x": {"integrationMethod": "POST", "requestTemplates": {"$default": "one", "other": "1"}},
            "route new": {},
        });
        let mut differences = Vec::new();
        compare(before.as_object().unwrap(), after.as_object().unwrap(), &mut differences);
        let says: Vec<&str> = differences.iter().map(|difference| difference["says"].as_str().unwrap()).collect();
        assert_eq!(
            says,
            [
                "route join: operationName is `o` where it is deployed, and gone now",
                "integration x: integrationMethod is `GET` where it is deployed, and `POST` now",
                "integration x: requestTemplates.$default is `one…` where it is deployed, and `one` now",
                "integration x: requestTemplates.other is `1`, which is not deployed",
                "route gone is deployed, and deleted since",
                "route new is new, and not deployed",
            ]
        );
    }
}
