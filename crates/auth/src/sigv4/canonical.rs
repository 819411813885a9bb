//! The canonical form of a request: what its client signed.

use crate::encoding::{decode, encode_into};
use crate::sigv4::{Claim, Request, S3, UNSIGNED_PAYLOAD};

/// The canonical request in its parts: some clients sign one of them otherwise.
pub(super) struct Canonical<'c> {
    path: Vec<u8>,
    query: Vec<u8>,
    headers: Vec<u8>,
    signed_headers: &'c str,
    payload: &'c str,
    method: &'c str,
    /// Whether each header is there that is said to be signed.
    pub(super) has_all_headers: bool,
}

impl<'c> Canonical<'c> {
    pub(super) fn new(request: &Request<'c>, claim: &'c Claim, payload: &'c str) -> Canonical<'c> {
        let (headers, has_all_headers) = headers(request, &claim.signed_headers);
        let left_out: &[&str] = if claim.in_query { &[SIGNATURE] } else { &[] };
        Canonical {
            path: if claim.service == S3 { path_encoded_once(request.path) } else { path(request.path) },
            query: query(request.query, left_out),
            headers,
            signed_headers: &claim.signed_headers,
            payload,
            method: request.method,
            has_all_headers,
        }
    }

    /// As documented, which is what AWS shows a client whose signature does not fit.
    pub(super) fn text(&self) -> Vec<u8> {
        self.with(&self.path, &self.query, self.payload)
    }

    /// Other forms that clients sign and AWS is thought to accept (inferred): the query without a session token that was
    /// added behind the signature, and a handshake's payload unsigned.
    ///
    /// The path without dot segments and double slashes, which SDKs sign, is none of them: a request is routed by the path
    /// that it has, so that whoever saw a signature of `/prod` could use it for `/other/../prod`. Nothing is lost by it:
    /// SDKs send no such path, and no route has one.
    pub(super) fn others(&self, request: &Request<'_>, claim: &Claim, may_be_unsigned: bool) -> Vec<Vec<u8>> {
        let without_token = || query(request.query, &[SIGNATURE, "X-Amz-Security-Token"]);
        let queries = [Some(self.query.clone()), (claim.in_query && claim.token.is_some()).then(without_token)];
        let payloads = [Some(self.payload), may_be_unsigned.then_some(UNSIGNED_PAYLOAD)];
        let mut texts = Vec::new();
        for query in queries.iter().flatten() {
            texts.extend(payloads.iter().flatten().map(|payload| self.with(&self.path, query, payload)));
        }
        // The first is the documented form.
        texts.remove(0);
        texts
    }

    fn with(&self, path: &[u8], query: &[u8], payload: &str) -> Vec<u8> {
        let (method, headers) = (self.method.as_bytes(), self.headers.as_slice());
        let parts = [method, path, query, headers, self.signed_headers.as_bytes(), payload.as_bytes()];
        parts.join(&b'\n')
    }
}

/// What is signed of a request that goes out: the path normal and encoded once more, or `once` as it stands.
pub(super) fn to_sign(request: &Request<'_>, signed_headers: &str, payload: &str, once: bool) -> Vec<u8> {
    let path = match once {
        true => path_encoded_once(request.path),
        false => path(normal_path(request.path).as_deref().unwrap_or(request.path)),
    };
    let (query, (headers, _)) = (query(request.query, &[]), headers(request, signed_headers));
    let parts = [request.method.as_bytes(), &path, &query, &headers, signed_headers.as_bytes(), payload.as_bytes()];
    parts.join(&b'\n')
}

/// Of S3: what is encoded stays so, also a slash; what is not becomes so.
fn path_encoded_once(raw: &str) -> Vec<u8> {
    let segments = raw.split('/').map(|segment| {
        let mut out = Vec::with_capacity(segment.len());
        encode_into(&mut out, &decode(segment), b"");
        out
    });
    let path = segments.collect::<Vec<_>>().join(&b'/');
    if path.is_empty() { b"/".to_vec() } else { path }
}

const SIGNATURE: &str = "X-Amz-Signature";

/// The path as it was sent, encoded once more: `%3D` becomes `%253D`. Observed, from four clients and the server's errors.
fn path(raw: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + 16);
    encode_into(&mut out, raw.as_bytes(), b"/");
    if out.is_empty() {
        out.push(b'/');
    }
    out
}

/// The path without dot segments and double slashes; none where there are none.
fn normal_path(raw: &str) -> Option<String> {
    let mut kept: Vec<&str> = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let ends_open =
        raw.ends_with(['/', '.']) && raw.rsplit('/').next().is_some_and(|last| ["", ".", ".."].contains(&last));
    let end = if ends_open && !kept.is_empty() { "/" } else { "" };
    let normal = format!("/{}{end}", kept.join("/"));
    (normal != raw && raw.starts_with('/')).then_some(normal)
}

/// Names and values decoded once and encoded again, sorted. A name without `=` gets one; a plus sign is a plus sign.
fn query(raw: &str, left_out: &[&str]) -> Vec<u8> {
    let mut pairs = Vec::new();
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name);
        if left_out.iter().any(|out| out.as_bytes() == name) {
            continue;
        }
        let (mut encoded, mut encoded_value) = (Vec::new(), Vec::new());
        encode_into(&mut encoded, &name, b"");
        encode_into(&mut encoded_value, &decode(value), b"");
        pairs.push((encoded, encoded_value));
    }
    pairs.sort();
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| [name, value].join(&b'=')).collect();
    pairs.join(&b'&')
}

/// A line for each header that is signed, in their order, and whether all of them are there.
fn headers(request: &Request<'_>, signed: &str) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let mut all = true;
    for name in signed.split(';') {
        out.extend(name.bytes());
        out.push(b':');
        for (nth, value) in request.values(name).enumerate() {
            if nth > 0 {
                out.push(b',');
            }
            out.extend(collapsed(value));
        }
        all &= request.values(name).next().is_some();
        out.push(b'\n');
    }
    (out, all)
}

/// A header's value without spaces around it, and one for each run of them inside.
fn collapsed(value: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(value.len());
    for &byte in value.trim_ascii() {
        if byte != b' ' || out.last() != Some(&b' ') {
            out.push(byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_sorted_and_encoded_as_clients_sign_them() {
        for (raw, expected) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=10", "a=10&a=2"),
            ("a", "a="),
            ("a=b=c", "a=b%3Dc"),
            ("a=%2f+%20", "a=%2F%2B%20"),
            ("&a=1&", "a=1"),
            ("tagKeys=a&tagKeys=b%20c", "tagKeys=a&tagKeys=b%20c"),
            ("é=1", "%C3%A9=1"),
            ("X-Amz-Signature=1&a=%", "a=%25"),
        ] {
            let text = String::from_utf8(query(raw, &[SIGNATURE])).unwrap();
            assert_eq!(text, expected, "{raw}");
        }
    }

    #[test]
    fn paths_are_encoded_once_more_and_not_tidied() {
        assert_eq!(path("/prod/@connections/a%3D"), b"/prod/%40connections/a%253D");
        assert_eq!(path("/dev/%40connections/a="), b"/dev/%2540connections/a%3D");
        assert_eq!(path(""), b"/");
        assert_eq!(path_encoded_once("/a%2Fb/@c%20d/"), b"/a%2Fb/%40c%20d/");
        assert_eq!(path_encoded_once(""), b"/");
        for (raw, expected) in [
            ("/prod", None),
            ("/prod/", None),
            ("/", None),
            ("//prod", Some("/prod")),
            ("/a/../prod", Some("/prod")),
            ("/a/./b/", Some("/a/b/")),
            ("/../..", Some("/")),
            ("/a.", None),
            ("prod", None),
        ] {
            assert_eq!(normal_path(raw).as_deref(), expected, "{raw}");
        }
        // As it was sent, not as it would be without its dots.
        assert_eq!(path("//a/../b/."), b"//a/../b/.");
    }

    #[test]
    fn inner_spaces_collapse() {
        assert_eq!(collapsed(b"  a   b c "), b"a b c");
    }
}
