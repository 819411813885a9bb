//! What a template sees of an event: `$context`, `$input.params()` and `$stageVariables`, made from the event's scope.

use std::rc::Rc;

use types::event::EventKind;
use types::identity::Signer;
use vtl::{Map, MapKind, Value};

use crate::context::Scope;
use crate::objects::Source;
use crate::objects::context::{fixed, linked, map_of};

/// What an event lets its template see.
pub(super) struct EventSource<'a> {
    pub(super) scope: &'a Scope<'a>,
    /// The backend's, in a response template.
    pub(super) status: Option<u16>,
    /// Whether the template names the override maps.
    pub(super) overrides: bool,
}

impl Source for EventSource<'_> {
    fn params(&self) -> Value {
        params(self.scope)
    }

    fn context(&self) -> Value {
        context(self.scope, self.status, self.overrides)
    }

    fn overrides(&self) -> bool {
        self.overrides
    }

    fn stage_variables(&self) -> Value {
        stage_variables(self.scope)
    }

    fn extended(&self) -> bool {
        self.scope.extended
    }
}

/// `$context` of an event. The order in which keys are given is the order that AWS's printed map has where two fall
/// into one bucket; what an event has not is null, so that it prints as in the recorded map.
///
/// Source: observed (the founding question's log). `status` is there in response templates only. Overrides are maps to be
/// filled, and there only for templates that name them (inferred, as on REST APIs), because they would print.
fn context(scope: &Scope<'_>, status: Option<u16>, overrides: bool) -> Value {
    let (event, connection) = (scope.event, &scope.event.connection);
    let (message_id, disconnect) = match &event.kind {
        EventKind::Message(message) => (text(&message.id.to_string()), None),
        EventKind::Disconnect(disconnect) => (Value::Null, Some(disconnect)),
        EventKind::Connect(_) => (Value::Null, None),
    };
    let request_id = text(&event.request_id.to_string());
    let mut members = vec![
        ("routeKey", text(scope.route_key)),
        ("disconnectStatusCode", disconnect.map_or(Value::Null, |d| Value::integer(i64::from(d.status_code)))),
        ("messageId", message_id),
        ("eventType", text(event.kind.event_type())),
        ("extendedRequestId", request_id.clone()),
        ("requestTime", text(&event.at.clf())),
        ("messageDirection", text("IN")),
        ("disconnectReason", disconnect.map_or(Value::Null, |d| text(&d.reason))),
        ("stage", text(&scope.stage.stage)),
        ("connectedAt", integer(connection.connected_at.0)),
        ("requestTimeEpoch", integer(event.at.0)),
        ("identity", identity(scope)),
        ("requestId", request_id),
        ("domainName", text(&connection.domain_name)),
        ("connectionId", text(&connection.id.to_string())),
        ("apiId", text(&scope.stage.api_id)),
    ];
    if let Some(path) = connection.path.as_deref() {
        members.push(("path", text(path)));
    }
    if let Some(said) = connection.identity.as_deref().and_then(|identity| identity.authorizer.as_ref()) {
        let values = said.values.iter().map(|(name, value)| (name.as_str(), text(value)));
        let all = [("principalId", text(&said.principal_id))].into_iter().chain(values);
        members.push(("authorizer", map_of(&linked(all))));
    }
    if let Some(status) = status {
        members.push(("status", text(&status.to_string())));
    }
    if overrides {
        let empty = || fixed([]);
        members.push(("requestOverride", fixed([("header", empty()), ("path", empty()), ("querystring", empty())])));
        members.push(("responseOverride", fixed([("header", empty())])));
    }
    hashed(members)
}

/// `$input.params()`: what the handshake had; empty maps on other events. Source: observed for headers.
fn params(scope: &Scope<'_>) -> Value {
    let handshake = match &scope.event.kind {
        EventKind::Connect(handshake) => Some(handshake),
        EventKind::Message(_) | EventKind::Disconnect(_) => None,
    };
    let query = handshake.iter().flat_map(|h| h.query.iter().map(|(name, value)| (name.as_str(), text(value))));
    let headers = handshake.iter().flat_map(|h| h.headers.iter().map(|(name, value)| (name, text(value))));
    fixed([("path", fixed([])), ("querystring", linked(query)), ("header", linked(headers))])
}

/// `$stageVariables`.
fn stage_variables(scope: &Scope<'_>) -> Value {
    linked(scope.stage_variables.iter().map(|(name, value)| (name.as_str(), text(value))))
}

// The twelve keys of the recorded map; an API key adds its own two.
fn identity(scope: &Scope<'_>) -> Value {
    let connection = &scope.event.connection;
    let identity = connection.identity.as_deref();
    let signer = identity.and_then(|identity| identity.signer.as_ref());
    let signed = |member: fn(&Signer) -> &str| signer.map_or(Value::Null, |signer| text(member(signer)));
    let mut members = vec![
        ("cognitoIdentityPoolId", Value::Null),
        ("cognitoIdentityId", Value::Null),
        ("principalOrgId", Value::Null),
        ("cognitoAuthenticationType", Value::Null),
        ("userArn", signed(|signer| &signer.user_arn)),
        ("userAgent", connection.user_agent.as_deref().map_or(Value::Null, text)),
        ("accountId", signed(|signer| &signer.account_id)),
        ("caller", signed(|signer| &signer.caller)),
        ("sourceIp", text(&connection.source_ip.to_string())),
        ("accessKey", signed(|signer| &signer.access_key)),
        ("cognitoAuthenticationProvider", Value::Null),
        ("user", signed(|signer| &signer.user)),
    ];
    if let Some(key) = identity.and_then(|identity| identity.api_key.as_ref()) {
        // Where two keys fall into one bucket, these stand where AWS's do (worked out from the order of buckets).
        members.insert(3, ("apiKey", text(&key.value)));
        members.insert(6, ("apiKeyId", text(&key.id)));
    }
    hashed(members)
}

fn hashed(members: Vec<(&'static str, Value)>) -> Value {
    let members = members.into_iter().map(|(key, value)| (Value::fixed(key), value)).collect();
    Value::Map(Rc::new(Map::distinct(MapKind::Hash, members)))
}

fn text(text: &str) -> Value {
    Value::text(text)
}

fn integer(n: u64) -> Value {
    Value::integer(i64::try_from(n).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use types::event::{ClientMessage, Connection, Disconnect, Event, EventKind};
    use types::id::{Id, IdKind};
    use types::resources::Map;
    use types::snapshot::StageKey;
    use types::time::Timestamp;

    use crate::context::{Scope, VARIABLES};
    use crate::objects::{for_event, parse_and_render};

    #[test]
    fn a_template_reads_of_each_variable_what_a_mapping_reads() {
        let stage = StageKey { api_id: "abcdef1234".into(), stage: "prod".into() };
        let id = |number| Id::new(IdKind::Connection, 0, number);
        let connection = Arc::new(Connection {
            id: id(1),
            stage: Arc::new(stage.clone()),
            domain_name: "abcdef1234.execute-api.localhost:4510".into(),
            source_ip: [203, 0, 113, 15].into(),
            user_agent: Some("agent/1.0".into()),
            connected_at: Timestamp(1_708_326_702_789),
            path: None,
            identity: None,
        });
        let kinds = [
            EventKind::Connect(Box::default()),
            EventKind::Message(ClientMessage { id: id(2), body: Bytes::from_static(b"{}"), is_binary: false }),
            EventKind::Disconnect(Disconnect { status_code: 1001, reason: "Going away".into() }),
        ];
        for kind in kinds {
            let event =
                Event { connection: connection.clone(), request_id: id(3), at: Timestamp(1_708_326_702_790), kind };
            let scope = Scope {
                stage: &stage,
                stage_variables: &Map::new(),
                route_key: "$default",
                event: &event,
                extended: false,
            };
            // `domainPrefix` is named in passing by the guide and is not in the recorded map, so templates have it not.
            for variable in VARIABLES.iter().filter(|variable| variable.name != "domainPrefix") {
                let template = format!("$context.{}", variable.name);
                let rendered = parse_and_render(&template, for_event(&scope, b"", None, false));
                let text = rendered.map(|rendered| rendered.text).unwrap_or_else(|error| error.message);
                assert_eq!(
                    text,
                    (variable.value)(&scope).unwrap_or_default(),
                    "{template} on {}",
                    event.kind.event_type()
                );
            }
        }
    }
}
