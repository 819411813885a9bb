//! What is exported as a template, applied to an empty control plane, is what it was.

use std::collections::HashMap;
use std::sync::Arc;

use control::store::MemoryStore;
use control::{Caller, Control, Settings};
use http::Method;
use indexmap::IndexMap;
use serde_json::{Map as JsonMap, Value as Json, json};
use stacks::export::{Choice, NoSuchApi, Notation};
use stacks::{Template, Wanted, export};
use types::arn::Home;

fn control() -> Control {
    let home = Home { region: "us-east-1".into(), account_id: "123456789012".into() };
    let settings = Settings::new(home, "localhost:4510".into());
    Control::open(settings, Arc::new(MemoryStore::default()), Box::new(|_, _| {})).unwrap()
}

fn apply(control: &Control, text: &str, file: &str) {
    let template = stacks::read::read(text).map_err(|fault| vec![fault]).and_then(|node| Template::of(&node));
    let template = template.unwrap_or_else(|faults| panic!("{file}: {faults:?}\n{text}"));
    let parameters = IndexMap::new();
    let wanted = Wanted {
        name: "chat",
        template: &template,
        text,
        file,
        parameters: &parameters,
        account: "123456789012",
        region: "us-east-1",
        is_strict: false,
        now: "2026-01-01T00:00:00.000Z",
    };
    let applied = control.batch(&Caller::program(), |batch| stacks::apply(batch, &wanted));
    applied.unwrap_or_else(|failure| panic!("{file}: {failure:?}\n{text}"));
}

/// Sends a call, and gives the answer.
fn call(control: &Control, method: Method, path: &str, body: &Json) -> Json {
    let request = http::Request::builder().method(method.clone()).uri(path).body(body.to_string().into()).unwrap();
    let response = control.handle(&Caller::program(), request);
    let answer = serde_json::from_slice(response.body()).unwrap_or_default();
    assert!(response.status().is_success(), "{method} {path} {body}: {answer}");
    answer
}

fn documents(control: &Control) -> JsonMap<String, Json> {
    control.export().unwrap()["documents"].as_object().unwrap().clone()
}

const ALL: Choice = Choice { apis: &[], with_secrets: true };

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
        let label = labels.iter().find_map(|label| document.get(*label)?.as_str()).unwrap_or_default();
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
            let place: Vec<&str> =
                segments.iter().map(|part| known.get(*part).map_or(*part, String::as_str)).collect();
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

/// Exports, applies, compares; gives the text.
fn goes_round(control: &Control, file: &str) -> String {
    let before = documents(control);
    let text = export::cloudformation(&before, &ALL, Notation::Yaml).unwrap();
    let second = self::control();
    apply(&second, &text, file);
    let after = documents(&second);
    assert_same(&essence(&after), &essence(&before), file, &text);
    assert_eq!(export::cloudformation(&after, &ALL, Notation::Yaml).unwrap(), text, "{file}");
    let third = self::control();
    apply(&third, &export::cloudformation(&before, &ALL, Notation::Json).unwrap(), file);
    assert_same(&essence(&documents(&third)), &essence(&before), file, "");
    if let Ok(dir) = std::env::var("EXPORTED") {
        std::fs::write(format!("{dir}/{file}.yaml"), &text).unwrap();
        std::fs::write(format!("{dir}/{file}.json"), export::cloudformation(&before, &ALL, Notation::Json).unwrap()).unwrap();
        std::fs::create_dir_all(format!("{dir}/{file}.tf")).unwrap();
        std::fs::write(format!("{dir}/{file}.tf/main.tf"), export::terraform(&before, &ALL).unwrap()).unwrap();
    }
    text
}

#[test]
fn every_fixture_goes_round() {
    let fixtures = std::fs::read_dir(format!("{}/../../corpus/iac", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let mut count = 0;
    for path in fixtures.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        if !text.contains("AWS::ApiGatewayV2::Api") || text.contains("AWS::Serverless") || name.contains("expected") {
            continue;
        }
        let control = control();
        apply(&control, &text, name);
        goes_round(&control, name);
        count += 1;
    }
    assert_eq!(count, 5);
}

/// One of everything.
fn all_of_it() -> (Control, String) {
    let control = control();
    let post = |path: &str, body: Json| call(&control, Method::POST, path, &body);
    let id = |answer: &Json, member: &str| answer[member].as_str().unwrap().to_owned();
    let role = json!({"patchOperations": [{"op": "replace", "path": "/cloudwatchRoleArn", "value": "arn:aws:iam::123456789012:role/logs"}]});
    call(&control, Method::PATCH, "/account", &role);
    let api = post("/v2/apis", json!({"name": "chat", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action", "description": "talk", "tags": {"team": "a b"}}));
    let api = id(&api, "apiId");
    let at = |part: &str| format!("/v2/apis/{api}/{part}");
    let link = id(&post("/vpclinks", json!({"name": "nlb", "targetArns": ["arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/a/1234567890123456"], "tags": {"k": "v"}})), "id");
    post("/v2/vpclinks", json!({"name": "alb", "subnetIds": ["subnet-12345678"], "securityGroupIds": ["sg-12345678"]}));
    let certificate = id(&post("/clientcertificates", json!({"description": "to the backend"})), "clientCertificateId");
    let lambda = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:chat:live/invocations";
    let authorizer = post(&at("authorizers"), json!({"name": "token", "authorizerType": "REQUEST", "authorizerUri": lambda.replace("chat:live", "auth"), "identitySource": ["route.request.header.Auth"]}));
    post(&at("models"), json!({"name": "Join", "contentType": "application/json", "schema": "{\n  \"type\" : \"object\", \"properties\": {\"room\": {\"type\": \"string\"}}\n}"}));
    let function = post(&at("integrations"), json!({"integrationType": "AWS_PROXY", "integrationMethod": "POST", "integrationUri": lambda}));
    let http = post(&at("integrations"), json!({"integrationType": "HTTP", "integrationMethod": "PUT", "integrationUri": "http://127.0.0.1:3000/{x}", "connectionType": "VPC_LINK", "connectionId": link,
        "templateSelectionExpression": "\\$default", "requestTemplates": {"$default": "#set($a = 1)\n{\"a\": $a,\n\n  \"b\": \"$context.connectionId\"}\n"},
        "requestParameters": {"integration.request.path.x": "'1'", "integration.request.header.y": "context.stage"}, "timeoutInMillis": 500}));
    let http = id(&http, "integrationId");
    for key in ["$default", "/2\\d\\d/", "/20\\d/"] {
        post(&at(&format!("integrations/{http}/integrationresponses")), json!({"integrationResponseKey": key, "responseTemplates": {"application/json": "yes"}, "templateSelectionExpression": "application/json"}));
    }
    let function = id(&function, "integrationId");
    post(&at("routes"), json!({"routeKey": "$connect", "target": format!("integrations/{function}"), "authorizationType": "CUSTOM", "authorizerId": authorizer["authorizerId"], "apiKeyRequired": true, "requestParameters": {"route.request.header.Auth": {"required": true}}}));
    let join = post(&at("routes"), json!({"routeKey": "join", "target": format!("integrations/{http}"), "routeResponseSelectionExpression": "$default", "modelSelectionExpression": "$request.body.action", "requestModels": {"join": "Join"}}));
    post(&at(&format!("routes/{}/routeresponses", id(&join, "routeId"))), json!({"routeResponseKey": "$default"}));
    post(&at("routes"), json!({"routeKey": "join!", "target": format!("integrations/{http}")}));
    let deployment = id(&post(&at("deployments"), json!({"description": "first"})), "deploymentId");
    post(&at("stages"), json!({"stageName": "dev", "deploymentId": deployment, "clientCertificateId": certificate, "stageVariables": {"link": link, "port": "012"},
        "routeSettings": {"join": {"throttlingRateLimit": 2.5, "throttlingBurstLimit": 5}}, "defaultRouteSettings": {"loggingLevel": "INFO"},
        "accessLogSettings": {"destinationArn": "arn:aws:logs:us-east-1:123456789012:log-group:chat", "format": "$context.requestId"}, "tags": {"e": "dev"}}));
    post(&at("stages"), json!({"stageName": "auto", "autoDeploy": true, "routeSettings": {"join!": {"throttlingRateLimit": 1}}}));
    post("/v2/domainnames", json!({"domainName": "chat.example.com", "domainNameConfigurations": [{"certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0000-0000-0000-000000000000", "endpointType": "REGIONAL", "securityPolicy": "TLS_1_2"}]}));
    post("/v2/domainnames/chat.example.com/apimappings", json!({"apiId": api, "stage": "dev", "apiMappingKey": "v1"}));
    let key = post("/apikeys", json!({"name": "partner", "enabled": true, "value": "01234567890123456789"}));
    let plan = post("/usageplans", json!({"name": "gold", "apiStages": [{"apiId": api, "stage": "dev"}], "quota": {"limit": 10, "period": "DAY"}, "throttle": {"rateLimit": 1.5, "burstLimit": 2}, "tags": {"a": "b"}}));
    post(&format!("/usageplans/{}/keys", id(&plan, "id")), json!({"keyId": key["id"], "keyType": "API_KEY"}));
    (control, api)
}

#[test]
fn everything_goes_round() {
    let (control, _) = all_of_it();
    let text = goes_round(&control, "all-of-it");
    for part in [
        "  JoinRoute:\n    Type: AWS::ApiGatewayV2::Route\n    DependsOn: JoinModel\n    Properties:\n      ApiId: !Ref ChatApi\n      RouteKey: join\n",
        "      Target: !Sub integrations/${JoinIntegration}\n",
        "        $default: |\n          #set($a = 1)\n          {\"a\": $a,\n\n            \"b\": \"$context.connectionId\"}\n",
        "      FunctionName: arn:aws:lambda:us-east-1:123456789012:function:chat:live\n",
        "      SourceArn: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${ChatApi}/*\n",
        "  Join2DDIntegrationResponse:\n",
        "      StageVariables:\n        link: !Ref NlbVpcLink\n        port: '012'\n",
        "        - ApiId: !Ref ChatApi\n          Stage: !Ref DevStage\n",
        "    Value: !Sub ${ChatApi.ApiEndpoint}/${DevStage}\n",
        "# - chat calls functions, which are not part of this: auth, chat.\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("PRIVATE KEY") && !text.contains("last edits"), "{text}");
}

#[test]
fn secrets_are_left_out_unless_somebody_asks() {
    let (control, _) = all_of_it();
    let text = |with_secrets| {
        export::cloudformation(&documents(&control), &Choice { with_secrets, ..ALL }, Notation::Yaml).unwrap()
    };
    assert!(text(true).contains("01234567890123456789"));
    assert!(!text(false).contains("01234567890123456789") && text(false).contains("# Its value is left out"));
}

#[test]
fn edits_that_are_not_deployed_are_told_and_change_what_is_deployed() {
    let (control, api) = all_of_it();
    let before = export::cloudformation(&documents(&control), &ALL, Notation::Yaml).unwrap();
    call(&control, Method::POST, &format!("/v2/apis/{api}/routes"), &json!({"routeKey": "leave"}));
    let after = export::cloudformation(&documents(&control), &ALL, Notation::Yaml).unwrap();
    let name = |text: &str| text.lines().find(|line| line.starts_with("  DevDeployment")).unwrap().to_owned();
    assert!(after.contains("# - Stage dev of chat runs a deployment from before the last edits;"), "{after}");
    assert_ne!(name(&before), name(&after));
}

#[test]
fn one_api_is_chosen_with_what_it_needs() {
    let (control, api) = all_of_it();
    let other = call(&control, Method::POST, "/v2/apis", &json!({"name": "other", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"}));
    let other = other["apiId"].as_str().unwrap().to_owned();
    call(&control, Method::POST, &format!("/v2/apis/{other}/routes"), &json!({"routeKey": "join"}));
    call(&control, Method::POST, "/apikeys", &json!({"name": "unused"}));
    let text = |apis: &[String]| {
        export::cloudformation(&documents(&control), &Choice { apis, with_secrets: false }, Notation::Yaml)
    };
    let all = text(&[]).unwrap();
    for part in ["ChatApi:", "OtherApi:", "ChatJoinRoute:", "OtherJoinRoute:", "UnusedApiKey:", "AlbVpcLinkV2:"] {
        assert!(all.contains(part), "{part}\n{all}");
    }
    let one = text(&[api]).unwrap();
    assert!(["JoinRoute:", "NlbVpcLink:", "PartnerApiKey:", "ClientCertificate:"].iter().all(|part| one.contains(part)), "{one}");
    assert!(!["Other", "Unused", "AlbVpcLinkV2"].iter().any(|part| one.contains(part)), "{one}");
    let other = text(&[other]).unwrap();
    assert!(!["VpcLink", "ApiKey", "Domain", "UsagePlan"].iter().any(|part| other.contains(part)), "{other}");
    assert_eq!(text(&["nothere".to_owned()]), Err(NoSuchApi("nothere".to_owned())));
}
