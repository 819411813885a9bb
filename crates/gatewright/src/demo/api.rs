//! Makes the demo's API through the control plane, with the calls that a user would make.
//!
//! Source of the wire forms: docs/aws/control-plane.md 3 and 7; the API model of `apigatewayv2`.

use http::Method;
use serde_json::{Value, json};

use crate::demo::{API_ID, STAGE};

/// The demo's routes, in the order in which they are made.
///
/// `lost` is the tour's point: its integration's method is GET, so the body that the execution log shows never leaves.
/// `echo`, which the page sends, is deliberately no route: `$default` takes it.
const ROUTES: [Route; 6] = [
    Route { key: "$connect", path: "/connect", kind: "HTTP_PROXY", method: "POST", two_way: false },
    Route { key: "$disconnect", path: "/disconnect", kind: "HTTP_PROXY", method: "POST", two_way: false },
    Route { key: "$default", path: "/message", kind: "HTTP_PROXY", method: "POST", two_way: true },
    Route { key: "broadcast", path: "/broadcast", kind: "HTTP_PROXY", method: "POST", two_way: false },
    Route { key: "whoami", path: "/whoami", kind: "HTTP_PROXY", method: "POST", two_way: true },
    Route { key: "lost", path: "/lost", kind: "HTTP", method: "GET", two_way: true },
];

struct Route {
    key: &'static str,
    path: &'static str,
    kind: &'static str,
    method: &'static str,
    two_way: bool,
}

/// Creates the API, its stage, and each route with its integration, in an order in which every call can succeed.
///
/// `backend` is the backend's address without a closing slash (`http://127.0.0.1:49152`). `call` makes one
/// control-plane call: method, path, JSON body → the answer's JSON body. The stage comes before the routes because a
/// stage with `autoDeploy` is deployed by each *later* change of its API.
///
/// # Errors
/// The text of the first call that failed, with the call in front; an answer without the id that later calls need.
pub(crate) fn create(
    backend: &str,
    mut call: impl FnMut(Method, &str, Value) -> Result<Value, String>,
) -> Result<(), String> {
    let mut post = |path: &str, body: Value| {
        call(Method::POST, path, body).map_err(|error| format!("create the demo's API: POST {path}: {error}"))
    };
    post("/v2/apis", api())?;
    let api = format!("/v2/apis/{API_ID}");
    post(&format!("{api}/stages"), stage())?;
    for route in &ROUTES {
        let integrations = format!("{api}/integrations");
        let integration_id = id(&post(&integrations, integration(route, backend))?, "integrationId")?;
        if route.kind == "HTTP" {
            // Without one, an answer of a non-proxy integration is an error: "no match for output mapping".
            let responses = format!("{integrations}/{integration_id}/integrationresponses");
            post(&responses, json!({"integrationResponseKey": "$default"}))?;
        }
        let routes = format!("{api}/routes");
        let route_id = id(&post(&routes, described_route(route, &integration_id))?, "routeId")?;
        if route.two_way {
            post(&format!("{routes}/{route_id}/routeresponses"), json!({"routeResponseKey": "$default"}))?;
        }
    }
    Ok(())
}

fn api() -> Value {
    json!({
        "name": "gatewright demo",
        "protocolType": "WEBSOCKET",
        "routeSelectionExpression": "$request.body.action",
        "description": "Made by `gatewright demo`; gone when it stops",
        "tags": {"_custom_id_": API_ID},
    })
}

fn stage() -> Value {
    json!({
        "stageName": STAGE,
        "autoDeploy": true,
        "defaultRouteSettings": {"loggingLevel": "INFO", "dataTraceEnabled": true},
    })
}

fn integration(route: &Route, backend: &str) -> Value {
    json!({
        "integrationType": route.kind,
        "integrationMethod": route.method,
        "integrationUri": format!("{backend}{}", route.path),
        "passthroughBehavior": "WHEN_NO_MATCH",
        "requestParameters": {"integration.request.header.connectionId": "context.connectionId"},
    })
}

fn described_route(route: &Route, integration_id: &str) -> Value {
    let mut body = json!({"routeKey": route.key, "target": format!("integrations/{integration_id}")});
    if route.two_way {
        body["routeResponseSelectionExpression"] = json!("$default");
    }
    body
}

fn id(answer: &Value, member: &str) -> Result<String, String> {
    let id = answer.get(member).and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| format!("create the demo's API: no {member} in the answer {answer}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes the API against a control plane that numbers what it creates, and gives the calls in order.
    fn calls() -> Vec<(String, Value)> {
        let mut calls = Vec::new();
        let made = create("http://127.0.0.1:9", |method, path, body| {
            assert_eq!(method, Method::POST);
            calls.push((path.to_owned(), body));
            let number = calls.len();
            Ok(json!({"integrationId": format!("int{number}"), "routeId": format!("rt{number}")}))
        });
        assert_eq!(made, Ok(()));
        calls
    }

    fn bodies_of(calls: &[(String, Value)], path: &str) -> Vec<Value> {
        calls.iter().filter(|(of, _)| of == path).map(|(_, body)| body.clone()).collect()
    }

    #[test]
    fn the_api_is_first_and_its_stage_before_every_route() {
        let calls = calls();
        assert_eq!(calls[0].0, "/v2/apis");
        assert_eq!(calls[0].1["tags"]["_custom_id_"], API_ID);
        assert_eq!(calls[1].0, "/v2/apis/livedemo01/stages");
        assert_eq!(calls[1].1["stageName"], STAGE);
        assert_eq!(calls[1].1["autoDeploy"], true);
        let settings = json!({"loggingLevel": "INFO", "dataTraceEnabled": true});
        assert_eq!(calls[1].1["defaultRouteSettings"], settings);
    }

    #[test]
    fn each_route_targets_the_integration_made_just_before_it() {
        let calls = calls();
        let mut integration = String::new();
        let mut keys = Vec::new();
        for (number, (path, body)) in calls.iter().enumerate() {
            if path.ends_with("/integrations") {
                integration = format!("integrations/int{}", number + 1);
            } else if path.ends_with("/routes") {
                assert_eq!(body["target"], integration);
                keys.push(body["routeKey"].as_str().unwrap_or_default().to_owned());
            }
        }
        assert_eq!(keys, ["$connect", "$disconnect", "$default", "broadcast", "whoami", "lost"]);
    }

    #[test]
    fn every_integration_tells_the_backend_the_connection_id() {
        for body in bodies_of(&calls(), "/v2/apis/livedemo01/integrations") {
            assert_eq!(body["requestParameters"]["integration.request.header.connectionId"], "context.connectionId");
        }
    }

    #[test]
    fn only_the_lost_route_is_called_with_get_and_it_passes_the_body_through() {
        let integrations = bodies_of(&calls(), "/v2/apis/livedemo01/integrations");
        let get: Vec<&Value> = integrations.iter().filter(|body| body["integrationMethod"] != "POST").collect();
        assert_eq!(get.len(), 1);
        assert_eq!(get[0]["integrationMethod"], "GET");
        assert_eq!(get[0]["integrationType"], "HTTP");
        assert_eq!(get[0]["integrationUri"], "http://127.0.0.1:9/lost");
        assert_eq!(get[0]["passthroughBehavior"], "WHEN_NO_MATCH");
    }

    #[test]
    fn a_two_way_route_has_both_halves() {
        let calls = calls();
        for (number, (path, body)) in calls.iter().enumerate().filter(|(_, (path, _))| path.ends_with("/routes")) {
            let response = format!("{path}/rt{}/routeresponses", number + 1);
            let two_way = body["routeResponseSelectionExpression"] == "$default";
            assert_eq!(two_way, !bodies_of(&calls, &response).is_empty(), "{body}");
        }
    }

    #[test]
    fn the_first_failure_ends_it_and_names_the_call() {
        let mut made = 0;
        let failure = create("http://127.0.0.1:9", |_, path, _| {
            made += 1;
            if path.ends_with("/stages") { Err("409 Stage already exists".to_owned()) } else { Ok(json!({})) }
        });
        assert_eq!(made, 2);
        let text = "create the demo's API: POST /v2/apis/livedemo01/stages: 409 Stage already exists";
        assert_eq!(failure, Err(text.to_owned()));
    }

    #[test]
    fn an_answer_without_an_id_is_an_error() {
        let failure = create("http://127.0.0.1:9", |_, _, _| Ok(json!({}))).unwrap_err();
        assert!(failure.contains("no integrationId"), "{failure}");
    }
}
