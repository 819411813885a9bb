//! Makes the APIs that the messages bench sends to, over the gateway's control plane, as the AWS CLI would.

use std::net::SocketAddr;

use anyhow::Context;
use serde_json::{Value, json};

use crate::bench::backend;
use crate::bench::http::HttpConnection;

const STAGE: &str = "bench";

/// An API that is deployed: where its clients connect.
pub(crate) struct Api {
    /// `/_aws/execute-api/{apiId}/{stage}`: the path of the upgrade, and of `…/@connections/{id}` below it.
    pub(crate) path: String,
}

/// An API whose one route `$default` calls the backend by `HTTP_PROXY`, with or without a reply to the client.
///
/// Execution logs and data trace are off, as they are where nobody asks for them.
///
/// # Errors
/// When the control plane refuses a call; the message has its answer.
pub(crate) async fn create(gateway: SocketAddr, backend: SocketAddr, two_way: bool) -> anyhow::Result<Api> {
    create_by(HttpConnection::open(gateway).await?, backend, two_way).await
}

/// The same, over a connection that may sign.
///
/// # Errors
/// As for [`create`].
pub(crate) async fn create_by(control: HttpConnection, backend: SocketAddr, two_way: bool) -> anyhow::Result<Api> {
    let (name, path) = if two_way { ("two-way", backend::ECHO) } else { ("one-way", backend::EMPTY) };
    let parameter = format!("integration.request.header.{}", backend::ID_HEADER);
    let integration = json!({
        "integrationType": "HTTP_PROXY",
        "integrationMethod": "POST",
        "integrationUri": format!("http://{backend}{path}"),
        "requestParameters": { parameter: "context.connectionId" },
    });
    create_with(control, name, &integration, two_way).await
}

/// The same in front of a function of the gateway's own, with replies.
///
/// # Errors
/// As for [`create`].
pub(crate) async fn create_of_function(gateway: SocketAddr, function: &str) -> anyhow::Result<Api> {
    let integration = json!({
        "integrationType": "AWS_PROXY",
        "integrationUri": format!("arn:aws:lambda:us-east-1:000000000000:function:{function}"),
    });
    create_with(HttpConnection::open(gateway).await?, function, &integration, true).await
}

async fn create_with(
    mut control: HttpConnection,
    name: &str,
    integration: &Value,
    two_way: bool,
) -> anyhow::Result<Api> {
    let api = json!({
        "name": name,
        "protocolType": "WEBSOCKET",
        "routeSelectionExpression": "$request.body.action",
    });
    let api = text(&control.create("/v2/apis", &api).await?, "apiId")?;
    let base = format!("/v2/apis/{api}");
    let integration = control.create(&format!("{base}/integrations"), integration).await?;
    let mut route = json!({
        "routeKey": "$default",
        "target": format!("integrations/{}", text(&integration, "integrationId")?),
    });
    if two_way {
        route["routeResponseSelectionExpression"] = json!("$default");
    }
    let route = control.create(&format!("{base}/routes"), &route).await?;
    if two_way {
        let responses = format!("{base}/routes/{}/routeresponses", text(&route, "routeId")?);
        control.create(&responses, &json!({ "routeResponseKey": "$default" })).await?;
    }
    let deployment = control.create(&format!("{base}/deployments"), &json!({})).await?;
    let stage = json!({ "stageName": STAGE, "deploymentId": text(&deployment, "deploymentId")? });
    control.create(&format!("{base}/stages"), &stage).await?;
    Ok(Api { path: format!("/_aws/execute-api/{api}/{STAGE}") })
}

fn text(document: &Value, member: &str) -> anyhow::Result<String> {
    let text = document[member].as_str().with_context(|| format!("no {member} in the answer {document}"))?;
    Ok(text.to_owned())
}
