//! The API of the soak: its backend hears of every connection's beginning and end, and echoes messages.

use anyhow::Context;
use serde_json::{Value, json};

use crate::bench::http::HttpConnection;
use crate::bench::process::Gateway;
use crate::soak::backend::{Backend, CONNECT, DISCONNECT, ECHO, ID_HEADER};

const STAGE: &str = "soak";

/// Makes and deploys it; gives the path of its stage.
///
/// # Errors
/// When the control plane refuses a call; the message has its answer.
pub(crate) async fn create(gateway: &Gateway, backend: &Backend) -> anyhow::Result<String> {
    let mut control = HttpConnection::open(gateway.address).await?;
    let api = json!({
        "name": "soak",
        "protocolType": "WEBSOCKET",
        "routeSelectionExpression": "$request.body.action",
    });
    let api = text(&control.create("/v2/apis", &api).await?, "apiId")?;
    let base = format!("/v2/apis/{api}");
    for (key, path) in [("$connect", CONNECT), ("$disconnect", DISCONNECT), ("$default", ECHO)] {
        let parameter = format!("integration.request.header.{ID_HEADER}");
        let integration = json!({
            "integrationType": "HTTP_PROXY",
            "integrationMethod": "POST",
            "integrationUri": format!("http://{}{path}", backend.address),
            "requestParameters": { parameter: "context.connectionId" },
        });
        let integration = control.create(&format!("{base}/integrations"), &integration).await?;
        let target = format!("integrations/{}", text(&integration, "integrationId")?);
        let route = json!({ "routeKey": key, "target": target, "routeResponseSelectionExpression": "$default" });
        let route = text(&control.create(&format!("{base}/routes"), &route).await?, "routeId")?;
        let responses = format!("{base}/routes/{route}/routeresponses");
        control.create(&responses, &json!({ "routeResponseKey": "$default" })).await?;
    }
    let deployment = control.create(&format!("{base}/deployments"), &json!({})).await?;
    let stage = json!({ "stageName": STAGE, "deploymentId": text(&deployment, "deploymentId")? });
    control.create(&format!("{base}/stages"), &stage).await?;
    Ok(format!("/_aws/execute-api/{api}/{STAGE}"))
}

fn text(document: &Value, member: &str) -> anyhow::Result<String> {
    let text = document[member].as_str().with_context(|| format!("no {member} in the answer {document}"))?;
    Ok(text.to_owned())
}
