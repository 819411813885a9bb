//! Who may drive this gateway from a browser: nobody but its own pages.
//!
//! Nothing is authenticated on a laptop, and any web page that the developer happens to have open can send requests to it:
//! under its own name (then `Origin` or `Sec-Fetch-Site` say so), or under a name of its own that it lets lead here (DNS
//! rebinding; then `Host` says so). Programs send none of these headers, and a `Host` that is an address or localhost.

use std::net::IpAddr;

use http::{HeaderMap, Request, StatusCode, Uri, Version, header};

/// Names under which what is not the data plane is served, besides addresses and localhost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// From names, in any case, without ports.
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> AllowedHosts {
        AllowedHosts(names.into_iter().map(|name| bare(&name).to_owned()).filter(|name| !name.is_empty()).collect())
    }

    /// These, and the one that a URL names, where there is one.
    pub(crate) fn and_of(&self, url: Option<&str>) -> AllowedHosts {
        let of_url =
            url.and_then(|url| url.split_once("://")).map(|(_, rest)| rest.split('/').next().unwrap_or_default());
        AllowedHosts::new(self.0.iter().cloned().chain(of_url.map(str::to_owned)))
    }

    fn has(&self, host: &str) -> bool {
        let host = bare(host);
        is_own(&host) || self.0.contains(&host)
    }
}

/// Why a request is not answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stranger {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

fn forbidden(text: String) -> Stranger {
    Stranger { status: StatusCode::FORBIDDEN, text }
}

/// Refuses requests that a foreign page sent, and those that do not say clearly whom they are for. Pages of origins that
/// are allowed are not foreign.
///
/// # Errors
/// A sentence that names the header and its value.
pub(crate) fn check<B>(request: &Request<B>, is_allowed_origin: bool) -> Result<(), Stranger> {
    let host = host(request)?;
    if is_allowed_origin {
        return Ok(());
    }
    let headers = request.headers();
    let mut origins = headers.get_all(header::ORIGIN).iter();
    if let Some(origin) = origins.next() {
        if origins.next().is_some() {
            return Err(forbidden("the request has several Origin headers".to_owned()));
        }
        let origin = shown(origin.to_str().unwrap_or("unreadable"));
        if !is_same(&origin, &host) {
            return Err(forbidden(format!(
                "a page of {origin} may not drive this gateway (Origin is not {host}); if it is yours: --allow-origin {origin}"
            )));
        }
    }
    for site in headers.get_all("sec-fetch-site") {
        let site = shown(site.to_str().unwrap_or("unreadable"));
        if !matches!(site.as_str(), "same-origin" | "none") {
            return Err(forbidden(format!(
                "a page of another site may not drive this gateway (Sec-Fetch-Site: {site})"
            )));
        }
    }
    Ok(())
}

/// Refuses requests for what is not the data plane under a name that could be anybody's.
///
/// # Errors
/// A sentence that says how to allow the name.
pub(crate) fn check_host<B>(request: &Request<B>, allowed: &AllowedHosts) -> Result<(), Stranger> {
    let host = host(request)?;
    if host.is_empty() || allowed.has(&host) {
        return Ok(());
    }
    let name = bare(&host);
    Err(forbidden(format!(
        "this is not served under the name {name}, which any page could let lead here; if it is yours: --allow-host {name}"
    )))
}

/// Refuses what a page sends to `@connections` under a name that could be anybody's. Backends call under any name, and send
/// neither header; a browser sends `Origin` with whatever is no GET.
///
/// # Errors
/// A sentence that says how to allow the name.
pub(crate) fn check_page_host<B>(request: &Request<B>, allowed: &AllowedHosts) -> Result<(), Stranger> {
    let headers = request.headers();
    match headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site") {
        true => check_host(request, allowed),
        false => Ok(()),
    }
}

/// The host that a request is for, as written; empty only in HTTP/1.0. Source of the refusals: RFC 9112, 3.2.
fn host<B>(request: &Request<B>) -> Result<String, Stranger> {
    let bad = |text: &str| Stranger { status: StatusCode::BAD_REQUEST, text: text.to_owned() };
    let host = match header_host(request.headers()) {
        Ok(host) => host,
        Err(text) => return Err(bad(text)),
    };
    if host.is_none() && request.version() != Version::HTTP_10 {
        return Err(bad("the request has no Host header"));
    }
    let host = host.unwrap_or_default();
    match authority(request.uri()) {
        Some(authority) if !authority.eq_ignore_ascii_case(&host) => {
            Err(bad("the request names one host in its target and another in its Host header"))
        }
        _ => Ok(host),
    }
}

fn header_host(headers: &HeaderMap) -> Result<Option<String>, &'static str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let Some(host) = hosts.next() else { return Ok(None) };
    if hosts.next().is_some() {
        return Err("the request has several Host headers");
    }
    host.to_str().map(|host| Some(host.trim().to_owned())).map_err(|_| "the Host header is not ASCII")
}

fn authority(uri: &Uri) -> Option<&str> {
    uri.authority().map(http::uri::Authority::as_str)
}

/// Whether an origin is the host itself, whatever it speaks; a port that is the scheme's own may be left out.
fn is_same(origin: &str, host: &str) -> bool {
    let Some((scheme, of)) = origin.split_once("://") else { return false };
    let own_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let plain = |text: &str| text.trim_end_matches(own_port).to_ascii_lowercase();
    !of.is_empty() && plain(of) == plain(host)
}

/// A host without port, brackets and last dot, in lower case.
fn bare(host: &str) -> String {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        // An address of IPv6 without brackets has several colons and no port.
        None if host.matches(':').count() > 1 => host,
        None => match host.split_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        },
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn is_own(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost")
}

/// How much of a header's value an answer repeats.
const SHOWN_MAX: usize = 120;

fn shown(value: &str) -> String {
    value.chars().take(SHOWN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn foreign_pages_are_told_from_programs_and_own_pages() {
        let own = ("host", "127.0.0.1:4510");
        for (target, headers, status) in [
            ("/v2/apis", &[own][..], 200),
            ("/v2/apis", &[own, ("origin", "http://127.0.0.1:4510")], 200),
            ("/v2/apis", &[own, ("origin", "https://127.0.0.1:4510")], 200),
            ("/v2/apis", &[("host", "127.0.0.1"), ("origin", "http://127.0.0.1:80")], 200),
            ("/v2/apis", &[("host", "LocalHost:4510"), ("origin", "http://localhost:4510")], 200),
            ("/v2/apis", &[own, ("sec-fetch-site", "same-origin")], 200),
            ("/v2/apis", &[own, ("sec-fetch-site", "none")], 200),
            ("http://127.0.0.1:4510/v2/apis", &[own], 200),
            ("/v2/apis", &[own, ("origin", "http://evil.com")], 403),
            ("/v2/apis", &[own, ("origin", "http://127.0.0.1:4511")], 403),
            ("/v2/apis", &[own, ("origin", "http://127.0.0.1:4510.evil.com")], 403),
            ("/v2/apis", &[own, ("origin", "null")], 403),
            ("/v2/apis", &[own, ("origin", "")], 403),
            ("/v2/apis", &[own, ("origin", "http://")], 403),
            ("/v2/apis", &[own, ("origin", "file://127.0.0.1:4510")], 403),
            ("/v2/apis", &[own, ("origin", "http://127.0.0.1:4510"), ("origin", "http://evil.com")], 403),
            ("/v2/apis", &[own, ("sec-fetch-site", "cross-site")], 403),
            ("/v2/apis", &[own, ("sec-fetch-site", "same-site")], 403),
            ("/v2/apis", &[own, ("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")], 403),
            ("/v2/apis", &[], 400),
            ("/v2/apis", &[own, ("host", "evil.com")], 400),
            ("http://evil.com/v2/apis", &[own], 400),
            ("http://127.0.0.1:4510@evil.com/v2/apis", &[own], 400),
        ] {
            let result = check(&request(target, headers), false);
            let got = result.as_ref().map_or_else(|stranger| stranger.status.as_u16(), |()| 200);
            assert_eq!(got, status, "{target} {headers:?}: {result:?}");
        }
    }

    #[test]
    fn pages_of_allowed_origins_are_not_foreign_and_name_one_host_all_the_same() {
        let page = [("origin", "https://app.example.com"), ("sec-fetch-site", "cross-site")];
        let own = ("host", "127.0.0.1:4510");
        assert_eq!(check(&request("/v2/apis", &[own, page[0], page[1]]), true), Ok(()));
        assert!(check(&request("/v2/apis", &[own, page[0], page[1]]), false).is_err());
        assert!(check(&request("/v2/apis", &page), true).is_err(), "no Host");
    }

    #[test]
    fn what_is_not_the_data_plane_is_served_under_own_names_only() {
        let allowed = AllowedHosts::new(["Gateway.Internal:4510".to_owned(), String::new()]);
        for (host, passes) in [
            ("127.0.0.1:4510", true),
            ("10.1.2.3", true),
            ("[::1]:4510", true),
            ("localhost", true),
            ("localhost.:4510", true),
            ("LOCALHOST:4510", true),
            ("abc.execute-api.localhost:4510", true),
            ("gateway.internal:80", true),
            ("gateway.internal.", true),
            ("evil.com", false),
            ("evil.com:4510", false),
            ("localhost.evil.com", false),
            ("127.0.0.1.nip.io", false),
            ("127.0.0.1:4510.evil.com", false),
            ("user@localhost", false),
            ("notlocalhost", false),
            ("other.gateway.internal", false),
            ("2130706433", false),
            ("127.1", false),
        ] {
            let result = check_host(&request("/v2/apis", &[("host", host)]), &allowed);
            assert_eq!(result.is_ok(), passes, "{host}: {result:?}");
        }
        let told = check_host(&request("/", &[("host", "evil.com:1")]), &allowed).unwrap_err().text;
        assert!(told.contains("--allow-host evil.com"), "{told}");
    }

    #[test]
    fn pages_push_under_own_names_only_and_backends_under_any() {
        let allowed = AllowedHosts::new(["gateway.internal".to_owned()]).and_of(Some("https://Chat.example.com:8443"));
        for (headers, passes) in [
            (&[("host", "any.name")][..], true),
            (&[("host", "chat.example.com:8443"), ("origin", "https://chat.example.com:8443")], true),
            (&[("host", "other.example.com"), ("origin", "https://other.example.com")], false),
            (&[("host", "evil.com"), ("origin", "http://evil.com")], false),
            (&[("host", "evil.com"), ("sec-fetch-site", "same-origin")], false),
            (&[("host", "localhost:4510"), ("origin", "http://localhost:4510")], true),
            (&[("host", "gateway.internal"), ("origin", "http://gateway.internal")], true),
        ] {
            let result = check_page_host(&request("/_aws/execute-api/a/b/@connections/c", headers), &allowed);
            assert_eq!(result.is_ok(), passes, "{headers:?}: {result:?}");
        }
    }

    #[test]
    fn http_1_0_may_name_no_host() {
        let mut old = request("/_health", &[]);
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(check(&old, false), Ok(()));
        assert_eq!(check_host(&old, &AllowedHosts::default()), Ok(()));
    }
}
