//! What a request says of its signature, read but not believed.

use crate::encoding::{decode, decode_text};
use crate::refusal::Refusal;
use crate::sigv4::{ALGORITHM, EXPIRES_DEFAULT, EXPIRES_MAX, Request};
use crate::time;

/// A signature as the request has it. [`Claim::check`] and [`Claim::verify`] tell whether it is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub(super) key_id: String,
    pub(super) day: String,
    pub(super) region: String,
    pub(super) service: String,
    pub(super) terminator: String,
    /// As given, with semicolons.
    pub(super) signed_headers: String,
    pub(super) signature: String,
    pub(super) token: Option<String>,
    /// When it was signed, in seconds since 1970.
    pub(super) time: u64,
    /// The same as it is signed: `20260115T120000Z`.
    pub(super) date: String,
    /// For how long it holds, in seconds, where it stands in the query.
    pub(super) expires: Option<u64>,
    pub(super) in_query: bool,
}

impl Claim {
    /// Reads the signature of a request, from its header or its query.
    ///
    /// # Errors
    /// There is none, it is of another kind, or a part of it is missing: in AWS's words.
    pub fn read(request: &Request<'_>) -> Result<Claim, Refusal> {
        let authorization = request.values("authorization").next().map(String::from_utf8_lossy);
        let several = request.values("authorization").count() > 1;
        let is_ours = |header: &str| header.strip_prefix(ALGORITHM).is_some_and(|rest| rest.starts_with([' ', ',']));
        let parameter = |name: &str| parameter(request.query, name);
        match &authorization {
            Some(header) if several => Err(Refusal::no_pair(header, header)),
            Some(header) if is_ours(header) => in_header(request, header),
            _ if parameter("X-Amz-Algorithm").or_else(|| parameter("X-Amz-Signature")).is_some() => in_query(request),
            Some(header) => Err(of_another_kind(request, header)),
            None => Err(Refusal::unsigned()),
        }
    }

    /// The id of the access key.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The Region of its scope.
    pub fn region(&self) -> &str {
        &self.region
    }
}

/// As many headers as a request may have.
const SIGNED_HEADERS_MAX: usize = 100;

const PARTS: [&str; 3] = ["Credential", "Signature", "SignedHeaders"];

fn in_header(request: &Request<'_>, header: &str) -> Result<Claim, Refusal> {
    let pairs = pairs(header, &header[ALGORITHM.len()..])?;
    let part = |name: &str| pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
    let date = date(request);
    let (Some(credential), Some(signature), Some(signed_headers), Some(date)) =
        (part(PARTS[0]), part(PARTS[1]), part(PARTS[2]), date)
    else {
        return Err(lacking(&pairs, header, date.is_some()));
    };
    let token = match request.values("x-amz-security-token").count() {
        0 => None,
        _ => Some(request.one("x-amz-security-token").unwrap_or_default().trim().to_owned()),
    };
    let time = time::from_basic(date).or_else(|| time::from_http(date));
    let found = Found { credential, signature, signed_headers, date, token };
    found.claim(time, None, false)
}

fn in_query(request: &Request<'_>) -> Result<Claim, Refusal> {
    let parameter = |name: &str| parameter(request.query, name);
    let names = ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature"];
    let [Some(algorithm), Some(credential), Some(date), Some(signed_headers), Some(signature)] = names.map(parameter)
    else {
        let missing: Vec<_> = names.into_iter().filter(|name| parameter(name).is_none()).collect();
        return Err(Refusal::parameters_missing(&missing));
    };
    if algorithm != ALGORITHM {
        return Err(Refusal::malformed(format!("Unsupported AWS 'algorithm': '{}'.", super::shown(&algorithm))));
    }
    let expires = match parameter("X-Amz-Expires") {
        None => EXPIRES_DEFAULT,
        Some(text) => {
            let seconds = text.parse::<u64>().ok().filter(|seconds| (1..=EXPIRES_MAX).contains(seconds));
            let wrong = || format!("'X-Amz-Expires' must be a whole number of seconds from 1 to {EXPIRES_MAX}.");
            // A sign in front would be a number to us and none to AWS.
            let seconds = seconds.filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
            seconds.ok_or_else(|| Refusal::malformed(wrong()))?
        }
    };
    let token = parameter("X-Amz-Security-Token");
    let found =
        Found { credential: &credential, signature: &signature, signed_headers: &signed_headers, date: &date, token };
    found.claim(time::from_basic(&date), Some(expires), true)
}

struct Found<'f> {
    credential: &'f str,
    signature: &'f str,
    signed_headers: &'f str,
    date: &'f str,
    token: Option<String>,
}

impl Found<'_> {
    fn claim(self, time: Option<u64>, expires: Option<u64>, in_query: bool) -> Result<Claim, Refusal> {
        let [key_id, day, region, service, terminator] = self.credential.split('/').collect::<Vec<_>>()[..] else {
            return Err(Refusal::malformed(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{}'.",
                super::shown(self.credential)
            )));
        };
        let Some(time) = time else {
            return Err(Refusal::malformed(format!(
                "Date must be in ISO-8601 'basic format'. Got '{}'. See http://en.wikipedia.org/wiki/ISO_8601",
                super::shown(self.date)
            )));
        };
        if !self.signed_headers.split(';').any(|name| name == "host") {
            return Err(Refusal::malformed(
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned(),
            ));
        }
        // Each is copied into what the client is told should have been signed.
        let names: Vec<_> = self.signed_headers.split(';').collect();
        let is_repeated = |(at, name): (usize, &&str)| names[..at].contains(name);
        if names.len() > SIGNED_HEADERS_MAX || names.iter().enumerate().any(is_repeated) {
            return Err(Refusal::malformed(format!(
                "'SignedHeaders' must name each header once, and at most {SIGNED_HEADERS_MAX}."
            )));
        }
        let [key_id, day, region, service, terminator] = [key_id, day, region, service, terminator].map(str::to_owned);
        let (signed_headers, signature) = (self.signed_headers.to_owned(), self.signature.to_owned());
        let token = self.token;
        Ok(Claim {
            key_id,
            day,
            region,
            service,
            terminator,
            signed_headers,
            signature,
            token,
            time,
            date: time::to_basic(time),
            expires,
            in_query,
        })
    }
}

/// The date of the header form: `X-Amz-Date`, else `Date`.
fn date<'r>(request: &Request<'r>) -> Option<&'r str> {
    request.one("x-amz-date").or_else(|| request.one("date")).map(str::trim)
}

/// The `key=value` pairs behind the algorithm; spaces may follow the commas, or none.
fn pairs<'h>(header: &str, rest: &'h str) -> Result<Vec<(&'h str, &'h str)>, Refusal> {
    let parts = rest.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').ok_or_else(|| Refusal::no_pair(part, header))).collect()
}

fn of_another_kind(request: &Request<'_>, header: &str) -> Refusal {
    let rest = header.split_once(' ').map_or(header, |(_, rest)| rest);
    match pairs(header, rest) {
        Ok(pairs) => lacking(&pairs, header, date(request).is_some()),
        Err(refusal) => refusal,
    }
}

fn lacking(pairs: &[(&str, &str)], header: &str, has_date: bool) -> Refusal {
    let missing: Vec<_> = PARTS.into_iter().filter(|part| pairs.iter().all(|(name, _)| name != part)).collect();
    Refusal::parts_missing(&missing, has_date, header)
}

/// A parameter of the query, decoded; the first of its name.
fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut named = pairs.filter(|(other, _)| *other == name || decode(other) == name.as_bytes());
    named.next().map(|(_, value)| decode_text(value))
}
