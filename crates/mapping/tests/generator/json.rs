//! JSON texts, also such as only a lenient reader takes.

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::pick;

const DEPTH_MAX: usize = 4;
pub(crate) const KEYS: &[&str] = &["a", "b", "c", "id", "name", "items", "x y", "k-1", "1", "ü", "empty", "size"];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "10",
    "42",
    "2147483647",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "123456789012345678901234567890",
    "0.5",
    "1.0",
    "-0.0",
    "8.95",
    "100.0",
    "1e3",
    "1E-7",
    "1e400",
    "12345678.9",
    "0.001",
    "0.0001",
    "3.14159265358979323846",
    "1.10",
    "-7.25",
    "007",
    "5.",
];
const STRINGS: &[&str] = &[
    "",
    "a",
    "b",
    "text",
    "two words",
    "8.95",
    "1",
    "true",
    "null",
    "grün",
    "😀",
    "€",
    "\\\"quoted\\\"",
    "a\\\\b",
    "\\/",
    "line\\nbreak",
    "\\u0041",
    "\\ud83d\\ude00",
    "a/b",
    "it's",
    "$.a",
    "[1, 2]",
    "{\\\"a\\\": 1}",
    "<b>&amp;</b>",
    "A",
    "a,b,,c,",
];
const BARE: &[&str] = &["hello", "12 apples", "NaN", "TRUE", "'single'", "undefined", "-", "1.2.3", "0x10", ".5"];

/// A document.
pub(crate) fn text(random: &mut StdRng) -> String {
    let mut out = String::new();
    value(random, &mut out, 0);
    out
}

fn value(random: &mut StdRng, out: &mut String, depth: usize) {
    // The whole is mostly an object, as messages are.
    let kind = match depth {
        0 if random.random_bool(0.8) => 9,
        DEPTH_MAX.. => random.random_range(0..7),
        _ => random.random_range(0..12),
    };
    match kind {
        0 => out.push_str(pick(random, &["null", "true", "false"])),
        1 | 2 => out.push_str(pick(random, NUMBERS)),
        3 if random.random_bool(0.15) => out.push_str(pick(random, BARE)),
        3..=6 => {
            out.push('"');
            out.push_str(pick(random, STRINGS));
            out.push('"');
        }
        7 | 8 => {
            out.push('[');
            for index in 0..random.random_range(0..5) {
                separate(random, out, index);
                value(random, out, depth + 1);
            }
            out.push(']');
        }
        _ => {
            out.push('{');
            for index in 0..random.random_range(0..6) {
                separate(random, out, index);
                out.push('"');
                out.push_str(pick(random, KEYS));
                out.push_str(pick(random, &["\":", "\": "]));
                value(random, out, depth + 1);
            }
            out.push('}');
        }
    }
}

fn separate(random: &mut StdRng, out: &mut String, index: usize) {
    if index > 0 {
        out.push_str(pick(random, &[",", ", ", " ,\n  "]));
    }
}
