//! Whether a text is what a definition may hold: asked when it is sent, by the readers that plans are made with.
//!
//! Whoever asks words the refusal; here is only what is wrong.

pub use crate::expression::{Direction, Mistake};
pub use crate::parameters::WrongSide;
pub use crate::validation::WrongSchema;

use crate::expression::Expression;
use crate::parameters::{self, Parameter};
use crate::response;
use crate::validation;

/// A selection expression.
///
/// # Errors
/// The first mistake.
pub fn selection_expression(text: &str, direction: Direction) -> Result<(), Mistake> {
    Expression::check(text, direction)
}

/// A mapping in an integration's `requestParameters`, or in an integration response's `responseParameters`.
///
/// # Errors
/// The side that is none.
pub fn parameter(target: &str, source: &str, direction: Direction) -> Result<(), WrongSide> {
    match direction {
        Direction::Request => Parameter::request(target, source),
        Direction::Response => Parameter::response(target, source),
    }
    .map(|_| ())
}

/// A parameter of the handshake that a route declares: `route.request.header.N` or `route.request.querystring.N`.
pub fn is_declaration(key: &str) -> bool {
    parameters::is_declaration(key)
}

/// The first of an integration's `sources` that reads what a handshake brings and is not among a route's declarations.
pub fn undeclared<'s>(
    sources: impl IntoIterator<Item = &'s str>,
    declared: impl IntoIterator<Item = &'s str>,
) -> Option<&'s str> {
    parameters::undeclared(sources, declared)
}

/// An expression that can identify a caller.
pub fn is_identity_source(expression: &str) -> bool {
    parameters::is_identity_source(expression)
}

/// The key of an integration response. What stands between its slashes need not be a regular expression: it fits no status
/// then.
pub fn is_response_key(key: &str) -> bool {
    key == "$default" || response::pattern(key).is_some()
}

/// A mapping template.
///
/// # Errors
/// What is wrong, and where.
pub fn template(text: &str) -> Result<(), vtl::Error> {
    vtl::Template::parse(text).map(|_| ())
}

/// A model's schema, as far as it can be told without the API's other models. A regular expression in it may be none.
///
/// # Errors
/// What is wrong.
pub fn model(schema: &str) -> Result<(), WrongSchema> {
    validation::schema(schema)
}
