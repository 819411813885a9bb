//! Connections to backends that are kept open between calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::remote::Remote;
use crate::stream::{Stream, Unasked};
use bytes::BytesMut;

/// How long a connection is kept without use when the backend names no time of its own.
///
/// Node's servers close theirs after 5 s; using one in the moment in which the server closes it loses a call.
const IDLE_MAX: Duration = Duration::from_secs(4);

/// The longest that a backend's `Keep-Alive: timeout=` is believed.
const IDLE_MAX_ASKED: Duration = Duration::from_secs(90);

/// The least time that connections are trusted for, however soon one died: busy ones are idle for less.
const IDLE_MIN: Duration = Duration::from_millis(500);

/// A backend that asks for less than this keeps no connection worth keeping.
const ASKED_MIN: Duration = Duration::from_millis(20);

/// Calls on kept connections that must go well before they are trusted for twice as long again.
const WELL_MIN: u32 = 256;

/// Kept connections that may die in use one after the other before none is kept for a while.
const DEATHS_MAX: u32 = 3;

/// How long a connection rests after a 204 or 304 of a backend that is not known yet, and after how many of them it is.
const EMPTY_REST: Duration = Duration::from_millis(100);
const EMPTY_WELL_MIN: u32 = 16;

/// For how long none is kept then: at first, and at the most.
const SUSPENSION_FIRST: Duration = Duration::from_secs(10);
const SUSPENSION_MAX: Duration = Duration::from_secs(600);

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

/// What a call on a connection tells about its backend.
#[derive(Clone, Copy)]
pub(crate) struct Answered {
    /// The connection had been kept before.
    pub(crate) reused: bool,
    /// Its answer is a 204 or 304, behind which no body may come.
    pub(crate) empty: bool,
    /// The answer before was one.
    pub(crate) was_empty: bool,
}

struct Idle {
    connection: Pooled,
    since: Instant,
    until: Instant,
    /// It is not used before: something may still come that should not.
    ready: Instant,
    after_empty: bool,
}

/// A kept connection that can be used.
pub(crate) struct Kept {
    pub(crate) connection: Pooled,
    /// How long nobody had used it.
    pub(crate) idle: Duration,
    /// Its last answer was a 204 or 304.
    pub(crate) after_empty: bool,
}

/// What is kept of one backend.
struct Backend {
    kept: Vec<Idle>,
    /// A permit for each connection that is being opened.
    connecting: Arc<Semaphore>,
    trust: Trust,
}

/// How far a backend's kept connections are trusted.
///
/// Using one in the moment in which its backend closes it loses a call. A backend that closes idle connections sooner than
/// others teaches that with the first one; a restart, which kills all of them at once, must teach nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trust {
    /// How long they may be idle. Less than [`IDLE_MAX`] once one died sooner, never less than [`IDLE_MIN`].
    idle_max: Duration,
    /// Calls on kept connections that went well, since the last lesson.
    well: u32,
    /// Kept connections that died in use, one after the other; those that were in use at the same time count once.
    deaths: u32,
    /// When the last of them did.
    died: Option<Instant>,
    /// No connection is kept until then.
    suspended_until: Option<Instant>,
    /// How long the next suspension is.
    suspension: Duration,
    /// Connections on which nothing came behind a 204 or 304.
    empty_well: u32,
    /// It has sent a body behind a 204 or 304: no connection is kept after one.
    spoke_after_empty: bool,
}

impl Default for Trust {
    fn default() -> Trust {
        Trust {
            idle_max: IDLE_MAX,
            well: 0,
            deaths: 0,
            died: None,
            suspended_until: None,
            suspension: SUSPENSION_FIRST,
            empty_well: 0,
            spoke_after_empty: false,
        }
    }
}

impl Trust {
    /// A connection was found closed, or died when it was used, after having been idle for this long.
    fn died_after(&mut self, idle: Duration) {
        // Nobody's limit on idle connections is so short: it was the backend that ended, or a connection that broke.
        if idle >= IDLE_MIN {
            self.idle_max = self.idle_max.min(idle / 2).max(IDLE_MIN);
            self.well = 0;
        }
    }

    /// A connection died when it was used, from `taken` on, and the call with it. A backend whose connections do nothing else
    /// takes one request for each, whatever its answers say: for a while none is kept.
    fn died_in_use(&mut self, idle: Duration, taken: Instant, now: Instant) {
        self.died_after(idle);
        // A restart under load kills as many as there are calls under way: one death, which says nothing of the others.
        if self.died.is_some_and(|died| taken <= died) {
            return;
        }
        self.died = Some(now);
        self.deaths += 1;
        let never_well = self.well == 0 && self.idle_max == IDLE_MAX;
        if never_well || self.deaths >= DEATHS_MAX {
            self.suspended_until = Some(now + self.suspension);
            self.suspension = (self.suspension * 2).min(SUSPENSION_MAX);
        }
    }

    /// A call on a kept connection went well.
    fn went_well(&mut self) {
        self.deaths = 0;
        self.suspension = SUSPENSION_FIRST;
        self.well = self.well.saturating_add(1);
        if self.well >= WELL_MIN && self.idle_max < IDLE_MAX {
            self.idle_max = (self.idle_max * 2).min(IDLE_MAX);
            self.well = 1;
        }
    }

    /// How long a connection rests after a 204 or 304; `None`: it is not kept. Some servers write a body behind such an
    /// answer, which nothing announces: the first few connections show whether this one does.
    fn rest_after_empty(&self) -> Option<Duration> {
        match self.spoke_after_empty {
            true => None,
            false if self.empty_well < EMPTY_WELL_MIN => Some(EMPTY_REST),
            false => Some(Duration::ZERO),
        }
    }

    fn has_learned(&self, now: Instant) -> bool {
        self.idle_max < IDLE_MAX || self.spoke_after_empty || self.is_suspended(now)
    }

    fn is_suspended(&self, now: Instant) -> bool {
        self.suspended_until.is_some_and(|until| now < until)
    }

    /// How long a connection may be idle whose backend asks for `asked`.
    fn idle_max(&self, asked: Option<Duration>) -> Duration {
        // A second less than the backend says, for the way there.
        let asked = asked.map(|asked| asked.min(IDLE_MAX_ASKED).saturating_sub(Duration::from_secs(1)));
        match asked {
            Some(asked) if self.idle_max == IDLE_MAX => asked,
            Some(asked) => asked.min(self.idle_max),
            None => self.idle_max,
        }
    }
}

impl Backend {
    fn take(&mut self, now: Instant) -> Option<Idle> {
        // Those that are over go as they are met, and the others by the sweep.
        while self.kept.last().is_some_and(|idle| idle.until <= now) {
            self.kept.pop();
        }
        let last = self.kept.iter().rposition(|idle| idle.ready <= now)?;
        Some(self.kept.remove(last)).filter(|idle| idle.until > now)
    }
}

impl Default for Backend {
    fn default() -> Backend {
        let connecting = Arc::new(Semaphore::new(CONNECTING_MAX));
        Backend { kept: Vec::new(), connecting, trust: Trust::default() }
    }
}

/// Two floors of map, so that looking a backend up needs no new text.
type ByHost = HashMap<String, Backend, RandomState>;

type ByPort = HashMap<(bool, u16), ByHost, RandomState>;

/// The kept connections, by scheme, port and host.
#[derive(Default)]
pub(crate) struct Pool {
    backends: Mutex<ByPort>,
}

impl Pool {
    /// The connection to this backend that was used last, of those that can be used.
    pub(crate) fn take(&self, place: &Remote<'_>, now: Instant) -> Option<Kept> {
        loop {
            let mut kept = self.with_backend(place, |backend| backend.take(now))??;
            let idle = now.saturating_duration_since(kept.since);
            let after_empty = kept.after_empty;
            match kept.connection.stream.look() {
                Unasked::Nothing => return Some(Kept { connection: kept.connection, idle, after_empty }),
                // Seen in time: nothing was lost, and its age is a lesson all the same.
                Unasked::End => self.with_backend(place, |backend| backend.trust.died_after(idle)),
                Unasked::Bytes if after_empty => self.spoke_after_empty(place),
                Unasked::Bytes => None,
            };
        }
    }

    /// What this backend sends behind a 204 or 304 came in the way of the next call, or nearly.
    pub(crate) fn spoke_after_empty(&self, place: &Remote<'_>) -> Option<()> {
        self.with_backend(place, |backend| backend.trust.spoke_after_empty = true)
    }

    /// Leave to open a connection to this backend.
    pub(crate) async fn may_connect(&self, place: &Remote<'_>) -> MayConnect {
        let connecting = self.connecting(place);
        match connecting.clone().try_acquire_owned() {
            Ok(permit) => MayConnect { waited: false, _permit: Some(permit) },
            // Never closed, so it gives.
            Err(_) => MayConnect { waited: true, _permit: connecting.acquire_owned().await.ok() },
        }
    }

    /// Whether a connection to this backend is kept, good or not.
    pub(crate) fn has_kept(&self, place: &Remote<'_>) -> bool {
        self.with_backend(place, |backend| !backend.kept.is_empty()).unwrap_or_default()
    }

    fn connecting(&self, place: &Remote<'_>) -> Arc<Semaphore> {
        let mut backends = self.lock();
        let hosts = backends.entry((place.tls, place.port)).or_default();
        match hosts.get(&*place.key) {
            Some(backend) => backend.connecting.clone(),
            None => hosts.entry(place.key.clone().into_owned()).or_default().connecting.clone(),
        }
    }

    /// A connection that was taken from here died before it gave an answer.
    pub(crate) fn died_in_use(&self, place: &Remote<'_>, idle: Duration, taken: Instant, now: Instant) {
        self.with_backend(place, |backend| backend.trust.died_in_use(idle, taken, now));
    }

    /// Keeps a connection whose answer has been read to its end.
    pub(crate) fn put(
        &self,
        place: &Remote<'_>,
        connection: Pooled,
        keep_alive: Option<Duration>,
        Answered { reused, empty, was_empty }: Answered,
        now: Instant,
    ) {
        let mut backends = self.lock();
        let hosts = backends.entry((place.tls, place.port)).or_default();
        if !hosts.contains_key(&*place.key) {
            hosts.insert(place.key.clone().into_owned(), Backend::default());
        }
        let Some(backend) = hosts.get_mut(&*place.key) else { return };
        if reused {
            backend.trust.went_well();
        }
        if was_empty {
            backend.trust.empty_well = backend.trust.empty_well.saturating_add(1);
        }
        let rest = if empty { backend.trust.rest_after_empty() } else { Some(Duration::ZERO) };
        let Some(rest) = rest else { return };
        let idle_max = backend.trust.idle_max(keep_alive);
        // Otherwise the connection is dropped here, which closes it.
        if idle_max >= ASKED_MIN && !backend.trust.is_suspended(now) && backend.kept.len() < IDLE_CONNECTIONS_MAX {
            let (until, ready) = (now + idle_max, now + rest);
            backend.kept.push(Idle { connection, since: now, until, ready, after_empty: empty });
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
                let has_learned = backend.trust.has_learned(now);
                learned += usize::from(has_learned);
                !backend.kept.is_empty()
                    || Arc::strong_count(&backend.connecting) > 1
                    || has_learned && learned <= LEARNED_MAX
            });
            !hosts.is_empty()
        });
        drop(backends);
        drop(expired);
    }

    fn with_backend<T>(&self, place: &Remote<'_>, act: impl FnOnce(&mut Backend) -> T) -> Option<T> {
        let mut backends = self.lock();
        backends.get_mut(&(place.tls, place.port))?.get_mut(&*place.key).map(act)
    }

    fn lock(&self) -> MutexGuard<'_, ByPort> {
        self.backends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn a_restart_teaches_nothing() {
        let mut trust = Trust::default();
        let now = Instant::now();
        (0..10).for_each(|_| trust.went_well());
        // All kept connections are found closed, one dies in use: each was idle for a moment only.
        (0..64).for_each(|_| trust.died_after(MS(3)));
        trust.died_in_use(MS(3), now, now);
        assert_eq!(trust.idle_max(None), IDLE_MAX);
        assert!(!trust.is_suspended(now));
    }

    #[test]
    fn nor_does_one_under_load() {
        let mut trust = Trust::default();
        let start = Instant::now();
        for restart in 0..10 {
            let taken = start + MS(1000 * restart);
            (0..10).for_each(|_| trust.went_well());
            // Those that were under way die one after the other, not at the same moment.
            (1..=64).for_each(|later| trust.died_in_use(MS(3), taken, taken + MS(later)));
            assert!(!trust.is_suspended(taken + MS(64)));
        }
        assert_eq!((trust.idle_max(None), trust.suspension), (IDLE_MAX, SUSPENSION_FIRST));
    }

    #[test]
    fn an_idle_limit_is_learned_down_to_a_floor_and_unlearned() {
        let mut trust = Trust::default();
        trust.went_well();
        trust.died_after(MS(2000));
        assert_eq!(trust.idle_max(None), MS(1000));
        trust.died_after(MS(600));
        assert_eq!(trust.idle_max(None), IDLE_MIN);
        assert_eq!(trust.idle_max(Some(MS(60_000))), IDLE_MIN);
        (0..WELL_MIN * 4).for_each(|_| trust.went_well());
        assert_eq!(trust.idle_max(None), IDLE_MAX);
    }

    #[test]
    fn a_backend_that_takes_one_request_for_each_connection_is_left_alone_for_a_while() {
        let mut trust = Trust::default();
        let now = Instant::now();
        trust.died_in_use(MS(1), now, now + MS(1));
        assert!(trust.is_suspended(now + MS(1)) && !trust.is_suspended(now + MS(1) + SUSPENSION_FIRST));
        // Once more, in a call that began after it.
        trust.died_in_use(MS(1), now + MS(2), now + MS(3));
        assert!(trust.is_suspended(now + SUSPENSION_FIRST));
        trust.went_well();
        assert_eq!(trust.suspension, SUSPENSION_FIRST);
        let mut trust = Trust::default();
        trust.went_well();
        for death in 1..=DEATHS_MAX {
            assert!(!trust.is_suspended(now));
            let taken = now + MS(2 * u64::from(death));
            trust.died_in_use(MS(1), taken, taken + MS(1));
        }
        assert!(trust.is_suspended(now));
    }
}
