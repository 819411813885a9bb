//! What was found of the million, and whether it will do.

use std::time::Duration;

use serde_json::{Value, json};

const MIB: f64 = 1024.0 * 1024.0;

/// Memory at one moment, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    pub(super) nodes: u64,
    pub(super) clients: u64,
    pub(super) nats: u64,
    pub(super) kernel: u64,
    /// What the whole machine has left.
    pub(super) available: u64,
}

/// What became of the posts.
#[derive(Clone, Debug, Default)]
pub(super) struct Posts {
    pub(super) taken: usize,
    /// Of each, sorted.
    pub(super) times: Vec<Duration>,
}

impl Posts {
    fn ms(&self, part: f64) -> f64 {
        let last = self.times.len().saturating_sub(1);
        let time = self.times.get((last as f64 * part).round() as usize);
        time.map_or(f64::NAN, |time| (time.as_secs_f64() * 1e5).round() / 100.0)
    }
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) wanted: usize,
    pub(super) opened: usize,
    pub(super) failed: usize,
    /// Why not all opened, in words.
    pub(super) trouble: Option<String>,
    pub(super) nodes: usize,
    /// How long the opening took.
    pub(super) seconds: f64,
    /// `$connect` calls that the backend answered.
    pub(super) connects: usize,
    pub(super) before: Memory,
    pub(super) open: Memory,
    /// Parts of a core that all nodes take, and NATS, while nothing happens.
    pub(super) idle_cpu: (f64, f64),
    pub(super) posts: Posts,
    /// Clients that were sent their post.
    pub(super) heard: usize,
    /// Clients of the nodes that live on, before one died and after.
    pub(super) alive_before: usize,
    pub(super) alive: usize,
    /// Connections of the killed node.
    pub(super) killed: usize,
    /// Their `$disconnect`s that came in time, and when the first and the last of them did.
    pub(super) handed_over: usize,
    pub(super) handed_over_after: Option<(Duration, Duration)>,
}

impl Found {
    /// The bounds that were not kept, a sentence each.
    pub(super) fn broken(&self, strict: bool) -> Vec<String> {
        let mut broken = Vec::new();
        if self.opened != self.wanted {
            let why = self.trouble.as_deref().unwrap_or("nobody said why");
            broken.push(format!("{} of {} opened ({} failed): {why}", self.opened, self.wanted, self.failed));
        }
        let posts = self.posts.times.len();
        if self.posts.taken != posts || self.heard != posts {
            broken.push(format!("of {posts} posts {} were taken, {} arrived", self.posts.taken, self.heard));
        }
        if self.alive != self.alive_before {
            broken.push(format!("of {} clients of living nodes {} stayed", self.alive_before, self.alive));
        }
        if self.handed_over > self.killed {
            broken.push(format!("{} $disconnects for {} connections", self.handed_over, self.killed));
        }
        if strict && self.handed_over < self.killed {
            broken.push(format!("{} of the killed node's {} $disconnects came", self.handed_over, self.killed));
        }
        broken
    }

    /// What one connection costs of that, in bytes.
    fn each(&self, memory: fn(&Memory) -> u64) -> f64 {
        let growth = memory(&self.open) as f64 - memory(&self.before) as f64;
        (growth / self.opened.max(1) as f64).round()
    }

    fn rows(&self) -> [(&'static str, f64, f64); 4] {
        let total = |memory: fn(&Memory) -> u64| memory(&self.open) as f64;
        [
            ("gateways", total(|m| m.nodes), self.each(|m| m.nodes)),
            ("kernel, both ends", total(|m| m.kernel), self.each(|m| m.kernel)),
            ("clients", total(|m| m.clients), self.each(|m| m.clients)),
            ("nats-server", total(|m| m.nats), self.each(|m| m.nats)),
        ]
    }

    pub(super) fn print(&self, broken: &[String]) {
        let (opened, nodes, seconds) = (self.opened, self.nodes, self.seconds);
        let rate = opened as f64 / seconds.max(f64::EPSILON);
        println!("{opened} idle connections over {nodes} nodes, opened in {seconds:.0} s ({rate:.0} a second)");
        println!("{:<22}{:>10}{:>18}", "", "MiB", "bytes each");
        for (what, total, each) in self.rows() {
            println!("{what:<22}{:>10.0}{each:>18.0}", total / MIB);
        }
        let gone = self.before.available.saturating_sub(self.open.available);
        println!(
            "the machine has {:.0} MiB less, {} bytes for each connection",
            gone as f64 / MIB,
            gone / opened.max(1) as u64
        );
        let empty = self.before.nodes as f64 / nodes.max(1) as f64 / MIB;
        println!(
            "a node without connections takes {empty:.1} MiB; the kernel has one end of a connection on each side"
        );
        println!("idle, all nodes take {:.3} of a core, nats-server {:.3}", self.idle_cpu.0, self.idle_cpu.1);
        let (posts, p50, p99, max) =
            (self.posts.times.len(), self.posts.ms(0.5), self.posts.ms(0.99), self.posts.ms(1.0));
        println!(
            "{posts} posts through one node: {} taken, {} arrived; p50 {p50} ms, p99 {p99} ms, max {max} ms",
            self.posts.taken, self.heard
        );
        println!("one node killed: {} of its {} $disconnects came{}", self.handed_over, self.killed, self.when());
        println!("of {} clients of the other nodes {} stayed", self.alive_before, self.alive);
        for line in broken {
            println!("NOT KEPT: {line}");
        }
        if broken.is_empty() {
            println!("every bound was kept");
        }
    }

    fn when(&self) -> String {
        self.handed_over_after.map_or_else(String::new, |(first, last)| {
            format!(", the first after {:.1} s, the last after {:.1} s", first.as_secs_f64(), last.as_secs_f64())
        })
    }

    pub(super) fn as_json(&self, broken: &[String]) -> Value {
        let memory: Vec<Value> = self
            .rows()
            .into_iter()
            .map(|(what, total, each)| json!({ "what": what, "bytes": total, "bytes_each": each }))
            .collect();
        json!({
            "soak": "million", "wanted": self.wanted, "opened": self.opened, "failed": self.failed, "nodes": self.nodes,
            "open_seconds": self.seconds, "connects": self.connects, "memory": memory,
            "nodes_before_bytes": self.before.nodes, "available_before": self.before.available, "available_open": self.open.available,
            "idle_cpu_nodes": self.idle_cpu.0, "idle_cpu_nats": self.idle_cpu.1, "posts": self.posts.times.len(),
            "posts_taken": self.posts.taken, "posts_arrived": self.heard,
            "posts_ms": [self.posts.ms(0.5), self.posts.ms(0.99), self.posts.ms(1.0)],
            "killed": self.killed, "handed_over": self.handed_over,
            "handed_over_after_seconds": self.handed_over_after.map(|(first, last)| [first.as_secs_f64(), last.as_secs_f64()]),
            "alive_before": self.alive_before, "alive": self.alive, "broken": broken,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_and_disconnects_only_where_asked() {
        let well = || Found {
            wanted: 10,
            opened: 10,
            posts: Posts { taken: 2, times: vec![Duration::from_millis(1); 2] },
            heard: 2,
            alive_before: 5,
            alive: 5,
            killed: 5,
            ..Found::default()
        };
        assert_eq!(well().broken(false), Vec::<String>::new());
        assert_eq!(Found { handed_over: 5, ..well() }.broken(true), Vec::<String>::new());
        for (found, strict, told) in [
            (Found { opened: 9, failed: 1, ..well() }, false, "9 of 10 opened"),
            (Found { heard: 1, ..well() }, false, "1 arrived"),
            (Found { posts: Posts { taken: 1, ..well().posts }, ..well() }, false, "1 were taken"),
            (Found { alive: 4, ..well() }, false, "4 stayed"),
            (Found { handed_over: 6, ..well() }, false, "6 $disconnects for 5"),
            (Found { handed_over: 4, ..well() }, true, "4 of the killed node's 5"),
        ] {
            let broken = found.broken(strict);
            assert!(broken.len() == 1 && broken[0].contains(told), "{told}: {broken:?}");
        }
    }

    #[test]
    fn memory_is_shared_out() {
        let found = Found { opened: 10, open: Memory { nodes: 30_000, ..Memory::default() }, ..Found::default() };
        assert_eq!(found.each(|memory| memory.nodes), 3000.0);
    }
}
