//! `bench idle`: what an open connection costs while nothing happens on it, in user space and in the kernel.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::bench::aims::Aims;
use crate::bench::backend::Backend;
use crate::bench::options::{Options, within};
use crate::bench::process::{self, Gateway, Process};
use crate::bench::{idle_client, procfs};

/// The aims, in bytes of user-space memory of one connection.
///
/// Source: ours, 3 KiB in user space now and 1.5 later.
const AIMS: Aims = Aims { now: 3072.0, later: 1536.0 };
/// The API and stage that `serve --backend` makes. Source: the contract.
const PATH: &str = "/_aws/execute-api/gatewright/dev";
/// Files that a process needs besides its connections: runtime, listeners, above all its connections to the backend, for which
/// a gateway keeps up to 4,096 (`client_files_max`): beyond them it accepts nobody, and the bench would wait for ever.
const FILES_BESIDE: u64 = 4096 + 100;
/// Connections that one client process holds at most.
const CONNECTIONS_PER_CLIENT: usize = 10_000;
/// How long the gateway may take to fall quiet.
const QUIET_LIMIT: Duration = Duration::from_secs(30);
/// How long the clients may take for one part, however many they are; per 10,000 connections.
const PART_LIMIT: Duration = Duration::from_secs(120);

/// Memory at one moment, in bytes.
#[derive(Clone, Copy)]
struct Memory {
    user: u64,
    kernel: u64,
}

impl Memory {
    /// Taken when the gateway has fallen quiet, so that nothing half-done is counted.
    async fn when_quiet(gateway: &Gateway) -> anyhow::Result<Memory> {
        if !procfs::quiet(gateway.pid, QUIET_LIMIT).await? {
            eprintln!("the gateway did not fall quiet in {} s; measured all the same", QUIET_LIMIT.as_secs());
        }
        Ok(Memory { user: procfs::memory(gateway.pid)?, kernel: procfs::kernel_memory()? })
    }
}

/// Runs the bench; true when every connection opened, lived and closed.
///
/// # Errors
/// Wrong usage, a process that does not start, or a connection that does not open.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    let mut options = Options::new(words);
    let wanted = within("--connections", options.value("--connections", 20_000)?, 1..=1_000_000)?;
    let bin = options.bin()?;
    let json = options.flag("--json");
    options.end()?;
    let program = process::program(bin)?;
    process::runtime()?.block_on(async {
        let backend = Backend::start(0).await?;
        let gateway = Gateway::start(&program, backend.address).await?;
        let count = allowed(&gateway, wanted)?;
        let before = Memory::when_quiet(&gateway).await?;
        let mut clients = start(&gateway, count)?;
        ensure!(sum(&clients, "opened", count)? == count, "a client opened too few connections");
        let open = Memory::when_quiet(&gateway).await?;
        let alive = part(&mut clients, "alive", count)?;
        let closed = part(&mut clients, "closed", count)?;
        let after = Memory::when_quiet(&gateway).await?;
        report(json, count, [before, open, after], alive, closed);
        Ok(alive == count && closed == count)
    })
}

/// The connections that the gateway's limit of open files leaves room for, at most those wanted.
fn allowed(gateway: &Gateway, wanted: usize) -> anyhow::Result<usize> {
    let room = procfs::open_files_max(gateway.pid)?.saturating_sub(FILES_BESIDE);
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    ensure!(room > 0, "the gateway may have too few files open");
    if room < wanted {
        eprintln!("{room} connections instead of {wanted}: the gateway may have no more files open (ulimit -Hn)");
    }
    Ok(wanted.min(room))
}

/// Starts the clients, which begin to open their connections at once.
fn start(gateway: &Gateway, count: usize) -> anyhow::Result<Vec<Process>> {
    let own = procfs::open_files_max(gateway.pid)?.saturating_sub(FILES_BESIDE);
    let share = CONNECTIONS_PER_CLIENT.min(usize::try_from(own).unwrap_or(usize::MAX)).max(1);
    let mut clients = Vec::new();
    for from in (0..count).step_by(share) {
        let numbers = [("--from", from), ("--count", share.min(count - from)), ("--all", count)];
        let mut words = vec!["--server".into(), gateway.address.to_string(), "--path".into(), PATH.into()];
        words.extend(numbers.iter().flat_map(|(name, number)| [name.to_string(), number.to_string()]));
        clients.push(Process::role(idle_client::ROLE, &words)?);
    }
    Ok(clients)
}

/// Tells every client to go on, and sums up what they answer.
fn part(clients: &mut [Process], member: &str, count: usize) -> anyhow::Result<usize> {
    for client in clients.iter_mut() {
        client.tell("on")?;
    }
    sum(clients, member, count)
}

/// The sum of what each client's next line says of `member`.
fn sum(clients: &[Process], member: &str, count: usize) -> anyhow::Result<usize> {
    let limit = PART_LIMIT * u32::try_from(1 + count / CONNECTIONS_PER_CLIENT).unwrap_or(u32::MAX);
    let mut sum = 0;
    for client in clients {
        let line = client.line(limit).with_context(|| format!("wait for connections to be {member}"))?;
        let said: Value = serde_json::from_str(&line).with_context(|| format!("a client said `{line}`"))?;
        let number = said[member].as_u64().with_context(|| format!("a client said `{line}`"))?;
        sum += usize::try_from(number)?;
    }
    Ok(sum)
}

fn report(json: bool, count: usize, [before, open, after]: [Memory; 3], alive: usize, closed: usize) {
    let user = per_connection(before.user, open.user, count);
    // Both ends are on this machine, and cost the kernel alike.
    let kernel = per_connection(before.kernel, open.kernel, count * 2);
    let kept = per_connection(before.user, after.user, count);
    if json {
        println!(
            "{}",
            json!({
                "bench": "idle", "connections": count, "alive": alive, "closed": closed,
                "user_bytes": user, "kernel_bytes": kernel, "user_bytes_kept": kept,
                "user_before": before.user, "user_open": open.user, "user_after": after.user,
                "aim_now": AIMS.now, "aim_later": AIMS.later,
            })
        );
        return;
    }
    let verdict = AIMS.verdict(user as f64);
    println!("{count} idle connections after one message each ({alive} alive at the end, {closed} closed properly)");
    println!("user space   {user:>7} bytes each   aims: ≤ {} now, ≤ {} later: {verdict}", AIMS.now, AIMS.later);
    println!("kernel       {kernel:>7} bytes each, one end of two");
    println!("after close  {kept:>7} bytes each still kept in user space");
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "the process  {:.1} MiB before, {:.1} with the connections, {:.1} after them",
        mebibytes(before.user),
        mebibytes(open.user),
        mebibytes(after.user),
    );
}

/// The growth from `before` to `then`, shared out; below zero where memory was given back.
fn per_connection(before: u64, then: u64, count: usize) -> i64 {
    let growth = i128::from(then) - i128::from(before);
    i64::try_from(growth / count.max(1) as i128).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_shared_out_and_may_be_negative() {
        assert_eq!(per_connection(1_000, 21_000, 10), 2_000);
        assert_eq!(per_connection(5_000, 4_000, 10), -100);
    }
}
