//! Messages that are answered by the node that their client is connected to: the cluster should cost them nothing.

use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::task::JoinSet;

use super::{PATH, Place, Settings};
use crate::bench::load::Lines;
use crate::bench::messages::Round;
use crate::bench::process::Gateway;
use crate::bench::procfs;

/// How long each load runs before the first measurement, unmeasured.
const WARM_UP: Duration = Duration::from_secs(1);

/// The nodes of one cluster, with their clients; or one that is alone.
pub(super) struct Crowd {
    pub(super) gateways: Vec<Gateway>,
    pub(super) is_cluster: bool,
    lines: Vec<Lines>,
    pub(super) rounds: Vec<Round>,
}

impl Crowd {
    async fn start(place: &Place<'_>, nodes: usize, is_cluster: bool, connections: usize) -> anyhow::Result<Crowd> {
        let mut crowd = Crowd { gateways: Vec::new(), is_cluster, lines: Vec::new(), rounds: Vec::new() };
        let name = is_cluster.then(|| format!("messages-{nodes}"));
        for _ in 0..nodes {
            let gateway = place.node(name.as_deref(), None).await?;
            crowd.lines.push(Lines::two_way(gateway.address, PATH, connections).await?);
            crowd.gateways.push(gateway);
        }
        Ok(crowd)
    }

    /// Loads all nodes at the same time; how many messages came back.
    async fn load(&mut self, size: usize, time: Duration) -> anyhow::Result<u64> {
        let mut loads = JoinSet::new();
        for mut lines in self.lines.drain(..) {
            loads.spawn(async move { lines.run(size, time).await.map(|units| (lines, units)) });
        }
        let mut sum = 0;
        while let Some(done) = loads.join_next().await {
            let (lines, units) = done.context("a load was lost")??;
            self.lines.push(lines);
            sum += units;
        }
        Ok(sum)
    }

    async fn measure(&mut self, settings: &Settings) -> anyhow::Result<()> {
        let (before, start) = (cpu(&self.gateways)?, Instant::now());
        let units = self.load(settings.size, settings.time).await?;
        let cpu = cpu(&self.gateways)?.saturating_sub(before);
        self.rounds.push(Round { units, cpu, wall: start.elapsed() });
        Ok(())
    }

    /// What it is, for the table.
    pub(super) fn told(&self) -> String {
        match (self.is_cluster, self.gateways.len()) {
            (false, 1) => "a node alone".to_owned(),
            (false, nodes) => format!("{nodes} nodes, each alone"),
            (true, 1) => "a cluster of 1 node".to_owned(),
            (true, nodes) => format!("a cluster of {nodes}"),
        }
    }
}

/// CPU time that all of them have used.
pub(super) fn cpu(gateways: &[Gateway]) -> anyhow::Result<Duration> {
    gateways.iter().map(|gateway| procfs::cpu(gateway.pid)).sum()
}

/// A node alone, each cluster, and as many nodes as each has without one, which tells the machine's part in what it costs that
/// there are many; in turn, several times over, so that what else the machine does meets all of them alike.
///
/// # Errors
/// A node that does not start, a message that is not answered as it should be.
pub(super) async fn measure(place: &Place<'_>, settings: &Settings) -> anyhow::Result<Vec<Crowd>> {
    // The node alone is there in any case.
    let counts = settings.nodes.iter().filter(|nodes| **nodes > 1);
    let alone = [1].into_iter().chain(counts.copied()).map(|nodes| (nodes, false));
    let mut crowds = Vec::new();
    for (nodes, is_cluster) in alone.chain(settings.nodes.iter().map(|nodes| (*nodes, true))) {
        crowds.push(Crowd::start(place, nodes, is_cluster, settings.connections).await?);
    }
    for crowd in &mut crowds {
        crowd.load(settings.size, WARM_UP).await.with_context(|| format!("warm up {}", crowd.told()))?;
    }
    for round in 1..=settings.rounds {
        for crowd in &mut crowds {
            crowd.measure(settings).await.with_context(|| format!("measure {}", crowd.told()))?;
            let cost = crowd.rounds.last().map_or(f64::NAN, Round::cost);
            eprintln!("round {round}, {:<20} {cost:>7.2} µs", crowd.told());
        }
    }
    Ok(crowds)
}
