//! `@connections`: what backends say to clients.
//!
//! Source: documented ("Use @connections commands…") and observed, as marked; docs/aws/data-plane.md 7.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use types::Id;
use types::event::Disconnect;
use types::id::IdKind;
use types::resources::LoggingLevel;
use types::snapshot::StageKey;
use types::time::Timestamp;

use crate::address::{Address, Below, PATH_FORM};
use crate::client::{Client, NotSent};
use crate::command::{Command, ConnectionsAnswer};
use crate::early::Kept;
use crate::execution_log::Push;
use crate::frame::{self, Opcode, close};
use crate::gateway::Gateway;
use crate::handshake::query_parameters;
use crate::nowhere::Who;
use crate::stages::Compiled;

/// How many posts of one call to other nodes' clients are under way at a time: as many as two messages between nodes hold.
const ASKED_AT_ONCE: usize = 128;

/// How many posts of one call are made before the thread's other work has its turn.
const POSTS_A_TURN: usize = 32;

/// A text for many connections.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Many {
    /// To whom.
    pub connection_ids: Vec<String>,
    /// What.
    pub data: String,
}

impl Many {
    /// Reads the body of such a call. Whoever looks whom it is for reads it by this, too.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(body: &[u8]) -> Result<Many, String> {
        let is_object = body.trim_ascii_start().first() == Some(&b'{');
        let read = if is_object {
            serde_json::from_slice(body).map_err(|error| error.to_string())
        } else {
            Err("it is no object".to_owned())
        };
        read.map_err(|error| {
            format!(r#"The body is not of the form {{"connectionIds": ["…"], "data": "text"}}: {error}"#)
        })
    }
}

impl Gateway {
    /// Carries out `POST`, `GET` or `DELETE @connections/{id}`; `query` is the address's, without `?`.
    pub async fn connections(&self, method: &str, address: &Address, query: &str, body: Bytes) -> ConnectionsAnswer {
        let text = body.clone();
        if let (true, Below::Path(path)) = (address.by_custom_domain, &address.below) {
            // Whoever puts the stage into the path of a domain name. Source: reported (text; status of the same text elsewhere).
            let route = path.trim_start_matches('/');
            let text = format!("No method found matching route {route} for http method {method}.");
            return ConnectionsAnswer::error(404, "NotFoundException", &text);
        }
        let answer = match (&address.below, method) {
            (Below::Connections, "POST") if self.dialect.extended => self.post_to_many(address, &body).await,
            _ => match self.read_command(method, address, query, body) {
                Ok((id, command)) => self.carry_out(&address.key, id, command).await,
                Err(answer) => answer,
            },
        };
        // What was done stays so, although the stage may be gone since.
        let is_of_a_push = matches!(address.below, Below::Connection(_) | Below::Connections);
        if answer.status == 403 && is_of_a_push && !self.has_stage(address) {
            return self.push_to_nowhere(method, address, None);
        }
        self.answered(method, address, text, answer)
    }

    /// Answers such a call where no stage is. `key` is for the log: the access key that it says to be signed with.
    pub fn push_to_nowhere(&self, method: &str, address: &Address, key: Option<&str>) -> ConnectionsAnswer {
        let path = format!("{PATH_FORM}{}/@connections", address.key);
        self.tell_of_nowhere(Who::Push(key), &address.domain_name, &path, Some(address));
        self.answered(method, address, Bytes::new(), ConnectionsAnswer::forbidden())
    }

    // Counts an answer and tells of it, where somebody listens.
    fn answered(&self, method: &str, address: &Address, text: Bytes, answer: ConnectionsAnswer) -> ConnectionsAnswer {
        if let Some(stage) = self.stages.pin(&address.key) {
            stage.metrics.answered(method, answer.status);
            self.tell_push(&stage, method, address, text, answer.status);
        }
        if self.dialect.extended { answer.extended() } else { answer }
    }

    // A push is an event like others: told where the stage logs everything, or somebody watches.
    fn tell_push(&self, stage: &Compiled, method: &str, address: &Address, body: Bytes, status: u16) {
        let logged = stage.plan.default_logging.level == LoggingLevel::Info;
        if !logged && !stage.is_watched() && !self.sink.watched() {
            return;
        }
        let connection_id = match &address.below {
            Below::Connection(id) => id.clone(),
            Below::Connections | Below::Nothing | Below::Path(_) => String::new(),
        };
        let (stage, method) = (address.key.clone(), method.to_owned());
        let (request_id, at) = (self.new_id(IdKind::Request), self.wall_clock());
        let bytes = body.len();
        self.sink.push(Push { request_id, at, stage, connection_id, method, status, bytes, body, logged });
    }

    /// How long the body of such a call may be; `None`: the call comes to the same whatever it holds, so that it need not
    /// be read.
    pub fn body_bytes_max(&self, method: &str, address: &Address) -> Option<usize> {
        if method != "POST" || !self.has_stage(address) {
            return None;
        }
        match &address.below {
            Below::Connection(_) => Some(self.limits.message_bytes),
            Below::Connections => self.dialect.extended.then_some(self.limits.control_body_bytes),
            Below::Nothing | Below::Path(_) => None,
        }
    }

    async fn carry_out(&self, stage: &StageKey, id: Id, command: Command) -> ConnectionsAnswer {
        match id.node() == self.node() {
            true => self.command(stage, id, &command),
            false => self.peers.ask(id.node(), stage, id, command).await,
        }
    }

    /// The extended dialect's broadcast: one text for many connections, and for each what a call of its own would have
    /// answered. The whole is one call to the limits.
    async fn post_to_many(&self, address: &Address, body: &[u8]) -> ConnectionsAnswer {
        if !self.has_stage(address) {
            return ConnectionsAnswer::forbidden();
        }
        if self.account_limits.request().is_err() {
            return ConnectionsAnswer::limit_exceeded();
        }
        let Many { connection_ids, data } = match Many::read(body) {
            Ok(many) => many,
            Err(error) => return ConnectionsAnswer::error(400, "BadRequestException", &error),
        };
        if data.len() > self.limits.message_bytes {
            return ConnectionsAnswer::too_large(self.limits.message_bytes);
        }
        let data = Bytes::from(data);
        // Looked at once: of one text it is the same for all.
        let framed = self.framed(&data);
        // Each client gets it once, however often it is named.
        let mut seen = HashSet::new();
        let ids = connection_ids.into_iter().filter(|id| seen.insert(id.clone())).enumerate();
        // One's own clients have it as soon as their turn comes; other nodes are asked at the same time.
        let posts = ids.map(|(turn, connection_id)| {
            let (data, framed, stage) = (&data, &framed, &address.key);
            async move {
                if turn % POSTS_A_TURN == POSTS_A_TURN - 1 {
                    tokio::task::yield_now().await;
                }
                let status = match connection_id.parse::<Id>() {
                    Ok(id) if id.node() == self.node() => self.post(stage, id, data, framed).status,
                    Ok(id) => self.peers.ask(id.node(), stage, id, Command::Post(data.clone())).await.status,
                    Err(_) => 400,
                };
                json!({ "connectionId": connection_id, "status": status })
            }
        });
        let results: Vec<Value> = stream::iter(posts).buffered(ASKED_AT_ONCE).collect().await;
        ConnectionsAnswer::ok(200, json!({ "results": results }).to_string())
    }

    fn read_command(
        &self,
        method: &str,
        address: &Address,
        query: &str,
        body: Bytes,
    ) -> Result<(Id, Command), ConnectionsAnswer> {
        let Below::Connection(id) = &address.below else { return Err(ConnectionsAnswer::forbidden()) };
        if !self.has_stage(address) {
            return Err(ConnectionsAnswer::forbidden());
        }
        if self.account_limits.request().is_err() {
            return Err(ConnectionsAnswer::limit_exceeded());
        }
        let bad = |message: &str| ConnectionsAnswer::error(400, "BadRequestException", message);
        // Observed that AWS answers 400; the text is inferred.
        let id = id.parse::<Id>().map_err(|_| bad(&format!("Invalid connectionId: {id}")))?;
        let command = match method {
            "POST" if body.len() > self.limits.message_bytes => {
                return Err(ConnectionsAnswer::too_large(self.limits.message_bytes));
            }
            // AWS leaves this undefined; a text frame cannot hold it.
            "POST" if !self.dialect.binary && simdutf8::basic::from_utf8(&body).is_err() => {
                return Err(bad("The data is not UTF-8 and binary frames are not sent"));
            }
            "POST" => Command::Post(body),
            "GET" => Command::Get,
            "DELETE" => self.read_delete(query).map_err(|message| bad(&message))?,
            _ => {
                return Err(ConnectionsAnswer::error(
                    403,
                    "MissingAuthenticationTokenException",
                    "Missing Authentication Token",
                ));
            }
        };
        Ok((id, command))
    }

    // Code and reason can be chosen in the extended dialect; AWS's are observed.
    fn read_delete(&self, query: &str) -> Result<Command, String> {
        let (mut code, mut reason) = (close::NORMAL, String::new());
        let parameters = if self.dialect.extended { query_parameters(query) } else { Vec::new() };
        for (name, value) in parameters {
            match name.as_str() {
                "code" => {
                    let fits = value.parse().ok().filter(|code| frame::is_close_code(*code));
                    code = fits.ok_or_else(|| {
                        format!("code: `{value}` is no close code: 1000 to 1003, 1007 to 1014 or 3000 to 4999")
                    })?;
                }
                "reason" if value.len() > frame::REASON_BYTES_MAX => {
                    return Err(format!(
                        "reason: {} bytes, a close frame has room for {}",
                        value.len(),
                        frame::REASON_BYTES_MAX
                    ));
                }
                "reason" => reason = value,
                _ => {}
            }
        }
        Ok(Command::Delete { code, reason })
    }

    /// Carries out a command on a connection of this node.
    pub fn command(&self, stage: &StageKey, id: Id, command: &Command) -> ConnectionsAnswer {
        match command {
            Command::Post(data) => self.post(stage, id, data, &self.framed(data)),
            Command::Get => self.describe(stage, id),
            Command::Delete { code, reason } => self.delete(stage, id, *code, reason),
        }
    }

    fn post(
        &self,
        stage: &StageKey,
        id: Id,
        data: &Bytes,
        (opcode, payload): &(Opcode, Cow<'_, [u8]>),
    ) -> ConnectionsAnswer {
        if self.dialect.extended {
            match self.early.keep(stage, id, data, self.outbox_bounds) {
                Kept::Yes => return ConnectionsAnswer::ok(200, String::new()),
                Kept::Full => return ConnectionsAnswer::limit_exceeded(),
                Kept::Unknown => {}
            }
        }
        let client = match self.client(stage, id) {
            Ok(client) => client,
            Err(answer) => return answer,
        };
        match client.send(*opcode, payload, self.outbox_bounds, self.now()) {
            Ok(()) => {
                client.metrics.traffic().calls.messages.one();
                ConnectionsAnswer::ok(200, String::new())
            }
            // Documented: also when the client's buffer is full.
            Err(NotSent::Full | NotSent::Away) => ConnectionsAnswer::limit_exceeded(),
            Err(NotSent::Gone) => ConnectionsAnswer::gone(),
        }
    }

    fn describe(&self, stage: &StageKey, id: Id) -> ConnectionsAnswer {
        let client = match self.client(stage, id) {
            Ok(client) => client,
            Err(answer) => return answer,
        };
        let idle = self.now().saturating_sub(client.last_active());
        let last_active = Timestamp(self.wall_clock().0.saturating_sub(idle.as_millis() as u64));
        let body = json!({
            "connectedAt": client.info.connected_at.iso(),
            "identity": {
                "sourceIp": client.info.source_ip.to_string(),
                "userAgent": client.info.user_agent.as_deref().unwrap_or_default(),
            },
            "lastActiveAt": last_active.iso(),
        });
        ConnectionsAnswer::ok(200, body.to_string())
    }

    fn delete(&self, stage: &StageKey, id: Id, code: u16, reason: &str) -> ConnectionsAnswer {
        let client = match self.client(stage, id) {
            Ok(client) => client,
            Err(answer) => return answer,
        };
        // Observed for AWS's own code.
        let told = if code == close::NORMAL && reason.is_empty() { "Connection Closed Normally" } else { reason };
        self.close(&client, code, reason, Disconnect::new(code, told));
        ConnectionsAnswer::ok(204, String::new())
    }

    // An id is valid only under the API and stage that it belongs to (inferred). While another gateway takes a client
    // over the caller is to try again (ours): whoever reads 410 forgets the id.
    fn client(&self, stage: &StageKey, id: Id) -> Result<Arc<Client>, ConnectionsAnswer> {
        let client =
            self.registry.get(&id).filter(|client| *client.info.stage == *stage).ok_or_else(ConnectionsAnswer::gone)?;
        match client.refuses() {
            None => Ok(client),
            Some(NotSent::Away) => Err(ConnectionsAnswer::limit_exceeded()),
            Some(NotSent::Full | NotSent::Gone) => Err(ConnectionsAnswer::gone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_for_many_is_an_object_and_nothing_else_that_could_be_read_so() {
        assert!(Many::read(br#" {"connectionIds": ["a"], "data": "x"}"#).is_ok());
        for body in
            [r#"[["a"],"x"]"#, r#"{"connectionIds":["a"],"data":"x","more":1}"#, r#"{"connectionIds":["a"]}"#, "", "x"]
        {
            assert!(Many::read(body.as_bytes()).unwrap_err().starts_with("The body is not of the form"), "{body}");
        }
    }
}
