//! Signs requests as AWS's clients do: Signature Version 4, in headers.
//!
//! What takes time is kept: the day's key, and the signature of a request that is sent again, as a load does.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hyper::Method;
use ring::{digest, hmac};
use types::time::Timestamp;

/// The one access key of a bench, and what it may do: everything.
pub(crate) const KEY_ID: &str = "AKIDBENCH";
const SECRET: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";
const REGION: &str = "us-east-1";
const EVERYTHING: &str = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
/// How long a signature is used again; it is right for five minutes.
const USED_FOR: Duration = Duration::from_secs(60);

/// The credentials file that a gateway is given.
pub(crate) fn credentials() -> String {
    format!("[[access_key]]\nid = \"{KEY_ID}\"\nsecret = \"{SECRET}\"\nuser = \"bench\"\npolicies = ['{EVERYTHING}']\n")
}

/// Signs for one service.
pub(crate) struct Signer {
    service: &'static str,
    last: Option<Signed>,
}

struct Signed {
    at: Instant,
    method: Method,
    path: String,
    body: Bytes,
    headers: [(&'static str, String); 2],
}

impl Signer {
    /// For `execute-api` or `apigateway`.
    pub(crate) fn new(service: &'static str) -> Signer {
        Signer { service, last: None }
    }

    /// The headers that a request to `host` has beside its own.
    pub(crate) fn headers(
        &mut self,
        method: &Method,
        host: &str,
        path: &str,
        body: &Bytes,
    ) -> [(&'static str, String); 2] {
        if let Some(last) = &self.last
            && last.at.elapsed() < USED_FOR
            && (&last.method, last.path.as_str(), &last.body) == (method, path, body)
        {
            return last.headers.clone();
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let date = basic(Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)));
        let authorization = authorization(self.service, method.as_str(), host, path, body, &date);
        let headers = [("x-amz-date", date), ("authorization", authorization)];
        self.last = Some(Signed {
            at: Instant::now(),
            method: method.clone(),
            path: path.to_owned(),
            body: body.clone(),
            headers: headers.clone(),
        });
        headers
    }
}

/// `20261122T100000Z`.
fn basic(at: Timestamp) -> String {
    let iso = at.iso();
    let whole = iso.split(['.', 'Z']).next().unwrap_or_default();
    whole.chars().filter(|c| !matches!(c, '-' | ':')).chain(['Z']).collect()
}

fn authorization(service: &str, method: &str, host: &str, path: &str, body: &[u8], date: &str) -> String {
    let hash = |bytes: &[u8]| hex(digest::digest(&digest::SHA256, bytes).as_ref());
    let path: String = path.bytes().map(encoded).collect();
    let canonical = format!("{method}\n{path}\n\nhost:{host}\nx-amz-date:{date}\n\nhost;x-amz-date\n{}", hash(body));
    let (day, _) = date.split_at(8);
    let scope = format!("{day}/{REGION}/{service}/aws4_request");
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hash(canonical.as_bytes()));
    let mac = |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    let first = format!("AWS4{SECRET}").into_bytes();
    let key = scope.split('/').fold(first, |key, part| mac(&key, part).as_ref().to_vec());
    let signature = hex(mac(&key, &to_sign).as_ref());
    format!("AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, SignedHeaders=host;x-amz-date, Signature={signature}")
}

// Once more than it is: `%3D` becomes `%253D`.
fn encoded(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_used_again_and_of_nothing_else() {
        let mut signer = Signer::new("execute-api");
        let body = Bytes::from_static(b"{}");
        let first = signer.headers(&Method::POST, "h", "/a/@connections/x%3D", &body);
        assert_eq!(signer.headers(&Method::POST, "h", "/a/@connections/x%3D", &body), first);
        assert_ne!(signer.headers(&Method::POST, "h", "/a/@connections/y%3D", &body)[1], first[1]);
        assert_eq!(basic(Timestamp(1_795_341_600_123)), "20261122T100000Z");
    }

    // Of corpus/sigv4: the first of its requests, with the example's key in place of ours.
    #[test]
    fn a_path_is_encoded_once_more() {
        let path: String = "/prod/@connections/L0SM9cOFvHcCIhw%3D".bytes().map(encoded).collect();
        assert_eq!(path, "/prod/%40connections/L0SM9cOFvHcCIhw%253D");
    }
}
