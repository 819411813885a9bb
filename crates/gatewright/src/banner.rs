//! What the program tells a person when it starts, and when a stage becomes reachable.

use std::net::SocketAddr;

use types::snapshot::StageKey;

use crate::config::Config;
use crate::ready_made::ReadyMade;

/// The addresses as they came out, ports included.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    pub(crate) listen: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    /// Whether the public address speaks TLS.
    pub(crate) tls: bool,
    /// How clients come, where that is another way: `https://gateway.example.com`.
    pub(crate) public_url: Option<String>,
}

impl Addresses {
    /// The control plane's address as a URL.
    pub(crate) fn admin_url(&self) -> String {
        match self.admin {
            Some(admin) => format!("http://{admin}"),
            None => self.url(),
        }
    }

    /// The public address as a URL.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.listen)
    }

    /// How clients come, as a WebSocket URL, where it was said.
    pub(crate) fn public_ws_url(&self) -> Option<String> {
        self.public_url.as_ref().map(|url| url.replacen("http", "ws", 1))
    }

    /// Host and port that by-host addresses end in. `*.localhost` is loopback on most systems.
    pub(crate) fn authority(&self) -> String {
        format!("localhost:{}", self.listen.port())
    }

    /// The WebSocket URL of a stage by path, which needs no name resolution.
    pub(crate) fn stage_url(&self, key: &StageKey) -> String {
        let StageKey { api_id, stage } = key;
        let base = self.public_ws_url().unwrap_or_else(|| self.url().replacen("http", "ws", 1));
        format!("{base}/_aws/execute-api/{api_id}/{stage}")
    }

    /// The WebSocket URL of a stage by host, as on AWS; names below `localhost` do not resolve everywhere.
    pub(crate) fn stage_url_by_host(&self, key: &StageKey) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}.execute-api.{}/{}", key.api_id, self.authority(), key.stage)
    }

    /// What the AWS CLI and SDKs take as the endpoint of `@connections`: on the admin address where there is one.
    pub(crate) fn callback(&self, key: &StageKey) -> String {
        format!("{}/_aws/execute-api/{}/{}", self.admin_url(), key.api_id, key.stage)
    }
}

/// The text at start.
pub(crate) fn text(config: &Config, addresses: &Addresses, stages: &[(StageKey, bool)]) -> String {
    let url = addresses.admin_url();
    let mut text = format!("Gatewright is ready on {}\n", addresses.url());
    if let Some(public) = &addresses.public_url {
        text += &format!("  clients come to {public}\n");
    }
    if addresses.admin.is_some() {
        text += &format!("  control plane  {url}\n");
    }
    text += &format!("  console        {url}/_console/\n");
    text += &match &config.settings.data_dir {
        Some(dir) => format!("  data folder    {}\n", dir.display()),
        None => "  data folder    none: nothing is kept after the program ends\n".to_owned(),
    };
    // Where keys are looked at only those of the file will do.
    let keys = match &config.settings.credentials {
        Some(file) => format!("\n    and an access key of {}", file.display()),
        None => " AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local".to_owned(),
    };
    text += &format!(
        "  for the AWS CLI and SDKs, paste:\n    export AWS_ENDPOINT_URL_APIGATEWAYV2={url} \
         AWS_ENDPOINT_URL_API_GATEWAY={url} AWS_DEFAULT_REGION={}{keys}\n",
        config.settings.region
    );
    if stages.is_empty() {
        text += "  stages         none yet. An API of your own:\n    aws apigatewayv2 create-api --name chat --protocol-type \
                 WEBSOCKET --route-selection-expression '$request.body.action'\n    or at once, to a backend that is there: \
                 gatewright serve --backend http://127.0.0.1:3000\n";
    }
    for (key, deployed) in stages {
        match deployed {
            true => text += &stage(addresses, key),
            false => {
                text += &format!(
                    "  stage {key}    not deployed: aws apigatewayv2 create-deployment --api-id {} --stage-name {}\n",
                    key.api_id, key.stage
                )
            }
        }
    }
    if stages.iter().any(|(_, deployed)| *deployed) {
        text += PUSH;
    }
    text += &ReadyMade::of(config).map(|made| made.told()).unwrap_or_default();
    text
}

// Both versions of the CLI read a file as it is; text behind `--data` they read differently.
const PUSH: &str = "  and then, with the id of a connection:\n    printf Hello | aws apigatewaymanagementapi post-to-connection \
                    --data fileb:///dev/stdin --connection-id ID\n";

// Where clients connect, and where backends push.
fn stage(addresses: &Addresses, key: &StageKey) -> String {
    let callback = addresses.callback(key);
    format!(
        "  stage {key}\n    connect        {}\n    or by host     {}\n    push to a client: POST {callback}/@connections/{{connectionId}}\n    \
         for the AWS CLI and SDKs: export AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI={callback}\n",
        addresses.stage_url(key),
        addresses.stage_url_by_host(key),
    )
}
