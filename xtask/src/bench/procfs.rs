//! What Linux says of a process and of itself, read from `/proc`.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context;

/// The kernel counts CPU time in this many ticks a second.
///
/// Source: documented (proc(5), `sysconf(_SC_CLK_TCK)`); 100 on every architecture that the gateway is built for.
const TICKS_PER_SECOND: u32 = 100;
/// How often [`quiet`] looks.
const QUIET_LOOK: Duration = Duration::from_millis(250);
/// As many looks in a row must find the process idle.
const QUIET_LOOKS: u32 = 4;

/// CPU time that process `pid` has used, in user mode and in the kernel, all its threads together.
///
/// # Errors
/// When the process is gone.
pub(crate) fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let stat = read(&format!("/proc/{pid}/stat"))?;
    let ticks = cpu_ticks(&stat).with_context(|| format!("read the CPU time in /proc/{pid}/stat"))?;
    Ok(Duration::from_secs(1) * ticks / TICKS_PER_SECOND)
}

/// How often threads of process `pid` went to sleep of themselves; zero where the kernel does not count it.
pub(crate) fn sleeps(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse::<u64>().ok()
    };
    tasks.filter_map(|task| of(fs::read_to_string(task.path().join("status")).ok()?)).sum()
}

/// CPU time of process `pid` as [`cpu`] has it, to the nanosecond, where the kernel keeps such accounts; of threads that live.
///
/// # Errors
/// When the process is gone.
pub(crate) fn cpu_exact(pid: u32) -> anyhow::Result<Duration> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of = |task: fs::DirEntry| -> Option<u64> {
        // Source: documented (Documentation/scheduler/sched-stats.rst): time on the CPU comes first.
        fs::read_to_string(task.path().join("schedstat")).ok()?.split_whitespace().next()?.parse().ok()
    };
    match tasks.filter_map(of).sum() {
        0 => cpu(pid),
        nanoseconds => Ok(Duration::from_nanos(nanoseconds)),
    }
}

/// Bytes of user-space memory that belong to process `pid` alone: heap, stacks, what it wrote to.
///
/// From `Pss_Anon` of `smaps_rollup`, or `RssAnon` of `status` where the kernel does not give the first.
///
/// # Errors
/// When the process is gone.
pub(crate) fn memory(pid: u32) -> anyhow::Result<u64> {
    let rollup = read(&format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    if let Some(bytes) = kibibytes(&rollup, "Pss_Anon:") {
        return Ok(bytes);
    }
    kibibytes(&read(&format!("/proc/{pid}/status"))?, "RssAnon:").context("the kernel tells no RssAnon")
}

/// Bytes of memory that process `pid` has in RAM at the moment (`VmRSS`); quicker to read than [`memory`].
///
/// # Errors
/// When the process is gone.
pub(crate) fn resident(pid: u32) -> anyhow::Result<u64> {
    kibibytes(&read(&format!("/proc/{pid}/status"))?, "VmRSS:").context("the kernel tells no VmRSS")
}

/// Bytes of kernel memory that grow with connections: slabs of the whole machine, and TCP's buffers.
///
/// # Errors
/// When `/proc` cannot be read.
pub(crate) fn kernel_memory() -> anyhow::Result<u64> {
    let slab = kibibytes(&read("/proc/meminfo")?, "Slab:").context("the kernel tells no Slab")?;
    let page = kibibytes(&read("/proc/self/smaps")?, "KernelPageSize:").context("the kernel tells no page size")?;
    Ok(slab + tcp_pages(&read("/proc/net/sockstat")?).unwrap_or(0) * page)
}

/// Bytes of memory that the machine could still give to programs.
///
/// # Errors
/// When `/proc` cannot be read.
pub(crate) fn available() -> anyhow::Result<u64> {
    kibibytes(&read("/proc/meminfo")?, "MemAvailable:").context("the kernel tells no MemAvailable")
}

/// How many files process `pid` may have open.
///
/// # Errors
/// When the process is gone.
pub(crate) fn open_files_max(pid: u32) -> anyhow::Result<u64> {
    let limits = read(&format!("/proc/{pid}/limits"))?;
    soft_limit(&limits, "Max open files").context("the kernel tells no limit of open files")
}

/// Waits until process `pid` uses no CPU time any more, at most `limit`; true when that came.
///
/// # Errors
/// When the process is gone.
pub(crate) async fn quiet(pid: u32, limit: Duration) -> anyhow::Result<bool> {
    let start = Instant::now();
    let mut before = cpu(pid)?;
    let mut idle = 0;
    while idle < QUIET_LOOKS {
        if start.elapsed() > limit {
            return Ok(false);
        }
        tokio::time::sleep(QUIET_LOOK).await;
        let now = cpu(pid)?;
        idle = if now == before { idle + 1 } else { 0 };
        before = now;
    }
    Ok(true)
}

fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("read {path}"))
}

/// Fields 14 and 15 of `/proc/PID/stat`; the name in field 2 may hold anything, a closing parenthesis too.
fn cpu_ticks(stat: &str) -> Option<u32> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u32>().ok()? + fields.next()?.parse::<u32>().ok()?)
}

/// The value of a line such as `Slab:  123 kB`, in bytes.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// Pages of TCP buffers, from the line `TCP: inuse 5 orphan 0 tw 0 alloc 7 mem 3`.
fn tcp_pages(sockstat: &str) -> Option<u64> {
    let line = sockstat.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    line.split_whitespace().skip_while(|word| *word != "mem").nth(1)?.parse().ok()
}

fn soft_limit(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_past_a_name_with_parentheses() {
        let stat = "42 (a) (b c) S 1 42 42 0 -1 4194304 111 0 0 0 70 30 5 6 20 0 3 0 9 1 2";
        assert_eq!(cpu_ticks(stat), Some(100));
        assert_eq!(cpu_ticks("42 (cut off"), None);
    }

    #[test]
    fn lines_of_proc_are_read() {
        assert_eq!(kibibytes("MemFree: 9 kB\nSlab:      12 kB\n", "Slab:"), Some(12 * 1024));
        assert_eq!(kibibytes("SlabX: 12 kB", "Slab:"), None);
        assert_eq!(tcp_pages("sockets: used 9\nTCP: inuse 5 orphan 0 tw 0 alloc 7 mem 3\n"), Some(3));
        let limits = "Limit  Soft Limit  Hard Limit\nMax open files            1024                 4096    files\n";
        assert_eq!(soft_limit(limits, "Max open files"), Some(1024));
        assert_eq!(soft_limit("Max open files  unlimited unlimited files", "Max open files"), Some(u64::MAX));
    }

    #[test]
    fn this_process_has_memory_and_limits() {
        let own = std::process::id();
        assert!(memory(own).unwrap() > 0);
        assert!(resident(own).unwrap() > 0);
        assert!(open_files_max(own).unwrap() > 0);
        assert!(kernel_memory().unwrap() > 0 && available().unwrap() > 0);
        assert!(cpu(own).is_ok() && cpu_exact(own).is_ok());
    }
}
