//! The upgrade request and its answers as bytes (RFC 6455, section 4). No I/O.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use types::headers::Headers;
use types::identity::ClientCertificate;

use crate::address::decode;

/// How many headers a request may have.
const HEADERS_MAX: usize = 100;
/// RFC 6455, 1.3.
const ACCEPT_SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A name has 253 characters at most (RFC 1035), and a port six.
const HOST_BYTES_MAX: usize = 259;

/// The head of an HTTP request, spelled as the client spelled it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// HTTP method.
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    /// 0 or 1, of HTTP/1.x.
    pub minor_version: u8,
    /// Headers, spelled and ordered as they came.
    pub headers: Headers,
    /// The certificate that the client of its socket showed. Reading a head finds none: whoever has the socket adds it.
    pub certificate: Option<Arc<ClientCertificate>>,
}

/// A head that is not HTTP/1.1, or has too many headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl RequestHead {
    /// Reads a head and tells how many bytes it took; `None` while it is not whole.
    ///
    /// # Errors
    /// [`Malformed`] when the bytes are no HTTP/1.x request.
    pub fn parse(bytes: &[u8]) -> Result<Option<(RequestHead, usize)>, Malformed> {
        let mut space = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut space);
        let length = match request.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(Malformed),
        };
        let headers = request.headers.iter();
        let headers = headers.map(|h| (h.name.to_owned(), String::from_utf8_lossy(h.value).into_owned())).collect();
        let head = RequestHead {
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            minor_version: request.version.unwrap_or_default(),
            headers,
            certificate: None,
        };
        Ok(Some((head, length)))
    }

    /// Whether it asks for a WebSocket, well or badly.
    pub fn is_upgrade(&self) -> bool {
        self.headers.get_all("Upgrade").any(|value| has_token(value, "websocket"))
    }

    /// How many bytes its headers take on the wire.
    pub(crate) fn header_bytes(&self) -> usize {
        self.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum()
    }

    /// The host it names, from a `Host` header or an absolute target.
    pub fn host(&self) -> &str {
        match absolute(&self.target) {
            Some((host, _)) => host,
            None => self.headers.get("Host").unwrap_or_default().trim(),
        }
    }

    /// Path and query string; the query is empty when there is none.
    pub fn path_and_query(&self) -> (&str, &str) {
        let target = absolute(&self.target).map_or(self.target.as_str(), |(_, path)| path);
        target.split_once('?').unwrap_or((target, ""))
    }

    /// The accept key for a correct upgrade request.
    ///
    /// # Errors
    /// What is wrong with it, for the body of a 400.
    pub(crate) fn accept_key(&self) -> Result<String, &'static str> {
        if self.method != "GET" {
            return Err("a WebSocket is opened with GET");
        }
        if self.minor_version != 1 {
            return Err("a WebSocket is opened over HTTP/1.1");
        }
        // RFC 9112, 3.2: which of two would be meant, or whose the client is without one, nobody can tell.
        if self.headers.get_all("Host").count() != 1 {
            return Err("exactly one Host header is needed");
        }
        if self.host().len() > HOST_BYTES_MAX {
            return Err("the host is longer than a name can be");
        }
        if !self.headers.get_all("Connection").any(|value| has_token(value, "upgrade")) {
            return Err("the header Connection: Upgrade is missing");
        }
        if self.headers.get("Sec-WebSocket-Version").map(str::trim) != Some("13") {
            return Err("Sec-WebSocket-Version must be 13");
        }
        let key = self.headers.get("Sec-WebSocket-Key").ok_or("Sec-WebSocket-Key is missing")?.trim();
        if !STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16) {
            return Err("Sec-WebSocket-Key is not 16 bytes of base64");
        }
        Ok(STANDARD.encode(sha1_smol::Sha1::from(format!("{key}{ACCEPT_SUFFIX}")).digest().bytes()))
    }
}

fn absolute(target: &str) -> Option<(&str, &str)> {
    let rest = target.strip_prefix("http://").or_else(|| target.strip_prefix("ws://"))?;
    let path = rest.find('/').unwrap_or(rest.len());
    Some((&rest[..path], &rest[path..]))
}

fn has_token(value: &str, token: &str) -> bool {
    value.split(',').any(|one| one.trim().eq_ignore_ascii_case(token))
}

/// The parameters of a query string, in order, decoded; `+` is a space.
pub(crate) fn query_parameters(query: &str) -> Vec<(String, String)> {
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    let split = parameters.map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")));
    split.map(|(name, value)| (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))).collect()
}

/// The answer to an upgrade request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeAnswer {
    /// 101, or why not.
    pub status: u16,
    /// Every header but `Content-Length` and, on a refusal, `Connection`.
    pub headers: Headers,
    /// The body of a refusal.
    pub body: Vec<u8>,
}

/// The 101, with what of the `$connect` answer reaches the client: subprotocol and cookies (inferred).
pub(crate) fn accepted(accept_key: &str, reply: Option<&Headers>) -> HandshakeAnswer {
    let mut headers = Headers::new();
    headers.append("Upgrade", "websocket");
    headers.append("Connection", "Upgrade");
    headers.append("Sec-WebSocket-Accept", accept_key.to_owned());
    let reaches = |name: &str| ["Sec-WebSocket-Protocol", "Set-Cookie"].iter().any(|n| name.eq_ignore_ascii_case(n));
    if let Some(reply) = reply {
        headers.take_along(reply, reaches);
    }
    HandshakeAnswer { status: 101, headers, body: Vec::new() }
}

impl HandshakeAnswer {
    /// The answer as it goes on the wire. After a refusal the connection is closed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let status = self.status;
        let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let mut out = format!("HTTP/1.1 {status} {}\r\n", reason.unwrap_or_default());
        for (name, value) in self.headers.iter() {
            push_header(&mut out, name, value);
        }
        // RFC 9110, 8.6: a 101 and these two have no body.
        let has_body = !matches!(status, 101 | 204 | 304);
        if has_body {
            push_header(&mut out, "Content-Length", &self.body.len().to_string());
        }
        if status != 101 {
            push_header(&mut out, "Connection", "close");
        }
        out.push_str("\r\n");
        let mut out = out.into_bytes();
        if has_body {
            out.extend_from_slice(&self.body);
        }
        out
    }
}

/// The headers of a backend's refusal that are meant for the client, not for the hop to us.
pub(crate) fn end_to_end(response: &Headers) -> Headers {
    const OF_THE_HOP: &[&str] = &[
        "Connection",
        "Keep-Alive",
        "Transfer-Encoding",
        "Content-Length",
        "Upgrade",
        "Trailer",
        "TE",
        "Date",
        "Proxy-Authenticate",
        "Proxy-Connection",
    ];
    let mut headers = Headers::new();
    headers.take_along(response, |name| !OF_THE_HOP.iter().any(|hop| name.eq_ignore_ascii_case(hop)));
    headers
}

// A backend's header cannot hold a line break (httparse), but a mapped one is checked here again.
fn push_header(out: &mut String, name: &str, value: &str) {
    if !value.contains(['\r', '\n']) && !name.contains(['\r', '\n', ':']) {
        out.push_str(name);
        out.push_str(": ");
        out.push_str(value);
        out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::{RequestHead, query_parameters};

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn head(text: &str) -> RequestHead {
        RequestHead::parse(text.as_bytes()).unwrap().unwrap().0
    }

    #[test]
    fn the_rfcs_own_example_gives_its_accept_key() {
        let head = head(&format!(
            "GET /prod?a=1 HTTP/1.1\r\nhost: h\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\
             Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ));
        assert!(head.is_upgrade());
        assert_eq!(head.path_and_query(), ("/prod", "a=1"));
        assert_eq!(head.accept_key().as_deref(), Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    #[test]
    fn each_fault_of_an_upgrade_request_is_named() {
        let good = [
            "GET",
            "1.1",
            "Connection: upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ];
        for (at, other, part) in [
            (0, "POST", "with GET"),
            (1, "1.0", "HTTP/1.1"),
            (2, "Connection: close", "Connection: Upgrade is missing"),
            (3, "Sec-WebSocket-Version: 8", "must be 13"),
            (4, "X: y", "Key is missing"),
            (4, "Sec-WebSocket-Key: short", "16 bytes"),
        ] {
            let mut parts = good;
            parts[at] = other;
            let [method, version, connection, protocol, key] = parts;
            let text = format!(
                "{method} / HTTP/{version}\r\nHost: h\r\nUpgrade: websocket\r\n{connection}\r\n{protocol}\r\n{key}\r\n\r\n"
            );
            assert!(head(&text).accept_key().is_err_and(|error| error.contains(part)), "{other}");
        }
        for hosts in ["", "Host: a\r\nHost: a\r\n"] {
            let text = format!("GET / HTTP/1.1\r\n{hosts}Upgrade: websocket\r\nConnection: upgrade\r\n\r\n");
            assert!(head(&text).accept_key().is_err_and(|error| error.contains("Host")), "{hosts}");
        }
        let long = format!("GET / HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\n\r\n", "h".repeat(260));
        assert!(head(&long).accept_key().is_err_and(|error| error.contains("longer than a name")));
    }

    #[test]
    fn query_parameters_keep_order_and_repeats() {
        let pairs = query_parameters("token=a&token=b%20c&room=x+y&flag&&=v");
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("token", "a"), ("token", "b c"), ("room", "x y"), ("flag", ""), ("", "v")]);
    }
}
