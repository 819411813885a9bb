//! What one source address may have of the gateway: sockets at once, and handshakes in a second.
//!
//! A source is an address of IPv4, or a network of 64 bits of IPv6, since whoever has one address there has all of its
//! network. Nothing is kept of sources while neither limit is set, and of none that has no socket and did nothing in the
//! last second once the table is swept.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use types::limits::Limits;

use crate::gateway::Gateway;
use crate::metrics::{Counter, Text};
use crate::sparingly::Counting;

/// How many sources are known at once. An address cannot be made up, since a socket is open before it is counted, so
/// that a full table means so many sources at once; those beyond are let in, and counted as such: refusing them would
/// let many attackers lock everybody else out.
const SOURCES_MAX: usize = 262_144;
/// The table is swept when it has grown to this, and from then on when it has doubled.
const SWEEP_MIN: usize = 1024;
/// How many sources find no room in a full table before it is swept again, which takes a walk through all.
const MISSES_A_SWEEP: usize = 1024;
const SECOND: Duration = Duration::from_secs(1);

/// Where sockets come from, as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    V4(Ipv4Addr),
    /// The first 64 bits.
    V6(u64),
}

impl Source {
    fn of(ip: IpAddr) -> Source {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Source::V4(ip),
            IpAddr::V6(ip) => Source::V6((ip.to_bits() >> 64) as u64),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::V4(ip) => ip.fmt(f),
            Source::V6(network) => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*network) << 64)),
        }
    }
}

/// The sources, and what became of those that wanted too much.
pub(crate) struct Sources {
    sockets_max: usize,
    handshakes_a_second: usize,
    table: Mutex<Table>,
    refused_sockets: Counter,
    refused_handshakes: Counter,
    not_limited: Counter,
    told: Counting,
}

struct Table {
    known: HashMap<Source, Known>,
    sources_max: usize,
    /// How many sources are known when it is looked for those that need not be.
    sweep_at: usize,
    /// Sources that found no room since then.
    missed: usize,
}

/// What is known of a source.
#[derive(Default)]
struct Known {
    sockets: usize,
    /// When it may make all handshakes of a second at once again, by the gateway's clock.
    rested_at: Duration,
}

/// A socket that counts as one of its source's while this lives.
#[derive(Clone)]
pub struct Seat(Arc<Seated>);

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seat({})", self.0.source)
    }
}

struct Seated {
    source: Source,
    sources: Arc<Sources>,
}

impl Drop for Seated {
    fn drop(&mut self) {
        let mut table = self.sources.table();
        if let Some(known) = table.known.get_mut(&self.source) {
            known.sockets -= 1;
            if known.sockets == 0 && known.rested_at.is_zero() {
                table.known.remove(&self.source);
            }
        }
    }
}

/// Why a client is refused: its source has too much already. The log has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

impl Table {
    /// What is known of a source; `None` where there is no room to know it.
    fn known(&mut self, source: Source, now: Duration) -> Option<&mut Known> {
        if !self.known.contains_key(&source) && self.known.len() >= self.sweep_at {
            if self.known.len() >= self.sources_max && self.missed < MISSES_A_SWEEP && self.missed > 0 {
                self.missed += 1;
                return None;
            }
            self.known.retain(|_, known| known.sockets > 0 || known.rested_at > now);
            self.known.shrink_to(SWEEP_MIN);
            self.sweep_at = (2 * self.known.len()).max(SWEEP_MIN).min(self.sources_max);
            self.missed = 0;
            if self.known.len() >= self.sources_max {
                self.missed = 1;
                return None;
            }
        }
        Some(self.known.entry(source).or_default())
    }
}

impl Sources {
    pub(crate) fn new(limits: &Limits) -> Arc<Sources> {
        Arc::new(Sources::bounded(limits, SOURCES_MAX))
    }

    fn bounded(limits: &Limits, sources_max: usize) -> Sources {
        Sources {
            sockets_max: limits.connections_per_address,
            handshakes_a_second: limits.handshakes_per_address,
            table: Mutex::new(Table {
                known: HashMap::new(),
                sources_max,
                sweep_at: SWEEP_MIN.min(sources_max),
                missed: 0,
            }),
            refused_sockets: Counter::default(),
            refused_handshakes: Counter::default(),
            not_limited: Counter::default(),
            told: Counting::default(),
        }
    }

    // `None` where sockets are not counted, or there is no room to.
    fn seat(self: &Arc<Self>, ip: IpAddr, now: Duration, sockets_max: usize) -> Result<Option<Seat>, TooMany> {
        if self.sockets_max == 0 {
            return Ok(None);
        }
        let source = Source::of(ip);
        let mut table = self.table();
        match table.known(source, now) {
            None => {
                self.not_limited.one();
                Ok(None)
            }
            Some(known) if known.sockets >= sockets_max => {
                self.refused_sockets.one();
                Err(TooMany)
            }
            Some(known) => {
                known.sockets += 1;
                Ok(Some(Seat(Arc::new(Seated { source, sources: self.clone() }))))
            }
        }
    }

    // A token bucket: as many as pass in a second may come at once.
    fn handshake(&self, ip: IpAddr, now: Duration) -> Result<(), TooMany> {
        let Ok(rate) = u32::try_from(self.handshakes_a_second) else { return Ok(()) };
        if rate == 0 {
            return Ok(());
        }
        let mut table = self.table();
        let Some(known) = table.known(Source::of(ip), now) else {
            self.not_limited.one();
            return Ok(());
        };
        let rested_at = known.rested_at.max(now) + SECOND / rate;
        if rested_at > now + SECOND {
            self.refused_handshakes.one();
            return Err(TooMany);
        }
        known.rested_at = rested_at;
        Ok(())
    }

    /// Writes what was refused, and how many sources are known.
    pub(crate) fn write_metrics(&self, text: &mut Text) {
        let name = "gatewright_refused_by_address_total";
        text.family(
            name,
            "counter",
            "Sockets and handshakes that were refused because of their source address, by limit",
        );
        text.sample(name, &[("limit", "connections-per-address")], self.refused_sockets.get());
        text.sample(name, &[("limit", "handshakes-per-address")], self.refused_handshakes.get());
        let name = "gatewright_source_addresses";
        text.single(
            name,
            "gauge",
            "Source addresses that are known, where a limit counts them",
            self.table().known.len(),
        );
        let name = "gatewright_source_addresses_not_limited_total";
        let help = "Sockets and handshakes that no limit counted, because too many source addresses are known already";
        text.single(name, "counter", help, self.not_limited.get());
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gateway {
    /// Counts a socket as one of its source address's. Nothing to keep where the limit connections-per-address is not set.
    ///
    /// # Errors
    /// The address has as many as the limit lets it have.
    pub fn seat(&self, ip: IpAddr) -> Result<Option<Seat>, TooMany> {
        let sources = &self.sources;
        sources.seat(ip, self.now(), sources.sockets_max).inspect_err(|TooMany| {
            let most = sources.sockets_max;
            self.tell_of_too_many(ip, &format!("it has {most} connections open (limit connections-per-address)"));
        })
    }

    /// The same for a connection that is open already.
    pub(crate) fn seat_anyway(&self, ip: IpAddr) -> Option<Seat> {
        self.sources.seat(ip, self.now(), usize::MAX).ok().flatten()
    }

    /// Counts a handshake of a source address.
    ///
    /// # Errors
    /// The address had as many in this second as the limit handshakes-per-address lets pass.
    pub fn may_shake_hands(&self, ip: IpAddr) -> Result<(), TooMany> {
        let sources = &self.sources;
        sources.handshake(ip, self.now()).inspect_err(|TooMany| {
            let rate = sources.handshakes_a_second;
            self.tell_of_too_many(
                ip,
                &format!("it makes more than {rate} handshakes a second (limit handshakes-per-address)"),
            );
        })
    }

    fn tell_of_too_many(&self, ip: IpAddr, why: &str) {
        if let Some(more) = self.sources.told.allows(self.now()) {
            self.sink.say(None, format!("client refused: {}: {why}{more}", Source::of(ip)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(connections_per_address: usize, handshakes_per_address: usize, sources_max: usize) -> Arc<Sources> {
        let limits = Limits { connections_per_address, handshakes_per_address, ..Limits::default() };
        Arc::new(Sources::bounded(&limits, sources_max))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn at(millis: u64) -> Duration {
        Duration::from_secs(1_700_000_000) + Duration::from_millis(millis)
    }

    #[test]
    fn a_source_has_so_many_sockets_and_gets_room_when_one_closes() {
        let sources = sources(2, 0, SOURCES_MAX);
        let seat = |text: &str| sources.seat(ip(text), at(0), 2);
        let first = seat("10.0.0.1").unwrap();
        let second = seat("::ffff:10.0.0.1").unwrap();
        assert_eq!(seat("10.0.0.1").unwrap_err(), TooMany);
        assert!(seat("10.0.0.2").is_ok());
        // The same socket twice is one.
        let again = first.clone();
        drop(first);
        assert!(seat("10.0.0.1").is_err());
        drop(again);
        assert!(seat("10.0.0.1").is_ok());
        drop(second);
        assert_eq!(sources.table().known.len(), 0, "nothing is kept of who is gone");
        assert_eq!(sources.refused_sockets.get(), 2);
    }

    #[test]
    fn addresses_of_a_network_of_64_bits_are_one_source() {
        let sources = sources(1, 0, SOURCES_MAX);
        let seat = |text: &str| sources.seat(ip(text), at(0), 1);
        let _first = seat("2001:db8:0:1::1").unwrap();
        assert!(seat("2001:db8:0:1:ffff::2").is_err());
        let _other = seat("2001:db8:0:2::1").unwrap().unwrap();
        assert_eq!(Source::of(ip("2001:db8:0:1::1")).to_string(), "2001:db8:0:1::/64");
        assert_eq!(Source::of(ip("::ffff:1.2.3.4")).to_string(), "1.2.3.4");
    }

    #[test]
    fn handshakes_pass_as_many_in_a_second_and_at_once() {
        let sources = sources(0, 4, SOURCES_MAX);
        let passed = |now: Duration| (0..100).filter(|_| sources.handshake(ip("::1"), now).is_ok()).count();
        assert_eq!((passed(at(0)), passed(at(249)), passed(at(250)), passed(at(750))), (4, 0, 1, 2));
        assert_eq!(passed(at(60_000)), 4);
        assert!(sources.handshake(ip("::2:0:0:0:1"), at(60_000)).is_ok());
        assert_eq!(sources.refused_handshakes.get(), 500 - 11);
    }

    #[test]
    fn what_is_not_limited_is_not_kept() {
        let sources = sources(0, 0, SOURCES_MAX);
        assert!(sources.seat(ip("::1"), at(0), 0).unwrap().is_none());
        assert!((0..1000).all(|_| sources.handshake(ip("::1"), at(0)).is_ok()));
        assert_eq!(sources.table().known.len(), 0);
    }

    #[test]
    fn the_table_is_bounded_and_lets_in_whom_it_has_no_room_for() {
        let sources = sources(1, 1, 8);
        let of = |number: u32| IpAddr::from(number.to_be_bytes());
        let seats: Vec<_> = (0..100).map(|number| sources.seat(of(number), at(0), 1).unwrap()).collect();
        assert_eq!(seats.iter().flatten().count(), 8);
        assert_eq!((sources.table().known.len(), sources.not_limited.get()), (8, 92));
        assert!(sources.seat(of(3), at(0), 1).is_err(), "who is known is limited still");
        drop(seats);
        // Sources that only made a handshake go when they have rested.
        (0..5000).for_each(|number| assert!(sources.handshake(of(number), at(u64::from(number))).is_ok()));
        assert!(sources.table().known.len() <= 8);
        (0..4 * MISSES_A_SWEEP as u32).for_each(|number| assert!(sources.handshake(of(number), at(60_000)).is_ok()));
        assert!(sources.table().known.len() <= 8);
    }
}
