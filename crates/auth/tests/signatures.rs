//! The signatures of corpus/sigv4: each is right, and none with a byte changed of what is signed.

use auth::{AccessKey, Claim, Credentials, Expected, Outside, Refusal, RefusalKind, Request, SigningKeys};
use serde_json::Value;

struct Nowhere;

impl Outside for Nowhere {
    fn variable(&self, _: &str) -> Result<String, String> {
        Err("is not set".to_owned())
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("is not there".to_owned())
    }
}

/// A request that can be changed.
#[derive(Clone, Debug)]
struct Sent {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
    now: u64,
    service: &'static str,
    token: bool,
    canonical: String,
    to_sign: String,
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLE//////////token==";

fn credentials(secret: &str, token: bool) -> Credentials {
    let token = if token { format!("session_token = \"{TOKEN}\"\n") } else { String::new() };
    let text = format!("[[access_key]]\nid = \"AKIDEXAMPLE\"\nsecret = \"{secret}\"\nuser = \"ann\"\n{token}");
    Credentials::parse(&text, &Nowhere).expect("the keys are right")
}

fn verify<'k>(sent: &Sent, keys: &'k Credentials, signing_keys: &SigningKeys) -> Result<&'k AccessKey, Refusal> {
    let headers = sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let request = Request { method: &sent.method, path: &sent.path, query: &sent.query, headers };
    let expected = Expected { service: sent.service, is_handshake: false };
    let claim = Claim::read(&request)?;
    let key = claim.check(expected, sent.now, keys)?;
    claim.verify(&request, sent.body.as_bytes(), expected, key, signing_keys)?;
    Ok(key)
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn headers(value: &Value) -> Vec<(String, String)> {
    let object = value["headers"].as_object().into_iter().flatten();
    object.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

// Days are those of the files; the second is what its request says.
fn seconds(stamp: &str) -> u64 {
    let part = |from: usize, to: usize| stamp[from..to].parse::<u64>().expect("a date has digits");
    let day = match &stamp[..8] {
        "20260115" => 20_468,
        "20261122" => 20_779,
        other => panic!("{other} is a new day"),
    };
    day * 86_400 + part(9, 11) * 3600 + part(11, 13) * 60 + part(13, 15)
}

fn corpus() -> Vec<Sent> {
    let read = |text: &str| -> Value { serde_json::from_str(text).expect("the file is JSON") };
    let mut all = Vec::new();
    let of = |value: &Value, method: &str, target: &str, headers: Vec<(String, String)>| {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let canonical = text(value, "canonical_request");
        let to_sign = text(value, "string_to_sign");
        let stamp = to_sign.lines().nth(1).expect("a string to sign has a date").to_owned();
        let service = if to_sign.contains("/execute-api/") { "execute-api" } else { "apigateway" };
        let token = canonical.to_ascii_lowercase().contains("security-token");
        Sent {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: text(value, "body"),
            now: seconds(&stamp),
            service,
            token,
            canonical,
            to_sign,
        }
    };
    for request in read(include_str!("../../../corpus/sigv4/sdk-requests.json"))["requests"].as_array().expect("a list")
    {
        all.push(of(request, &text(request, "method"), &text(request, "target"), headers(request)));
    }
    for handshake in
        read(include_str!("../../../corpus/sigv4/presigned-websocket.json"))["handshakes"].as_array().expect("a list")
    {
        let url = text(handshake, "url");
        let (host, target) = url["wss://".len()..].split_once('/').expect("a URL has a path");
        let mut headers = headers(handshake);
        headers.retain(|(name, _)| name != "Host");
        headers.push(("Host".to_owned(), host.to_owned()));
        all.push(of(handshake, "GET", &format!("/{target}"), headers));
    }
    all
}

#[test]
fn every_request_of_the_corpus_is_signed_right() {
    let all = corpus();
    assert_eq!(all.len(), 29);
    let signing_keys = SigningKeys::default();
    for sent in &all {
        let keys = credentials(SECRET, sent.token);
        // Once more with the signing key that was kept.
        for _ in 0..2 {
            let key =
                verify(sent, &keys, &signing_keys).unwrap_or_else(|refusal| panic!("{sent:?}: {}", refusal.message()));
            assert_eq!(key.user, "ann");
        }
    }
}

#[test]
fn a_wrong_secret_is_told_the_string_that_should_have_been_signed() {
    for sent in corpus() {
        let refusal = verify(&sent, &credentials("sesame", sent.token), &SigningKeys::default()).unwrap_err();
        assert_eq!((refusal.kind(), refusal.error_type()), (RefusalKind::WrongSignature, "InvalidSignatureException"));
        let end = format!(
            "Consult the service documentation for details.\n\nThe Canonical String for this request should have been\n'{}'\n\nThe \
             String-to-Sign should have been\n'{}'\n",
            sent.canonical, sent.to_sign
        );
        assert!(refusal.message().ends_with(&end), "{}\n{end}", refusal.message());
        assert!(!refusal.to_string().contains("sesame") && !refusal.to_string().contains(TOKEN));
    }
}

/// A text with each of its bytes changed in turn, in several ways.
fn mutations(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for at in 0..text.len() {
        for bits in [0x01, 0x02, 0x20] {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= bits;
            all.extend(String::from_utf8(bytes).ok());
        }
        all.push(format!("{}{}", &text[..at], &text[at + 1..]));
        all.push(format!("{}x{}", &text[..at], &text[at..]));
    }
    all
}

// `%3A` and `%3a` are one and the same in a query, which is signed decoded.
fn is_same_query(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) && {
        let plain = |text: &str| {
            let mut parts = text.split('%');
            let first = parts.next().unwrap_or_default().to_owned();
            parts.fold(first, |all, part| all + "%" + &part[..2].to_ascii_lowercase() + &part[2..])
        };
        plain(one) == plain(other)
    }
}

#[test]
fn no_byte_of_what_is_signed_can_be_changed() {
    let signing_keys = SigningKeys::default();
    let mut tried = 0;
    for sent in corpus() {
        let keys = credentials(SECRET, sent.token);
        let mut check = |changed: Sent| {
            tried += 1;
            if let Ok(key) = verify(&changed, &keys, &signing_keys) {
                panic!("{changed:?} is let in as {key:?}, and was {sent:?}");
            }
        };
        for method in mutations(&sent.method) {
            check(Sent { method, ..sent.clone() });
        }
        for path in mutations(&sent.path) {
            check(Sent { path, ..sent.clone() });
        }
        for query in mutations(&sent.query).into_iter().filter(|query| !is_same_query(query, &sent.query)) {
            check(Sent { query, ..sent.clone() });
        }
        for body in mutations(&sent.body) {
            check(Sent { body, ..sent.clone() });
        }
        check(Sent { body: format!("{}x", sent.body), ..sent.clone() });
        check(Sent { query: format!("{}&x=1", sent.query), ..sent.clone() });
        let signed_headers =
            sent.canonical.lines().rev().nth(1).expect("a canonical request has its headers").to_owned();
        for (at, (name, value)) in sent.headers.iter().enumerate() {
            let with = |value: String| {
                let mut headers = sent.headers.clone();
                headers[at].1 = value;
                Sent { headers, ..sent.clone() }
            };
            if signed_headers.split(';').any(|signed| signed.eq_ignore_ascii_case(name)) {
                mutations(value)
                    .into_iter()
                    .filter(|other| other.trim() != value.as_str())
                    .for_each(|value| check(with(value)));
                let mut headers = sent.headers.clone();
                headers.push((name.clone(), "more".to_owned()));
                check(Sent { headers, ..sent.clone() });
                let mut headers = sent.headers.clone();
                headers.remove(at);
                check(Sent { headers, ..sent.clone() });
            }
            if name.eq_ignore_ascii_case("authorization") {
                for part in ["Credential=", "SignedHeaders=", "Signature="] {
                    let (before, rest) = value.split_once(part).expect("a part of the header");
                    let (part_value, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                    for changed in mutations(part_value) {
                        // Spaces and commas around a part are no part of it.
                        if changed.trim_matches([' ', ',']) != part_value {
                            check(with(format!("{before}{part}{changed}{after}")));
                        }
                    }
                }
            }
        }
    }
    assert!(tried > 20_000, "{tried}");
}
