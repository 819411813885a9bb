//! Hands an open connection over to another gateway, in this process or another, without its client's noticing.
//!
//! It goes as data and a socket. Whoever starts the other process is to bring both there, and calls of `@connections`
//! as well: until the other gateway has the connection they are answered 429 here.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::TcpStream as StdTcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use types::event::Connection;
use types::id::Id;
use types::time::Timestamp;

use crate::client::Client;
use crate::connection;
use crate::gateway::Gateway;
use crate::life::Reading;
use crate::outbox::Outbox;
use crate::registry::Counted;
use crate::socket::Socket;

/// How long a connection that is to leave may wait for its messages in flight. Longer than a backend may take.
const HAND_OVER_TIME: Duration = Duration::from_secs(30);

/// All of an open connection but its socket. It can be written down in any format that serde knows, and read back. What
/// clients say is in it, and the keys that they showed: it is to be kept as secret as those.
///
/// Times are the wall clock's. Not in it:
/// - messages in flight: they are waited for, and no new ones are read meanwhile;
/// - TLS sessions, so that only clear connections are handed over;
/// - closing connections: they end where they are;
/// - what is its stage's, its address's or everybody's: token buckets, quotas, room for messages, metrics. It counts at the
///   other gateway as one that was opened there;
/// - how fast it sent: it begins anew;
/// - what the other gateway makes anew: task, timers, wakers.
#[derive(Serialize, Deserialize)]
pub struct Luggage {
    connection: Connection,
    opened_at: Timestamp,
    last_active_at: Timestamp,
    /// What of the client's bytes has not become messages yet.
    reading: Reading,
    /// What its socket has not taken yet, in order; the first may be the rest of a frame.
    outbox: Outbox,
}

impl Luggage {
    /// What is known of the client, identity included.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// A connection between two gateways. Keep it until the other one has the connection; if that fails,
/// [take it over](Gateway::take_over) again here, so that its `$disconnect` runs in the end.
#[must_use]
pub struct HandedOver {
    /// What the other gateway is to be told.
    pub luggage: Luggage,
    /// The client's socket; it does not block.
    pub socket: StdTcpStream,
    /// The place here.
    pub seat: Seat,
}

/// The place of a connection that has left. While this lives it counts as open, and backends that call it are to try
/// again; then it was never here.
pub struct Seat {
    client: Arc<Client>,
    gateway: Arc<Gateway>,
    _counted: Counted,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.gateway.registry.remove(&self.client);
    }
}

/// Why a connection stays.
#[derive(Debug)]
pub enum Stays {
    /// It is closing or gone, or is handed over already.
    Gone,
    /// It is under TLS.
    UnderTls,
    /// Its messages took longer than 30 s; it goes on here.
    Busy,
}

/// A connection that this gateway cannot have, given back.
pub struct NotTaken {
    /// Why, in a sentence.
    pub reason: &'static str,
    /// As it came.
    pub luggage: Luggage,
    /// As it came.
    pub socket: StdTcpStream,
}

impl Gateway {
    /// The connections that are open here.
    pub fn connection_ids(&self) -> Vec<Id> {
        self.registry.all().map(|client| client.info.id).collect()
    }

    /// Takes a connection out of this gateway without a `$disconnect`, once its messages in flight are through.
    ///
    /// # Errors
    /// When it stays; then nothing has changed.
    ///
    /// # Cancel safety
    /// Dropping this calls it off.
    pub async fn hand_over(self: &Arc<Self>, id: Id) -> Result<HandedOver, Stays> {
        let client = self.registry.get(&id).ok_or(Stays::Gone)?;
        if client.is_under_tls() {
            return Err(Stays::UnderTls);
        }
        let mut asked = Asked::new(self, client).ok_or(Stays::Gone)?;
        if !asked.client.ask_to_leave() {
            return Err(Stays::Gone);
        }
        match tokio::time::timeout(HAND_OVER_TIME, &mut asked.answer).await {
            Ok(answer) => answer.map_err(|_| Stays::Gone),
            Err(_) if asked.client.stay() => Err(Stays::Busy),
            // It was leaving, or closing, at that very moment.
            Err(_) => (&mut asked.answer).await.map_err(|_| Stays::Gone),
        }
    }

    /// Goes on with a connection that another gateway handed over, under the same id. Call it within the runtime.
    ///
    /// A socket that is of no use ends the connection, as it does for any other; so do, with 1001, a stage that is gone
    /// and a gateway that is draining.
    ///
    /// # Errors
    /// When the connection is another node's by its id, or open here already.
    pub fn take_over(self: &Arc<Self>, luggage: Luggage, socket: StdTcpStream) -> Result<(), Box<NotTaken>> {
        if luggage.connection.id.node() != self.node() {
            let reason = "the connection's id names another node";
            return Err(Box::new(NotTaken { reason, luggage, socket }));
        }
        let counted = Counted::new(self.registry.clone());
        if self.registry.get(&luggage.connection.id).is_some_and(|client| !client.is_away()) {
            let reason = "the connection is open here";
            return Err(Box::new(NotTaken { reason, luggage, socket }));
        }
        let Luggage { connection, opened_at, last_active_at, reading, outbox } = luggage;
        let connection = Arc::new(self.shared(connection));
        let socket = match TcpStream::from_std(socket) {
            Ok(socket) => socket,
            Err(_) => {
                let gateway = self.clone();
                tokio::spawn(async move {
                    connection::finish_unopened(&gateway, connection).await;
                    drop(counted);
                });
                return Ok(());
            }
        };
        let metrics = self.stages.metrics(&connection.stage).unwrap_or_else(|| self.metrics.nowhere().clone());
        let now = self.now();
        let times = (self.on_clock(opened_at, now), self.on_clock(last_active_at, now));
        let (reader, writer, ..) = Socket::Clear(socket).into_parts();
        let client = Arc::new(Client::resume(connection, metrics, times, writer, outbox));
        self.registry.insert(client.clone());
        self.look_after(&client, now);
        if self.is_draining() || self.stages.enter(&client.info.stage).is_none() {
            self.close_as_going_away(&client);
        }
        let seat = self.seat_anyway(client.info.source_ip);
        connection::spawn(self.clone(), client, reader, reading, counted, seat);
        Ok(())
    }

    // What other connections have as well is kept once.
    fn shared(&self, connection: Connection) -> Connection {
        let stage = self.stages.pin(&connection.stage).map(|stage| stage.plan.key.clone());
        Connection {
            stage: stage.unwrap_or(connection.stage),
            domain_name: self.intern(&connection.domain_name),
            user_agent: connection.user_agent.map(|agent| self.intern(&agent)),
            ..connection
        }
    }

    // The wall clock may have been set since the gateway started: what counts is how long ago it was.
    fn on_clock(&self, at: Timestamp, now: Duration) -> Duration {
        now.saturating_sub(Duration::from_millis(self.wall_clock().0.saturating_sub(at.0)))
    }

    fn off_clock(&self, at: Duration, now: Duration) -> Timestamp {
        Timestamp(self.wall_clock().0.saturating_sub(now.saturating_sub(at).as_millis() as u64))
    }
}

/// Who waits for connections that are to leave: at most one for each connection.
#[derive(Default)]
pub(crate) struct Departures(Mutex<HashMap<Id, oneshot::Sender<HandedOver>>>);

impl Departures {
    /// Tells who waits for a connection that it will not come.
    pub(crate) fn forget(&self, id: &Id) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, oneshot::Sender<HandedOver>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait for one connection; calls it off when it goes.
struct Asked {
    gateway: Arc<Gateway>,
    client: Arc<Client>,
    answer: oneshot::Receiver<HandedOver>,
}

impl Asked {
    // `None`: somebody waits for it already.
    fn new(gateway: &Arc<Gateway>, client: Arc<Client>) -> Option<Asked> {
        let (to, answer) = oneshot::channel();
        match gateway.departures.lock().entry(client.info.id) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(place) => place.insert(to),
        };
        Some(Asked { gateway: gateway.clone(), client, answer })
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.gateway.departures.forget(&self.client.info.id);
        self.client.stay();
        self.answer.close();
        // It came just when nobody wanted it any more. Outside a runtime the program is about to end.
        if let (Ok(handed), Ok(_)) = (self.answer.try_recv(), Handle::try_current()) {
            let _ = self.gateway.take_over(handed.luggage, handed.socket);
        }
    }
}

/// A connection that has left its gateway and is about to be given to who waits for it.
pub(crate) struct Departure(Box<Parts>);

struct Parts {
    to: oneshot::Sender<HandedOver>,
    socket: StdTcpStream,
    outbox: Outbox,
}

impl Departure {
    /// Takes a client out of this gateway; `None` where nobody waits for it any more, or it closes, or its socket cannot be
    /// had twice: then it stays.
    pub(crate) fn begin(gateway: &Gateway, client: &Client) -> Option<Departure> {
        let to = gateway.departures.lock().remove(&client.info.id);
        let Some((to, socket)) = to.and_then(|to| Some((to, client.duplicate().ok()?))) else {
            client.stay();
            return None;
        };
        let outbox = client.leave()?;
        Some(Departure(Box::new(Parts { to, socket, outbox })))
    }

    /// Gives it away.
    pub(crate) fn go(self, gateway: &Arc<Gateway>, client: Arc<Client>, reading: Reading, counted: Counted) {
        let Parts { to, socket, outbox } = *self.0;
        let now = gateway.now();
        let luggage = Luggage {
            connection: Connection::clone(&client.info),
            opened_at: gateway.off_clock(client.opened(), now),
            last_active_at: gateway.off_clock(client.last_active(), now),
            reading,
            outbox,
        };
        let seat = Seat { client, gateway: gateway.clone(), _counted: counted };
        if let Err(HandedOver { luggage, socket, seat }) = to.send(HandedOver { luggage, socket, seat }) {
            // Nobody waits any more. It cannot be open here while its seat is kept.
            let _ = gateway.take_over(luggage, socket);
            drop(seat);
        }
    }
}
