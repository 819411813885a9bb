//! Proxies that are believed: whose addresses they are, and what their headers say of a client.

use std::net::IpAddr;

use gateway::{Arrival, RequestHead};
use http::{HeaderMap, header};

/// How many networks may be named: each is compared with each client's address.
pub(crate) const NETWORKS_MAX: usize = 256;

/// How many bits stand before an address of IPv4 that is written as one of IPv6. Source: RFC 4291, 2.5.5.2.
const MAPPED_BITS: u32 = 96;

/// A network: addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    ip: IpAddr,
    bits: u32,
}

impl Network {
    /// From `10.0.0.0/8`, `fd00::/8`, or an address alone. `None`: it is none, or names bits behind its length.
    pub(crate) fn parse(text: &str) -> Option<Network> {
        let (ip, bits) = match text.split_once('/') {
            Some((ip, bits)) => {
                let number = bits.parse::<u32>().ok().filter(|number| number.to_string() == bits)?;
                (ip.parse::<IpAddr>().ok()?, Some(number))
            }
            None => (text.parse::<IpAddr>().ok()?, None),
        };
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let network = Network { ip, bits: bits.unwrap_or(most) };
        (network.bits <= most && network.host_bits() == 0).then(|| network.canonical())
    }

    // Addresses of IPv4 are compared as such, however they are written.
    fn canonical(self) -> Network {
        match (self.ip, self.ip.to_canonical()) {
            (IpAddr::V6(_), ip @ IpAddr::V4(_)) if self.bits >= MAPPED_BITS => {
                Network { ip, bits: self.bits - MAPPED_BITS }
            }
            _ => self,
        }
    }

    fn host_bits(self) -> u128 {
        match self.ip {
            IpAddr::V4(ip) => u128::from(ip.to_bits() & u32::MAX.checked_shr(self.bits).unwrap_or(0)),
            IpAddr::V6(ip) => ip.to_bits() & u128::MAX.checked_shr(self.bits).unwrap_or(0),
        }
    }

    fn has(self, ip: IpAddr) -> bool {
        match (self.ip, ip) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => {
                (own.to_bits() ^ ip.to_bits()).checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(ip)) => {
                (own.to_bits() ^ ip.to_bits()).checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// The proxies that are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrustedProxies(Vec<Network>);

/// What a proxy's headers say.
#[derive(Clone, Copy, Debug, Default)]
struct Said<'h> {
    proto: Option<&'h str>,
    port: Option<&'h str>,
    host: &'h str,
}

impl TrustedProxies {
    pub(crate) fn new(networks: Vec<Network>) -> TrustedProxies {
        TrustedProxies(networks)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether what comes from an address is believed.
    pub(crate) fn has(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|network| network.has(ip))
    }

    /// Who sent an upgrade request that a trusted proxy passed on. What backends are told of the way is the way to the
    /// proxy then, so that its own part of `X-Forwarded-For` is taken away: the client's address will be put there, as it
    /// is where no proxy stands in between.
    pub(crate) fn behind(&self, arrival: Arrival, head: &mut RequestHead) -> Arrival {
        let chain = head.headers.get_all("X-Forwarded-For").collect::<Vec<_>>().join(",");
        let chain: Vec<_> = chain.split(',').collect();
        let said = Said {
            proto: head.headers.get("X-Forwarded-Proto"),
            port: head.headers.get("X-Forwarded-Port"),
            host: head.host(),
        };
        let (seen, before) = self.seen(arrival, &chain, said);
        let rest: Vec<_> = chain[..before].iter().map(|one| one.trim()).filter(|one| !one.is_empty()).collect();
        match rest.is_empty() {
            true => drop(head.headers.remove("X-Forwarded-For")),
            false => head.headers.set("X-Forwarded-For", rest.join(", ")),
        }
        seen
    }

    /// The same for any other request, whose headers stay as they are.
    pub(crate) fn behind_request(&self, arrival: Arrival, headers: &HeaderMap) -> Arrival {
        // A client's part of a value need be no text, and must not take the proxy's part with it.
        let texts = |name: &str| -> Vec<String> {
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
        };
        let chain = texts("x-forwarded-for").join(",");
        let (proto, port, host) = (texts("x-forwarded-proto"), texts("x-forwarded-port"), texts(header::HOST.as_str()));
        let said = Said {
            proto: proto.last().map(String::as_str),
            port: port.last().map(String::as_str),
            host: host.first().map_or("", String::as_str),
        };
        self.seen(arrival, &chain.split(',').collect::<Vec<_>>(), said).0
    }

    // And how many of the chain stand before the client's own address.
    fn seen(&self, arrival: Arrival, chain: &[&str], said: Said<'_>) -> (Arrival, usize) {
        let (ip, before) = self.client(arrival.ip, chain);
        let tls = match said.proto.map(|proto| last_of(proto).to_ascii_lowercase()).as_deref() {
            Some("https" | "wss") => Some(true),
            Some("http" | "ws") => Some(false),
            _ => None,
        };
        let port = said.port.and_then(|port| last_of(port).parse::<u16>().ok()).filter(|port| *port != 0);
        // Who knows the scheme and not the port came to the port that the host names, or to the scheme's own.
        let own_port = || tls.map(|tls| port_of(said.host).unwrap_or(if tls { 443 } else { 80 }));
        let local_port = port.or_else(own_port).unwrap_or(arrival.local_port);
        (Arrival { ip, port: 0, local_port, tls: tls.unwrap_or(arrival.tls) }, before)
    }

    // The rightmost address that is no trusted proxy's; where all are, the leftmost. What is no address ends it: what
    // stands before was said by nobody who is known.
    fn client(&self, from: IpAddr, chain: &[&str]) -> (IpAddr, usize) {
        let (mut ip, mut before) = (from, chain.len());
        for (at, text) in chain.iter().enumerate().rev() {
            let Some(one) = address(text.trim()) else { break };
            (ip, before) = (one, at);
            if !self.has(one) {
                break;
            }
        }
        (ip, before)
    }
}

fn last_of(text: &str) -> &str {
    text.rsplit(',').next().unwrap_or_default().trim()
}

fn port_of(host: &str) -> Option<u16> {
    let (name, port) = host.rsplit_once(':')?;
    (!name.contains(':') || name.ends_with(']')).then(|| port.parse().ok()).flatten()
}

// Some proxies name the port, too: `192.0.2.1:5000`, `[2001:db8::1]:5000`.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse().ok().or_else(with_port).or_else(bracketed).map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(networks: &[&str]) -> TrustedProxies {
        TrustedProxies::new(networks.iter().map(|text| Network::parse(text).unwrap()).collect())
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_hold_what_begins_with_their_bits() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", &["10.0.0.0", "10.255.255.255"][..], &["11.0.0.0", "9.255.255.255", "::1"][..]),
            ("127.0.0.1", &["127.0.0.1"], &["127.0.0.2"]),
            ("::ffff:10.0.0.0/104", &["10.9.9.9"], &["11.0.0.0", "::1"]),
            ("127.0.0.1/32", &["127.0.0.1"], &["127.0.0.0"]),
            ("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::"]),
            ("::/0", &["::", "ffff::1"], &["0.0.0.0"]),
            ("fd00::/8", &["fd12::1"], &["fe00::1"]),
            ("2001:db8::/33", &["2001:db8:7fff::1"], &["2001:db8:8000::1"]),
            ("::1", &["::1"], &["::2"]),
        ] {
            let network = Network::parse(network).unwrap();
            inside.iter().for_each(|one| assert!(network.has(ip(one)), "{network:?} {one}"));
            outside.iter().for_each(|one| assert!(!network.has(ip(one)), "{network:?} {one}"));
        }
        for text in [
            "10.0.0.1/8",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0",
            "proxy",
            "",
            "::1/64",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }

    // A head of these headers, and what it was seen to be and what is left of the chain.
    fn seen(trusted: &[&str], headers: &[(&str, &str)]) -> String {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let text = format!("GET /dev HTTP/1.1\r\nHost: ws.example.com:8443\r\n{lines}\r\n");
        let mut head = RequestHead::parse(text.as_bytes()).unwrap().unwrap().0;
        let arrival = Arrival { ip: ip("10.0.0.9"), port: 1, local_port: 4510, tls: false };
        let proxies = proxies(trusted);
        let mut map = HeaderMap::new();
        map.append("host", "ws.example.com:8443".parse().unwrap());
        for (name, value) in headers {
            let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            map.append(http::HeaderName::try_from(*name).unwrap(), value);
        }
        let of_request = proxies.behind_request(arrival, &map);
        let seen = proxies.behind(arrival, &mut head);
        assert_eq!(seen, of_request, "both kinds of requests are read alike");
        let chain: Vec<_> = head.headers.get_all("x-forwarded-for").collect();
        let Arrival { ip, local_port, tls, .. } = seen;
        format!("{}{ip}:{local_port} after {chain:?}", if tls { "tls " } else { "" })
    }

    #[test]
    fn the_client_is_the_rightmost_address_that_is_no_proxys() {
        const NEAR: &[&str] = &["10.0.0.0/24"];
        for (trusted, headers, expected) in [
            (NEAR, &[][..], "10.0.0.9:4510 after []"),
            (NEAR, &[("X-Forwarded-For", "192.0.2.1")], "192.0.2.1:4510 after []"),
            (NEAR, &[("X-Forwarded-For", "6.6.6.6, 192.0.2.1")], "192.0.2.1:4510 after [\"6.6.6.6\"]"),
            (NEAR, &[("X-Forwarded-For", "6.6.6.6,192.0.2.1 , 10.0.0.8")], "192.0.2.1:4510 after [\"6.6.6.6\"]"),
            (
                NEAR,
                &[("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "192.0.2.1")],
                "192.0.2.1:4510 after [\"6.6.6.6\"]",
            ),
            (NEAR, &[("X-Forwarded-For", "\u{e9}, 192.0.2.1")], "192.0.2.1:4510 after [\"\u{e9}\"]"),
            (NEAR, &[("X-Forwarded-For", "10.0.0.7, 10.0.0.8")], "10.0.0.7:4510 after []"),
            (NEAR, &[("X-Forwarded-For", "unknown, 10.0.0.8")], "10.0.0.8:4510 after [\"unknown\"]"),
            (NEAR, &[("X-Forwarded-For", "192.0.2.1, evil")], "10.0.0.9:4510 after [\"192.0.2.1, evil\"]"),
            (NEAR, &[("X-Forwarded-For", "192.0.2.1:5000")], "192.0.2.1:4510 after []"),
            (NEAR, &[("X-Forwarded-For", "[2001:db8::1]:5000")], "2001:db8::1:4510 after []"),
            (NEAR, &[("X-Forwarded-For", "2001:db8::1")], "2001:db8::1:4510 after []"),
            (NEAR, &[("X-Forwarded-For", "::ffff:192.0.2.1")], "192.0.2.1:4510 after []"),
            (NEAR, &[("X-Forwarded-For", "")], "10.0.0.9:4510 after []"),
            (NEAR, &[("X-Forwarded-Proto", "https")], "tls 10.0.0.9:8443 after []"),
            (NEAR, &[("X-Forwarded-Proto", "HTTPS"), ("X-Forwarded-Port", "444")], "tls 10.0.0.9:444 after []"),
            (NEAR, &[("X-Forwarded-Proto", "https, http")], "10.0.0.9:8443 after []"),
            (NEAR, &[("X-Forwarded-Proto", "gopher"), ("X-Forwarded-Port", "x")], "10.0.0.9:4510 after []"),
            (NEAR, &[("X-Forwarded-Port", "0")], "10.0.0.9:4510 after []"),
        ] {
            assert_eq!(seen(trusted, headers), expected, "{headers:?}");
        }
    }
}
