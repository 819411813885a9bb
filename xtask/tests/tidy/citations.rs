//! What the code rests on stands in docs/aws: each page and section that is cited is there.
//!
//! A citation is a page's path and, behind it, its sections: `docs/aws/data-plane.md 3.9`, `… 5, 6`, `… 6 and 7`. Between
//! the pages themselves the folder is left out. A rule of the stories is cited by its id, which begins with its section.

use std::collections::HashSet;

use super::tree::{Source, none, tree};

/// The folder of the pages.
const FOLDER: &str = "docs/aws/";
/// Where the rules of the stories stand, whose ids begin with a section of [`RULES_OF`].
const RULES: &str = "corpus/scenarios/rules.toml";
const RULES_OF: &str = "data-plane.md";
/// A page as long as this has a second subject.
const LINES_MAX: usize = 400;
/// This file, whose test cites pages that there are not.
const THIS: &str = "xtask/tests/tidy/citations.rs";
/// How people cite what no clone has; put together here, so that this file holds none of them.
const ELSEWHERE: &[&str] = &[
    concat!("reference ", "\""),
    concat!("reference", " of the language"),
    concat!("reference", " of the control plane"),
    concat!("reference", " on mapping templates"),
    concat!("reference", " data plane"),
    concat!("the issue", " on "),
    concat!("later", " issue"),
];

/// The sections of a page: the numbers that its headings begin with.
fn sections(page: &Source) -> HashSet<&str> {
    let headings = page.text.lines().filter(|line| line.starts_with('#'));
    let numbers = headings.filter_map(|line| line.trim_start_matches('#').trim_start().split([' ', '`']).next());
    numbers.map(|number| number.trim_end_matches('.')).filter(|number| is_section(number)).collect()
}

fn is_section(text: &str) -> bool {
    !text.is_empty() && text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// The sections that stand behind a page's name: `3.9`, `5, 6`, `6 and 7`.
fn cited(after: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = after.strip_prefix(' ').unwrap_or_default();
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number = rest[..end].trim_end_matches('.');
        if !is_section(number) {
            return found;
        }
        found.push(number);
        let next = &rest[number.len()..];
        match next.strip_prefix(", ").or_else(|| next.strip_prefix(" and ")) {
            Some(more) => rest = more,
            None => return found,
        }
    }
}

fn faults(sources: &[Source]) -> Vec<String> {
    let pages: Vec<(&str, HashSet<&str>)> = sources
        .iter()
        .filter_map(|source| Some((source.path.strip_prefix(FOLDER)?, source)))
        .filter(|(name, _)| name.ends_with(".md"))
        .map(|(name, page)| (name, sections(page)))
        .collect();
    let mut faults = Vec::new();
    for source in sources.iter().filter(|source| source.path != THIS) {
        let inside = source.path.starts_with(FOLDER);
        for (number, line) in source.lines() {
            let folder = if inside { "" } else { FOLDER };
            for (name, sections) in &pages {
                let path = format!("{folder}{name}");
                for (at, _) in line.match_indices(&path) {
                    let missing = cited(&line[at + path.len()..]).into_iter().filter(|cited| !sections.contains(cited));
                    faults.extend(missing.map(|cited| source.fault(number, &format!("{name} has no section {cited}"))));
                }
            }
            let at = line.find(FOLDER).map(|at| &line[at + FOLDER.len()..]).filter(|_| !inside);
            let page = at.and_then(|rest| rest.split_once(".md").map(|(name, _)| format!("{name}.md")));
            if let Some(page) = page.filter(|page| pages.iter().all(|(name, _)| name != page)) {
                faults.push(source.fault(number, &format!("there is no page {FOLDER}{page}")));
            }
            let lower = line.to_ascii_lowercase();
            if ELSEWHERE.iter().any(|words| lower.contains(words)) {
                faults.push(source.fault(number, "cites what no clone has: cite docs/aws, with page and section"));
            }
        }
        if inside && source.lines().count() >= LINES_MAX {
            faults.push(source.fault(LINES_MAX, &format!("{LINES_MAX} lines or more")));
        }
        if source.path == RULES {
            let page = pages.iter().find(|(name, _)| *name == RULES_OF);
            faults.extend(rules_without_section(source, page.map(|(_, sections)| sections)));
        }
    }
    faults
}

fn rules_without_section(source: &Source, sections: Option<&HashSet<&str>>) -> Vec<String> {
    let ids = source.lines().filter_map(|(number, line)| Some((number, line.split_once("id = \"")?.1)));
    let of = ids.map(|(number, id)| (number, id.split('-').next().unwrap_or_default()));
    let lost = of.filter(|(_, section)| sections.is_none_or(|sections| !sections.contains(section)));
    lost.map(|(number, section)| source.fault(number, &format!("{RULES_OF} has no section {section}"))).collect()
}

#[test]
fn what_is_cited_is_there() {
    let tree = tree();
    assert!(tree.iter().filter(|source| source.path.starts_with(FOLDER)).count() >= 4, "the pages are there");
    none(faults(&tree));
}

#[test]
fn a_citation_of_nothing_is_found() {
    let page = || Source::new("docs/aws/vtl.md", "# Page\n## 3. Three\n### 3.9 Nine\n## 10. `x`\n");
    let found = |path: &str, line: &str| faults(&[page(), Source::new(path, line)]);
    for line in [
        "see docs/aws/vtl.md 3.9.",
        "docs/aws/vtl.md 3, 3.9 and 10: x",
        "docs/aws/vtl.md",
        "(docs/aws/vtl.md 10; a 77)",
    ] {
        assert!(found("a.rs", line).is_empty(), "{line}: {:?}", found("a.rs", line));
    }
    for (line, expected) in [
        ("see docs/aws/vtl.md 3.8.", "a.rs:1: vtl.md has no section 3.8"),
        ("docs/aws/vtl.md 3 and 4", "a.rs:1: vtl.md has no section 4"),
        ("docs/aws/html.md 3", "a.rs:1: there is no page docs/aws/html.md"),
        (concat!("Reference ", "\"vtl\", 3"), "a.rs:1: cites what no clone has: cite docs/aws, with page and section"),
        (
            concat!("Source: the issue", " on x"),
            "a.rs:1: cites what no clone has: cite docs/aws, with page and section",
        ),
    ] {
        assert_eq!(found("a.rs", line), [expected], "{line}");
    }
    let other = |line: &str| faults(&[page(), Source::new("docs/aws/b.md", line)]);
    assert!(other("vtl.md 3.9").is_empty());
    assert_eq!(other("vtl.md 4"), ["docs/aws/b.md:1: vtl.md has no section 4"]);
    assert_eq!(other(&"\n".repeat(LINES_MAX)), [format!("docs/aws/b.md:{LINES_MAX}: {LINES_MAX} lines or more")]);
    let rules =
        |line: &str| faults(&[Source::new("docs/aws/data-plane.md", "### 1.2 A\n## 9. B\n"), Source::new(RULES, line)]);
    assert!(rules("{ id = \"1.2-a-b\" }\n{ id = \"9-x\" }").is_empty());
    assert_eq!(rules("{ id = \"1.3-a\" }"), [format!("{RULES}:1: data-plane.md has no section 1.3")]);
}
