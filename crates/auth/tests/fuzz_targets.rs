//! The functions of the fuzz targets, over the corpora with their pieces exchanged, and over random bytes.

#![allow(clippy::disallowed_methods, reason = "the test reads the corpora")]

#[path = "../../../fuzz/auth_targets.rs"]
mod auth_targets;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

const SEED: u64 = 20_261_201;
/// Of each target, from each of its pieces' corpora; a second or two of an unoptimised build.
const CASES: usize = 6000;
const EDITS_MAX: usize = 4;

fn corpus(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../../corpus/{name}", env!("CARGO_MANIFEST_DIR"))).expect("it is there")
}

/// Requests as the target reads them.
fn requests() -> Vec<String> {
    let parsed = |name| serde_json::from_str::<Value>(&corpus(name)).expect("the file is JSON");
    let heads = |value: &Value, start: String, more: Option<String>| {
        let headers = value["headers"].as_object().into_iter().flatten();
        let headers = headers.map(|(name, value)| format!("\n{name}: {}", value.as_str().unwrap_or_default()));
        let head = start + &headers.chain(more).collect::<String>();
        format!("{head}\n\n{}", value["body"].as_str().unwrap_or_default())
    };
    let (sdk, presigned) = (parsed("sigv4/sdk-requests.json"), parsed("sigv4/presigned-websocket.json"));
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let plain = sdk["requests"].as_array().into_iter().flatten();
    let plain = plain.map(|each| heads(each, format!("{} {}", text(each, "method"), text(each, "target")), None));
    let urls = presigned["handshakes"].as_array().into_iter().flatten().map(|each| {
        let url = text(each, "url");
        let (host, target) = url["wss://".len()..].split_once('/').expect("a URL has a path");
        heads(each, format!("GET /{target}"), Some(format!("\nHost: {host}")))
    });
    plain.chain(urls).collect()
}

/// Policy documents, each with what is asked of it.
fn policies() -> Vec<String> {
    let mut all = Vec::new();
    for name in ["conditions", "logic", "tools"] {
        let cases: toml::Table = corpus(&format!("policies/{name}.toml")).parse().expect("the file is TOML");
        documents(&toml::Value::Table(cases), &mut all);
    }
    assert!(all.len() > 100, "{}", all.len());
    all
}

// Whatever stands there and looks like a document.
fn documents(value: &toml::Value, found: &mut Vec<String>) {
    match value {
        toml::Value::String(text) if text.trim_start().starts_with('{') => {
            found.push(format!(
                "{text}\0execute-api:Invoke\0arn:aws:execute-api:us-east-1:000000000000:abc/prod/$connect"
            ));
        }
        toml::Value::Array(items) => items.iter().for_each(|item| documents(item, found)),
        toml::Value::Table(members) => members.values().for_each(|member| documents(member, found)),
        _ => {}
    }
}

const FILES: [&str; 3] = [
    "[[access_key]]\nid = \"AKID\"\nsecret = \"s3same\"\nuser = \"ann\"\npolicies = [\"push.json\", '{\"Statement\": []}']\n",
    "[[access_key]]\nid = \"A\"\nsecret_env = \"B\"\nuser = \"ann\"\n\n[[access_key]]\nid = \"C\"\nsecret = \"s3same\"\nuser = \"bob\"\n\
     session_token = \"s3same/\"\nexpires = 2027-01-01T00:00:00Z\n",
    "[[access_key]]\nid = \"AKID\"\nsecret = \"s3same\"\nuser = \"ann\"\npolicies = [{ Version = \"2012-10-17\", Statement = [{ Effect = \
     \"Allow\", Action = [\"a:*\"], Resource = \"*\", Condition = { NumericLessThan = { x = 5 } } }] }]\n",
];

/// A text with some of its pieces left out, doubled, moved, or put in another's place.
fn edited(random: &mut StdRng, texts: &[String]) -> Vec<u8> {
    let mut bytes = texts[random.random_range(0..texts.len())].clone().into_bytes();
    for _ in 0..random.random_range(0..=EDITS_MAX) {
        let other = texts[random.random_range(0..texts.len())].as_bytes();
        let piece = |random: &mut StdRng, of: &[u8]| {
            let start = random.random_range(0..=of.len());
            let end = (start + random.random_range(0..=40)).min(of.len());
            start..end
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
                    bytes[at] = b" \"\\/%&=;,:{}[]\n\0aZ9*?$"[random.random_range(0..22)];
                }
            }
        }
    }
    bytes
}

fn run(texts: &[String], target: fn(&[u8])) {
    let mut random = StdRng::seed_from_u64(SEED);
    texts.iter().for_each(|text| target(text.as_bytes()));
    for _ in 0..CASES {
        target(&edited(&mut random, texts));
    }
}

#[test]
fn signatures_are_read_or_refused_and_none_is_believed() {
    run(&requests(), auth_targets::signature);
}

#[test]
fn policies_are_read_or_refused_and_decide_the_same_again() {
    run(&policies(), auth_targets::policy);
}

#[test]
fn credentials_are_read_or_refused_and_tell_no_secret() {
    run(&FILES.map(str::to_owned), auth_targets::credentials);
}

#[test]
fn no_bytes_do_harm() {
    let mut random = StdRng::seed_from_u64(SEED);
    for _ in 0..CASES {
        let bytes: Vec<u8> = (0..random.random_range(0..60)).map(|_| random.random_range(0..=255)).collect();
        let letters: Vec<u8> = bytes.iter().map(|byte| byte % 96 + 32).collect();
        for bytes in [&bytes, &letters] {
            auth_targets::signature(bytes);
            auth_targets::policy(bytes);
            auth_targets::credentials(bytes);
        }
    }
}
