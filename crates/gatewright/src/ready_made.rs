//! The API that `serve --backend URL` has there already: every route calls that backend.
//!
//! It is made by the same calls that a user would send, so that it can be read, changed and deleted like any other.

use control::Control;
use http::Method;
use serde_json::{Value, json};

/// Its id; ten characters, as AWS's.
pub(crate) const API_ID: &str = "gatewright";
/// Its stage.
pub(crate) const STAGE: &str = "dev";

/// Makes one call of the control plane. The error is a sentence with the call and the answer.
pub(crate) fn call(control: &Control, method: Method, path: &str, body: &Value) -> Result<Value, String> {
    let request = http::Request::builder()
        .method(method.clone())
        .uri(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(bytes::Bytes::from(if body.is_null() { String::new() } else { body.to_string() }))
        .map_err(|error| format!("{method} {path}: {error}"))?;
    let answer = control.handle(request);
    let value: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    match answer.status().is_success() {
        true => Ok(value),
        false => Err(format!("{method} {path}: {} {}", answer.status(), value["message"].as_str().unwrap_or_default())),
    }
}

/// Creates the API, or points the one of an earlier start at `backend`. Leaves nothing half-made behind.
pub(crate) fn ensure(control: &Control, backend: &str) -> Result<(), String> {
    let api = format!("/v2/apis/{API_ID}");
    let exists = |path: &str| call(control, Method::GET, path, &Value::Null).is_ok();
    if exists(&format!("{api}/stages/{STAGE}")) {
        return point(control, &api, backend);
    }
    // Without its stage it is what an interrupted start left.
    if exists(&api) {
        call(control, Method::DELETE, &api, &Value::Null)?;
    }
    create(control, &api, backend).inspect_err(|_| {
        // The first error counts.
        let _ = call(control, Method::DELETE, &api, &Value::Null);
    })
}

fn point(control: &Control, api: &str, backend: &str) -> Result<(), String> {
    let integrations = call(control, Method::GET, &format!("{api}/integrations?maxResults=500"), &Value::Null)?;
    let items = integrations["items"].as_array().into_iter().flatten();
    for integration in items.filter(|item| item["description"] == DESCRIPTION && item["integrationUri"] != backend) {
        let id = integration["integrationId"].as_str().unwrap_or_default();
        call(control, Method::PATCH, &format!("{api}/integrations/{id}"), &json!({ "integrationUri": backend }))?;
    }
    Ok(())
}

fn create(control: &Control, api: &str, backend: &str) -> Result<(), String> {
    let create = |path: &str, body: Value| call(control, Method::POST, path, &body);
    create(
        "/v2/apis",
        json!({
            "name": "backend", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action",
            "description": "Made by serve --backend", "tags": { "_custom_id_": API_ID },
        }),
    )?;
    let integration = create(
        &format!("{api}/integrations"),
        json!({
            "integrationType": "HTTP_PROXY", "integrationMethod": "POST", "integrationUri": backend,
            "description": DESCRIPTION,
            "requestParameters": {
                "integration.request.header.connectionId": "context.connectionId",
                "integration.request.header.eventType": "context.eventType",
                "integration.request.header.routeKey": "context.routeKey",
            },
        }),
    )?;
    let target = format!("integrations/{}", integration["integrationId"].as_str().unwrap_or_default());
    for key in ["$connect", "$disconnect"] {
        create(&format!("{api}/routes"), json!({ "routeKey": key, "target": target }))?;
    }
    let default = json!({ "routeKey": "$default", "target": target, "routeResponseSelectionExpression": "$default" });
    let route = create(&format!("{api}/routes"), default)?;
    let route_id = route["routeId"].as_str().unwrap_or_default();
    create(&format!("{api}/routes/{route_id}/routeresponses"), json!({ "routeResponseKey": "$default" }))?;
    create(&format!("{api}/stages"), json!({ "stageName": STAGE, "autoDeploy": true }))?;
    Ok(())
}

/// Marks the integration as ours, so that a later start finds it among the user's.
const DESCRIPTION: &str = "The backend of serve --backend";
