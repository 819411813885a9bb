//! npm's serverless-offline, from a folder where somebody has installed it, with the bench's handler behind its WebSocket.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::bench::lambda::Node;

/// How long it may take until it listens: it compiles its own parts at each start.
const START_MAX: Duration = Duration::from_secs(60);
/// How often that is tried.
const LOOK: Duration = Duration::from_millis(100);
/// What runs the plugin: the maintained fork of version 3, or version 3 itself.
const RUNNERS: [&str; 2] = ["osls", "serverless"];
const SERVICE: &str = include_str!("serverless.yml");

pub(crate) struct Offline {
    node: Node,
    pub(crate) address: SocketAddr,
}

impl Offline {
    /// Starts it in a folder below `place`, where the handler lies, and waits until it listens.
    ///
    /// # Errors
    /// When `installed` has no `node_modules` with it, or it does not listen in time.
    pub(crate) async fn start(installed: &Path, place: &Path, options: &[&str]) -> anyhow::Result<Offline> {
        let packages = installed.join("node_modules").canonicalize().with_context(|| {
            format!(
                "{} has no node_modules: npm install --legacy-peer-deps osls serverless-offline",
                installed.display()
            )
        })?;
        let runner = RUNNERS.iter().map(|name| packages.join(".bin").join(name)).find(|path| path.is_file());
        let runner = runner.with_context(|| format!("{} has neither osls nor serverless", packages.display()))?;
        let [sockets, http, lambda] = [free_port()?, free_port()?, free_port()?];
        let service = place.join(format!("offline-{sockets}"));
        std::fs::create_dir_all(&service)?;
        std::fs::write(service.join("serverless.yml"), SERVICE)?;
        std::fs::copy(place.join("handler.mjs"), service.join("handler.mjs"))?;
        symlink(&packages, service.join("node_modules"))?;
        let mut command = Command::new("node");
        command.arg(runner).args(["offline", "--host", "127.0.0.1", "--noTimeout"]).args(options);
        for (name, port) in [("--websocketPort", sockets), ("--httpPort", http), ("--lambdaPort", lambda)] {
            command.arg(name).arg(port.to_string());
        }
        // It needs neither an account nor the network.
        let apart =
            [("SLS_TELEMETRY_DISABLED", "1"), ("SLS_NOTIFICATIONS_MODE", "off"), ("AWS_ACCESS_KEY_ID", "local")];
        command.envs(apart).env("AWS_SECRET_ACCESS_KEY", "local").current_dir(&service);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut node = Node(command.spawn().context("start node")?);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, sockets));
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            if let Some(status) = node.0.try_wait()? {
                bail!("serverless-offline ended: {status}");
            }
            anyhow::ensure!(begun.elapsed() < START_MAX, "serverless-offline does not listen on {address}");
            tokio::time::sleep(LOOK).await;
        }
        Ok(Offline { node, address })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.node.0.id()
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
