//! `cargo xtask bench`: what the gateway and its templates cost in memory and time, beside the aims.

mod aims;
mod backend;
mod cluster;
mod control;
pub(crate) mod http;
mod idle;
mod idle_client;
mod journal;
mod lambda;
mod load;
mod messages;
mod nats;
pub(crate) mod options;
mod payload;
mod plane;
pub(crate) mod process;
pub(crate) mod procfs;
mod proxy;
mod rate;
mod sign;
mod skeleton;
mod soak;
mod traces;
mod vtl;
pub(crate) mod ws;

use crate::Usage;

/// The allocator that the gateway has: without it `bench vtl` would measure another one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the bench that the first word names; true when nothing went wrong on the way.
///
/// # Errors
/// Wrong usage, and whatever kept the bench from coming to figures.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    let (name, rest) = words.split_first().ok_or_else(|| {
        Usage::error("bench needs a name: cluster, control, idle, journal, lambda, messages, rate, traces or vtl")
    })?;
    match name.as_str() {
        "cluster" => cluster::run(rest),
        "control" => plane::run(rest),
        "idle" => idle::run(rest),
        "journal" => journal::run(rest),
        "lambda" => lambda::run(rest),
        "messages" => messages::run(rest),
        "rate" => rate::run(rest),
        "traces" => traces::run(rest),
        "vtl" => vtl::run(rest),
        _ => Err(Usage::error(format!(
            "`{name}` is no bench; there are cluster, control, idle, journal, lambda, messages, rate, traces and vtl"
        ))),
    }
}

/// Runs the soak; true when every bound was kept.
///
/// # Errors
/// Wrong usage, and whatever kept the soak from coming to figures.
pub(crate) fn soak(words: &[String]) -> anyhow::Result<bool> {
    soak::run(words)
}

/// Is one of the processes that a bench starts beside itself; they end when their standard input does.
///
/// # Errors
/// Wrong usage, and whatever kept the process from its work.
pub(crate) fn role(name: &str, words: &[String]) -> anyhow::Result<bool> {
    match name {
        process::KEEPER => process::keep(words),
        idle_client::ROLE => idle_client::run(words),
        soak::million::client::ROLE => soak::million::client::run(words),
        proxy::ROLE => proxy::run(words),
        skeleton::ROLE => skeleton::run(words),
        _ => Err(Usage::error(format!("`{name}` is no command"))),
    }
}
