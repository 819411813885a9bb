//! Stands in for `bench` in a program built without it: builds this program again, with it and optimised, and hands over.

use anyhow::Context;

use crate::Usage;

/// Runs `cargo xtask bench` in a program that has it; true when that says so.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    rebuilt("bench", words)
}

/// Runs `cargo xtask soak` likewise.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn soak(words: &[String]) -> anyhow::Result<bool> {
    rebuilt("soak", words)
}

fn rebuilt(command: &str, words: &[String]) -> anyhow::Result<bool> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = std::process::Command::new(cargo)
        .args(["run", "--quiet", "--release", "--package", "xtask", "--features", "bench", "--", command])
        .args(words)
        .status()
        .context("start cargo")?;
    Ok(status.success())
}

/// The processes beside a bench exist only in a program that has it.
///
/// # Errors
/// Wrong usage, always.
pub(crate) fn role(name: &str, _words: &[String]) -> anyhow::Result<bool> {
    Err(Usage::error(format!("`{name}` is no command")))
}
