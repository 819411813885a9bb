//! The rows and the member tables, compared with AWS's API model.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::members::Rule;

const V2: &str = "apigatewayv2/2018-11-29/service-2.json";
const V1: &str = "apigateway/2015-07-09/service-2.trimmed.json";

fn model(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/models").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn check_rows(file: &str, is_v2: bool) -> usize {
    let model = model(file);
    let operations = model["operations"].as_object().unwrap();
    let expected: BTreeMap<&str, (String, String, u64)> = operations
        .iter()
        .map(|(name, operation)| {
            let http = &operation["http"];
            let text = |member: &str| http[member].as_str().unwrap().to_owned();
            (name.as_str(), (text("method"), text("requestUri"), http["responseCode"].as_u64().unwrap_or(200)))
        })
        .collect();
    let rows: BTreeMap<&str, (String, String, u64)> = OPERATIONS
        .iter()
        .filter(|row| row.path.starts_with("/v2/") == is_v2)
        .map(|row| (row.name, (row.method.to_owned(), row.path.to_owned(), u64::from(row.success))))
        .collect();
    assert_eq!(rows, expected);
    rows.len()
}

#[test]
fn the_rows_are_the_operations_of_both_models() {
    assert_eq!(check_rows(V2, true), 103);
    let v1 = check_rows(V1, false);
    assert_eq!(OPERATIONS.len(), 103 + v1, "a name stands twice");
}

#[test]
fn what_only_http_apis_have_is_refused_and_nothing_else() {
    let scope = model("apigatewayv2-scope.json");
    let http_only: BTreeSet<&str> = scope["operations"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, operation)| operation["scope"] == "http-only")
        .map(|(name, _)| name.as_str())
        .collect();
    let refused: BTreeSet<&str> =
        OPERATIONS.iter().filter(|row| matches!(row.action, HttpOnly(_))).map(|row| row.name).collect();
    assert_eq!(refused, http_only);
}

#[test]
fn what_is_out_of_scope_is_portals_and_routing_rules_and_nothing_else() {
    let scope = model("apigatewayv2-scope.json");
    let is_foreign = |operation: &Value| matches!(operation["scope"].as_str(), Some("portal" | "routing-rule"));
    let expected: BTreeSet<&str> = scope["operations"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, operation)| is_foreign(operation))
        .map(|(name, _)| name.as_str())
        .collect();
    let refused: BTreeSet<&str> =
        OPERATIONS.iter().filter(|row| matches!(row.action, OutOfScope(_))).map(|row| row.name).collect();
    assert_eq!(refused.len(), 31);
    assert_eq!(refused, expected);
}

/// Wire names of the members of a shape that travel in the body.
fn body_members(model: &Value, shape: &str) -> BTreeSet<String> {
    let members = model["shapes"][shape]["members"].as_object().unwrap();
    members
        .values()
        .filter(|member| member.get("location").is_none())
        .map(|member| member["locationName"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_member_that_the_model_knows_has_a_row_in_its_resource() {
    let model = model(V2);
    for resource in OPERATIONS.iter().filter(|row| row.path.starts_with("/v2/")).filter_map(|row| match row.action {
        Get(resource) => Some(resource),
        _ => None,
    }) {
        let noun = resource.noun;
        let shape =
            |operation: String, side: &str| model["operations"][operation][side]["shape"].as_str().unwrap().to_owned();
        let rows: BTreeSet<String> = resource.members.iter().map(|member| member.name.to_owned()).collect();
        let accepted: BTreeSet<String> = resource
            .members
            .iter()
            .filter(|member| member.rule != Rule::Output)
            .map(|member| member.name.to_owned())
            .collect();
        let mut sent = body_members(&model, &shape(format!("Create{noun}"), "input"));
        assert_eq!(accepted, sent, "what Create{noun} takes");
        let updated = body_members(&model, &shape(format!("Update{noun}"), "input"));
        for member in resource.members.iter().filter(|member| member.rule == Rule::Fixed) {
            assert!(!updated.contains(member.name), "Update{noun} takes {}", member.name);
        }
        let mut answered = body_members(&model, &shape(format!("Get{noun}"), "output"));
        // What no document has: where the API is served is added to the answer, the others tell of features of
        // HTTP APIs or of a console that is AWS's.
        for absent in ["apiEndpoint", "apiGatewayManaged", "importInfo", "warnings", "deploymentStatusMessage"] {
            answered.remove(absent);
        }
        sent.append(&mut answered);
        assert_eq!(rows, sent, "all members of {noun}");
    }
}

#[test]
fn every_resource_has_its_five_operations() {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for row in OPERATIONS.iter().filter(|row| row.path.starts_with("/v2/")) {
        if let Get(resource) | List(resource) = row.action {
            *count.entry(resource.noun).or_default() += 1;
        }
    }
    assert_eq!(count.len(), 12);
    assert!(count.values().all(|count| *count == 2), "{count:?}");
    for noun in count.keys() {
        for verb in ["Create", "Update", "Delete"] {
            let name = format!("{verb}{noun}");
            let row = OPERATIONS.iter().find(|row| row.name == name).unwrap();
            assert!(!matches!(row.action, OutOfScope(_) | HttpOnly(_)), "{name}");
        }
    }
}
