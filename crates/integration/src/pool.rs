//! Connections to backends that are kept open between calls.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use types::message::HttpTarget;

use crate::stream::Stream;

/// How long a connection is kept without use when the backend names no time of its own.
///
/// Node's servers close theirs after 5 s; using one in the moment in which the server closes it loses a call.
const IDLE_MAX: Duration = Duration::from_secs(4);

/// The longest that a backend's `Keep-Alive: timeout=` is believed.
const IDLE_MAX_ASKED: Duration = Duration::from_secs(90);

/// How many unused connections are kept per backend; more in flight at once are opened and closed again.
const IDLE_CONNECTIONS_MAX: usize = 1024;

/// A connection and its read buffer.
pub(crate) struct Pooled {
    pub(crate) stream: Stream,
    pub(crate) buffer: BytesMut,
}

struct Idle {
    connection: Pooled,
    until: Instant,
}

/// Two floors of map, so that looking a backend up needs no new text.
type ByHost = HashMap<String, Vec<Idle>>;

/// The kept connections, by scheme, port and host.
#[derive(Default)]
pub(crate) struct Pool {
    backends: Mutex<HashMap<(bool, u16), ByHost>>,
}

impl Pool {
    /// The connection to this backend that was used last, if it can still be used.
    pub(crate) fn take(&self, target: &HttpTarget, now: Instant) -> Option<Pooled> {
        loop {
            let mut idle = {
                let mut backends = self.backends.lock().unwrap_or_else(PoisonError::into_inner);
                backends.get_mut(&(target.tls, target.port))?.get_mut(&target.host)?.pop()?
            };
            if idle.until > now && idle.connection.stream.is_quiet() {
                return Some(idle.connection);
            }
        }
    }

    /// Keeps a connection whose answer has been read to its end.
    pub(crate) fn put(&self, target: &HttpTarget, connection: Pooled, keep_alive: Option<Duration>, now: Instant) {
        // A second less than the backend says, for the way there.
        let idle =
            keep_alive.map_or(IDLE_MAX, |asked| asked.min(IDLE_MAX_ASKED).saturating_sub(Duration::from_secs(1)));
        let idle = Idle { connection, until: now + idle };
        let mut backends = self.backends.lock().unwrap_or_else(PoisonError::into_inner);
        let hosts = backends.entry((target.tls, target.port)).or_default();
        match hosts.get_mut(&target.host) {
            // Beyond the bound the connection is dropped here, which closes it.
            Some(kept) if kept.len() >= IDLE_CONNECTIONS_MAX => {}
            Some(kept) => kept.push(idle),
            None => drop(hosts.insert(target.host.clone(), vec![idle])),
        }
    }

    /// Closes what has not been used for too long, and forgets backends without connections.
    pub(crate) fn sweep(&self, now: Instant) {
        // Closing takes a while; it is not done under the lock that every call needs.
        let mut expired = Vec::new();
        let mut backends = self.backends.lock().unwrap_or_else(PoisonError::into_inner);
        backends.retain(|_, hosts| {
            hosts.retain(|_, kept| {
                expired.extend(kept.extract_if(.., |idle| idle.until <= now));
                !kept.is_empty()
            });
            !hosts.is_empty()
        });
        drop(backends);
        drop(expired);
    }
}
