//! Each resource's round trip, its defaults, and the members that answers always have.

use serde_json::{Value, json};

use crate::gateway::{Gateway, id, without};

/// Creates, gets, lists, updates and deletes one resource.
///
/// `expected` is the answer to creation without the id and without `dates`; `change` must be echoed by the update.
#[track_caller]
fn check(
    gateway: &Gateway,
    collection: &str,
    id_member: &str,
    dates: &[&str],
    create: Value,
    expected: Value,
    change: Value,
) {
    let (status, made) = gateway.call("POST", collection, create);
    assert_eq!(status, 201, "{made}");
    let path = format!("{collection}/{}", made[id_member].as_str().unwrap());
    assert_eq!(without(made.clone(), &[&[id_member], dates].concat()), expected, "create in {collection}");
    gateway.check("GET", &path, Value::Null, 200, made.clone());
    let listed = gateway.ok("GET", collection, Value::Null);
    assert!(listed["items"].as_array().unwrap().contains(&made), "{listed}");

    gateway.check("PATCH", &path, json!({}), 200, made.clone());
    let updated = gateway.ok("PATCH", &path, change.clone());
    for (member, value) in change.as_object().unwrap() {
        assert_eq!(&updated[member], value, "{member} after the update of {path}");
    }
    gateway.check("GET", &path, Value::Null, 200, updated.clone());
    for (member, value) in made.as_object().unwrap() {
        if change.get(member).is_none() && member != "lastUpdatedDate" {
            assert_eq!(&updated[member], value, "{member} must stay");
        }
    }

    gateway.check("DELETE", &path, Value::Null, 204, Value::Null);
    assert_eq!(gateway.call("GET", &path, Value::Null).0, 404);
    assert_eq!(gateway.call("PATCH", &path, json!({})).0, 404);
    assert_eq!(gateway.call("DELETE", &path, Value::Null).0, 404);
    let listed = gateway.ok("GET", collection, Value::Null);
    assert!(!listed["items"].as_array().unwrap().contains(&updated), "{listed}");
}

#[test]
fn apis() {
    let gateway = Gateway::new();
    let create = json!({
        "name": "chat", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action",
        "description": "d", "version": "1", "tags": {"a": "b"}, "unknown": 1,
    });
    let (_, made) = gateway.call("POST", "/v2/apis", create.clone());
    let api_id = made["apiId"].as_str().unwrap();
    assert_eq!(api_id.len(), 10);
    assert_eq!(made["apiEndpoint"], format!("ws://{api_id}.execute-api.localhost:4510"));
    let expected = json!({
        "name": "chat", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action",
        "description": "d", "version": "1", "tags": {"a": "b"},
        "apiKeySelectionExpression": "$request.header.x-api-key",
        "disableExecuteApiEndpoint": false, "ipAddressType": "ipv4",
    });
    let change = json!({
        "name": "other", "routeSelectionExpression": "${request.body.a}", "disableExecuteApiEndpoint": true,
        "apiKeySelectionExpression": "$context.authorizer.usageIdentifierKey", "disableSchemaValidation": true,
        "ipAddressType": "dualstack",
    });
    check(&gateway, "/v2/apis", "apiId", &["createdDate", "apiEndpoint"], create, expected, change);
}

#[test]
fn routes() {
    let gateway = Gateway::new();
    let api = gateway.api();
    let mock = gateway.make(&format!("{api}/integrations"), json!({"integrationType": "MOCK"}), "integrationId");
    let create = json!({"routeKey": "say", "target": format!("integrations/{}", id(&mock)), "operationName": "Say"});
    let mut expected = create.clone();
    expected["apiKeyRequired"] = json!(false);
    expected["authorizationType"] = json!("NONE");
    let change = json!({
        "routeKey": "tell", "routeResponseSelectionExpression": "$default", "modelSelectionExpression": "x",
        "requestModels": {"x": "y"}, "requestParameters": {"route.request.querystring.q": {"required": true}},
        "apiKeyRequired": true,
    });
    check(&gateway, &format!("{api}/routes"), "routeId", &[], create, expected, change);
}

#[test]
fn integrations() {
    let gateway = Gateway::new();
    let api = gateway.api();
    let collection = format!("{api}/integrations");
    let create = json!({
        "integrationType": "HTTP", "integrationMethod": "POST", "integrationUri": "http://localhost:3000/{kind}",
        "requestParameters": {"integration.request.path.kind": "route.request.body.kind"},
        "requestTemplates": {"application/json": ""},
    });
    let mut expected = create.clone();
    for (member, value) in [
        ("connectionType", json!("INTERNET")),
        ("passthroughBehavior", json!("WHEN_NO_MATCH")),
        ("payloadFormatVersion", json!("1.0")),
        ("timeoutInMillis", json!(29000)),
        ("integrationResponseSelectionExpression", json!("${integration.response.statuscode}")),
    ] {
        expected[member] = value;
    }
    let change = json!({
        "integrationType": "HTTP", "timeoutInMillis": 50, "contentHandlingStrategy": "CONVERT_TO_TEXT",
        "templateSelectionExpression": "\\$default", "description": "d", "credentialsArn": "arn:aws:iam::1:role/r",
        "connectionType": "VPC_LINK", "connectionId": "${stageVariables.link}", "integrationMethod": "GET",
    });
    check(&gateway, &collection, "integrationId", &[], create, expected, change);
}

#[test]
fn the_type_of_an_integration_decides_on_method_and_selection_expression() {
    let gateway = Gateway::new();
    let collection = format!("{}/integrations", gateway.api());
    let lambda = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:1:function:f/invocations";
    let status = json!("${integration.response.statuscode}");
    let message = json!("${integration.response.body.errorMessage}");
    for (kind, uri, method, selection) in [
        ("AWS_PROXY", lambda, json!("POST"), Value::Null),
        ("AWS", lambda, json!("POST"), message),
        ("MOCK", "", Value::Null, status),
    ] {
        let made = gateway.ok("POST", &collection, json!({"integrationType": kind, "integrationUri": uri}));
        assert_eq!(made["integrationMethod"], method, "{kind}");
        assert_eq!(made["integrationResponseSelectionExpression"], selection, "{kind}");
        assert_eq!(made.get("integrationUri").is_some(), !uri.is_empty(), "{kind}");
    }
    let proxy = json!({"integrationType": "HTTP_PROXY", "integrationMethod": "GET", "integrationUri": "https://h"});
    assert_eq!(gateway.ok("POST", &collection, proxy)["integrationResponseSelectionExpression"], Value::Null);
}

#[test]
fn integration_responses() {
    let gateway = Gateway::new();
    let mock =
        gateway.make(&format!("{}/integrations", gateway.api()), json!({"integrationType": "MOCK"}), "integrationId");
    let create = json!({"integrationResponseKey": "/2\\d\\d/", "responseTemplates": {"$default": "x"}});
    let change = json!({
        "integrationResponseKey": "$default", "templateSelectionExpression": "a",
        "contentHandlingStrategy": "CONVERT_TO_BINARY",
        "responseParameters": {"method.response.header.x": "integration.response.header.y"},
    });
    let collection = format!("{mock}/integrationresponses");
    check(&gateway, &collection, "integrationResponseId", &[], create.clone(), create, change);
}

#[test]
fn route_responses() {
    let gateway = Gateway::new();
    let route = gateway.make(&format!("{}/routes", gateway.api()), json!({"routeKey": "$default"}), "routeId");
    let create = json!({"routeResponseKey": "$default"});
    let change = json!({
        "responseModels": {"a": "b"}, "modelSelectionExpression": "m",
        "responseParameters": {"route.response.header.x": {"required": false}},
    });
    check(&gateway, &format!("{route}/routeresponses"), "routeResponseId", &[], create.clone(), create, change);
}

#[test]
fn models() {
    let gateway = Gateway::new();
    let create = json!({"name": "Chat1", "schema": "{}", "contentType": "application/json"});
    let change = json!({"schema": "{\"type\": \"object\"}", "description": "d", "name": "Chat2"});
    check(&gateway, &format!("{}/models", gateway.api()), "modelId", &[], create.clone(), create, change);
}

#[test]
fn authorizers() {
    let gateway = Gateway::new();
    let create = json!({
        "name": "auth", "authorizerType": "REQUEST", "authorizerUri": "arn:aws:x",
        "identitySource": ["route.request.header.Auth", "route.request.querystring.t", "context.stage"],
    });
    let mut sent = create.clone();
    sent["authorizerPayloadFormatVersion"] = json!("1.0");
    sent["authorizerResultTtlInSeconds"] = json!(0);
    sent["enableSimpleResponses"] = json!(false);
    let change = json!({"name": "other", "authorizerCredentialsArn": "arn:aws:iam::1:role/r"});
    check(&gateway, &format!("{}/authorizers", gateway.api()), "authorizerId", &[], sent, create, change);
}

#[test]
fn deployments() {
    let gateway = Gateway::new();
    let api = gateway.api_with_route();
    let create = json!({"description": "first"});
    let expected = json!({"autoDeployed": false, "deploymentStatus": "DEPLOYED", "description": "first"});
    let change = json!({"description": "second"});
    check(&gateway, &format!("{api}/deployments"), "deploymentId", &["createdDate"], create, expected, change);
}

#[test]
fn stages() {
    let gateway = Gateway::new();
    let api = gateway.api_with_route();
    let create = json!({"stageName": "dev-1_a", "description": "d"});
    let (_, made) = gateway.call("POST", &format!("{api}/stages"), create);
    let expected = json!({
        "stageName": "dev-1_a", "description": "d", "autoDeploy": false, "routeSettings": {}, "stageVariables": {},
        "tags": {},
        "defaultRouteSettings": {"dataTraceEnabled": false, "detailedMetricsEnabled": false, "loggingLevel": "OFF"},
    });
    assert_eq!(without(made, &["createdDate", "lastUpdatedDate"]), expected);
    let create = json!({"stageName": "dev", "tags": {"a": "b"}, "stageVariables": {"host": "localhost:3000"}});
    let mut expected = expected;
    expected["stageName"] = json!("dev");
    expected["tags"] = json!({"a": "b"});
    expected["stageVariables"] = json!({"host": "localhost:3000"});
    expected.as_object_mut().unwrap().shift_remove("description");
    let certificate = gateway.make("/clientcertificates", json!({}), "clientCertificateId");
    let change = json!({
        "description": "e", "clientCertificateId": id(&certificate),
        "accessLogSettings": {"destinationArn": "arn:aws:logs:x:1:log-group:g", "format": "$context.requestId"},
        "routeSettings": {"first": {"loggingLevel": "INFO", "throttlingRateLimit": 1.5, "throttlingBurstLimit": 2}},
    });
    // The id is a member that the caller chose; `check` takes it out like one that was made.
    expected.as_object_mut().unwrap().shift_remove("stageName");
    let dates = ["createdDate", "lastUpdatedDate"];
    check(&gateway, &format!("{api}/stages"), "stageName", &dates, create, expected, change);
}

#[test]
fn tags_are_added_listed_and_taken_off_by_arn() {
    let gateway = Gateway::new();
    let api = gateway.api();
    gateway.make(&format!("{api}/stages"), json!({"stageName": "dev", "tags": {"a": "1"}}), "stageName");
    let stage = format!("/v2/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2F{}%2Fstages%2Fdev", id(&api));
    gateway.check("POST", &stage, json!({"tags": {"b": "2", "a": "3", "with space": ""}}), 201, json!({}));
    gateway.check("GET", &stage, Value::Null, 200, json!({"tags": {"a": "3", "b": "2", "with space": ""}}));
    let query = format!("{stage}?tagKeys=a&tagKeys=with%20space&tagKeys=absent");
    gateway.check("DELETE", &query, Value::Null, 204, Value::Null);
    let stage_answer = gateway.ok("GET", &format!("{api}/stages/dev"), Value::Null);
    assert_eq!(stage_answer["tags"], json!({"b": "2"}));
    let arn = format!("/v2/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2F{}", id(&api));
    gateway.check("POST", &arn, json!({"tags": {"x": "y"}}), 201, json!({}));
    assert_eq!(gateway.ok("GET", &api, Value::Null)["tags"], json!({"x": "y"}));
}

#[test]
fn a_tag_chooses_the_id_of_an_api() {
    let gateway = Gateway::new();
    let body = |id: &str| json!({"name": "n", "protocolType": "WEBSOCKET", "routeSelectionExpression": "a", "tags": {"_custom_id_": id}});
    let made = gateway.ok("POST", "/v2/apis", body("my-chat-1"));
    assert_eq!(made["apiId"], "my-chat-1");
    assert_eq!(made["apiEndpoint"], "ws://my-chat-1.execute-api.localhost:4510");
    assert_eq!(made["tags"], json!({"_custom_id_": "my-chat-1"}));
    assert_eq!(gateway.call("POST", "/v2/apis", body("my-chat-1")).0, 409);
    for wrong in ["", "A", "a_b", "a/b", "123456789012345678901234567890123"] {
        assert_eq!(gateway.call("POST", "/v2/apis", body(wrong)).0, 400, "{wrong:?}");
    }
    assert_eq!(gateway.ok("GET", "/v2/apis", Value::Null)["items"].as_array().unwrap().len(), 1);
}

#[test]
fn every_answer_carries_its_ids_and_its_type() {
    let gateway = Gateway::new();
    let api = gateway.api();
    for (method, path) in [("GET", "/v2/apis"), ("GET", "/v2/nothing"), ("DELETE", api.as_str())] {
        let answer = gateway.send(method.parse().unwrap(), path, "");
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "application/json");
        assert_eq!(header("x-amzn-requestid").len(), 36);
        assert_eq!(header("x-amz-apigw-id").len(), 16);
        assert_eq!(answer.body().is_empty(), method == "DELETE");
    }
}
