//! What AWS's own signer signs is right, and nothing else is: `aws-sigv4`, over requests of a fixed seed.
//!
//! Left out, because the two read it otherwise and no client sends it: a plus sign in a query (the signer takes it for a
//! space), tabs in headers, and paths with dot segments or double slashes (the signer tidies what it signs; see
//! `paths_that_are_not_tidy`).

use std::time::{Duration, SystemTime};

use auth::{Claim, Credentials, Expected, Outside, Refusal, RefusalKind, Request, SigningKeys};
use aws_sigv4::http_request::{
    PayloadChecksumKind, SessionTokenMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

struct Nowhere;

impl Outside for Nowhere {
    fn variable(&self, _: &str) -> Result<String, String> {
        Err("is not set".to_owned())
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("is not there".to_owned())
    }
}

/// So many requests are signed: under a second of an unoptimised build.
const REQUESTS: usize = 1500;
const SEED: u64 = 11;
/// 2026-11-22T10:00:00Z.
const NOW: u64 = 1_795_341_600;
const TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLE//////////token==";
const KEYS: &str = r#"
    [[access_key]]
    id = "AKIDEXAMPLE"
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    user = "ann"

    [[access_key]]
    id = "ASIDEXAMPLE"
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    user = "guest"
    session_token = "IQoJb3JpZ2luX2VjEXAMPLE//////////token=="
"#;

/// A request that can be signed and changed.
#[derive(Clone, Debug, Default)]
struct Sent {
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// How it is signed.
#[derive(Clone, Copy, Debug)]
struct Way {
    service: &'static str,
    region: &'static str,
    in_query: bool,
    has_token: bool,
    /// Whether the token is signed; some clients add it behind the signature.
    signs_token: bool,
    has_checksum: bool,
    is_unsigned: bool,
}

fn one<T: Copy>(random: &mut StdRng, choices: &[T]) -> T {
    choices[random.random_range(0..choices.len())]
}

fn pieces(random: &mut StdRng, pieces: &[&str], most: usize) -> String {
    (0..random.random_range(0..=most)).map(|_| one(random, pieces)).collect()
}

// Each segment has a byte that is no dot, so that none is a dot segment.
fn path(random: &mut StdRng) -> String {
    let parts = [
        "a",
        "Z9",
        "@connections",
        "%40connections",
        "=",
        "%3D",
        "%3d",
        "%2F",
        "%25",
        "%",
        "~",
        "!$&'()*,;:",
        "-._",
        "+",
        "%C3%A9",
    ];
    let segments =
        (0..random.random_range(0..5)).map(|_| format!("/x{}", pieces(random, &parts, 4))).collect::<String>();
    let end = if random.random_bool(0.2) || segments.is_empty() { "/" } else { "" };
    segments + end
}

fn query(random: &mut StdRng) -> String {
    let texts =
        ["a", "B", "0", "%20", "%2B", "%2f", "%C3%A9", "/", "?", ":", "@", "~", "*", "%7E", "'", "(", "arn:aws"];
    let pair = |random: &mut StdRng| {
        let name = pieces(random, &texts, 3);
        match random.random_range(0..4) {
            0 => name + "x",
            1 => name + "x=",
            2 => format!("{name}x={}=={}", pieces(random, &texts, 2), pieces(random, &texts, 2)),
            _ => format!("{name}x={}", pieces(random, &texts, 4)),
        }
    };
    let mut pairs: Vec<_> = (0..random.random_range(0..5)).map(|_| pair(random)).collect();
    if random.random_bool(0.3)
        && let Some(first) = pairs.first().cloned()
    {
        pairs.push(first);
    }
    pairs.join("&")
}

fn headers(random: &mut StdRng) -> Vec<(String, String)> {
    let names = ["Content-Type", "X-Custom", "x-custom", "X-Amz-Meta", "accept", "User-Agent", "Referer"];
    let values = ["a", "", "text/plain; charset=utf-8", "  two  spaces   inside ", "a, b", "\"quoted  text\"", "="];
    let mut all = vec![("Host".to_owned(), "abc.execute-api.us-east-1.amazonaws.com:4510".to_owned())];
    for _ in 0..random.random_range(0..5) {
        all.push((one(random, &names).to_owned(), one(random, &values).to_owned()));
    }
    all
}

fn request(random: &mut StdRng) -> (Sent, Way) {
    let in_query = random.random_bool(0.4);
    let bodies: [&[u8]; 4] = [b"", b"{}", b"hello \xff\x00", "\u{e9}".as_bytes()];
    let sent = Sent {
        method: one(random, &["GET", "POST", "DELETE", "PATCH", "PUT"]),
        path: path(random),
        query: query(random),
        headers: headers(random),
        body: one(random, &bodies).to_vec(),
    };
    let has_token = random.random_bool(0.4);
    let way = Way {
        service: one(random, &["execute-api", "apigateway"]),
        region: one(random, &["us-east-1", "eu-central-1", "local"]),
        in_query,
        has_token,
        signs_token: !has_token || !in_query || random.random_bool(0.5),
        has_checksum: !in_query && random.random_bool(0.4),
        is_unsigned: !in_query && random.random_bool(0.1),
    };
    (sent, way)
}

/// The request as its client sends it, signed by AWS's signer; `tidies`: as it does by default.
fn signed(sent: &Sent, way: Way, tidies: bool) -> Sent {
    let id = if way.has_token { "ASIDEXAMPLE" } else { "AKIDEXAMPLE" };
    let token = way.has_token.then(|| TOKEN.to_owned());
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let identity = aws_credential_types::Credentials::new(id, secret, token, None, "test").into();
    let mut settings = SigningSettings::default();
    settings.signature_location =
        if way.in_query { SignatureLocation::QueryParams } else { SignatureLocation::Headers };
    settings.expires_in = way.in_query.then(|| Duration::from_secs(600));
    settings.session_token_mode = if way.signs_token { SessionTokenMode::Include } else { SessionTokenMode::Exclude };
    settings.payload_checksum_kind = match way.has_checksum || way.is_unsigned {
        true => PayloadChecksumKind::XAmzSha256,
        false => PayloadChecksumKind::NoHeader,
    };
    settings.uri_path_normalization_mode = UriPathNormalizationMode::from(tidies);
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(way.region)
        .name(way.service)
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
        .settings(settings)
        .build()
        .expect("all is said")
        .into();
    let host = &sent.headers[0].1;
    let url = match sent.query.is_empty() {
        true => format!("https://{host}{}", sent.path),
        false => format!("https://{host}{}?{}", sent.path, sent.query),
    };
    let body = if way.is_unsigned { SignableBody::UnsignedPayload } else { SignableBody::Bytes(&sent.body) };
    let headers = sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let signable = SignableRequest::new(sent.method, url.as_str(), headers, body).expect("it is a request");
    let (instructions, _) = sign(signable, &params).expect("it can be signed").into_parts();
    let (headers, parameters) = instructions.into_parts();
    let mut sent = sent.clone();
    sent.headers.extend(headers.iter().map(|header| (header.name().to_owned(), header.value().to_owned())));
    let mut added: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if way.has_token && !way.signs_token {
        added.push(format!("X-Amz-Security-Token={}", encoded(TOKEN)));
    }
    // The signer lists a token that it did not sign too.
    added.sort();
    added.dedup();
    if !added.is_empty() {
        let before = Some(sent.query.clone()).filter(|query| !query.is_empty());
        sent.query = before.into_iter().chain(added).collect::<Vec<_>>().join("&");
    }
    sent
}

fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

fn verify(sent: &Sent, service: &'static str, keys: &Credentials, signing_keys: &SigningKeys) -> Result<(), Refusal> {
    let headers = sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let request = Request { method: sent.method, path: &sent.path, query: &sent.query, headers };
    let expected = Expected { service, is_handshake: false };
    let claim = Claim::read(&request)?;
    let key = claim.check(expected, NOW, keys)?;
    claim.verify(&request, &sent.body, expected, key, signing_keys)
}

#[test]
fn what_awss_signer_signs_is_right_and_nothing_else() {
    let (keys, signing_keys) =
        (Credentials::parse(KEYS, &Nowhere).expect("the keys are right"), SigningKeys::default());
    let mut random = StdRng::seed_from_u64(SEED);
    let mut ways = [0_usize; 4];
    for _ in 0..REQUESTS {
        let (sent, way) = request(&mut random);
        let signed = signed(&sent, way, true);
        if let Err(refusal) = verify(&signed, way.service, &keys, &signing_keys) {
            panic!("{way:?} {signed:#?}\n{}", refusal.message());
        }
        ways[usize::from(way.in_query) + 2 * usize::from(way.has_token)] += 1;
        // The same signature, of another request.
        for (what, other) in [
            ("method", Sent { method: "OPTIONS", ..signed.clone() }),
            ("path", Sent { path: signed.path.clone() + "x", ..signed.clone() }),
            ("query", Sent { query: format!("more=1&{}", signed.query), ..signed.clone() }),
            ("body", Sent { body: [&signed.body[..], b"x"].concat(), ..signed.clone() }),
        ] {
            if what == "body" && way.is_unsigned {
                continue;
            }
            let refusal = verify(&other, way.service, &keys, &signing_keys).expect_err(what);
            assert_eq!(refusal.kind(), RefusalKind::WrongSignature, "{what} {signed:?}");
        }
        let other = if way.service == "apigateway" { "execute-api" } else { "apigateway" };
        let refusal = verify(&signed, other, &keys, &signing_keys).expect_err("it is for another service");
        assert_eq!(refusal.kind(), RefusalKind::OutOfScope);
    }
    assert!(ways.iter().all(|way| *way > REQUESTS / 10), "{ways:?}");
}

#[test]
fn paths_that_are_not_tidy() {
    let (keys, signing_keys) =
        (Credentials::parse(KEYS, &Nowhere).expect("the keys are right"), SigningKeys::default());
    let way = Way {
        service: "execute-api",
        region: "us-east-1",
        in_query: false,
        has_token: false,
        signs_token: true,
        has_checksum: false,
        is_unsigned: false,
    };
    for path in ["/prod//@connections/x", "/other/../prod", "/./prod", "/prod/..", "//prod"] {
        let headers = vec![("Host".to_owned(), "h".to_owned())];
        let sent = Sent { method: "GET", path: path.to_owned(), headers, ..Sent::default() };
        // Signed as it is sent it is right; a signature of the tidy path is one of another request, since this one is routed.
        assert!(verify(&signed(&sent, way, false), way.service, &keys, &signing_keys).is_ok(), "{path}");
        let refusal = verify(&signed(&sent, way, true), way.service, &keys, &signing_keys).expect_err(path);
        assert_eq!(refusal.kind(), RefusalKind::WrongSignature, "{path}");
    }
}
