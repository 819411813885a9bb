//! Nothing of a token can be changed.

use auth::jwt::{Expected, Keys, Token};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::signing::{Pair, published};

fn lets_in(token: &str, keys: &Keys, expected: &Expected) -> bool {
    let verified = Token::read(token).and_then(|token| token.verify(keys));
    verified.is_ok_and(|claims| claims.check(expected, 1_800_000_000).is_ok())
}

#[test]
fn every_change_of_one_byte_is_refused() {
    let pairs = Pair::all();
    let keys = Keys::parse(&published(&pairs)).unwrap();
    let expected = Expected { issuer: "i".to_owned(), audiences: vec!["a".to_owned()], scopes: Vec::new() };
    for pair in &pairs {
        // Without a kid, so that a changed one cannot be what is noticed.
        let header = json!({"alg": pair.algorithm}).to_string();
        let token = pair.sign(&header, r#"{"iss":"i","aud":"a","exp":1800000001}"#);
        assert!(lets_in(&token, &keys, &expected), "{header}");
        for at in 0..token.len() {
            let shorter = format!("{}{}", &token[..at], &token[at + 1..]);
            assert!(!lets_in(&shorter, &keys, &expected), "{header}: without byte {at}");
            for byte in (0..128u8).filter(|byte| *byte != token.as_bytes()[at]) {
                let changed = format!("{}{}{}", &token[..at], char::from(byte), &token[at + 1..]);
                assert!(!lets_in(&changed, &keys, &expected), "{header}: {byte} at {at}");
            }
        }
    }
}

/// How many random texts are read.
const TEXTS: usize = 20_000;

#[test]
fn whatever_comes_is_read_or_refused() {
    const SEED: u64 = 11;
    let pairs = Pair::all();
    let set = String::from_utf8(published(&pairs)).unwrap();
    let keys = Keys::parse(set.as_bytes()).unwrap();
    let token = pairs[2].sign(r#"{"alg":"EdDSA"}"#, r#"{"iss":"i","aud":"a","exp":1800000001}"#);
    let expected = Expected { issuer: "i".to_owned(), audiences: vec!["a".to_owned()], scopes: Vec::new() };
    let pieces =
        [".", "..", "ey", "e30", "{", "}", "\"", "\u{0}", "é", "𝄞", "[", ",", ":1e999", "null", "\\u0000", "-", "="];
    let mut random = StdRng::seed_from_u64(SEED);
    for number in 0..TEXTS {
        let mut texts = [token.clone(), set.clone()];
        for text in &mut texts {
            for _ in 0..random.random_range(1..4) {
                let mut at = random.random_range(0..=text.len());
                at = text.floor_char_boundary(at);
                let piece = pieces[random.random_range(0..pieces.len())];
                let end = text.ceil_char_boundary((at + random.random_range(0..3)).min(text.len()));
                text.replace_range(at..end, piece);
            }
        }
        let [changed, set] = texts;
        // What takes the place of its like changes nothing.
        assert!(changed == token || !lets_in(&changed, &keys, &expected), "seed {SEED}, text {number}: {changed}");
        if let Ok(keys) = Keys::parse(set.as_bytes()) {
            assert!(keys.count() <= pairs.len(), "seed {SEED}, text {number}: {set}");
        }
    }
}
