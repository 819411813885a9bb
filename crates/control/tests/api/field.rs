//! Plays `corpus/field/*.json`: calls that were seen to pass or fail on AWS.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::gateway::{Gateway, id};

/// What of the data plane is played elsewhere.
const ELSEWHERE: &[&str] = &["f06-custom-domain-with-stage.json"];

#[test]
fn calls_of_the_field_are_answered_as_on_aws() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/field");
    let mut played = 0;
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.ends_with(".json") || ELSEWHERE.contains(&name.as_str()) {
            continue;
        }
        let case: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let bodies = case["bodies"].as_array().cloned().unwrap_or_else(|| vec![case["body"].clone()]);
        for body in bodies {
            played += 1;
            if let Err(error) = play(case["call"].as_str().unwrap(), &body, &case["expected"]) {
                wrong.push(format!("{name}: {body}: {error}"));
            }
        }
        if let Some(control) = case.get("control") {
            let body = json!({"name": "Control", "schema": control["schema"]});
            if let Err(error) = play(case["call"].as_str().unwrap(), &body, &json!({"status": control["expected"]})) {
                wrong.push(format!("{name}, the control: {error}"));
            }
        }
    }
    assert!(played >= 14, "{played} calls");
    assert_eq!(wrong, Vec::<String>::new());
}

fn play(call: &str, body: &Value, expected: &Value) -> Result<(), String> {
    let gateway = Gateway::new();
    let api = gateway.api_with_route();
    gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "prod", "autoDeploy": true}));
    let domain = json!({
        "domainName": "ws.example.com", "domainNameConfigurations": [{"certificateArn": "arn:aws:acm:us-east-1:1:certificate/x"}],
    });
    gateway.ok("POST", "/v2/domainnames", domain);
    let id = api.rsplit('/').next().unwrap();
    let call = if call == "PATCH stage" { "PATCH /v2/apis/{id}/stages/prod" } else { call };
    let (method, path) = call.split(" and ").next().unwrap().split_once(' ').unwrap();
    let path = path.replace("{id}", id).replace("{d}", "ws.example.com");
    let mut body = body.clone();
    if body["apiId"] == "{id}" {
        body["apiId"] = id.into();
    }
    let (status, answer) = gateway.call(method, &path, body);
    if status != expected["status"].as_u64().unwrap() as u16 {
        return Err(format!("{status} {answer}"));
    }
    let message = answer["message"].as_str().unwrap_or_default();
    let contains = expected["message contains"].as_str().unwrap_or_default();
    let starts = expected["message starts with"].as_str().unwrap_or_default();
    if !message.contains(contains) || !message.starts_with(starts) {
        return Err(format!("said `{message}`"));
    }
    // Quick create's members make nothing and are not answered.
    if answer.get("target").is_some() || answer.get("routeKey").is_some() && method == "POST" && path == "/v2/apis" {
        return Err(format!("answered {answer}"));
    }
    if path == "/v2/apis" && status == 201 {
        let made = format!("/v2/apis/{}", answer["apiId"].as_str().unwrap());
        let routes = gateway.ok("GET", &format!("{made}/routes"), Value::Null);
        if routes["items"] != json!([]) {
            return Err(format!("has the routes {routes}"));
        }
        gateway.ok("POST", &format!("{made}/routes"), json!({"routeKey": "$default"}));
    }
    Ok(())
}

#[test]
fn an_integration_maps_only_what_connect_declares_whichever_comes_second() {
    let gateway = Gateway::new();
    let api = gateway.api();
    let uri = "http://127.0.0.1:1/";
    let integration = |source: &str| {
        json!({
            "integrationType": "HTTP_PROXY", "integrationMethod": "POST", "integrationUri": uri,
            "requestParameters": {"integration.request.header.x": source},
        })
    };
    let integrations = format!("{api}/integrations");
    let mapped = gateway.make(&integrations, integration("route.request.header.X-User"), "integrationId");
    let mapped_id = mapped.rsplit('/').next().unwrap().to_owned();
    let target = format!("integrations/{mapped_id}");
    let text = |route_id: &str, source: &str, integration_id: &str| {
        format!(
            "Error while validating the connection between the integration {integration_id} and the route {route_id}: Invalid \
             mapping expression parameter specified: {source}"
        )
    };
    // The route comes second.
    let (status, answer) =
        gateway.call("POST", &format!("{api}/routes"), json!({"routeKey": "$connect", "target": target}));
    let message = answer["message"].as_str().unwrap().to_owned();
    assert_eq!(status, 400, "{message}");
    let ends = "Invalid mapping expression parameter specified: route.request.header.X-User";
    assert!(
        message.starts_with(&format!("Error while validating the connection between the integration {mapped_id} ")),
        "{message}"
    );
    assert!(message.ends_with(ends), "{message}");
    // Declared, in any case, it passes; other routes need no declaration.
    let declared = json!({
        "routeKey": "$connect", "target": target, "requestParameters": {"route.request.header.x-user": {"required": false}},
    });
    let route = gateway.make(&format!("{api}/routes"), declared, "routeId");
    let route_id = route.rsplit('/').next().unwrap().to_owned();
    gateway.make(&format!("{api}/routes"), json!({"routeKey": "other", "target": target}), "routeId");
    // The integration comes second.
    for source in
        ["route.request.querystring.q", "route.request.multivaluequerystring.q", "route.request.multivalueheader.y"]
    {
        let body = json!({"requestParameters": {"integration.request.header.x": source}});
        gateway.check_refused("PATCH", &mapped, body, 400, "BadRequestException", &text(&route_id, source, &mapped_id));
    }
    for source in ["route.request.multivalueheader.X-USER", "context.connectionId", "'static'"] {
        gateway.ok("PATCH", &mapped, json!({"requestParameters": {"integration.request.header.x": source}}));
    }
}

#[test]
fn a_stage_takes_a_deployment_and_auto_deploy_at_creation_only() {
    let gateway = Gateway::new();
    let api = gateway.api_with_route();
    let deployment = gateway.make(&format!("{api}/deployments"), json!({}), "deploymentId");
    let id = deployment.rsplit('/').next().unwrap();
    let both = json!({"stageName": "dev", "deploymentId": id, "autoDeploy": true});
    let made = gateway.ok("POST", &format!("{api}/stages"), both);
    assert_eq!((&made["deploymentId"], &made["autoDeploy"]), (&json!(id), &json!(true)));
    assert_eq!(gateway.call("PATCH", &format!("{api}/stages/dev"), json!({"deploymentId": id})).0, 400);
    gateway.ok("PATCH", &format!("{api}/stages/dev"), json!({"description": "x"}));
}

#[test]
fn operations_that_are_not_there_can_be_told_from_paths_that_are_none() {
    let gateway = Gateway::new();
    for path in ["/domainnames/a.b/basepathmappings", "/restapis", "/restapis/x/resources", "/sdktypes"] {
        let (status, answer) = gateway.call("GET", path, Value::Null);
        let message = answer["message"].as_str().unwrap();
        assert!(status == 501 && message.starts_with("Gatewright does not implement"), "{path}: {status} {message}");
    }
}

#[test]
fn members_of_quick_create_are_taken_and_it_is_said_that_they_make_nothing() {
    let gateway = Gateway::new();
    let plain = json!({"name": "n", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.a"});
    let with = |more: Value| {
        let mut body = plain.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (more, named) in [
        (json!({}), None),
        (json!({"routeKey": null, "target": ""}), None),
        (json!({"routeKey": "$default", "target": "arn:aws:lambda:us-east-1:1:function:f"}), Some("routeKey, target")),
        (json!({"credentialsArn": "arn:aws:iam::1:role/r"}), Some("credentialsArn")),
    ] {
        let before = gateway.remarks().len();
        let api = gateway.make("/v2/apis", with(more), "apiId");
        assert_eq!(gateway.ok("GET", &format!("{api}/routes"), Value::Null), json!({"items": []}));
        let remarks = gateway.remarks().split_off(before);
        match named {
            None => assert_eq!(remarks, Vec::<String>::new()),
            Some(members) => {
                let expected = format!(
                    "Api {} was created with {members}: that is for HTTP APIs, and makes nothing here",
                    id(&api)
                );
                assert!(remarks.len() == 1 && remarks[0].starts_with(&expected), "{remarks:?}");
            }
        }
        gateway.ok("PATCH", &api, json!({"description": "once is enough", "target": "x"}));
        assert_eq!(gateway.remarks().len(), before + usize::from(named.is_some()));
    }
}
