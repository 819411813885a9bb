//! The crate `jsonwebtoken` signs and reads the same tokens; where both say what lets in, they must agree.

use std::time::{SystemTime, UNIX_EPOCH};

use auth::jwt::{Expected, Keys, LEEWAY_SECONDS, Token};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Header, Validation, decode};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};

use crate::signing::{Pair, published};

const TOKENS: usize = 400;

/// The values from which claims are drawn; times are seconds from now, well away from the leeway.
fn values(claim: &str, now: i64) -> Vec<Value> {
    let times = [-4000, -300, 300, 4000].map(|seconds| json!(now + seconds));
    match claim {
        "iss" => vec![json!("issuer"), json!("issuer"), json!("other"), json!(7)],
        "aud" => vec![json!("a"), json!(["b"]), json!(["x", "b"]), json!("x"), json!([]), json!(["x"])],
        _ => [&times[..], &[json!(now + 300), json!("soon"), json!(now as f64 + 300.5), json!(0)]].concat(),
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the other reader looks at the clock, too")]
fn both_readers_agree() {
    let pairs = Pair::all();
    let keys = Keys::parse(&published(&pairs)).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let expected =
        Expected { issuer: "issuer".to_owned(), audiences: vec!["a".to_owned(), "b".to_owned()], scopes: Vec::new() };
    let seed = now;
    let mut random = StdRng::seed_from_u64(seed);
    let mut let_in = 0;
    for number in 0..TOKENS {
        let pair = pairs.choose(&mut random).unwrap();
        let mut claims = Map::new();
        for claim in ["iss", "aud", "exp", "nbf"] {
            // Most tokens have what is asked for; `nbf` is in half of them.
            if random.random_bool(if claim == "nbf" { 0.5 } else { 0.95 }) {
                let value = if random.random_bool(0.6) {
                    match claim {
                        "exp" => json!(now + 300),
                        "nbf" => json!(now - 300),
                        other => values(other, 0)[0].clone(),
                    }
                } else {
                    values(claim, now as i64).choose(&mut random).unwrap().clone()
                };
                claims.insert(claim.to_owned(), value);
            }
        }
        let kid = random.random_bool(0.5).then(|| pair.kid.to_owned());
        let header = Header { kid, ..Header::new(pair.algorithm) };
        let signed = jsonwebtoken::encode(&header, &claims, &pair.private).unwrap();
        // One in four is shown to a reader with the key of another.
        let shown_to = if random.random_bool(0.25) { pairs.choose(&mut random).unwrap() } else { pair };
        let jwk: Jwk = serde_json::from_value(shown_to.jwk.clone()).unwrap();
        let mut validation = Validation::new(shown_to.algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_audience(&["a", "b"]);
        validation.set_issuer(&["issuer"]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let theirs = decode::<Value>(&signed, &DecodingKey::from_jwk(&jwk).unwrap(), &validation);
        let only = Keys::parse(json!({"keys": [shown_to.jwk]}).to_string().as_bytes()).unwrap();
        let ours = Token::read(&signed).and_then(|token| token.verify(&only)?.check(&expected, now));
        let about = format!("seed {seed}, token {number}: {header:?} {}", Value::from(claims.clone()));
        assert_eq!(ours.is_ok(), theirs.is_ok(), "{about}: ours {ours:?}, theirs {theirs:?}");
        let_in += usize::from(ours.is_ok());
        // With all keys at hand it is the right one that is found.
        let of_all = Token::read(&signed).and_then(|token| token.verify(&keys)).unwrap();
        let texts: Map<_, _> = of_all.texts().map(|(name, text)| (name.to_owned(), json!(text))).collect();
        let plain = claims.iter().filter(|(_, value)| !value.is_array());
        assert_eq!(texts.len(), plain.count(), "{about}");
    }
    assert!((TOKENS / 10..TOKENS * 9 / 10).contains(&let_in), "seed {seed}: {let_in} of {TOKENS}");
}
