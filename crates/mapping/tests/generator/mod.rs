//! Templates, payloads and paths put together at random, for the tests that look for what nobody thought of.
//!
//! A third part each: cases of the corpora with their pieces exchanged, texts made after the grammar, and pieces in
//! any order. The same seed gives the same texts in the same order.

#![allow(dead_code, reason = "each test program uses its part")]

mod grammar;
mod json;
mod mutate;
mod path;
mod pieces;
mod words;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

/// The longest text of a corpus that is taken up: what a change does shows in short texts, and sooner.
const TAKEN_BYTES_MAX: usize = 3_000;

/// The source of random cases.
pub(crate) struct Generator {
    random: StdRng,
    templates: Vec<Value>,
    paths: Vec<Value>,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Generator {
        let templates = ["vtl/cases.jsonl", "vtl/velocity.jsonl", "vtl/aws-recorded.jsonl"];
        let templates = templates.into_iter().flat_map(corpus);
        let paths = ["jsonpath/cases.jsonl", "jsonpath/oddities.jsonl"].into_iter().flat_map(corpus);
        Generator {
            random: StdRng::seed_from_u64(seed),
            templates: templates.filter(|case| text(case, "template").len() <= TAKEN_BYTES_MAX).collect(),
            paths: paths.filter(|case| text(case, "doc").len() <= TAKEN_BYTES_MAX).collect(),
        }
    }

    /// A template with what it may see, as `gatewright render --batch` takes it.
    pub(crate) fn template_case(&mut self, id: u64) -> Value {
        let random = &mut self.random;
        let one = &self.templates[random.random_range(0..self.templates.len())];
        let other = &self.templates[random.random_range(0..self.templates.len())];
        let mut case = json!({"id": id});
        match random.random_range(0..20) {
            0..9 => {
                case["template"] = mutate::mutated(random, text(one, "template"), text(other, "template")).into();
                for member in ["input", "context", "stageVariables"] {
                    if let Some(value) = one.get(member) {
                        case[member] = value.clone();
                    }
                }
                let body = one["input"]["body"].as_str().filter(|_| random.random_bool(0.3));
                if let Some(body) = body {
                    let other = json::text(random);
                    case["input"]["body"] = mutate::mutated(random, body, &other).into();
                }
                return case;
            }
            9..18 => case["template"] = grammar::template(random).into(),
            _ => case["template"] = pieces::template(random, text(one, "template")).into(),
        }
        let mut body = json::text(random);
        if random.random_bool(0.2) {
            let other = &self.paths[random.random_range(0..self.paths.len())];
            body = mutate::mutated(random, &body, text(other, "doc"));
        }
        case["input"] = json!({"body": body, "params": {"path": {"id": "7"}, "querystring": {"q": "a b", "id": "8"}, "header": {"X-Key": "k"}}});
        case["context"] = json!({
            "connectionId": "L0SM9cOFvHcCIhw=", "stage": "prod", "nothing": null, "connectedAt": 1_700_000_000_000_u64,
            "identity": {"sourceIp": "192.0.2.1", "userAgent": null}, "authorizer": {"principalId": "me"},
            "requestOverride": {"header": {}, "path": {}, "querystring": {}}, "responseOverride": {"header": {}},
        });
        case["stageVariables"] = json!({"name": "value", "url": "https://example.com/a?b=c"});
        case
    }

    /// A template alone, of pieces in any order.
    pub(crate) fn template_of_pieces(&mut self) -> String {
        let one = &self.templates[self.random.random_range(0..self.templates.len())];
        pieces::template(&mut self.random, text(one, "template"))
    }

    /// A JSONPath and a document, as `mapping::jsonpath_line` takes them.
    pub(crate) fn path_case(&mut self, id: u64) -> Value {
        let random = &mut self.random;
        let one = &self.paths[random.random_range(0..self.paths.len())];
        let other = &self.paths[random.random_range(0..self.paths.len())];
        let (path, mut doc) = match random.random_range(0..3) {
            0 => (mutate::mutated(random, text(one, "path"), text(other, "path")), text(one, "doc").to_owned()),
            1 => (path::path(random), json::text(random)),
            _ => {
                let made = path::path(random);
                (mutate::mutated(random, &made, text(one, "path")), json::text(random))
            }
        };
        if random.random_bool(0.05) {
            doc = mutate::mutated(random, &doc, text(other, "doc"));
        }
        json!({"id": id, "doc": doc, "path": path})
    }

    /// Bytes of any kind, at most `most` of them.
    pub(crate) fn bytes(&mut self, most: usize) -> Vec<u8> {
        let count = self.random.random_range(0..=most);
        (0..count).map(|_| self.random.random()).collect()
    }
}

/// The cases of one file of the corpora.
pub(crate) fn corpus(file: &str) -> Vec<Value> {
    let path = format!("{}/../../corpus/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the corpus is part of the repository");
    text.lines().map(|line| serde_json::from_str(line).expect("a case is a JSON object")).collect()
}

fn text<'a>(case: &'a Value, member: &str) -> &'a str {
    case[member].as_str().unwrap_or_default()
}

fn pick<'a>(random: &mut StdRng, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}
