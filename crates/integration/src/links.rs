//! VPC links: names for one or more addresses that backends are reached at, with health checks and balancing.
//!
//! On AWS a link leads to a Network Load Balancer; here the link is the balancer. A call goes to the address with the
//! fewest calls in flight among those that answer; one that refuses a connection is left out until a check finds it
//! well again. When none is well, all are tried.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::names::Names;

/// How long an address may take to answer a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// The least time between two checks of a link.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// How much of a check's answer is read: its status line.
const STATUS_LINE_BYTES: usize = 64;

/// A link, as the settings describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSettings {
    /// Hosts and ports; at least one.
    pub targets: Vec<(String, u16)>,
    /// A path that answers 2xx or 3xx to GET while an address is well; without one a connection is enough.
    pub health_check: Option<String>,
    /// Time between two checks of an address.
    pub interval: Duration,
}

impl LinkSettings {
    /// A link to these hosts and ports, checked every ten seconds by connecting.
    pub fn of(targets: Vec<(String, u16)>) -> LinkSettings {
        LinkSettings { targets, health_check: None, interval: Duration::from_secs(10) }
    }
}

/// The links in force, by id.
#[derive(Default)]
pub(crate) struct Links {
    current: ArcSwap<HashMap<String, Arc<Link>>>,
}

pub(crate) struct Link {
    settings: LinkSettings,
    addresses: Vec<Arc<Address>>,
    next: AtomicUsize,
}

/// One address of a link.
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    is_well: AtomicBool,
    in_flight: AtomicUsize,
}

/// Counts a call for as long as it lives.
pub(crate) struct InFlight(Arc<Address>);

impl Links {
    /// Puts links in force; what is known of the health of unchanged ones is kept.
    pub(crate) fn set(&self, links: HashMap<String, LinkSettings>) {
        let before = self.current.load();
        let link = |(id, settings): (String, LinkSettings)| {
            let old = before.get(&id).filter(|old| old.settings == settings).cloned();
            (id, old.unwrap_or_else(|| Arc::new(Link::new(settings))))
        };
        self.current.store(Arc::new(links.into_iter().map(link).collect()));
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Link>> {
        self.current.load().get(id).cloned()
    }

    /// Checks every link when its time has come, until the future is dropped.
    pub(crate) async fn check(&self, names: &Names) {
        let mut checked: HashMap<String, Instant> = HashMap::new();
        loop {
            let links = self.current.load_full();
            checked.retain(|id, _| links.contains_key(id));
            let due = |id: &str, link: &Link| {
                checked.get(id).is_none_or(|at| at.elapsed() >= link.settings.interval.max(INTERVAL_MIN))
            };
            let due: Vec<_> = links.iter().filter(|(id, link)| due(id, link)).collect();
            join_all(due.iter().flat_map(|(_, link)| link.checks(names))).await;
            let now = Instant::now();
            checked.extend(due.into_iter().map(|(id, _)| (id.clone(), now)));
            tokio::time::sleep(INTERVAL_MIN).await;
        }
    }
}

impl Link {
    pub(crate) fn targets(&self) -> &[(String, u16)] {
        &self.settings.targets
    }

    fn new(settings: LinkSettings) -> Link {
        let address = |(host, port): &(String, u16)| {
            let (is_well, in_flight) = (AtomicBool::new(true), AtomicUsize::new(0));
            Arc::new(Address { host: host.clone(), port: *port, is_well, in_flight })
        };
        let addresses = settings.targets.iter().map(address).collect();
        Link { settings, addresses, next: AtomicUsize::new(0) }
    }

    /// The addresses in the order in which a call is to try them: the well ones with the fewest calls first, equals in
    /// turn; those that are not well come last.
    pub(crate) fn order(&self) -> Vec<Arc<Address>> {
        let mut order = self.addresses.clone();
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % order.len().max(1);
        order.rotate_left(turn);
        order.sort_by_key(|address| (!address.is_well(), address.in_flight.load(Ordering::Relaxed)));
        order
    }

    fn checks<'c>(&'c self, names: &'c Names) -> impl Iterator<Item = impl Future<Output = ()>> {
        self.addresses.iter().map(|address| self.check(names, address))
    }

    async fn check(&self, names: &Names, address: &Address) {
        let check = address.check(names, self.settings.health_check.as_deref());
        let is_well = tokio::time::timeout(CHECK_TIMEOUT, check).await.unwrap_or(false);
        address.is_well.store(is_well, Ordering::Relaxed);
    }
}

impl Address {
    pub(crate) fn is_well(&self) -> bool {
        self.is_well.load(Ordering::Relaxed)
    }

    /// It refused a connection; the next check may find it well again.
    pub(crate) fn refused(&self) {
        self.is_well.store(false, Ordering::Relaxed);
    }

    pub(crate) fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self.clone())
    }

    async fn check(&self, names: &Names, path: Option<&str>) -> bool {
        let Ok(addresses) = names.addresses(&self.host, self.port).await else { return false };
        let Ok(mut tcp) = TcpStream::connect(&*addresses).await else {
            names.doubt(&self.host);
            return false;
        };
        let Some(path) = path else { return true };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}:{}\r\nUser-Agent: gatewright-health-check\r\nConnection: close\r\n\r\n",
            self.host, self.port
        );
        if tcp.write_all(request.as_bytes()).await.is_err() {
            return false;
        }
        let mut line = Vec::with_capacity(STATUS_LINE_BYTES);
        let mut answer = tcp.take(STATUS_LINE_BYTES as u64);
        // `HTTP/1.1 200`: the tenth byte tells.
        while line.len() < 10 {
            match answer.read_buf(&mut line).await {
                Ok(read) if read > 0 => {}
                _ => return false,
            }
        }
        line.starts_with(b"HTTP/1.") && matches!(line[9], b'2' | b'3')
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(ports: &[u16]) -> Link {
        let targets = ports.iter().map(|port| ("127.0.0.1".to_owned(), *port)).collect();
        Link::new(LinkSettings { targets, health_check: None, interval: Duration::from_secs(1) })
    }

    fn first(link: &Link) -> u16 {
        link.order()[0].port
    }

    #[test]
    fn calls_take_turns_prefer_the_idle_and_avoid_what_is_down() {
        let link = link(&[1, 2, 3]);
        assert_eq!([first(&link), first(&link), first(&link), first(&link)], [1, 2, 3, 1]);
        let busy: Vec<_> = link.addresses[..2].iter().map(|address| address.enter()).collect();
        assert_eq!([first(&link), first(&link), first(&link)], [3, 3, 3]);
        link.addresses[2].refused();
        assert!((0..3).all(|_| first(&link) != 3));
        drop(busy);
        link.addresses.iter().for_each(|address| address.refused());
        assert_eq!(link.order().len(), 3, "when none is well all are tried");
    }

    #[tokio::test]
    async fn a_check_finds_what_went_down_and_what_came_back() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let up = listener.local_addr().unwrap().port();
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let down = closed.local_addr().unwrap().port();
        drop(closed);
        let link = link(&[up, down]);
        link.addresses[0].refused();
        join_all(link.checks(&Names::new(Vec::new()))).await;
        assert_eq!([link.addresses[0].is_well(), link.addresses[1].is_well()], [true, false]);
    }

    #[tokio::test]
    async fn a_check_with_a_path_asks_for_its_status() {
        for (status, expected) in [("200 OK", true), ("302 Found", true), ("503 Busy", false), ("", false)] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let serve = async {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut head = vec![0; 1024];
                let read = socket.read(&mut head).await.unwrap();
                assert!(head[..read].starts_with(b"GET /well HTTP/1.1\r\n"));
                socket.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).await.unwrap();
            };
            let (link, names) = (link(&[port]), Names::new(Vec::new()));
            let (is_well, ()) = tokio::join!(link.addresses[0].check(&names, Some("/well")), serve);
            assert_eq!(is_well, expected, "{status}");
        }
    }
}
