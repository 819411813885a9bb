//! PATCH, rule by rule, on the resources that tools rely on.

use serde_json::{Value, json};

use crate::gateway::{Gateway, id};

/// Updates a resource and compares the members that `expected` names; null: absent.
#[track_caller]
fn check(gateway: &Gateway, path: &str, change: Value, expected: Value) {
    let updated = gateway.ok("PATCH", path, change.clone());
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(updated.get(member).unwrap_or(&Value::Null), value, "{member} of {path} after {change}");
    }
    gateway.check("GET", path, Value::Null, 200, updated);
}

struct Stand {
    gateway: Gateway,
    api: String,
    route: String,
    integration: String,
    stage: String,
    authorizer: String,
}

fn stand() -> Stand {
    let gateway = Gateway::new();
    let api = gateway.api();
    let integration = json!({
        "integrationType": "HTTP", "integrationMethod": "POST", "integrationUri": "http://h", "description": "d",
        "connectionType": "VPC_LINK", "connectionId": "c", "credentialsArn": "arn:aws:iam::1:role/r",
        "contentHandlingStrategy": "CONVERT_TO_TEXT", "templateSelectionExpression": "t",
        "requestParameters": {"integration.request.header.a": "'1'", "integration.request.header.b": "'2'"},
        "requestTemplates": {"a": "1", "b": "2"},
    });
    let integration = gateway.make(&format!("{api}/integrations"), integration, "integrationId");
    let authorizer = json!({
        "name": "a", "authorizerType": "REQUEST", "authorizerUri": "u", "identitySource": ["context.x"],
        "authorizerCredentialsArn": "arn:aws:iam::1:role/r",
    });
    let authorizer = gateway.make(&format!("{api}/authorizers"), authorizer, "authorizerId");
    let route = json!({
        "routeKey": "$connect", "target": format!("integrations/{}", id(&integration)), "operationName": "o",
        "modelSelectionExpression": "m", "routeResponseSelectionExpression": "$default",
        "authorizationType": "CUSTOM", "authorizerId": id(&authorizer), "requestModels": {"a": "1"},
        "requestParameters": {"route.request.header.a": {"required": true}},
    });
    let route = gateway.make(&format!("{api}/routes"), route, "routeId");
    let certificate = gateway.make("/clientcertificates", json!({}), "clientCertificateId");
    let stage = json!({
        "stageName": "dev", "description": "d", "clientCertificateId": id(&certificate), "stageVariables": {"a": "1", "b": "2"},
        "accessLogSettings": {"destinationArn": "arn:aws:logs:r:1:log-group:g:*", "format": "$context.requestId x"},
        "defaultRouteSettings": {"loggingLevel": "INFO"},
        "routeSettings": {"$connect": {"loggingLevel": "ERROR", "dataTraceEnabled": true}},
    });
    let stage = gateway.make(&format!("{api}/stages"), stage, "stageName");
    Stand { gateway, api, route, integration, stage, authorizer }
}

#[test]
fn an_empty_text_clears_every_member_that_tools_clear() {
    let s = stand();
    let g = &s.gateway;
    g.ok("PATCH", &s.api, json!({"description": "d", "version": "1"}));
    check(g, &s.integration, json!({"connectionType": "INTERNET"}), json!({"connectionType": "INTERNET"}));
    let cleared: [(&str, &[&str]); 5] = [
        (&s.api, &["description", "version"]),
        (&s.route, &["target", "operationName", "modelSelectionExpression", "routeResponseSelectionExpression"]),
        (
            &s.integration,
            &[
                "connectionId",
                "credentialsArn",
                "description",
                "contentHandlingStrategy",
                "templateSelectionExpression",
            ],
        ),
        (&s.authorizer, &["authorizerCredentialsArn"]),
        (&s.stage, &["clientCertificateId", "description"]),
    ];
    for (path, members) in cleared {
        let before = g.ok("GET", path, Value::Null);
        for member in members {
            assert!(before[member].is_string(), "{member}: {before}");
            check(g, path, json!({*member: ""}), json!({*member: null}));
        }
    }
    g.ok("PATCH", &s.integration, json!({"integrationType": "MOCK"}));
    check(g, &s.integration, json!({"integrationMethod": ""}), json!({"integrationMethod": null}));
    check(g, &s.route, json!({"authorizationType": "NONE"}), json!({"authorizerId": null}));
    g.ok("PATCH", &s.route, json!({"authorizerId": "kept"}));
    check(g, &s.route, json!({"authorizerId": ""}), json!({"authorizerId": null}));
}

#[test]
fn maps_of_mappings_and_variables_merge_and_an_empty_text_deletes_its_key() {
    let s = stand();
    check(
        &s.gateway,
        &s.integration,
        json!({"requestParameters": {"integration.request.header.a": "", "integration.request.header.c": "'3'"}}),
        json!({"requestParameters": {"integration.request.header.b": "'2'", "integration.request.header.c": "'3'"}}),
    );
    check(
        &s.gateway,
        &s.stage,
        json!({"stageVariables": {"a": "", "c": "3"}}),
        json!({"stageVariables": {"b": "2", "c": "3"}}),
    );
    check(&s.gateway, &s.stage, json!({"stageVariables": {"b": "", "c": ""}}), json!({"stageVariables": {}}));
}

#[test]
fn templates_and_models_are_replaced_as_a_whole() {
    let s = stand();
    let templates = json!({"requestTemplates": {"application/json": ""}});
    check(&s.gateway, &s.integration, templates.clone(), templates);
    check(&s.gateway, &s.integration, json!({"requestTemplates": {}}), json!({"requestTemplates": null}));
    check(&s.gateway, &s.route, json!({"requestModels": {"b": "2"}}), json!({"requestModels": {"b": "2"}}));
    let response = json!({"integrationResponseKey": "$default", "responseTemplates": {"a": "1"}});
    let responses = format!("{}/integrationresponses", s.integration);
    let response = s.gateway.make(&responses, response, "integrationResponseId");
    let templates = json!({"responseTemplates": {"b": ""}});
    check(&s.gateway, &response, templates.clone(), templates);
}

#[test]
fn route_parameters_merge_and_are_deleted_one_by_one() {
    let s = stand();
    check(
        &s.gateway,
        &s.route,
        json!({"requestParameters": {"route.request.querystring.b": {"required": false}}}),
        json!({"requestParameters": {
            "route.request.header.a": {"required": true}, "route.request.querystring.b": {"required": false}
        }}),
    );
    let one = format!("{}/requestparameters/route.request.header.a", s.route);
    s.gateway.check("DELETE", &one, Value::Null, 204, Value::Null);
    assert_eq!(s.gateway.call("DELETE", &one, Value::Null).0, 404);
    let route = s.gateway.ok("GET", &s.route, Value::Null);
    assert_eq!(route["requestParameters"], json!({"route.request.querystring.b": {"required": false}}));
}

#[test]
fn route_settings_merge_per_route_and_member_and_are_deleted_one_by_one() {
    let s = stand();
    s.gateway.make(&format!("{}/routes", s.api), json!({"routeKey": "a/b c"}), "routeId");
    check(
        &s.gateway,
        &s.stage,
        json!({"routeSettings": {"$connect": {"dataTraceEnabled": false}, "a/b c": {"throttlingRateLimit": 1.5}}}),
        json!({"routeSettings": {
            "$connect": {"dataTraceEnabled": false, "loggingLevel": "ERROR"}, "a/b c": {"throttlingRateLimit": 1.5}
        }}),
    );
    let one = format!("{}/routesettings/a%2Fb%20c", s.stage);
    s.gateway.check("DELETE", &one, Value::Null, 204, Value::Null);
    assert_eq!(s.gateway.call("DELETE", &one, Value::Null).0, 404);
    s.gateway.check("DELETE", &format!("{}/routesettings/%24connect", s.stage), Value::Null, 204, Value::Null);
    assert_eq!(s.gateway.ok("GET", &s.stage, Value::Null)["routeSettings"], json!({}));
}

#[test]
fn default_route_settings_merge_by_member() {
    let s = stand();
    let is = |data_trace: bool, level: &str| {
        json!({"defaultRouteSettings": {
            "dataTraceEnabled": data_trace, "detailedMetricsEnabled": false, "loggingLevel": level
        }})
    };
    check(&s.gateway, &s.stage, json!({}), is(false, "INFO"));
    check(&s.gateway, &s.stage, json!({"defaultRouteSettings": {"dataTraceEnabled": true}}), is(true, "INFO"));
    check(&s.gateway, &s.stage, json!({"defaultRouteSettings": {"loggingLevel": "OFF"}}), is(true, "OFF"));
}

#[test]
fn empty_lists_and_log_settings_clear() {
    let s = stand();
    check(&s.gateway, &s.authorizer, json!({"identitySource": []}), json!({"identitySource": null}));
    let log = json!({"destinationArn": "arn:aws:logs:r:1:log-group:g", "format": "$context.requestId x"});
    check(&s.gateway, &s.stage, json!({}), json!({"accessLogSettings": log}));
    check(&s.gateway, &s.stage, json!({"accessLogSettings": {}}), json!({"accessLogSettings": null}));
    s.gateway.ok("PATCH", &s.stage, json!({"accessLogSettings": log}));
    let settings = format!("{}/accesslogsettings", s.stage);
    s.gateway.check("DELETE", &settings, Value::Null, 204, Value::Null);
    check(&s.gateway, &s.stage, json!({}), json!({"accessLogSettings": null}));
    s.gateway.check("DELETE", &settings, Value::Null, 204, Value::Null);
}

#[test]
fn ids_names_and_the_protocol_cannot_change() {
    let s = stand();
    check(
        &s.gateway,
        &s.api,
        json!({"protocolType": "HTTP", "apiId": "x", "createdDate": "x", "tags": {"a": "b"}}),
        json!({"protocolType": "WEBSOCKET", "apiId": id(&s.api), "tags": {}}),
    );
    check(&s.gateway, &s.stage, json!({"stageName": "other"}), json!({"stageName": "dev"}));
    check(&s.gateway, &s.route, json!({"routeId": "x"}), json!({"routeId": id(&s.route)}));
}

#[test]
fn what_is_merged_is_checked_like_what_is_created() {
    let s = stand();
    for (path, change) in [
        (&s.api, json!({"name": ""})),
        (&s.route, json!({"routeKey": "say"})),
        (&s.integration, json!({"integrationUri": ""})),
        (&s.integration, json!({"connectionId": ""})),
        (&s.authorizer, json!({"authorizerUri": ""})),
        (&s.stage, json!({"accessLogSettings": {"format": "x"}})),
    ] {
        let before = s.gateway.ok("GET", path, Value::Null);
        let (status, answer) = s.gateway.call("PATCH", path, change.clone());
        assert_eq!(status, 400, "{change}: {answer}");
        s.gateway.check("GET", path, Value::Null, 200, before);
    }
}

#[test]
fn authorization_none_takes_the_authorizer_off() {
    let s = stand();
    check(&s.gateway, &s.route, json!({"authorizationType": "NONE"}), json!({"authorizerId": null}));
    s.gateway.check("DELETE", &s.authorizer, Value::Null, 204, Value::Null);
}
