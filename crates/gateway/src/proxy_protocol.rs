//! The PROXY protocol, versions 1 and 2: the head before everything else by which a proxy tells whose socket it passes
//! on. Source: HAProxy, "The PROXY protocol" (doc/proxy-protocol.txt), sections 2.1 and 2.2.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How version 2 begins.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const FIXED_BYTES: usize = 16;
/// The longest head of version 1 (documented, 2.1).
const TEXT_BYTES_MAX: usize = 107;
/// The longest of version 2: addresses, and what a proxy may have to say beside them. As nginx has it.
const BINARY_BYTES_MAX: usize = 4096;
/// The longest head there is.
pub const HEAD_BYTES_MAX: usize = BINARY_BYTES_MAX;
/// What of the head says something about TLS (documented, 2.2.5), and the bit of "the client came under TLS".
const OF_TLS: u8 = 0x20;
const CLIENT_UNDER_TLS: u8 = 0x01;

/// Whose socket a proxy passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxied {
    /// The proxy's own (`LOCAL`, as for its health checks), or it does not say (`UNKNOWN`).
    Itself,
    /// A client's.
    Client {
        /// Where the client's socket came from.
        from: SocketAddr,
        /// Where it came to.
        to: SocketAddr,
        /// Whether it came under TLS, as far as the proxy tells.
        tls: bool,
    },
}

/// Bytes that are no head of either version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Proxied {
    /// Reads a head and tells how many bytes it took; `None` while it is not whole.
    ///
    /// # Errors
    /// [`Malformed`] as soon as the bytes can be no beginning of one.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Proxied, usize)>, Malformed> {
        let agree = |beginning: &[u8]| bytes.iter().zip(beginning).all(|(byte, wanted)| byte == wanted);
        match bytes.first() {
            None => Ok(None),
            Some(b'P') if agree(TEXT) => text(bytes),
            Some(b'\r') if agree(SIGNATURE) => binary(bytes),
            Some(_) => Err(Malformed),
        }
    }
}

const TEXT: &[u8] = b"PROXY ";

fn text(bytes: &[u8]) -> Result<Option<(Proxied, usize)>, Malformed> {
    let Some(end) = bytes.iter().take(TEXT_BYTES_MAX).position(|byte| *byte == b'\n') else {
        return if bytes.len() < TEXT_BYTES_MAX { Ok(None) } else { Err(Malformed) };
    };
    let line = bytes[..end].strip_suffix(b"\r").and_then(|line| line.strip_prefix(TEXT)).ok_or(Malformed)?;
    let line = str::from_utf8(line).map_err(|_| Malformed)?;
    let words: Vec<_> = line.split(' ').collect();
    let proxied = match words.as_slice() {
        // What follows is not to be looked at (documented).
        ["UNKNOWN", ..] => Proxied::Itself,
        ["TCP4", from, to, from_port, to_port] => {
            let ip = |text: &str| text.parse::<Ipv4Addr>().map(IpAddr::V4).map_err(|_| Malformed);
            client((ip(from)?, port(from_port)?), (ip(to)?, port(to_port)?))
        }
        ["TCP6", from, to, from_port, to_port] => {
            let ip = |text: &str| text.parse::<Ipv6Addr>().map(IpAddr::V6).map_err(|_| Malformed);
            client((ip(from)?, port(from_port)?), (ip(to)?, port(to_port)?))
        }
        _ => return Err(Malformed),
    };
    Ok(Some((proxied, end + 1)))
}

fn client(from: (IpAddr, u16), to: (IpAddr, u16)) -> Proxied {
    Proxied::Client { from: from.into(), to: to.into(), tls: false }
}

// Digits alone, without a zero in front (documented).
fn port(text: &str) -> Result<u16, Malformed> {
    text.parse::<u16>().ok().filter(|port| port.to_string() == text).ok_or(Malformed)
}

fn binary(bytes: &[u8]) -> Result<Option<(Proxied, usize)>, Malformed> {
    let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED_BYTES>() else {
        // What is wrong is wrong before the head is whole.
        let version = bytes.get(SIGNATURE.len()).is_none_or(|byte| matches!(byte, 0x20 | 0x21));
        return if version { Ok(None) } else { Err(Malformed) };
    };
    let [.., command, family, high, low] = *fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let is_clients = match command {
        0x20 => false,
        0x21 => true,
        _ => return Err(Malformed),
    };
    // Families and protocols there are; all but TCP's are as if nothing were said (documented).
    if family >> 4 > 3 || family & 0x0f > 2 || FIXED_BYTES + length > BINARY_BYTES_MAX {
        return Err(Malformed);
    }
    let Some(body) = rest.get(..length) else { return Ok(None) };
    let proxied = match family {
        0x11 if is_clients => addresses::<4>(body)?,
        0x21 if is_clients => addresses::<16>(body)?,
        _ => Proxied::Itself,
    };
    Ok(Some((proxied, FIXED_BYTES + length)))
}

fn addresses<const BYTES: usize>(body: &[u8]) -> Result<Proxied, Malformed>
where
    [u8; BYTES]: Into<IpAddr>,
{
    let (from, rest) = body.split_first_chunk::<BYTES>().ok_or(Malformed)?;
    let (to, rest) = rest.split_first_chunk::<BYTES>().ok_or(Malformed)?;
    let ([a, b, c, d], rest) = rest.split_first_chunk::<4>().ok_or(Malformed)?;
    let from = SocketAddr::new((*from).into(), u16::from_be_bytes([*a, *b]));
    let to = SocketAddr::new((*to).into(), u16::from_be_bytes([*c, *d]));
    Ok(Proxied::Client { from, to, tls: is_under_tls(rest)? })
}

// Walks over what stands behind the addresses: a type, a length of two bytes, a value, and so on.
fn is_under_tls(mut more: &[u8]) -> Result<bool, Malformed> {
    let mut tls = false;
    while let [kind, rest @ ..] = more {
        let ([high, low], rest) = rest.split_first_chunk::<2>().ok_or(Malformed)?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low]))).ok_or(Malformed)?;
        if *kind == OF_TLS {
            tls = value.first().is_some_and(|bits| bits & CLIENT_UNDER_TLS != 0);
        }
        more = rest;
    }
    Ok(tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> String {
        match Proxied::parse(bytes) {
            Err(Malformed) => "malformed".to_owned(),
            Ok(None) => "more".to_owned(),
            Ok(Some((Proxied::Itself, length))) => format!("itself, {} left", bytes.len() - length),
            Ok(Some((Proxied::Client { from, to, tls }, length))) => {
                let tls = if tls { ", tls" } else { "" };
                format!("{from} to {to}{tls}, {} left", bytes.len() - length)
            }
        }
    }

    #[test]
    fn heads_of_version_1() {
        let longest = format!("PROXY UNKNOWN {}\r\n", "f".repeat(TEXT_BYTES_MAX - 16));
        let too_long = format!("PROXY UNKNOWN {}\r\n", "f".repeat(TEXT_BYTES_MAX - 15));
        for (text, expected) in [
            ("PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\nGET /", "192.0.2.7:56324 to 10.0.0.1:443, 5 left"),
            ("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", "[2001:db8::1]:1 to [::1]:65535, 0 left"),
            ("PROXY UNKNOWN\r\nx", "itself, 1 left"),
            ("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "itself, 0 left"),
            (&longest, "itself, 0 left"),
            (&too_long, "malformed"),
            ("", "more"),
            ("PROX", "more"),
            ("PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r", "more"),
            ("GET / HTTP/1.1\r\n", "malformed"),
            ("POST", "malformed"),
            ("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "malformed"),
            ("PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\n", "malformed"),
            ("PROXY TCP4 192.0.2.7 10.0.0.1 56324\r\n", "malformed"),
            ("PROXY TCP4 192.0.2.7 10.0.0.1 56324 443 1\r\n", "malformed"),
            ("PROXY TCP4 192.0.2.7  10.0.0.1 56324 443\r\n", "malformed"),
            ("PROXY TCP4 192.0.2.256 10.0.0.1 56324 443\r\n", "malformed"),
            ("PROXY TCP4 192.0.2.07 10.0.0.1 56324 443\r\n", "malformed"),
            ("PROXY TCP4 ::1 ::1 1 2\r\n", "malformed"),
            ("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", "malformed"),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", "malformed"),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1 02\r\n", "malformed"),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", "malformed"),
            ("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", "malformed"),
            ("PROXY \r\n", "malformed"),
            ("PROXY \u{e9}\r\n", "malformed"),
        ] {
            assert_eq!(shown(text.as_bytes()), expected, "{text:?}");
        }
    }

    // Version and command, family, what follows the length.
    fn version_2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, body].concat()
    }

    #[test]
    fn heads_of_version_2() {
        let v4: &[u8] = &[192, 0, 2, 7, 10, 0, 0, 1, 0, 80, 1, 187];
        let v6 = [&[0x20, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1][..], &[0; 15], &[1, 0, 80, 1, 187]].concat();
        let with = |more: &[u8]| [v4, more].concat();
        let under_tls = with(&[0x03, 0, 4, 1, 2, 3, 4, 0x20, 0, 5, 0x01, 0, 0, 0, 0, 0xee, 0, 0]);
        let clear = with(&[0x20, 0, 5, 0, 0, 0, 0, 0]);
        for (name, bytes, expected) in [
            ("TCP over IPv4", version_2(0x21, 0x11, v4), "192.0.2.7:80 to 10.0.0.1:443, 0 left"),
            ("TCP over IPv6", version_2(0x21, 0x21, &v6), "[2001:db8::1]:80 to [::1]:443, 0 left"),
            ("TLVs", version_2(0x21, 0x11, &under_tls), "192.0.2.7:80 to 10.0.0.1:443, tls, 0 left"),
            ("not under TLS", version_2(0x21, 0x11, &clear), "192.0.2.7:80 to 10.0.0.1:443, 0 left"),
            ("LOCAL", version_2(0x20, 0x00, &[]), "itself, 0 left"),
            ("LOCAL with addresses", version_2(0x20, 0x11, v4), "itself, 0 left"),
            ("LOCAL with anything", version_2(0x20, 0x11, b"ab"), "itself, 0 left"),
            ("UNSPEC", version_2(0x21, 0x00, b"anything"), "itself, 0 left"),
            ("UDP", version_2(0x21, 0x12, v4), "itself, 0 left"),
            ("a Unix socket", version_2(0x21, 0x31, &[0; 216]), "itself, 0 left"),
            ("the longest", version_2(0x21, 0x00, &[0; BINARY_BYTES_MAX - 16]), "itself, 0 left"),
            ("too long", version_2(0x21, 0x00, &[0; BINARY_BYTES_MAX - 15]), "malformed"),
            ("version 1 in binary", version_2(0x11, 0x11, v4), "malformed"),
            ("an unknown command", version_2(0x22, 0x11, v4), "malformed"),
            ("an unknown family", version_2(0x21, 0x41, v4), "malformed"),
            ("an unknown protocol", version_2(0x21, 0x13, v4), "malformed"),
            ("addresses cut short", version_2(0x21, 0x11, &v4[..11]), "malformed"),
            ("addresses of the other family", version_2(0x21, 0x21, v4), "malformed"),
            ("a TLV cut short", version_2(0x21, 0x11, &with(&[0x03, 0])), "malformed"),
            ("a TLV that is too long", version_2(0x21, 0x11, &with(&[0x03, 0, 9, 1])), "malformed"),
            (
                "what follows",
                [version_2(0x21, 0x11, v4), b"GET".to_vec()].concat(),
                "192.0.2.7:80 to 10.0.0.1:443, 3 left",
            ),
            ("not whole", version_2(0x21, 0x11, v4)[..27].to_vec(), "more"),
            ("not even a length", version_2(0x21, 0x11, v4)[..15].to_vec(), "more"),
            ("a wrong version at once", version_2(0x31, 0x11, v4)[..13].to_vec(), "malformed"),
            ("another signature", b"\r\n\r\n\0\r\nQUIX".to_vec(), "malformed"),
        ] {
            assert_eq!(shown(&bytes), expected, "{name}");
        }
    }
}
