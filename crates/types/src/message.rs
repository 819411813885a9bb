//! What goes to a backend and what comes back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::arn::Function;
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
    /// A Lambda function; the request's body is the payload.
    Function(FunctionTarget),
    /// Another service of AWS.
    Service(Box<ServiceTarget>),
}

impl Target {
    /// Where it goes, in one piece, as AWS's execution log prints it; a mock goes nowhere.
    pub fn url(&self) -> Option<String> {
        match self {
            Target::Http(target) => Some(target.url()),
            Target::Mock { .. } => None,
            Target::Function(target) => Some(target.function.url()),
            Target::Service(target) => Some(target.at.url()),
        }
    }

    /// The path of that, without its query; of a function, its name.
    pub fn short(&self) -> Option<&str> {
        match self {
            Target::Http(target) => Some(target.path()),
            Target::Mock { .. } => None,
            Target::Function(target) => Some(&target.function.name),
            Target::Service(target) => Some(target.at.path()),
        }
    }
}

/// A function, and how it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionTarget {
    /// Which function.
    pub function: Arc<Function>,
    /// Whether its answer is waited for.
    pub invocation: InvocationType,
}

/// Lambda's `X-Amz-Invocation-Type`. Source: documented ("Invoke" of the Lambda API).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InvocationType {
    /// The answer is the function's.
    #[default]
    RequestResponse,
    /// The call is queued, and the answer is empty.
    Event,
    /// Nothing is run: may it be?
    DryRun,
}

impl InvocationType {
    /// As the header says it.
    pub fn name(self) -> &'static str {
        match self {
            InvocationType::RequestResponse => "RequestResponse",
            InvocationType::Event => "Event",
            InvocationType::DryRun => "DryRun",
        }
    }

    /// The type of that name.
    pub fn of(name: &str) -> Option<InvocationType> {
        let all = [InvocationType::RequestResponse, InvocationType::Event, InvocationType::DryRun];
        all.into_iter().find(|one| one.name() == name)
    }
}

/// One call of an AWS service, beside the request's own method, headers and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceTarget {
    /// The service as signatures name it, such as `dynamodb`.
    pub service: String,
    /// Its region.
    pub region: String,
    /// AWS's own address of it, path and query.
    pub at: HttpTarget,
    /// `credentialsArn`: the role whose credentials sign the call.
    pub role: Option<String>,
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
    /// Takes an `http:` or `https:` URL apart. Its path and query stay as they are written; a fragment is dropped.
    ///
    /// # Errors
    /// A sentence that names what of it cannot be read.
    pub fn parse(text: &str) -> Result<HttpTarget, String> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| format!("`{text}` is no http or https URL"))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(format!("`{text}` is no http or https URL")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let authority = &rest[..end];
        if authority.contains('@') {
            return Err(format!("`{text}`: user names in URLs are not supported"));
        }
        let (host, port) =
            split_port(authority).ok_or_else(|| format!("`{text}`: `{authority}` is no host and port"))?;
        let port = port.unwrap_or(if tls { 443 } else { 80 });
        let path_and_query = match &rest[end..] {
            "" => "/".to_owned(),
            query if query.starts_with('?') => format!("/{query}"),
            path => path.to_owned(),
        };
        Ok(HttpTarget { tls, host, port, authority: authority.to_owned(), path_and_query, way: None })
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.path_and_query.split_once('?').map_or(&self.path_and_query, |(path, _)| path)
    }

    /// The URL in one piece, as the execution log prints it.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.path_and_query)
    }
}

fn split_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => {
            let (host, after) = v6.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, after.strip_prefix(':').or((after.is_empty()).then_some(""))?)
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~:".contains(c);
    if host.is_empty() || !host.chars().all(fits) {
        return None;
    }
    let port = if port.is_empty() { None } else { Some(port.parse().ok()?) };
    Some((host.to_owned(), port))
}

/// What a backend answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationResponse {
    /// HTTP status, or the mock's `statusCode`; of a function that of its invocation.
    pub status: u16,
    /// Its headers, as spelled by the backend.
    pub headers: Headers,
    /// Its body, whole; of a function what it gave.
    pub body: Bytes,
    /// A function was run and failed; then the body says how (`errorMessage`, `errorType`).
    pub function_failed: bool,
    /// From sending to the last byte.
    pub latency: Duration,
    /// When its parts were over, where somebody asked and the call went over HTTP.
    pub times: Option<CallTimes>,
}

/// When the parts of a call over HTTP were over, in microseconds from its beginning; of several tries, the last one's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallTimes {
    /// A connection was there: kept, or made, with the name looked up and TLS.
    pub connected: u32,
    /// The request was written.
    pub sent: u32,
    /// The answer's first bytes came.
    pub answered: u32,
}
