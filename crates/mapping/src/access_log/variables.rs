//! The variables of access logs: those that an event brings along, and those that only its end knows.

use std::time::Duration;

use crate::context::{Named, Scope};
use crate::facts::{Call, Facts, Failure};

/// Where a variable's value comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// The key of the route, where one was chosen.
    RouteKey,
    /// How the event ended.
    Facts(&'static Variable),
    /// What every part of the gateway sees of an event.
    Event(Named),
    /// A documented variable of what this gateway has not, such as a web application firewall.
    Absent,
    /// No event has it.
    Unknown,
}

/// A variable that only the end of an event knows.
#[derive(Debug)]
pub(super) struct Variable {
    name: &'static str,
    value: fn(&Facts) -> Option<String>,
    /// Whether the value is JSON already, quotes and all.
    is_json: bool,
}

const fn text(name: &'static str, value: fn(&Facts) -> Option<String>) -> Variable {
    Variable { name, value, is_json: false }
}

/// Source: documented ("Set up access logging": variables for WebSocket APIs). `integrationStatus` is documented as the
/// same as `integration.status` in one place and as the status of the Lambda service in another (decision: the former).
/// `integration.status` of a function is what its code returned, `integration.integrationStatus` what the Lambda service did
/// (documented); for other backends they are equal (inferred).
const VARIABLES: &[Variable] = &[
    text("status", |facts| Some(facts.status.to_string())),
    text("error.message", |facts| failure(facts).map(|failure| failure.message.clone())),
    Variable {
        name: "error.messageString",
        value: |facts| failure(facts).map(|failure| serde_json::Value::from(failure.message.as_str()).to_string()),
        is_json: true,
    },
    text("error.responseType", |facts| failure(facts).map(|failure| failure.response_type.to_owned())),
    text("error.validationErrorString", |facts| failure(facts)?.validation.clone()),
    text("integration.error", integration_error),
    text("integration.integrationStatus", service_status),
    text("integration.latency", integration_latency),
    text("integration.status", integration_status),
    text("integrationErrorMessage", integration_error),
    text("integrationLatency", integration_latency),
    text("integrationStatus", integration_status),
];

/// Documented, and without a value here: no request id comes from an AWS endpoint, nothing is authorized, there is no WAF.
const ABSENT: &[&str] = &[
    "authenticate.error",
    "authenticate.latency",
    "authenticate.status",
    "authorize.error",
    "authorize.latency",
    "authorize.status",
    "awsEndpointRequestId",
    "integration.requestId",
    "waf.error",
    "waf.latency",
    "waf.status",
];

/// The source of the variable `$context.{name}`.
pub(super) fn find(name: &str) -> Source {
    if name == "routeKey" {
        return Source::RouteKey;
    }
    if let Some(variable) = VARIABLES.iter().find(|variable| variable.name == name) {
        return Source::Facts(variable);
    }
    if ABSENT.contains(&name) {
        return Source::Absent;
    }
    Named::find(name).map_or(Source::Unknown, Source::Event)
}

impl Source {
    /// Whether the value is JSON already, quotes and all.
    pub(super) fn is_json(&self) -> bool {
        matches!(self, Source::Facts(variable) if variable.is_json)
    }

    /// The value, unescaped; `None` where the event has none.
    pub(super) fn value(&self, scope: &Scope<'_>, route_key: Option<&str>, facts: &Facts) -> Option<String> {
        let value = match self {
            Source::RouteKey => route_key.map(str::to_owned),
            Source::Facts(variable) => (variable.value)(facts),
            Source::Event(variable) => variable.value(scope),
            Source::Absent | Source::Unknown => None,
        };
        value.filter(|value| !value.is_empty())
    }
}

fn failure(facts: &Facts) -> Option<&Failure> {
    facts.failure.as_deref()
}

// What went wrong with the call itself; a backend's own 4xx or 5xx is its answer.
fn integration_error(facts: &Facts) -> Option<String> {
    let failure = failure(facts).filter(|failure| failure.response_type.starts_with("INTEGRATION"))?;
    Some(failure.detail.clone())
}

fn integration_status(facts: &Facts) -> Option<String> {
    Some(facts.call?.status()?.to_string())
}

// What the Lambda service returned; of other backends the same.
fn service_status(facts: &Facts) -> Option<String> {
    let (status, _) = facts.call?.answer?;
    Some(status.to_string())
}

// Whole milliseconds. Source: documented.
fn integration_latency(facts: &Facts) -> Option<String> {
    match facts.call? {
        Call { mock: false, answer: Some((_, latency)), .. } => Some(Duration::as_millis(&latency).to_string()),
        Call { .. } => None,
    }
}
