//! What the fuzz target does with whatever a backend sends; the tests below run it too. Not part of the program.

use bytes::BytesMut;

use crate::wire::{self, BodyLength, BodyReader, Head, HeadReader, Progress};

/// The largest body that is let in here: small, so that the bound is met.
const BODY_BYTES_MAX: usize = 4096;

/// How much of an answer a failure shows.
const SHOWN_MAX: usize = 1000;

/// What came of an answer's bytes.
#[derive(Debug, PartialEq)]
enum Outcome {
    Received {
        status: u16,
        keeps_alive: bool,
        body: Vec<u8>,
        /// How many of the bytes were the answer's.
        taken: usize,
    },
    /// More must come.
    Waits,
    /// Whatever was wrong: where it shows depends on how the bytes came.
    Refused,
}

/// An answer of a backend: the first byte says how it is asked for and ends, the second how the rest is cut in reads.
///
/// However it is cut, the same comes of it; memory stays bounded; and a connection is used again only where a reader that
/// takes nothing but the plainest framing sees the same end.
pub fn backend_answer(input: &[u8]) {
    let [form, cut, bytes @ ..] = input else { return };
    let method = if form & 1 == 0 { "GET" } else { "HEAD" };
    let ends = form & 2 != 0;
    let (whole, head) = read(bytes, bytes.len().max(1), method, ends);
    for step in [1, usize::from(*cut) + 2] {
        let (cut, _) = read(bytes, step, method, ends);
        assert_eq!(cut, whole, "in steps of {step}: {:?}", shown(bytes));
    }
    if let (Outcome::Received { body, keeps_alive: true, taken, .. }, Some((head, head_len))) = (&whole, head) {
        let is_plain = is_plain(&bytes[..head_len], &head, method);
        assert!(is_plain, "used again: {:?}", shown(bytes));
        let rest = &bytes[head_len..*taken];
        let plain = match head.body {
            BodyLength::Exactly(length) => (rest.len() == length).then(|| rest.to_vec()),
            BodyLength::Chunked => plain_chunks(rest),
            BodyLength::UntilClose => None,
        };
        assert_eq!(plain.as_ref(), Some(body), "used again: {:?}", shown(bytes));
    }
}

fn shown(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_MAX)])
}

// As `http::exchange` reads; the head comes with the length of all heads.
fn read(bytes: &[u8], step: usize, method: &str, ends: bool) -> (Outcome, Option<(Head, usize)>) {
    let mut buffer = BytesMut::new();
    let mut pieces = bytes.chunks(step);
    let mut given = 0;
    let mut head_reader = HeadReader::default();
    let head = loop {
        match head_reader.read(&mut buffer, method) {
            Ok(Some(head)) => break head,
            Ok(None) => assert!(buffer.len() <= wire::HEAD_BYTES_MAX, "{} bytes of a head", buffer.len()),
            Err(_) => return (Outcome::Refused, None),
        }
        match pieces.next() {
            Some(piece) => {
                given += piece.len();
                buffer.extend_from_slice(piece);
            }
            None if ends => return (Outcome::Refused, None),
            None => return (Outcome::Waits, None),
        }
    };
    let head_len = given - buffer.len();
    let mut reader = BodyReader::new(head.body, BODY_BYTES_MAX);
    let mut at_end = false;
    loop {
        match reader.read(&mut buffer, at_end) {
            Ok(Progress::Done(body)) => {
                assert!(body.len() <= BODY_BYTES_MAX, "a body of {} bytes", body.len());
                let (status, keeps_alive, taken) = (head.status, head.keeps_alive, given - buffer.len());
                let answer = Outcome::Received { status, keeps_alive, body: body.to_vec(), taken };
                return (answer, Some((head, head_len)));
            }
            Ok(Progress::More) => assert!(buffer.len() <= wire::HEAD_BYTES_MAX, "{} bytes are kept", buffer.len()),
            Err(_) => return (Outcome::Refused, None),
        }
        match pieces.next() {
            Some(piece) => {
                given += piece.len();
                buffer.extend_from_slice(piece);
            }
            None if ends && !at_end => at_end = true,
            None => return (Outcome::Waits, None),
        }
    }
}

// Whether the last head says in one way only where its body ends. Read from its text, with nothing of the reader's.
fn is_plain(heads: &[u8], head: &Head, method: &str) -> bool {
    let text = String::from_utf8_lossy(heads).replace("\r\n", "\n");
    let last = text.trim_end_matches('\n').rsplit("\n\n").next().unwrap_or_default();
    let values = |name: &str| -> Vec<String> {
        let lines = last.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).collect()
    };
    let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
    let says_nothing = lengths.iter().all(|length| length.bytes().all(|digit| digit == b'0')) && codings.is_empty();
    let one = matches!((lengths.len(), codings.len()), (0 | 1, 0) | (0, 1));
    let closes =
        values("connection").iter().any(|value| value.to_ascii_lowercase().split(',').any(|one| one.trim() == "close"));
    let is_bodiless = method == "HEAD" || matches!(head.status, 204 | 304);
    let says_end =
        is_bodiless || !lengths.is_empty() || codings.iter().any(|coding| coding.eq_ignore_ascii_case("chunked"));
    one && says_end && !closes && (!is_bodiless || says_nothing)
}

// The body of chunks as RFC 9112, 7.1 writes them, to the last byte of `rest`; `None`: they are not just that.
fn plain_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = take_line(&mut rest)?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let after = line[digits..].iter().find(|byte| !matches!(byte, b' ' | b'\t'));
        if digits == 0 || after.is_some_and(|byte| *byte != b';') {
            return None;
        }
        let size = usize::from_str_radix(str::from_utf8(&line[..digits]).ok()?, 16).ok()?;
        if size == 0 {
            break;
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest[size..].strip_prefix(b"\r\n")?;
    }
    while !take_line(&mut rest)?.is_empty() {}
    rest.is_empty().then_some(body)
}

fn take_line<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let line = &rest[..end];
    *rest = &rest[end + 2..];
    Some(line)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    const SEED: u64 = 20_261_127;
    const CASES: usize = 20_000;
    const PIECES_MAX: usize = 14;

    /// What answers are made of, well and badly.
    const PIECES: &[&str] = &[
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 204 No\r\n",
        "HTTP/1.1 304 Not\r\n",
        "HTTP/1.0 200 OK\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200\n",
        "\r\n\r\n",
        "HTTP/1.1 101 S\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 0\r\n",
        "content-length:5 , 5\r\n",
        "Content-Length: 05\r\n",
        "Content-Length : 5\r\n",
        "Content-Length: 4097\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "Connection: close\r\n",
        "Connection: keep-alive, Content-Length\r\n",
        "Keep-Alive: timeout=5\r\n",
        "X: y\r\n",
        "\r\n",
        "\n",
        "\r",
        "hello",
        "5\r\nhello\r\n",
        "5;a=b\r\nhello\r\n",
        "5 \r\nhello\r\n",
        "5\nhello\r\n",
        "5;a\nb\r\nhello\r\n",
        "0005\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        ";\r\n",
        "0\r\n\r\n",
        "0\r\nTrailer: x\r\n\r\n",
        "0",
        "ffffffffffffffff\r\n",
        "\0",
    ];

    fn answers(random: &mut StdRng) -> Vec<u8> {
        let mut input = vec![random.random(), random.random()];
        if random.random_bool(0.8) {
            input.extend(PIECES[random.random_range(0..4)].bytes());
        }
        for _ in 0..random.random_range(0..PIECES_MAX) {
            input.extend(PIECES[random.random_range(0..PIECES.len())].bytes());
        }
        if random.random_bool(0.2) {
            let at = random.random_range(0..input.len());
            input[at] = random.random();
        }
        input
    }

    #[test]
    fn answers_of_any_pieces_are_read_the_same_however_they_come() {
        let mut random = StdRng::seed_from_u64(SEED);
        for _ in 0..CASES {
            backend_answer(&answers(&mut random));
        }
    }

    #[test]
    fn long_lines_are_refused_however_they_come() {
        let chunked = "\0\u{1}HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for length in [4090, 4095, 4096, 4097, 4098, 5000, 70_000] {
            let long = "a".repeat(length);
            backend_answer(format!("{chunked}1;{long}\r\nx\r\n0\r\n\r\n").as_bytes());
            backend_answer(format!("{chunked}0\r\n{long}\r\n\r\n").as_bytes());
            backend_answer(format!("\u{2}\u{1}HTTP/1.1 200 OK\r\n\r\n{long}").as_bytes());
        }
    }

    #[test]
    fn no_bytes_do_harm() {
        let mut random = StdRng::seed_from_u64(SEED);
        for _ in 0..CASES {
            let length = random.random_range(0..60);
            backend_answer(&(0..length).map(|_| random.random()).collect::<Vec<u8>>());
        }
    }
}
