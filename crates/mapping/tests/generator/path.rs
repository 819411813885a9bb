//! JSONPaths after Jayway's grammar, over the names that the generated documents have.

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::json::KEYS;
use super::pick;

const FUNCTIONS: &[&str] = &[
    "length()",
    "size()",
    "min()",
    "max()",
    "avg()",
    "sum()",
    "stddev()",
    "keys()",
    "first()",
    "last()",
    "index(1)",
    "index(-1)",
    "concat()",
    "append(1)",
    "concat($.a, 'x')",
    "sum($.a, 2)",
    "append($.b)",
    "length($.a)",
    "max(1, 2)",
];
const OPERATORS: &[&str] = &[
    "==", "!=", "<", "<=", ">", ">=", "in", "nin", "contains", "size", "empty", "anyof", "noneof", "subsetof", "=~",
    "type", "===",
];
const OPERANDS: &[&str] = &[
    "1",
    "2",
    "8.95",
    "-1",
    "1.0",
    "10",
    "'a'",
    "\"b\"",
    "'8.95'",
    "''",
    "true",
    "false",
    "null",
    "[1, 2]",
    "['a', 'b']",
    "[]",
    "{\"a\": 1}",
    "/a.*/",
    "/T/i",
    "/[0-9]+/",
    "$.a",
    "$.items",
    "@.b",
    "@",
    "@.a.length()",
    "$..id",
    "9223372036854775808",
    "1e3",
    "'null'",
];

/// A path, mostly one that Jayway reads.
pub(crate) fn path(random: &mut StdRng) -> String {
    let mut out = pick(random, &["$", "$", "$", "$", "@", "", "$."]).to_owned();
    steps(random, &mut out, 0);
    if random.random_bool(0.15) {
        out.push('.');
        out.push_str(pick(random, FUNCTIONS));
    }
    out
}

fn steps(random: &mut StdRng, out: &mut String, depth: usize) {
    for _ in 0..random.random_range(0..4) {
        step(random, out, depth);
    }
}

fn step(random: &mut StdRng, out: &mut String, depth: usize) {
    match random.random_range(0..14) {
        0..4 => {
            out.push('.');
            out.push_str(pick(random, KEYS));
        }
        4 => out.push_str(&format!("['{}']", pick(random, KEYS))),
        5 => out.push_str(&format!("[\"{}\", '{}']", pick(random, KEYS), pick(random, KEYS))),
        6 => out.push_str(&format!("[{}]", pick(random, &["0", "1", "-1", "5", "0,1", "-1, 0", " 1 ", "1,,2"]))),
        7 => out
            .push_str(&format!("[{}]", pick(random, &["0:", ":2", "1:3", "-2:", ":-1", "-3:-1", "1:4:2", ":", "2:1"]))),
        8 => out.push_str(pick(random, &["[*]", ".*"])),
        9 => {
            out.push_str("..");
            out.push_str(pick(random, KEYS));
        }
        10 => out.push_str(pick(random, &["..*", "..[0]", "..['a']", "..[*]", "..a.b", "..[?(@.a)]", "..[0:1]"])),
        _ if depth < 2 => {
            out.push_str("[?(");
            condition(random, out, depth);
            out.push_str(")]");
        }
        _ => out.push_str(".a"),
    }
}

fn condition(random: &mut StdRng, out: &mut String, depth: usize) {
    match random.random_range(0..10) {
        0 if depth < 2 => {
            condition(random, out, depth + 1);
            out.push_str(pick(random, &[" && ", " || ", "&&", "||"]));
            condition(random, out, depth + 1);
        }
        1 if depth < 2 => {
            out.push_str(pick(random, &["!(", "(", "!"]));
            condition(random, out, depth + 1);
            out.push(')');
        }
        2 | 3 => place(random, out, depth),
        _ => {
            place(random, out, depth);
            let space = pick(random, &[" ", " ", ""]);
            out.push_str(&format!("{space}{}{space}", pick(random, OPERATORS)));
            out.push_str(pick(random, OPERANDS));
        }
    }
}

fn place(random: &mut StdRng, out: &mut String, depth: usize) {
    if random.random_bool(0.1) {
        out.push_str(pick(random, OPERANDS));
        return;
    }
    out.push('@');
    if random.random_bool(0.8) {
        out.push('.');
        out.push_str(pick(random, KEYS));
    }
    if random.random_bool(0.1) {
        steps(random, out, depth + 1);
    }
}
