//! `bench lambda`: what a message costs that is answered by a function in one Node process, beside the same in a Node server
//! behind `HTTP_PROXY` in the same run, and beside serverless-offline with the same handler where its folder is named; and
//! what the first call of a function takes beside the start of Node alone.
//!
//! Measured on two quiet cores (three rounds of 16 connections): 11,226 messages a second and 41.8 µs of the gateway's CPU;
//! serverless-offline 4,952 and 330.8 µs, with `--useInProcess` 11,173 and 89.0 µs; the first call 1.09 times the start of Node.
//! In instructions, which neighbours do not change (valgrind, one thread, 8 connections): 76,000 a message in the gateway,
//! 111,000 when each call had a task; 35,000 of the 76,000 were the event, which is now written without a template's values.

mod offline;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::json;

use crate::bench::lambda::offline::Offline;
use crate::bench::load::Lines;
use crate::bench::options::{Options, within};
use crate::bench::process::{self, Gateway, Start};
use crate::bench::{control, procfs};

/// The aims. Source: ours; serverless-offline's figure is recorded, 93 µs a message.
const COLD_AIM: f64 = 1.5;
const CPU_AIM_US: f64 = 93.0 / 5.0;
/// Beside serverless-offline in the same run: so many times its messages, and this part of its CPU.
const RATE_AIM: f64 = 3.0;
const CPU_AIM: f64 = 1.0 / 5.0;
/// How long each load runs before it is measured.
const WARM_UP: Duration = Duration::from_secs(1);
/// How often a cold start is measured; the median counts.
const COLD_STARTS: usize = 7;
const MESSAGE_BYTES: usize = 128;
const OF_SERVER: &str = "a Node server, HTTP_PROXY";
const OF_FUNCTION: &str = "a function in one Node process, AWS_PROXY";
/// Its own way to run handlers, in threads, and the quicker one.
const OF_OFFLINE: [(&str, &[&str]); 2] =
    [("serverless-offline", &[]), ("serverless-offline --useInProcess", &["--useInProcess"])];

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A Node process that ends with this.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Figures {
    gateway_us: f64,
    node_us: f64,
    per_second: f64,
}

/// One way from a message to the handler and back, and what was measured of it.
struct Lane {
    name: &'static str,
    lines: Lines,
    /// What clients are connected to.
    gateway: u32,
    /// What runs the handler, where that is another process.
    node: Option<u32>,
    figures: Vec<Figures>,
}

impl Lane {
    async fn measure(&mut self, time: Duration) -> anyhow::Result<()> {
        let node = |pid: Option<u32>| pid.map_or(Ok(Duration::ZERO), procfs::cpu);
        let (before, node_before, begun) = (procfs::cpu(self.gateway)?, node(self.node)?, Instant::now());
        let units = self.lines.run(MESSAGE_BYTES, time).await?.max(1) as f64;
        let cost = |cpu: Duration| cpu.as_secs_f64() * 1e6 / units;
        self.figures.push(Figures {
            gateway_us: cost(procfs::cpu(self.gateway)?.saturating_sub(before)),
            node_us: cost(node(self.node)?.saturating_sub(node_before)),
            per_second: units / begun.elapsed().as_secs_f64(),
        });
        Ok(())
    }

    fn median(&self, figure: fn(&Figures) -> f64) -> f64 {
        median(self.figures.iter().map(figure).collect())
    }
}

/// Runs the bench; true when it came to figures.
///
/// # Errors
/// Wrong usage, a program that does not start, or a message that is not answered as it should be.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    let mut options = Options::new(words);
    let time = Duration::from_secs(within("--seconds", options.value("--seconds", 5)?, 1..=600)?);
    let connections = within("--connections", options.value("--connections", 16)?, 1..=1000)?;
    let rounds = within("--rounds", options.value("--rounds", 3)?, 1..=99)?;
    let program = process::program(options.bin()?)?;
    let offline = options.optional::<PathBuf>("--serverless-offline")?;
    let as_json = options.flag("--json");
    options.end()?;
    process::runtime()?.block_on(async {
        let folder = Folder(std::env::temp_dir().join(format!("gatewright-bench-lambda-{}", std::process::id())));
        write_files(&folder.0)?;
        let (server, server_at) = server(&folder.0)?;
        let config = folder.0.join("gatewright.toml").display().to_string();
        let start = Start { options: vec!["--config".to_owned(), config], ..Start::default() };
        let gateway = Gateway::start_with(&program, server_at, start).await?;
        let by_server = control::create(gateway.address, server_at, true).await?.path;
        let by_function = control::create_of_function(gateway.address, "echo").await?.path;
        let mut lanes = Vec::new();
        for (name, path) in [(OF_SERVER, &by_server), (OF_FUNCTION, &by_function)] {
            let lines = Lines::two_way(gateway.address, path, connections).await?;
            lanes.push(Lane { name, lines, gateway: gateway.pid, node: None, figures: Vec::new() });
        }
        let mut others = Vec::new();
        if let Some(installed) = &offline {
            for (name, options) in OF_OFFLINE {
                let other = Offline::start(installed, &folder.0, options).await?;
                let lines = Lines::two_way(other.address, "/", connections).await?;
                lanes.push(Lane { name, lines, gateway: other.pid(), node: None, figures: Vec::new() });
                others.push(other);
            }
        }
        for lane in &mut lanes {
            lane.lines.run(MESSAGE_BYTES, WARM_UP).await?;
        }
        lanes[0].node = Some(server.0.id());
        lanes[1].node = Some(child_of(gateway.pid)?);
        for _ in 0..rounds {
            for lane in &mut lanes {
                lane.measure(time).await?;
            }
        }
        drop(others);
        let alone = median((0..COLD_STARTS).map(|_| node_alone(&folder.0)).collect::<anyhow::Result<_>>()?);
        let mut cold = Vec::new();
        for place in 0..COLD_STARTS {
            let path = control::create_of_function(gateway.address, &format!("cold-{place}")).await?.path;
            let mut line = Lines::two_way(gateway.address, &path, 1).await?;
            let begun = Instant::now();
            // So short that it is over when the first is answered.
            line.run(MESSAGE_BYTES, Duration::from_millis(1)).await?;
            cold.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        report(&lanes, alone, median(cold), as_json);
        Ok(true)
    })
}

fn write_files(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("handler.mjs"), include_str!("lambda/handler.mjs"))?;
    std::fs::write(folder.join("server.mjs"), include_str!("lambda/server.mjs"))?;
    let names = std::iter::once("echo".to_owned()).chain((0..COLD_STARTS).map(|place| format!("cold-{place}")));
    let one = |name: String| {
        format!("[functions.{name}]\nhandler = \"handler.handler\"\nconcurrency = 1\ntimeout = \"30s\"\n")
    };
    std::fs::write(folder.join("gatewright.toml"), names.map(one).collect::<String>())?;
    Ok(())
}

fn server(folder: &Path) -> anyhow::Result<(Node, SocketAddr)> {
    let mut command = Command::new("node");
    command.arg("server.mjs").current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().context("start node")?;
    let output = child.stdout.take().context("read node's output")?;
    let node = Node(child);
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    Ok((node, line.trim().parse().context("read the server's address")?))
}

// What Node takes to load the same file and to end, in milliseconds.
fn node_alone(folder: &Path) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let status = Command::new("node").arg("handler.mjs").current_dir(folder).status().context("start node")?;
    ensure!(status.success(), "node handler.mjs: {status}");
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}

// The one process that the gateway has begun so far.
fn child_of(pid: u32) -> anyhow::Result<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let mut found: Vec<u32> = children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    found.sort_unstable();
    found.dedup();
    ensure!(found.len() == 1, "the gateway has {} processes and not the function's one", found.len());
    Ok(found[0])
}

fn report(lanes: &[Lane], alone: f64, cold: f64, as_json: bool) {
    let row = |lane: &Lane| {
        (lane.median(|f| f.gateway_us), lane.node.map(|_| lane.median(|f| f.node_us)), lane.median(|f| f.per_second))
    };
    if as_json {
        let rows = lanes.iter().map(|lane| (lane.name, row(lane)));
        let rows = rows.map(|(name, (gateway, node, rate))| {
            json!({ "name": name, "gateway_us": gateway, "node_us": node, "per_second": rate })
        });
        let rows: Vec<_> = rows.collect();
        println!("{}", json!({ "bench": "lambda", "lanes": rows, "node_alone_ms": alone, "cold_ms": cold }));
        return;
    }
    println!("messages of {MESSAGE_BYTES} bytes, two-way; CPU µs a message");
    println!("{:<44}{:>9}{:>9}{:>11}", "", "gateway", "node", "a second");
    for lane in lanes {
        let (gateway, node, rate) = row(lane);
        let node = node.map_or_else(|| "within".to_owned(), |node| format!("{node:.1}"));
        println!("{:<44}{gateway:>9.1}{node:>9}{rate:>11.0}", lane.name);
    }
    let (gateway, node, rate) = row(&lanes[1]);
    for lane in &lanes[2..] {
        let (its, _, its_rate) = row(lane);
        let whole = gateway + node.unwrap_or_default();
        println!(
            "the function beside {}: {:.2} × its messages (aim {RATE_AIM} ×); the gateway's CPU {:.3} of its (aim {CPU_AIM}), \
             with Node's {:.3}",
            lane.name,
            rate / its_rate,
            gateway / its,
            whole / its
        );
    }
    println!("aim for the gateway: at most {CPU_AIM_US:.1} µs, a fifth of serverless-offline's recorded 93");
    println!(
        "first call of a function {cold:.0} ms, Node alone {alone:.0} ms: {:.2} × (aim {COLD_AIM} ×)",
        cold / alone
    );
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
