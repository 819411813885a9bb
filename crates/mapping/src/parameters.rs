//! Parameter mappings: `integration.request.header.x` ← `context.connectionId`, and the way back.
//!
//! Source: documented ("Set up data mapping for WebSocket APIs"); what the guide leaves open is marked below.

use jsonpath::Path;
use serde_json::Value;
use types::event::{EventKind, Handshake};
use types::headers::Headers;
use types::message::IntegrationResponse;
use types::nearest::nearest;

use crate::context::{self, Named, Scope};
use crate::error::Error;

/// Where a mapped value goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Header(String),
    Query(String),
    Path(String),
}

/// One mapping, parsed; the texts as the user wrote them are kept for notes.
#[derive(Clone)]
pub(crate) struct Parameter {
    pub(crate) target: Target,
    pub(crate) target_text: String,
    pub(crate) source_text: String,
    source: Source,
}

#[derive(Clone)]
enum Source {
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

/// What a source gave.
pub(crate) enum Found {
    /// Nothing: the parameter is not sent.
    Nothing,
    /// From `'static'`: already escaped as its target needs (documented).
    Escaped(String),
    /// A value that came with the event; query parameters may have several.
    Values(Vec<String>),
}

impl Parameter {
    /// Reads a mapping of an integration request.
    pub(crate) fn request(target: &str, source: &str) -> Result<Parameter, String> {
        let parts = target.strip_prefix("integration.request.").and_then(|rest| rest.split_once('.'));
        let (place, name) = parts.ok_or_else(|| format!("`{target}` is no integration.request parameter"))?;
        check_name(name)?;
        let name = name.to_owned();
        let parsed = match place {
            "header" => Target::Header(name),
            "querystring" => Target::Query(name),
            "path" => Target::Path(name),
            _ => return Err(format!("`{target}` is neither header, querystring nor path")),
        };
        Parameter::new(parsed, target, source, request_source)
    }

    /// Reads a mapping of an integration response; both spellings of the target are accepted (inferred).
    pub(crate) fn response(target: &str, source: &str) -> Result<Parameter, String> {
        let name = ["method.response.header.", "route.response.header."]
            .iter()
            .find_map(|prefix| target.strip_prefix(prefix))
            .ok_or_else(|| format!("`{target}` is no method.response.header parameter"))?;
        check_name(name)?;
        Parameter::new(Target::Header(name.to_owned()), target, source, response_source)
    }

    fn new(
        target: Target,
        target_text: &str,
        source_text: &str,
        own: fn(&str) -> Option<Result<Source, String>>,
    ) -> Result<Parameter, String> {
        let source = match shared_source(source_text).or_else(|| own(source_text)) {
            Some(source) => source.map_err(|detail| format!("`{source_text}`: {detail}"))?,
            None => return Err(format!("`{source_text}` is no source of a parameter mapping")),
        };
        Ok(Parameter { target, target_text: target_text.to_owned(), source_text: source_text.to_owned(), source })
    }

    /// Whether the value is, or is part of, the client's message.
    pub(crate) fn reads_message(&self) -> bool {
        matches!(self.source, Source::Body | Source::BodyPath(_))
    }

    /// Whether nothing has what it names, and then what may have been meant.
    pub(crate) fn has_no_source(&self) -> Option<Option<String>> {
        if !matches!(self.source, Source::Nothing) {
            return None;
        }
        let name = self.source_text.strip_prefix("context.");
        Some(name.and_then(|name| nearest(name, context::names())).map(|name| format!("context.{name}")))
    }

    /// Whether the value comes with a handshake, and with nothing else.
    pub(crate) fn reads_handshake(&self) -> bool {
        matches!(self.source, Source::Header(_) | Source::MultiHeader(_) | Source::Query(_) | Source::MultiQuery(_))
    }

    pub(crate) fn find(&self, scope: &Scope<'_>, response: Option<&IntegrationResponse>) -> Found {
        let handshake: Option<&Handshake> = match &scope.event.kind {
            EventKind::Connect(handshake) => Some(handshake),
            _ => None,
        };
        let message = match &scope.event.kind {
            EventKind::Message(message) => Some(message.text()),
            _ => None,
        };
        let one = match &self.source {
            Source::Static(text) => return Found::Escaped(text.clone()),
            Source::Nothing => return Found::Nothing,
            Source::Context(variable) => variable.value(scope),
            Source::StageVariable(name) => scope.stage_variables.get(name).cloned(),
            Source::Header(name) => handshake.and_then(|h| h.headers.get(name)).map(str::to_owned),
            Source::MultiHeader(name) => handshake.map(|h| h.headers.get_all(name).collect::<Vec<_>>().join(",")),
            // Of a repeated parameter the last value counts (observed).
            Source::Query(name) => {
                handshake.and_then(|h| h.query.iter().rev().find(|(n, _)| n == name)).map(|(_, value)| value.clone())
            }
            Source::MultiQuery(name) => {
                let all = handshake.into_iter().flat_map(|h| &h.query).filter(|(n, _)| n == name);
                return values(all.map(|(_, value)| value.clone()).collect());
            }
            Source::Body => message.map(str::to_owned),
            Source::BodyPath(path) => message.and_then(|text| in_json(path, text.as_bytes())),
            Source::ResponseHeader(name) => response.and_then(|r| r.headers.get(name)).map(str::to_owned),
            Source::ResponseMultiHeader(name) => {
                response.map(|r| r.headers.get_all(name).collect::<Vec<_>>().join(","))
            }
            Source::ResponseBody => response.map(|r| String::from_utf8_lossy(&r.body).into_owned()),
            Source::ResponseBodyPath(path) => response.and_then(|r| in_json(path, &r.body)),
        };
        values(one.into_iter().collect())
    }
}

// A source that is missing or empty sends nothing (a peer's behaviour; not verified on AWS).
fn values(mut all: Vec<String>) -> Found {
    all.retain(|value| !value.is_empty());
    if all.is_empty() { Found::Nothing } else { Found::Values(all) }
}

fn check_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._$-".contains(c);
    if name.is_empty() || !name.chars().all(fits) {
        return Err(format!("`{name}` is no parameter name: letters, digits and `.`, `_`, `$`, `-` are"));
    }
    Ok(())
}

fn shared_source(text: &str) -> Option<Result<Source, String>> {
    if let Some(inner) = text.strip_prefix('\'') {
        let closed = inner.strip_suffix('\'').map(|text| Source::Static(text.to_owned()));
        return Some(closed.ok_or_else(|| "the quote is not closed".to_owned()));
    }
    if let Some(name) = text.strip_prefix("context.") {
        // Which names AWS refuses is not known, so none is.
        return Some(check_name(name).map(|()| Named::find(name).map_or(Source::Nothing, Source::Context)));
    }
    let name = text.strip_prefix("stageVariables.")?;
    Some(check_name(name).map(|()| Source::StageVariable(name.to_owned())))
}

// `method.request.…` is what the API model's text still says; it is taken as an alias (inferred).
fn request_source(text: &str) -> Option<Result<Source, String>> {
    let rest = text.strip_prefix("route.request.").or_else(|| text.strip_prefix("method.request."))?;
    if rest == "body" {
        return Some(Ok(Source::Body));
    }
    if let Some(path) = rest.strip_prefix("body") {
        return Some(body_path(path).map(Source::BodyPath));
    }
    let (kind, name) = rest.split_once('.')?;
    let make = match kind {
        "header" => Source::Header,
        "multivalueheader" => Source::MultiHeader,
        "querystring" => Source::Query,
        "multivaluequerystring" => Source::MultiQuery,
        // WebSocket APIs have no path parameters.
        "path" => |_| Source::Nothing,
        _ => return None,
    };
    Some(check_name(name).map(|()| make(name.to_owned())))
}

fn response_source(text: &str) -> Option<Result<Source, String>> {
    let rest = text.strip_prefix("integration.response.")?;
    if rest == "body" {
        return Some(Ok(Source::ResponseBody));
    }
    if let Some(path) = rest.strip_prefix("body") {
        return Some(body_path(path).map(Source::ResponseBodyPath));
    }
    let (kind, name) = rest.split_once('.')?;
    let make = match kind {
        "header" => Source::ResponseHeader,
        "multivalueheader" => Source::ResponseMultiHeader,
        _ => return None,
    };
    Some(check_name(name).map(|()| make(name.to_owned())))
}

fn body_path(path: &str) -> Result<Path, String> {
    Path::parse(&format!("${path}")).map_err(|error| error.to_string())
}

// Text is parsed only where it begins like JSON (a peer's behaviour), so that plain text costs nothing.
fn in_json(path: &Path, body: &[u8]) -> Option<String> {
    if !matches!(body.first(), Some(b'{' | b'[' | b'"')) {
        return None;
    }
    match path.scan(body).ok()?? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

/// Sets a header to a value that may come from a client's message: line breaks are taken out, so that none starts a
/// new header. Ours (security).
///
/// # Errors
/// [`Kind::Configuration`](crate::Kind::Configuration) for other control characters, and for a name that is none.
pub(crate) fn set_header(headers: &mut Headers, name: &str, value: &str) -> Result<(), Error> {
    let wrong = |detail: String| Error::configuration(format!("header {name}: {detail}"));
    check_name(name).map_err(wrong)?;
    let clean: String = value.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    if let Some(c) = clean.chars().find(|c| c.is_control() && *c != '\t') {
        return Err(wrong(format!("the value holds the control character U+{:04X}", u32::from(c))));
    }
    headers.set(name, clean.trim());
    Ok(())
}
