//! Expansion keeps to the user's lines, and refuses what is no template without falling over.

use std::fs;

use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use stacks::serverless::{self, Given};
use stacks::transforms::{Known, expand};
use stacks::{Map, Node, Place, Value, read};

fn corpus(name: &str) -> String {
    let path = format!("{}/../../corpus/iac/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn known() -> Known {
    Known { parameters: IndexMap::new(), region: "eu-west-1".into(), partition: "aws".into() }
}

/// Values of every kind, one of which is wrong wherever one stands.
fn others() -> Vec<Node> {
    let plain = |text: &str| Node::nowhere(Value::Plain(text.into()));
    let mut others = vec![Node::default(), plain("12"), plain("true"), plain("text")];
    for json in [
        json!(""),
        json!("a-$b/ü"),
        json!("${self:service}"),
        json!([]),
        json!([1, [2]]),
        json!({}),
        json!({"a": null, "b": {}}),
        json!({"Ref": "AWS::NoValue"}),
        json!({"Fn::Sub": ["${x", 1]}),
        json!({"Fn::GetAtt": "A.B"}),
        json!({"Fn::ForEach::X": ["Y", ["1"], {"k": 1}]}),
    ] {
        others.push(Node::of_json(&json));
    }
    others
}

/// How many values there are in a document, itself included.
fn count(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(count).sum(),
        Value::Map(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// The document with another value at a place, counted from the top; or without it.
fn changed(node: &Node, at: &mut usize, other: Option<&Node>) -> Option<Node> {
    if *at == 0 {
        *at = usize::MAX;
        return other.cloned();
    }
    *at -= 1;
    let value = match &node.value {
        Value::List(items) => Value::List(items.iter().filter_map(|item| changed(item, at, other)).collect()),
        Value::Map(map) => {
            let member = |(key, value): (&String, &Node)| Some((key.clone(), changed(value, at, other)?));
            Value::Map(map.iter().filter_map(member).collect::<Map>())
        }
        same => same.clone(),
    };
    Some(Node { value, place: node.place })
}

/// Has every value of a document, one after the other, be of every kind and be missing; gives how often it was refused.
fn everywhere_wrong(document: &Node, mut work: impl FnMut(&Node) -> bool) -> (usize, usize) {
    let (mut refused, mut tried) = (0, 0);
    for at in 0..count(document) {
        for other in others().iter().map(Some).chain([None]) {
            if let Some(document) = changed(document, &mut at.clone(), other) {
                tried += 1;
                refused += usize::from(!work(&document));
            }
        }
    }
    (refused, tried)
}

/// One template with all that is expanded.
fn everything() -> Node {
    let text = "
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Parameters: {Stage: {Type: String, Default: live}, Names: {Type: CommaDelimitedList, Default: 'a,b'}}
Mappings: {M: {x: {y: [c, d]}}}
Globals:
  Function: {Timeout: 3, Environment: {Variables: {A: b}}, Layers: [l]}
  WebSocketApi: {Tags: {a: b}, Domain: {DomainName: x.example.com, CertificateArn: arn}}
Conditions: {'Fn::ForEach::C': [X, [p, q], {'Is${X}': {'Fn::Equals': ['${X}', p]}}]}
Resources:
  F: {Type: AWS::Serverless::Function, IgnoreGlobals: [Layers], Properties: {CodeUri: {Bucket: b, Key: k}, AutoPublishAlias: live, Tags: {t: u}, FunctionUrlConfig: {AuthType: NONE}, Events: {E: {Type: Api}}}}
  G: {Type: AWS::Serverless::Function, Connectors: {}, Metadata: {m: n}, Properties: {CodeUri: src/, Role: r}}
  Ws:
    Type: AWS::Serverless::WebSocketApi
    DependsOn: F
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: !Ref Stage
      PropagateTags: true
      Auth: {AuthType: CUSTOM, AuthArn: !GetAtt F.Arn, IdentitySource: [a]}
      Domain: {BasePath: [v1], Route53: {HostedZoneId: Z, IpV6: true}}
      RouteSettings: {join: {ThrottlingBurstLimit: 1}}
      Routes: {$connect: {FunctionArn: !GetAtt F.Arn, RequestParameters: {p: {Required: true}}}, join: {FunctionArn: !Sub '${G.Arn}'}}
  'Fn::ForEach::R': [Name, !Ref Names, {'Q&{Name}': {Type: T, Properties: {'Fn::ForEach::I': [I, !FindInMap [M, x, y], {'${I}': !Ref Name}]}}}]
Outputs: {S: {Value: !Sub '${Ws.Stage} ${F.Alias}'}}
";
    read::read(text).expect("YAML")
}

#[test]
fn wrong_types_anywhere_are_refused_or_taken_but_nothing_falls_over() {
    let document = everything();
    let sound = expand(&document, &known()).unwrap_or_else(|faults| panic!("{faults:?}")).document.to_json();
    let (refused, tried) = everywhere_wrong(&document, |document| match expand(document, &known()) {
        Ok(_) => true,
        Err(faults) => {
            assert!(!faults.is_empty() && faults.iter().all(|fault| !fault.message.is_empty()));
            false
        }
    });
    assert!(refused * 5 > tried, "{refused} of {tried} were refused");
    assert_eq!(expand(&document, &known()).expect("still sound").document.to_json(), sound);
}

#[test]
fn wrong_types_anywhere_in_a_service_are_refused_or_taken_but_nothing_falls_over() {
    let text = "
service: s
plugins: [a]
params: {default: {p: q}}
custom: {a: '${self:custom.b}', b: {c: '${param:p}'}}
provider: {name: aws, stage: dev, runtime: r, environment: {A: b}, tags: {t: u}, websocketsApiName: n, logs: {websocket: {level: INFO, format: f}}}
functions:
  f: {handler: a.b, timeout: 3, environment: {X: '${self:custom.a.c}'}, events: [{websocket: {route: $connect, authorizer: {name: g, identitySource: [x]}}}, {http: x}]}
  g: {handler: c.d, tags: {a: b}, dependsOn: [X], events: [websocket: join]}
resources: {Resources: {T: {Type: U}}, extensions: {T: {DependsOn: [a], Properties: {p: q}}}}
";
    let document = read::read(text).expect("YAML");
    let none = IndexMap::new();
    let given = Given {
        stage: None,
        region: None,
        account: "1",
        options: &none,
        environment: &none,
        parameters: &none,
        read: &|_| None,
    };
    serverless::read(&document, &given).unwrap_or_else(|faults| panic!("{faults:?}"));
    let (refused, tried) = everywhere_wrong(&document, |document| serverless::read(document, &given).is_ok());
    assert!(refused * 10 > tried, "{refused} of {tried} were refused");
}

#[test]
fn the_fixture_of_sam_is_what_the_translator_made() {
    let document = read::read(&corpus("07-sam-websocketapi.yaml")).expect("YAML");
    let ours = expand(&document, &known()).unwrap_or_else(|faults| panic!("{faults:?}")).document.to_json();
    let theirs: Json = serde_json::from_str(&corpus("07-sam-websocketapi.expanded.json")).expect("JSON");
    for (id, resource) in theirs["Resources"].as_object().expect("resources") {
        if resource["Type"] != "AWS::IAM::Role" {
            assert_eq!(&ours["Resources"][id], resource, "{id}");
        }
    }
    assert_eq!(ours["Outputs"], theirs["Outputs"]);
    assert_eq!(
        ours["Resources"].as_object().map(|all| all.len()),
        theirs["Resources"].as_object().map(|all| all.len())
    );
}

#[test]
fn what_is_made_stands_where_it_was_made_of() {
    let text = "Transform: AWS::Serverless-2016-10-31
Resources:
  Ws:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes:
        join: {FunctionArn: x}
        leave:
          FunctionArn: y
          IntegrationTimeout: 12
";
    let document = expand(&read::read(text).expect("YAML"), &known()).expect("expands").document;
    let resources = document.get("Resources").expect("resources");
    let place = |id: &str| resources.get(id).unwrap_or_else(|| panic!("no {id}")).place;
    assert_eq!(place("Ws").line, 4);
    assert_eq!(place("WsJoinRoute"), Place { line: 8, column: 15 });
    assert_eq!(place("WsLeaveIntegration").line, 10);
    let timeout = resources.get("WsLeaveIntegration").and_then(|made| made.get("Properties")?.get("TimeoutInMillis"));
    assert_eq!(timeout.expect("a timeout").place, Place { line: 11, column: 31 });

    let wrong = text.replace("join: {FunctionArn: x}", "jo-in: {FunctionArn: x}");
    let faults = expand(&read::read(&wrong).expect("YAML"), &known()).expect_err("a key with a dash");
    assert_eq!(faults[0].place, Place { line: 8, column: 16 });
    assert_eq!(faults[0].path, "Resources.Ws.Properties.Routes.jo-in");
}

#[test]
fn globals_that_multiply_are_bounded() {
    let mut document = json!({"Transform": "AWS::Serverless-2016-10-31", "Globals": {"Function": {"Environment": {"Variables": {}}}}, "Resources": {}});
    document["Globals"]["Function"]["Environment"]["Variables"] = json!({"A": "x".repeat(100_000)});
    for number in 0..500 {
        document["Resources"][format!("F{number}")] = json!({"Type": "AWS::Serverless::Function"});
    }
    let faults = expand(&Node::of_json(&document), &known()).expect_err("fifty megabytes");
    assert!(faults.len() == 1 && faults[0].message.contains("megabytes"), "{faults:?}");
}
