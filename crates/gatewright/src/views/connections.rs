//! Who is connected; and to reach one of them: to send it a text, to close it.

use gateway::{Connected, ConnectionsAnswer};
use serde_json::{Value, json};
use types::Id;
use types::event::Connection;

use super::{Asked, Views, Wrong};

/// Connections in one page, at most; and as many where nobody says how many.
const PAGE_MAX: usize = 1_000;
const PAGE: usize = 100;
/// The most of a text that is looked for.
const SEARCH_BYTES_MAX: usize = 200;

/// `GET connections?search=&api=&stage=&limit=&after=`. A search looks into id, API, stage, address, user agent and the names
/// of whoever it is; a page may have few, or none, and yet a next one, since it looks at so many connections and no more.
pub(super) fn list(views: &Views, asked: &Asked) -> Result<Value, Wrong> {
    let most = asked.parameter("limit").map(|limit| limit.parse::<usize>());
    let most = most.transpose().map_err(|_| Wrong::bad("`limit` has to be a number"))?.unwrap_or(PAGE).min(PAGE_MAX);
    let after = asked.parameter("after").map(|id| id.parse::<Id>());
    let after = after.transpose().map_err(|_| Wrong::bad("`after` has to be a connection's id"))?;
    let search = asked.parameter("search").unwrap_or_default().to_lowercase();
    if search.len() > SEARCH_BYTES_MAX {
        return Err(Wrong::bad(format!("`search` has at most {SEARCH_BYTES_MAX} bytes")));
    }
    let (api, stage) = (asked.parameter("api"), asked.parameter("stage"));
    let fits = |connection: &Connection| {
        api.as_ref().is_none_or(|api| *api == connection.stage.api_id)
            && stage.as_ref().is_none_or(|stage| *stage == connection.stage.stage)
            && (search.is_empty() || texts(connection).any(|text| text.to_lowercase().contains(&search)))
    };
    let roll = views.gateway.roll(after, most, fits);
    let connections: Vec<Value> = roll.connections.iter().map(told).collect();
    Ok(json!({ "total": views.gateway.open_connections(), "connections": connections, "next": roll.next }))
}

/// `GET`, `POST` (its body is sent) and `DELETE connections/{id}?code=&reason=`.
pub(super) async fn one(views: &Views, id: &str, asked: &Asked) -> Result<Value, Wrong> {
    let connection = id.parse::<Id>().map_err(|_| Wrong::bad(format!("`{id}` is no connection's id")))?;
    let gone = || Wrong::absent(format!("{id} is not connected"));
    match asked.method.as_str() {
        "GET" => views.gateway.connected(connection).map(|connected| told(&connected)).ok_or_else(gone),
        "POST" => done(id, views.gateway.say_to(connection, asked.body.clone()).await),
        "DELETE" => {
            let code = asked.parameter("code").map_or(Ok(1000), |code| {
                code.parse().map_err(|_| Wrong::bad(format!("code: `{code}` is no number from 1000 to 4999")))
            })?;
            let reason = asked.parameter("reason").unwrap_or_default();
            done(id, views.gateway.close_with(connection, code, &reason).map_err(Wrong::bad)?)
        }
        method => Err(Wrong::bad(format!("{method} is not taken here"))),
    }
}

fn done(id: &str, answer: ConnectionsAnswer) -> Result<Value, Wrong> {
    let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    match answer.status {
        200..=299 => Ok(json!({ "status": answer.status })),
        410 => Err(Wrong::absent(format!("{id} is not connected"))),
        429 => Err(Wrong::refused(429, format!("{id} does not read what is sent to it, or a rate is used up"))),
        status => Err(Wrong::refused(status, said["message"].as_str().unwrap_or("refused"))),
    }
}

// What somebody would look for.
fn texts(connection: &Connection) -> impl Iterator<Item = String> {
    let stage = &connection.stage;
    let always = [
        connection.id.to_string(),
        stage.api_id.clone(),
        stage.stage.clone(),
        connection.source_ip.to_string(),
        connection.domain_name.to_string(),
    ];
    let agent = connection.user_agent.as_ref().map(ToString::to_string);
    let names = who(connection).as_object().cloned().into_iter().flatten();
    let names = names.filter_map(|(_, value)| value.as_str().map(str::to_owned));
    always.into_iter().chain(agent).chain(names)
}

fn told(connected: &Connected) -> Value {
    let Connected { connection, last_active, outbox_messages, outbox_bytes } = connected;
    json!({
        "connectionId": connection.id, "apiId": connection.stage.api_id, "stage": connection.stage.stage,
        "connectedAt": connection.connected_at.iso_millis(), "lastActiveAt": last_active.iso_millis(),
        "sourceIp": connection.source_ip.to_string(), "userAgent": connection.user_agent,
        "domainName": connection.domain_name, "identity": who(connection),
        "outboxMessages": outbox_messages, "outboxBytes": outbox_bytes,
    })
}

// Names, and nothing that opens doors.
fn who(connection: &Connection) -> Value {
    let Some(identity) = &connection.identity else { return Value::Null };
    let key = identity.api_key.as_ref().map(|key| &key.id);
    let principal = identity.authorizer.as_ref().map(|said| &said.principal_id);
    let user = identity.signer.as_ref().map(|signer| &signer.user_arn);
    let certificate = identity.certificate.as_ref().map(|shown| &shown.subject_dn);
    json!({ "principalId": principal, "apiKeyId": key, "userArn": user, "certificate": certificate })
}
