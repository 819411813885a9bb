//! `/_metrics`: what the data plane counted, and the process itself, as Prometheus reads it.

use gateway::{Gateway, MetricsText};

use crate::logs::Log;

/// What the answer is. Source: Prometheus, "Exposition formats".
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Every metric as it stands now.
pub(crate) fn text(gateway: &Gateway, log: &Log) -> String {
    let mut text = MetricsText::default();
    gateway.write_metrics(&mut text);
    let name = "gatewright_log_entries_left_out_total";
    text.family(
        name,
        "counter",
        "Entries of logs that were left out, because their reader or disk was too slow or failed",
    );
    let (standard_output, files) = log.left_out();
    text.sample(name, &[("log", "standard-output")], standard_output);
    text.sample(name, &[("log", "access-files")], files);
    process(&mut text);
    text.into_string()
}

// The names are those of Prometheus's client libraries. Where the system has no /proc they are left out.
fn process(text: &mut MetricsText) {
    let page = rustix::param::page_size() as u64;
    if let Some([size, resident]) = read_memory() {
        let name = "process_virtual_memory_bytes";
        text.single(name, "gauge", "Virtual memory size in bytes.", size.saturating_mul(page));
        let name = "process_resident_memory_bytes";
        text.single(name, "gauge", "Resident memory size in bytes.", resident.saturating_mul(page));
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        // One of them is the folder that is being read.
        text.single("process_open_fds", "gauge", "Number of open file descriptors.", files.count().saturating_sub(1));
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    if let Some(most) = limit.current {
        text.single("process_max_fds", "gauge", "Maximum number of open file descriptors.", most);
    }
    if let Some(ticks) = read_ticks() {
        let seconds = ticks as f64 / rustix::param::clock_ticks_per_second().max(1) as f64;
        text.single(
            "process_cpu_seconds_total",
            "counter",
            "Total user and system CPU time spent in seconds.",
            seconds,
        );
    }
}

// Pages in all, and in memory. Source: proc(5), "statm".
fn read_memory() -> Option<[u64; 2]> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = text.split_whitespace().map_while(|word| word.parse().ok());
    Some([pages.next()?, pages.next()?])
}

// User and system time. Source: proc(5), "stat", fields 14 and 15; the name in field 2 may hold anything up to `)`.
fn read_ticks() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11).map_while(|word| word.parse::<u64>().ok());
    fields.next()?.checked_add(fields.next()?)
}
