//! What the program tells a person when it starts, and when a stage becomes reachable.

use std::net::SocketAddr;

use types::snapshot::StageKey;

use crate::config::Config;

/// The addresses as they came out, ports included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) listen: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    /// Whether the public address speaks TLS.
    pub(crate) tls: bool,
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

    /// Host and port that by-host addresses end in. `*.localhost` is loopback on most systems.
    pub(crate) fn authority(&self) -> String {
        format!("localhost:{}", self.listen.port())
    }

    /// The two WebSocket URLs of a stage: by host and by path.
    pub(crate) fn stage_urls(&self, key: &StageKey) -> [String; 2] {
        let StageKey { api_id, stage } = key;
        let scheme = if self.tls { "wss" } else { "ws" };
        [
            format!("{scheme}://{api_id}.execute-api.{}/{stage}", self.authority()),
            format!("{scheme}://{}/_aws/execute-api/{api_id}/{stage}", self.listen),
        ]
    }
}

/// The text at start.
pub(crate) fn text(config: &Config, addresses: &Addresses, stages: &[(StageKey, bool)]) -> String {
    let url = addresses.admin_url();
    let mut text = format!("Gatewright is ready on {}\n", addresses.url());
    if addresses.admin.is_some() {
        text += &format!("  control plane  {url}\n");
    }
    text += &match &config.data_dir {
        Some(dir) => format!("  data folder    {}\n", dir.display()),
        None => "  data folder    none: nothing is kept after the program ends\n".to_owned(),
    };
    text += &format!(
        "  for the AWS CLI, paste:\n    export AWS_ENDPOINT_URL={url} AWS_DEFAULT_REGION={} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\n",
        config.place.region
    );
    if stages.is_empty() {
        text +=
            "  stages         none yet: aws apigatewayv2 create-api …, or start with --backend http://127.0.0.1:3000\n";
    }
    for (key, deployed) in stages {
        let [by_host, by_path] = addresses.stage_urls(key);
        match deployed {
            true => text += &format!("  stage {key}\n    {by_host}\n    {by_path}\n"),
            false => {
                text += &format!(
                    "  stage {key}    not deployed: aws apigatewayv2 create-deployment --api-id {} --stage-name {}\n",
                    key.api_id, key.stage
                )
            }
        }
    }
    text
}
