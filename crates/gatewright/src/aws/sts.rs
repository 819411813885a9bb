//! Taking a role: two operations of STS, in its query protocol.

use std::fmt::Write;
use std::time::Duration;

use auth::{SigningCredentials, SigningKeys, SigningScope};
use bytes::Bytes;
use integration::{Fetch, Http, ServicePlace};
use types::arn::domain;
use types::headers::Headers;
use types::message::HttpTarget;

use crate::aws::chain::key;
use crate::aws::served::seconds;
use crate::aws::{Key, cache};

/// How long STS may take.
const TIME_MAX: Duration = Duration::from_secs(10);
/// How large its answer may be, and how much of what it says is repeated.
const BYTES_MAX: usize = 64 * 1024;
const SAID_CHARS_MAX: usize = 300;

/// One STS.
pub(super) struct Sts<'s> {
    pub(super) http: &'s Http,
    pub(super) place: &'s ServicePlace,
    pub(super) region: &'s str,
}

/// Which role, for what session.
pub(super) struct Ask<'a> {
    pub(super) role: &'a str,
    pub(super) session: &'a str,
    /// Other parameters.
    pub(super) more: &'a [(&'static str, String)],
}

impl Sts<'_> {
    /// Takes a role with a key.
    ///
    /// # Errors
    /// A sentence that names role and STS, and what that said.
    pub(super) async fn assume_role(&self, ask: &Ask<'_>, own: &SigningCredentials) -> Result<Key, String> {
        self.call("AssumeRole", ask, &[], Some(own)).await
    }

    /// Takes a role with another's word for who this is.
    ///
    /// # Errors
    /// As above.
    pub(super) async fn assume_role_with_web_identity(&self, ask: &Ask<'_>, token: &str) -> Result<Key, String> {
        self.call("AssumeRoleWithWebIdentity", ask, &[("WebIdentityToken", token)], None).await
    }

    async fn call(
        &self,
        action: &str,
        ask: &Ask<'_>,
        more: &[(&str, &str)],
        own: Option<&SigningCredentials>,
    ) -> Result<Key, String> {
        let failed = |what: String| format!("cannot assume the role {}: {what}", ask.role);
        let target = self.target().map_err(failed)?;
        let first =
            [("Action", action), ("Version", "2011-06-15"), ("RoleArn", ask.role), ("RoleSessionName", ask.session)];
        let rest = ask.more.iter().map(|(name, value)| (*name, value.as_str()));
        let body = Bytes::from(form(first.into_iter().chain(rest).chain(more.iter().copied())));
        let mut headers = Headers::new();
        headers.append("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
        headers.append("Host", target.authority.clone());
        if let Some(own) = own {
            let given = headers.iter().map(|(name, value)| (name, value.as_bytes())).collect();
            let request = auth::Request { method: "POST", path: target.path(), query: "", headers: given };
            let scope = SigningScope { region: self.region, service: "sts" };
            let signed = auth::sign(&request, &body, scope, own, &SigningKeys::default(), cache::now());
            signed.into_iter().for_each(|(name, value)| headers.set(name, value));
        }
        let fetch =
            Fetch { method: "POST", headers: &headers, body: &body, answer_bytes_max: BYTES_MAX, timeout: TIME_MAX };
        let (status, answer) = self.http.fetch(&target, &fetch).await.map_err(|error| failed(error.to_string()))?;
        let text = String::from_utf8_lossy(&answer);
        if status != 200 {
            let said =
                |name: &str| element(&text, name).map(|said| said.chars().take(SAID_CHARS_MAX).collect::<String>());
            let said = [said("Code"), said("Message")].into_iter().flatten().collect::<Vec<_>>().join(": ");
            return Err(failed(format!("{} answers {status} {said}", target.authority).trim_end().to_owned()));
        }
        let lacks = |name: &str| failed(format!("the answer of {} has no {name}", target.authority));
        let part = |name: &'static str| element(&text, name).ok_or_else(|| lacks(name));
        let expires = seconds(&part("Expiration")?).map_err(|error| failed(format!("the answer has an {error}")))?;
        Ok(key(part("AccessKeyId")?, part("SecretAccessKey")?, Some(part("SessionToken")?), Some(expires)))
    }

    fn target(&self) -> Result<HttpTarget, String> {
        let url = match self.place {
            ServicePlace::At(endpoint) => format!("{endpoint}/"),
            ServicePlace::Aws => {
                let partition = if self.region.starts_with("cn-") { "aws-cn" } else { "aws" };
                format!("https://sts.{}.{}/", self.region, domain(partition))
            }
        };
        HttpTarget::parse(&url)
    }
}

fn form<'f>(pairs: impl Iterator<Item = (&'f str, &'f str)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out += name;
        out.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

// The text of the first element of that name: the answers are flat enough for that.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let text = text.trim().replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#x27;", "'");
    Some(text.replace("&#39;", "'").replace("&apos;", "'").replace("&amp;", "&"))
}
