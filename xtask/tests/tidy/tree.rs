//! The files of the repository as text.

use std::fs;
use std::path::{Path, PathBuf};

/// What programs made, or git keeps for itself (`.git` is a file in a second worktree).
const LEFT_OUT: &[&str] = &[".git", "target", "node_modules", "__pycache__", "gatewright-data"];
/// Folders below the root at most; the tree has fewer, and a loop of links none the more.
const DEPTH_MAX: usize = 16;

/// One file.
pub(crate) struct Source {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The lines of the file with their numbers from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// The lines of a Rust file that are code: each without its comment.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().map(|(number, line)| (number, without_comment(line)))
    }

    /// True for a file that only tests use.
    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.split('/').any(|folder| folder == "tests" || folder == "benches")
    }

    /// The number of the line where a file's tests begin: they stand at its bottom.
    pub(crate) fn tests_from(&self) -> usize {
        let tests = self.lines().find(|(_, line)| line.trim() == "#[cfg(test)]");
        tests.map_or(usize::MAX, |(number, _)| number)
    }

    /// A fault on a line of this file, as editors understand it.
    pub(crate) fn fault(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// Every text file of the tree, tracked or about to be.
pub(crate) fn tree() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask stands in the root");
    let mut sources = Vec::new();
    let mut folders = vec![(root.to_path_buf(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the tree can be listed") {
            let entry = entry.expect("an entry of a folder can be read");
            let kind = entry.file_type().expect("an entry has a type");
            let name = entry.file_name().to_string_lossy().into_owned();
            if LEFT_OUT.contains(&name.as_str()) {
                continue;
            }
            if kind.is_dir() {
                assert!(depth < DEPTH_MAX, "{} is too deep", entry.path().display());
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() {
                sources.extend(source(root, entry.path()));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// Fails with every fault that there is.
#[track_caller]
pub(crate) fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// `None` for what is not text, such as a picture.
fn source(root: &Path, path: PathBuf) -> Option<Source> {
    let text = String::from_utf8(fs::read(&path).ok()?).ok()?;
    let path = path.strip_prefix(root).expect("a file of the tree is below its root");
    Some(Source { path: path.to_string_lossy().replace('\\', "/"), text })
}

/// A line up to `//`, unless that stands in an address such as `http://` or in a string.
fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match c {
            '"' if before != '\\' && before != '\'' => quoted = !quoted,
            '/' if !quoted && line[at..].starts_with("//") => return &line[..at],
            _ => {}
        }
        before = c;
    }
    line
}

#[test]
fn the_tree_holds_this_file_and_the_manifest() {
    let tree = tree();
    for path in ["Cargo.toml", "xtask/tests/tidy/tree.rs", ".ci/run"] {
        assert!(tree.iter().any(|source| source.path == path), "{path}");
    }
    assert!(!tree.iter().any(|source| source.path == ".git" || source.path.starts_with(".git/")));
}

#[test]
fn comments_are_no_code_but_addresses_are() {
    assert_eq!(without_comment("let a = 1; // one"), "let a = 1; ");
    assert_eq!(without_comment(r#"let a = "http://b"; // c"#), r#"let a = "http://b"; "#);
    assert_eq!(without_comment(r#"let quote = '"'; // c"#), r#"let quote = '"'; "#);
}

#[test]
fn tests_are_told_by_their_place() {
    assert!(Source::new("crates/types/src/selection/tests.rs", "").is_test());
    assert!(Source::new("crates/gatewright/tests/serve.rs", "").is_test());
    assert!(!Source::new("crates/types/src/latest.rs", "").is_test());
    assert_eq!(Source::new("a.rs", "fn a() {}\n\n#[cfg(test)]\nmod tests {}\n").tests_from(), 3);
}
