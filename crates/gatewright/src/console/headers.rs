//! The headers that the console's files are sent with.

use bytes::Bytes;
use http::{HeaderValue, header};

use crate::answers::{Response, full};

/// Everything comes from the program itself, nothing runs that stands in a document, nobody frames the page, and no text
/// can become markup. WebSockets may go elsewhere: with `--admin`, clients connect to another address than the page's.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    // The next version of the program has other files under the same names.
    ("cache-control", "no-cache"),
];

/// One of the console's files.
pub(crate) fn response(content_type: &'static str, text: &'static str) -> Response {
    let mut response = http::Response::new(full(Bytes::from_static(text.as_bytes())));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
