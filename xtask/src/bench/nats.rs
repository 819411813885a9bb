//! One nats-server with JetStream, for the benches of many nodes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::bench::process::{KEEPER, Process};
use crate::check::{Checkout, installs};

/// How long the server may take from its start until it greets.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(50);
/// Names the program, where it is not beside the Python of the client tests.
pub(crate) const VARIABLE: &str = "GATEWRIGHT_NATS_SERVER";

/// A server that greets. Dropping it ends it, and removes what it kept.
pub(crate) struct Nats {
    /// `nats://127.0.0.1:PORT`, as `--cluster` takes it.
    pub(crate) url: String,
    /// Its process id.
    pub(crate) pid: u32,
    // Ended before its folder goes.
    keeper: Option<Process>,
    folder: PathBuf,
}

impl Nats {
    /// Starts one on a free port of 127.0.0.1, with a folder of its own below the system's for such things.
    ///
    /// # Errors
    /// When the program is not there, or does not greet in time; its own words are in the message.
    pub(crate) async fn start() -> anyhow::Result<Nats> {
        let program = program()?;
        let folder = std::env::temp_dir().join(format!("gatewright-bench-nats-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr())?.port();
        let text = |path: PathBuf| path.into_os_string().into_string().ok().context("a path that is not UTF-8");
        let (said, kept) = (folder.join("log"), text(folder.join("jetstream"))?);
        let words = [text(program)?, "-a".into(), "127.0.0.1".into(), "-p".into(), port.to_string()];
        let rest = ["-js".into(), "-sd".into(), kept, "-l".into(), text(said.clone())?];
        let keeper = Process::role(KEEPER, &[&words[..], &rest[..]].concat())?;
        let first = keeper.line(START_LIMIT)?;
        let pid = first.strip_prefix("pid ").and_then(|pid| pid.parse().ok()).context("start nats-server")?;
        let nats = Nats { url: format!("nats://127.0.0.1:{port}"), pid, keeper: Some(keeper), folder };
        let begun = Instant::now();
        while !greets((Ipv4Addr::LOCALHOST, port).into()).await {
            let told = || std::fs::read_to_string(&said).unwrap_or_default();
            ensure!(begun.elapsed() < START_LIMIT, "nats-server does not greet; it says: {}", told());
            tokio::time::sleep(LOOK).await;
        }
        Ok(nats)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        drop(self.keeper.take());
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn greets(server: SocketAddr) -> bool {
    let asked = async {
        let mut greeting = [0; 4];
        TcpStream::connect(server).await?.read_exact(&mut greeting).await?;
        std::io::Result::Ok(&greeting == b"INFO")
    };
    matches!(tokio::time::timeout(START_LIMIT, asked).await, Ok(Ok(true)))
}

/// The program: named by the environment, or that of the client tests, which pin it.
fn program() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE).map(PathBuf::from) {
        ensure!(named.is_file(), "{VARIABLE}: there is no program {}", named.display());
        return Ok(named);
    }
    let requirements = Checkout::find()?.root.join("clients/requirements.txt");
    let environment = installs::virtualenv(&installs::cache()?, "python", &requirements)
        .with_context(|| format!("find nats-server; {VARIABLE} may name it"))?;
    let program = environment.join("bin/nats-server");
    ensure!(program.is_file(), "there is no {}; {VARIABLE} may name another", program.display());
    Ok(program)
}
