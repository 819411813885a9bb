//! A seeded simulation of lifecycle, outbox and throttling: random schedules on a real gateway over loopback.
//!
//! Each schedule has a gateway, a backend, clients, callers of `@connections` and a publisher of its own, all made
//! from one seed. What must hold whatever happens is in `checks`. A schedule that fails prints its seed, its steps
//! and what happened; `SIMULATION_SEED=n` runs that one again, `SIMULATION_SCHEDULES=n` runs more. The seed decides
//! what is done; the operating system still decides how it interleaves. Where that is decided too, and many more
//! schedules fit into the same time, stands in `src/simulation.rs`.

mod backend;
mod checks;
mod client;
mod coverage;
mod frames;
mod place;
mod plan;
mod posts;
mod run;
mod snapshots;
mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use ::gateway;
use coverage::Coverage;
use plan::Schedule;

/// How many schedules the gate runs; their seeds are 0, 1, ….
const SCHEDULES: u64 = 800;
/// How many run at the same time: most of a schedule's time is waiting for deadlines.
const AT_ONCE: usize = 32;
/// The longest that one schedule may take. They take a tenth of a second; the rest is for a machine that is busy.
const SCHEDULE_LIMIT: Duration = Duration::from_secs(30);
/// From so many schedules on, every kind of thing must have happened.
const COVERING: u64 = 500;
/// How many failures are told in full.
const TOLD_MAX: usize = 3;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[test]
fn random_schedules_lose_nothing_and_keep_every_bound() {
    let seeds = match number("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIMULATION_SCHEDULES").unwrap_or(SCHEDULES),
    };
    // Two threads, so that senders, readers and publishers truly meet.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let begun = Instant::now();
    let (failures, coverage) = runtime.block_on(run_all(seeds.clone()));
    let count = seeds.end - seeds.start;
    println!("{count} schedules in {:.1} s; {coverage:?}", begun.elapsed().as_secs_f64());
    for failure in failures.iter().take(TOLD_MAX) {
        println!("{failure}");
    }
    assert!(failures.is_empty(), "{} of {count} schedules failed; the first are above", failures.len());
    if count >= COVERING {
        assert_eq!(coverage.missing(), Vec::<&str>::new(), "what no schedule met");
    }
}

async fn run_all(seeds: std::ops::Range<u64>) -> (Vec<String>, Coverage) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let (mut failures, mut coverage) = (Vec::new(), Coverage::default());
    let mut take = |done: Result<Result<Coverage, String>, tokio::task::JoinError>| match done {
        Ok(Ok(one)) => coverage.add(&one),
        Ok(Err(failure)) => failures.push(failure),
        Err(error) => failures.push(error.to_string()),
    };
    for seed in seeds {
        let place = room.clone().acquire_owned().await.unwrap();
        running.spawn(async move {
            let done = run::run(Schedule::from_seed(seed), SCHEDULE_LIMIT).await.map(|(coverage, _)| coverage);
            drop(place);
            done
        });
        while let Some(done) = running.try_join_next() {
            take(done);
        }
    }
    while let Some(done) = running.join_next().await {
        take(done);
    }
    (failures, coverage)
}
