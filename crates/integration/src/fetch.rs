//! Calls that no message asked for: for credentials, for the keys of an issuer.

use std::time::Duration;

use bytes::Bytes;
use types::headers::Headers;
use types::message::HttpTarget;

use crate::error::Error;
use crate::http::{self, Call, Http};

/// Such a call, but for where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Fetch<'f> {
    /// HTTP method, upper case; with `POST` and `PUT` the body is sent.
    pub method: &'static str,
    /// `Host` and `Connection` are added.
    pub headers: &'f Headers,
    /// May be empty.
    pub body: &'f Bytes,
    /// The largest answer, in bytes; that of backends holds as well.
    pub answer_bytes_max: usize,
    /// How long all of it may take.
    pub timeout: Duration,
}

impl Http {
    /// Status and body of what is answered. Redirects are answers like others. It may be sent twice, where it is unknown whether
    /// it arrived.
    ///
    /// # Errors
    /// There is no whole answer within the time, or it is too large; the text names the server.
    ///
    /// # Cancel safety
    /// It may be dropped; the connection is closed then.
    pub async fn fetch(&self, target: &HttpTarget, fetch: &Fetch<'_>) -> Result<(u16, Bytes), Error> {
        let &Fetch { method, body, answer_bytes_max, timeout, .. } = fetch;
        let mut headers = fetch.headers.clone();
        headers.set("Host", target.authority.clone());
        headers.set("Connection", "Keep-Alive");
        let carries_body = matches!(method, "POST" | "PUT");
        let call =
            Call { method, headers: &headers, body, carries_body, may_repeat: true, answer_bytes_max, clock: None };
        let answer = tokio::time::timeout(timeout, Box::pin(http::call(self, target, None, &call))).await;
        let timed_out = |_| Err(Error::timeout(target, timeout, self.names.is_asking(&target.host)));
        answer.unwrap_or_else(timed_out).map(|(status, _, body)| (status, body))
    }
}
