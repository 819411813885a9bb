//! The steps of the gate that cargo does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::check::command::{RAISE_AND_EXEC, stream};
use crate::check::counts::{Counts, of_cargo_line};
use crate::check::{Checkout, Report};

/// The longest a cargo step may take; a first build on two slow cores stays well under it.
const CARGO_LIMIT: Duration = Duration::from_secs(60 * 60);

/// The bench is behind a feature so that `cargo xtask` starts quickly, and the tests beside the original engines and with NATS
/// so that `cargo test` needs neither; the gate looks at all of them all the same.
/// Every cargo step names the same packages and features, so that each reuses what the one before it built.
const WHOLE: [&str; 3] = ["--workspace", "--features", "xtask/bench,mapping/originals,cluster/servers"];

/// The tests that are a step of their own.
const ELSEWHERE: [&str; 6] = ["--skip", "tidy::", "--skip", "originals::", "--skip", "nats_servers::"];

pub(crate) fn format(place: &Checkout) -> anyhow::Result<Report> {
    cargo(place, &["fmt", "--all", "--check"])
}

pub(crate) fn clippy(place: &Checkout) -> anyhow::Result<Report> {
    cargo(place, &[&["clippy"], &WHOLE[..], &["--all-targets", "--", "-D", "warnings"]].concat())
}

/// Every test except those that are a step of their own and would be counted twice.
pub(crate) fn test(place: &Checkout) -> anyhow::Result<Report> {
    cargo(place, &[&["test"], &WHOLE[..], &["--no-fail-fast", "--"], &ELSEWHERE[..]].concat())
}

pub(crate) fn tidy(place: &Checkout) -> anyhow::Result<Report> {
    cargo(place, &[&["test"], &WHOLE[..], &["--test", "tidy"]].concat())
}

/// The tests beside the original engines, which lie along `classes`.
pub(crate) fn originals(place: &Checkout, classes: &str) -> anyhow::Result<Report> {
    let words = [&["test"], &WHOLE[..], &["--test", "originals", "--", "--nocapture"]].concat();
    cargo_with(place, &words, &[("GATEWRIGHT_ORACLE_CLASSPATH", classes)])
}

/// The tests with real NATS servers, of which this is the program.
pub(crate) fn nats(place: &Checkout, server: &Path) -> anyhow::Result<Report> {
    let words = [&["test"], &WHOLE[..], &["--test", "nats_servers", "--", "--nocapture"]].concat();
    let server = server.to_str().context("the path of nats-server is not UTF-8")?;
    cargo_with(place, &words, &[("GATEWRIGHT_NATS_SERVER", server)])
}

pub(crate) fn build(place: &Checkout) -> anyhow::Result<Report> {
    let mut report = cargo(place, &[&["build"], &WHOLE[..]].concat())?;
    let binary = binary(place);
    if report.trouble.is_none() && !binary.is_file() {
        report.trouble = Some(format!("cargo built no {}", binary.display()));
    }
    Ok(report)
}

/// How long a bystander may wait in the gate, in milliseconds: its program is not optimised and the machine may be shared, and
/// what this looks for are seconds. `cargo xtask soak` by hand has the house's own aim.
const SOAK_LAG_MS: &str = "500";
/// How long each torment lasts in the gate; what stalls others does so within the first.
const SOAK_SECONDS: &str = "2";
/// The longest that the torments may take, each tried three times.
const SOAK_LIMIT: Duration = Duration::from_secs(10 * 60);

/// The torments of the soak that would make others wait, in the build that the step before made.
pub(crate) fn soak(place: &Checkout) -> anyhow::Result<Report> {
    let mut command = Command::new("sh");
    command.args(["-c", RAISE_AND_EXEC, "sh"]).arg(place.target.join("debug").join("xtask"));
    command
        .args(["soak", "--stalls", "all", "--lag-ms", SOAK_LAG_MS, "--stall-seconds", SOAK_SECONDS, "--bin"])
        .arg(binary(place));
    command.current_dir(&place.root);
    let status = stream(command, SOAK_LIMIT, |_| {})?;
    let trouble = (!status.success()).then(|| format!("xtask soak: {status}"));
    Ok(Report { trouble, ..Report::default() })
}

/// The program that the step `build` makes and the client tests run.
pub(crate) fn binary(place: &Checkout) -> PathBuf {
    place.target.join("debug").join("gatewright")
}

fn cargo(place: &Checkout, words: &[&str]) -> anyhow::Result<Report> {
    cargo_with(place, words, &[])
}

fn cargo_with(place: &Checkout, words: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Report> {
    let mut command = Command::new(&place.cargo);
    command.args(words).envs(variables.iter().copied()).current_dir(&place.root).env("CARGO_TARGET_DIR", &place.target);
    // What `cargo run` sets for xtask itself would otherwise look to build scripts as if it were meant for them.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    let mut counts = Counts::default();
    let status = stream(command, CARGO_LIMIT, |line| {
        if let Some(more) = of_cargo_line(line) {
            counts.add(more);
        }
    })?;
    let trouble = (!status.success()).then(|| format!("cargo {}: {status}", words.join(" ")));
    Ok(Report { counts, trouble, ..Report::default() })
}
