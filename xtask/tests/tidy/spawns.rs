//! Tasks, threads and processes begin only where their owner stands: in the files of this table.

use super::tree::{Source, none, tree};

/// Who may call `spawn`, and why. A `*` in a path stands for anything.
///
/// The owners are those of ARCHITECTURE.md's table of tasks; a new row there is a new row here.
const ALLOWED: &[(&str, &str)] = &[
    (
        "crates/gatewright/src/front*.rs",
        "the accept loop's task per connection; a late upgrade, until the gateway has it",
    ),
    ("crates/gatewright/src/serve*.rs", "owns the listeners and the timer wheel, and ends them"),
    ("crates/gatewright/src/service*.rs", "control-plane calls, which wait for the disk; as many as its semaphore has"),
    (
        "crates/gatewright/src/views.rs",
        "what console and terminal ask, on a thread that may be busy; within the same semaphore",
    ),
    (
        "crates/gatewright/src/views/doctor.rs",
        "threads that try whether backends are there, 64 at most; names are asked for without a limit of time",
    ),
    ("crates/gatewright/src/nodes/joined.rs", "tells the cluster of this node, and gives way where its number is lost"),
    ("crates/gatewright/src/folder_socket.rs", "answers `export` on the data folder's socket, one reader at a time"),
    ("crates/gatewright/src/guard.rs", "reads the credentials file, which waits for the disk; one look at a time"),
    ("crates/gatewright/src/certificates.rs", "the same for certificates"),
    (
        "crates/gatewright/src/queue.rs",
        "the writers of log and access logs, so that no message waits for a terminal or disk",
    ),
    ("crates/gatewright/src/stacks/watch.rs", "looks at a template's files, and applies it, which waits for the disk"),
    ("crates/gatewright/src/demo*", "the demo's own backend, in the same process"),
    ("crates/gateway/src/connection*", "one task per connection; its messages in flight are a set inside it"),
    ("crates/gateway/src/afterwards.rs", "tells a `$disconnect` again; 128 at once, and drain waits for them"),
    (
        "crates/journal/src/journal.rs",
        "the thread that syncs the journal and begins its segments; ends with its last owner",
    ),
    ("crates/integration/src/names.rs", "looks up a backend's name for all who wait for it; ends within its limit"),
    ("crates/functions/src/*", "a function's processes, their Runtime API and output; they end with their environment"),
    ("crates/cluster/src/cluster.rs", "keeps the node's number and follows the others'; both end with the cluster"),
    ("crates/cluster/src/log/*", "follows the log of definitions, and keeps copies of it; they end with the store"),
    ("crates/cluster/src/peers/*", "sends to other nodes and answers them, within bounds; they end with the cluster"),
    ("crates/gatewright/src/aws/cache.rs", "fetches a key anew while the old one holds; one for each key"),
    (
        "crates/gatewright/src/stacks/watch.rs",
        "the thread that looks after a template's files; it ends with the program",
    ),
    ("crates/gatewright/src/stacks/typescript.rs", "the user's esbuild, which is waited for, a minute at most"),
    ("crates/gatewright/src/aws/process.rs", "the program that prints credentials; it ends with the wait for it"),
    ("crates/gateway/src/heavy.rs", "the threads of mappings that are much work, as many as half the cores"),
    ("crates/gateway/src/open.rs", "hands an opened connection to its task in connection.rs"),
    (
        "crates/gateway/src/hand_over.rs",
        "the same for one that comes from elsewhere; the `$disconnect` of one whose socket is of no use",
    ),
    ("crates/gateway/src/models.rs", "a test: the threads that meet in a model"),
    ("crates/gateway/src/simulation*", "a test: everybody of a schedule, on one thread"),
    ("crates/*/tests/*", "tests own what they start"),
    ("xtask/*", "starts the programs that it checks and measures"),
    ("fuzz/*", "fuzz targets own what they start"),
];

fn allowed(path: &str) -> bool {
    ALLOWED.iter().any(|(pattern, _)| fits(pattern, path))
}

/// True when `path` fits `pattern`: its pieces between the stars occur in order, from the first letter to the last.
fn fits(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((before, rest)) => path.strip_prefix(before).is_some_and(|path| {
            (0..=path.len()).any(|skipped| path.is_char_boundary(skipped) && fits(rest, &path[skipped..]))
        }),
    }
}

/// True when a line of code calls `spawn` or one of its kin (`spawn_blocking`, `spawn_local`, …).
fn spawns(line: &str) -> bool {
    line.match_indices("spawn").any(|(at, word)| {
        let begins = !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let rest = line[at + word.len()..].trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
        let is_definition = line[..at].trim_end().ends_with("fn");
        begins && !is_definition && (rest.starts_with('(') || rest.starts_with("::<"))
    })
}

fn faults(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust() && !source.is_test() && !allowed(&source.path)) {
        let tests = source.tests_from();
        for (number, line) in source.code().take_while(|(number, _)| *number < tests) {
            if spawns(line) {
                faults.push(source.fault(number, "`spawn` outside the files of xtask/tests/tidy/spawns.rs"));
            }
        }
    }
    faults
}

#[test]
fn tasks_begin_in_the_files_of_their_owners() {
    none(faults(&tree()));
}

#[test]
fn a_spawn_elsewhere_is_found() {
    for line in ["tokio::spawn(work());", "set.spawn(work());", "task::spawn_blocking(f)", "thread::spawn::<F, T>(f)"] {
        let text = format!("fn a() {{\n    {line}\n}}\n");
        let found = faults(&[Source::new("crates/mapping/src/request.rs", &text)]);
        assert_eq!(found.len(), 1, "{line}");
        assert!(found[0].starts_with("crates/mapping/src/request.rs:2:"), "{found:?}");
        assert!(faults(&[Source::new("crates/gateway/src/connection.rs", &text)]).is_empty(), "{line}");
    }
}

#[test]
fn words_that_only_look_like_it_are_no_spawn() {
    for line in ["// spawn(this)", "respawn(it)", "let spawned = 1;", "use tokio::spawn;", "fn spawn_nothing() {}"] {
        assert!(faults(&[Source::new("crates/mapping/src/request.rs", line)]).is_empty(), "{line}");
    }
    let test = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { tokio::spawn(c()); } }\n";
    assert!(faults(&[Source::new("crates/mapping/src/request.rs", test)]).is_empty());
}

#[test]
fn a_star_stands_for_anything() {
    assert!(fits("a/*pool*.rs", "a/pool.rs") && fits("a/*pool*.rs", "a/http/pool_of.rs"));
    assert!(!fits("a/*pool*.rs", "b/pool.rs") && !fits("a/*pool*.rs", "a/pool.md") && !fits("a/b.rs", "a/b.rs.x"));
}
