//! Which API and stage a request names: by host or by path.

use std::net::Ipv4Addr;

use mapping::Plan;
use types::account::DomainName;
use types::resources::Map;
use types::snapshot::StageKey;

/// The path form that needs no name resolution. Ours; LocalStack has the same.
pub(crate) const PATH_FORM: &str = "/_aws/execute-api/";

/// A request of the data plane, by its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The API and stage; the stage may be empty.
    pub key: StageKey,
    /// What follows the stage.
    pub below: Below,
    /// Whether a custom domain name led here.
    pub by_custom_domain: bool,
    /// `$context.domainName`: with `/{stage}` behind it, the address of the callback in the form the client used.
    pub domain_name: String,
}

/// What an address names below its stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Below {
    /// Nothing: the place where WebSockets are opened.
    Nothing,
    /// `@connections/{id}`; the id is decoded but not checked.
    Connection(String),
    /// `@connections`: many connections at once, in the extended dialect.
    Connections,
    /// Anything else, decoded, with a slash in front: the extended dialect lets WebSockets be opened there.
    Path(String),
}

impl Address {
    /// Reads host and path (without the query). `None`: no address of the data plane.
    ///
    /// The SDKs send `@connections` as it is or as `%40connections`, and the id's `=` as `%3D` or as it is
    /// (observed), so each segment is decoded once.
    pub(crate) fn read(host: &str, path: &str, domains: &Map<DomainName>) -> Option<Address> {
        let (api_id, segments, domain_name) = match path.strip_prefix(PATH_FORM) {
            Some(rest) => {
                let (api_id, segments) = rest.split_once('/').unwrap_or((rest, ""));
                (api_id, segments, format!("{host}{PATH_FORM}{api_id}"))
            }
            None => {
                let path = path.strip_prefix('/').unwrap_or(path);
                match custom_domain(host, domains) {
                    Some(domain) => return Some(below_domain(host, path, domain)),
                    None => (by_host(host)?, path, host.to_owned()),
                }
            }
        };
        let mut segments = segments.split('/').map(decode);
        let stage = segments.next().unwrap_or_default();
        let below = below(&segments.collect::<Vec<_>>());
        let key = StageKey { api_id: api_id.to_ascii_lowercase(), stage };
        Some(Address { key, below, by_custom_domain: false, domain_name })
    }

    /// Whether this address leads to the plan's stage: its default host and path may be switched off.
    pub(crate) fn reaches(&self, plan: &Plan) -> bool {
        self.by_custom_domain || plan.default_endpoint
    }
}

// A trailing slash is accepted (documented).
fn below(segments: &[String]) -> Below {
    match segments {
        [] => Below::Nothing,
        [empty] if empty.is_empty() => Below::Nothing,
        [at, id] if at == "@connections" && !id.is_empty() => Below::Connection(id.clone()),
        [at] if at == "@connections" => Below::Connections,
        path => Below::Path(format!("/{}", path.join("/"))),
    }
}

/// The custom domain name that a host is: itself, else the wildcard above it, which stands for one label.
pub(crate) fn custom_domain<'d>(host: &str, domains: &'d Map<DomainName>) -> Option<&'d DomainName> {
    if domains.is_empty() {
        return None;
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    // A name like an address would take the control plane away, which is reached there. The last dot is DNS's root.
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    if name.parse::<Ipv4Addr>().is_ok() {
        return None;
    }
    domains.get(&name).or_else(|| domains.get(&format!("*.{}", name.split_once('.')?.1)))
}

/// The first segment is an API mapping key, and the stage is not in the path (documented); else the domain's root
/// mapping is taken. Without one the address names no stage.
fn below_domain(host: &str, path: &str, domain: &DomainName) -> Address {
    let segments: Vec<_> = path.split('/').map(decode).collect();
    let mapped = segments.first().filter(|first| !first.is_empty()).and_then(|first| domain.mappings.get(first));
    let (key, rest) = match mapped {
        Some(key) => (key.clone(), &segments[1..]),
        None => (domain.mappings.get("").cloned().unwrap_or_default(), &segments[..]),
    };
    Address { key, below: below(rest), by_custom_domain: true, domain_name: host.to_owned() }
}

// `{apiId}.execute-api.{anything}[:port]`. What cannot be an API's id is no host of one either.
fn by_host(host: &str) -> Option<&str> {
    let (api_id, rest) = host.split_once('.')?;
    let label = rest.split(['.', ':']).next()?;
    let is_id = !api_id.is_empty() && api_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (label.eq_ignore_ascii_case("execute-api") && is_id).then_some(api_id)
}

/// Undoes percent-encoding once; what is not valid stays as it is.
pub(crate) fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let [first, rest @ ..] = bytes {
        bytes = rest;
        if let (b'%', [high, low, after @ ..]) = (first, rest)
            && let (Some(high), Some(low)) = (char::from(*high).to_digit(16), char::from(*low).to_digit(16))
        {
            out.push((high * 16 + low) as u8);
            bytes = after;
            continue;
        }
        out.push(*first);
    }
    // Nearly always it is UTF-8, which is cheaper to see than to mend.
    String::from_utf8(out).unwrap_or_else(|other| String::from_utf8_lossy(other.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use types::account::DomainName;
    use types::resources::Map;
    use types::snapshot::StageKey;

    use super::{Address, Below};

    fn path(path: &str) -> Below {
        Below::Path(path.to_owned())
    }

    #[test]
    fn both_forms_name_api_stage_and_connection() {
        let id = Below::Connection("Gto47d9-DoECGqg=".to_owned());
        for (host, path, expected) in [
            ("abc.execute-api.us-east-1.amazonaws.com", "/prod", Some(("abc", "prod", Below::Nothing))),
            ("ABC.execute-api.localhost:4510", "/prod/", Some(("abc", "prod", Below::Nothing))),
            ("abc.execute-api.localhost", "/", Some(("abc", "", Below::Nothing))),
            ("abc.execute-api.localhost", "/prod/extra", Some(("abc", "prod", path("/extra")))),
            ("abc.execute-api.localhost", "/prod/@connections/Gto47d9-DoECGqg=", Some(("abc", "prod", id.clone()))),
            ("abc.execute-api.localhost", "/prod/%40connections/Gto47d9-DoECGqg%3D", Some(("abc", "prod", id.clone()))),
            ("127.0.0.1:4510", "/_aws/execute-api/abc/prod", Some(("abc", "prod", Below::Nothing))),
            ("127.0.0.1:4510", "/_aws/execute-api/abc/prod/@connections/Gto47d9-DoECGqg%3D", Some(("abc", "prod", id))),
            ("127.0.0.1:4510", "/_aws/execute-api/abc", Some(("abc", "", Below::Nothing))),
            ("127.0.0.1:4510", "/prod/@connections", None),
            ("abc.execute-api.localhost", "/prod/@connections", Some(("abc", "prod", Below::Connections))),
            ("abc.execute-api.localhost", "/prod/a%20b/@connections", Some(("abc", "prod", path("/a b/@connections")))),
            ("example.com", "/prod", None),
            ("", "/prod", None),
            // Found by fuzzing.
            ("/abc.execute-api.localh", "/od_aws/execu", None),
            ("a b.execute-api.localhost", "/prod", None),
        ] {
            let address = Address::read(host, path, &Map::new());
            let parts = address.map(|address| (address.key.api_id, address.key.stage, address.below));
            let expected = expected.map(|(api, stage, below)| (api.to_owned(), stage.to_owned(), below));
            assert_eq!(parts, expected, "{host} {path}");
        }
    }

    #[test]
    fn a_custom_domain_name_maps_its_first_segment_or_its_root() {
        let stage = |stage: &str| StageKey { api_id: "abc".into(), stage: stage.into() };
        let domain = |mappings: &[(&str, &str)]| DomainName {
            mappings: mappings.iter().map(|(key, to)| ((*key).to_owned(), stage(to))).collect(),
            ..DomainName::default()
        };
        let domains: Map<DomainName> = [
            ("ws.example.com".to_owned(), domain(&[("chat", "prod"), ("a$b", "odd"), ("", "root")])),
            ("*.example.com".to_owned(), domain(&[("chat", "wild")])),
            ("127.0.0.1".to_owned(), domain(&[("", "address")])),
            ("*.0.0.1".to_owned(), domain(&[("", "address")])),
        ]
        .into();
        let id = || Below::Connection("Gto47d9-DoECGqg=".to_owned());
        for (host, path, expected) in [
            ("ws.example.com", "/chat", Some(("prod", Below::Nothing))),
            ("127.0.0.1:4510", "/v2/apis", None),
            ("ws.example.com.:443", "/chat", Some(("prod", Below::Nothing))),
            ("WS.example.com:443", "/chat/", Some(("prod", Below::Nothing))),
            ("ws.example.com", "/a%24b", Some(("odd", Below::Nothing))),
            ("ws.example.com", "/", Some(("root", Below::Nothing))),
            ("ws.example.com", "/chat/@connections/Gto47d9-DoECGqg%3D", Some(("prod", id()))),
            ("ws.example.com", "/%40connections/Gto47d9-DoECGqg=", Some(("root", id()))),
            ("ws.example.com", "/chat/prod", Some(("prod", path("/prod")))),
            ("ws.example.com", "/nope", Some(("root", path("/nope")))),
            ("any.example.com", "/chat", Some(("wild", Below::Nothing))),
            ("any.example.com", "/", Some(("", Below::Nothing))),
            ("one.any.example.com", "/chat", None),
            ("example.com", "/chat", None),
        ] {
            let address = Address::read(host, path, &domains);
            let parts = address.map(|address| (address.key.stage, address.below));
            assert_eq!(parts, expected.map(|(stage, below)| (stage.to_owned(), below)), "{host} {path}");
        }
    }

    #[test]
    fn the_domain_name_and_the_stage_make_the_callback_address() {
        let by_path = Address::read("127.0.0.1:4510", "/_aws/execute-api/abc/prod", &Map::new()).unwrap();
        assert_eq!(by_path.domain_name, "127.0.0.1:4510/_aws/execute-api/abc");
        let by_host = Address::read("abc.execute-api.localhost:4510", "/prod", &Map::new()).unwrap();
        assert_eq!(by_host.domain_name, "abc.execute-api.localhost:4510");
    }
}
