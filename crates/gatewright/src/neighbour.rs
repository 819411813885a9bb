//! Whether somebody who calls over loopback is the user that this program runs as.

use std::fs;
use std::net::IpAddr;

use gateway::Arrival;

/// The sockets of this machine, with their users. Source: proc(5).
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// Whether code of a caller who did not sign may run: of this very user, or of root, who could run it anyway.
///
/// # Errors
/// Why not.
pub(crate) fn may_run_code(peer: &Arrival) -> Result<(), String> {
    const INSTEAD: &str = "have calls checked with --credentials, or start the gateway with --template";
    if !peer.ip.is_loopback() || peer.port == 0 {
        return Err(format!("functions of callers who do not sign run for this machine alone; {INSTEAD}"));
    }
    let tables: Vec<String> = TABLES.iter().filter_map(|table| fs::read_to_string(table).ok()).collect();
    // Where the system does not tell, it is a developer's own.
    if tables.is_empty() {
        return Ok(());
    }
    let own = rustix::process::geteuid().as_raw();
    match tables.iter().find_map(|table| user(table, peer.port, peer.local_port)) {
        Some(user) if user == own || user == 0 => Ok(()),
        Some(_) => Err(format!("the caller is another user of this machine; {INSTEAD}")),
        None => Err(format!("nothing tells which user of this machine calls; {INSTEAD}")),
    }
}

/// The user of the loopback socket from one port to another.
fn user(table: &str, from: u16, to: u16) -> Option<u32> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (local, remote, user) = (fields.get(1)?, fields.get(2)?, fields.get(7)?);
        let port = |end: &str| u16::from_str_radix(end.rsplit_once(':')?.1, 16).ok();
        let is_it = port(local)? == from && port(remote)? == to && is_loopback(local) && is_loopback(remote);
        is_it.then(|| user.parse().ok())?
    })
}

// `0100007F`, or four such words, each in the machine's own order.
fn is_loopback(end: &str) -> bool {
    let Some((address, _)) = end.rsplit_once(':') else { return false };
    let words: Option<Vec<u32>> = (0..address.len() / 8)
        .map(|n| address.get(n * 8..n * 8 + 8).and_then(|word| u32::from_str_radix(word, 16).ok()))
        .collect();
    let bytes: Vec<u8> = words.unwrap_or_default().iter().flat_map(|word| word.to_ne_bytes()).collect();
    let ip = match bytes.as_slice() {
        bytes if bytes.len() == 4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        bytes => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    };
    ip.is_some_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_caller_of_this_user_is_known_and_nobody_else() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let local_port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", local_port)).unwrap();
        let peer = |ip: &str, port| Arrival { ip: ip.parse().unwrap(), port, local_port, tls: false };
        let own = client.local_addr().unwrap().port();
        assert_eq!(may_run_code(&peer("127.0.0.1", own)), Ok(()));
        for (ip, port) in [("127.0.0.1", 0), ("127.0.0.1", 1), ("192.0.2.1", own)] {
            assert!(may_run_code(&peer(ip, port)).is_err(), "{ip} {port}");
        }
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n   0: 0100007F:1F90 0100007F:1F91 01 00000000:00000000 00:00000000 00000000  1234        0 1\n";
        assert_eq!(user(table, 0x1f90, 0x1f91), Some(1234));
        assert_eq!(user(&table.replace("0100007F:1F91", "0200000A:1F91"), 0x1f90, 0x1f91), None);
    }
}
