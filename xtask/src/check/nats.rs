//! The step that runs the tests with real NATS servers (`crates/cluster/tests/nats_servers.rs`).
//!
//! The program comes with the Python environment of the client tests, which pins it.

use crate::check::{Checkout, Report, installs, steps};

/// What the step runs, when it can.
const TESTS: u64 = 28;

/// Runs them; skipped, with the reason, where the server cannot be installed.
pub(super) fn run(place: &Checkout) -> anyhow::Result<Report> {
    let requirements = place.root.join("clients/requirements.txt");
    let server = installs::cache().and_then(|cache| installs::virtualenv(&cache, "python", &requirements));
    match server.map(|environment| environment.join("bin/nats-server")) {
        Ok(server) if server.is_file() => steps::nats(place, &server),
        Ok(server) => Ok(Report::skipped(TESTS, format!("there is no {}", server.display()))),
        Err(error) => Ok(Report::skipped(TESTS, format!("nats-server cannot be had: {error:#}"))),
    }
}
