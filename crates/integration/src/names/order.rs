//! The order in which the addresses of a name are tried, as `getaddrinfo` has it.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Puts first what this machine reaches, and from an address of the same kind. Source: RFC 6724, section 6, rules 1, 5 and 6;
/// the others tell apart what a machine with one address of each kind has not.
pub(super) fn sort(addresses: &mut [IpAddr]) {
    sort_from(addresses, source);
}

fn sort_from(addresses: &mut [IpAddr], source: impl Fn(IpAddr) -> Option<IpAddr>) {
    addresses.sort_by_cached_key(|address| {
        let (label, precedence) = policy(*address);
        let source = source(*address);
        (source.is_none(), source.is_none_or(|source| policy(source).0 != label), Reverse(precedence))
    });
}

// The address that the system would send from. Nothing is sent: a UDP socket that connects only chooses a way.
fn source(address: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(address, 53)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

// Label and precedence. Source: RFC 6724, section 2.1, the default policy table.
fn policy(address: IpAddr) -> (u8, u8) {
    let IpAddr::V6(v6) = address else { return (4, 35) };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => (0, 50),
        [0, 0, 0, 0, 0, 0xffff, ..] => (4, 35),
        [0x2002, ..] => (2, 30),
        [0x2001, 0, ..] => (5, 5),
        [first, ..] if first & 0xfe00 == 0xfc00 => (13, 3),
        _ => (1, 40),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reached_from_the_same_kind_comes_first() {
        // The machine's own addresses, those of a name in the order of the answer, and as they are to be tried.
        for (own, answer, expected) in [
            ("127.0.0.1 ::1", "127.0.0.1 ::1", "::1 127.0.0.1"),
            ("127.0.0.1", "::1 127.0.0.1", "127.0.0.1 ::1"),
            ("10.0.0.2 2a00::2", "10.0.0.9 2a00::9", "2a00::9 10.0.0.9"),
            ("10.0.0.2", "2a00::9 10.0.0.9 10.0.0.8", "10.0.0.9 10.0.0.8 2a00::9"),
            ("10.0.0.2 fd00::2", "2a00::9 10.0.0.9", "10.0.0.9 2a00::9"),
            ("10.0.0.2 fd00::2", "fd00::9 10.0.0.9", "10.0.0.9 fd00::9"),
        ] {
            let read = |text: &str| -> Vec<IpAddr> { text.split(' ').map(|ip| ip.parse().unwrap()).collect() };
            let own = read(own);
            let mut addresses = read(answer);
            sort_from(&mut addresses, |to| own.iter().copied().find(|own| own.is_ipv4() == to.is_ipv4()));
            assert_eq!(addresses, read(expected), "{answer}");
        }
    }
}
