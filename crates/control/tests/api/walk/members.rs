//! Every member of every input: sent at creation and in an update, read back, compared.

use serde_json::{Value, json};

use super::model::Model;
use super::{ROUTE_KEY, STAGE, Stand, URI, Walk};

/// What becomes of a member that is sent.
enum Fate {
    /// It is read back as it was sent. Two values that may be sent.
    Kept(Value, Value),
    /// It is refused with 400: HTTP APIs have it.
    Refused,
    /// It has no effect, and is not read back: HTTP APIs have it, and tools send it all the same.
    Ignored,
    /// It can be set when a resource is created, and not later.
    Fixed(Value),
}

use Fate::{Fixed, Ignored, Kept, Refused};

/// The members that need more than a value within their shape's bounds, or fare otherwise than most.
fn fate(noun: &str, member: &str, stand: &Stand) -> Option<Fate> {
    let kept = |one: Value, two: Value| Some(Kept(one, two));
    match (noun, member) {
        ("Api", "apiKeySelectionExpression") => {
            kept(json!("$context.authorizer.usageIdentifierKey"), json!("$request.header.x-api-key"))
        }
        ("Api", "corsConfiguration") => Some(Refused),
        ("Api", "credentialsArn" | "routeKey" | "target") => Some(Ignored),
        ("Api", "protocolType") => Some(Fixed(json!("WEBSOCKET"))),
        (_, "tags") => Some(Fixed(json!({"key": "v".repeat(256)}))),
        ("ApiMapping", "apiId") => kept(json!(stand.api), json!(stand.api)),
        ("ApiMapping", "stage") => kept(json!(STAGE), json!(STAGE)),
        (_, "authorizerCredentialsArn" | "credentialsArn") => {
            kept(json!("arn:aws:iam::1:role/r"), json!("arn:aws:iam::*:user/*"))
        }
        ("Authorizer", "authorizerType") => kept(json!("REQUEST"), json!("REQUEST")),
        ("Authorizer", "authorizerUri") => kept(json!(URI), json!(URI)),
        ("Authorizer", "identitySource") => {
            kept(json!(["route.request.header.A"]), json!(["route.request.querystring.q", "context.apiId"]))
        }
        (
            "Authorizer",
            "authorizerPayloadFormatVersion"
            | "authorizerResultTtlInSeconds"
            | "enableSimpleResponses"
            | "identityValidationExpression"
            | "jwtConfiguration",
        ) => Some(Ignored),
        ("Model", "schema") => kept(json!("{}"), json!("{\"type\":\"string\"}")),
        ("Deployment", "stageName") => Some(Ignored),
        ("DomainName", "domainName") => Some(Fixed(json!("new.example.com"))),
        ("DomainName", "domainNameConfigurations") => {
            let configuration = |arn: &str, address: &str| {
                json!([{
                    "certificateArn": arn, "certificateName": "c", "endpointType": "REGIONAL",
                    "ipAddressType": address, "securityPolicy": "TLS_1_2",
                    "ownershipVerificationCertificateArn": "arn:o",
                }])
            };
            kept(configuration("arn:a", "ipv4"), configuration("arn:b", "dualstack"))
        }
        ("Integration", "integrationSubtype" | "responseParameters" | "tlsConfig") => Some(Refused),
        ("Integration", "connectionId") => kept(json!("one"), json!("two")),
        ("Integration", "integrationMethod") => kept(json!("PUT"), json!("GET")),
        ("Integration", "integrationType") => kept(json!("HTTP"), json!("HTTP_PROXY")),
        ("Integration", "integrationUri") => kept(json!("http://a"), json!("https://b/${stageVariables.v}")),
        ("Integration", "payloadFormatVersion") => kept(json!("1.0"), json!("1.0")),
        ("Integration", "requestParameters") => kept(
            json!({"integration.request.header.h": "'v'"}),
            json!({"integration.request.header.h": "route.request.body.x"}),
        ),
        ("Integration", "timeoutInMillis") => kept(json!(50), json!(29_000)),
        ("IntegrationResponse", "integrationResponseKey") => kept(json!("/2../"), json!("/3../")),
        ("IntegrationResponse", "responseParameters") => kept(
            json!({"method.response.header.h": "'v'"}),
            json!({"method.response.header.h": "integration.response.header.x"}),
        ),
        ("Model", "name") => kept(json!("Name1"), json!("N".repeat(128))),
        ("Route", "authorizationScopes") => Some(Refused),
        ("Route", "authorizationType") => kept(json!("AWS_IAM"), json!("NONE")),
        ("Route", "authorizerId") => kept(json!(stand.authorizer), json!(stand.authorizer)),
        ("Route", "requestParameters") => kept(
            json!({"route.request.header.h": {"required": true}}),
            json!({"route.request.header.h": {"required": false}}),
        ),
        ("Route", "routeKey") => kept(json!("$default"), json!("any text")),
        ("Route", "target") => {
            let target = json!(format!("integrations/{}", stand.integration));
            kept(target.clone(), target)
        }
        ("RouteResponse", "routeResponseKey") => kept(json!("$default"), json!("$default")),
        ("Stage", "accessLogSettings") => {
            let settings = |format: &str| json!({"destinationArn": "arn:aws:logs:r:1:log-group:g", "format": format});
            kept(settings("$context.requestId"), settings("$context.extendedRequestId"))
        }
        ("Stage", "clientCertificateId") => kept(json!(stand.certificate), json!(stand.certificate)),
        ("Stage", "deploymentId") => kept(json!(stand.deployment), json!(stand.deployment)),
        ("Stage", "defaultRouteSettings") => kept(settings("ERROR"), settings("INFO")),
        ("Stage", "routeSettings") => kept(json!({ROUTE_KEY: settings("ERROR")}), json!({ROUTE_KEY: settings("OFF")})),
        ("Stage", "stageName") => Some(Fixed(json!("new"))),
        ("Stage", "stageVariables") => kept(json!({"key": "a.b:1"}), json!({"key": "v".repeat(512)})),
        ("VpcLink", "securityGroupIds" | "subnetIds") => Some(Fixed(json!(["a", "b"]))),
        _ => None,
    }
}

fn settings(level: &str) -> Value {
    json!({
        "dataTraceEnabled": true, "detailedMetricsEnabled": true, "loggingLevel": level, "throttlingBurstLimit": 1,
        "throttlingRateLimit": 2.5,
    })
}

/// The least that creates another resource of a kind; with the parameters of its collection's path.
fn least(noun: &str, stand: &Stand, number: usize) -> (Vec<String>, Value) {
    let api = vec![stand.api.clone()];
    match noun {
        "Api" => (vec![], json!({"name": "n", "protocolType": "WEBSOCKET", "routeSelectionExpression": "a"})),
        "ApiMapping" => {
            let key = format!("key{number}");
            (vec![stand.domain.clone()], json!({"apiId": stand.api, "stage": STAGE, "apiMappingKey": key}))
        }
        "Authorizer" => {
            let name = format!("name{number}");
            (api, json!({"authorizerType": "REQUEST", "authorizerUri": URI, "identitySource": [], "name": name}))
        }
        "Deployment" => (api, json!({})),
        "DomainName" => {
            (vec![], json!({"domainName": format!("d{number}.example.com"), "domainNameConfigurations": [{}]}))
        }
        "Integration" => (
            api,
            json!({
                "integrationType": "HTTP", "integrationMethod": "POST", "integrationUri": "http://h",
                "connectionId": "c",
            }),
        ),
        "IntegrationResponse" => (
            vec![stand.api.clone(), stand.integration.clone()],
            json!({"integrationResponseKey": format!("/{number}/")}),
        ),
        "Model" => (api, json!({"name": format!("M{number}"), "schema": "{}"})),
        "Route" => (api, json!({"routeKey": format!("key{number}")})),
        "RouteResponse" => (vec![stand.api.clone(), stand.route.clone()], json!({"routeResponseKey": "$default"})),
        "Stage" => (api, json!({"stageName": format!("s{number}")})),
        "VpcLink" => (vec![], json!({"name": "n", "subnetIds": ["s"]})),
        other => panic!("no kind {other}"),
    }
}

fn id_member(noun: &str) -> String {
    match noun {
        "Stage" => "stageName".into(),
        "DomainName" => "domainName".into(),
        _ => format!("{}{}Id", noun[..1].to_lowercase(), &noun[1..]),
    }
}

/// Everything that was sent is there; defaults may stand beside it.
fn holds(answer: &Value, sent: &Value) -> bool {
    match (answer, sent) {
        (Value::Object(answer), Value::Object(sent)) => {
            sent.iter().all(|(name, sent)| answer.get(name).is_some_and(|answer| holds(answer, sent)))
        }
        (Value::Array(answer), Value::Array(sent)) => {
            answer.len() == sent.len() && answer.iter().zip(sent).all(|(answer, sent)| holds(answer, sent))
        }
        (answer, sent) => answer == sent,
    }
}

const NOUNS: &[&str] = &[
    "Api",
    "ApiMapping",
    "Authorizer",
    "Deployment",
    "DomainName",
    "Integration",
    "IntegrationResponse",
    "Model",
    "Route",
    "RouteResponse",
    "Stage",
    "VpcLink",
];

/// Makes a resource, gives what to read it by and its answer.
struct Made {
    params: Vec<String>,
    answer: Value,
}

impl Walk {
    #[track_caller]
    fn create(&self, noun: &str, stand: &Stand, number: usize, more: &[(&str, &Value)]) -> Result<Made, u16> {
        if noun == "RouteResponse" {
            // There is room for one.
            let params = [stand.api.as_str(), stand.route.as_str()];
            let known = self.ok("GetRouteResponses", &params, Value::Null);
            for response in known["items"].as_array().unwrap() {
                let id = response["routeResponseId"].as_str().unwrap();
                self.ok("DeleteRouteResponse", &[params[0], params[1], id], Value::Null);
            }
        }
        let (mut params, mut body) = least(noun, stand, number);
        for (member, value) in more {
            body[*member] = (*value).clone();
            if **value == "AWS_IAM" {
                body["routeKey"] = json!("$connect");
            }
        }
        let strs: Vec<&str> = params.iter().map(String::as_str).collect();
        let (status, answer) = self.call(&format!("Create{noun}"), &strs, "", body);
        if status >= 300 {
            return Err(status);
        }
        params.push(answer[id_member(noun)].as_str().unwrap().to_owned());
        Ok(Made { params, answer })
    }

    #[track_caller]
    fn read(&self, noun: &str, made: &Made) -> Value {
        let params: Vec<&str> = made.params.iter().map(String::as_str).collect();
        self.ok(&format!("Get{noun}"), &params, Value::Null)
    }

    fn drop(&self, noun: &str, made: &Made) {
        let params: Vec<&str> = made.params.iter().map(String::as_str).collect();
        self.ok(&format!("Delete{noun}"), &params, Value::Null);
    }
}

#[test]
fn every_member_of_every_input_is_kept_refused_or_ignored_as_it_should_be() {
    let walk = Walk::new(Model::v2());
    let stand = Stand::new(&walk);
    let mut sent = 0;
    for noun in NOUNS {
        for (number, (member, shape)) in walk.model.body_members(&format!("Create{noun}")).iter().enumerate() {
            let at = format!("Create{noun} {member}");
            let values = |variants: [usize; 2]| variants.map(|variant| walk.model.value(shape, variant));
            let fate = fate(noun, member, &stand).unwrap_or_else(|| {
                let [one, two] = values([0, 2]);
                Kept(one, two)
            });
            let value = match &fate {
                Kept(one, _) | Fixed(one) => one.clone(),
                Refused | Ignored => walk.model.value(shape, 0),
            };
            let value = if at == "CreateDeployment stageName" { json!(STAGE) } else { value };
            let made = walk.create(noun, &stand, number, &[(member, &value)]);
            sent += 1;
            match (&fate, made) {
                (Refused, made) => assert_eq!(made.err(), Some(400), "{at} {value}"),
                (Ignored, Ok(made)) => {
                    assert!(made.answer.get(member).is_none(), "{at} is answered: {}", made.answer);
                    walk.drop_if_free(noun, &made);
                }
                (_, Ok(made)) => {
                    assert!(holds(&made.answer[member], &value), "{at}: sent {value}, answered {}", made.answer);
                    assert_eq!(walk.read(noun, &made)[member], made.answer[member], "{at} as it is read");
                    walk.drop(noun, &made);
                }
                (_, Err(status)) => panic!("{at} {value}: {status}"),
            }
        }
        for (number, (member, shape)) in walk.model.body_members(&format!("Update{noun}")).iter().enumerate() {
            let at = format!("Update{noun} {member}");
            let made = walk.create(noun, &stand, 1000 + number, &[]).unwrap_or_else(|status| panic!("{at}: {status}"));
            let params: Vec<&str> = made.params.iter().map(String::as_str).collect();
            let fate = fate(noun, member, &stand)
                .unwrap_or_else(|| Kept(walk.model.value(shape, 1), walk.model.value(shape, 2)));
            let values = match &fate {
                Kept(one, two) => vec![one.clone(), two.clone()],
                Refused | Ignored => vec![walk.model.value(shape, 0)],
                Fixed(_) => panic!("{at} can be changed"),
            };
            for value in values {
                let mut body = json!({member: value});
                if *noun == "ApiMapping" {
                    body["apiId"] = json!(stand.api);
                }
                if *noun == "Route" && value == "AWS_IAM" {
                    body["routeKey"] = json!("$connect");
                }
                let (status, answer) = walk.call(&format!("Update{noun}"), &params, "", body);
                sent += 1;
                match &fate {
                    Refused => assert_eq!(status, 400, "{at}"),
                    Ignored => assert!(answer.get(member).is_none(), "{at} is answered"),
                    _ => {
                        assert!(
                            status < 300 && holds(&answer[member], &value),
                            "{at}: sent {value}, answered {answer}"
                        );
                        assert_eq!(walk.read(noun, &made)[member], answer[member], "{at} as it is read");
                    }
                }
            }
            walk.drop(noun, &made);
        }
    }
    assert!(sent > 150, "the models have more members than {sent}");
}

#[test]
fn a_value_beyond_the_bounds_of_its_shape_is_refused_at_creation_and_later() {
    let walk = Walk::new(Model::v2());
    let stand = Stand::new(&walk);
    let mut refused = 0;
    for noun in NOUNS {
        let made = walk.create(noun, &stand, 5000, &[]).unwrap_or_else(|status| panic!("{noun}: {status}"));
        let params: Vec<&str> = made.params.iter().map(String::as_str).collect();
        for (operation, number) in [(format!("Create{noun}"), 1), (format!("Update{noun}"), 2)] {
            for (member, shape) in walk.model.body_members(&operation) {
                let ignored = matches!(fate(noun, &member, &stand), Some(Ignored));
                let Some(value) = walk.model.beyond(&shape).filter(|_| !ignored) else { continue };
                let before = walk.read(noun, &made);
                let status = if number == 1 {
                    let (params, mut body) = least(noun, &stand, 6000);
                    body[&member] = value;
                    let params: Vec<&str> = params.iter().map(String::as_str).collect();
                    walk.call(&operation, &params, "", body).0
                } else {
                    let body = json!({"apiId": stand.api, member.as_str(): value});
                    walk.call(&operation, &params, "", body).0
                };
                // A stage of a longer name than there can be is not there.
                let expected = if *noun == "ApiMapping" && member == "stage" { 400..=404 } else { 400..=400 };
                assert!(expected.contains(&status), "{operation} {member}: {status}");
                assert_eq!(walk.read(noun, &made), before, "{operation} {member}");
                refused += 1;
            }
        }
        walk.drop(noun, &made);
    }
    assert!(refused > 60, "{refused} bounds");
}

impl Walk {
    /// Deletes what was made; a deployment that a stage took stays.
    fn drop_if_free(&self, noun: &str, made: &Made) {
        let params: Vec<&str> = made.params.iter().map(String::as_str).collect();
        let (status, _) = self.call(&format!("Delete{noun}"), &params, "", Value::Null);
        assert!(status < 300 || noun == "Deployment", "{noun}");
    }
}
