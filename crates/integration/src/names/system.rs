//! Asks as the system is set up: `/etc/hosts` first, then the name servers of `/etc/resolv.conf`.
//!
//! Both files are read again when they change, as the C library does. Of `/etc/nsswitch.conf` nothing is read: what only a
//! module of the C library knows (mDNS, LDAP, NIS) is not found.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
    ServerOrderingStrategy,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Hosts, TokioResolver};

use crate::names::{Failure, order};

const HOSTS: &str = "/etc/hosts";
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// How long one name server is waited for, at the most, before the next is asked: the C library's own default.
const SERVER_TIMEOUT_MAX: Duration = Duration::from_secs(5);

/// Questions that one name server may have open: more than there are lookups, so that none waits for another.
const QUESTIONS_MAX: usize = 1024;

/// Where there is no `/etc/resolv.conf`, as the C library has it.
const SERVER_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53);

/// What a name server told.
pub(super) struct Found {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) until: Instant,
}

/// The system's way to look up names.
pub(super) struct System {
    /// Asked instead of those of the system, if any.
    servers: Vec<SocketAddr>,
    read: Mutex<Option<Arc<Read>>>,
}

/// What the files said when they were read.
struct Read {
    changed: [Option<SystemTime>; 2],
    hosts: Hosts,
    resolver: Result<TokioResolver, String>,
    /// The name servers, for people.
    servers: String,
}

impl System {
    pub(super) fn new(servers: Vec<SocketAddr>) -> System {
        System { servers, read: Mutex::default() }
    }

    /// The name servers that are asked, for people.
    pub(super) fn servers(&self) -> String {
        self.read().servers.clone()
    }

    pub(super) async fn ask(&self, name: &str) -> Result<Found, Failure> {
        let started = Instant::now();
        let read = self.read();
        // What a file says holds as long as it is not changed, and nobody has to be asked again.
        if let Some(mut addresses) = read.in_hosts(name).or_else(|| loopback(name)) {
            order::sort(&mut addresses);
            return Ok(Found { addresses, until: started + Duration::from_secs(1) });
        }
        let resolver = read.resolver.as_ref().map_err(|error| Failure::new(error.clone()))?;
        let answer = resolver.lookup_ip(name).await;
        let answer = answer.map_err(|error| failure(name, &read.servers, started.elapsed(), &error))?;
        let mut addresses: Vec<IpAddr> = answer.iter().collect();
        if addresses.is_empty() {
            return Err(Failure::new(format!("the name {name} has no address at {}", read.servers)));
        }
        order::sort(&mut addresses);
        Ok(Found { addresses, until: answer.valid_until() })
    }

    fn read(&self) -> Arc<Read> {
        let changed = [HOSTS, RESOLV_CONF].map(|path| std::fs::metadata(path).and_then(|of| of.modified()).ok());
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        match read.as_ref().filter(|read| read.changed == changed) {
            Some(read) => read.clone(),
            None => read.insert(Arc::new(Read::new(changed, &self.servers))).clone(),
        }
    }
}

impl Read {
    fn new(changed: [Option<SystemTime>; 2], given: &[SocketAddr]) -> Read {
        let hosts = Hosts::from_system().unwrap_or_default();
        let (config, mut options) = hickory_resolver::system_conf::read_system_conf()
            .unwrap_or_else(|_| (no_config(), ResolverOpts::default()));
        let (domain, search, mut servers) = config.into_parts();
        if !given.is_empty() {
            servers = given.iter().copied().map(server).collect();
        }
        let printed: Vec<_> = servers.iter().map(print).collect();
        options.timeout = options.timeout.min(SERVER_TIMEOUT_MAX);
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        // What is kept, and for how long, is decided in one place.
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        // The first server first, as the C library does: they need not know the same names.
        options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
        options.num_concurrent_reqs = 1;
        options.max_active_requests = QUESTIONS_MAX;
        let config = ResolverConfig::from_parts(domain, search, servers);
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options);
        let resolver = builder.build().map_err(|error| format!("its name cannot be looked up: {error}"));
        let noun = if printed.len() == 1 { "name server" } else { "name servers" };
        Read { changed, hosts, resolver, servers: format!("{noun} {}", printed.join(", ")) }
    }

    fn in_hosts(&self, name: &str) -> Option<Vec<IpAddr>> {
        let name = Name::from_utf8(name).ok()?;
        let of = |kind| self.hosts.lookup_static_host(&Query::query(name.clone(), kind));
        let found: Vec<_> = [RecordType::A, RecordType::AAAA].into_iter().filter_map(of).collect();
        let records = found.iter().flat_map(|found| found.answers());
        let addresses: Vec<_> = records.filter_map(|record| record.data.ip_addr()).collect();
        (!addresses.is_empty()).then_some(addresses)
    }
}

// Source: RFC 6761, section 6.3: `localhost` and what is below it never leaves the machine.
fn loopback(name: &str) -> Option<Vec<IpAddr>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_localhost = name == "localhost" || name.ends_with(".localhost");
    is_localhost.then(|| vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
}

fn no_config() -> ResolverConfig {
    ResolverConfig::from_name_servers(vec![server(SERVER_DEFAULT)])
}

fn server(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    let connections = connections.map(|mut connection| {
        connection.port = address.port();
        connection
    });
    // Its "no such name" counts, as with the system's.
    NameServerConfig::new(address.ip(), true, connections.into())
}

fn print(server: &NameServerConfig) -> String {
    match server.connections.first().map(|connection| connection.port) {
        Some(port) if port != 53 => SocketAddr::new(server.ip, port).to_string(),
        _ => server.ip.to_string(),
    }
}

fn failure(name: &str, servers: &str, after: Duration, error: &NetError) -> Failure {
    let took = after.as_millis();
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            let what = if error.is_nx_domain() { "does not exist" } else { "has no address" };
            let text = format!("the name {name} {what}, says {servers} ({}, {took} ms)", none.response_code);
            let denied_for = Duration::from_secs(none.negative_ttl.unwrap_or_default().into());
            Failure { denied_for: Some(denied_for), ..Failure::new(text) }
        }
        NetError::Timeout => Failure::new(format!("no answer about the name {name} from {servers} within {took} ms")),
        _ => Failure::new(format!("the name {name} was not found out from {servers}: {error} ({took} ms)")),
    }
}
