//! Pages of other origins that may drive this gateway: `--allow-origin`, and what browsers ask before and read after.
//! Source: Fetch standard, "CORS protocol".

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use hyper::body::Bytes;

use crate::answers::{Response, full};

/// What the control plane and `@connections` are asked with.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
/// What of an answer a page may read beside its body.
const EXPOSED: HeaderValue = HeaderValue::from_static("x-amzn-RequestId, x-amzn-ErrorType, Retry-After");
/// How long a browser may keep what it was told, in seconds.
const KEPT: HeaderValue = HeaderValue::from_static("600");
/// Asked by pages of the internet of what is on the machine or its network (Private Network Access, a draft).
const ASKS_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOWS_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// The origins whose pages may drive this gateway as its own may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// From origins, each in its plain spelling.
    pub(crate) fn new(origins: Vec<String>) -> AllowedOrigins {
        AllowedOrigins(origins)
    }

    /// The origin of a request, if its pages may.
    pub(crate) fn of<B>(&self, request: &Request<B>) -> Option<HeaderValue> {
        if self.0.is_empty() {
            return None;
        }
        let mut sent = request.headers().get_all(header::ORIGIN).iter();
        let origin = sent.next().filter(|_| sent.next().is_none())?;
        let plain = gateway::plain_origin(origin.to_str().ok()?)?;
        self.0.contains(&plain).then(|| origin.clone())
    }
}

/// The answer to a browser that asks whether its page may ask; `None`: the request is no such question.
pub(crate) fn preflight<B>(request: &Request<B>) -> Option<Response> {
    let headers = request.headers();
    if request.method() != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut response = http::Response::new(full(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let allowed = response.headers_mut();
    allowed.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    allowed.insert(header::ACCESS_CONTROL_MAX_AGE, KEPT);
    // SDKs sign with many headers, each under a name of its own.
    if let Some(asked) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        allowed.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    if headers.contains_key(ASKS_PRIVATE) {
        allowed.insert(ALLOWS_PRIVATE, HeaderValue::from_static("true"));
    }
    Some(response)
}

/// Lets pages of an origin read an answer.
pub(crate) fn share(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().method(method).uri("/v2/apis");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn one_origin_that_is_allowed_is_told_from_all_others() {
        let allowed =
            AllowedOrigins::new(vec!["https://app.example.com".to_owned(), "http://localhost:3000".to_owned()]);
        for (origins, passes) in [
            (&["https://app.example.com"][..], true),
            (&["https://app.example.com:443"], true),
            (&["http://localhost:3000"], true),
            (&[], false),
            (&["null"], false),
            (&["https://app.example.com.evil.com"], false),
            (&["http://app.example.com"], false),
            (&["http://localhost"], false),
            (&["https://app.example.com", "https://app.example.com"], false),
            (&["https://app.example.com", "https://evil.com"], false),
        ] {
            let headers: Vec<_> = origins.iter().map(|origin| ("origin", *origin)).collect();
            let of = allowed.of(&request("GET", &headers));
            assert_eq!(of.is_some(), passes, "{origins:?}");
            assert!(AllowedOrigins::default().of(&request("GET", &headers)).is_none());
        }
    }

    #[test]
    fn browsers_are_told_what_their_pages_may_ask() {
        let method = ("access-control-request-method", "DELETE");
        assert!(preflight(&request("OPTIONS", &[])).is_none());
        assert!(preflight(&request("DELETE", &[method])).is_none());
        let asked = [
            method,
            ("access-control-request-headers", "authorization,x-amz-date"),
            ("access-control-request-private-network", "true"),
        ];
        let answer = preflight(&request("OPTIONS", &asked)).unwrap();
        assert_eq!(answer.status(), 204);
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("access-control-allow-headers"), Some("authorization,x-amz-date"));
        assert_eq!(header("access-control-allow-private-network"), Some("true"));
        assert!(header("access-control-allow-methods").is_some_and(|methods| methods.contains("DELETE")));
        assert_eq!(header("access-control-allow-credentials"), None);
    }
}
