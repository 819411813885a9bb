//! Starts the processes of a bench, and sees to it that none of them outlives it.
//!
//! A process of ours ends when its standard input does, which the kernel closes however the bench ends. The gateway does
//! not know of that, so a *keeper* of ours stands between: it starts the gateway, and kills it when its own input ends.

use std::future::Future;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use tokio::sync::mpsc::error::TryRecvError;

use crate::Usage;
use crate::bench::http::HttpConnection;
use crate::bench::nats;
use crate::check::command::RAISE_AND_EXEC;

/// What the keeper is called on the command line.
pub(crate) const KEEPER: &str = "bench-keep";
/// How long a process may take from its start to the line that says it is ready.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How often a process is asked whether it is ready, or over.
const LOOK: Duration = Duration::from_millis(20);
/// Lines of a process that may wait to be read; those beyond are dropped, so that a talkative one never blocks.
const LINES_WAITING_MAX: usize = 1024;

/// A process that runs, with what it prints. Dropping it ends it.
pub(crate) struct Process {
    child: Child,
    lines: Lines,
}

/// The lines that a process prints, for all who want the next one.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Mutex<Receiver<String>>>);

impl Lines {
    /// The next line, and `None` once the process has ended.
    ///
    /// # Errors
    /// When none comes within `limit`.
    pub(crate) fn next(&self, limit: Duration) -> anyhow::Result<Option<String>> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(limit) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Timeout) => bail!("a process said nothing for {} s", limit.as_secs()),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
        }
    }
}

impl Process {
    /// Starts this program again as `role`.
    ///
    /// # Errors
    /// When the kernel does not let it.
    pub(crate) fn role(role: &str, words: &[String]) -> anyhow::Result<Process> {
        let own = std::env::current_exe().context("find this program's own file")?;
        let mut command = Command::new("sh");
        command.args(["-c", RAISE_AND_EXEC, "sh"]).arg(own).arg(role).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("start {role}"))?;
        let output = child.stdout.take().context("read a process's output")?;
        Ok(Process { child, lines: lines_of(output) })
    }

    /// Its process id; the shell that started it has become it.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints.
    ///
    /// # Errors
    /// When none comes within `limit`, or it has ended.
    pub(crate) fn line(&self, limit: Duration) -> anyhow::Result<String> {
        self.lines.next(limit)?.context("a process ended before its time")
    }

    /// Asks it to go on with its next part, by a line of its input.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        use std::io::Write;
        let input = self.child.stdin.as_mut().context("a process without input")?;
        writeln!(input, "{line}").and_then(|()| input.flush()).context("tell a process what to do")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // Most end at once by the end of their input; the rest are killed, and none is left as a zombie.
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(output: ChildStdout) -> Lines {
    let (lines, arriving) = sync_channel(LINES_WAITING_MAX);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { return };
            let _ = lines.try_send(line);
        }
    });
    Lines(Arc::new(Mutex::new(arriving)))
}

/// How a gateway is started, beside what every one of a bench is.
#[derive(Default)]
pub(crate) struct Start {
    /// More options.
    pub(crate) options: Vec<String>,
    /// Where it keeps its data; `None`: nowhere.
    pub(crate) data_dir: Option<PathBuf>,
    /// How many files it may have open; `None`: as many as allowed.
    pub(crate) files_max: Option<u64>,
    /// Variables of its environment, `NAME=value`.
    pub(crate) environment: Vec<String>,
}

/// A gateway that serves.
pub(crate) struct Gateway {
    /// Where control plane and metrics are, and clients too unless [`Gateway::secure`] is there.
    pub(crate) address: SocketAddr,
    /// Where clients come under TLS.
    pub(crate) secure: Option<SocketAddr>,
    /// What it says once it serves.
    pub(crate) lines: Lines,
    /// The gateway's own process id, not its keeper's.
    pub(crate) pid: u32,
    _keeper: Process,
}

impl Gateway {
    /// Starts `program` with an empty store, and an API in front of `backend`; waits until it is healthy.
    ///
    /// # Errors
    /// When it does not come up within the time; what it said last is part of the message.
    pub(crate) async fn start(program: &Path, backend: SocketAddr) -> anyhow::Result<Gateway> {
        Gateway::start_with(program, backend, Start::default()).await
    }

    /// The same, in another way.
    ///
    /// # Errors
    /// As for [`Gateway::start`].
    pub(crate) async fn start_with(program: &Path, backend: SocketAddr, start: Start) -> anyhow::Result<Gateway> {
        let target = format!("http://{backend}");
        // At `warn` the ready-made API logs nothing of its events, as a gateway in production.
        let folder = start.data_dir.as_ref().and_then(|folder| folder.to_str());
        let kept = folder.map_or(vec!["--ephemeral"], |folder| vec!["--data-dir", folder]);
        let words =
            ["serve", "--listen", "127.0.0.1:0", "--log-level", "warn", "--backend", &target].into_iter().chain(kept);
        let program = program.to_str().context("the program's path is not UTF-8")?;
        let files = start.files_max.map(|files| files.to_string());
        // Without `unsafe` only a shell can lower the limit; it becomes the program.
        let limited = files.iter().flat_map(|files| ["sh", "-c", "ulimit -n \"$0\"; exec \"$@\"", files.as_str()]);
        let variables = start.environment.iter().map(String::as_str);
        let changed = (!start.environment.is_empty()).then_some("env").into_iter().chain(variables);
        let words =
            changed.chain(limited).chain([program]).chain(words).map(str::to_owned).chain(start.options.clone());
        let keeper = Process::role(KEEPER, &words.collect::<Vec<String>>())?;
        let first = keeper.line(START_LIMIT)?;
        let pid = first.strip_prefix("pid ").and_then(|pid| pid.parse().ok());
        let pid = pid.with_context(|| format!("start {program}: {first}"))?;
        let mut secure = None;
        let address = loop {
            let line = keeper.line(START_LIMIT).context("wait for the gateway to print its address")?;
            secure = secure.or_else(|| address_in("https", &line, backend));
            if let Some(address) = address_in("http", &line, backend) {
                break address;
            }
        };
        let gateway = Gateway { address, secure, pid, lines: keeper.lines.clone(), _keeper: keeper };
        gateway.healthy().await?;
        Ok(gateway)
    }

    async fn healthy(&self) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            let asked = async {
                let mut connection = HttpConnection::open(self.address).await?;
                connection.request(Method::GET, "/_health", Bytes::new()).await
            };
            match asked.await {
                Ok((StatusCode::OK, _)) => return Ok(()),
                Ok((status, _)) if start.elapsed() > START_LIMIT => bail!("the gateway is not healthy: {status}"),
                Err(error) if start.elapsed() > START_LIMIT => {
                    return Err(error.context("ask for the gateway's health"));
                }
                Ok(_) | Err(_) => tokio::time::sleep(LOOK).await,
            }
        }
    }
}

/// The gateway's address in a line of its start-up, which may name the backend's too.
fn address_in(scheme: &str, line: &str, backend: SocketAddr) -> Option<SocketAddr> {
    line.split(&format!("{scheme}://")).skip(1).find_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':').unwrap_or(rest.len());
        rest[..end].trim_end_matches([':', '.']).parse().ok().filter(|address| *address != backend)
    })
}

/// The keeper: starts a program, prints its process id, and kills it when standard input ends.
///
/// # Errors
/// When the program cannot be started.
pub(crate) fn keep(words: &[String]) -> anyhow::Result<bool> {
    let (program, rest) = words.split_first().ok_or_else(|| Usage::error(format!("{KEEPER} needs a program")))?;
    // The shell says its id before it becomes the program, so that this is the first line that a reader sees.
    let mut command = Command::new("sh");
    command.args(["-c", "echo \"pid $$\"; exec \"$@\"", "sh", program]).args(rest).stdin(Stdio::null());
    // A variable of the bench's own; the gateway takes none that it does not know.
    command.env_remove(nats::VARIABLE);
    let mut child = command.spawn().with_context(|| format!("start {program}"))?;
    let mut input = input();
    loop {
        if let Some(status) = child.try_wait()? {
            eprintln!("{program}: {status}");
            return Ok(status.success());
        }
        if input.try_recv() == Err(TryRecvError::Disconnected) {
            child.kill()?;
            child.wait()?;
            return Ok(true);
        }
        std::thread::sleep(LOOK);
    }
}

/// Runs `work` on a runtime until it is done or standard input ends.
///
/// # Errors
/// Those of `work`, and of starting a runtime.
pub(crate) fn until_input_ends(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<bool> {
    let mut input = input();
    runtime()?.block_on(async {
        tokio::select! {
            done = work => done.map(|()| true),
            () = async { while input.recv().await.is_some() {} } => Ok(true),
        }
    })
}

/// The lines of standard input; closed at its end.
///
/// Read by a thread of its own, which a runtime that ends need not wait for.
pub(crate) fn input() -> tokio::sync::mpsc::Receiver<String> {
    let (lines, arriving) = tokio::sync::mpsc::channel(LINES_WAITING_MAX);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { return };
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    arriving
}

/// The runtime that every process of a bench uses: two workers, as the gateway has on the machine of the aims.
///
/// # Errors
/// When the kernel gives no thread.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().context("start a runtime")
}

/// The gateway to measure: `named`, or one built now, optimised.
///
/// # Errors
/// When there is none, or it does not compile.
pub(crate) fn program(named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(named) = named {
        ensure!(named.is_file(), "there is no program {}", named.display());
        return Ok(named);
    }
    // This program is `<target>/release/xtask`, as cargo runs it for a bench; the gateway shall lie beside it.
    let own = std::env::current_exe().context("find this program's own file")?;
    let target = own.ancestors().nth(2).context("find the folder that cargo builds in")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    eprintln!("building the gateway, optimised …");
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--package", "gatewright", "--target-dir"])
        .arg(target)
        .stdin(Stdio::null())
        .status()
        .context("start cargo")?;
    ensure!(status.success(), "cargo build: {status}");
    let program = target.join("release").join("gatewright");
    ensure!(program.is_file(), "cargo built no {}", program.display());
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_among_other_words() {
        let backend: SocketAddr = "127.0.0.1:3000".parse().unwrap();
        let here = Some("127.0.0.1:4510".parse().unwrap());
        for line in [
            "  API Gateway   http://127.0.0.1:4510",
            "aws apigatewayv2 get-apis --endpoint-url http://127.0.0.1:4510.",
            "http://127.0.0.1:3000 behind http://127.0.0.1:4510/_console/",
            r#"{"address":"http://127.0.0.1:4510"}"#,
        ] {
            assert_eq!(address_in("http", line, backend), here, "{line}");
        }
        for line in ["", "ws://127.0.0.1:4510", "backend http://127.0.0.1:3000", "http://localhost:4510"] {
            assert_eq!(address_in("http", line, backend), None, "{line}");
        }
        let secure = "Gatewright is ready on https://127.0.0.1:4510";
        assert_eq!((address_in("http", secure, backend), address_in("https", secure, backend)), (None, here));
    }
}
