//! The first request of a client, and what of it goes back to it.

use crate::handshake::{HandshakeAnswer, RequestHead, accepted, end_to_end, query_parameters};

/// A request's head: read from the first byte on, it is not whole, or malformed, or a head, and stays so; what it holds
/// cannot end an answer's head.
pub fn request_head(bytes: &[u8]) {
    let whole = RequestHead::parse(bytes);
    for end in 0..bytes.len() {
        match RequestHead::parse(&bytes[..end]) {
            Ok(None) => {}
            Ok(Some((head, length))) => {
                assert_eq!(Ok(Some((head, length))), whole, "{:?}", shown(bytes));
                assert_eq!(end, length, "it was whole before: {:?}", shown(bytes));
                break;
            }
            Err(error) => {
                assert_eq!(Err(error), whole, "{:?}", shown(bytes));
                return;
            }
        }
    }
    let Ok(Some((head, _))) = whole else { return };
    assert!(head.minor_version <= 1, "{head:?}");
    for (name, value) in head.headers.iter() {
        assert!(!name.is_empty() && !name.contains(['\r', '\n', '\0', ':', ' ']), "{name:?}");
        assert!(!value.contains(['\r', '\n', '\0']), "{value:?}");
    }
    let _ = head.is_upgrade();
    let (path, query) = head.path_and_query();
    assert!(head.target.contains(path) && head.target.ends_with(query), "{head:?}");
    let _ = query_parameters(query);
    if let Ok(key) = head.accept_key() {
        assert_eq!((head.method.as_str(), head.minor_version, key.len()), ("GET", 1, 28), "{head:?}");
        assert_eq!(head.headers.get_all("host").count(), 1, "{head:?}");
        assert_eq!(end_of_head(&accepted(&key, Some(&head.headers)).to_bytes()), 0);
    }
    let body = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let refusal = HandshakeAnswer { status: 403, headers: end_to_end(&head.headers), body };
    assert_eq!(end_of_head(&refusal.to_bytes()), refusal.body.len(), "{head:?}");
}

// How many bytes stand behind the first empty line, as the plainest reader finds it; its lines end with CRLF alone.
fn end_of_head(answer: &[u8]) -> usize {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head has an end") + 4;
    let lines = answer[..end].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    assert!(lines.clone().all(|line| line.ends_with(b"\r")), "{:?}", shown(answer));
    let lengths = lines.filter(|line| line.to_ascii_lowercase().starts_with(b"content-length:"));
    assert!(lengths.count() <= 1, "{:?}", shown(answer));
    answer.len() - end
}

fn shown(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::request_head;

    const SEED: u64 = 20_261_127;
    const CASES: usize = 5_000;
    const PIECES_MAX: usize = 12;

    /// What requests are made of, well and badly.
    const PIECES: &[&str] = &[
        "GET / HTTP/1.1\r\n",
        "GET /dev?token=%ff&&a=b+c HTTP/1.1\r\n",
        "GET http://h/dev HTTP/1.1\r\n",
        "GET http://h?x HTTP/1.1\r\n",
        "GET ws:// HTTP/1.0\r\n",
        "POST * HTTP/1.1\n",
        "Host: h\r\n",
        "Host:\r\n",
        "host : h\r\n",
        "Upgrade: websocket\r\n",
        "Connection: keep-alive, Upgrade\r\n",
        "Sec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Sec-WebSocket-Protocol: a, b\r\n",
        "Set-Cookie: a=b\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        " folded\r\n",
        "X: \u{e9}\u{0}\r\n",
        "X: a\rb\r\n",
        "X: a\nY: b\n",
        "\r\n",
        "\n",
        "\r",
        "hello",
    ];

    #[test]
    fn heads_of_any_pieces_are_read_the_same_however_they_come() {
        let mut random = StdRng::seed_from_u64(SEED);
        for _ in 0..CASES {
            let mut input = Vec::new();
            if random.random_bool(0.9) {
                input.extend(PIECES[random.random_range(0..6)].bytes());
            }
            // A third of them could open a WebSocket.
            if random.random_bool(0.3) {
                input.extend([6, 9, 10, 11, 12].into_iter().flat_map(|at: usize| PIECES[at].bytes()));
            }
            for _ in 0..random.random_range(0..PIECES_MAX) {
                input.extend(PIECES[random.random_range(0..PIECES.len())].bytes());
            }
            if random.random_bool(0.2) {
                let at = random.random_range(0..input.len().max(1));
                input.get_mut(at).into_iter().for_each(|byte| *byte = random.random());
            }
            input.extend(if random.random_bool(0.7) { &b"\r\n\r\n"[..] } else { b"" });
            request_head(&input);
        }
    }

    #[test]
    fn no_bytes_do_harm() {
        let mut random = StdRng::seed_from_u64(SEED);
        for _ in 0..CASES {
            let length = random.random_range(0..60);
            request_head(&(0..length).map(|_| random.random()).collect::<Vec<u8>>());
        }
    }
}
