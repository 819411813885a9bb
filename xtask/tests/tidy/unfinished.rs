//! Nothing is called done that is not: no code left to write, no test left out.

use super::tree::{Source, none, tree};

/// What stands for work not done; put together here, so that this file holds none of them.
const UNFINISHED: &[(&str, &str)] = &[
    (concat!("to", "do!("), "code left to write"),
    (concat!("unim", "plemented!("), "code left to write"),
    (concat!("#[", "ignore"), "a test left out"),
];

fn faults(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        for (number, line) in source.code() {
            for (_, what) in UNFINISHED.iter().filter(|(word, _)| line.contains(word)) {
                faults.push(source.fault(number, what));
            }
        }
    }
    faults
}

#[test]
fn nothing_is_left_to_write_or_left_out() {
    none(faults(&tree()));
}

#[test]
fn what_is_unfinished_is_found() {
    for (word, _) in UNFINISHED {
        let text = format!("fn a() {{\n    {word})]\n}}\n");
        let found = faults(&[Source::new("crates/types/src/id.rs", &text)]);
        assert_eq!(found.len(), 1, "{word}");
        assert!(found[0].starts_with("crates/types/src/id.rs:2:"), "{found:?}");
    }
}
