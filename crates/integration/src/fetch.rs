//! A document that the gateway itself asks for, such as the keys of an issuer.

use std::time::Duration;

use bytes::Bytes;
use types::headers::Headers;
use types::message::HttpTarget;

use crate::error::Error;
use crate::http::{self, Call, Http};

impl Http {
    /// Status and body of what a GET of a JSON document answers. Redirects are answers like others.
    ///
    /// # Errors
    /// There is no whole answer within the time, or it is larger than `bytes_max`; the text names the server.
    ///
    /// # Cancel safety
    /// It may be dropped; the connection is closed then.
    pub async fn get(&self, target: &HttpTarget, bytes_max: usize, timeout: Duration) -> Result<(u16, Bytes), Error> {
        let headers = [
            ("Accept", "application/json"),
            ("User-Agent", "gatewright"),
            ("Host", &target.authority),
            ("Connection", "Keep-Alive"),
        ];
        let headers: Headers = headers.map(|(name, value)| (name, value.to_owned())).into_iter().collect();
        let call = Call {
            method: "GET",
            headers: &headers,
            body: &Bytes::new(),
            carries_body: false,
            may_repeat: true,
            answer_bytes_max: bytes_max,
        };
        let answer = tokio::time::timeout(timeout, http::call(self, target, None, &call)).await;
        let timed_out = |_| Err(Error::timeout(target, timeout, self.names.is_asking(&target.host)));
        let (status, _, body) = answer.unwrap_or_else(timed_out)?;
        Ok((status, body))
    }
}
