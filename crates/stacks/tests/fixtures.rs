//! The templates of the corpus, evaluated, with the results that were made apart from this program.

mod common;

use common::{Placeholders, corpus, pseudo, shown};
use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};
use stacks::read::read;
use stacks::scope::{Others, Scope};
use stacks::template::Template;

/// What is compared; the rest is for others to skip.
fn is_ours(kind: &str) -> bool {
    kind.starts_with("AWS::ApiGatewayV2::")
        || kind.starts_with("AWS::ApiGateway::")
        || kind == "AWS::Lambda::Permission"
}

/// Evaluates a template as one of the expected files says, and compares; `resources` are left to others where SAM makes them.
fn holds(file: &str) {
    let expected: Json = serde_json::from_str(&corpus(file)).expect("the file is JSON");
    let name = expected["template"].as_str().expect("it names its template");
    let name = if name.ends_with("websocketapi.yaml") { "07-sam-websocketapi.expanded.json" } else { name };
    let source = corpus(name);
    let document = read(&source).unwrap_or_else(|fault| panic!("{}", fault.shown(name, &source)));
    let template = Template::of(&document).unwrap_or_else(|faults| panic!("{}", shown(&faults, name, &source)));
    let pseudo = pseudo(&expected["pseudo"]);
    let mut given = IndexMap::new();
    for (name, value) in expected["parameters"].as_object().expect("it is a map") {
        let text = match value {
            Json::Array(items) => items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(","),
            _ => value.as_str().expect("it is a text").to_owned(),
        };
        given.insert(name.clone(), text);
    }
    let scope = Scope::new(&template, &given, pseudo.clone(), &Others::default());
    let scope = scope.unwrap_or_else(|faults| panic!("{}", shown(&faults, name, &source)));
    let conditions: Map<String, Json> =
        scope.conditions().iter().map(|(name, holds)| (name.clone(), Json::Bool(*holds))).collect();
    assert_eq!(Json::Object(conditions), expected["conditions"], "{file}");

    let kinds = template.resources.iter().map(|(name, each)| (name.clone(), each.kind.clone()));
    let mut references = Placeholders { kinds: kinds.collect(), names: IndexMap::new(), pseudo };
    let (mut resources, mut skipped) = (Map::new(), Vec::new());
    let order = scope.order().unwrap_or_else(|fault| panic!("{}", fault.shown(name, &source)));
    for logical in order {
        let resource = &template.resources[logical];
        let path = format!("Resources.{logical}.Properties");
        let properties = scope.evaluate(&resource.properties, &path, &references);
        let properties = properties.unwrap_or_else(|fault| panic!("{}", fault.shown(name, &source)));
        let properties = properties.expect("it is a map").to_json();
        if resource.kind == "AWS::ApiGatewayV2::Stage" {
            let stage = properties["StageName"].as_str().expect("a stage has a name");
            references.names.insert(logical.to_owned(), stage.to_owned());
        }
        if is_ours(&resource.kind) {
            resources.insert(logical.to_owned(), json!({"type": resource.kind, "properties": properties}));
        } else {
            skipped.push(resource.kind.clone());
        }
    }
    skipped.sort();
    skipped.dedup();
    assert_eq!(Json::Object(resources), expected["resources"], "{file}");
    assert_eq!(json!(skipped), expected["skipped_resource_types"], "{file}");
    let omitted: Vec<&str> =
        template.resources.keys().map(String::as_str).filter(|logical| !scope.exists(logical)).collect();
    assert_eq!(json!(omitted), expected["omitted_by_condition"], "{file}");

    let mut outputs = Map::new();
    for (name, output) in template.outputs.iter().filter(|(_, output)| scope.holds(output.condition.as_deref())) {
        let value = scope.evaluate(&output.value, &format!("Outputs.{name}"), &references);
        let value = value.unwrap_or_else(|fault| panic!("{}", fault.shown(name, &source)));
        outputs.insert(name.clone(), value.expect("it is there").to_json());
    }
    assert_eq!(Json::Object(outputs), expected["outputs"], "{file}");
}

#[test]
fn express_behind_a_vpc_link() {
    holds("01-express-vpclink.expected.json");
    holds("01-express-vpclink.development.expected.json");
}

#[test]
fn sam_functions_beside_plain_resources() {
    holds("02-room-sam-plain.expected.json");
}

#[test]
fn an_authorizer_and_api_keys_in_json() {
    holds("03-authorizer-apikey.expected.json");
    holds("03-authorizer-apikey.logs.expected.json");
}

#[test]
fn what_the_cdk_makes() {
    holds("04-cdk-chat.expected.json");
}

#[test]
fn what_the_serverless_framework_makes() {
    holds("05-serverless.expected.json");
}

#[test]
fn what_sam_makes_of_its_web_socket_api() {
    holds("07-sam-websocketapi.expected.json");
}
