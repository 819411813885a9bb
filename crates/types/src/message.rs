//! What goes to a backend and what comes back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::headers::Headers;

/// A call to a backend, mapped and ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationRequest {
    /// Where it goes.
    pub target: Target,
    /// HTTP method, upper case.
    pub method: String,
    /// Every header, spelled and ordered as on the wire, but for `Content-Length`.
    pub headers: Headers,
    /// The body after transformations. Not sent when `carries_body` is false.
    pub body: Bytes,
    /// False for GET, HEAD and OPTIONS: the body stays here, and the log says so. Source: observed.
    pub carries_body: bool,
    /// Whether it may be sent again when it is unknown if it arrived: `$disconnect`, which is at least once (ours).
    pub may_repeat: bool,
    /// How long the backend may take in all, from 50 ms to 29 s unless the limits say otherwise.
    pub timeout: Duration,
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A backend that speaks HTTP/1.1.
    Http(HttpTarget),
    /// No backend: the answer is this status.
    Mock {
        /// The integer `statusCode` of the rendered request template.
        status: u16,
    },
}

/// The parts of an HTTP(S) URL that a request needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HttpTarget {
    /// Whether the scheme is https.
    pub tls: bool,
    /// Host without brackets or port.
    pub host: String,
    /// Port, the scheme's own if the URL names none.
    pub port: u16,
    /// Host and port as the `Host` header says them.
    pub authority: String,
    /// Path and query, at least `/`.
    pub path_and_query: String,
    /// How it is reached, where the URL alone does not say.
    pub way: Option<Arc<Way>>,
}

/// How a backend is reached, where its URL alone does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Way {
    /// The id of the VPC link whose addresses are connected to in place of the URL's host.
    pub link: Option<String>,
    /// The name that a TLS certificate must be for, in place of the URL's host.
    pub server_name: Option<String>,
    /// The id of the client certificate that is shown.
    pub client_certificate: Option<String>,
}

impl HttpTarget {
    /// The URL in one piece, as the execution log prints it.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.path_and_query)
    }
}

/// What a backend answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationResponse {
    /// HTTP status, or the mock's `statusCode`.
    pub status: u16,
    /// Its headers, as spelled by the backend.
    pub headers: Headers,
    /// Its body, whole.
    pub body: Bytes,
    /// From sending to the last byte.
    pub latency: Duration,
}
