//! Renders mapping templates: what API Gateway puts into them, and what comes out.
//!
//! `$input`, `$util`, `$context` and `$stageVariables` over the values of the template language.

mod batch;
mod case;
mod context;
mod encoding;
mod escape;
mod event;
mod input;
mod node;
mod util;

use std::rc::Rc;

use vtl::{Template, Value};

use crate::context::{Scope, SoFar};
use crate::effort;

pub use batch::{batch_line, jsonpath_line, preview};
pub use case::Case;
pub(crate) use context::{fixed, linked, map_of};
pub(crate) use event::authorizer;
pub(crate) use util::UTIL_FUNCTIONS;

/// What one rendering sees.
pub(crate) struct RenderInput<'a, S> {
    /// The payload; absent or empty it is `{}`.
    pub(crate) body: Option<&'a [u8]>,
    /// Makes the rest, as far as the template names it.
    pub(crate) source: S,
}

/// Where the maps of one rendering come from; each is asked for once, if the template names it.
pub(crate) trait Source {
    /// `$input.params()`: a map of `path`, `querystring`, `header`, each a map of texts, searched in that order.
    fn params(&self) -> Value;
    /// `$context`, as [`map_of`] makes it.
    fn context(&self) -> Value;
    /// Whether `$context` has overrides, which are read after the rendering.
    fn overrides(&self) -> bool;
    /// `$stageVariables`: a map of texts.
    fn stage_variables(&self) -> Value;
    /// Whether `$util` has more than AWS's.
    fn extended(&self) -> bool {
        false
    }
}

/// What a rendering made.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) text: String,
    /// `$context.requestOverride` as the template left it, where there is one.
    pub(crate) request_override: Option<Value>,
    /// `$context.responseOverride` likewise.
    pub(crate) response_override: Option<Value>,
}

/// The kinds of failure, as the corpus of templates tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RenderKind {
    /// The template is none.
    Parse,
    /// The body is not even lenient JSON, and was asked for.
    Body,
    /// The rendering failed or reached a limit.
    Eval,
}

/// Why and where a template could not be rendered.
#[derive(Debug)]
pub(crate) struct RenderError {
    pub(crate) kind: RenderKind,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) message: String,
}

impl RenderError {
    fn new(kind: RenderKind, error: &vtl::Error) -> RenderError {
        RenderError { kind, line: error.line(), column: error.column(), message: error.detail().to_owned() }
    }
}

/// Parses and renders; see [`render`].
///
/// # Errors
/// [`RenderKind::Parse`], and those of [`render`].
pub(crate) fn parse_and_render(template: &str, input: RenderInput<'_, impl Source>) -> Result<Rendered, RenderError> {
    let template = Template::parse(template).map_err(|error| RenderError::new(RenderKind::Parse, &error))?;
    render(&template, input)
}

/// What a template for an event is rendered with.
pub(crate) fn for_event<'a>(
    scope: &'a Scope<'a>,
    body: &'a [u8],
    status: Option<u16>,
    overrides: bool,
) -> RenderInput<'a, impl Source> {
    let so_far = status.map_or(scope.so_far, SoFar::Answered);
    RenderInput { body: Some(body), source: event::EventSource { scope: Scope { so_far, ..*scope }, overrides } }
}

/// Renders a template that has been parsed.
///
/// # Errors
/// [`RenderKind::Body`] where the template asks for a body that cannot be read, else [`RenderKind::Eval`].
pub(crate) fn render(template: &Template, given: RenderInput<'_, impl Source>) -> Result<Rendered, RenderError> {
    render_with(template, given, |scope, limits| template.render(scope, limits)).map(|(rendered, ())| rendered)
}

/// The same, and which part of the text each reference wrote.
///
/// # Errors
/// As [`render`].
pub(crate) fn render_noted(
    template: &Template,
    given: RenderInput<'_, impl Source>,
) -> Result<(Rendered, Vec<vtl::Piece>), RenderError> {
    render_with(template, given, |scope, limits| template.render_noted(scope, limits))
}

/// What a rendering gives: its text, and what else was asked for.
trait Made {
    type Beside;
    fn apart(self) -> (String, Self::Beside);
}

impl Made for String {
    type Beside = ();
    fn apart(self) -> (String, ()) {
        (self, ())
    }
}

impl Made for (String, Vec<vtl::Piece>) {
    type Beside = Vec<vtl::Piece>;
    fn apart(self) -> (String, Vec<vtl::Piece>) {
        self
    }
}

fn render_with<M: Made>(
    template: &Template,
    given: RenderInput<'_, impl Source>,
    rendering: impl FnOnce(&mut vtl::Scope, &vtl::Limits) -> Result<M, vtl::Error>,
) -> Result<(Rendered, M::Beside), RenderError> {
    let source = &given.source;
    let params = if template.names_member("params") { source.params() } else { Value::Null };
    let input = Rc::new(input::Input::new(given.body, params));
    let mut scope = vtl::Scope::new()
        .with("input", Value::Object(input.clone()))
        .with("util", Value::Object(Rc::new(util::Util { extended: source.extended() })));
    if template.names_variable("context") || source.overrides() {
        scope = scope.with("context", source.context());
    }
    if template.names_variable("stageVariables") {
        scope = scope.with("stageVariables", source.stage_variables());
    }
    match rendering(&mut scope, &effort::limits()) {
        Ok(made) => {
            let (text, beside) = made.apart();
            let left = |name: &str| match scope.get("context") {
                Some(context) if source.overrides() => {
                    context.member(name).filter(|value| !matches!(value, Value::Null))
                }
                _ => None,
            };
            let rendered = Rendered {
                text,
                request_override: left("requestOverride"),
                response_override: left("responseOverride"),
            };
            Ok((rendered, beside))
        }
        Err(error) => {
            if error.kind() == vtl::ErrorKind::Limit {
                effort::limit_met();
            }
            let kind = if input.body_was_unreadable() { RenderKind::Body } else { RenderKind::Eval };
            Err(RenderError::new(kind, &error))
        }
    }
}
