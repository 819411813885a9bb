//! The cases of corpus/jsonpath; its README tells their form.

use jsonpath::{ErrorKind, Path};
use serde_json::Value;

const CASES: &str = include_str!("../../../corpus/jsonpath/cases.jsonl");
const ODDITIES: &str = include_str!("../../../corpus/jsonpath/oddities.jsonl");
const FOUND: &str = include_str!("../../../corpus/jsonpath/found.jsonl");

/// What a path gave, as a case writes it.
#[derive(Debug, PartialEq)]
enum Answer {
    Value(Value),
    Missing,
    Error(&'static str),
}

fn answer(path: &str, document: &Value) -> (Answer, Option<bool>) {
    let error = |kind| Answer::Error(if kind == ErrorKind::Path { "path" } else { "eval" });
    match Path::parse(path) {
        Err(wrong) => (error(wrong.kind), None),
        Ok(path) => match path.ask(document) {
            Err(wrong) => (error(wrong.kind), None),
            Ok(None) => (Answer::Missing, Some(path.is_definite())),
            Ok(Some(value)) => (Answer::Value(value.into_owned()), Some(path.is_definite())),
        },
    }
}

fn expected(case: &Value) -> (Answer, Option<bool>) {
    let definite = case["definite"].as_bool();
    match (case["error"].as_str(), case.get("value")) {
        (Some("path"), _) => (Answer::Error("path"), None),
        (Some(_), _) => (Answer::Error("eval"), None),
        (None, Some(value)) => (Answer::Value(value.clone()), definite),
        (None, None) => (Answer::Missing, definite),
    }
}

#[test]
fn every_case_has_the_answer_of_the_newest_jayway() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in CASES.lines().chain(ODDITIES.lines()).chain(FOUND.lines()) {
        let case: Value = serde_json::from_str(line).unwrap();
        let document: Value = serde_json::from_str(case["doc"].as_str().unwrap()).unwrap();
        let path = case["path"].as_str().unwrap();
        let (expected, found) = (expected(&case), answer(path, &document));
        count += 1;
        if found != expected {
            wrong.push(format!("{} {path}\n  expected {expected:?}\n  found    {found:?}", case["id"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(count, 370 + 126 + 2, "the corpus is incomplete");
}
