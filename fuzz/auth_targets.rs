//! What the fuzz targets of crate `auth` do with any bytes: nothing panics, nobody is let in, nothing secret is said.
//!
//! Plain functions, so that the tests of `auth` run them too, over the corpora with pieces exchanged.

use auth::{
    AccessKey, Claim, Credentials, Decision, Expected, Outside, Policy, Question, Refusal, RefusalKind, Request,
    SigningKeys, evaluate,
};
use ring::hmac;

/// The longest input that is looked at.
const INPUT_BYTES_MAX: usize = 64 * 1024;
/// What stands between the parts of an input that has several.
const BETWEEN: char = '\u{0}';
/// What a refusal says beyond what it repeats of the request, and that may be twice and each byte as three.
const REFUSAL_BYTES_MAX: usize = 8 * INPUT_BYTES_MAX;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const KEYS: &str =
    "[[access_key]]\nid = \"AKIDEXAMPLE\"\nuser = \"ann\"\nsecret = \"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\"\n";

struct Nowhere;

impl Outside for Nowhere {
    fn variable(&self, _: &str) -> Result<String, String> {
        Err("is not set".to_owned())
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("is not there".to_owned())
    }
}

/// The head of a request, lines that end with `\n`, and behind an empty one its body. Whatever it claims is read or refused;
/// what is claimed is not believed; and signed as the refusal says that it should have been, it is.
pub(crate) fn signature(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let keys = Credentials::parse(KEYS, &Nowhere).expect("the keys are right");
    let key = keys.get("AKIDEXAMPLE").expect("it is there");
    let Some(Verified { lacks_something, result }) = verified(text, key) else { return };
    let Err(refusal) = result else {
        // One of the corpus as it stands.
        return;
    };
    checked(&refusal);
    if refusal.kind() != RefusalKind::WrongSignature {
        return;
    }
    let (canonical, to_sign) = told(&refusal);
    let Some(resigned) = resigned(text, &sign(to_sign)) else { return };
    match verified(&resigned, key) {
        Some(Verified { result: Err(again), .. }) if again.kind() == RefusalKind::WrongSignature => {
            // The signature may stand in what is signed, such as in a second header of that name.
            assert!(lacks_something || told(&again) != (canonical, to_sign), "{resigned:?}\n{}", again.message());
        }
        Some(Verified { result: Err(again), .. }) => checked(&again),
        Some(Verified { result: Ok(()), .. }) | None => {}
    }
}

/// A policy document, and behind a NUL an action, behind another an ARN: it is read or refused, and what it decides it
/// decides again.
pub(crate) fn policy(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let mut parts = text.split(BETWEEN);
    let document = parts.next().unwrap_or_default();
    let action = parts.next().unwrap_or("execute-api:ManageConnections");
    let resource = parts.next().unwrap_or("arn:aws:execute-api:us-east-1:000000000000:abc/prod/POST/@connections/x");
    let policy = match Policy::parse("fuzz", document) {
        Ok(policy) => policy,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let known = auth::Keys::default().with("aws:username", "ann").with("aws:SourceIp", "127.0.0.1");
    let nothing = auth::Keys::default();
    let denial = r#"{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}"#;
    let denial = Policy::parse("deny", denial).expect("it is one");
    for keys in [&known, &nothing] {
        let question = Question { action, resource, keys };
        let verdict = evaluate([&policy], &question);
        assert!(!verdict.why.is_empty());
        assert_eq!(verdict, evaluate([&policy], &question), "{document}");
        assert_eq!(verdict.statement.is_none(), verdict.decision == Decision::ImplicitDeny, "{document}");
        assert_eq!(evaluate([&policy, &denial], &question).decision, Decision::ExplicitDeny, "{document}");
        // What depends on nothing is the same whatever is known.
        if !document.contains("ondition") && !document.contains('$') && !document.contains("\\u") {
            let other = Question { keys: &nothing, ..question };
            assert_eq!(verdict.decision, evaluate([&policy], &other).decision, "{document}");
        }
    }
}

/// A credentials file: it is read or refused, and neither what is wrong with it nor what was read of it tells a secret.
pub(crate) fn credentials(bytes: &[u8]) {
    const HIDDEN: &str = "s3same";
    let Some(text) = text(bytes) else { return };
    let read = Credentials::parse(text, &Nowhere);
    // Where the word stands elsewhere too, it is no secret.
    let as_secret = [r#"secret = "s3same"#, r#"session_token = "s3same"#].map(|member| text.matches(member).count());
    let is_hidden = as_secret.iter().sum::<usize>() == text.matches(HIDDEN).count();
    let said = match read {
        Ok(credentials) => {
            assert!(credentials.count() <= text.matches("access_key").count());
            format!("{credentials:?} {:?}", credentials.remarks())
        }
        Err(error) => {
            assert!(!error.is_empty());
            error
        }
    };
    assert!(!is_hidden || !said.contains(HIDDEN), "{said}");
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| text.len() <= INPUT_BYTES_MAX)
}

struct Verified {
    /// A header that is said to be signed, or the hash of the body that a header says.
    lacks_something: bool,
    result: Result<(), Refusal>,
}

// None where it claims nothing.
fn verified(text: &str, key: &AccessKey) -> Option<Verified> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.split('\n');
    let (method, target) = lines.next()?.split_once(' ')?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.as_bytes())).collect();
    let request = Request { method, path, query, headers };
    let claim = match Claim::read(&request) {
        Ok(claim) => claim,
        Err(refusal) => {
            checked(&refusal);
            return None;
        }
    };
    let is_there = |name: &str| request.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    let expected = Expected { service: "execute-api", is_handshake: body.is_empty() };
    let result = claim.verify(&request, body.as_bytes(), expected, key, &SigningKeys::default());
    let signed = result.as_ref().err().filter(|refusal| refusal.kind() == RefusalKind::WrongSignature);
    let lacks_something = signed.is_some_and(|refusal| {
        let names = told(refusal).0.rsplit('\n').nth(1).unwrap_or_default();
        is_there("x-amz-content-sha256") || !names.split(';').all(is_there)
    });
    Some(Verified { lacks_something, result })
}

fn checked(refusal: &Refusal) {
    let said = [refusal.message(), &refusal.to_string(), &refusal.body()].concat();
    assert!(said.len() <= REFUSAL_BYTES_MAX, "{} bytes", said.len());
    assert!(!said.contains(SECRET), "{said}");
    assert!(!refusal.to_string().contains('\n'), "{refusal}");
    assert!(refusal.body().starts_with(r#"{"message":"#) && refusal.status() == 403);
}

/// The canonical request and the string to sign that a refusal tells.
fn told(refusal: &Refusal) -> (&str, &str) {
    let message = refusal.message();
    let (_, rest) = message.split_once("should have been\n'").expect("it tells the canonical request");
    let (canonical, to_sign) = rest.rsplit_once("'\n\nThe String-to-Sign should have been\n'").expect("and this");
    (canonical, to_sign.trim_end_matches("'\n"))
}

/// By the book, with the scope that the string to sign has.
fn sign(to_sign: &str) -> String {
    let mac = |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    let scope = to_sign.split('\n').nth(2).unwrap_or_default();
    let mut key = format!("AWS4{SECRET}").into_bytes();
    // A Region is the client's, and may hold a slash only if the scope would not have been read.
    for part in scope.split('/') {
        key = mac(&key, part).as_ref().to_vec();
    }
    mac(&key, to_sign).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The request with another signature; none where its head has not just one place for it.
fn resigned(text: &str, signature: &str) -> Option<String> {
    const BEFORE: &str = "Signature=";
    let head = text.split_once("\n\n").map_or(text, |(head, _)| head);
    let start = head.find(BEFORE).filter(|first| head.rfind(BEFORE) == Some(*first))? + BEFORE.len();
    let ends = if head[..start].ends_with("-Signature=") { ['&', '\n'] } else { [',', '\n'] };
    let length = head[start..].find(ends).unwrap_or(head.len() - start);
    Some(format!("{}{signature}{}", &text[..start], &text[start + length..]))
}
