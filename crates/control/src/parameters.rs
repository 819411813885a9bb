//! Parameter mappings: which left and right sides a `requestParameters` or `responseParameters` map may have.
//!
//! Source: documented ("Set up data mapping for WebSocket APIs"); error texts recorded for REST and HTTP APIs.

use serde_json::Value;

use crate::error::{self, Fault};
use crate::store::Document;

/// Checks an integration's `requestParameters`.
pub(crate) fn check_request(document: &Document) -> Result<(), Fault> {
    check(document, "requestParameters", request_target, request_source)
}

/// Checks an integration response's `responseParameters`.
pub(crate) fn check_response(document: &Document) -> Result<(), Fault> {
    check(document, "responseParameters", response_target, response_source)
}

/// Whether a key declares a parameter of a route: `route.request.header.N` or `route.request.querystring.N`.
pub(crate) fn is_declaration(key: &str) -> bool {
    let key = key.strip_prefix("route.request.").or_else(|| key.strip_prefix("method.request."));
    key.is_some_and(|key| placed(key, &["header", "querystring"]))
}

/// The declaration that a mapping of a handshake's header or query parameter needs: place and name. Headers' names are the
/// same in any case.
pub(crate) fn declaration_of(source: &str) -> Option<(bool, String)> {
    let rest = source.strip_prefix("route.request.").or_else(|| source.strip_prefix("method.request."))?;
    let (place, name) = rest.split_once('.')?;
    match place {
        "header" | "multivalueheader" => Some((true, name.to_ascii_lowercase())),
        "querystring" | "multivaluequerystring" => Some((false, name.to_owned())),
        _ => None,
    }
}

/// Whether an expression can identify a caller. Source: documented ("Lambda REQUEST authorizer").
pub(crate) fn is_identity_source(expression: &str) -> bool {
    expression.strip_prefix("route.request.").is_some_and(|rest| placed(rest, &["header", "querystring"]))
        || variable(expression)
}

/// Whether a text can name the role that calls a backend, or the caller itself. Source: documented.
pub(crate) fn is_role(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let is_resource = |rest: &str| rest.starts_with("role/") || rest.starts_with("user/") || rest == "root";
    matches!(parts.as_slice(), ["arn", partition, "iam", "", _, rest] if partition.starts_with("aws") && is_resource(rest))
}

/// All mistakes at once, so that one call shows them all.
fn check(
    document: &Document,
    member: &str,
    is_target: fn(&str) -> bool,
    is_source: fn(&str) -> bool,
) -> Result<(), Fault> {
    let Some(Value::Object(map)) = document.get(member) else { return Ok(()) };
    let mut mistakes = Vec::new();
    for (target, source) in map {
        let source = source.as_str().unwrap_or_default();
        if !is_target(target) {
            mistakes.push(error::mapping_target(target));
        } else if !is_source(source) {
            mistakes.push(error::mapping_source(source));
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(error::mapping_expressions(&mistakes)) }
}

fn request_target(target: &str) -> bool {
    target.strip_prefix("integration.request.").is_some_and(|rest| placed(rest, &["header", "querystring", "path"]))
}

fn request_source(source: &str) -> bool {
    // The API model still says `method.request`, as REST APIs do; it is taken for the same. Source: inferred.
    let request = source.strip_prefix("route.request.").or_else(|| source.strip_prefix("method.request."));
    let places = ["header", "querystring", "path", "multivalueheader", "multivaluequerystring"];
    request.is_some_and(|rest| is_body(rest) || placed(rest, &places)) || literal(source) || variable(source)
}

fn response_target(target: &str) -> bool {
    // The model says `method.response`; `route.response` is what WebSocket users write. Source: inferred.
    let rest = target.strip_prefix("method.response.").or_else(|| target.strip_prefix("route.response."));
    rest.is_some_and(|rest| placed(rest, &["header"]))
}

fn response_source(source: &str) -> bool {
    let response = source.strip_prefix("integration.response.");
    response.is_some_and(|rest| is_body(rest) || placed(rest, &["header", "multivalueheader"]))
        || literal(source)
        || variable(source)
}

/// `body`, or `body.` and a JSONPath.
fn is_body(rest: &str) -> bool {
    let path = rest.strip_prefix("body.").filter(|path| !path.is_empty());
    rest == "body" || path.is_some_and(|path| jsonpath::Path::parse(&format!("$.{path}")).is_ok())
}

fn literal(source: &str) -> bool {
    source.len() >= 2 && source.starts_with('\'') && source.ends_with('\'')
}

fn variable(source: &str) -> bool {
    let rest = source.strip_prefix("context.").or_else(|| source.strip_prefix("stageVariables."));
    rest.is_some_and(is_name)
}

/// Whether `rest` is one of the places, a dot and a name.
fn placed(rest: &str, places: &[&str]) -> bool {
    rest.split_once('.').is_some_and(|(place, name)| places.contains(&place) && is_name(name))
}

/// Source: documented (`[a-zA-Z0-9._$-]+`).
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"._$-".contains(&c))
}
