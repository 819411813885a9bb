//! Every arrow between crates points down: a crate depends on crates of lower floors only.

use super::tree::{Source, none, tree};

/// The house: each crate and its floor. ARCHITECTURE.md has the plan.
const FLOORS: &[(&str, u32)] = &[
    ("gatewright", 5),
    ("cluster", 4),
    ("doctor", 4),
    ("stacks", 4),
    ("traces", 4),
    ("control", 3),
    ("functions", 3),
    ("gateway", 3),
    ("integration", 2),
    ("journal", 2),
    ("mapping", 2),
    ("auth", 1),
    ("jsonpath", 1),
    ("types", 1),
    ("vtl", 1),
    ("java", 0),
];

fn floor(name: &str) -> Option<u32> {
    FLOORS.iter().find(|(other, _)| *other == name).map(|(_, floor)| *floor)
}

fn faults(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        let manifest = source.path.strip_prefix("crates/").and_then(|path| path.strip_suffix("/Cargo.toml"));
        let Some(name) = manifest else { continue };
        let Some(own) = floor(name) else {
            faults.push(source.fault(1, &format!("`{name}` has no floor in xtask/tests/tidy/arrows.rs")));
            continue;
        };
        for (line, dependency) in dependencies(source) {
            if floor(&dependency).is_some_and(|other| other >= own) {
                faults.push(source.fault(line, &format!("`{name}` may not use `{dependency}`, which is not below it")));
            }
        }
    }
    faults
}

/// The names of all that a manifest depends on, for building and for tests, with their lines.
fn dependencies(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (number, line) in source.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            let mut parts = header.split('.').skip_while(|part| !part.ends_with("dependencies"));
            inside = parts.next().is_some();
            // `[dependencies.name]` names a crate in its header; the lines after it say what it is.
            if let Some(name) = parts.next() {
                found.push((number, name.trim_matches('"').to_owned()));
            }
        } else if inside && let Some((key, value)) = line.split_once('=') {
            found.push((number, key.split('.').next().unwrap_or(key).trim().trim_matches('"').to_owned()));
            // A crate under another name: `alias = { package = "name" }`.
            let package = value.split_once("package").and_then(|(_, rest)| rest.split('"').nth(1));
            found.extend(package.map(|name| (number, name.to_owned())));
            if key.trim() == "package" {
                found.push((number, value.trim().trim_matches('"').to_owned()));
            }
        }
    }
    found
}

#[test]
fn crates_use_lower_floors_only() {
    none(faults(&tree()));
}

#[test]
fn the_dependencies_of_a_real_manifest_are_read() {
    let tree = tree();
    let types = tree.iter().find(|source| source.path == "crates/types/Cargo.toml").expect("types has a manifest");
    assert!(dependencies(types).iter().any(|(_, name)| name == "serde"));
}

#[test]
fn an_arrow_up_or_sideways_is_found_in_every_form() {
    for manifest in [
        "[dependencies]\ngateway.workspace = true\n",
        "[dependencies]\ngateway = { path = \"../gateway\" }\n",
        "[dev-dependencies]\ngateway.workspace = true\n",
        "[target.'cfg(unix)'.dependencies]\ngateway.workspace = true\n",
        "[dependencies.gateway]\npath = \"../gateway\"\n",
        "[dependencies]\nplane = { package = \"gateway\", path = \"../gateway\" }\n",
        "[dependencies.plane]\npackage = \"gateway\"\n",
    ] {
        for name in ["control", "integration"] {
            let source = Source::new(&format!("crates/{name}/Cargo.toml"), manifest);
            let found = faults(&[source]);
            assert_eq!(found.len(), 1, "{manifest}: {found:?}");
            assert!(found[0].starts_with(&format!("crates/{name}/Cargo.toml:")), "{found:?}");
        }
        assert!(faults(&[Source::new("crates/gatewright/Cargo.toml", manifest)]).is_empty(), "{manifest}");
    }
}

#[test]
fn what_is_no_dependency_is_no_arrow() {
    let manifest = "[package]\nname = \"control\"\n\n[dependencies]\n# gateway = \"no\"\ntypes.workspace = true\n\n[features]\ngateway = []\n";
    assert!(faults(&[Source::new("crates/control/Cargo.toml", manifest)]).is_empty());
}

#[test]
fn a_crate_without_a_floor_is_found() {
    assert_eq!(faults(&[Source::new("crates/attic/Cargo.toml", "[package]\n")]).len(), 1);
}
