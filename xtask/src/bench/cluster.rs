//! `bench cluster`: what it costs that many nodes are one, beside a node that is alone in the same run.
//!
//! Messages that never leave their node, posts that do, changes of the definitions, and how soon a new node is there.

mod definitions;
mod messages;
mod posts;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};

use self::definitions::{Ready, Writes};
use self::messages::Crowd;
use self::posts::Posts;
use crate::Usage;
use crate::bench::backend::Backend;
use crate::bench::messages::{Round, median};
use crate::bench::nats::Nats;
use crate::bench::options::{Options, within};
use crate::bench::payload::MESSAGE_BYTES_MIN;
use crate::bench::process::{self, Gateway, Start};

/// The API and stage that `serve --backend` makes. Source: the contract.
const PATH: &str = "/_aws/execute-api/gatewright/dev";
/// Messages for a second of CPU time of all nodes together, at least, as a ratio to those of one that is alone. Source: ours.
const MESSAGES_AIM: f64 = 0.85;
/// How much longer half of the posts to another node may take than to the own, in microseconds. Source: ours.
const POST_AIM: f64 = 250.0;
/// Nodes of one cluster at most: each is a process beside all others.
const NODES_MAX: usize = 16;

struct Settings {
    time: Duration,
    connections: usize,
    size: usize,
    rounds: usize,
    nodes: Vec<usize>,
    apis: usize,
    routes: usize,
    bin: Option<PathBuf>,
    json: bool,
}

/// Runs the bench; true when it came to figures.
///
/// # Errors
/// Wrong usage, a process that does not start, or an answer that is not the right one.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    let settings = settings(words)?;
    let program = process::program(settings.bin.clone())?;
    process::runtime()?.block_on(async {
        let nats = Nats::start().await?;
        let backend = Backend::start(0).await?;
        let place = Place { program: &program, backend: backend.address, nats: &nats };
        let crowds = messages::measure(&place, &settings).await?;
        let posts = match crowds.last().filter(|crowd| crowd.gateways.len() > 1) {
            Some(crowd) => Some(posts::measure(&place, &crowd.gateways, &settings).await?),
            None => None,
        };
        let writes = definitions::writes(&place, &settings).await?;
        let ready = match settings.apis {
            0 => None,
            _ => Some(definitions::ready(&place, &settings).await?),
        };
        let found = Found { crowds, posts, writes, ready };
        match settings.json {
            true => println!("{}", found.as_json(&settings)),
            false => found.print(&settings),
        }
        Ok(true)
    })
}

fn settings(words: &[String]) -> anyhow::Result<Settings> {
    let mut options = Options::new(words);
    let settings = Settings {
        time: Duration::from_secs_f64(within("--seconds", options.value("--seconds", 3.0)?, 0.2..=600.0)?),
        connections: within("--connections", options.value("--connections", 64)?, 1..=4096)?,
        size: within("--size", options.value("--size", 128)?, MESSAGE_BYTES_MIN..=32 * 1024)?,
        rounds: within("--rounds", options.value("--rounds", 3)?, 1..=99)?,
        nodes: counts(&options.value("--nodes", "1,3,5,8".to_owned())?)?,
        apis: within("--apis", options.value("--apis", 100)?, 0..=600)?,
        routes: within("--routes", options.value("--routes", 300)?, 1..=300)?,
        bin: options.bin()?,
        json: options.flag("--json"),
    };
    options.end()?;
    Ok(settings)
}

/// `1,3,5`: how many nodes each cluster has, in rising order.
fn counts(list: &str) -> anyhow::Result<Vec<usize>> {
    let wrong =
        || Usage::error(format!("--nodes must be rising numbers from 1 to {NODES_MAX}, as 1,3,5, not `{list}`"));
    let counts = list.split(',').map(|count| count.trim().parse().map_err(|_| wrong()));
    let counts = counts.collect::<anyhow::Result<Vec<usize>>>()?;
    let rises = counts.windows(2).all(|two| two[0] < two[1]);
    let fits = counts.iter().all(|count| (1..=NODES_MAX).contains(count));
    if rises && fits { Ok(counts) } else { Err(wrong()) }
}

/// What every node is started with.
struct Place<'p> {
    program: &'p Path,
    backend: SocketAddr,
    nats: &'p Nats,
}

impl Place<'_> {
    /// A node of that cluster, or one that is alone; with a folder, or without.
    async fn node(&self, cluster: Option<&str>, data_dir: Option<PathBuf>) -> anyhow::Result<Gateway> {
        let joined = cluster.map(|name| ["--cluster", &self.nats.url, "--cluster-name", name].map(str::to_owned));
        let options = joined.into_iter().flatten().collect();
        Gateway::start_with(self.program, self.backend, Start { options, data_dir, ..Start::default() }).await
    }
}

/// All figures.
struct Found {
    /// The first is a node that is alone, the last the largest cluster.
    crowds: Vec<Crowd>,
    posts: Option<Posts>,
    writes: Vec<Writes>,
    ready: Option<Ready>,
}

impl Found {
    /// Messages for a second of CPU time, as a ratio to the node that is alone.
    fn ratio(&self, crowd: &Crowd) -> f64 {
        self.crowds.first().map_or(f64::NAN, |alone| cost(&alone.rounds) / cost(&crowd.rounds))
    }

    /// The same beside as many nodes, each of which is alone.
    fn ratio_to_as_many(&self, crowd: &Crowd) -> f64 {
        let as_many = |other: &&Crowd| !other.is_cluster && other.gateways.len() == crowd.gateways.len();
        self.crowds.iter().find(as_many).map_or(f64::NAN, |alone| cost(&alone.rounds) / cost(&crowd.rounds))
    }

    fn print(&self, settings: &Settings) {
        let (size, count, rounds) = (settings.size, settings.connections, settings.rounds);
        println!("messages of {size} bytes and their replies, {count} connections a node, one in flight on each;");
        println!(
            "CPU of all nodes together; medians of {rounds} rounds; aim: ≥ {MESSAGES_AIM} × what one node alone does"
        );
        println!("{:<22}{:>8}{:>11}{:>11}{:>13}{:>10}", "", "CPU µs", "per CPU-s", "to one", "to as many", "a second");
        for crowd in &self.crowds {
            let (cost, rate) = (cost(&crowd.rounds), median(&crowd.rounds, Round::per_second));
            let (one, many) = (self.ratio(crowd), self.ratio_to_as_many(crowd));
            let verdict = match crowd.is_cluster {
                false => "the measure",
                true if one >= MESSAGES_AIM => "met",
                true if many >= MESSAGES_AIM => "missed; met beside as many alone",
                true => "missed",
            };
            let name = crowd.told();
            println!("{name:<22}{cost:>8.2}{:>11.0}{one:>11.2}{many:>13.2}{rate:>10.0}  {verdict}", 1e6 / cost);
        }
        if let Some(posts) = &self.posts {
            posts.print(POST_AIM);
        }
        definitions::print(&self.writes);
        if let Some(ready) = &self.ready {
            ready.print();
        }
    }

    fn as_json(&self, settings: &Settings) -> Value {
        let crowd = |crowd: &Crowd| {
            let costs: Vec<f64> = crowd.rounds.iter().map(Round::cost).collect();
            json!({
                "nodes": crowd.gateways.len(), "in_cluster": crowd.is_cluster, "cpu_us": cost(&crowd.rounds), "cpu_us_rounds": costs,
                "ratio": self.ratio(crowd), "ratio_to_as_many": self.ratio_to_as_many(crowd), "per_second": median(&crowd.rounds, Round::per_second),
            })
        };
        json!({
            "bench": "cluster", "connections_a_node": settings.connections, "bytes": settings.size, "rounds": settings.rounds,
            "seconds": settings.time.as_secs_f64(), "messages": self.crowds.iter().map(crowd).collect::<Vec<_>>(),
            "messages_aim": MESSAGES_AIM, "posts": self.posts.as_ref().map(Posts::as_json), "posts_aim_us": POST_AIM,
            "writes": self.writes.iter().map(Writes::as_json).collect::<Vec<_>>(),
            "ready": self.ready.as_ref().map(Ready::as_json),
        })
    }
}

fn cost(rounds: &[Round]) -> f64 {
    median(rounds, Round::cost)
}

/// A folder of the bench's, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn make(name: &str) -> anyhow::Result<Folder> {
        let path = std::env::temp_dir().join(format!("gatewright-bench-cluster-{name}-{}", std::process::id()));
        ensure!(!path.exists(), "{} is there already; the bench makes and removes it", path.display());
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_nodes_is_a_rising_list() {
        assert_eq!(counts("1,3, 8").unwrap(), [1, 3, 8]);
        for wrong in ["", "0", "3,1", "2,2", "1,x", "17", "1,"] {
            assert!(counts(wrong).unwrap_err().is::<Usage>(), "{wrong}");
        }
    }
}
