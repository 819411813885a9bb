//! The simulation of `tests/simulation` once more, where nothing is left to chance: on a clock that moves only when nobody
//! has anything to do, on sockets and a backend in memory, with ids made from the seed. A seed replays to the same trace.
//!
//! Schedules, clients, backend and checks are the same files; what differs is the place (`place.rs`) and its sockets
//! (`line.rs`). On real sockets the operating system decides how things interleave, here the seed does.

#[path = "../tests/simulation/backend.rs"]
mod backend;
#[path = "../tests/simulation/checks.rs"]
mod checks;
#[path = "../tests/simulation/client.rs"]
mod client;
#[path = "../tests/simulation/coverage.rs"]
mod coverage;
#[path = "../tests/simulation/frames.rs"]
mod frames;
pub(crate) mod line;
pub(crate) mod place;
#[path = "../tests/simulation/plan.rs"]
mod plan;
#[path = "../tests/simulation/posts.rs"]
mod posts;
#[path = "../tests/simulation/run.rs"]
mod run;
#[path = "../tests/simulation/snapshots.rs"]
mod snapshots;
#[path = "../tests/simulation/world.rs"]
mod world;

use std::time::Duration;

// What the simulation's files call us.
use crate as gateway;

use coverage::Coverage;
use plan::Schedule;

/// How many schedules the gate runs; their seeds are 0, 1, …. `REPLAY_SEED=n` runs that one alone and prints its trace,
/// `REPLAY_SCHEDULES=n` runs more.
const SCHEDULES: u64 = 1000;
/// How many of them are run twice.
const TWICE: u64 = 300;
/// The longest that one may take, by its own clock.
const SCHEDULE_LIMIT: Duration = Duration::from_secs(3600);
/// From so many schedules on, every kind of thing must have happened.
const COVERING: u64 = 500;

fn play(seed: u64) -> Result<(Coverage, Vec<String>), String> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(run::run(Schedule::from_seed(seed), SCHEDULE_LIMIT))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn random_schedules_keep_every_bound_and_a_seed_replays_to_the_same_trace() {
    if let Some(seed) = number("REPLAY_SEED") {
        let (_, trace) = play(seed).unwrap_or_else(|failure| panic!("{failure}"));
        return println!("{}", trace.join("\n"));
    }
    let count = number("REPLAY_SCHEDULES").unwrap_or(SCHEDULES);
    let mut all = Coverage::default();
    for seed in 0..count {
        let (coverage, trace) = play(seed).unwrap_or_else(|failure| panic!("{failure}"));
        all.add(&coverage);
        if seed < TWICE {
            let (_, again) = play(seed).unwrap_or_else(|failure| panic!("the second time {failure}"));
            let differs = trace.iter().zip(&again).position(|(one, other)| one != other);
            let differs = differs.map(|at| (&trace[at.saturating_sub(5)..=at], &again[at]));
            assert!(trace == again, "seed {seed}, {} lines and {}: {differs:#?}", trace.len(), again.len());
        }
    }
    println!("{count} schedules; {all:?}");
    if count >= COVERING {
        assert_eq!(all.missing(), ["moved", "stayed"], "what no schedule met");
    }
}
