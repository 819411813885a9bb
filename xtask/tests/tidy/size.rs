//! A file is as long as the one thing it does.

use super::tree::{Source, none, tree};

/// At this many lines a file has a second noun in it, and only a table may go on.
const LINES_MAX: usize = 600;
/// The tables that are longer, and why each may be.
const TABLES: &[(&str, &str)] = &[];

fn faults(sources: &[Source]) -> Vec<String> {
    let long = |source: &&Source| source.is_rust() && source.lines().count() > LINES_MAX;
    let table = |source: &&Source| TABLES.iter().any(|(path, _)| *path == source.path);
    let fault = |source: &Source| source.fault(LINES_MAX + 1, &format!("more than {LINES_MAX} lines"));
    sources.iter().filter(long).filter(|source| !table(source)).map(fault).collect()
}

#[test]
fn files_are_short() {
    none(faults(&tree()));
}

#[test]
fn a_long_file_is_found() {
    assert!(faults(&[Source::new("a.rs", &"\n".repeat(LINES_MAX))]).is_empty());
    assert_eq!(faults(&[Source::new("a.rs", &"\n".repeat(LINES_MAX + 1))]).len(), 1);
    assert!(faults(&[Source::new("a.md", &"\n".repeat(LINES_MAX + 1))]).is_empty());
}
