//! Tokens that must not let in, and a few that must, as a table.

use auth::jwt::{Expected, KEYS_BYTES_MAX, Keys, Refusal, RefusalKind, TOKEN_BYTES_MAX, Token};
use serde_json::{Value, json};

use crate::signing::{Pair, encode, published};

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://issuer.example.com/";
/// Claims that let in.
const GOOD: &str = r#"{"iss":"https://issuer.example.com/","aud":"chat","exp":1800000300,"sub":"user-7"}"#;

fn expected(scopes: &[&str]) -> Expected {
    Expected {
        issuer: ISSUER.to_owned(),
        audiences: vec!["chat".to_owned(), "client-1".to_owned()],
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    }
}

fn check(token: &str, keys: &Keys, scopes: &[&str]) -> Result<(), Refusal> {
    Token::read(token)?.verify(keys)?.check(&expected(scopes), NOW)
}

/// What came of a token: `None` where it lets in.
type Told = Option<(RefusalKind, &'static str)>;

fn same(about: &str, told: Result<(), Refusal>, expected: Told) {
    match (told, expected) {
        (Ok(()), None) => {}
        (Err(refusal), Some((kind, part))) => {
            assert_eq!(refusal.kind, kind, "{about}: {refusal}");
            assert!(refusal.to_string().contains(part), "{about}: {refusal}");
            assert!(refusal.to_string().len() < 600, "{about}: {refusal}");
        }
        (told, expected) => panic!("{about}: {told:?}, and not {expected:?}"),
    }
}

#[test]
fn the_header_is_not_believed() {
    use RefusalKind::{Algorithm, Malformed, Signature, UnknownKey};
    let pairs = Pair::all();
    let keys = Keys::parse(&published(&pairs)).unwrap();
    // Which key signs, the header, what comes of it.
    for (key, header, told) in [
        (0, r#"{"alg":"RS256","kid":"r"}"#, None),
        (1, r#"{"alg":"ES256","kid":"e","typ":"JWT"}"#, None),
        (2, r#"{"alg":"EdDSA","kid":"d","typ":"at+jwt"}"#, None),
        (2, r#"{"typ":"application/AT+JWT","kid":"d","alg":"EdDSA","jku":"https://evil.example.com","x":[1]}"#, None),
        // Without a kid each key that fits is tried.
        (0, r#"{"alg":"RS256"}"#, None),
        (1, r#"{"alg":"ES256"}"#, None),
        (0, r#"{"alg":"none","kid":"r"}"#, Some((Algorithm, "`alg` is `none`: a token without a signature"))),
        (0, r#"{"alg":"None"}"#, Some((Algorithm, "a token without a signature"))),
        (0, r#"{"alg":"HS256","kid":"r"}"#, Some((Algorithm, "`alg` is `HS256`: whoever can check that can sign"))),
        (0, r#"{"alg":"RS512","kid":"r"}"#, Some((Algorithm, "`RS512`: that is not checked; RS256, ES256 and EdDSA"))),
        (0, r#"{"alg":"PS256","kid":"r"}"#, Some((Algorithm, "`PS256`"))),
        (1, r#"{"alg":"ES256K","kid":"e"}"#, Some((Algorithm, "`ES256K`"))),
        (0, r#"{"alg":"rs256","kid":"r"}"#, Some((Algorithm, "`rs256`"))),
        (0, r#"{"alg":""}"#, Some((Algorithm, "``"))),
        // The token's word alone does not do: the key is of another kind.
        (
            0,
            r#"{"alg":"RS256","kid":"e"}"#,
            Some((Algorithm, "`alg` is RS256, and the issuer's key `e` is one for ES256")),
        ),
        (1, r#"{"alg":"ES256","kid":"r"}"#, Some((Algorithm, "one for RS256"))),
        (1, r#"{"alg":"RS256","kid":"r"}"#, Some((Signature, "its signature (RS256) is none of the issuer's"))),
        (2, r#"{"alg":"ES256"}"#, Some((Signature, "(ES256)"))),
        (0, r#"{"alg":"RS256","kid":"x"}"#, Some((UnknownKey, "no key with the `kid` `x`"))),
        (0, r#"{"alg":"RS256","kid":""}"#, Some((UnknownKey, "``"))),
        (0, r#"{"alg":"RS256","kid":"x\n\u001b[2J"}"#, Some((UnknownKey, r"`x\n\u{1b}[2J`"))),
        (0, r#"{"alg":"RS256","kid":null}"#, Some((Malformed, "`kid` of its header is no text"))),
        (0, r#"{"alg":"RS256","kid":["r"]}"#, Some((Malformed, "`kid`"))),
        (0, r#"{"alg":["RS256"]}"#, Some((Malformed, "`alg` of its header is no text"))),
        (0, r#"{"kid":"r"}"#, Some((Malformed, "its header has no `alg`"))),
        (0, r#"{"alg":"none","kid":"r","alg":"RS256"}"#, Some((Malformed, "`alg` stands there twice"))),
        (0, r#"{"alg":"RS256","crit":[]}"#, Some((Malformed, "`crit`"))),
        (0, r#"{"alg":"RS256","crit":["b64"],"b64":false}"#, Some((Malformed, "`crit`"))),
        (0, r#"{"alg":"RS256","typ":"logout+jwt"}"#, Some((Malformed, "`typ` is `logout+jwt`"))),
        (0, r#"{"alg":"RS256","typ":"dpop+jwt"}"#, Some((Malformed, "`typ`"))),
        (0, r#"{"alg":"RS256","typ":1}"#, Some((Malformed, "`typ` of its header is no text"))),
        (0, r#"["RS256"]"#, Some((Malformed, "its header is no JSON object"))),
        (0, r#"{"alg":"RS256""#, Some((Malformed, "its header is no JSON"))),
        (0, r#"{"alg":"RS256"} "#, None),
        (0, r#"{"alg":"RS256"}{}"#, Some((Malformed, "its header is no JSON"))),
        (0, "", Some((Malformed, "its header is no JSON"))),
    ] {
        same(header, check(&pairs[key].sign(header, GOOD), &keys, &[]), told);
    }
}

#[test]
fn the_form_is_that_of_a_compact_token() {
    use RefusalKind::{Algorithm, Malformed, Signature};
    let pairs = Pair::all();
    let keys = Keys::parse(&published(&pairs)).unwrap();
    let good = pairs[2].sign(r#"{"alg":"EdDSA","kid":"d"}"#, GOOD);
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let none = encode(r#"{"alg":"none"}"#);
    // The public key as a secret that both share: what a reader would fall for that believed `alg`.
    let shared = encode(r#"{"alg":"HS256","kid":"d"}"#);
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, pairs[2].jwk["x"].as_str().unwrap().as_bytes());
    let forged = encode(ring::hmac::sign(&secret, format!("{shared}.{payload}").as_bytes()));
    for (about, token, told) in [
        ("as it was made", good.clone(), None),
        ("nothing", String::new(), Some((Malformed, "it is no token"))),
        ("one part", header.to_owned(), Some((Malformed, "three parts with dots"))),
        ("two parts", format!("{header}.{payload}"), Some((Malformed, "three parts"))),
        ("four parts", format!("{good}.x"), Some((Malformed, "three parts"))),
        ("five parts", format!("{good}.x.y"), Some((Malformed, "it is encrypted"))),
        ("no signature", format!("{header}.{payload}."), Some((Signature, "(EdDSA)"))),
        ("half a signature", format!("{header}.{payload}.{}", &signature[..40]), Some((Signature, "(EdDSA)"))),
        ("none, without a signature", format!("{none}.{payload}."), Some((Algorithm, "`none`"))),
        ("none, with one", format!("{none}.{payload}.{signature}"), Some((Algorithm, "`none`"))),
        ("HS256 with a public key", format!("{shared}.{payload}.{forged}"), Some((Algorithm, "`HS256`"))),
        ("padding", format!("{header}.{payload}.{signature}=="), Some((Malformed, "its signature is no base64url"))),
        ("a line's end", format!("{good}\n"), Some((Malformed, "its signature is no base64url"))),
        ("a scheme before it", format!("Bearer {good}"), Some((Malformed, "its header is no base64url"))),
        ("other base64", format!("{header}.{payload}+.{signature}"), Some((Malformed, "its payload is no base64url"))),
        ("other letters", format!("{header}.{payload}.é"), Some((Malformed, "its signature is no base64url"))),
        ("too long", format!("{good}{}", "A".repeat(TOKEN_BYTES_MAX)), Some((Malformed, "at most 8192 are read"))),
        ("dots", ".".repeat(TOKEN_BYTES_MAX), Some((Malformed, "three parts"))),
    ] {
        same(about, check(&token, &keys, &[]), told);
    }
}

#[test]
fn the_claims_are_checked() {
    use RefusalKind::{Claims, Malformed, Scope, Time};
    let pairs = Pair::all();
    let keys = Keys::parse(&published(&pairs)).unwrap();
    // The claims; what is different from good ones, where they begin with `+`.
    for (claims, scopes, told) in [
        (GOOD, &[][..], None),
        (r#"+{"iss":"https://issuer.example.com"}"#, &[], Some((Claims, "they differ in the slash at the end"))),
        (
            r#"+{"iss":"https://evil.example.com/"}"#,
            &[],
            Some((Claims, "`iss` is `https://evil.example.com/`, and not")),
        ),
        (r#"+{"iss":"https://ISSUER.example.com/"}"#, &[], Some((Claims, "`iss`"))),
        (r#"+{"iss":["https://issuer.example.com/"]}"#, &[], Some((Claims, "`iss` is no text"))),
        (r#"+{"iss":null}"#, &[], Some((Claims, "`iss` is no text"))),
        (r#"{"aud":"chat","exp":1800000300}"#, &[], Some((Claims, "it has no `iss`"))),
        // Audiences.
        (r#"+{"aud":["other","chat"]}"#, &[], None),
        (
            r#"+{"aud":"other"}"#,
            &[],
            Some((Claims, "`aud` is `other`; of the audiences it is none: `chat`, `client-1`")),
        ),
        (r#"+{"aud":"chat "}"#, &[], Some((Claims, "`aud`"))),
        (r#"+{"aud":"Chat"}"#, &[], Some((Claims, "`aud`"))),
        (r#"+{"aud":"other chat"}"#, &[], Some((Claims, "`aud`"))),
        (r#"+{"aud":[]}"#, &[], Some((Claims, "`aud`"))),
        (r#"+{"aud":["chat",1]}"#, &[], Some((Claims, "`aud` is no text"))),
        (r#"+{"aud":[["chat"]]}"#, &[], Some((Claims, "`aud` is no text"))),
        (r#"+{"aud":{"chat":true}}"#, &[], Some((Claims, "`aud` is no text"))),
        (r#"+{"aud":null,"client_id":"chat"}"#, &[], Some((Claims, "`aud` is no text"))),
        (r#"+{"aud":"other","client_id":"client-1"}"#, &[], Some((Claims, "`aud` is `other`"))),
        (r#"{"iss":"https://issuer.example.com/","client_id":"client-1","exp":1800000300}"#, &[], None),
        (
            r#"{"iss":"https://issuer.example.com/","client_id":["client-1"],"exp":1800000300}"#,
            &[],
            Some((Claims, "`client_id` is no text")),
        ),
        (
            r#"{"iss":"https://issuer.example.com/","client_id":"client-2","exp":1800000300}"#,
            &[],
            Some((Claims, "`client_id` is `client-2`")),
        ),
        (
            r#"{"iss":"https://issuer.example.com/","azp":"chat","exp":1800000300}"#,
            &[],
            Some((Claims, "neither `aud` nor `client_id`")),
        ),
        // Times, with the leeway of half a minute.
        (r#"{"iss":"https://issuer.example.com/","aud":"chat"}"#, &[], Some((Claims, "it has no `exp`"))),
        (r#"+{"exp":1799999971}"#, &[], None),
        (r#"+{"exp":1799999970}"#, &[], Some((Time, "it expired 30 s ago"))),
        (r#"+{"exp":1799999970.5}"#, &[], None),
        (r#"+{"exp":1e300}"#, &[], None),
        (r#"+{"exp":-1e300}"#, &[], Some((Time, "expired"))),
        (r#"+{"exp":0}"#, &[], Some((Time, "it expired 1800000000 s ago (`exp`)"))),
        (r#"+{"exp":"1800000300"}"#, &[], Some((Claims, "`exp` is no number"))),
        (r#"+{"exp":true}"#, &[], Some((Claims, "`exp` is no number"))),
        (r#"+{"exp":null}"#, &[], Some((Claims, "`exp` is no number"))),
        (r#"+{"nbf":1800000030}"#, &[], None),
        (r#"+{"nbf":1800000031}"#, &[], Some((Time, "in force only in 31 s (`nbf`)"))),
        (r#"+{"nbf":"soon"}"#, &[], Some((Claims, "`nbf` is no number"))),
        (r#"+{"iat":1800000030}"#, &[], None),
        (r#"+{"iat":1800000100}"#, &[], Some((Time, "issued only in 100 s (`iat`)"))),
        (r#"+{"iat":{}}"#, &[], Some((Claims, "`iat` is no number"))),
        // Scopes: one of those that are asked for does.
        (r#"+{"scope":"read write"}"#, &["write", "admin"], None),
        (r#"+{"scp":["read","write"]}"#, &["write"], None),
        (r#"+{"scp":"read write"}"#, &["write"], None),
        (r#"+{"scope":"read"}"#, &["write"], Some((Scope, "its scopes are `read`; one of `write` is asked for"))),
        (r#"+{"scope":"overwrite writer"}"#, &["write"], Some((Scope, "its scopes"))),
        (r#"+{"scope":""}"#, &["write"], Some((Scope, "its scopes"))),
        (r#"+{"scope":{"write":true}}"#, &["write"], Some((Scope, "neither `scope` nor `scp`"))),
        (GOOD, &["write"], Some((Scope, "neither `scope` nor `scp`"))),
        // Who lacks more than a scope is not told of scopes.
        (r#"+{"exp":0}"#, &["write"], Some((Time, "expired"))),
        // What is no object with each name once.
        (
            r#"{"iss":"https://issuer.example.com/","aud":"other","exp":1800000300,"aud":"chat"}"#,
            &[],
            Some((Malformed, "`aud` stands there twice")),
        ),
        (r#"{"a":{"b":1,"b":2}}"#, &[], Some((Malformed, "`b` stands there twice"))),
        (r#"["chat"]"#, &[], Some((Malformed, "its payload is no JSON object"))),
        ("a text", &[], Some((Malformed, "its payload is no JSON"))),
        ("", &[], Some((Malformed, "its payload is no JSON"))),
    ] {
        let payload = match claims.strip_prefix('+') {
            None => claims.to_owned(),
            Some(different) => {
                let mut claims: Value = serde_json::from_str(GOOD).unwrap();
                let different: Value = serde_json::from_str(different).unwrap();
                claims.as_object_mut().unwrap().extend(different.as_object().unwrap().clone());
                claims.to_string()
            }
        };
        let token = pairs[1].sign(r#"{"alg":"ES256","kid":"e"}"#, &payload);
        same(claims, check(&token, &keys, scopes), told);
    }
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(2000), "]".repeat(2000));
    let told = Some((Malformed, "its payload is no JSON"));
    same("deep", check(&pairs[1].sign(r#"{"alg":"ES256"}"#, &deep), &keys, &[]), told);
}

#[test]
fn claims_become_texts() {
    let pairs = Pair::all();
    let keys = Keys::parse(&published(&pairs)).unwrap();
    let payload =
        r#"{"sub":"user-7","level":3,"rate":1.5,"admin":true,"nothing":null,"groups":["a"],"o":{"a":1},"e":""}"#;
    let token = pairs[2].sign(r#"{"alg":"EdDSA"}"#, payload);
    let claims = Token::read(&token).unwrap().verify(&keys).unwrap();
    let texts: Vec<_> = claims.texts().collect();
    assert_eq!(texts, [("sub", "user-7"), ("level", "3"), ("rate", "1.5"), ("admin", "true"), ("e", "")]);
    assert_eq!((claims.text("level"), claims.text("groups"), claims.text("Sub")), (Some("3"), None, None));
}

#[test]
fn keys_are_taken_for_what_they_say_they_are() {
    let pairs = Pair::all();
    let token = |at: usize| {
        let Pair { kid, algorithm, .. } = &pairs[at];
        pairs[at].sign(&json!({"alg": algorithm, "kid": kid}).to_string(), GOOD)
    };
    let with = |at: usize, different: Value| {
        let mut key = pairs[at].jwk.clone();
        key.as_object_mut().unwrap().extend(different.as_object().unwrap().clone());
        key
    };
    let modulus = pairs[0].jwk["n"].as_str().unwrap();
    let zero_before: Vec<u8> = {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(modulus).unwrap();
        [0, 0].into_iter().chain(bytes).collect()
    };
    // A key, and why it is left out; the token is one that it signed.
    for (at, different, why) in [
        (0, json!({"use": "sig", "alg": "RS256", "key_ops": ["verify"], "x5c": ["MIIB"], "other": {}}), ""),
        (0, json!({"n": encode(&zero_before)}), ""),
        (1, json!({"alg": "ES256"}), ""),
        (2, json!({"alg": "EdDSA", "d": "private"}), ""),
        (0, json!({"use": "enc"}), "key 1 `r`: `use` is `enc`"),
        (0, json!({"use": null}), "`use` is no text"),
        (1, json!({"key_ops": ["sign"]}), "`key_ops` does not hold `verify`"),
        (1, json!({"key_ops": "verify"}), "`key_ops`"),
        (0, json!({"alg": "RS512"}), "`alg` is `RS512`"),
        (0, json!({"alg": "PS256"}), "`alg` is `PS256`"),
        (1, json!({"alg": "RS256"}), "`alg` is `RS256`"),
        (0, json!({"alg": 256}), "`alg` is no text"),
        (0, json!({"kty": "oct", "k": modulus}), "`kty` is `oct`"),
        (0, json!({"kty": null}), "it has no `kty`"),
        (1, json!({"crv": "P-384"}), "`crv` is `P-384`"),
        (2, json!({"crv": "X25519"}), "`crv` is `X25519`"),
        (2, json!({"crv": null}), "`crv`"),
        (0, json!({"n": &modulus[..172]}), "its modulus has 1032 bits; 2048 to 8192 are taken"),
        (0, json!({"n": ""}), "its modulus has 0 bits"),
        (0, json!({"n": "A".repeat(20000)}), "its modulus has 0 bits"),
        (0, json!({"n": "_".repeat(20000)}), "its modulus has 120000 bits"),
        (0, json!({"e": "AQ"}), "`e` is no exponent"),
        (0, json!({"e": "AQAAAAAAAAE"}), "`e` has more than 4 bytes"),
        (0, json!({"e": "AQAB="}), "`e` is no base64url"),
        (1, json!({"x": "AAAA"}), "`x` is not 32 bytes"),
        (1, json!({"y": null}), "`y` is not 32 bytes"),
        (2, json!({"x": encode([0; 33])}), "`x` is not 32 bytes"),
        (2, json!({"kid": 7}), "`kid` is no text"),
    ] {
        let set = json!({"keys": [with(at, different.clone())], "more": 1}).to_string();
        let keys = Keys::parse(set.as_bytes()).unwrap();
        if why.is_empty() {
            assert_eq!((keys.count(), keys.left_out()), (1, &[][..]), "{different}");
            same(&different.to_string(), check(&token(at), &keys, &[]), None);
        } else {
            assert_eq!(keys.count(), 0, "{different}");
            assert!(keys.left_out()[0].contains(why), "{different}: {:?}", keys.left_out());
            same(&different.to_string(), check(&token(at), &keys, &[]), Some((RefusalKind::UnknownKey, "no key")));
        }
    }
}

#[test]
fn signatures_of_nothing_are_none() {
    let pairs = Pair::all();
    let keys = Keys::parse(&published(&pairs)).unwrap();
    for (at, bytes) in [(0, 256), (1, 64), (1, 63), (1, 72), (2, 64), (2, 32)] {
        let Pair { algorithm, kid, .. } = &pairs[at];
        let message = format!("{}.{}", encode(json!({"alg": algorithm, "kid": kid}).to_string()), encode(GOOD));
        for byte in [0, 1, 255] {
            let token = format!("{message}.{}", encode(vec![byte; bytes]));
            same(
                &format!("{algorithm:?}, {bytes} × {byte}"),
                check(&token, &keys, &[]),
                Some((RefusalKind::Signature, "none")),
            );
        }
    }
    // Points that are on no curve verify nothing.
    for (at, jwk) in [
        (1, json!({"kty": "EC", "crv": "P-256", "x": encode([0; 32]), "y": encode([0; 32])})),
        (1, json!({"kty": "EC", "crv": "P-256", "x": encode([255; 32]), "y": encode([1; 32])})),
        (2, json!({"kty": "OKP", "crv": "Ed25519", "x": encode([2; 32])})),
    ] {
        let keys = Keys::parse(json!({"keys": [jwk]}).to_string().as_bytes()).unwrap();
        let token = pairs[at].sign(&json!({"alg": pairs[at].algorithm}).to_string(), GOOD);
        same(&jwk.to_string(), check(&token, &keys, &[]), Some((RefusalKind::Signature, "none of the issuer's")));
    }
}

#[test]
fn keys_of_one_name_are_told_apart_by_their_kind() {
    let mut pairs = Pair::all();
    pairs.iter_mut().for_each(|pair| pair.jwk["kid"] = json!("same"));
    let keys = Keys::parse(&published(&pairs)).unwrap();
    for pair in &pairs {
        let token = pair.sign(&json!({"alg": pair.algorithm, "kid": "same"}).to_string(), GOOD);
        same("the same name", check(&token, &keys, &[]), None);
    }
}

#[test]
fn a_set_of_keys_is_bounded_and_says_what_it_lacks() {
    let pairs = Pair::all();
    let many: Vec<_> = (0..100).map(|_| &pairs[2].jwk).collect();
    let keys = Keys::parse(json!({ "keys": many }).to_string().as_bytes()).unwrap();
    assert_eq!((keys.count(), keys.left_out()), (64, &["the keys after the first 64".to_owned()][..]));
    let keys = Keys::parse(br#"{"keys":[1,{}]}"#).unwrap();
    assert_eq!(
        (keys.count(), keys.left_out()),
        (0, &["key 1 is no object".to_owned(), "key 2 : it has no `kty`".to_owned()][..])
    );
    assert_eq!(Keys::parse(br#"{"keys":[]}"#).unwrap().count(), 0);
    let long = format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(KEYS_BYTES_MAX));
    for (document, part) in [
        ("", "is no JSON"),
        ("<html>", "is no JSON"),
        ("[]", "is no JSON object"),
        ("{}", "has no list `keys`"),
        (r#"{"keys":{}}"#, "has no list `keys`"),
        (r#"{"keys":[],"keys":[]}"#, "`keys` stands there twice"),
        (r#"{"keys":[{"kid":"a","kid":"b"}]}"#, "`kid` stands there twice"),
        (&long, "at most 131072 are read"),
    ] {
        let said = Keys::parse(document.as_bytes()).unwrap_err();
        assert!(said.contains(part), "{said}");
    }
}
