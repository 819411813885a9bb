//! How many connections each node has, told once a second: by them the nodes share what is limited for all together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior};

use crate::lease::Tenure;
use crate::lease::keeper::Report;
use crate::link::Link;
use crate::members::{Member, Members};

/// How often each node tells its load, and the shares are made anew.
const EVERY: Duration = Duration::from_secs(1);
/// After that long without a word a node counts no more.
const HEARD_WITHIN: Duration = Duration::from_secs(3);
/// Nodes that are listened to: as many as there are numbers.
const NODES_MAX: usize = 1 << 16;

/// What a node says. Members that a newer version adds are left aside.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
struct Load {
    number: u16,
    token: u64,
    connections: u64,
}

/// What a node needs to share limits with the others.
pub(crate) struct Balance {
    pub(crate) link: Link,
    pub(crate) tenure: Arc<Tenure>,
    pub(crate) members: Arc<Members>,
    pub(crate) report: Arc<Report>,
}

impl Balance {
    /// Tells this node's load and hears the others', and gives the share of all limits that is this node's, once a second.
    /// Where NATS is away the last share stays, and where the number is lost: then nobody is served anyway.
    pub(crate) async fn run(self, share: Arc<dyn Fn(f64) + Send + Sync>) {
        loop {
            let Ok(mut said) = self.link.client.subscribe(self.link.names.load()).await else {
                tokio::time::sleep(EVERY).await;
                continue;
            };
            let mut heard: BTreeMap<u16, (u64, Instant)> = BTreeMap::new();
            let mut ticks = tokio::time::interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    message = said.next() => {
                        let Some(message) = message else { break };
                        let Ok(load) = serde_json::from_slice::<Load>(&message.payload) else { continue };
                        if heard.len() < NODES_MAX && self.members.admits(load.number, load.token) {
                            heard.insert(load.number, (load.connections, Instant::now()));
                        }
                    }
                    _ = ticks.tick() => {
                        let Some(held) = self.tenure.current() else { continue };
                        let connections = self.report.connections.load(Ordering::Relaxed);
                        heard.retain(|_, (_, at)| at.elapsed() <= HEARD_WITHIN);
                        // Of whom nothing was heard yet, the last renewal says: who joins does not begin with all.
                        let others = self.members.all().into_iter().filter(|member| member.number != held.number);
                        let connections_of = |member: Member| {
                            heard.get(&member.number).map_or(member.connections, |(connections, _)| *connections)
                        };
                        let others: Vec<u64> = others.map(connections_of).collect();
                        share(part(connections, &others));
                        let load = Load { number: held.number, token: held.token, connections };
                        // Nobody hears it where NATS is away, and the next one is a second later.
                        let text = serde_json::to_vec(&load).unwrap_or_default();
                        let _ = self.link.client.publish(self.link.names.load(), text.into()).await;
                    }
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}

/// The part of a node with so many connections beside others with theirs: by their number, and one more for each, so that a node
/// without any has something for its first.
fn part(own: u64, others: &[u64]) -> f64 {
    let all: u64 = others.iter().map(|other| other.saturating_add(1)).fold(own.saturating_add(1), u64::saturating_add);
    own.saturating_add(1) as f64 / all as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_one_together_and_go_by_connections() {
        for nodes in [&[0_u64][..], &[0, 0], &[1, 2, 5], &[1_000_000, 0], &[3; 100], &[u64::MAX - 1, 0]] {
            let parts: Vec<f64> = (0..nodes.len())
                .map(|at| {
                    let others: Vec<u64> =
                        nodes.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, node)| *node).collect();
                    part(nodes[at], &others)
                })
                .collect();
            assert!((parts.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{nodes:?}: {parts:?}");
            assert!(parts.iter().all(|part| *part > 0.0), "{nodes:?}: {parts:?}");
        }
        assert_eq!(part(7, &[]), 1.0, "alone it has all");
        assert_eq!(part(1, &[5]), 0.25);
    }

    #[test]
    fn what_a_newer_version_says_besides_is_left_aside() {
        let load: Load = serde_json::from_str(r#"{"number":1,"token":2,"connections":3,"mood":"good"}"#).unwrap();
        assert_eq!(load, Load { number: 1, token: 2, connections: 3 });
    }
}
