//! What the two sides of a parameter mapping may be, and what a route may declare for them.
//!
//! Source: documented ("Set up data mapping for WebSocket APIs"); what the guide leaves open is marked below.

use jsonpath::Path;

use crate::context::Named;

/// Where a mapped value goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Header(String),
    Query(String),
    Path(String),
}

/// Where a mapped value comes from.
#[derive(Clone)]
pub(super) enum Source {
    Static(String),
    /// What AWS takes and nothing has: an unknown variable, a path parameter.
    Nothing,
    Context(Named),
    StageVariable(String),
    Header(String),
    MultiHeader(String),
    Query(String),
    MultiQuery(String),
    Body,
    BodyPath(Path),
    ResponseHeader(String),
    ResponseMultiHeader(String),
    ResponseBody,
    ResponseBodyPath(Path),
}

/// A side of a mapping that is none, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongSide {
    /// The left one.
    #[error("`{0}` is no target of a parameter mapping")]
    Target(String),
    /// The right one.
    #[error("`{0}` is no source of a parameter mapping")]
    Source(String),
}

impl From<WrongSide> for String {
    fn from(wrong: WrongSide) -> String {
        wrong.to_string()
    }
}

/// A parameter of the handshake that a route declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Declaration {
    /// In lower case: headers' names are the same in any case.
    Header(String),
    Query(String),
}

/// Places with a name behind them, and what they make of the name.
type Places<T> = &'static [(&'static str, fn(String) -> T)];

const REQUEST_TARGETS: Places<Target> =
    &[("header", Target::Header), ("querystring", Target::Query), ("path", Target::Path)];
const RESPONSE_TARGETS: Places<Target> = &[("header", Target::Header)];
const REQUEST_SOURCES: Places<Source> = &[
    ("header", Source::Header),
    ("multivalueheader", Source::MultiHeader),
    ("querystring", Source::Query),
    ("multivaluequerystring", Source::MultiQuery),
    // WebSocket APIs have no path parameters.
    ("path", |_| Source::Nothing),
];
const IDENTITY_SOURCES: Places<Source> = &[("header", Source::Header), ("querystring", Source::Query)];
const RESPONSE_SOURCES: Places<Source> =
    &[("header", Source::ResponseHeader), ("multivalueheader", Source::ResponseMultiHeader)];
const DECLARATIONS: Places<Declaration> =
    &[("header", |name| Declaration::Header(name.to_ascii_lowercase())), ("querystring", Declaration::Query)];

impl Target {
    /// The left side of a mapping of an integration request.
    pub(super) fn of_request(text: &str) -> Option<Target> {
        placed(text.strip_prefix("integration.request.")?, REQUEST_TARGETS)
    }

    /// The left side of a mapping of an integration response. The API model says `method.response`, WebSocket users write
    /// `route.response`: both are taken (inferred).
    pub(super) fn of_response(text: &str) -> Option<Target> {
        placed(of_route(text, "response.")?, RESPONSE_TARGETS)
    }
}

impl Source {
    /// The right side of a mapping of an integration request.
    pub(super) fn of_request(text: &str) -> Option<Source> {
        let Some(rest) = of_route(text, "request.") else { return shared(text) };
        body(rest, Source::Body, Source::BodyPath).or_else(|| placed(rest, REQUEST_SOURCES))
    }

    /// The right side of a mapping of an integration response.
    pub(super) fn of_response(text: &str) -> Option<Source> {
        let Some(rest) = text.strip_prefix("integration.response.") else { return shared(text) };
        body(rest, Source::ResponseBody, Source::ResponseBodyPath).or_else(|| placed(rest, RESPONSE_SOURCES))
    }

    /// What a route must declare for it.
    pub(super) fn needs(&self) -> Option<Declaration> {
        match self {
            Source::Header(name) | Source::MultiHeader(name) => Some(Declaration::Header(name.to_ascii_lowercase())),
            Source::Query(name) | Source::MultiQuery(name) => Some(Declaration::Query(name.clone())),
            _ => None,
        }
    }
}

/// What a key of a route's `requestParameters` declares: `route.request.header.N` or `route.request.querystring.N`.
pub(super) fn declaration(key: &str) -> Option<Declaration> {
    placed(of_route(key, "request.")?, DECLARATIONS)
}

/// Whether a key declares something.
pub fn is_declaration(key: &str) -> bool {
    declaration(key).is_some()
}

/// What identifies a caller: `method.` is not taken here.
pub(super) fn identity_source(text: &str) -> Option<Source> {
    match text.strip_prefix("route.request.") {
        Some(rest) => placed(rest, IDENTITY_SOURCES),
        None => variable(text),
    }
}

/// Source: documented (`[a-zA-Z0-9._$-]+`).
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"._$-".contains(&c))
}

/// What stands behind `route.` and the word. `method.` is what the API model's text still says, as for REST APIs; it is taken
/// for the same (inferred).
fn of_route<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    text.strip_prefix("route.").or_else(|| text.strip_prefix("method."))?.strip_prefix(word)
}

/// One of the places, a dot and a name.
fn placed<T>(text: &str, places: Places<T>) -> Option<T> {
    let (place, name) = text.split_once('.')?;
    let (_, make) = places.iter().find(|(known, _)| *known == place)?;
    is_name(name).then(|| make(name.to_owned()))
}

/// `body`, or `body.` and a JSONPath.
fn body(text: &str, whole: Source, part: fn(Path) -> Source) -> Option<Source> {
    match text.strip_prefix("body")? {
        "" => Some(whole),
        path if path.len() > 1 && path.starts_with('.') => Path::parse(&format!("${path}")).ok().map(part),
        _ => None,
    }
}

/// What both directions may name.
fn shared(text: &str) -> Option<Source> {
    match text.strip_prefix('\'') {
        Some(inner) => inner.strip_suffix('\'').map(|text| Source::Static(text.to_owned())),
        None => variable(text),
    }
}

fn variable(text: &str) -> Option<Source> {
    match text.split_once('.')? {
        // Which names AWS refuses is not known, so none is.
        ("context", name) if is_name(name) => Some(Named::find(name).map_or(Source::Nothing, Source::Context)),
        ("stageVariables", name) if is_name(name) => Some(Source::StageVariable(name.to_owned())),
        _ => None,
    }
}
