//! Where a torment takes place: the gateway, who else is there, and APIs of the torment's own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::bystander::Leave;
use super::tls::Trust;
use crate::bench::http::HttpConnection;
use crate::bench::process::Lines;
use crate::bench::ws::{PATIENCE, WebSocket, socket};

/// What a WebSocket goes over: TCP, or TLS.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Wire for S {}

/// Where a torment takes place.
#[derive(Clone)]
pub(super) struct Scene {
    /// Control plane, health and metrics, and clients where nothing is under TLS.
    pub(super) gateway: SocketAddr,
    /// Where clients come under TLS, if they do.
    pub(super) secure: Option<(SocketAddr, Trust)>,
    /// The gateway's process.
    pub(super) pid: u32,
    /// What the gateway says.
    pub(super) lines: Lines,
    /// A backend that takes connections and never answers.
    pub(super) silent: SocketAddr,
    /// Sends the bystander away, for a torment that ends the gateway.
    pub(super) leave: Arc<Leave>,
    /// How long the torment is to last.
    pub(super) time: Duration,
}

impl Scene {
    /// Opens a WebSocket from `source`, as clients of this gateway come.
    ///
    /// # Errors
    /// When it is not upgraded in time.
    pub(super) async fn open(&self, path: &str, source: Ipv4Addr) -> anyhow::Result<WebSocket<Box<dyn Wire>>> {
        let opening = async {
            let to = self.secure.as_ref().map_or(self.gateway, |(to, _)| *to);
            let tcp = socket(source)?.connect(to).await.context("connect")?;
            tcp.set_nodelay(true)?;
            let port = tcp.local_addr()?.port();
            let wire: Box<dyn Wire> = match &self.secure {
                None => Box::new(tcp),
                Some((_, trust)) => Box::new(trust.connect(tcp).await?),
            };
            WebSocket::over(wire, to, path, port).await
        };
        timeout(PATIENCE, opening).await.context("open a WebSocket: timed out")?
    }

    /// Makes an API whose every message goes to one integration: the path of its stage.
    ///
    /// # Errors
    /// When the control plane refuses it.
    pub(super) async fn api(&self, integration: &Value, models: &[(&str, Value)]) -> anyhow::Result<String> {
        let mut api = Api::create(self.gateway).await?;
        let mut members = json!({});
        for (name, schema) in models {
            api.model(name, schema).await?;
            members = json!({"modelSelectionExpression": "default", "requestModels": {"default": name}});
        }
        let integration = api.integration(integration).await?;
        api.route("$default", &integration, &members).await?;
        api.deploy().await
    }
}

/// An API that is being made.
pub(super) struct Api {
    control: HttpConnection,
    pub(super) id: String,
}

/// The stage of every torment's API.
const STAGE: &str = "t";

impl Api {
    /// # Errors
    /// When the control plane refuses it; so for all of these.
    pub(super) async fn create(gateway: SocketAddr) -> anyhow::Result<Api> {
        let mut control = HttpConnection::open(gateway).await?;
        let api =
            json!({"name": "torment", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"});
        let id = id(&control.create("/v2/apis", &api).await?, "apiId")?;
        Ok(Api { control, id })
    }

    pub(super) async fn model(&mut self, name: &str, schema: &Value) -> anyhow::Result<()> {
        let model = json!({"name": name, "contentType": "application/json", "schema": schema.to_string()});
        self.make("models", &model).await.map(drop)
    }

    /// With a response that passes everything on, where its type has responses.
    pub(super) async fn integration(&mut self, integration: &Value) -> anyhow::Result<String> {
        let id = id(&self.make("integrations", integration).await?, "integrationId")?;
        if integration["integrationType"] != "HTTP_PROXY" {
            let responses = format!("integrations/{id}/integrationresponses");
            self.make(&responses, &json!({"integrationResponseKey": "$default"})).await?;
        }
        Ok(id)
    }

    /// A route, two-way unless it is one of a connection's beginning or end, with more `members`.
    pub(super) async fn route(&mut self, key: &str, integration: &str, members: &Value) -> anyhow::Result<()> {
        let mut route = json!({"routeKey": key, "target": format!("integrations/{integration}")});
        let is_two_way = !matches!(key, "$connect" | "$disconnect");
        if is_two_way {
            route["routeResponseSelectionExpression"] = json!("$default");
        }
        for (name, value) in members.as_object().into_iter().flatten() {
            route[name] = value.clone();
        }
        let id = id(&self.make("routes", &route).await?, "routeId")?;
        if is_two_way {
            self.make(&format!("routes/{id}/routeresponses"), &json!({"routeResponseKey": "$default"})).await?;
        }
        Ok(())
    }

    /// Gives the path of its stage.
    pub(super) async fn deploy(mut self) -> anyhow::Result<String> {
        self.make("stages", &json!({"stageName": STAGE})).await?;
        self.make("deployments", &json!({"stageName": STAGE})).await?;
        Ok(format!("/_aws/execute-api/{}/{STAGE}", self.id))
    }

    async fn make(&mut self, what: &str, document: &Value) -> anyhow::Result<Value> {
        self.control.create(&format!("/v2/apis/{}/{what}", self.id), document).await
    }
}

fn id(answer: &Value, member: &str) -> anyhow::Result<String> {
    answer[member].as_str().map(str::to_owned).with_context(|| format!("no {member} in {answer}"))
}
