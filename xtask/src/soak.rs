//! `cargo xtask soak`: crowds, clients that do not read, and a thousand posts to one of them; memory stays bounded, others
//! are served, and every client that was let in is disconnected once.
//!
//! Bounded in time and size; unlike a bench it fails when a bound is broken.

mod api;
mod backend;
mod healthy;
mod phases;
mod report;

use std::process::{Command, Stdio};

use anyhow::Context;

use crate::bench::options::{Options, within};
use crate::bench::process::{self, Gateway, RAISE_AND_EXEC};
use crate::bench::procfs;

use self::backend::Backend;
use self::healthy::Healthy;
use self::phases::Place;
use self::report::Report;

/// Says that the limit of open files was raised as far as it goes.
const RAISED: &str = "--raised";
/// Files that this process needs besides the crowd's connections: its backend's connections above all.
const FILES_BESIDE: u64 = 2_000;

/// How often everything is done.
const ROUNDS: usize = 2;

/// How much of everything.
#[derive(Clone, Copy)]
struct Sizes {
    /// Connections that open, and are dropped at once.
    crowd: usize,
    /// Clients that ask and do not read.
    readers: usize,
    /// Posts at once to one client that does not read.
    posts: usize,
}

/// Runs the soak; true when no bound was broken.
///
/// # Errors
/// Wrong usage, a process that does not start, or a phase that could not be carried out.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    let mut options = Options::new(words);
    let raised = options.flag(RAISED);
    let sizes = Sizes {
        crowd: within("--connections", options.value("--connections", 10_000)?, 100..=100_000)?,
        readers: within("--readers", options.value("--readers", 100)?, 1..=1_000)?,
        posts: within("--posts", options.value("--posts", 1_000)?, 100..=2_000)?,
    };
    let bin = options.bin()?;
    options.end()?;
    let own = procfs::open_files_max(std::process::id())?;
    if !raised && own < sizes.crowd as u64 + FILES_BESIDE {
        return again(words);
    }
    let program = process::program(bin)?;
    process::runtime()?.block_on(async {
        let backend = Backend::start()?;
        let gateway = Gateway::start(&program, backend.address).await?;
        let place =
            Place { server: gateway.address, pid: gateway.pid, path: api::create(&gateway, &backend).await?, backend };
        let mut healthy = Healthy::connect(&place).await?;
        let mut report = Report::default();
        // Twice, because an allocator keeps what it had once: what must not happen is that it needs more each time.
        let mut kept = [0; ROUNDS];
        for kept in &mut kept {
            phases::crowd(&place, &mut healthy, sizes.crowd, &mut report).await?;
            phases::slow_readers(&place, &mut healthy, sizes.readers, &mut report).await?;
            phases::stuck(&place, &mut healthy, sizes.posts, &mut report).await?;
            *kept = place.memory_afterwards(&mut healthy).await?;
        }
        phases::growth(kept, &mut report);
        healthy.leave().await?;
        phases::accounts(&place, &mut report).await;
        Ok(report.print())
    })
}

/// Runs this program once more with as many open files as allowed; without `unsafe` only a shell can raise that.
fn again(words: &[String]) -> anyhow::Result<bool> {
    let own = std::env::current_exe().context("find this program's own file")?;
    let mut command = Command::new("sh");
    command.args(["-c", RAISE_AND_EXEC, "sh"]).arg(own).arg("soak").args(words).arg(RAISED).stdin(Stdio::null());
    Ok(command.status().context("start the soak with more open files")?.success())
}
