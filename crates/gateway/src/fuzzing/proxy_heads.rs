//! What a proxy says before a client's first byte.

use crate::proxy_protocol::{HEAD_BYTES_MAX, Malformed, Proxied};

/// A head of the PROXY protocol: read from the first byte on, it is not whole, or malformed, or a head, and stays so; it is
/// never waited for beyond its bound, and says nothing that its bytes do not.
pub fn proxy_head(bytes: &[u8]) {
    let whole = Proxied::parse(bytes);
    for end in 0..bytes.len().min(HEAD_BYTES_MAX + 1) {
        match Proxied::parse(&bytes[..end]) {
            Ok(None) => assert!(end < HEAD_BYTES_MAX, "more than {end} bytes are waited for"),
            Ok(Some((proxied, length))) => {
                assert_eq!(Ok(Some((proxied, length))), whole);
                assert_eq!(end, length, "it was whole before");
                break;
            }
            Err(Malformed) => {
                assert_eq!(Err(Malformed), whole);
                return;
            }
        }
    }
    let Ok(Some((proxied, length))) = whole else { return };
    assert!(length <= bytes.len().min(HEAD_BYTES_MAX), "{length} bytes");
    if let Proxied::Client { from, to, tls } = proxied {
        assert_eq!(from.is_ipv4(), to.is_ipv4(), "{proxied:?}");
        let written = format!(
            "PROXY TCP{} {} {} {} {}\r\n",
            if from.is_ipv4() { 4 } else { 6 },
            from.ip(),
            to.ip(),
            from.port(),
            to.port()
        );
        let again = Proxied::parse(written.as_bytes());
        assert_eq!(again, Ok(Some((Proxied::Client { from, to, tls: false }, written.len()))), "{tls}");
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::proxy_head;

    const SEED: u64 = 20_261_201;
    const CASES: usize = 20_000;
    const PIECES_MAX: usize = 8;

    const PIECES: &[&[u8]] = &[
        b"TCP4 ",
        b"TCP6 ",
        b"UNKNOWN",
        b"1.2.3.4 ",
        b"2001:db8::1 ",
        b"80 ",
        b"443",
        b"\r\n",
        b"\n",
        b" ",
        b"\x21\x11\x00\x0c",
        b"\x21\x21\x00\x24",
        b"\x20\x00\x00\x00",
        b"\x21\x11\x00\x14",
        &[1; 12],
        &[2; 36],
        b"\x20\x00\x05\x01\x00\x00\x00\x00",
        b"GET / HTTP/1.1\r\n\r\n",
    ];

    #[test]
    fn heads_of_any_pieces_are_read_the_same_however_they_come() {
        let mut random = StdRng::seed_from_u64(SEED);
        for _ in 0..CASES {
            let mut input: Vec<u8> = match random.random_range(0..5) {
                0 => Vec::new(),
                1 | 2 => b"PROXY ".to_vec(),
                _ => b"\r\n\r\n\0\r\nQUIT\n".to_vec(),
            };
            for _ in 0..random.random_range(0..PIECES_MAX) {
                input.extend(PIECES[random.random_range(0..PIECES.len())]);
            }
            if random.random_bool(0.2) {
                let at = random.random_range(0..input.len().max(1));
                input.get_mut(at).into_iter().for_each(|byte| *byte = random.random());
            }
            proxy_head(&input);
        }
    }

    #[test]
    fn a_head_without_an_end_is_not_waited_for() {
        proxy_head(&[b"PROXY UNKNOWN".to_vec(), vec![b'x'; 5000]].concat());
        proxy_head(&[b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff".to_vec(), vec![0; 5000]].concat());
    }

    #[test]
    fn no_bytes_do_harm() {
        let mut random = StdRng::seed_from_u64(SEED);
        for _ in 0..CASES {
            let length = random.random_range(0..60);
            let bytes: Vec<u8> = (0..length).map(|_| random.random()).collect();
            proxy_head(&bytes);
            proxy_head(&[b"\r\n\r\n\0\r\nQUIT\n".to_vec(), bytes].concat());
        }
    }
}
