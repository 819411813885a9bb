//! Connections to backends that are kept open between calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::place::Place;
use crate::stream::Stream;
use bytes::BytesMut;

/// How long a connection is kept without use when the backend names no time of its own.
///
/// Node's servers close theirs after 5 s; using one in the moment in which the server closes it loses a call.
const IDLE_MAX: Duration = Duration::from_secs(4);

/// The longest that a backend's `Keep-Alive: timeout=` is believed.
const IDLE_MAX_ASKED: Duration = Duration::from_secs(90);

/// Connections that can be trusted for less than this are not kept at all.
const IDLE_MIN: Duration = Duration::from_millis(20);

/// How many unused connections are kept per backend; more in flight at once are opened and closed again.
const IDLE_CONNECTIONS_MAX: usize = 1024;

/// How many connections to one backend are being opened at once. A backend's accept queue is short (Node's: 511), and
/// what finds it full is tried again by the system only after seconds.
const CONNECTING_MAX: usize = 128;

/// Backends that are remembered for closing early; beyond it they are forgotten with their last connection.
const LEARNED_MAX: usize = 1024;

/// Leave to open a connection, for as long as it lives.
pub(crate) struct MayConnect {
    /// Whether others had to come first.
    pub(crate) waited: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

/// A connection and its read buffer.
pub(crate) struct Pooled {
    pub(crate) stream: Stream,
    pub(crate) buffer: BytesMut,
}

struct Idle {
    connection: Pooled,
    since: Instant,
    until: Instant,
}

/// What is kept of one backend.
struct Backend {
    kept: Vec<Idle>,
    /// A permit for each connection that is being opened.
    connecting: Arc<Semaphore>,
    /// How long its connections can be trusted. Less than [`IDLE_MAX`] once one of them died sooner.
    idle_max: Duration,
}

impl Default for Backend {
    fn default() -> Backend {
        Backend { kept: Vec::new(), connecting: Arc::new(Semaphore::new(CONNECTING_MAX)), idle_max: IDLE_MAX }
    }
}

impl Backend {
    /// A connection died when it had been idle for this long: from now on half of that is the most. Using one in the
    /// moment in which its backend closes it loses a call, which then happens to the first and not to every one.
    fn died_after(&mut self, idle: Duration) {
        self.idle_max = self.idle_max.min(idle / 2);
    }
}

/// Two floors of map, so that looking a backend up needs no new text.
type ByHost = HashMap<String, Backend>;

/// The kept connections, by scheme, port and host.
#[derive(Default)]
pub(crate) struct Pool {
    backends: Mutex<HashMap<(bool, u16), ByHost>>,
}

impl Pool {
    /// The connection to this backend that was used last, if it can still be used, and how long it had been idle.
    pub(crate) fn take(&self, place: &Place<'_>, now: Instant) -> Option<(Pooled, Duration)> {
        loop {
            let mut idle = self.with_backend(place, |backend| backend.kept.pop())??;
            let idle_for = now.saturating_duration_since(idle.since);
            if idle.until <= now {
                continue;
            }
            if idle.connection.stream.is_quiet() {
                return Some((idle.connection, idle_for));
            }
            self.died_after(place, idle_for);
        }
    }

    /// Leave to open a connection to this backend.
    pub(crate) async fn may_connect(&self, place: &Place<'_>) -> MayConnect {
        let connecting = self.connecting(place);
        match connecting.clone().try_acquire_owned() {
            Ok(permit) => MayConnect { waited: false, _permit: Some(permit) },
            // Never closed, so it gives.
            Err(_) => MayConnect { waited: true, _permit: connecting.acquire_owned().await.ok() },
        }
    }

    /// Whether a connection to this backend is kept, good or not.
    pub(crate) fn has_kept(&self, place: &Place<'_>) -> bool {
        self.with_backend(place, |backend| !backend.kept.is_empty()).unwrap_or_default()
    }

    fn connecting(&self, place: &Place<'_>) -> Arc<Semaphore> {
        let mut backends = self.lock();
        let hosts = backends.entry((place.tls, place.port)).or_default();
        match hosts.get(&*place.key) {
            Some(backend) => backend.connecting.clone(),
            None => hosts.entry(place.key.clone().into_owned()).or_default().connecting.clone(),
        }
    }

    /// A connection that was taken from here died before it gave an answer.
    pub(crate) fn died_after(&self, place: &Place<'_>, idle: Duration) {
        self.with_backend(place, |backend| backend.died_after(idle));
    }

    /// Keeps a connection whose answer has been read to its end.
    pub(crate) fn put(&self, place: &Place<'_>, connection: Pooled, keep_alive: Option<Duration>, now: Instant) {
        let mut backends = self.lock();
        let hosts = backends.entry((place.tls, place.port)).or_default();
        if !hosts.contains_key(&*place.key) {
            hosts.insert(place.key.clone().into_owned(), Backend::default());
        }
        let Some(backend) = hosts.get_mut(&*place.key) else { return };
        // A second less than the backend says, for the way there.
        let asked = keep_alive.map(|asked| asked.min(IDLE_MAX_ASKED).saturating_sub(Duration::from_secs(1)));
        let idle_max = match asked {
            Some(asked) if backend.idle_max == IDLE_MAX => asked,
            Some(asked) => asked.min(backend.idle_max),
            None => backend.idle_max,
        };
        // Beyond the bound the connection is dropped here, which closes it.
        if idle_max >= IDLE_MIN && backend.kept.len() < IDLE_CONNECTIONS_MAX {
            backend.kept.push(Idle { connection, since: now, until: now + idle_max });
        }
    }

    /// Closes what has not been used for too long, and forgets backends without connections.
    pub(crate) fn sweep(&self, now: Instant) {
        // Closing takes a while; it is not done under the lock that every call needs.
        let mut expired = Vec::new();
        let mut backends = self.lock();
        let mut learned = 0;
        backends.retain(|_, hosts| {
            hosts.retain(|_, backend| {
                expired.extend(backend.kept.extract_if(.., |idle| idle.until <= now));
                learned += usize::from(backend.idle_max < IDLE_MAX);
                !backend.kept.is_empty()
                    || Arc::strong_count(&backend.connecting) > 1
                    || backend.idle_max < IDLE_MAX && learned <= LEARNED_MAX
            });
            !hosts.is_empty()
        });
        drop(backends);
        drop(expired);
    }

    fn with_backend<T>(&self, place: &Place<'_>, act: impl FnOnce(&mut Backend) -> T) -> Option<T> {
        let mut backends = self.lock();
        backends.get_mut(&(place.tls, place.port))?.get_mut(&*place.key).map(act)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(bool, u16), ByHost>> {
        self.backends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
