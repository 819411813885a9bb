//! A service of the Serverless Framework is read as the template that the framework itself makes of it.

use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};
use stacks::serverless::{Given, Service, is_service};
use stacks::{Fault, Node, Place, read, serverless};

fn corpus(name: &str) -> String {
    let path = format!("{}/../../corpus/iac/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Reads a service whose files are at hand.
fn service(text: &str, files: &[(&str, &str)], stage: Option<&str>) -> Result<Service, Vec<Fault>> {
    let document = read::read(text).expect("YAML");
    assert!(is_service(&document));
    let read = |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
    let none = IndexMap::new();
    let environment = [("TABLE", "t"), ("GREETING", "hello")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment = IndexMap::from_iter(environment);
    let given = Given {
        stage,
        region: None,
        account: "123456789012",
        options: &none,
        environment: &environment,
        parameters: &none,
        read: &read,
    };
    serverless::read(&document, &given)
}

/// The resources of a WebSocket API, with the deployment's hash out of its id wherever it stands.
fn of_websockets(template: &Json) -> Map<String, Json> {
    let deployment = template["Resources"]
        .as_object()
        .expect("resources")
        .keys()
        .find(|id| id.starts_with("WebsocketsDeployment") && *id != "WebsocketsDeploymentStage");
    let text = template["Resources"].to_string().replace(deployment.expect("a deployment"), "Deployment");
    let mut resources: Map<String, Json> = serde_json::from_str(&text).expect("JSON");
    resources.retain(|id, resource| {
        let kind = resource["Type"].as_str().unwrap_or_default();
        kind.starts_with("AWS::ApiGatewayV2::") || kind == "AWS::Lambda::Permission" || id == "WebsocketsLogGroup"
    });
    resources
}

#[test]
fn a_service_becomes_what_the_framework_makes_of_it() {
    let read = service(&corpus("05-serverless.yml"), &[], None).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!((read.name.as_str(), read.stage.as_str(), read.region.as_str()), ("lobby", "dev", "eu-west-1"));
    let (ours, theirs) =
        (read.template.to_json(), serde_json::from_str::<Json>(&corpus("05-serverless.compiled.json")).expect("JSON"));
    let (of_ours, of_theirs) = (of_websockets(&ours), of_websockets(&theirs));
    assert!(of_theirs.len() >= 20, "only {} resources", of_theirs.len());
    for (id, resource) in &of_theirs {
        assert_eq!(of_ours.get(id), Some(resource), "{id}");
    }
    assert_eq!(of_ours.len(), of_theirs.len());
    assert_eq!(ours["Outputs"]["ServiceEndpointWebsocket"], theirs["Outputs"]["ServiceEndpointWebsocket"]);
    for name in ["Auth", "Connect", "Disconnect", "Default", "Join"] {
        let id = format!("{name}LambdaFunction");
        let (mut ours, mut theirs) = (ours["Resources"][&id].clone(), theirs["Resources"][&id].clone());
        assert_eq!(ours["Properties"]["Code"], ".");
        ours["Properties"]["Code"] = Json::Null;
        theirs["Properties"]["Code"] = Json::Null;
        assert_eq!(ours, theirs, "{id}");
        assert_eq!(ours["DependsOn"][0], json!(format!("{name}LogGroup")));
    }
    let log_group = &ours["Resources"]["AuthLogGroup"];
    assert_eq!(log_group, &theirs["Resources"]["AuthLogGroup"]);
}

/// What of a template the cases of `corpus/iac/serverless` have, in their form.
fn compared(mut template: Json) -> Json {
    let resources = template["Resources"].as_object_mut().expect("resources");
    resources.retain(|id, _| !id.starts_with("IamRole"));
    for resource in resources.values_mut().filter(|resource| resource["Type"] == "AWS::Lambda::Function") {
        if let Some(properties) = resource.get_mut("Properties").and_then(Json::as_object_mut) {
            properties.remove("Code");
        }
    }
    template.as_object_mut().expect("a map").remove("AWSTemplateFormatVersion");
    let is_deployment = |id: &&String| id.starts_with("WebsocketsDeployment") && *id != "WebsocketsDeploymentStage";
    let deployment = template["Resources"].as_object().expect("resources").keys().find(is_deployment).cloned();
    let text = template.to_string();
    serde_json::from_str(&deployment.map_or_else(|| text.clone(), |id| text.replace(&id, "Deployment"))).expect("JSON")
}

/// The framework's words and ours.
const MEANINGS: &[(&str, &str)] = &[
    ("Circular invocation", "in a circle"),
    ("Value not found at \"opt\" source", "has no value"),
    ("resolve with non-string value", "stands in a text and is a map"),
    ("Invalid literal source", "not written as a variable"),
    // Its check of the configuration names the property and a page.
    ("configuration-validation.md", "INFO or ERROR"),
    ("\"nobody\"", "there is no function \"nobody\""),
    ("Cannot extend \"None\"", "no such resource to extend"),
];

#[test]
fn services_become_what_the_framework_makes_of_them() {
    let folder = format!("{}/../../corpus/iac/serverless", env!("CARGO_MANIFEST_DIR"));
    let (mut made, mut refused) = (0, 0);
    for entry in std::fs::read_dir(folder).expect("the folder of the cases") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.display();
        let case: Json = serde_json::from_str(&std::fs::read_to_string(&path).expect("a case")).expect("JSON");
        let files: Vec<(&str, &str)> = case["files"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, text)| (name.as_str(), text.as_str().expect("a text")))
            .collect();
        let read = service(case["service"].as_str().expect("a service"), &files, case["stage"].as_str());
        if let Some(theirs) = case.get("compiled") {
            let ours = compared(read.unwrap_or_else(|faults| panic!("{name}: {faults:?}")).template.to_json());
            for (id, resource) in theirs["Resources"].as_object().expect("resources") {
                assert_eq!(ours["Resources"].get(id), Some(resource), "{name}: {id}");
            }
            assert_eq!(&ours, theirs, "{name}");
            made += 1;
            continue;
        }
        let refusal = case["refused"].as_str().expect("a text");
        let faults = read.expect_err(refusal);
        let (_, ours) = MEANINGS
            .iter()
            .find(|(theirs, _)| refusal.contains(theirs))
            .unwrap_or_else(|| panic!("{name}: {refusal:?}"));
        assert!(faults.iter().any(|fault| fault.message.contains(ours)), "{name}: {faults:?} without {ours:?}");
        refused += 1;
    }
    assert!(made >= 25 && refused >= 5, "only {made} and {refused} cases");
}

const EVERYTHING: &str = "
service: {name: chat}
plugins: [serverless-offline]
provider:
  name: aws
  runtime: nodejs20.x
  memorySize: 512
  environment: {TABLE: '${env:TABLE}', STAGE: '${sls:stage}', URL: {'Fn::Sub': 'wss://${WebsocketsApi}.${AWS::Region}'}}
  tags: {team: '${self:custom.team}'}
  logs: {websocket: true}
  iam: {role: {statements: ['${cf:other.Output}']}}
custom:
  team: ${file(config/${sls:stage}.yml):team, 'none'}
  unused: ${ssm:/x}
functions:
  - ${file(functions.yml)}
  - send-it:
      handler: dist/send.handler
      name: sender
      package: {artifact: out.zip}
      condition: IsLive
      tags: {of: own}
      environment: {STAGE: ~, MORE: 1}
      events:
        - websocket: {route: send-it/now, authorizer: {arn: !GetAtt Other.Arn, name: other}}
        - http: {path: /x, method: get}
        - schedule: rate(1 day)
resources:
  - Conditions: {IsLive: !Equals ['${sls:stage}', live]}
    Resources:
      Table: {Type: AWS::DynamoDB::Table, Properties: {Tags: [{Key: a, Value: '${self:service.name}'}]}}
      WebsocketsApi: {Properties: {Name: mine}}
    extensions: {WebsocketsDeploymentStage: {Properties: {StageVariables: {x: y}}}}
  - Outputs: {Url: {Value: !Sub 'https://${WebsocketsApi}/${sls:stage}'}}
";

#[test]
fn variables_files_and_resources_are_put_in() {
    let files = [
        ("config/live.yml", "team: red\n"),
        ("functions.yml", "hello:\n  handler: src/hello.main\n  timeout: 30\n  events:\n    - websocket: $default\n"),
    ];
    let read = service(EVERYTHING, &files, Some("live")).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!(read.files, ["config/live.yml", "functions.yml"]);
    let template = read.template.to_json();
    let resources = &template["Resources"];
    assert_eq!(
        resources["HelloLambdaFunction"]["Properties"],
        json!({
            "Code": ".", "Handler": "src/hello.main", "Runtime": "nodejs20.x", "FunctionName": "chat-live-hello", "MemorySize": 512, "Timeout": 30,
            "Environment": {"Variables": {"TABLE": "t", "STAGE": "live", "URL": {"Fn::Sub": "wss://${WebsocketsApi}.${AWS::Region}"}}},
            "Tags": [{"Key": "team", "Value": "red"}], "Role": {"Fn::GetAtt": ["IamRoleLambdaExecution", "Arn"]},
        })
    );
    let sender = &resources["SendDashitLambdaFunction"];
    assert_eq!(sender["Condition"], "IsLive");
    assert_eq!(sender["Properties"]["FunctionName"], "sender");
    assert_eq!(sender["Properties"]["Code"], "out.zip");
    assert_eq!(sender["Properties"]["Environment"]["Variables"]["MORE"], "1");
    assert_eq!(sender["Properties"]["Environment"]["Variables"].get("STAGE"), None);
    let api = &resources["WebsocketsApi"]["Properties"];
    assert_eq!(
        (&api["Name"], &api["Tags"], &api["Description"]),
        (&json!("mine"), &json!({"team": "red"}), &json!("Serverless Websockets"))
    );
    let stage = &resources["WebsocketsDeploymentStage"]["Properties"];
    assert_eq!((&stage["StageName"], &stage["StageVariables"]), (&json!("live"), &json!({"x": "y"})));
    assert_eq!(stage["DefaultRouteSettings"], json!({"DataTraceEnabled": true, "LoggingLevel": "INFO"}));
    assert_eq!(
        resources["sendDashitSlashnowWebsocketsRoute"]["Properties"]["AuthorizerId"],
        json!({"Ref": "OtherWebsocketsAuthorizer"})
    );
    assert_eq!(
        resources["OtherLambdaPermissionWebsockets"]["Properties"]["FunctionName"],
        json!({"Fn::GetAtt": ["Other", "Arn"]})
    );
    assert_eq!(resources["Table"]["Properties"]["Tags"], json!([{"Key": "a", "Value": "chat"}]));
    assert_eq!(template["Outputs"]["Url"]["Value"], json!({"Fn::Sub": "https://${WebsocketsApi}/live"}));
    assert_eq!(template["Conditions"]["IsLive"], json!({"Fn::Equals": ["live", "live"]}));
    let remarks: Vec<String> = read.remarks.iter().map(ToString::to_string).collect();
    assert!(remarks[0].contains("plugins are not run: serverless-offline"), "{remarks:?}");
    assert!(remarks[1].contains("http, schedule"), "{remarks:?}");
}

#[test]
fn an_api_that_is_there_already_is_deployed_to() {
    let text = "service: s\nprovider: {name: aws, apiGateway: {websocketApiId: abc}}\nfunctions: {f: {handler: a.b, events: [websocket: join]}}\n";
    let template = service(text, &[], None).unwrap_or_else(|faults| panic!("{faults:?}")).template.to_json();
    let resources = template["Resources"].as_object().expect("resources");
    assert!(!resources.contains_key("WebsocketsApi") && !resources.contains_key("WebsocketsDeploymentStage"));
    let (_, deployment) =
        resources.iter().find(|(id, _)| id.starts_with("WebsocketsDeployment")).expect("a deployment");
    assert_eq!(
        deployment["Properties"],
        json!({"ApiId": "abc", "Description": "Serverless Websockets", "StageName": "dev"})
    );
    assert_eq!(resources["FLambdaPermissionWebsockets"]["DependsOn"], json!(["FLambdaFunction"]));
}

#[test]
fn a_deployment_s_id_changes_with_the_api_only() {
    let id = |route: &str, timeout: &str| {
        let text = format!(
            "service: s\nprovider: {{name: aws}}\nfunctions: {{f: {{handler: a.b, timeout: {timeout}, events: [websocket: {route}]}}}}\n"
        );
        let template = service(&text, &[], None).unwrap_or_else(|faults| panic!("{faults:?}")).template.to_json();
        template["Resources"]
            .as_object()
            .expect("resources")
            .keys()
            .find(|id| id.starts_with("WebsocketsDeployment") && !id.ends_with("Stage"))
            .cloned()
    };
    assert_eq!(id("join", "1"), id("join", "2"));
    assert_ne!(id("join", "1"), id("leave", "1"));
}

#[test]
fn what_is_wrong_with_a_service_is_said_at_its_line() {
    let head = "service: s\nprovider: {name: aws}\n";
    for (text, place, part) in [
        ("functions: []\nservice: s\nprovider: {name: google}\n", (3, 18), "only services of the provider aws"),
        ("service: {}\nprovider: {name: aws}\n", (0, 0), "a service needs a name"),
        (&format!("{head}functions: 12\n"), (3, 12), "functions are a map, not a number"),
        (&format!("{head}functions: {{f: {{}}}}\n"), (3, 16), "needs a handler or an image"),
        (
            &format!("{head}functions:\n  f:\n    handler: a.b\n    environment:\n      X: ${{cf:a.b}}\n"),
            (7, 10),
            "npx osls package",
        ),
        (
            &format!("{head}functions:\n  f:\n    handler: a.b\n    events:\n      - websocket: {{}}\n"),
            (7, 20),
            "needs the key of its route",
        ),
        (
            &format!(
                "{head}functions:\n  f:\n    handler: a.b\n    events:\n      - websocket: {{route: $connect, authorizer: nobody}}\n"
            ),
            (7, 20),
            "there is no function \"nobody\"",
        ),
        (
            &format!("{head}functions:\n  f:\n    handler: a.b\n    events:\n      - websocket: 'a b'\n"),
            (7, 20),
            "ids have letters and digits only",
        ),
        (
            &format!(
                "{head}functions: {{f: {{handler: a.b, events: [websocket: x]}}}}\nresources: {{extensions: {{None: {{}}}}}}\n"
            ),
            (4, 32),
            "no such resource to extend",
        ),
    ] {
        let faults = service(text, &[], None).expect_err(part);
        let (line, column) = place;
        let found = faults
            .iter()
            .find(|fault| fault.message.contains(part))
            .unwrap_or_else(|| panic!("{faults:?} without {part:?}"));
        assert_eq!(found.place, Place { line, column }, "{part}");
    }
}

#[test]
fn the_environment_of_a_file_is_asked_for() {
    let files = [(".env.live", "WHO=live\n"), (".env", "WHO=all\nTABLE=file\n")];
    let who = |more: &str, stage: Option<&str>| {
        let text = format!(
            "service: s\nprovider: {{name: aws, stage: \"${{env:STAGE, 'dev'}}\", environment: {{WHO: \"${{env:WHO, 'nobody'}}\", TABLE: \"${{env:TABLE}}\"}}}}\nfunctions: {{f: {{handler: a.b}}}}\n{more}"
        );
        let read = service(&text, &files, stage).unwrap_or_else(|faults| panic!("{faults:?}"));
        let variables =
            &read.template.to_json()["Resources"]["FLambdaFunction"]["Properties"]["Environment"]["Variables"];
        assert_eq!(variables["TABLE"], "t", "what is set counts before a file");
        (variables["WHO"].as_str().expect("a text").to_owned(), read.files.join(" "))
    };
    assert_eq!(who("", None), ("nobody".into(), String::new()));
    assert_eq!(who("useDotenv: true\n", None), ("all".into(), ".env .env.dev".into()));
    assert_eq!(who("useDotenv: true\n", Some("live")), ("live".into(), ".env.live".into()));
}

#[test]
fn a_template_is_no_service() {
    assert!(!is_service(&Node::of_json(&json!({"Resources": {}, "service": 1, "provider": 1}))));
    assert!(!is_service(&Node::default()));
}
