//! Where a client says who it is: the identity sources of an authorizer.
//!
//! Source: documented ("Control access with AWS Lambda REQUEST authorizers"): `route.request.header.NAME`,
//! `route.request.querystring.NAME`, `stageVariables.NAME` and `context.NAME`; header names are the same in any case (inferred).

use types::nearest::nearest;

use super::sides::{Source, identity_source};
use super::{Found, find};
use crate::context::{self, Scope};

/// One of them, read.
#[derive(Clone)]
pub(crate) struct IdentitySource {
    /// As it is written.
    pub(crate) text: String,
    source: Source,
}

/// Whether an expression can identify a caller.
pub fn is_identity_source(expression: &str) -> bool {
    identity_source(expression).is_some()
}

impl IdentitySource {
    /// Reads one.
    pub(crate) fn read(text: &str) -> Option<IdentitySource> {
        Some(IdentitySource { text: text.to_owned(), source: identity_source(text)? })
    }

    /// What a handshake has there; `None` where there is nothing, or nothing but an empty text.
    pub(crate) fn value(&self, scope: &Scope<'_>) -> Option<String> {
        match find(&self.source, scope, None) {
            Found::Nothing => None,
            Found::Escaped(value) => Some(value),
            Found::Values(values) => values.into_iter().next(),
        }
    }

    /// Whether no handshake can have it, and then what may have been meant.
    pub(crate) fn has_nothing(&self) -> Option<Option<String>> {
        if !matches!(self.source, Source::Nothing) {
            return None;
        }
        let name = self.text.strip_prefix("context.");
        Some(name.and_then(|name| nearest(name, context::names())).map(|name| format!("context.{name}")))
    }
}
