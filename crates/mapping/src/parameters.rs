//! Parameter mappings: `integration.request.header.x` ← `context.connectionId`, and the way back.
//!
//! Source: documented ("Set up data mapping for WebSocket APIs"); what the guide leaves open is marked below.

mod identity;
mod sides;

use jsonpath::Path;
use serde_json::Value;
use types::event::{EventKind, Handshake};
use types::headers::Headers;
use types::message::IntegrationResponse;
use types::nearest::nearest;

use crate::context::{self, Scope};
use crate::error::Error;
use crate::expression::Direction;

use sides::{Source, declaration, is_name};

pub(crate) use identity::IdentitySource;
pub use identity::is_identity_source;
pub(crate) use sides::Target;
pub use sides::{WrongSide, is_declaration};

/// One mapping, parsed; the texts as the user wrote them are kept for notes.
#[derive(Clone)]
pub(crate) struct Parameter {
    pub(crate) target: Target,
    pub(crate) target_text: String,
    pub(crate) source_text: String,
    source: Source,
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
    pub(crate) fn request(target: &str, source: &str) -> Result<Parameter, WrongSide> {
        Parameter::new(target, source, Target::of_request, Source::of_request)
    }

    /// Reads a mapping of an integration response.
    pub(crate) fn response(target: &str, source: &str) -> Result<Parameter, WrongSide> {
        Parameter::new(target, source, Target::of_response, Source::of_response)
    }

    fn new(
        target_text: &str,
        source_text: &str,
        target: fn(&str) -> Option<Target>,
        source: fn(&str) -> Option<Source>,
    ) -> Result<Parameter, WrongSide> {
        let (target_text, source_text) = (target_text.to_owned(), source_text.to_owned());
        let Some(target) = target(&target_text) else { return Err(WrongSide::Target(target_text)) };
        let Some(source) = source(&source_text) else { return Err(WrongSide::Source(source_text)) };
        Ok(Parameter { target, target_text, source_text, source })
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
        self.source.needs().is_some()
    }

    pub(crate) fn find(&self, scope: &Scope<'_>, response: Option<&IntegrationResponse>) -> Found {
        find(&self.source, scope, response)
    }
}

fn find(source: &Source, scope: &Scope<'_>, response: Option<&IntegrationResponse>) -> Found {
    let handshake: Option<&Handshake> = match &scope.event.kind {
        EventKind::Connect(handshake) => Some(handshake),
        _ => None,
    };
    let message = match &scope.event.kind {
        EventKind::Message(message) => Some(message.text()),
        _ => None,
    };
    let one = match source {
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
        Source::ResponseMultiHeader(name) => response.map(|r| r.headers.get_all(name).collect::<Vec<_>>().join(",")),
        Source::ResponseBody => response.map(|r| String::from_utf8_lossy(&r.body).into_owned()),
        Source::ResponseBodyPath(path) => response.and_then(|r| in_json(path, &r.body)),
    };
    values(one.into_iter().collect())
}

// A source that is missing or empty sends nothing (a peer's behaviour; not verified on AWS).
fn values(mut all: Vec<String>) -> Found {
    all.retain(|value| !value.is_empty());
    if all.is_empty() { Found::Nothing } else { Found::Values(all) }
}

/// A mapping in an integration's `requestParameters`, or in an integration response's `responseParameters`.
///
/// # Errors
/// The side that is none; the left one first.
pub fn check(target: &str, source: &str, direction: Direction) -> Result<(), WrongSide> {
    let read = if direction == Direction::Request { Parameter::request } else { Parameter::response };
    read(target, source).map(|_| ())
}

/// The first of an integration's sources that reads what a handshake brings and what is not among a route's declarations. That
/// the forms for several values need the declaration of the plain one is inferred.
pub fn undeclared<'s>(
    sources: impl IntoIterator<Item = &'s str>,
    declared: impl IntoIterator<Item = &'s str>,
) -> Option<&'s str> {
    let declared: Vec<_> = declared.into_iter().filter_map(declaration).collect();
    let needs = |source: &str| Source::of_request(source).and_then(|source| source.needs());
    sources.into_iter().find(|source| needs(source).is_some_and(|needed| !declared.contains(&needed)))
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
/// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for other control characters, and for a name that is none.
pub(crate) fn set_header(headers: &mut Headers, name: &str, value: &str) -> Result<(), Error> {
    let wrong = |detail: String| Error::configuration(format!("header {name}: {detail}"));
    if !is_name(name) {
        return Err(wrong(format!("`{name}` is no parameter name: letters, digits and `.`, `_`, `$`, `-` are")));
    }
    let clean: String = value.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    if let Some(c) = clean.chars().find(|c| c.is_control() && *c != '\t') {
        return Err(wrong(format!("the value holds the control character U+{:04X}", u32::from(c))));
    }
    headers.set(name.to_owned(), clean.trim().to_owned());
    Ok(())
}
