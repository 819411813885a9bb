//! AWS's Signature Version 4: whether a request bears the signature of an access key, in a header or in the query, and such
//! a signature for a request that goes out.
//!
//! Source: documented (the algorithm), observed (how clients encode paths, and the server's own error texts);
//! docs/aws/auth.md 2.

mod canonical;
mod claim;
mod keys;
mod sign;

use ring::{digest, hmac};

use crate::credentials::{AccessKey, Credentials};
use crate::encoding::{from_hex, hex};
use crate::refusal::Refusal;
use crate::time;
use canonical::Canonical;

pub use claim::Claim;
pub use keys::SigningKeys;
pub use sign::{SigningCredentials, SigningScope, sign};

/// The one algorithm; these services' clients know no other.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// What a scope ends with.
const TERMINATOR: &str = "aws4_request";
/// How far a client's clock may be off, in seconds. Observed.
const SKEW: u64 = 300;
/// How long a signature in the query holds that does not say it, in seconds: the documented hand-made URL has none.
/// Inferred.
const EXPIRES_DEFAULT: u64 = 300;
/// The longest that a signature in the query may hold, in seconds: a week. Documented.
const EXPIRES_MAX: u64 = 604_800;
/// What stands for the body's hash where the body is not signed.
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// The service whose paths are encoded once, and which wants the body's hash in a header. Source: documented.
const S3: &str = "s3";
/// What stands for the hash of a body that comes in pieces, each signed or not; theirs are not looked at. Source: documented.
const STREAMED_PAYLOAD: &str = "STREAMING-";
/// The header with the hash of the body.
const PAYLOAD_HEADER: &str = "x-amz-content-sha256";

/// The head of a request, as it arrived.
#[derive(Clone, Debug)]
pub struct Request<'r> {
    /// `GET`.
    pub method: &'r str,
    /// The path, not decoded, without the query.
    pub path: &'r str,
    /// The query, not decoded, without `?`.
    pub query: &'r str,
    /// All headers, in any case; those of one name in the order in which they came.
    pub headers: Vec<(&'r str, &'r [u8])>,
}

impl<'r> Request<'r> {
    /// The values of a header, by its name in any case.
    fn values(&self, name: &str) -> impl Iterator<Item = &'r [u8]> {
        self.headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// The value of a header that may stand there once.
    fn one(&self, name: &str) -> Option<&'r str> {
        let mut values = self.values(name);
        let value = values.next().and_then(|value| std::str::from_utf8(value).ok());
        value.filter(|_| values.next().is_none())
    }
}

/// What a signature has to be for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'e> {
    /// `execute-api` or `apigateway`.
    pub service: &'e str,
    /// Whether the request is an opening handshake, whose payload may be signed as `UNSIGNED-PAYLOAD` without saying so.
    /// Inferred.
    pub is_handshake: bool,
}

impl Claim {
    /// All that can be known without the body: scope, time, key and session token. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// What AWS says of a signature for another service or day, too old or too new, of an unknown key, or with a session
    /// token that is not the key's.
    pub fn check<'k>(&self, expected: Expected<'_>, now: u64, keys: &'k Credentials) -> Result<&'k AccessKey, Refusal> {
        if self.terminator != TERMINATOR {
            // Inferred, as the others but for the service's.
            return Err(Refusal::out_of_scope(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}'. "
            )));
        }
        if self.service != expected.service {
            // Observed.
            let service = expected.service;
            return Err(Refusal::out_of_scope(format!(
                "Credential should be scoped to correct service: '{service}'. "
            )));
        }
        let date = self.date.as_str();
        if !date.starts_with(&self.day) || self.day.len() != 8 {
            return Err(Refusal::out_of_scope(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}', from \
                 '{date}'.",
                shown(&self.day),
                &date[..8]
            )));
        }
        self.check_time(now, date)?;
        let Some(key) = keys.get(&self.key_id) else {
            return Err(Refusal::unknown_key(&self.key_id, "there is none of this id"));
        };
        match (&key.session_token, &self.token) {
            (None, None) => {}
            (Some(own), Some(token)) if own.is(token) => {}
            (Some(_), None) => return Err(Refusal::unknown_key(&key.id, "the request lacks its session token")),
            (Some(_), Some(_)) => return Err(Refusal::unknown_key(&key.id, "the session token is another one")),
            (None, Some(_)) => {
                return Err(Refusal::unknown_key(&key.id, "the request bears a session token, and the key has none"));
            }
        }
        if key.expires.is_some_and(|expires| i64::try_from(now).is_ok_and(|now| now >= expires)) {
            return Err(Refusal::expired_token(&key.id));
        }
        Ok(key)
    }

    fn check_time(&self, now: u64, date: &str) -> Result<(), Refusal> {
        let holds = self.expires.unwrap_or(SKEW);
        if now > self.time.saturating_add(holds) {
            // Observed, for headers.
            let (then, now) = (time::to_basic(now.saturating_sub(holds)), time::to_basic(now));
            let minutes = holds / 60;
            return Err(Refusal::out_of_scope(format!(
                "Signature expired: {date} is now earlier than {then} ({now} - {minutes} min.)"
            )));
        }
        if self.time > now.saturating_add(SKEW) {
            // Inferred.
            let (then, now) = (time::to_basic(now + SKEW), time::to_basic(now));
            return Err(Refusal::out_of_scope(format!(
                "Signature not yet current: {date} is still later than {then} ({now} + {} min.)",
                SKEW / 60
            )));
        }
        Ok(())
    }

    /// Whether the signature is the key's, and of this request. Compared in constant time.
    ///
    /// # Errors
    /// AWS's text, with the string that should have been signed.
    pub fn verify(
        &self,
        request: &Request<'_>,
        body: &[u8],
        expected: Expected<'_>,
        key: &AccessKey,
        signing_keys: &SigningKeys,
    ) -> Result<(), Refusal> {
        let scope = format!("{}/{}/{}/{TERMINATOR}", self.day, self.region, self.service);
        let cached = format!("{}/{scope}", key.id);
        let (signing_key, is_new) = match signing_keys.get(&cached) {
            Some(signing_key) => (signing_key, false),
            None => (keys::derive(&key.secret, &self.day, &self.region, &self.service), true),
        };
        let hash = hex(digest::digest(&digest::SHA256, body).as_ref());
        let said = request.one(PAYLOAD_HEADER);
        let is_s3 = expected.service == S3;
        let payload = match said {
            Some(UNSIGNED_PAYLOAD) => UNSIGNED_PAYLOAD,
            Some(said) if is_s3 && said.starts_with(STREAMED_PAYLOAD) => said,
            None if is_s3 && self.in_query => UNSIGNED_PAYLOAD,
            _ => hash.as_str(),
        };
        let canonical = Canonical::new(request, self, payload);
        let to_sign = self.string_to_sign(&scope, &canonical.text());
        let signature = from_hex(&self.signature);
        let fits = |to_sign: &str| {
            signature.is_some_and(|signature| hmac::verify(&signing_key, to_sign.as_bytes(), &signature).is_ok())
        };
        let is_complete = canonical.has_all_headers && said.is_none_or(|said| said == payload);
        let fits_otherwise = || {
            let others = canonical.others(request, self, expected.is_handshake && body.is_empty());
            others.iter().any(|text| fits(&self.string_to_sign(&scope, text)))
        };
        if !is_complete || !(fits(&to_sign) || fits_otherwise()) {
            return Err(Refusal::wrong_signature(&key.id, &canonical.text(), &to_sign));
        }
        // Only what a right signature needed is kept, so that nobody else fills the place.
        if is_new {
            signing_keys.keep(cached, signing_key);
        }
        Ok(())
    }

    fn string_to_sign(&self, scope: &str, canonical: &[u8]) -> String {
        let hash = hex(digest::digest(&digest::SHA256, canonical).as_ref());
        [ALGORITHM, &self.date, scope, &hash].join("\n")
    }
}

/// How much of what a caller sent an answer repeats where AWS does.
const SHOWN_CHARS_MAX: usize = 64;

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}
