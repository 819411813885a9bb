//! The `$context` variables as texts: one table, read by parameter mappings and access logs. Templates see the
//! same variables as a map (`objects/event.rs`); a test there holds the two together.

use types::event::{Event, EventKind};
use types::identity::{Identity, Signer, UsedKey};
use types::resources::Map;
use types::snapshot::StageKey;

/// What a variable is worked out from.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) stage: &'a StageKey,
    pub(crate) stage_variables: &'a Map<String>,
    pub(crate) route_key: &'a str,
    pub(crate) event: &'a Event,
    /// Whether the extended dialect is spoken.
    pub(crate) extended: bool,
}

/// One variable: its name after `context.`, and its value as text; `None` where the event has none.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    pub(crate) value: fn(&Scope<'_>) -> Option<String>,
}

/// Every variable of WebSocket APIs. Source: documented ("WebSocket API mapping template reference"), but for
/// `messageDirection`, `disconnectStatusCode` and `disconnectReason`, which are observed in recorded events.
pub(crate) const VARIABLES: &[Variable] = &[
    Variable { name: "apiId", value: |s| Some(s.stage.api_id.clone()) },
    Variable { name: "connectedAt", value: |s| Some(s.event.connection.connected_at.0.to_string()) },
    Variable { name: "connectionId", value: |s| Some(s.event.connection.id.to_string()) },
    Variable { name: "disconnectReason", value: |s| disconnect(s).map(|d| d.reason.clone()) },
    Variable { name: "disconnectStatusCode", value: |s| disconnect(s).map(|d| d.status_code.to_string()) },
    Variable { name: "domainName", value: |s| Some(s.event.connection.domain_name.to_string()) },
    Variable { name: "domainPrefix", value: domain_prefix },
    Variable { name: "eventType", value: |s| Some(s.event.kind.event_type().to_owned()) },
    Variable { name: "extendedRequestId", value: |s| Some(s.event.request_id.to_string()) },
    Variable { name: "identity.sourceIp", value: |s| Some(s.event.connection.source_ip.to_string()) },
    Variable { name: "identity.userAgent", value: |s| s.event.connection.user_agent.as_deref().map(str::to_owned) },
    Variable { name: "messageDirection", value: |_| Some("IN".to_owned()) },
    Variable { name: "messageId", value: message_id },
    Variable { name: "path", value: |s| s.event.connection.path.as_deref().map(str::to_owned) },
    Variable { name: "requestId", value: |s| Some(s.event.request_id.to_string()) },
    Variable { name: "requestTime", value: |s| Some(s.event.at.clf()) },
    Variable { name: "requestTimeEpoch", value: |s| Some(s.event.at.0.to_string()) },
    Variable { name: "routeKey", value: |s| Some(s.route_key.to_owned()) },
    Variable { name: "stage", value: |s| Some(s.stage.stage.clone()) },
    // Null where nobody asked for a key or a signature.
    Variable { name: "identity.accessKey", value: |s| signer(s).map(|signer| signer.access_key.clone()) },
    Variable { name: "identity.accountId", value: |s| signer(s).map(|signer| signer.account_id.clone()) },
    Variable { name: "identity.apiKey", value: |s| api_key(s).map(|key| key.value.clone()) },
    Variable { name: "identity.apiKeyId", value: |s| api_key(s).map(|key| key.id.clone()) },
    Variable { name: "identity.caller", value: |s| signer(s).map(|signer| signer.caller.clone()) },
    Variable { name: "identity.cognitoAuthenticationProvider", value: |_| None },
    Variable { name: "identity.cognitoAuthenticationType", value: |_| None },
    Variable { name: "identity.cognitoIdentityId", value: |_| None },
    Variable { name: "identity.cognitoIdentityPoolId", value: |_| None },
    Variable { name: "identity.principalOrgId", value: |_| None },
    Variable { name: "identity.user", value: |s| signer(s).map(|signer| signer.user.clone()) },
    Variable { name: "identity.userArn", value: |s| signer(s).map(|signer| signer.user_arn.clone()) },
    // Set by the gateway only after an answer or a failure; empty in requests (observed for `status`).
    Variable { name: "error.message", value: |_| None },
    Variable { name: "error.messageString", value: |_| None },
    Variable { name: "error.responseType", value: |_| None },
    Variable { name: "error.validationErrorString", value: |_| None },
    Variable { name: "integrationLatency", value: |_| None },
    Variable { name: "status", value: |_| None },
];

/// A variable as a mapping names it.
#[derive(Clone, Debug)]
pub(crate) enum Named {
    /// One of the table.
    Fixed(&'static Variable),
    /// A key of what the API's authorizer said, which may have any.
    Authorizer(String),
}

impl Named {
    /// The variable of that name.
    pub(crate) fn find(name: &str) -> Option<Named> {
        match name.strip_prefix("authorizer.") {
            Some(key) if !key.is_empty() => Some(Named::Authorizer(key.to_owned())),
            _ => VARIABLES.iter().find(|variable| variable.name == name).map(Named::Fixed),
        }
    }

    /// Its value as text; `None` where the event has none.
    pub(crate) fn value(&self, scope: &Scope<'_>) -> Option<String> {
        match self {
            Named::Fixed(variable) => (variable.value)(scope),
            Named::Authorizer(key) => identity(scope)?.authorizer.as_ref()?.get(key).map(str::to_owned),
        }
    }
}

fn disconnect<'a>(scope: &Scope<'a>) -> Option<&'a types::event::Disconnect> {
    match &scope.event.kind {
        EventKind::Disconnect(disconnect) => Some(disconnect),
        _ => None,
    }
}

fn identity<'a>(scope: &Scope<'a>) -> Option<&'a Identity> {
    scope.event.connection.identity.as_deref()
}

fn api_key<'a>(scope: &Scope<'a>) -> Option<&'a UsedKey> {
    identity(scope)?.api_key.as_ref()
}

fn signer<'a>(scope: &Scope<'a>) -> Option<&'a Signer> {
    identity(scope)?.signer.as_ref()
}

fn message_id(scope: &Scope<'_>) -> Option<String> {
    match &scope.event.kind {
        EventKind::Message(message) => Some(message.id.to_string()),
        _ => None,
    }
}

fn domain_prefix(scope: &Scope<'_>) -> Option<String> {
    scope.event.connection.domain_name.split('.').next().map(str::to_owned)
}
