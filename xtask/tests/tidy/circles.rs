//! Files do not use each other in a circle: one can be read, and understood, before those that use it.
//!
//! A file uses another when it names something of it: `use crate::value::List`, `super::failure::null(…)`. Methods of a
//! type may stand in several files; calling one names no file.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{Source, none, tree};

/// The crates whose files are looked at.
const CRATES: &[&str] = &["java", "jsonpath", "vtl"];

/// For each file the files that it uses. A file is known by its module: `methods/list`.
type Uses = BTreeMap<String, BTreeSet<String>>;

fn faults(sources: &[Source]) -> Vec<String> {
    let circle = |name: &&str| {
        let files: Vec<_> = sources.iter().filter_map(|source| Some((module(source, name)?, source))).collect();
        let modules: BTreeSet<String> = files.iter().map(|(module, _)| module.clone()).collect();
        let uses: Uses =
            files.iter().map(|(module, source)| (module.clone(), used(module, &code(source), &modules))).collect();
        circle(&uses).map(|files| format!("crates/{name}/src: {} use each other", files.join(" -> ")))
    };
    CRATES.iter().filter_map(circle).collect()
}

/// The module of a file of the crate; the root, which only lists the others, is none, nor are tests.
fn module(source: &Source, name: &str) -> Option<String> {
    let path = source.path.strip_prefix("crates/")?.strip_prefix(name)?.strip_prefix("/src/")?.strip_suffix(".rs")?;
    (path != "lib" && !source.is_test()).then(|| path.to_owned())
}

/// A file without comments and without the tests at its bottom.
fn code(source: &Source) -> String {
    let until = source.tests_from();
    source.code().take_while(|(number, _)| *number < until).map(|(_, line)| format!("{line}\n")).collect()
}

/// The modules that the code of `module` names.
fn used(module: &str, code: &str, modules: &BTreeSet<String>) -> BTreeSet<String> {
    let own: Vec<&str> = module.split('/').collect();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("::") {
        let first = word_before(code, at);
        let start = at - first.len();
        if code[..start].ends_with("::") {
            continue;
        }
        let mut base = match first {
            "crate" => Vec::new(),
            "super" => own[..own.len() - 1].to_vec(),
            "self" => own.clone(),
            child if modules.contains(&format!("{module}/{child}")) => [&own[..], &[child]].concat(),
            _ => continue,
        };
        let mut rest = &code[at + 2..];
        while let Some(after) = rest.strip_prefix("super::") {
            base.pop();
            rest = after;
        }
        for path in paths(rest) {
            let mut whole: Vec<&str> = base.iter().copied().chain(path).collect();
            while !whole.is_empty() && !modules.contains(&whole.join("/")) {
                whole.pop();
            }
            found.insert(whole.join("/"));
        }
    }
    found.remove(module);
    found.remove("");
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word_before(code: &str, end: usize) -> &str {
    let start = code[..end].char_indices().rev().take_while(|(_, c)| is_word(*c)).last().map_or(end, |(at, _)| at);
    &code[start..end]
}

/// The paths that a text begins with: `a::{b, c::d}` is two.
fn paths(text: &str) -> Vec<Vec<&str>> {
    let word = &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())];
    let rest = &text[word.len()..];
    if word.is_empty() {
        let Some(inside) = rest.strip_prefix('{') else { return vec![Vec::new()] };
        return parts(inside).into_iter().flat_map(paths).collect();
    }
    let tails = rest.strip_prefix("::").map_or_else(|| vec![Vec::new()], paths);
    tails.into_iter().map(|tail| [&[word], &tail[..]].concat()).collect()
}

/// What stands between the commas up to the bracket that closes, each without blanks around it.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The files of a circle, the first one again at the end.
fn circle(uses: &Uses) -> Option<Vec<String>> {
    // Those that use nothing but what has been taken away already are in no circle.
    let mut left: BTreeSet<&String> = uses.keys().collect();
    loop {
        let free: Vec<_> =
            left.iter().copied().filter(|file| uses[*file].iter().all(|other| !left.contains(other))).collect();
        if free.is_empty() {
            break;
        }
        free.iter().for_each(|file| {
            left.remove(file);
        });
    }
    let mut way: Vec<&String> = vec![left.first()?];
    loop {
        let next = uses[*way.last()?].iter().find(|other| left.contains(other))?;
        if let Some(at) = way.iter().position(|file| *file == next) {
            way.push(next);
            return Some(way[at..].iter().map(|file| (*file).clone()).collect());
        }
        way.push(next);
    }
}

#[test]
fn no_files_use_each_other() {
    none(faults(&tree()));
}

#[test]
fn a_circle_is_found_in_every_form() {
    for (a, b) in [
        ("use crate::b::B;", "use crate::a::A;"),
        ("use crate::b::{self, B};", "use super::a::A;"),
        ("use crate::{b::B, c::C};", "fn f() -> crate::a::A {}"),
        ("use crate::{\n    b::{\n        B,\n    },\n};", "fn f() {\n    g(super::a::A)\n}"),
        ("use super::b::*;", "pub(crate) use super::{a};"),
    ] {
        let sources = [("a", a), ("b", b), ("c", ""), ("lib", "mod a;\nmod b;\nuse crate::a::A;")];
        let sources = sources.map(|(name, text)| Source::new(&format!("crates/vtl/src/{name}.rs"), text));
        assert_eq!(faults(&sources), ["crates/vtl/src: a -> b -> a use each other"], "{a}");
    }
    let family = [("a", "mod b;\nfn f() { b::g() }"), ("a/b", "use super::A;")];
    let family = family.map(|(name, text)| Source::new(&format!("crates/java/src/{name}.rs"), text));
    assert_eq!(faults(&family), ["crates/java/src: a -> a/b -> a use each other"]);
}

#[test]
fn what_goes_one_way_is_no_circle() {
    let sources = [
        ("a", "mod child;\nuse crate::b::B; // use crate::c::C"),
        ("a/child", "use super::A;\nuse super::super::b::B;"),
        ("b", "use crate::c::a::X;\nuse other::a::A;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n"),
        ("c", "enum C { B }\nfn f() { C::B; std::a::b() }"),
    ];
    let sources = sources.map(|(name, text)| Source::new(&format!("crates/vtl/src/{name}.rs"), text));
    assert_eq!(faults(&sources), Vec::<String>::new());
}
