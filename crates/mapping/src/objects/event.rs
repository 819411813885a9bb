//! What a template sees of an event: `$context`, `$input.params()` and `$stageVariables`, made from the event's scope.

use std::rc::Rc;

use types::event::EventKind;
use vtl::{Map, MapKind, Value};

use crate::context::{Given, LATENCY, Of, Scope, Seen, VARIABLES, Variable, latency_at_connect};
use crate::objects::Source;
use crate::objects::context::{fixed, linked, map_of};

/// What an event lets its template see.
pub(super) struct EventSource<'a> {
    pub(super) scope: Scope<'a>,
    /// Whether the template names the override maps.
    pub(super) overrides: bool,
}

impl Source for EventSource<'_> {
    fn params(&self) -> Value {
        params(&self.scope)
    }

    fn context(&self) -> Value {
        context(&self.scope, self.overrides)
    }

    fn overrides(&self) -> bool {
        self.overrides
    }

    fn stage_variables(&self) -> Value {
        stage_variables(&self.scope)
    }

    fn extended(&self) -> bool {
        self.scope.extended
    }
}

/// `$context` of an event. What it has not is null, so that it prints as in the recorded map, or is no key at all: the table
/// says which.
///
/// Overrides are maps to be filled, and there only for templates that name them (inferred, as on REST APIs), because they
/// would print.
fn context(scope: &Scope<'_>, overrides: bool) -> Value {
    let mut members = members(VARIABLES, scope);
    if overrides {
        let empty = || fixed([]);
        let request = fixed([("header", empty()), ("path", empty()), ("querystring", empty())]);
        members.push((Value::fixed("requestOverride"), request));
        members.push((Value::fixed("responseOverride"), fixed([("header", empty())])));
    }
    hashed(members)
}

fn members(rows: &'static [Variable], scope: &Scope<'_>) -> Vec<(Value, Value)> {
    let mut members = Vec::with_capacity(rows.len());
    for row in rows.iter().filter(|row| row.seen == Seen::Everywhere) {
        if let Some(value) = member(&row.of, scope) {
            members.push((Value::fixed(row.key), value));
        }
    }
    members
}

fn member(of: &Of, scope: &Scope<'_>) -> Option<Value> {
    match of {
        Of::Value(value) => match value(scope) {
            Given::Absent => None,
            Given::Null => Some(Value::Null),
            Given::Text(given) => Some(text(&given)),
            Given::Number(number) => Some(Value::integer(i64::try_from(number).unwrap_or(i64::MAX))),
            Given::Json(json) => Some(text(&json)),
        },
        Of::Members(rows) => Some(members(rows, scope)).filter(|members| !members.is_empty()).map(hashed),
        Of::Authorizer(_) => authorizer(scope),
    }
}

/// `$context.authorizer`: what the API's authorizer said, if there is one.
pub(crate) fn authorizer(scope: &Scope<'_>) -> Option<Value> {
    let identity = scope.event.connection.identity.as_deref()?;
    let said = identity.authorizer.as_ref()?;
    let values = said.values.iter().map(|(name, value)| (name.as_str(), text(value)));
    let latency = latency_at_connect(scope).map(|ms| Value::integer(i64::try_from(ms).unwrap_or(i64::MAX)));
    let latency = latency.map(|latency| (LATENCY, latency));
    let all = [("principalId", text(&said.principal_id))].into_iter().chain(latency).chain(values);
    Some(map_of(&linked(all)))
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

fn hashed(members: Vec<(Value, Value)>) -> Value {
    Value::Map(Rc::new(Map::distinct(MapKind::Hash, members)))
}

fn text(text: &str) -> Value {
    Value::text(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use types::event::{ClientMessage, Connection, Disconnect, Event, EventKind};
    use types::id::{Id, IdKind};
    use types::identity::{ClientCertificate, Identity};
    use types::resources::Map;
    use types::snapshot::StageKey;
    use types::time::Timestamp;

    use crate::context::{Named, Scope, Seen, SoFar, rows};
    use crate::objects::{for_event, parse_and_render};

    #[test]
    fn a_template_reads_of_each_variable_what_a_mapping_reads() {
        let stage = StageKey { api_id: "abcdef1234".into(), stage: "prod".into() };
        let id = |number| Id::new(IdKind::Connection, 0, number);
        let certificate = ClientCertificate {
            subject_dn: "CN=client".into(),
            not_after: "Aug  5 09:36:04 2051 GMT".into(),
            ..ClientCertificate::default()
        };
        let connection = Arc::new(Connection {
            id: id(1),
            stage: Arc::new(stage.clone()),
            domain_name: "abcdef1234.execute-api.localhost:4510".into(),
            source_ip: [203, 0, 113, 15].into(),
            user_agent: Some("agent/1.0".into()),
            connected_at: Timestamp(1_708_326_702_789),
            path: None,
            identity: Some(Arc::new(Identity { certificate: Some(Arc::new(certificate)), ..Identity::default() })),
        });
        let kinds = [
            EventKind::Connect(Box::default()),
            EventKind::Message(ClientMessage { id: id(2), body: Bytes::from_static(b"{}"), is_binary: false }),
            EventKind::Disconnect(Disconnect::new(1001, "Going away")),
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
                tracing: types::Tracing::default(),
                so_far: SoFar::Asked,
            };
            for variable in rows().filter(|row| row.seen == Seen::Everywhere) {
                let template = format!("$context.{}", variable.name);
                let rendered = parse_and_render(&template, for_event(&scope, b"", None, false));
                let text = rendered.map(|rendered| rendered.text).unwrap_or_else(|error| error.message);
                assert_eq!(
                    text,
                    Named::Fixed(variable).value(&scope).unwrap_or_default(),
                    "{template} on {}",
                    event.kind.event_type()
                );
            }
        }
    }
}
