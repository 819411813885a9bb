//! The function of the fuzz target, over the corpus with its pieces exchanged, and over random bytes.

mod common;
#[path = "../../../fuzz/stacks_targets.rs"]
mod stacks_targets;

use common::corpus;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const SEED: u64 = 20_261_201;
/// A second or two of an unoptimised build.
const CASES: usize = 3_000;
const EDITS_MAX: usize = 4;
const BYTES: &[u8; 26] = b" \"\\'$&*!|>=,:{}[]-#%@\n\t0a~";

/// The templates and pieces of the corpus, each with the scaffold's values as an output where it is a value.
fn texts() -> Vec<String> {
    let scaffold = corpus("intrinsics/scaffold.yaml");
    let mut all = vec![scaffold.clone(), corpus("01-express-vpclink.yaml"), corpus("03-authorizer-apikey.json")];
    for (file, what) in [("values", "value"), ("reading", "text"), ("templates", "template")] {
        let cases: toml::Table = corpus(&format!("intrinsics/{file}.toml")).parse().expect("the file is TOML");
        for case in cases["case"].as_array().expect("it has cases") {
            let text = case[what].as_str().expect("it is a text");
            all.push(match what {
                "value" => format!("{scaffold}Outputs:\n  A:\n    Value: {}\n", text.replace('\n', "\n    ")),
                _ => text.to_owned(),
            });
        }
    }
    assert!(all.len() > 300, "{}", all.len());
    all
}

/// A text with some of its pieces left out, doubled, moved, or put in another's place.
fn edited(random: &mut StdRng, texts: &[String]) -> Vec<u8> {
    let mut bytes = texts[random.random_range(0..texts.len())].clone().into_bytes();
    for _ in 0..random.random_range(0..=EDITS_MAX) {
        let other = texts[random.random_range(0..texts.len())].as_bytes();
        let piece = |random: &mut StdRng, of: &[u8]| {
            let start = random.random_range(0..=of.len());
            start..(start + random.random_range(0..=40)).min(of.len())
        };
        match random.random_range(0..4) {
            0 => drop(bytes.drain(piece(random, &bytes))),
            1 => {
                let (at, new) = (piece(random, &bytes), other[piece(random, other)].to_vec());
                drop(bytes.splice(at, new));
            }
            2 => {
                let (at, new) = (random.random_range(0..=bytes.len()), bytes[piece(random, &bytes)].to_vec());
                drop(bytes.splice(at..at, new));
            }
            _ => {
                if let Some(at) = (!bytes.is_empty()).then(|| random.random_range(0..bytes.len())) {
                    bytes[at] = BYTES[random.random_range(0..BYTES.len())];
                }
            }
        }
    }
    bytes
}

#[test]
fn templates_are_evaluated_or_told_what_is_wrong() {
    let texts = texts();
    let mut random = StdRng::seed_from_u64(SEED);
    texts.iter().for_each(|text| stacks_targets::template(text.as_bytes()));
    for _ in 0..CASES {
        stacks_targets::template(&edited(&mut random, &texts));
    }
}

#[test]
fn no_bytes_do_harm() {
    let mut random = StdRng::seed_from_u64(SEED);
    for _ in 0..CASES {
        let bytes: Vec<u8> = (0..random.random_range(0..60)).map(|_| random.random_range(0..=255)).collect();
        let notation: Vec<u8> = bytes.iter().map(|byte| BYTES[usize::from(*byte) % BYTES.len()]).collect();
        let json = [b"{\"", notation.as_slice()].concat();
        for bytes in [&bytes, &notation, &json] {
            stacks_targets::template(bytes);
        }
    }
}
