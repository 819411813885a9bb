//! Every case of corpus/vtl, through the function behind `gatewright render --batch`.
#![allow(clippy::disallowed_methods, reason = "a test reads the corpus")]

use serde_json::Value;

/// The cases of a file that come out differently, each as a line to read.
fn differing(file: &str) -> (usize, Vec<String>) {
    let path = format!("{}/../../corpus/vtl/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the corpus is part of the repository");
    let mut count = 0;
    let mut differing = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        count += 1;
        if let Some(difference) = check(line) {
            differing.push(difference);
        }
    }
    (count, differing)
}

/// What is different about a case, if anything.
fn check(line: &str) -> Option<String> {
    let case: Value = serde_json::from_str(line).expect("a case is a JSON object");
    let answer = mapping::batch_line(line);
    let answer: Value = serde_json::from_str(&answer).expect("an answer is a JSON object");
    let mut expected = vec![("id", &case["id"])];
    match (case.get("expected"), case.get("error")) {
        (Some(output), _) => expected.push(("output", output)),
        (None, Some(error)) => expected.push(("error", error)),
        (None, None) => panic!("{} expects nothing", case["id"]),
    }
    for after in ["requestOverrideAfter", "responseOverrideAfter"] {
        if let Some(value) = case.get(after) {
            expected.push((after, value));
        }
    }
    let wrong = expected.iter().find(|(name, value)| answer.get(*name) != Some(*value))?;
    Some(format!("{}: {}\n  expected {} {}\n  answer   {answer}", case["id"], case["template"], wrong.0, wrong.1))
}

/// How many cases the corpus' own table says that a file has.
fn told(file: &str) -> usize {
    let table = include_str!("../../../corpus/vtl/README.md");
    let rows = table.lines().filter_map(|line| line.strip_prefix(&format!("| `{file}` | "))?.split(' ').next());
    let told: Vec<usize> = rows.filter_map(|number| number.replace(',', "").parse().ok()).collect();
    assert_eq!(told.len(), 1, "the table of corpus/vtl/README.md has one row for {file}");
    told[0]
}

fn holds(file: &str) {
    let (count, differing) = differing(file);
    println!("{file}: {} of {count} cases pass", count - differing.len());
    assert_eq!(count, told(file), "cases of {file}, and what corpus/vtl/README.md says");
    assert!(differing.is_empty(), "{} of {count} differ:\n{}", differing.len(), differing.join("\n"));
}

#[test]
fn our_cases_hold() {
    holds("cases.jsonl");
}

#[test]
fn what_others_recorded_of_aws_holds() {
    holds("aws-recorded.jsonl");
}

#[test]
fn the_templates_of_velocity_hold() {
    holds("velocity.jsonl");
}

#[test]
fn what_random_templates_brought_to_light_holds() {
    holds("found.jsonl");
}

#[test]
fn the_benchmarks_templates_hold() {
    let folder = format!("{}/../../corpus/vtl/bench", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is part of the repository") {
        let text = std::fs::read_to_string(entry.expect("a folder can be read").path()).expect("a file can be read");
        let case: Value = serde_json::from_str(&text).expect("a case is a JSON object");
        assert_eq!(check(&case.to_string()), None);
        count += 1;
    }
    assert_eq!(count, told("bench/*.json"));
}

#[test]
fn the_texts_of_every_path_hold() {
    let path = format!("{}/../../corpus/jsonpath/cases.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the corpus is part of the repository");
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in text.lines() {
        count += 1;
        let case: Value = serde_json::from_str(line).expect("a case is a JSON object");
        let answer: Value = serde_json::from_str(&mapping::jsonpath_line(line)).expect("an answer is a JSON object");
        let fits = |expected: &Value| {
            // An answer that is missing or an error says nothing else; its texts are those of the empty text.
            let members: &[&str] = match (expected.get("missing"), expected.get("error")) {
                (None, None) => &["value", "definite", "text", "json", "missing", "error"],
                _ => &["missing", "error"],
            };
            members.iter().all(|name| expected.get(*name) == answer.get(*name))
        };
        // The README of the corpus: a case passes with the answer of 2.9.0 or of 2.4.0.
        if !fits(&case) && !case["others"].get("2.4.0").is_some_and(fits) {
            wrong.push(format!("{}: {}\n  answer {answer}", case["id"], case["path"]));
        }
    }
    assert_eq!(count, 370, "cases of corpus/jsonpath/cases.jsonl, as its README.md says");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}
