//! The tree names no place that only one machine has: no path of a workplace, no host of a package registry.

use super::tree::{Source, none, tree};

/// First folders of paths that exist on a machine of ours only; without their slashes, so that no such path is here.
const FOLDERS: &[&str] = &["work", "farm", "root"];
/// Hosts that packages come from: each user has their own, or a mirror of it. Put together here, as above.
const HOSTS: &[&str] = &[
    concat!("registry.", "npmjs"),
    concat!("registry.", "yarnpkg"),
    concat!("python", "hosted", ".org"),
    concat!("pypi", ".org"),
    concat!("static.", "crates"),
    concat!("index.", "crates"),
    concat!("deb.", "debian"),
    concat!("proxy.", "golang"),
];

/// True when a line has a path that starts with one of [`FOLDERS`].
fn has_path(line: &str) -> bool {
    FOLDERS.iter().any(|folder| {
        let path = format!("/{folder}/");
        line.match_indices(&path)
            .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.'))
    })
}

fn faults(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        for (number, line) in source.lines() {
            if has_path(line) {
                faults.push(source.fault(number, "a path of one machine"));
            }
            if HOSTS.iter().any(|host| line.contains(host)) {
                faults.push(source.fault(number, "the host of a package registry"));
            }
        }
    }
    faults
}

#[test]
fn no_machine_and_no_registry_is_named() {
    none(faults(&tree()));
}

#[test]
fn a_path_of_a_machine_is_found() {
    for folder in FOLDERS {
        for line in [format!("cd /{folder}/main"), format!("\"/{folder}/a\""), format!("x=/{folder}/")] {
            assert_eq!(faults(&[Source::new("README.md", &line)]), ["README.md:1: a path of one machine"], "{line}");
        }
        for line in
            [format!("see a/{folder}/b"), format!("../{folder}/b"), format!("/{folder}"), format!("/{folder}s/")]
        {
            assert!(faults(&[Source::new("README.md", &line)]).is_empty(), "{line}");
        }
    }
}

#[test]
fn a_registry_is_found_in_a_lock_file_too() {
    for host in HOSTS {
        let line = format!("\"resolved\": \"https://{host}.example/a.tgz\"");
        assert_eq!(faults(&[Source::new("clients/package-lock.json", &line)]).len(), 1, "{line}");
    }
}
