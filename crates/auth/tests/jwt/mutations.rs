//! Nothing of a token can be changed.

use auth::jwt::{Expected, Keys, Token};
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
