//! Looks up the names of backends: each name once at a time, kept for as long as its answer may be.
//!
//! The system's `getaddrinfo` blocks a thread for as long as a name server does not answer, so that the names of one API
//! could take all threads of the pool that the control plane works on. Lookups here are futures, and block nobody.

mod order;
mod system;
mod turns;

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use crate::names::system::{Found, System};
use crate::names::turns::{GiveWay, LOOKUPS_MAX, Turns};

/// Names that are remembered; beyond it others are forgotten. They come from definitions, so few gateways have as many.
const NAMES_MAX: usize = 4096;

/// How long one name may take, all name servers and search domains together. Calls give up sooner by their own time-out.
const LOOKUP_MAX: Duration = Duration::from_secs(15);

/// The longest that an answer is used, whatever its time to live: Docker's name server says ten minutes for containers that
/// may have another address after a restart, and `getaddrinfo` never kept anything.
const KEPT_MAX: Duration = Duration::from_secs(30);

/// The longest that a denial is believed: the name may be that of a backend which is just being started.
const DENIED_MAX: Duration = Duration::from_secs(5);

/// How long a name is not asked for again after no server answered.
const FAILED: Duration = Duration::from_secs(1);

/// For how long an answer that is over is still used while no server answers, and after how long it is taken instead of
/// waiting on. Source: RFC 8767 ("Serving Stale Data"), which allows more.
const STALE_MAX: Duration = Duration::from_secs(30);
const STALE_AFTER: Duration = Duration::from_millis(500);

/// An answer is used at least for so long after none of its addresses took a connection.
const USED_MIN: Duration = Duration::from_secs(1);

type Addresses = Arc<[IpAddr]>;
type Lookup = Shared<BoxFuture<'static, Result<Addresses, Failure>>>;

/// Why a name has no address, in words that name it and the servers that were asked.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    text: Arc<str>,
    /// A server said that there is none, for so long.
    denied_for: Option<Duration>,
}

impl Failure {
    fn new(text: String) -> Failure {
        Failure { text: text.into(), denied_for: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Names and their addresses.
#[derive(Clone)]
pub(crate) struct Names(Arc<Inner>);

struct Inner {
    system: System,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<String, Entry>,
    turns: Turns,
}

/// What is known of a name.
#[derive(Default)]
struct Entry {
    known: Option<Known>,
    failed: Option<(Failure, Instant)>,
    /// The last lookup found nobody who answered.
    was_silent: bool,
    looking: Option<Lookup>,
}

struct Known {
    addresses: Addresses,
    since: Instant,
    until: Instant,
}

impl Entry {
    // A lookup whose task died is none.
    fn looking(&self) -> Option<&Lookup> {
        self.looking.as_ref().filter(|looking| looking.peek().is_none())
    }

    fn failed(&self, now: Instant) -> Option<&Failure> {
        self.failed.as_ref().filter(|(_, until)| now < *until).map(|(failure, _)| failure)
    }

    fn stale(&self, now: Instant) -> Option<Addresses> {
        self.known.as_ref().filter(|known| now < known.until + STALE_MAX).map(|known| known.addresses.clone())
    }
}

impl Names {
    /// Asks these name servers, or the system's where there are none.
    pub(crate) fn new(servers: Vec<SocketAddr>) -> Names {
        Names(Arc::new(Inner { system: System::new(servers), state: Mutex::default() }))
    }

    /// The addresses of a host at this port, in the order in which they are to be tried. At least one.
    ///
    /// # Cancel safety
    /// Cancel safe: a lookup goes on without those who wait for it, and whoever asks next has its answer.
    pub(crate) async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
        let address = |ip: &IpAddr| SocketAddr::new(*ip, port);
        if let Ok(ip) = host.parse() {
            return Ok(vec![address(&ip)]);
        }
        Ok(self.look_up(host.to_ascii_lowercase()).await?.iter().map(address).collect())
    }

    /// The name servers that a host's name is being asked of in this moment, for a call that has no time left.
    pub(crate) fn is_asking(&self, host: &str) -> Option<String> {
        let is_asking =
            self.0.lock().entries.get(&host.to_ascii_lowercase()).is_some_and(|entry| entry.looking().is_some());
        is_asking.then(|| self.0.system.servers())
    }

    /// None of the host's addresses takes a connection: it may have others by now.
    pub(crate) fn doubt(&self, host: &str) {
        let mut state = self.0.lock();
        let entry = state.entries.get_mut(&host.to_ascii_lowercase());
        if let Some(known) = entry.and_then(|entry| entry.known.as_mut()) {
            known.until = known.until.min(known.since + USED_MIN);
        }
    }

    async fn look_up(&self, name: String) -> Result<Addresses, Failure> {
        let (lookup, stale) = match self.0.begin(name, Instant::now()) {
            Begun::Over(result) => return result,
            Begun::Looking(lookup, stale) => (lookup, stale),
        };
        let Some(stale) = stale else { return lookup.await };
        match tokio::time::timeout(STALE_AFTER, lookup).await {
            Ok(Err(failure)) if failure.denied_for.is_some() => Err(failure),
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(_)) | Err(_) => Ok(stale),
        }
    }
}

enum Begun {
    Over(Result<Addresses, Failure>),
    Looking(Lookup, Option<Addresses>),
}

impl Inner {
    // What is known, or the one lookup of this name. Those who wait are calls in flight, which are bounded.
    fn begin(self: &Arc<Inner>, name: String, now: Instant) -> Begun {
        let mut state = self.lock();
        let State { entries, turns } = &mut *state;
        let entry = entries.get(&name);
        if let Some(known) = entry.and_then(|entry| entry.known.as_ref()).filter(|known| now < known.until) {
            return Begun::Over(Ok(known.addresses.clone()));
        }
        let stale = entry.and_then(|entry| entry.stale(now));
        let refused = |failure: Failure| Begun::Over(stale.clone().ok_or(failure));
        if let Some(failure) = entry.and_then(|entry| entry.failed(now)) {
            return refused(failure.clone());
        }
        if let Some(lookup) = entry.and_then(Entry::looking) {
            return Begun::Looking(lookup.clone(), stale);
        }
        let was_silent = entry.is_some_and(|entry| entry.was_silent);
        let Some(give_way) = turns.begin(&name, was_silent, now) else {
            let text = format!("the name {name} was not looked up: {LOOKUPS_MAX} others are being looked up");
            return refused(Failure::new(text));
        };
        let (inner, asked) = (self.clone(), name.clone());
        let task = tokio::spawn(async move { inner.ask(asked, give_way).await });
        let lost = |_| Err(Failure::new("the lookup of its name was given up".to_owned()));
        let lookup = task.map(move |result| result.unwrap_or_else(lost)).boxed().shared();
        make_room(entries, now);
        entries.entry(name).or_default().looking = Some(lookup.clone());
        Begun::Looking(lookup, stale)
    }

    async fn ask(&self, name: String, give_way: GiveWay) -> Result<Addresses, Failure> {
        let begun = Instant::now();
        let silence = |why: &str| {
            let (servers, ms) = (self.system.servers(), begun.elapsed().as_millis());
            Err(Failure::new(format!("no answer about the name {name} from {servers} within {ms} ms{why}")))
        };
        let (result, was_silent) = tokio::select! {
            biased;
            result = tokio::time::timeout(LOOKUP_MAX, self.system.ask(&name)) => match result {
                Ok(result) => {
                    let is_silence = result.is_err() && Turns::is_silence(begun.elapsed());
                    (result, is_silence)
                }
                Err(_) => (silence(""), true),
            },
            _ = give_way => (silence(", and others were to be looked up"), true),
        };
        let now = Instant::now();
        let mut state = self.lock();
        state.turns.end(&name);
        let entry = state.entries.entry(name).or_default();
        entry.was_silent = was_silent;
        entry.looking = None;
        entry.failed = None;
        match result {
            Ok(Found { addresses, until }) => {
                let addresses: Addresses = addresses.into();
                let until = until.min(now + KEPT_MAX);
                entry.known = Some(Known { addresses: addresses.clone(), since: now, until });
                Ok(addresses)
            }
            Err(failure) => {
                if failure.denied_for.is_some() {
                    entry.known = None;
                }
                let until = now + failure.denied_for.map_or(FAILED, |time| time.min(DENIED_MAX));
                entry.failed = Some((failure.clone(), until));
                Err(failure)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// Names that are being looked up stay; there are fewer of them than there is room.
fn make_room(entries: &mut HashMap<String, Entry>, now: Instant) {
    if entries.len() < NAMES_MAX {
        return;
    }
    entries.retain(|_, entry| entry.looking().is_some() || entry.stale(now).is_some());
    let most = NAMES_MAX - 1;
    let mut surplus = entries.len().saturating_sub(most);
    entries.retain(|_, entry| {
        let goes = surplus > 0 && entry.looking().is_none();
        surplus -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_forgotten_when_there_are_too_many() {
        let now = Instant::now();
        let known = || Some(Known { addresses: Arc::new([]), since: now, until: now });
        let entry = |known| Entry { known, ..Entry::default() };
        let mut entries: HashMap<_, _> = (0..NAMES_MAX).map(|n| (n.to_string(), entry(known()))).collect();
        make_room(&mut entries, now);
        assert_eq!(entries.len(), NAMES_MAX - 1);
        entries.insert("x".to_owned(), entry(None));
        make_room(&mut entries, now);
        assert!(!entries.contains_key("x"), "what nobody has a use for goes first");
        make_room(&mut entries, now + STALE_MAX);
        assert_eq!(entries.len(), NAMES_MAX - 1, "there was room");
        entries.insert("x".to_owned(), entry(None));
        make_room(&mut entries, now + STALE_MAX);
        assert!(entries.is_empty());
    }

    #[tokio::test]
    async fn literals_and_localhost_ask_nobody() {
        // Nobody is there to answer.
        let names = Names::new(vec!["127.0.0.1:9".parse().unwrap()]);
        for (host, expected) in [("10.1.2.3", "10.1.2.3:80"), ("::1", "[::1]:80")] {
            assert_eq!(names.addresses(host, 80).await.unwrap(), [expected.parse().unwrap()]);
        }
        for host in ["localhost", "LOCALHOST", "orders.localhost"] {
            let addresses = names.addresses(host, 80).await.unwrap();
            assert!(!addresses.is_empty() && addresses.iter().all(|address| address.ip().is_loopback()), "{host}");
        }
    }
    #[tokio::test]
    async fn names_that_nobody_answers_about_do_not_shut_out_others() {
        // Takes every question and answers none.
        let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let names = Names::new(vec![silent.local_addr().unwrap()]);
        let now = Instant::now();
        let begin = |name: &str, now| match names.0.begin(name.to_owned(), now) {
            Begun::Looking(lookup, _) => Ok(lookup),
            Begun::Over(result) => Err(result.expect_err("nothing is known")),
        };
        let hanging: Vec<_> = (0..LOOKUPS_MAX).map(|n| begin(&format!("x{n}.test"), now).unwrap()).collect();
        let refused = begin("orders.localhost", now).expect_err("there is no room");
        assert!(refused.to_string().ends_with("256 others are being looked up"), "{refused}");
        // As if a while had passed.
        let found = begin("orders.localhost", now + Duration::from_secs(2)).unwrap().await.unwrap();
        assert!(found.iter().all(IpAddr::is_loopback));
        let gave_way = hanging[0].clone().await.unwrap_err();
        assert!(gave_way.to_string().ends_with(" ms, and others were to be looked up"), "{gave_way}");
        assert!(hanging[1].peek().is_none());
        assert!(names.0.lock().entries["x0.test"].was_silent && !names.0.lock().entries["orders.localhost"].was_silent);
    }
}
