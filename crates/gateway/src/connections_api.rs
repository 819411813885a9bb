//! `@connections`: what backends say to clients.
//!
//! Source: documented ("Use @connections commands…") and observed, as marked; reference "data plane", section 7.

use bytes::Bytes;
use serde_json::json;
use types::Id;
use types::event::Disconnect;
use types::snapshot::StageKey;
use types::time::Timestamp;

use crate::address::{Address, Below};
use crate::client::NotSent;
use crate::command::{Answer, Command};
use crate::frame::close;
use crate::gateway::Gateway;

impl Gateway {
    /// Carries out `POST`, `GET` or `DELETE @connections/{id}`.
    pub async fn connections(&self, method: &str, address: &Address, body: Bytes) -> Answer {
        let Below::Connection(id) = &address.below else { return Answer::forbidden() };
        let Some(stage) = self.stages.pin(&address.key).filter(|stage| !stage.retired) else {
            return Answer::forbidden();
        };
        let Ok(id) = id.parse::<Id>() else {
            // Observed that AWS answers 400; the text is inferred.
            return Answer::error(400, "BadRequestException", &format!("Invalid connectionId: {id}"));
        };
        let command = match method {
            "POST" if body.len() > self.limits.message_bytes => return Answer::too_large(self.limits.message_bytes),
            "POST" if simdutf8::basic::from_utf8(&body).is_err() => {
                // AWS leaves this undefined; a text frame cannot hold it.
                return Answer::error(
                    400,
                    "BadRequestException",
                    "The data is not UTF-8 and binary frames are not sent",
                );
            }
            "POST" => Command::Post(body),
            "GET" => Command::Get,
            "DELETE" => Command::Delete,
            _ => return Answer::error(403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        };
        let answer = match id.node() == self.node {
            true => self.command(&address.key, id, &command),
            false => self.peers.ask(id.node(), &address.key, id, command).await,
        };
        stage.metrics.answered(method, answer.status);
        answer
    }

    /// Carries out a command on a connection of this node.
    pub fn command(&self, stage: &StageKey, id: Id, command: &Command) -> Answer {
        // An id is valid only under the API and stage that it belongs to (inferred).
        let client = self.registry.get(&id).filter(|client| *client.info.stage == *stage && !client.is_closing());
        let Some(client) = client else { return Answer::gone() };
        match command {
            Command::Post(data) => match client.send(data, self.outbox_bounds, self.now()) {
                Ok(()) => {
                    client.metrics.traffic().calls.messages.one();
                    Answer::ok(200, String::new())
                }
                Err(NotSent::Full) => {
                    // Documented: also when the client's buffer is full. The empty body is AWS's (observed).
                    Answer { status: 429, error_type: Some("LimitExceededException"), body: String::new() }
                }
                Err(NotSent::Gone) => Answer::gone(),
            },
            Command::Get => {
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
                Answer::ok(200, body.to_string())
            }
            Command::Delete => {
                // Code and text observed.
                let reason = "Connection Closed Normally".to_owned();
                self.close(&client, close::NORMAL, "", Disconnect { status_code: close::NORMAL, reason });
                Answer::ok(204, String::new())
            }
        }
    }
}
