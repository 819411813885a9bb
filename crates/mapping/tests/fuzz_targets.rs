//! The functions of the fuzz targets, over the corpora with their pieces exchanged, and over random bytes.

#![allow(clippy::disallowed_methods, reason = "the test reads the corpora")]

mod generator;
#[path = "../../../fuzz/targets.rs"]
mod targets;

use generator::Generator;

const SEED: u64 = 20_260_103;
const CASES: u64 = 1_000;
/// Random bytes are mostly no text; short ones are more often.
const BYTES_MAX: usize = 40;

/// The parts of an input as a target reads them.
fn joined(first: &serde_json::Value, second: &serde_json::Value) -> String {
    format!("{}\u{0}{}", first.as_str().unwrap_or_default(), second.as_str().unwrap_or_default())
}

#[test]
fn templates_parse_and_render_or_fail() {
    let mut generator = Generator::new(SEED);
    for id in 0..CASES {
        let case = generator.template_case(id);
        targets::template_parse_render(joined(&case["template"], &case["input"]["body"]).as_bytes());
    }
}

#[test]
fn paths_are_read_or_refused_and_run() {
    let mut generator = Generator::new(SEED);
    for id in 0..CASES {
        let case = generator.path_case(id);
        targets::jsonpath(joined(&case["path"], &case["doc"]).as_bytes());
    }
}

#[test]
fn bodies_are_read_and_written_again() {
    let mut generator = Generator::new(SEED);
    for id in 0..CASES {
        let case = generator.path_case(id);
        targets::json_body(case["doc"].as_str().unwrap_or_default().as_bytes());
        let case = generator.template_case(id);
        targets::json_body(case["input"]["body"].as_str().unwrap_or_default().as_bytes());
    }
}

#[test]
fn no_bytes_do_harm() {
    let mut generator = Generator::new(SEED);
    for _ in 0..CASES {
        let bytes = generator.bytes(BYTES_MAX);
        // Half of them as letters, so that more of them are text.
        let letters: Vec<u8> = bytes.iter().map(|byte| byte % 96 + 32).collect();
        for bytes in [&bytes, &letters] {
            targets::template_parse_render(bytes);
            targets::jsonpath(bytes);
            targets::json_body(bytes);
        }
    }
}
