//! The step that has cargo-deny look at every dependency's licence and source: `deny.toml` says what may be there.
//!
//! Advisories are left out: their database is a repository that a gate may not reach.

use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::check::command::stream;
use crate::check::{Checkout, Report, installs};

/// Its licence is MIT OR Apache-2.0.
const PROGRAM: (&str, &str) = ("cargo-deny", "0.20.2");
/// The longest that it may take; a second is usual.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// Installs cargo-deny where it is not yet, and runs it. Fails where it cannot be had: a release is not let out unseen.
pub(super) fn run(place: &Checkout) -> anyhow::Result<Report> {
    let (name, version) = PROGRAM;
    let program = installs::cargo_program(&installs::cache()?, &place.cargo, name, version);
    let mut deny = Command::new(program.with_context(|| format!("{name} is needed to look at licences"))?);
    deny.args(["check", "licenses", "bans", "sources"]).current_dir(&place.root);
    let status = stream(deny, LIMIT, |_| {})?;
    let trouble = (!status.success()).then(|| format!("{name}: {status}"));
    Ok(Report { trouble, ..Report::default() })
}
