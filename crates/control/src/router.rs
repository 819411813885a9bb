//! From a method and a path to an operation and its parameters.
//!
//! The path is split at `/` first and decoded then, segment by segment: an ARN or a route key holds encoded slashes
//! that must not split. Source: measured from boto3 and the JS SDK.

use http::Method;

use crate::error::{self, Fault};
use crate::operations::{OPERATIONS, Operation};

/// The first segments of paths of the v1 API that WebSocket APIs need. Source: the API model.
const V1_ROOTS: &[&str] =
    &["apikeys", "usageplans", "vpclinks", "account", "clientcertificates", "domainnames", "tags"];

/// Those of what is not implemented, which is said there.
const ROOTS_ELSEWHERE: &[&str] =
    &["restapis", "sdktypes", "domainnameaccessassociations", "rejectdomainnameaccessassociations"];

/// An operation with what the path and the query say.
pub(crate) struct Matched {
    pub(crate) operation: &'static Operation,
    pub(crate) params: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
}

/// Whether a path is the control plane's, whatever it answers there.
pub(crate) fn owns(path: &str) -> bool {
    let root = path.strip_prefix('/').and_then(|path| path.split('/').next());
    root.is_some_and(|root| root == "v2" || V1_ROOTS.contains(&root) || ROOTS_ELSEWHERE.contains(&root))
}

/// Finds the operation.
///
/// # Errors
/// 403 where no operation has the path and the method, 400 for what is not percent-encoded text.
pub(crate) fn route(method: &Method, path: &str, query: &str) -> Result<Matched, Fault> {
    let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    let query = read_query(query)?;
    let operation = OPERATIONS
        .iter()
        .find(|operation| operation.method == method.as_str() && matches(operation, &segments, &query))
        .ok_or_else(|| unknown(&segments))?;
    let params = pattern_path(operation)
        .zip(&segments)
        .filter(|(pattern, _)| is_parameter(pattern))
        .map(|(_, segment)| decode(segment))
        .collect::<Result<_, _>>()?;
    Ok(Matched { operation, params, query })
}

/// What AWS has and this gateway has not is told apart from what nobody has: an answer that speaks of tokens sends people
/// looking for keys.
fn unknown(segments: &[&str]) -> Fault {
    let (what, why) = match segments {
        ["domainnames", _, "basepathmappings", ..] => {
            ("base path mappings", "they lead to REST APIs; API mappings are under /v2/domainnames")
        }
        ["restapis" | "sdktypes" | "restapis-import", ..] => {
            ("REST APIs", "this gateway serves WebSocket APIs, which are made under /v2/apis")
        }
        ["domainnameaccessassociations" | "rejectdomainnameaccessassociations", ..] => {
            ("private domain names", "this gateway has regional ones")
        }
        _ => return error::unknown_path(),
    };
    error::out_of_scope(what, why)
}

fn matches(operation: &'static Operation, segments: &[&str], query: &[(String, String)]) -> bool {
    let fits = |(pattern, segment): (&str, &&str)| {
        if is_parameter(pattern) { !segment.is_empty() } else { pattern == *segment }
    };
    let asks = operation.path.split_once('?').and_then(|(_, pair)| pair.split_once('='));
    pattern_path(operation).count() == segments.len()
        && pattern_path(operation).zip(segments).all(fits)
        && asks.is_none_or(|(name, value)| query.iter().any(|pair| pair.0 == name && pair.1 == value))
}

/// The segments of an operation's path pattern.
fn pattern_path(operation: &'static Operation) -> impl Iterator<Item = &'static str> {
    let path = operation.path.split_once('?').map_or(operation.path, |(path, _)| path);
    path.strip_prefix('/').unwrap_or(path).split('/')
}

fn is_parameter(pattern: &str) -> bool {
    pattern.starts_with('{')
}

fn read_query(query: &str) -> Result<Vec<(String, String)>, Fault> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

/// Takes percent-encoding off. A `+` stays: AWS's clients write spaces as `%20`.
fn decode(text: &str) -> Result<String, Fault> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
            return Err(error::not_percent_encoded(text));
        };
        bytes.push((high << 4 | low) as u8);
    }
    String::from_utf8(bytes).map_err(|_| error::not_percent_encoded(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method, path: &str, query: &str, expected: Result<(&str, &[&str]), u16>) {
        let found = route(&method, path, query).map_err(|fault| fault.status.as_u16());
        let found = found
            .as_ref()
            .map(|found| (found.operation.name, found.params.iter().map(String::as_str).collect::<Vec<_>>()));
        let expected = expected.map(|(name, params)| (name, params.to_vec()));
        assert_eq!(found.map_err(|status| *status), expected, "{method} {path}?{query}");
    }

    #[test]
    fn a_path_is_split_before_it_is_decoded() {
        check(Method::GET, "/v2/apis/abc/stages/%24default", "", Ok(("GetStage", &["abc", "$default"])));
        check(
            Method::DELETE,
            "/v2/apis/abc/stages/dev/routesettings/GET%20%2Fa%20b",
            "",
            Ok(("DeleteRouteSettings", &["abc", "dev", "GET /a b"])),
        );
        check(
            Method::GET,
            "/v2/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2Fabc123",
            "",
            Ok(("GetTags", &["arn:aws:apigateway:us-east-1::/apis/abc123"])),
        );
        check(
            Method::GET,
            "/v2/domainnames/%2A.example.com/apimappings",
            "",
            Ok(("GetApiMappings", &["*.example.com"])),
        );
    }

    #[test]
    fn a_query_can_choose_the_operation() {
        check(Method::POST, "/apikeys", "mode=import&format=csv", Ok(("ImportApiKeys", &[])));
        check(Method::POST, "/apikeys", "", Ok(("CreateApiKey", &[])));
    }

    #[test]
    fn unknown_paths_and_methods_are_refused_alike() {
        for path in ["/v2", "/v2/", "/v2/apis/", "/v2/apis//routes", "/v2/nothing", "/v2/apis/a/routes/b/c", "/tags"] {
            check(Method::GET, path, "", Err(403));
        }
        check(Method::PUT, "/v2/apis/abc/routes", "", Err(403));
        check(Method::HEAD, "/v2/apis", "", Err(403));
    }

    #[test]
    fn what_is_not_percent_encoded_text_is_a_bad_request() {
        for path in ["/v2/apis/%", "/v2/apis/%2", "/v2/apis/%zz", "/v2/apis/%ff"] {
            check(Method::GET, path, "", Err(400));
        }
        check(Method::GET, "/v2/apis", "maxResults=%f", Err(400));
    }

    #[test]
    fn the_control_plane_owns_its_roots_and_nothing_that_begins_alike() {
        for path in ["/v2/apis", "/v2/nothing", "/apikeys", "/usageplans/x/keys", "/account", "/tags/arn%3Aaws"] {
            assert!(owns(path), "{path}");
        }
        for path in ["/", "", "/v2x/apis", "/apikeys2", "/accounts", "/dev", "/_aws/execute-api/a/dev", "v2/apis"] {
            assert!(!owns(path), "{path}");
        }
    }
}
