//! What is signed here is what botocore signs (corpus/sigv4/service-requests.json), and the verifier takes it.

use auth::{
    Claim, Credentials, Expected, Outside, Request, Secret, SigningCredentials, SigningKeys, SigningScope, sign,
};
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

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLE//////////token==";
/// 2026-01-15T12:00:00Z.
const NOW: u64 = 1_768_478_400;

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().expect("it is text")
}

fn headers<'v>(value: &'v Value, name: &str) -> Vec<(&'v str, &'v str)> {
    let object = value[name].as_object().expect("it is an object");
    object.iter().map(|(name, value)| (name.as_str(), value.as_str().expect("it is text"))).collect()
}

#[test]
fn calls_of_services_are_signed_as_botocore_signs_them_and_verified() {
    let corpus: Value = serde_json::from_str(include_str!("../../../corpus/sigv4/service-requests.json")).unwrap();
    let requests = corpus["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 8);
    // Of each key's own: what is kept of one case serves the next.
    let kept = [SigningKeys::default(), SigningKeys::default()];
    for case in requests.iter().chain(requests) {
        let [what, service, region] = ["what", "service", "region"].map(|name| text(case, name));
        let with_token = case["token"] == true;
        let keys = &kept[usize::from(with_token)];
        let credentials = SigningCredentials {
            key_id: "AKIDEXAMPLE".to_owned(),
            secret: Secret::new(SECRET.to_owned()),
            token: with_token.then(|| Secret::new(TOKEN.to_owned())),
        };
        let [method, path, query, body] = ["method", "path", "query", "body"].map(|name| text(case, name));
        let mut sent = headers(case, "headers");
        let of = |headers: &[(&'static str, String)], sent: &[(&str, &str)]| -> Vec<(String, Vec<u8>)> {
            let own = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into_bytes()));
            sent.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).chain(own).collect()
        };
        // What an earlier try left counts for nothing.
        let stale = [("x-amz-date", "20200101T000000Z"), ("authorization", "x")];
        let given = sent.iter().chain(&stale).map(|(name, value)| (*name, value.as_bytes())).collect();
        let given = Request { method, path, query, headers: given };
        let own = sign(&given, body.as_bytes(), SigningScope { region, service }, &credentials, keys, NOW);
        let expected = headers(case, "signed");
        assert_eq!(own.len(), expected.len(), "{what}");
        for (name, value) in expected {
            let made = own.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
            assert_eq!(made, Some(value), "{what}: {name}");
        }
        assert!(!format!("{credentials:?}").contains(SECRET));
        // Its paths are encoded once, which the verifier, whose services are others, does not know.
        // And it takes paths as they were sent, where botocore signs them without dots and double slashes.
        if service == "s3" || path.contains("//") {
            continue;
        }
        let token = if with_token { format!("session_token = \"{TOKEN}\"\n") } else { String::new() };
        let keys = format!("[[access_key]]\nid = \"AKIDEXAMPLE\"\nsecret = \"{SECRET}\"\nuser = \"ann\"\n{token}");
        let keys = Credentials::parse(&keys, &Nowhere).unwrap();
        let verify = |sent: &[(&str, &str)], body: &str| {
            let all = of(&own, sent);
            let headers = all.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
            let request = Request { method, path, query, headers };
            let expected = Expected { service, is_handshake: false };
            let claim = Claim::read(&request)?;
            let key = claim.check(expected, NOW + 1, &keys)?;
            claim.verify(&request, body.as_bytes(), expected, key, &SigningKeys::default())
        };
        assert!(verify(&sent, body).is_ok(), "{what}");
        assert!(verify(&sent, "another").is_err(), "{what}");
        let host = sent.iter().position(|(name, _)| *name == "Host").unwrap();
        sent[host].1 = "evil.example.com";
        assert!(verify(&sent, body).is_err(), "{what}");
    }
}
