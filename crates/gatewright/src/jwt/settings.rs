//! `[jwt."ISSUER"]` of the settings file: which tokens of an issuer let in, and where its keys are.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use auth::jwt::Expected;
use serde::Deserialize;
use types::message::HttpTarget;
use types::nearest::nearest;

use super::place::TokenPlace;
use crate::config::{Said, SettingKind};
use crate::origin::Origin;

/// Where tokens are looked for where nobody says. No cookie: browsers send those with what foreign pages do.
pub(super) const PLACES: [&str; 3] = ["header:Authorization", "subprotocol", "query:token"];
/// The claim that says who it is where nobody names one.
const PRINCIPAL: &str = "sub";
/// What an issuer may have, all names of the table.
const NAMES: [&str; 5] = ["audiences", "jwks", "principal", "scopes", "token"];

/// Where an issuer says where its keys are (OpenID Connect Discovery), and where they are if it does not.
const CONFIGURATION: &str = "/.well-known/openid-configuration";
const FALLBACK: &str = "/.well-known/jwks.json";

/// An issuer as the file has it: `[jwt."https://issuer.example.com"]`.
#[derive(Debug, Deserialize)]
pub(crate) struct Filed {
    audiences: Option<Vec<String>>,
    principal: Option<String>,
    scopes: Option<Vec<String>>,
    token: Option<Vec<String>>,
    jwks: Option<String>,
    #[serde(flatten)]
    unknown: BTreeMap<String, toml::Value>,
}

/// An issuer's settings, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// What its tokens must claim.
    pub(super) expected: Expected,
    /// The claim that becomes `principalId`.
    pub(super) principal: String,
    /// Where tokens are looked for, in order.
    pub(super) places: Vec<TokenPlace>,
    pub(super) keys: KeysAt,
}

/// Where an issuer's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeysAt {
    /// Where the issuer's configuration says; where it has none, at the second address.
    Discovered {
        configuration: HttpTarget,
        fallback: HttpTarget,
    },
    Url(HttpTarget),
    File(PathBuf),
}

/// Checks the issuers.
///
/// # Errors
/// One sentence that names the file, the issuer and what would fit.
pub(crate) fn read(file: &Path, filed: BTreeMap<String, Filed>) -> Result<BTreeMap<String, Settings>, String> {
    let issuer = |(name, filed): (String, Filed)| {
        let settings = settings(&name, filed)
            .map_err(|error| format!("settings file {}: [jwt.\"{name}\"]: {error}", file.display()))?;
        Ok((name, settings))
    };
    filed.into_iter().map(issuer).collect()
}

/// The issuers as lines of `gatewright config`.
pub(crate) fn said(issuers: &BTreeMap<String, Settings>, file: &Path) -> Vec<Said> {
    let line = |(name, settings): (&String, &Settings)| {
        let (name, text) = (format!("jwt {name}"), settings.expected.audiences.join(" "));
        Said { name, kind: SettingKind::Tables, text, origin: Origin::File(file.to_owned()) }
    };
    issuers.iter().map(line).collect()
}

fn settings(issuer: &str, filed: Filed) -> Result<Settings, String> {
    let Filed { audiences, principal, scopes, token, jwks, unknown } = filed;
    if let Some(name) = unknown.keys().next() {
        let meant = match nearest(name, NAMES) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("there are {}", NAMES.join(", ")),
        };
        return Err(format!("`{name}` is not known; {meant}"));
    }
    let at = issuer_url(issuer)?;
    let audiences = audiences.unwrap_or_default();
    if audiences.is_empty() {
        return Err(
            "audiences is missing: without it a token that the issuer made for another application would let in \
                    here, such as audiences = [\"my-client-id\"]"
                .to_owned(),
        );
    }
    if audiences.iter().any(String::is_empty) {
        return Err("audiences: one of them is empty".to_owned());
    }
    let scopes = scopes.unwrap_or_default();
    if scopes.iter().any(|scope| scope.is_empty() || scope.contains(' ')) {
        return Err("scopes: each is a text of its own, without spaces".to_owned());
    }
    let principal = principal.unwrap_or_else(|| PRINCIPAL.to_owned());
    if principal.is_empty() {
        return Err("principal is empty; it names a claim, such as sub".to_owned());
    }
    let places = token.unwrap_or_else(|| PLACES.map(str::to_owned).to_vec());
    if places.is_empty() {
        return Err(format!("token is empty; it takes places, such as \"{}\"", PLACES.join("\", \"")));
    }
    let places = places.iter().map(|text| TokenPlace::parse(text).map_err(|error| format!("token: {error}")));
    let keys = match jwks {
        None => KeysAt::Discovered { configuration: below(&at, CONFIGURATION), fallback: below(&at, FALLBACK) },
        Some(url) if url.contains("://") => {
            KeysAt::Url(HttpTarget::parse(&url).and_then(protected).map_err(|error| format!("jwks: {error}"))?)
        }
        Some(path) if path.is_empty() => return Err("jwks is empty; it is a URL or the path of a file".to_owned()),
        Some(path) => KeysAt::File(PathBuf::from(path)),
    };
    let expected = Expected { issuer: issuer.to_owned(), audiences, scopes };
    Ok(Settings { expected, principal, places: places.collect::<Result<_, _>>()?, keys })
}

// Its own name is an address: that is what `jwt:` takes, and where its keys are found.
fn issuer_url(issuer: &str) -> Result<HttpTarget, String> {
    let fits = issuer.bytes().all(|byte| byte.is_ascii_graphic()) && !issuer.contains(['?', '#']);
    let bad = |_| "the issuer is no URL, such as https://issuer.example.com".to_owned();
    let at = HttpTarget::parse(issuer).map_err(bad)?;
    if fits { protected(at) } else { Err("the issuer is a URL without spaces, query and fragment".to_owned()) }
}

fn below(at: &HttpTarget, path: &str) -> HttpTarget {
    let path_and_query = format!("{}{path}", at.path_and_query.trim_end_matches('/'));
    HttpTarget { path_and_query, ..at.clone() }
}

/// Only what nobody on the way can change: whoever can change keys can let himself in.
///
/// # Errors
/// It is neither https nor on this machine, or no path as it goes over the wire.
pub(super) fn protected(at: HttpTarget) -> Result<HttpTarget, String> {
    if !at.path_and_query.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it has a letter that cannot stand in an address".to_owned());
    }
    let is_here = || at.host == "localhost" || at.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if at.tls || is_here() {
        return Ok(at);
    }
    Err(format!(
        "`{}` is not https, so that whoever is on the way could change the keys; http is for this machine",
        at.url()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(issuer: &str, text: &str) -> Result<Settings, String> {
        settings(issuer, toml::from_str(text).unwrap())
    }

    #[test]
    fn an_issuer_needs_no_more_than_an_audience() {
        let settings = one("https://issuer.example.com/pool/", "audiences = [\"chat\"]").unwrap();
        assert_eq!(settings.expected.issuer, "https://issuer.example.com/pool/");
        assert_eq!((settings.principal.as_str(), &settings.expected.audiences[..]), ("sub", &["chat".to_owned()][..]));
        let KeysAt::Discovered { configuration, fallback } = settings.keys else { panic!("discovered") };
        assert_eq!(configuration.url(), "https://issuer.example.com/pool/.well-known/openid-configuration");
        assert_eq!(fallback.url(), "https://issuer.example.com/pool/.well-known/jwks.json");
        assert_eq!(settings.places.len(), 3);
        let all = "audiences = [\"a\", \"b\"]\nprincipal = \"email\"\nscopes = [\"chat\"]\ntoken = [\"cookie:sid\"]\n";
        let settings = one("http://127.0.0.1:9000", &format!("{all}jwks = \"keys.json\"")).unwrap();
        assert_eq!((settings.principal.as_str(), settings.keys), ("email", KeysAt::File("keys.json".into())));
        assert_eq!(settings.places, [TokenPlace::Cookie("sid".to_owned())]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let https = "https://i.example.com";
        for (issuer, text, part) in [
            (https, "", "audiences is missing: without it a token that the issuer made for another application"),
            (https, "audiences = []", "audiences is missing"),
            (https, "audiences = [\"\"]", "one of them is empty"),
            (https, "audience = [\"a\"]", "`audience` is not known; did you mean `audiences`?"),
            (https, "audiences = [\"a\"]\nzzz = 1", "there are audiences, jwks, principal, scopes, token"),
            (https, "audiences = [\"a\"]\ntoken = []", "token is empty"),
            (https, "audiences = [\"a\"]\ntoken = [\"headers:X\"]", "`headers:X` is no place (header?)"),
            (https, "audiences = [\"a\"]\ntoken = [\"header\"]", "`header` is no place"),
            (https, "audiences = [\"a\"]\ntoken = [\"subprotocol:x\"]", "`subprotocol:x` is no place"),
            (https, "audiences = [\"a\"]\nscopes = [\"a b\"]", "without spaces"),
            (https, "audiences = [\"a\"]\nprincipal = \"\"", "principal is empty"),
            (https, "audiences = [\"a\"]\njwks = \"\"", "jwks is empty"),
            (https, "audiences = [\"a\"]\njwks = \"http://10.0.0.1/keys\"", "`http://10.0.0.1/keys` is not https"),
            (https, "audiences = [\"a\"]\njwks = \"ftp://h/keys\"", "no http or https URL"),
            (https, "audiences = [\"a\"]\njwks = \"https://h/k\\r\\nX: y\"", "jwks: it has a letter that cannot stand"),
            ("http://issuer.example.com", "audiences = [\"a\"]", "is not https"),
            ("http://localhost.example.com", "audiences = [\"a\"]", "is not https"),
            ("http://127.0.0.1.example.com", "audiences = [\"a\"]", "is not https"),
            ("issuer", "audiences = [\"a\"]", "the issuer is no URL"),
            ("https://i.example.com/?a=b", "audiences = [\"a\"]", "without spaces, query"),
        ] {
            let said = one(issuer, text).unwrap_err();
            assert!(said.contains(part), "{issuer} {text}: {said}");
        }
    }
}
