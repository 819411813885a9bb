//! Every queue is bounded: no channel takes more than a named number of entries.

use super::tree::{Source, none, tree};

/// Names of queues that grow without end; put together here, so that this file holds none of them.
const UNBOUNDED: &[&str] = &[
    concat!("unbounded", "_channel"),
    concat!("Unbounded", "Sender"),
    concat!("unbounded", "("),
    concat!("Seg", "Queue"),
];
/// The standard library's channel without a bound.
const STD: &str = concat!("mpsc::", "channel");

/// True for `mpsc::channel()`, with a type or without, and for bringing that of the standard library into scope.
fn is_std_channel(line: &str) -> bool {
    line.match_indices(STD).any(|(at, name)| {
        let rest = &line[at + name.len()..];
        let imported = line.trim_start().starts_with("use std") && rest.starts_with([';', ',', '}', ' ']);
        let call = match rest.strip_prefix("::<") {
            Some(types) => types.rsplit_once('>').map_or("", |(_, call)| call),
            None => rest,
        };
        imported || call.starts_with("()")
    })
}

fn faults(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        for (number, line) in source.code() {
            if UNBOUNDED.iter().any(|name| line.contains(name)) || is_std_channel(line) {
                faults.push(source.fault(number, "a queue without a bound"));
            }
        }
    }
    faults
}

#[test]
fn queues_are_bounded() {
    none(faults(&tree()));
}

#[test]
fn a_queue_without_a_bound_is_found() {
    for line in [
        format!("let (a, b) = tokio::sync::mpsc::{}();", UNBOUNDED[0]),
        format!("let (a, b) = flume::{});", UNBOUNDED[2]),
        format!("let (a, b) = {STD}();"),
        format!("let (a, b) = std::sync::{STD}::<Vec<u8>>();"),
        format!("use std::sync::{STD};"),
    ] {
        assert_eq!(faults(&[Source::new("crates/gateway/src/outbox.rs", &line)]).len(), 1, "{line}");
    }
}

#[test]
fn a_queue_with_a_bound_is_no_fault() {
    for line in [
        format!("let (a, b) = {STD}(OUTBOX_MAX);"),
        format!("let (a, b) = {STD}::<u8>(4);"),
        "let (a, b) = oneshot::channel();".into(),
    ] {
        assert!(faults(&[Source::new("crates/gateway/src/outbox.rs", &line)]).is_empty(), "{line}");
    }
}
