//! What an event knows of itself, and the `$context` variables by name: those of the one table (`variables.rs`), and what an
//! authorizer said.
//!
//! Templates see them as a map (`objects/event.rs`), parameter mappings and access logs as texts; docs/context.md is the
//! table for people.

mod page;
mod variables;

use std::borrow::Cow;

use types::Tracing;
use types::event::{Event, EventKind};
use types::resources::Map;
use types::snapshot::StageKey;

use crate::facts::Facts;

pub use page::context_page;
pub(crate) use variables::VARIABLES;

/// What a variable is worked out from.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) stage: &'a StageKey,
    pub(crate) stage_variables: &'a Map<String>,
    /// Empty where no route was chosen.
    pub(crate) route_key: &'a str,
    pub(crate) event: &'a Event,
    /// Whether the extended dialect is spoken.
    pub(crate) extended: bool,
    /// What backends are told of traces.
    pub(crate) tracing: Tracing,
    pub(crate) so_far: SoFar<'a>,
}

/// How far an event has come.
#[derive(Clone, Copy, Default)]
pub(crate) enum SoFar<'a> {
    #[default]
    Asked,
    /// The backend answered, with this status.
    Answered(u16),
    Over(&'a Facts),
}

/// What a variable is for one event.
pub(crate) enum Given<'a> {
    /// There is none: it is no key of a template's map.
    Absent,
    /// It is a key without a value.
    Null,
    Text(Cow<'a, str>),
    Number(u64),
    /// JSON already, quotes and all, wherever it is put.
    Json(String),
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Variable {
    /// After `$context.`: `identity.sourceIp`.
    pub(crate) name: &'static str,
    /// The last word of its name.
    pub(crate) key: &'static str,
    pub(crate) seen: Seen,
    pub(crate) of: Of,
    /// For people.
    pub(crate) meaning: &'static str,
}

/// What a row stands for.
#[derive(Debug)]
pub(crate) enum Of {
    Value(for<'a> fn(&Scope<'a>) -> Given<'a>),
    /// A map of these.
    Members(&'static [Variable]),
    /// A map of what the API's authorizer said, with any keys; and what access logs have of the authorizer itself.
    Authorizer(&'static [Variable]),
}

/// Who sees a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Everywhere,
    /// Parameter mappings and access logs; templates have no such key.
    AsText,
    InLogs,
}

/// A variable as a mapping or a format names it.
#[derive(Clone, Debug)]
pub(crate) enum Named {
    /// One of the table.
    Fixed(&'static Variable),
    /// A key of what the API's authorizer said, which may have any.
    Authorizer(String),
}

impl Named {
    /// The variable of that name, of those that parameter mappings and templates know.
    pub(crate) fn find(name: &str) -> Option<Named> {
        match Named::in_logs(name) {
            Some(Named::Fixed(Variable { seen: Seen::InLogs, .. })) => Named::of_authorizer(name),
            other => other,
        }
    }

    /// The variable of that name, of those that access logs know.
    pub(crate) fn in_logs(name: &str) -> Option<Named> {
        let fixed = rows().find(|row| row.name == name).map(Named::Fixed);
        fixed.or_else(|| Named::of_authorizer(name))
    }

    fn of_authorizer(name: &str) -> Option<Named> {
        let key = name.strip_prefix("authorizer.").filter(|key| !key.is_empty())?;
        Some(Named::Authorizer(key.to_owned()))
    }

    /// Its value; absent where the event has none.
    pub(crate) fn given<'a>(&self, scope: &Scope<'a>) -> Given<'a> {
        match self {
            Named::Fixed(Variable { of: Of::Value(value), .. }) => value(scope),
            Named::Fixed(_) => Given::Absent,
            Named::Authorizer(key) => said(scope, key),
        }
    }

    /// Its value as text; `None` where the event has none.
    pub(crate) fn value(&self, scope: &Scope<'_>) -> Option<String> {
        match self.given(scope) {
            Given::Absent | Given::Null => None,
            Given::Text(text) => Some(text.into_owned()),
            Given::Number(number) => Some(number.to_string()),
            Given::Json(json) => Some(json),
        }
    }
}

/// How long whoever was asked for the authorizer took, in ms.
pub(crate) const LATENCY: &str = "integrationLatency";

/// What the API's authorizer said of the client under this key.
pub(crate) fn said<'a>(scope: &Scope<'a>, key: &str) -> Given<'a> {
    if key == LATENCY
        && let Some(ms) = latency_at_connect(scope)
    {
        return Given::Number(ms);
    }
    let said = scope.event.connection.identity.as_deref().and_then(|identity| identity.authorizer.as_ref());
    let value = said.and_then(|said| said.get(key));
    value.map_or(Given::Absent, |value| Given::Text(value.into()))
}

/// Observed: later events do not have it.
pub(crate) fn latency_at_connect(scope: &Scope<'_>) -> Option<u64> {
    let identity = scope.event.connection.identity.as_deref()?;
    identity.authorizer_latency.filter(|_| matches!(scope.event.kind, EventKind::Connect(_)))
}

/// The names that parameter mappings and templates know.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    rows().filter(|row| row.seen != Seen::InLogs).map(|row| row.name)
}

/// Every row that has a value.
pub(crate) fn rows() -> impl Iterator<Item = &'static Variable> {
    below(VARIABLES)
}

/// Every row of these, and of the maps in them, that has a value.
pub(crate) fn below(rows: &'static [Variable]) -> Box<dyn Iterator<Item = &'static Variable>> {
    Box::new(rows.iter().flat_map(|row| match row.of {
        Of::Members(members) => below(members),
        Of::Value(_) => Box::new(std::iter::once(row)),
        Of::Authorizer(of_itself) => Box::new(of_itself.iter()),
    }))
}
