//! Who is connected, for people who look: in pages, so that a million clients are no long list.

use std::sync::Arc;

use bytes::Bytes;
use types::Id;
use types::event::Connection;
use types::time::Timestamp;

use crate::address::{Address, Below};
use crate::client::Client;
use crate::command::{Command, ConnectionsAnswer};
use crate::frame;
use crate::gateway::Gateway;

/// The most connections that one page looks at: a search that finds few goes on with the next page.
const LOOKED_AT_MAX: usize = 100_000;

/// A client, as it stands.
#[derive(Clone, Debug)]
pub struct Connected {
    /// What is known of it from its handshake on.
    pub connection: Arc<Connection>,
    /// When the last bytes went in either direction.
    pub last_active: Timestamp,
    /// Frames that wait for it to read.
    pub outbox_messages: usize,
    /// Their bytes.
    pub outbox_bytes: usize,
}

/// A page of the roll.
#[derive(Debug)]
pub struct Roll {
    /// Those that fit, in the roll's own order, which stays the same.
    pub connections: Vec<Connected>,
    /// What the next page begins behind; `None`: there is no more.
    pub next: Option<Id>,
}

impl Gateway {
    /// The first `most` clients behind `after` for which `fits` holds. Of those who come and go meanwhile it has some; of those
    /// who stay it misses none, if all pages are read.
    pub fn roll(&self, after: Option<Id>, most: usize, fits: impl Fn(&Connection) -> bool) -> Roll {
        let mut roll = Roll { connections: Vec::new(), next: None };
        for (looked_at, client) in self.registry.sorted(after).enumerate() {
            if roll.connections.len() == most || looked_at == LOOKED_AT_MAX {
                return roll;
            }
            roll.next = Some(client.info.id);
            if fits(&client.info) {
                roll.connections.push(self.standing_of(&client));
            }
        }
        roll.next = None;
        roll
    }

    /// One client of this node, if it is connected.
    pub fn connected(&self, id: Id) -> Option<Connected> {
        self.registry.get(&id).map(|client| self.standing_of(&client))
    }

    /// Sends a text to a client of this node, as a backend's `POST @connections/{id}` does.
    pub async fn say_to(&self, id: Id, text: Bytes) -> ConnectionsAnswer {
        let Some(address) = self.address_of(id) else { return ConnectionsAnswer::gone() };
        self.connections("POST", &address, "", text).await
    }

    /// Closes a client of this node with a code and a reason, whatever the dialect.
    ///
    /// # Errors
    /// What is wrong with code or reason.
    pub fn close_with(&self, id: Id, code: u16, reason: &str) -> Result<ConnectionsAnswer, String> {
        if !frame::is_close_code(code) {
            return Err(format!("code: {code} is no close code: 1000 to 1003, 1007 to 1014 or 3000 to 4999"));
        }
        if reason.len() > frame::REASON_BYTES_MAX {
            let (bytes, most) = (reason.len(), frame::REASON_BYTES_MAX);
            return Err(format!("reason: {bytes} bytes, a close frame has room for {most}"));
        }
        let Some(client) = self.registry.get(&id) else { return Ok(ConnectionsAnswer::gone()) };
        let command = Command::Delete { code, reason: reason.to_owned() };
        Ok(self.command(&client.info.stage, id, &command))
    }

    fn address_of(&self, id: Id) -> Option<Address> {
        let connection = self.registry.get(&id)?.info.clone();
        Some(Address {
            key: (*connection.stage).clone(),
            below: Below::Connection(id.to_string()),
            by_custom_domain: false,
            domain_name: connection.domain_name.to_string(),
        })
    }

    fn standing_of(&self, client: &Client) -> Connected {
        let idle = self.now().saturating_sub(client.last_active());
        let (outbox_messages, outbox_bytes) = client.waiting();
        Connected {
            connection: client.info.clone(),
            last_active: Timestamp(self.wall_clock().0.saturating_sub(idle.as_millis() as u64)),
            outbox_messages,
            outbox_bytes,
        }
    }
}
