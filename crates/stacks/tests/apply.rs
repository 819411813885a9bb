//! Templates, applied to a control plane in memory.

use std::sync::{Arc, LazyLock};

use control::store::MemoryStore;
use control::{Caller, Control, Settings};
use http::Method;
use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use stacks::locate::Assets;
use stacks::{Action, Applied, Failure, Template, Wanted};
use types::arn::Home;

static NONE: LazyLock<Assets> = LazyLock::new(Assets::default);

fn control() -> Control {
    let home = Home { region: "us-east-1".into(), account_id: "123456789012".into() };
    let settings = Settings::new(home, "localhost:4510".into());
    Control::open(settings, Arc::new(MemoryStore::default()), Box::new(|_, _| {})).unwrap()
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../../corpus/iac/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn wanted<'t>(
    name: &'t str,
    template: &'t Template,
    text: &'t str,
    parameters: &'t IndexMap<String, String>,
) -> Wanted<'t> {
    Wanted {
        name,
        template,
        text,
        file: "t.yaml",
        parameters,
        account: "123456789012",
        region: "us-east-1",
        assets: &NONE,
        is_strict: false,
        now: "2026-01-01T00:00:00.000Z",
    }
}

fn apply_with(control: &Control, text: &str, given: &[(&str, &str)], is_strict: bool) -> Result<Applied, Failure> {
    let template = Template::of(&stacks::read::read(text).unwrap()).map_err(Failure)?;
    let parameters = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let wanted = Wanted { is_strict, ..wanted("chat", &template, text, &parameters) };
    control.batch(&Caller::program(), |batch| stacks::apply(batch, &wanted))
}

fn apply(control: &Control, text: &str) -> Result<Applied, Failure> {
    apply_with(control, text, &[], false)
}

fn read(control: &Control, path: &str) -> Json {
    let request = http::Request::builder().method(Method::GET).uri(path).body(bytes::Bytes::new()).unwrap();
    serde_json::from_slice(control.handle(&Caller::program(), request).body()).unwrap()
}

fn lines(applied: &Applied) -> Vec<String> {
    applied.changes.iter().filter(|change| change.is_done()).map(ToString::to_string).collect()
}

/// What is there, ids and dates aside.
fn everything(control: &Control) -> Json {
    control.export().unwrap()["documents"].clone()
}

#[test]
fn every_fixture_is_applied_and_the_second_time_changes_nothing() {
    for (name, functions, ignored) in [
        ("01-express-vpclink.yaml", 0, 0),
        ("03-authorizer-apikey.json", 0, 0),
        ("04-cdk-chat.template.json", 5, 11),
        ("05-serverless.compiled.json", 6, 11),
        ("07-sam-websocketapi.expanded.json", 2, 2),
    ] {
        let control = control();
        let text = fixture(name);
        let first = apply(&control, &text).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        assert!(first.changes.iter().all(|change| change.action == Action::Create), "{name}");
        assert_eq!((first.functions.len(), first.ignored.len()), (functions, ignored), "{name} {:?}", first.ignored);
        assert_eq!(control.stages().len(), 1, "{name}");
        assert!(control.stages()[0].1, "{name} is deployed");
        let stored = everything(&control);
        let second = apply(&control, &text).unwrap();
        assert_eq!(lines(&second), [""; 0], "{name}");
        let mut after = everything(&control);
        for member in ["status", "updated", "events"] {
            after["stacks/chat"][member] = stored["stacks/chat"][member].clone();
        }
        assert_eq!(after, stored, "{name}");
        let removed = control.batch(&Caller::program(), |batch| stacks::delete(batch, "chat")).unwrap();
        assert_eq!(removed.len(), first.changes.len(), "{name}");
        let left: Vec<String> = everything(&control).as_object().unwrap().keys().cloned().collect();
        assert!(left.iter().all(|path| path == "account/settings"), "{name} {left:?}");
    }
}

/// The resources that the fixtures' evaluation expects are what the control plane has: names, keys and URIs at least.
#[test]
fn the_routes_and_integrations_of_a_fixture_are_those_of_its_expected_result() {
    for name in ["01-express-vpclink", "04-cdk-chat"] {
        let control = control();
        let text = fixture(&format!("{name}.{}", if name.starts_with("01") { "yaml" } else { "template.json" }));
        let applied = apply(&control, &text).unwrap();
        let expected: Json = serde_json::from_str(&fixture(&format!("{name}.expected.json"))).unwrap();
        let api_id = applied.stages[0].0.clone();
        let routes = read(&control, &format!("/v2/apis/{api_id}/routes"))["items"].clone();
        let integrations = read(&control, &format!("/v2/apis/{api_id}/integrations"))["items"].clone();
        let mut seen: Vec<(String, String)> = Vec::new();
        for route in routes.as_array().unwrap() {
            let target = route["target"].as_str().unwrap().strip_prefix("integrations/").unwrap();
            let integration =
                integrations.as_array().unwrap().iter().find(|one| one["integrationId"] == target).unwrap();
            seen.push((
                route["routeKey"].as_str().unwrap().into(),
                integration["integrationType"].as_str().unwrap().into(),
            ));
        }
        let mut wanted: Vec<(String, String)> = Vec::new();
        let resources = expected["resources"].as_object().unwrap();
        for resource in resources.values().filter(|one| one["type"] == "AWS::ApiGatewayV2::Route") {
            let target = resource["properties"]["Target"].as_str().unwrap();
            let logical = target.trim_start_matches("integrations/{{").trim_end_matches("}}");
            let integration = &resources[logical]["properties"]["IntegrationType"];
            wanted.push((
                resource["properties"]["RouteKey"].as_str().unwrap().into(),
                integration.as_str().unwrap().into(),
            ));
        }
        seen.sort();
        wanted.sort();
        assert_eq!(seen, wanted, "{name}");
    }
}

const CHAT: &str = r#"
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Backend:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: HTTP_PROXY
      IntegrationMethod: POST
      IntegrationUri: http://127.0.0.1:3000
      RequestParameters:
        integration.request.header.a: context.connectionId
        integration.request.header.b: "'b'"
  Join:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: join, Target: !Sub "integrations/${Backend}"}
  Deployment:
    Type: AWS::ApiGatewayV2::Deployment
    DependsOn: Join
    Properties: {ApiId: !Ref Api}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: dev, DeploymentId: !Ref Deployment}
Outputs:
  Url: {Value: !GetAtt Api.ApiEndpoint}
  Arn: {Value: !GetAtt Api.ExecuteApiArn}
"#;

#[test]
fn an_update_changes_what_differs_and_keeps_ids() {
    let control = control();
    let first = apply(&control, CHAT).unwrap();
    let api_id = first.stages[0].0.clone();
    assert_eq!(first.record.outputs[0].value, format!("ws://{api_id}.execute-api.localhost:4510"));
    assert_eq!(first.record.outputs[1].value, format!("arn:aws:execute-api:us-east-1:123456789012:{api_id}"));
    assert_eq!(
        lines(&first),
        [
            "+ API chat (Api)",
            "+ integration http://127.0.0.1:3000 (Backend)",
            "+ route join (Join)",
            &format!("+ deployment {} (Deployment)", first.record.resources["Deployment"].physical),
            "+ stage dev (Stage)"
        ]
    );
    let edited =
        CHAT.replace("\"'b'\"", "\"'c'\"").replace("integration.request.header.a: ", "integration.request.header.d: ");
    let second = apply(&control, &edited).unwrap();
    let ids = |applied: &Applied| -> Vec<String> {
        ["Api", "Backend", "Join", "Stage"]
            .iter()
            .map(|logical| applied.record.resources[*logical].physical.clone())
            .collect()
    };
    assert_eq!(ids(&first), ids(&second));
    let deployment = &second.record.resources["Deployment"].physical;
    assert_eq!(
        lines(&second),
        [
            "~ integration http://127.0.0.1:3000 (Backend): requestParameters.integration.request.header.d, requestParameters.integration.request.header.b, requestParameters.integration.request.header.a".to_owned(),
            format!("± deployment {deployment} (Deployment)"),
            "~ stage dev (Stage): deploymentId".to_owned(),
        ]
    );
    assert!(second.remarks.iter().any(|remark| remark.message.contains("new logical id")), "{:?}", second.remarks);
    let integration =
        read(&control, &format!("/v2/apis/{api_id}/integrations/{}", second.record.resources["Backend"].physical));
    assert_eq!(
        integration["requestParameters"],
        json!({"integration.request.header.d": "context.connectionId", "integration.request.header.b": "'c'"})
    );
    // On AWS the deployment stays.
    let strict = apply_with(&control, CHAT, &[], true).unwrap();
    assert_eq!(strict.record.resources["Deployment"].physical, *deployment);
    // The same stack in another store has the same API.
    assert_eq!(apply(&self::control(), CHAT).unwrap().stages[0].0, api_id);
}

#[test]
fn a_stage_that_deploys_itself_can_be_changed() {
    let control = control();
    let template = |word: &str| {
        let api = "{Type: AWS::ApiGatewayV2::Api, Properties: {Name: a, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.a}}";
        format!(
            "Resources:\n  Api: {api}\n  Dev:\n    Type: AWS::ApiGatewayV2::Stage\n    Properties: {{ApiId: !Ref Api, StageName: dev, \
             AutoDeploy: true, StageVariables: {{word: {word}}}}}\n"
        )
    };
    let first = apply(&control, &template("one")).unwrap();
    let path = first.record.resources["Dev"].path.clone();
    let deployment = read(&control, &path)["deploymentId"].clone();
    let second = apply(&control, &template("two")).unwrap();
    assert_eq!(lines(&second), ["~ stage dev (Dev): stageVariables.word"]);
    let stage = read(&control, &path);
    assert_eq!((&stage["stageVariables"]["word"], &stage["deploymentId"]), (&json!("two"), &deployment));
}

#[test]
fn a_route_may_move_to_another_logical_id_and_a_stage_to_another_name() {
    let control = control();
    apply(&control, CHAT).unwrap();
    let moved = CHAT
        .replace("Join:", "JoinRoute:")
        .replace("DependsOn: Join", "DependsOn: JoinRoute")
        .replace("StageName: dev", "StageName: prod");
    let applied = apply(&control, &moved).unwrap();
    let lines = lines(&applied);
    assert!(
        lines.contains(&"+ route join (JoinRoute)".to_owned()) && lines.contains(&"- route join (Join)".to_owned()),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line.starts_with("± stage prod")), "{lines:?}");
    assert_eq!(control.stages().len(), 1);
}

#[test]
fn a_refusal_names_resource_property_and_line_and_nothing_has_changed() {
    let control = control();
    apply(&control, CHAT).unwrap();
    let before = everything(&control);
    for (from, to, path, line, message) in [
        ("RouteKey: join", "RouteKey: $wrong", "Resources.Join.Properties.RouteKey", 18, ""),
        (
            "IntegrationMethod: POST",
            "IntegrationMethd: POST",
            "Resources.Backend.Properties",
            11,
            "did you mean IntegrationMethod?",
        ),
        ("RouteKey: join, ", "", "Resources.Join.Properties", 17, "required key [RouteKey] not found"),
        (
            "IntegrationType: HTTP_PROXY",
            "IntegrationType: [a]",
            "Resources.Backend.Properties.IntegrationType",
            10,
            "a text belongs here, not a list",
        ),
        ("StageName: dev", "StageName: 'd e v'", "Resources.Stage.Properties.StageName", 25, ""),
        ("!Ref Deployment", "nothere", "Resources.Stage.Properties.DeploymentId", 25, ""),
        ("context.connectionId", "nonsense", "Resources.Backend.Properties.RequestParameters", 14, "nonsense"),
    ] {
        let Failure(faults) = apply(&control, &CHAT.replace(from, to)).unwrap_err();
        let fault = &faults[0];
        assert_eq!((fault.path.as_str(), fault.place.line), (path, line), "{from}: {fault:?}");
        assert!(fault.message.contains(message), "{fault}");
    }
    assert_eq!(everything(&control), before);
}

#[test]
fn what_aws_would_do_differently_is_remarked() {
    let control = control();
    let lambda = r#"
Resources:
  Fn:
    Type: AWS::Lambda::Function
    Properties: {Handler: app.handler, Runtime: python3.11, Code: {ZipFile: "x"}, Environment: {Variables: {PORT: 8080}}}
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: $connect, Target: !Sub "integrations/${Integration}"}
  Deployment:
    Type: AWS::ApiGatewayV2::Deployment
    Properties: {ApiId: !Ref Api}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: prod}
"#;
    let applied = apply(&control, lambda).unwrap();
    let remarks: Vec<String> = applied.remarks.iter().map(ToString::to_string).collect();
    for part in [
        "neither a DeploymentId nor AutoDeploy",
        "does not wait for",
        "no AWS::Lambda::Permission lets API Gateway call chat-Fn for route $connect",
    ] {
        assert!(remarks.iter().any(|remark| remark.contains(part)), "{part}: {remarks:#?}");
    }
    assert_eq!(applied.functions[0].environment, [("PORT".to_owned(), "8080".to_owned())]);
    let permitted = lambda.to_owned()
        + r#"
  Permission:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !Ref Fn
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*$connect
"#;
    let applied = apply(&control, &permitted).unwrap();
    assert!(!applied.remarks.iter().any(|remark| remark.message.contains("Permission")), "{:?}", applied.remarks);
}

#[test]
fn stacks_import_what_others_export() {
    let control = control();
    let exporting = CHAT.to_owned() + "  Id: {Value: !Ref Api, Export: {Name: !Sub \"${AWS::StackName}-api\"}}\n";
    let first = apply(&control, &exporting).unwrap();
    for (stack, id) in [
        ("strong", "!ImportValue chat-api"),
        ("weak", "!GetStackOutput {StackName: chat, OutputName: Id, Region: us-east-1}"),
    ] {
        let importing = format!(
            "Resources:\n  Model:\n    Type: AWS::ApiGatewayV2::Model\n    Properties: {{ApiId: {id}, Name: {stack}, Schema: {{type: object}}}}\n"
        );
        let template = Template::of(&stacks::read::read(&importing).unwrap()).unwrap();
        let parameters = IndexMap::new();
        let other = wanted(stack, &template, &importing, &parameters);
        let applied = control.batch(&Caller::program(), |batch| stacks::apply(batch, &other)).unwrap();
        assert_eq!(
            read(
                &control,
                &format!("/v2/apis/{}/models/{}", first.stages[0].0, applied.record.resources["Model"].physical)
            )["schema"],
            "{\"type\":\"object\"}"
        );
    }
}
