//! The templates of `corpus/iac`: the calls that CloudFormation makes for their resources, and what becomes of them.
//!
//! `*.expected.json` has every resource with its intrinsics evaluated; `{{Name}}` stands for what a created resource is
//! called by. Each resource is created in the order of a stack, read back, compared, and deleted in the other order.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::gateway::{Gateway, id};

/// Properties whose keys are the user's; those of all others are members' names.
const MAPS: &[&str] = &[
    "RequestParameters",
    "ResponseParameters",
    "RequestTemplates",
    "ResponseTemplates",
    "RequestModels",
    "ResponseModels",
    "StageVariables",
    "RouteSettings",
    "Tags",
];

/// Properties that a template may hold as text although they are numbers.
const NUMBERS: &[&str] =
    &["TimeoutInMillis", "ThrottlingBurstLimit", "ThrottlingRateLimit", "BurstLimit", "RateLimit", "Limit", "Offset"];

/// The kinds of resource in the order of a stack, each with its collection below the parents and its id.
const KINDS: &[(&str, &str, &str)] = &[
    ("AWS::ApiGateway::VpcLink", "/vpclinks", "id"),
    ("AWS::ApiGatewayV2::Api", "/v2/apis", "apiId"),
    ("AWS::ApiGatewayV2::Authorizer", "/v2/apis/{ApiId}/authorizers", "authorizerId"),
    ("AWS::ApiGatewayV2::Model", "/v2/apis/{ApiId}/models", "modelId"),
    ("AWS::ApiGatewayV2::Integration", "/v2/apis/{ApiId}/integrations", "integrationId"),
    (
        "AWS::ApiGatewayV2::IntegrationResponse",
        "/v2/apis/{ApiId}/integrations/{IntegrationId}/integrationresponses",
        "integrationResponseId",
    ),
    ("AWS::ApiGatewayV2::Route", "/v2/apis/{ApiId}/routes", "routeId"),
    ("AWS::ApiGatewayV2::RouteResponse", "/v2/apis/{ApiId}/routes/{RouteId}/routeresponses", "routeResponseId"),
    ("AWS::ApiGatewayV2::Deployment", "/v2/apis/{ApiId}/deployments", "deploymentId"),
    ("AWS::ApiGatewayV2::Stage", "/v2/apis/{ApiId}/stages", "stageName"),
    ("AWS::ApiGateway::UsagePlan", "/usageplans", "id"),
    ("AWS::ApiGateway::ApiKey", "/apikeys", "id"),
    ("AWS::ApiGateway::UsagePlanKey", "/usageplans/{UsagePlanId}/keys", "id"),
];

/// Whether CloudFormation may make it as soon as its API is there: CDK's stages do not wait for routes.
fn is_early(kind: &str, properties: &Value) -> bool {
    kind.ends_with("::Stage") && properties.get("DeploymentId").is_none() && properties.get("RouteSettings").is_none()
}

struct Stack {
    gateway: Gateway,
    /// Logical id → what `{{…}}` stands for.
    names: BTreeMap<String, String>,
    /// What was created, in order: kind, path, what was sent.
    made: Vec<(String, String, Value)>,
}

impl Stack {
    fn create(file: &str) -> Stack {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/iac").join(file);
        let expected: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let mut stack = Stack { gateway: Gateway::new(), names: BTreeMap::new(), made: Vec::new() };
        let resources = expected["resources"].as_object().unwrap();
        let rank = |kind: &str| KINDS.iter().position(|(name, _, _)| *name == kind);
        let mut ordered: Vec<(usize, &String, &Value)> = resources
            .iter()
            .filter_map(|(name, resource)| {
                let kind = resource["type"].as_str().unwrap();
                let early = if is_early(kind, &resource["properties"]) { 1 } else { rank(kind)? };
                assert!(kind != "AWS::Lambda::Permission");
                Some((early * 2 + usize::from(is_early(kind, &resource["properties"])), name, resource))
            })
            .collect();
        ordered.sort_by_key(|(rank, _, _)| *rank);
        let known = resources.values().filter(|resource| resource["type"] != "AWS::Lambda::Permission").count();
        assert_eq!(ordered.len(), known, "{file} has a kind of resource that is not in the table");
        for (_, name, resource) in ordered {
            stack.add(name, resource["type"].as_str().unwrap(), &resource["properties"]);
        }
        stack
    }

    fn add(&mut self, name: &str, kind: &str, properties: &Value) {
        let properties = self.resolved(properties);
        let (_, pattern, id_member) = KINDS.iter().find(|(known, _, _)| *known == kind).unwrap();
        let mut collection = (*pattern).to_owned();
        let mut body = properties.as_object().unwrap().clone();
        for parent in ["ApiId", "IntegrationId", "RouteId", "UsagePlanId"] {
            let place = format!("{{{parent}}}");
            if collection.contains(&place) {
                let value = body.shift_remove(parent).unwrap();
                collection = collection.replace(&place, value.as_str().unwrap());
            }
        }
        let mut body = members(&Value::Object(body));
        if let Some(name) = body.as_object_mut().unwrap().shift_remove("usagePlanName") {
            body["name"] = name;
        }
        if let Some(schema) = body.get("schema").filter(|schema| schema.is_object()).map(Value::to_string) {
            body["schema"] = schema.into();
        }
        let answer = self.gateway.ok("POST", &collection, body.clone());
        let id = answer[*id_member].as_str().unwrap_or_else(|| panic!("{name}: {answer}")).to_owned();
        self.made.push((kind.to_owned(), format!("{collection}/{id}"), body));
        self.names.insert(name.to_owned(), id);
    }

    /// A value with its placeholders filled in. What the template does not create here has an ARN all the same.
    fn resolved(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.filled(text)),
            Value::Array(items) => items.iter().map(|item| self.resolved(item)).collect(),
            Value::Object(map) => {
                Value::Object(map.iter().map(|(key, value)| (key.clone(), self.resolved(value))).collect())
            }
            other => other.clone(),
        }
    }

    fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").unwrap();
            filled.push_str(before);
            match (self.names.get(name), name.split_once('.')) {
                (Some(id), _) => filled.push_str(id),
                (None, Some((group, "Arn"))) if group.contains("Log") => {
                    filled.push_str(&format!("arn:aws:logs:us-east-1:123456789012:log-group:{group}"));
                }
                (None, Some((function, "Arn"))) => {
                    filled.push_str(&format!("arn:aws:lambda:us-east-1:123456789012:function:{function}"));
                }
                (None, _) => filled.push_str(name),
            }
            rest = after;
        }
        filled + rest
    }

    /// Reads everything back: what was sent is there.
    fn check(&self) {
        for (kind, path, sent) in &self.made {
            if kind.ends_with("::UsagePlanKey") {
                assert_eq!(self.gateway.ok("GET", path, Value::Null)["id"], sent["keyId"]);
                continue;
            }
            let query = if kind.ends_with("::ApiKey") { "?includeValue=true" } else { "" };
            let answer = self.gateway.ok("GET", &format!("{path}{query}"), Value::Null);
            for (member, value) in sent.as_object().unwrap() {
                assert!(holds(&answer[member], value), "{kind} {member}: sent {value}, read {answer}");
            }
        }
    }

    /// Deletes everything, as CloudFormation does: the last made first.
    fn delete(&self) {
        for (kind, path, sent) in self.made.iter().rev() {
            if kind.ends_with("::UsagePlan") {
                let stages = sent["apiStages"].as_array().unwrap().iter();
                let value = |stage: &Value| {
                    format!("{}:{}", stage["apiId"].as_str().unwrap(), stage["stage"].as_str().unwrap())
                };
                let steps: Vec<Value> =
                    stages.map(|stage| json!({"op": "remove", "path": "/apiStages", "value": value(stage)})).collect();
                self.gateway.ok("PATCH", path, json!({"patchOperations": steps}));
            }
            let (status, answer) = self.gateway.call("DELETE", path, Value::Null);
            assert!(status < 300, "{kind}: {status} {answer}");
        }
        assert_eq!(self.gateway.ok("GET", "/v2/apis", Value::Null), json!({"items": []}));
    }
}

/// Property names become member names: the first letter is small. Keys of maps stay.
fn members(value: &Value) -> Value {
    let Value::Object(map) = value else {
        return match value {
            Value::Array(items) => items.iter().map(members).collect(),
            other => other.clone(),
        };
    };
    let renamed = map.iter().map(|(name, value)| {
        let value = match value {
            Value::Object(entries) if MAPS.contains(&name.as_str()) => {
                let entries = entries.iter().map(|(key, value)| (key.clone(), members(value)));
                Value::Object(entries.collect::<Map<_, _>>())
            }
            Value::Array(tags) if name == "Tags" => {
                let tag = |tag: &Value| (tag["Key"].as_str().unwrap().to_owned(), tag["Value"].clone());
                Value::Object(tags.iter().map(tag).collect())
            }
            Value::String(text) if NUMBERS.contains(&name.as_str()) => serde_json::from_str(text).unwrap(),
            // A model's schema is the user's JSON, not ours.
            schema if name == "Schema" => schema.clone(),
            other => members(other),
        };
        (name[..1].to_lowercase() + &name[1..], value)
    });
    Value::Object(renamed.collect())
}

fn holds(answer: &Value, sent: &Value) -> bool {
    match (answer, sent) {
        (Value::Object(answer), Value::Object(sent)) => {
            sent.iter().all(|(name, sent)| answer.get(name).is_some_and(|answer| holds(answer, sent)))
        }
        (Value::Array(answer), Value::Array(sent)) => {
            answer.len() == sent.len() && answer.iter().zip(sent).all(|(answer, sent)| holds(answer, sent))
        }
        (Value::Number(answer), Value::Number(sent)) => answer.as_f64() == sent.as_f64(),
        (answer, sent) => answer == sent,
    }
}

/// Creates, compares and deletes the stack of a template; its stages must be deployed with all their routes.
fn check(file: &str) {
    let stack = Stack::create(file);
    stack.check();
    let routes = stack.made.iter().filter(|(kind, _, _)| kind.ends_with("::Route")).count();
    let stages: Vec<&str> =
        stack.made.iter().filter(|(kind, _, _)| kind.ends_with("::Stage")).map(|(_, path, _)| path.as_str()).collect();
    assert!(!stages.is_empty(), "{file}");
    for path in stages {
        let (api, stage) = path.split_once("/stages/").unwrap();
        assert_eq!(stack.gateway.deployed_routes(api, stage).len(), routes, "{file}: {}", id(path));
    }
    stack.delete();
}

#[test]
fn every_template_becomes_what_it_says_and_goes_away_again() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/iac");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let expected: Vec<String> = files.filter(|name| name.ends_with(".expected.json")).collect();
    assert_eq!(expected.len(), 8);
    for file in expected {
        check(&file);
    }
}
