//! A seeded simulation of node numbers and of the log of definitions, with everything in the test's hand: clocks, delays, lost
//! requests and answers, leaders that change, nodes that are stopped, cut off, killed.
//!
//! What decides is the crate's own code: the machine of the lease, and the log with its writer. What NATS does is a model. A
//! schedule that fails prints its seed; `SIMULATION_SEED=n` runs that one again, `SIMULATION_SCHEDULES=n` runs more.

mod leases;
mod logs;

use std::ops::Range;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// The seeds of this run: 0, 1, …, as many as the gate runs.
fn seeds(schedules: u64) -> Range<u64> {
    match number("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIMULATION_SCHEDULES").unwrap_or(schedules),
    }
}
