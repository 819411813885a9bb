//! Every text that says no, as AWS words it.

use http::Method;
use serde_json::{Value, json};

use crate::gateway::{Gateway, id};

const BAD: (u16, &str) = (400, "BadRequestException");
const GONE: (u16, &str) = (404, "NotFoundException");
const TAKEN: (u16, &str) = (409, "ConflictException");

/// One refused call: method, path, body, status and name, message.
type Case<'a> = (&'a str, String, Value, (u16, &'a str), &'a str);

#[track_caller]
fn check(gateway: &Gateway, cases: Vec<Case>) {
    for (method, path, body, (status, name), message) in cases {
        gateway.check_refused(method, &path, body, status, name, message);
    }
}

#[test]
fn resources_that_are_not_there() {
    let gateway = Gateway::new();
    let api = gateway.api_with_route();
    let absent = "Invalid API identifier specified 000000000000:nothere";
    check(
        &gateway,
        vec![
            ("GET", "/v2/apis/nothere".into(), json!(null), GONE, absent),
            ("PATCH", "/v2/apis/nothere".into(), json!({}), GONE, absent),
            ("POST", "/v2/apis/nothere/routes".into(), json!({"routeKey": "a"}), GONE, absent),
            ("GET", "/v2/apis/nothere/stages/dev".into(), json!(null), GONE, absent),
            ("POST", "/v2/apis/nothere/deployments".into(), json!({}), GONE, absent),
            ("GET", format!("{api}/routes/x"), json!(null), GONE, "Invalid Route identifier specified"),
            ("GET", format!("{api}/routes/x/routeresponses"), json!(null), GONE, "Invalid Route identifier specified"),
            ("GET", format!("{api}/integrations/x"), json!(null), GONE, "Invalid Integration identifier specified"),
            ("GET", format!("{api}/models/x"), json!(null), GONE, "Invalid Model identifier specified"),
            ("GET", format!("{api}/authorizers/x"), json!(null), GONE, "Invalid Authorizer identifier specified"),
            ("GET", format!("{api}/stages/x"), json!(null), GONE, "Invalid stage identifier specified"),
            ("GET", format!("{api}/deployments/x"), json!(null), GONE, "Invalid deployment identifier specified"),
            (
                "POST",
                format!("{api}/deployments"),
                json!({"stageName": "x"}),
                BAD,
                "Invalid stage identifier specified",
            ),
            (
                "POST",
                format!("{api}/stages"),
                json!({"stageName": "x", "deploymentId": "x"}),
                BAD,
                "Invalid deployment identifier specified",
            ),
            (
                "POST",
                format!("{api}/routes"),
                json!({"routeKey": "x", "target": "integrations/x"}),
                BAD,
                "Invalid Integration identifier specified",
            ),
        ],
    );
}

#[test]
fn apis() {
    let gateway = Gateway::new();
    let with = |member: &str, value: Value| {
        let mut api = json!({"name": "n", "protocolType": "WEBSOCKET", "routeSelectionExpression": "a"});
        api[member] = value;
        api
    };
    let case = |body: Value, message| ("POST", "/v2/apis".to_owned(), body, BAD, message);
    let protocol = "Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]";
    let tags =
        "A resource can have 50 tags; keys have 1 to 128 characters and do not start with aws:, values have up to 256";
    let many: Value = (0..51).map(|n| (n.to_string(), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    check(
        &gateway,
        vec![
            case(with("name", Value::Null), "Invalid API name specified"),
            case(with("name", json!("")), "Invalid API name specified"),
            case(with("name", json!("n".repeat(129))), "Invalid API name specified"),
            case(with("protocolType", json!("TCP")), protocol),
            case(with("protocolType", Value::Null), protocol),
            case(
                with("protocolType", json!("HTTP")),
                "Gatewright serves WebSocket APIs only; protocolType must be WEBSOCKET",
            ),
            case(with("protocolType", json!(1)), "member `protocolType` must be a string"),
            case(with("routeSelectionExpression", Value::Null), "Invalid routeSelectionExpression"),
            case(with("apiKeySelectionExpression", json!("x")), "Invalid apiKeySelectionExpression"),
            case(
                with("corsConfiguration", json!({"allowOrigins": ["*"]})),
                "Cors is not supported for WEBSOCKET protocolType",
            ),
            case(with("version", json!("v".repeat(65))), "member `version` must be 1 to 64 characters long"),
            case(
                with("ipAddressType", json!("ipv6")),
                "Invalid ipAddressType specified. Must be one of [ipv4, dualstack]",
            ),
            case(with("tags", json!({"aws:x": "y"})), tags),
            case(with("tags", json!({"x": "y".repeat(257)})), tags),
            case(with("tags", json!({"x".repeat(129): "y"})), tags),
            case(with("tags", many), tags),
            case(with("tags", json!(["x"])), "member `tags` must be an object"),
        ],
    );
    gateway.check("GET", "/v2/apis", Value::Null, 200, json!({"items": []}));
}

#[test]
fn an_expression_that_selects_nothing_is_refused_wherever_it_stands() {
    let gateway = Gateway::new();
    let api = gateway.api();
    let route = gateway.make(&format!("{api}/routes"), json!({"routeKey": "say"}), "routeId");
    let mock = gateway.make(&format!("{api}/integrations"), json!({"integrationType": "MOCK"}), "integrationId");
    let responses = format!("{mock}/integrationresponses");
    let response = gateway.make(&responses, json!({"integrationResponseKey": "$default"}), "integrationResponseId");
    for (path, member) in [
        (&api, "routeSelectionExpression"),
        (&route, "modelSelectionExpression"),
        (&mock, "templateSelectionExpression"),
        (&response, "templateSelectionExpression"),
    ] {
        let before = gateway.ok("GET", path, Value::Null);
        for wrong in ["${request.body.a", "$request.body[", "$"] {
            let (status, answer) = gateway.call("PATCH", path, json!({member: wrong}));
            let message = answer["message"].as_str().unwrap();
            assert_eq!(status, 400, "{member} {wrong}");
            assert!(message.starts_with(&format!("Invalid {member}: `${}", &wrong[1..])), "{wrong}: {message}");
        }
        gateway.check("GET", path, Value::Null, 200, before);
        gateway.ok("PATCH", path, json!({member: "${request.body.a}-\\$x"}));
    }
    gateway.ok("PATCH", &response, json!({"templateSelectionExpression": "$integration.response.statuscode"}));
    let known = "$request.body and what is in it";
    let of_response = "$integration.response.statuscode, $integration.response.header.NAME and \
                       $integration.response.multivalueheader.NAME";
    let end = "; a dollar that is text is written \\$";
    for (path, member, wrong, told) in [
        (&api, "routeSelectionExpression", "a${x", "`${x` has no closing brace".to_owned()),
        (
            &mock,
            "templateSelectionExpression",
            "$a",
            format!("`$a` is no variable here: there are {known}, such as $request.body.action{end}"),
        ),
        (
            &response,
            "templateSelectionExpression",
            "$request.header.x",
            format!("`$request.header.x` is no variable here: there are {known}, {of_response}{end}"),
        ),
    ] {
        let told = format!("Invalid {member}: {told}");
        gateway.check_refused("PATCH", path, json!({ member: wrong }), 400, "BadRequestException", &told);
    }
}

#[test]
fn routes() {
    let gateway = Gateway::new();
    let api = gateway.api();
    let routes = format!("{api}/routes");
    gateway.make(&routes, json!({"routeKey": "$connect"}), "routeId");
    let other = gateway.make(&routes, json!({"routeKey": "other"}), "routeId");
    let case = |body: Value, kind, message| ("POST", routes.clone(), body, kind, message);
    let target = "Unexpected or malformed target in route. Correct format should be integrations/<integration_id>.";
    let connect_only = "Currently, authorization is restricted to the $connect route only";
    let authorizer = "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or \
                      COGNITO_USER_POOLS requires a valid authorizer.";
    let taken = "Route with key $connect already exists for this API";
    check(
        &gateway,
        vec![
            case(json!({}), BAD, "RouteKey is a required field in a Route"),
            case(json!({"routeKey": "$getauthorized"}), BAD, "The provided route key is not formatted properly"),
            case(json!({"routeKey": "$connect"}), TAKEN, taken),
            ("PATCH", other.clone(), json!({"routeKey": "$connect"}), TAKEN, taken),
            case(json!({"routeKey": "x", "target": "abc"}), BAD, target),
            case(json!({"routeKey": "x", "target": "integrations/"}), BAD, target),
            case(json!({"routeKey": "x", "target": "integrations/a/b"}), BAD, target),
            case(json!({"routeKey": "x", "authorizationType": "AWS_IAM"}), BAD, connect_only),
            case(json!({"routeKey": "x", "authorizationType": "CUSTOM"}), BAD, connect_only),
            ("PATCH", other, json!({"authorizationType": "CUSTOM"}), BAD, connect_only),
            case(json!({"routeKey": "$connect", "authorizationType": "CUSTOM"}), BAD, authorizer),
            case(json!({"routeKey": "$connect", "authorizationType": "CUSTOM", "authorizerId": "x"}), BAD, authorizer),
            case(
                json!({"routeKey": "$connect", "authorizationType": "JWT"}),
                BAD,
                "Authorization type JWT is not supported for WEBSOCKET protocolType",
            ),
            case(
                json!({"routeKey": "x", "authorizationScopes": ["a"]}),
                BAD,
                "Authorization Scopes are only valid for COGNITO_USER_POOLS and JWT authorization type",
            ),
            case(
                json!({"routeKey": "x", "requestParameters": {"route.request.body": {}}}),
                BAD,
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : \
                 [Invalid mapping expression parameter specified: route.request.body]",
            ),
        ],
    );
}

#[test]
fn integrations() {
    let gateway = Gateway::new();
    let api = gateway.api();
    let with = |member: &str, value: Value| {
        let mut body =
            json!({"integrationType": "HTTP_PROXY", "integrationMethod": "POST", "integrationUri": "http://h"});
        body[member] = value;
        body
    };
    let case = |body: Value, message| ("POST", format!("{api}/integrations"), body, BAD, message);
    let timeout = "Timeout should be between 50 ms and 29000 ms";
    let arn = "AWS ARN for integration must contain path or action";
    let http = "Invalid HTTP endpoint specified for URI";
    check(
        &gateway,
        vec![
            case(json!({}), "IntegrationType is a required field in an Integration"),
            case(
                with("integrationType", json!("TCP")),
                "Invalid integrationType specified. Must be one of [AWS, AWS_PROXY, HTTP, HTTP_PROXY, MOCK]",
            ),
            case(with("timeoutInMillis", json!(49)), timeout),
            case(with("timeoutInMillis", json!(29001)), timeout),
            case(with("timeoutInMillis", json!("50")), "member `timeoutInMillis` must be a number"),
            case(with("integrationMethod", Value::Null), "Enumeration value for HttpMethod must be non-empty"),
            case(with("integrationUri", json!("")), http),
            case(with("integrationUri", json!("ftp://h")), http),
            case(with("integrationUri", json!("http://")), http),
            case(json!({"integrationType": "AWS_PROXY"}), arn),
            case(json!({"integrationType": "AWS", "integrationUri": "arn:aws:apigateway:us-east-1:sqs:x/y"}), arn),
            case(
                json!({"integrationType": "AWS", "integrationUri": "http://h"}),
                "Invalid ARN specified in the request",
            ),
            case(with("payloadFormatVersion", json!("2.0")), "Unsupported PayloadFormatVersion: 2.0"),
            case(
                with("connectionType", json!("VPC_LINK")),
                "ConnectionId must be set to vpcLinkId for ConnectionType VPC_LINK",
            ),
            case(with("tlsConfig", json!({"a": "b"})), "TlsConfig is not supported for WEBSOCKET protocolType"),
            case(
                with("integrationSubtype", json!("SQS-SendMessage")),
                "IntegrationSubtype is not supported for WEBSOCKET protocolType",
            ),
            case(
                with("responseParameters", json!({"200": {"a": "b"}})),
                "ResponseParameters of an Integration is not supported for WEBSOCKET protocolType",
            ),
            case(
                with("requestParameters", json!({"integration.request.header.x": "route.request.body.a['x"})),
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : \
                 [Invalid mapping expression specified: route.request.body.a['x]",
            ),
            case(
                with("requestParameters", json!({"integration.request.body.x": "'a'"})),
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : \
                 [Invalid mapping expression parameter specified: integration.request.body.x]",
            ),
            case(
                with(
                    "requestParameters",
                    json!({"integration.request.header.x": "a", "integration.request.path.y": "context.", "z": "'a'"}),
                ),
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : \
                 [Invalid mapping expression specified: a, Invalid mapping expression specified: context., \
                 Invalid mapping expression parameter specified: z]",
            ),
            case(
                with("requestTemplates", json!({"a": "x".repeat(32 * 1024 + 1)})),
                "member `requestTemplates.a` must be at most 32768 characters long",
            ),
        ],
    );
}

#[test]
fn every_documented_mapping_is_taken() {
    let gateway = Gateway::new();
    let integrations = format!("{}/integrations", gateway.api());
    for source in [
        "'static'",
        "''",
        "context.connectionId",
        "context.authorizer.a-b",
        "stageVariables.x",
        "route.request.body",
        "route.request.body.user.name",
        "route.request.body.list[0]",
        "route.request.header.X-A",
        "route.request.querystring.q",
        "route.request.multivalueheader.h",
        "route.request.multivaluequerystring.q",
        "method.request.header.x",
    ] {
        for target in ["header.x", "querystring.x", "path.x"] {
            let body = json!({
                "integrationType": "MOCK", "requestParameters": {format!("integration.request.{target}"): source}
            });
            gateway.ok("POST", &integrations, body);
        }
    }
}

#[test]
fn responses_models_and_authorizers() {
    let gateway = Gateway::new();
    let api = gateway.api_with_route();
    let mock = gateway.make(&format!("{api}/integrations"), json!({"integrationType": "MOCK"}), "integrationId");
    let route = gateway.make(&format!("{api}/routes"), json!({"routeKey": "r"}), "routeId");
    gateway.ok("POST", &format!("{route}/routeresponses"), json!({"routeResponseKey": "$default"}));
    gateway.ok("POST", &format!("{mock}/integrationresponses"), json!({"integrationResponseKey": "/a/"}));
    gateway.ok("POST", &format!("{api}/models"), json!({"name": "M", "schema": "{}"}));
    let authorizer = json!({"name": "a", "authorizerType": "REQUEST", "authorizerUri": "u"});
    gateway.ok("POST", &format!("{api}/authorizers"), authorizer.clone());
    let auth = |member: &str, value: Value| {
        let mut body = authorizer.clone();
        body["name"] = json!("b");
        body[member] = value;
        ("POST", format!("{api}/authorizers"), body)
    };
    let case = |(method, path, body), kind, message| (method, path, body, kind, message);
    let response = |key: &str| ("POST", format!("{route}/routeresponses"), json!({"routeResponseKey": key}));
    let integration_response =
        |key: &str| ("POST", format!("{mock}/integrationresponses"), json!({"integrationResponseKey": key}));
    let model = |name: &str| ("POST", format!("{api}/models"), json!({"name": name, "schema": "{}"}));
    let schema = |schema: &str| ("POST", format!("{api}/models"), json!({"name": "N", "schema": schema}));
    let no_schema = |told: &str| {
        format!(
            "Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified. {told}]"
        )
    };
    let unknown = no_schema(r#"Unsupported keyword(s): ["a", "b"]"#);
    let wrong = no_schema("#/minLength must be a whole number from 0");
    let no_json = no_schema("It is no JSON: expected value at line 1 column 1");
    let form = "The provided integration response key is not formatted properly. It must be $default or /expression/.";
    check(
        &gateway,
        vec![
            case(response("x"), BAD, "Currently, only $default is supported as a RouteResponseKey."),
            case(response("$default"), TAKEN, "RouteResponse with key $default already exists for this Route"),
            case(integration_response("2.."), BAD, form),
            case(integration_response("//"), BAD, form),
            case(
                integration_response("/a/"),
                TAKEN,
                "IntegrationResponse with key /a/ already exists for this Integration",
            ),
            case(model("a-b"), BAD, "Model name must be alphanumeric: a-b"),
            case(schema(r#"{"minLength":"1","a":1,"not":{"b":1}}"#), BAD, &unknown),
            case(schema(r#"{"minLength":"1","maxLength":"1"}"#), BAD, &wrong),
            case(schema("x"), BAD, &no_json),
            case(model("M"), TAKEN, "Model with name M already exists for this API"),
            case(("POST", format!("{api}/models"), json!({"name": "N"})), BAD, "Schema is a required field in a Model"),
            case(
                auth("authorizerType", Value::Null),
                BAD,
                "Invalid request input. CreateAuthorizer input is missing authorizer type.",
            ),
            case(
                auth("authorizerType", json!("JWT")),
                BAD,
                "Only REQUEST authorizer type is supported on WEBSOCKET protocol Apis.",
            ),
            case(auth("authorizerUri", json!("")), BAD, "AuthorizerUri is a required field in an Authorizer"),
            case(
                auth("identitySource", json!(["$request.header.X"])),
                BAD,
                "Invalid request identity source expression: $request.header.X",
            ),
            case(auth("identitySource", json!("x")), BAD, "member `identitySource` must be a list of strings"),
            case(
                auth("name", json!("a")),
                BAD,
                "Authorizer name must be unique. Authorizer a already exists in this RestApi.",
            ),
        ],
    );
}

#[test]
fn stages_and_deployments() {
    let gateway = Gateway::new();
    let bare = gateway.api();
    let api = gateway.api_with_route();
    let deployment = gateway.make(&format!("{api}/deployments"), json!({}), "deploymentId");
    let deployment = id(&deployment).to_owned();
    gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "used", "deploymentId": deployment}));
    gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "auto", "autoDeploy": true}));
    let with = |member: &str, value: Value| {
        let mut body = json!({"stageName": "dev"});
        body[member] = value;
        ("POST", format!("{api}/stages"), body)
    };
    let case = |(method, path, body), kind, message| (method, path, body, kind, message);
    let name = "Stage name only allows a-zA-Z0-9_";
    let auto = "The deployment of a stage cannot be chosen while autoDeploy is enabled for it";
    let variable = "Stage variable names only allow a-zA-Z0-9_ and values only allow a-zA-Z0-9 and -._~:/?#&=,";
    check(
        &gateway,
        vec![
            case(with("stageName", json!("a b")), BAD, name),
            case(with("stageName", json!("$defaults")), BAD, name),
            case(with("stageName", Value::Null), BAD, name),
            case(with("stageName", json!("s".repeat(129))), BAD, name),
            case(with("stageName", json!("used")), TAKEN, "Stage already exists"),
            case(
                with("routeSettings", json!({"first": {}, "nowhere": {}})),
                GONE,
                "Unable to find Route by key nowhere within the provided RouteSettings",
            ),
            (
                "DELETE",
                format!("{api}/stages/used/routesettings/nowhere"),
                json!(null),
                GONE,
                "Unable to find Route by key nowhere within the provided RouteSettings",
            ),
            case(
                with("accessLogSettings", json!({"format": "{\n\"id\":\"$context.requestId\"}"})),
                BAD,
                "Access Log format must be single line",
            ),
            case(
                with("accessLogSettings", json!({"destinationArn": "/aws/x"})),
                BAD,
                "Invalid ARN specified in the request",
            ),
            case(
                with("accessLogSettings", json!({"destinationArn": "arn:aws:s3:::bucket"})),
                BAD,
                "Invalid ARN specified in the request",
            ),
            case(
                with("accessLogSettings", json!({"format": "$context.stage"})),
                BAD,
                "Access Log format must include either $context.requestId or $context.extendedRequestId",
            ),
            case(with("stageVariables", json!({"a-b": "x"})), BAD, variable),
            case(with("stageVariables", json!({"a": "x y"})), BAD, variable),
            ("POST", format!("{api}/deployments"), json!({"stageName": "auto"}), BAD, auto),
            ("PATCH", format!("{api}/stages/auto"), json!({"deploymentId": deployment}), BAD, auto),
            ("POST", format!("{api}/deployments"), json!({"stageName": 1}), BAD, "member `stageName` must be a string"),
            (
                "POST",
                format!("{bare}/deployments"),
                json!({}),
                BAD,
                "At least one route is required before deploying the Api",
            ),
            (
                "DELETE",
                format!("{api}/deployments/{deployment}"),
                json!(null),
                BAD,
                "Active stages pointing to this deployment must be moved or deleted",
            ),
        ],
    );
}

#[test]
fn arns_that_name_nothing() {
    let gateway = Gateway::new();
    let api = gateway.api();
    let tags = |arn: &str| ("GET", format!("/v2/tags/{}", arn.replace(':', "%3A").replace('/', "%2F")), json!(null));
    let case = |(method, path, body), kind, message| (method, path, body, kind, message);
    let malformed = "Invalid ARN specified in the request";
    let no_api = "Invalid API identifier specified 000000000000:nope";
    check(
        &gateway,
        vec![
            case(tags("nonsense"), BAD, malformed),
            case(tags("arn:aws:s3:::bucket"), BAD, malformed),
            case(tags("arn:aws:apigateway:us-east-1:000000000000:/apis/nope"), GONE, no_api),
            case(tags("arn:aws:apigateway:us-east-1::/apis"), BAD, malformed),
            case(tags("arn:aws:apigateway:us-east-1::/apis/nope"), GONE, no_api),
            case(
                tags(&format!("arn:aws:apigateway:us-east-1::/apis/{}/stages/x", id(&api))),
                GONE,
                "Invalid stage identifier specified",
            ),
        ],
    );
    assert_eq!(
        gateway.call("GET", &tags(&format!("arn:aws-cn:apigateway:eu-west-1:1:/apis/{}", id(&api))).1, json!(null)).0,
        200
    );
}

#[test]
fn operations_of_others_are_told_apart_from_paths_that_are_none() {
    let gateway = Gateway::new();
    let api = gateway.api();
    let unknown = (403, "MissingAuthenticationTokenException");
    let foreign = (501, "NotImplementedException");
    let http_only = |subject: &str| format!("{subject} are currently not supported for this API protocol type.");
    check(
        &gateway,
        vec![
            ("GET", "/v2/nothing".into(), json!(null), unknown, "Missing Authentication Token"),
            ("PUT", format!("{api}/routes"), json!({}), unknown, "Missing Authentication Token"),
            ("DELETE", format!("{api}/cors"), json!(null), BAD, &http_only("CorsConfigurations")),
            ("PUT", "/v2/apis".into(), json!({}), BAD, &http_only("Imports")),
            ("GET", format!("{api}/exports/OAS30"), json!(null), BAD, &http_only("Exports")),
            ("PUT", "/v2/apis/nope".into(), json!({}), GONE, "Invalid API identifier specified 000000000000:nope"),
            (
                "POST",
                "/v2/portals".into(),
                json!(null),
                foreign,
                "Gatewright does not implement CreatePortal: developer portals document REST APIs, and this gateway \
                 serves WebSocket APIs",
            ),
            (
                "GET",
                "/v2/domainnames/a.b/routingrules".into(),
                json!(null),
                foreign,
                "Gatewright does not implement ListRoutingRules: routing rules lead to REST APIs, and this gateway \
                 serves WebSocket APIs; use API mappings",
            ),
        ],
    );
}

#[test]
fn a_body_that_is_no_json_object_is_told_where() {
    let gateway = Gateway::new();
    let deep = "{\"a\":".repeat(200);
    for (body, place) in [
        ("{", "line 1 column 1"),
        ("{\"name\": 'x'}", "line 1 column 10"),
        ("{\n\"name\":\n\n}", "line 4 column 1"),
        ("[]", "line 1 column"),
        ("\"text\"", "line 1 column"),
        ("{} {}", "line 1 column 4"),
        ("{\"a\": \"\u{1}\"}", "line 1 column"),
        (&deep, "nested too deep: at most 127 levels"),
        ("{\"a\": \"[[[[\", }", "line 1 column 15"),
    ] {
        let answer = gateway.send(Method::POST, "/v2/apis", body);
        assert_eq!(answer.status(), 400, "{body}");
        assert_eq!(answer.headers()["x-amzn-errortype"], "SerializationException", "{body}");
        let text = String::from_utf8(answer.body().to_vec()).unwrap();
        assert!(text.contains(place), "{body}: {text}");
    }
    let request = http::Request::post("/v2/apis").body(bytes::Bytes::from_static(b"{\"name\": \"\xff\"}")).unwrap();
    assert_eq!(gateway.control.handle(&control::Caller::program(), request).status(), 400);
}
