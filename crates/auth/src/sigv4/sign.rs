//! Signs a request as AWS's services want it: the header form of Signature Version 4.

use ring::{digest, hmac};

use crate::encoding::hex;
use crate::secret::Secret;
use crate::sigv4::{ALGORITHM, PAYLOAD_HEADER, Request, S3, SigningKeys, TERMINATOR, canonical, keys};
use crate::time;

/// What this signature puts beside others of its names.
const OWN_HEADERS: [&str; 4] = ["authorization", "x-amz-date", "x-amz-security-token", PAYLOAD_HEADER];

/// An access key to sign with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningCredentials {
    /// Such as `AKIDEXAMPLE`.
    pub key_id: String,
    /// Its secret.
    pub secret: Secret,
    /// What a temporary key comes with.
    pub token: Option<Secret>,
}

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningScope<'s> {
    /// Such as `us-east-1`.
    pub region: &'s str,
    /// As signatures name it, such as `sqs`.
    pub service: &'s str,
}

/// The headers that make a request a signed one; they take the place of others of their names.
///
/// Signed are `Host`, `Content-Type`, every `X-Amz-…` header, and the body. `now` is in seconds since 1970; the request holds
/// for five minutes from then. `keys` spares deriving the same one again; it is of these credentials alone. Source: documented ("Signature Version 4 for API requests").
pub fn sign(
    request: &Request<'_>,
    body: &[u8],
    scope: SigningScope<'_>,
    credentials: &SigningCredentials,
    keys: &SigningKeys,
    now: u64,
) -> Vec<(&'static str, String)> {
    let date = time::to_basic(now);
    let payload = hex(digest::digest(&digest::SHA256, body).as_ref());
    let mut own = vec![("X-Amz-Date", date.clone())];
    own.extend(credentials.token.iter().map(|token| ("X-Amz-Security-Token", token.text().to_owned())));
    if scope.service == S3 {
        own.push(("X-Amz-Content-Sha256", payload.clone()));
    }
    let given = request.headers.iter().filter(|(name, _)| !OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()));
    let headers = given.copied().chain(own.iter().map(|(name, value)| (*name, value.as_bytes())));
    let signed = Request { headers: headers.collect(), ..request.clone() };
    let names = signed_headers(&signed);
    let canonical = canonical::to_sign(&signed, &names, &payload, scope.service == S3);
    let scope_text = format!("{}/{}/{}/{TERMINATOR}", &date[..8], scope.region, scope.service);
    let hash = hex(digest::digest(&digest::SHA256, &canonical).as_ref());
    let to_sign = format!("{ALGORITHM}\n{date}\n{scope_text}\n{hash}");
    let cached = format!("{}/{scope_text}", credentials.key_id);
    let key = keys.get(&cached).unwrap_or_else(|| {
        let key = keys::derive(&credentials.secret, &date[..8], scope.region, scope.service);
        keys.keep(cached, key.clone());
        key
    });
    let signature = hex(hmac::sign(&key, to_sign.as_bytes()).as_ref());
    let authorization = format!(
        "{ALGORITHM} Credential={}/{scope_text}, SignedHeaders={names}, Signature={signature}",
        credentials.key_id
    );
    own.push(("Authorization", authorization));
    own
}

// `content-type;host;x-amz-date`: what a proxy on the way may change is left out, as AWS's own tools do.
fn signed_headers(request: &Request<'_>) -> String {
    let names = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
    let mut names: Vec<_> =
        names.filter(|name| name == "host" || name == "content-type" || name.starts_with("x-amz-")).collect();
    names.sort();
    names.dedup();
    names.join(";")
}
