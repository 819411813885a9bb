//! Credentials that are served on the machine: to a container, and to an instance (its metadata service, version 2).

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use integration::{Fetch, Http};
use serde::Deserialize;
use types::headers::Headers;
use types::message::HttpTarget;

use crate::aws::Key;
use crate::aws::chain::key;
use crate::aws::environment::{Environment, read};

pub(super) const CONTAINER: [&str; 2] =
    ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
pub(super) const METADATA_ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
pub(super) const METADATA_DISABLED: &str = "AWS_EC2_METADATA_DISABLED";

/// Where containers are served, and instances. Source: documented.
const CONTAINER_HOST: &str = "http://169.254.170.2";
const METADATA_HOSTS: [&str; 2] = ["http://169.254.169.254", "http://[fd00:ec2::254]"];
/// Beside loopback, those to whom a container's request may go in clear. Source: documented.
const CLEAR_HOSTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
/// How long one answer may take: they are made next door. Where there is no such service, nobody answers at all.
const METADATA_TIME: Duration = Duration::from_secs(1);
const CONTAINER_TIME: Duration = Duration::from_secs(5);
/// How long a metadata token holds, in seconds; it is used at once.
const TOKEN_SECONDS: &str = "60";
/// How large a document of credentials may be, and a token.
const BYTES_MAX: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

/// Where a container's credentials are; none where no variable says so.
///
/// # Errors
/// The address is none to which such a request may go.
pub(super) fn container(environment: &Environment) -> Result<Option<HttpTarget>, String> {
    if let Some(path) = environment.get(CONTAINER[0]) {
        let url = format!("{CONTAINER_HOST}/{}", path.trim_start_matches('/'));
        return HttpTarget::parse(&url).map(Some).map_err(|error| format!("{}: {error}", CONTAINER[0]));
    }
    let Some(url) = environment.get(CONTAINER[1]) else { return Ok(None) };
    let at = HttpTarget::parse(&url).map_err(|error| format!("{}: {error}", CONTAINER[1]))?;
    let is_near = at.host == "localhost"
        || at.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || CLEAR_HOSTS.contains(&at.host.as_str());
    if !at.tls && !is_near {
        return Err(format!("{}: {} is not on this machine, and the URL is not https", CONTAINER[1], at.host));
    }
    Ok(Some(at))
}

/// Asks for a container's credentials.
pub(super) async fn fetch_container(http: &Http, environment: &Environment, at: &HttpTarget) -> Result<Key, String> {
    let mut headers = Headers::new();
    headers.append("Accept", "application/json");
    let file = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
    let token = match environment.get(file) {
        Some(path) => Some(read(&path, BYTES_MAX as u64).map_err(|error| format!("{file}: {path} {error}"))?),
        None => environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    };
    if let Some(token) = token {
        headers.append("Authorization", in_header(&token).ok_or("the container's token cannot stand in a header")?);
    }
    let body = ask(http, "GET", at, &headers, CONTAINER_TIME).await;
    let body = body.map_err(|error| format!("the container's credentials: {error}"))?;
    document(&body).map_err(|error| format!("the container's credentials at {}: {error}", at.authority))
}

/// Asks the instance's metadata service, version 2 only.
pub(super) async fn fetch_metadata(http: &Http, environment: &Environment) -> Result<Key, String> {
    let mode = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").unwrap_or_default();
    let host = METADATA_HOSTS[usize::from(mode.eq_ignore_ascii_case("ipv6"))];
    let root = environment.get(METADATA_ENDPOINT).unwrap_or_else(|| host.to_owned());
    let root = root.trim_end_matches('/');
    let failed = |error: String| format!("instance metadata: {error}");
    let at = |path: &str| HttpTarget::parse(&format!("{root}/latest/{path}")).map_err(failed);
    let ttl = [("X-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS)].into_iter().collect();
    let token = ask(http, "PUT", &at("api/token")?, &ttl, METADATA_TIME).await.map_err(failed)?;
    let token = std::str::from_utf8(&token).ok().and_then(in_header);
    let token = token.ok_or_else(|| failed("its token cannot stand in a header".to_owned()))?;
    let headers = [("X-aws-ec2-metadata-token", token)].into_iter().collect();
    let roles = "meta-data/iam/security-credentials/";
    let named = ask(http, "GET", &at(roles)?, &headers, METADATA_TIME).await.map_err(failed)?;
    let named = String::from_utf8_lossy(&named);
    let role = named.lines().next().unwrap_or_default().trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    if role.is_empty() || !role.chars().all(fits) {
        return Err(failed("the instance has no role".to_owned()));
    }
    let body = ask(http, "GET", &at(&format!("{roles}{role}"))?, &headers, METADATA_TIME).await.map_err(failed)?;
    document(&body).map_err(failed)
}

async fn ask(
    http: &Http,
    method: &'static str,
    at: &HttpTarget,
    headers: &Headers,
    timeout: Duration,
) -> Result<Bytes, String> {
    let fetch = Fetch { method, headers, body: &Bytes::new(), answer_bytes_max: BYTES_MAX, timeout };
    let (status, body) = http.fetch(at, &fetch).await.map_err(|error| error.to_string())?;
    match status {
        200 => Ok(body),
        // What it says could hold what it was sent.
        _ => Err(format!("{} answers {method} {} with status {status}", at.authority, at.path())),
    }
}

fn document(body: &Bytes) -> Result<Key, String> {
    // A parser's error could repeat what was read.
    let wrong = |_| "the answer is no JSON with AccessKeyId and SecretAccessKey".to_owned();
    let Document { access_key_id, secret_access_key, token, expiration } =
        serde_json::from_slice(body).map_err(wrong)?;
    let expires = expiration.as_deref().map(seconds).transpose()?;
    Ok(key(access_key_id, secret_access_key, token, expires))
}

fn in_header(token: &str) -> Option<String> {
    let token = token.trim();
    token.bytes().all(|byte| (b' '..=b'~').contains(&byte)).then(|| token.to_owned())
}

/// When credentials expire, in seconds since 1970.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let seconds = auth::seconds_from_iso(text).and_then(|seconds| u64::try_from(seconds).ok());
    seconds.ok_or_else(|| "Expiration that is no time".to_owned())
}
