//! HTTP/1.1 as bytes: a request written, a response's head and body read. No I/O.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use types::headers::Headers;
use types::message::{HttpTarget, IntegrationRequest};

/// The largest head of a response, in bytes, and how many headers it may have.
pub(crate) const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 128;
/// The longest chunk-size line with its extensions, and the longest line of a trailer, in bytes.
const CHUNK_LINE_MAX: usize = 4 * 1024;
/// All trailers together, in bytes. They are dropped, so no backend needs many.
const TRAILERS_BYTES_MAX: usize = HEAD_BYTES_MAX;
/// Interim answers (1xx) before the answer. More than a few are a backend that never comes to the point.
const INTERIM_MAX: u32 = 32;

/// Writes the request line and headers; the body is the caller's to send.
///
/// `Content-Length` stands where AWS has it, before `Host` (observed). A method that carries a body says its length
/// even when that is 0, which RFC 9110 asks for and some servers insist on.
pub(crate) fn write_head(out: &mut Vec<u8>, request: &IntegrationRequest, target: &HttpTarget) {
    out.extend_from_slice(request.method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.path_and_query.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in request.headers.iter() {
        if name.eq_ignore_ascii_case("host") && request.carries_body {
            out.extend_from_slice(format!("Content-Length: {}\r\n", request.body.len()).as_bytes());
        }
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// A response's head, and what it says of the body and the connection.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: BodyLength,
    pub(crate) keeps_alive: bool,
    pub(crate) keep_alive: Option<Duration>,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyLength {
    Exactly(usize),
    Chunked,
    UntilClose,
}

/// Takes one response head off `buffer`; `None` while it is not whole. Interim answers (1xx) are passed over.
///
/// `interim` counts those, from 0 for each request.
pub(crate) fn read_head(buffer: &mut BytesMut, method: &str, interim: &mut u32) -> Result<Option<Head>, String> {
    let too_long = || Err(format!("its headers are longer than {HEAD_BYTES_MAX} bytes"));
    loop {
        let mut space = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut parsed = httparse::Response::new(&mut space);
        let length = match parsed.parse(buffer) {
            Ok(httparse::Status::Complete(length)) if length > HEAD_BYTES_MAX => return too_long(),
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if buffer.len() > HEAD_BYTES_MAX => return too_long(),
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(format!("not HTTP/1.1: {error}")),
        };
        let status = parsed.code.unwrap_or_default();
        if status == 101 {
            return Err("it switched protocols".to_owned());
        }
        if status < 100 {
            return Err(format!("its status {status:03} is none"));
        }
        if (100..200).contains(&status) {
            buffer.advance(length);
            *interim += 1;
            if *interim > INTERIM_MAX {
                return Err(format!("it sent more than {INTERIM_MAX} interim answers"));
            }
            continue;
        }
        let version = parsed.version.unwrap_or_default();
        let headers: Headers =
            parsed.headers.iter().map(|h| (h.name, String::from_utf8_lossy(h.value).into_owned())).collect();
        buffer.advance(length);
        return head(status, version, headers, method).map(Some);
    }
}

fn head(status: u16, version: u8, mut headers: Headers, method: &str) -> Result<Head, String> {
    let codings = || headers.get_all("transfer-encoding").flat_map(|value| value.split(',')).map(str::trim);
    let is_coded = headers.get("transfer-encoding").is_some();
    let chunked = codings().last().is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    let length = content_length(&headers)?;
    let bodiless = method == "HEAD" || status == 204 || status == 304;
    let body = if bodiless {
        BodyLength::Exactly(0)
    } else if chunked {
        BodyLength::Chunked
    } else if is_coded {
        BodyLength::UntilClose
    } else if let Some(length) = length {
        BodyLength::Exactly(length)
    } else {
        BodyLength::UntilClose
    };
    let said = || headers.get_all("connection").flat_map(|value| value.split(',')).map(str::trim);
    let says = |token: &str| said().any(|one| one.eq_ignore_ascii_case(token));
    let keeps_alive = !says("close") && (version != 0 || says("keep-alive"));
    // What an answer announces and has not, or announces twice, some server sends all the same, a moment later: it would
    // pass for the next client's answer. Such a connection is not used again.
    let doubtful = bodiless && (is_coded || length.is_some_and(|length| length > 0))
        || is_coded && (length.is_some() || version == 0 || codings().count() != 1)
        || headers.get_all("content-length").flat_map(|value| value.split(',')).count() > 1;
    let keeps_alive = keeps_alive && !doubtful && body != BodyLength::UntilClose;
    let keep_alive = headers.get("keep-alive").and_then(|value| {
        let timeout = value.split(',').find_map(|part| part.trim().strip_prefix("timeout="))?;
        timeout.parse().ok().map(Duration::from_secs)
    });
    // Meant for this hop alone (RFC 9110, 7.6.1): neither mappings nor clients see them.
    let of_this_hop = |name: &&str| !["", "close", "keep-alive"].iter().any(|known| name.eq_ignore_ascii_case(known));
    let named: Vec<String> = said().filter(of_this_hop).map(str::to_owned).collect();
    for name in named {
        headers.remove(&name);
    }
    Ok(Head { status, headers, body, keeps_alive, keep_alive })
}

fn content_length(headers: &Headers) -> Result<Option<usize>, String> {
    let mut lengths = headers.get_all("content-length").flat_map(|value| value.split(',')).map(str::trim);
    let Some(length) = lengths.next() else { return Ok(None) };
    if lengths.any(|other| other != length) {
        return Err("it gives two different lengths".to_owned());
    }
    // `parse` alone would take `+5`, which others read differently.
    let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = if digits { length.parse().ok() } else { None };
    parsed.map(Some).ok_or_else(|| format!("`{length}` is no Content-Length"))
}

/// Reads a body off the buffer as it comes, up to a bound.
#[derive(Debug)]
pub(crate) struct BodyReader {
    length: BodyLength,
    max: usize,
    body: Vec<u8>,
    chunk: Chunk,
    trailer_bytes: usize,
}

#[derive(Debug)]
enum Chunk {
    Size,
    Data(usize),
    End,
    Trailer,
}

/// What the reader needs next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    Done(Bytes),
}

impl BodyReader {
    pub(crate) fn new(length: BodyLength, max: usize) -> BodyReader {
        BodyReader { length, max, body: Vec::new(), chunk: Chunk::Size, trailer_bytes: 0 }
    }

    /// Takes what is there; `at_end` says that nothing more will come.
    pub(crate) fn read(&mut self, buffer: &mut BytesMut, at_end: bool) -> Result<Progress, String> {
        match self.length {
            BodyLength::Exactly(length) => {
                self.check(length)?;
                // The usual case: the whole body came with the head, or in one more read.
                if self.body.is_empty() && buffer.len() >= length {
                    let body = Bytes::copy_from_slice(&buffer[..length]);
                    buffer.advance(length);
                    return Ok(Progress::Done(body));
                }
                let take = buffer.len().min(length - self.body.len());
                self.body.extend_from_slice(&buffer[..take]);
                buffer.advance(take);
                match self.body.len() == length {
                    true => Ok(self.done()),
                    false => more(at_end),
                }
            }
            BodyLength::UntilClose => {
                self.check(self.body.len() + buffer.len())?;
                self.body.extend_from_slice(buffer);
                buffer.clear();
                if at_end { Ok(self.done()) } else { Ok(Progress::More) }
            }
            BodyLength::Chunked => self.read_chunks(buffer, at_end),
        }
    }

    fn read_chunks(&mut self, buffer: &mut BytesMut, at_end: bool) -> Result<Progress, String> {
        loop {
            match self.chunk {
                // The parser takes a line without a digit for the last chunk, and what follows for the next answer.
                Chunk::Size if buffer.first().is_some_and(|byte| !byte.is_ascii_hexdigit()) => {
                    return Err("a chunk's size line does not begin with a digit".to_owned());
                }
                Chunk::Size => match httparse::parse_chunk_size(buffer) {
                    // However it came: in one piece, or byte by byte.
                    Ok(httparse::Status::Complete((line, _))) if line > CHUNK_LINE_MAX => {
                        return Err("a chunk's size line is too long".to_owned());
                    }
                    Ok(httparse::Status::Complete((line, 0))) => {
                        buffer.advance(line);
                        self.chunk = Chunk::Trailer;
                    }
                    Ok(httparse::Status::Complete((line, size))) => {
                        let size = usize::try_from(size).map_err(|_| "a chunk is too long".to_owned())?;
                        self.check(self.body.len().saturating_add(size))?;
                        buffer.advance(line);
                        self.chunk = Chunk::Data(size);
                    }
                    Ok(httparse::Status::Partial) if buffer.len() >= CHUNK_LINE_MAX => {
                        return Err("a chunk's size line is too long".to_owned());
                    }
                    Ok(httparse::Status::Partial) => return more(at_end),
                    Err(_) => return Err("a chunk's size cannot be read".to_owned()),
                },
                Chunk::Data(left) => {
                    let take = buffer.len().min(left);
                    self.body.extend_from_slice(&buffer[..take]);
                    buffer.advance(take);
                    if take < left {
                        self.chunk = Chunk::Data(left - take);
                        return more(at_end);
                    }
                    self.chunk = Chunk::End;
                }
                Chunk::End => {
                    if buffer.len() < 2 {
                        return more(at_end);
                    }
                    if !buffer.starts_with(b"\r\n") {
                        return Err("a chunk is longer than it says".to_owned());
                    }
                    buffer.advance(2);
                    self.chunk = Chunk::Size;
                }
                // Trailers are read and dropped, a line at a time, until the empty one.
                Chunk::Trailer => match buffer.windows(2).position(|pair| pair == b"\r\n") {
                    Some(0) => {
                        buffer.advance(2);
                        return Ok(self.done());
                    }
                    Some(line) => {
                        self.trailer_bytes += line + 2;
                        if self.trailer_bytes > TRAILERS_BYTES_MAX || line >= CHUNK_LINE_MAX {
                            return Err("its trailers are too long".to_owned());
                        }
                        buffer.advance(line + 2);
                    }
                    None if buffer.len() > CHUNK_LINE_MAX => return Err("its trailers are too long".to_owned()),
                    None => return more(at_end),
                },
            }
        }
    }

    fn check(&self, length: usize) -> Result<(), String> {
        if length > self.max {
            return Err(format!("its body is larger than {} bytes (limit integration-response-bytes)", self.max));
        }
        Ok(())
    }

    fn done(&mut self) -> Progress {
        Progress::Done(Bytes::from(std::mem::take(&mut self.body)))
    }
}

fn more(at_end: bool) -> Result<Progress, String> {
    if at_end { Err("it ended in the middle of its body".to_owned()) } else { Ok(Progress::More) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Feeds the text byte by byte, then again in one piece: both must read the same.
    fn read(text: &str, method: &str, ends: bool) -> Result<(Head, String, usize), String> {
        let mut results = Vec::new();
        for step in [1, text.len().max(1)] {
            let mut buffer = BytesMut::new();
            let mut input = text.as_bytes().chunks(step);
            let result = (|| {
                let head = loop {
                    if let Some(head) = read_head(&mut buffer, method, &mut 0)? {
                        break head;
                    }
                    buffer.extend_from_slice(input.next().ok_or("no head")?);
                };
                let mut body = BodyReader::new(head.body, 64);
                loop {
                    let next = input.len() > 0;
                    match body.read(&mut buffer, ends && !next)? {
                        Progress::Done(bytes) => {
                            let left = buffer.len() + input.map(<[u8]>::len).sum::<usize>();
                            return Ok((head, String::from_utf8_lossy(&bytes).into_owned(), left));
                        }
                        Progress::More => buffer.extend_from_slice(input.next().ok_or("no end")?),
                    }
                }
            })();
            results.push(result);
        }
        let whole = results.pop().unwrap();
        let bytewise = results.pop().unwrap();
        let key = |r: &Result<(Head, String, usize), String>| {
            r.as_ref().map(|(h, b, l)| (h.status, b.clone(), *l, h.keeps_alive)).map_err(Clone::clone)
        };
        assert_eq!(key(&bytewise), key(&whole), "{text:?}");
        whole
    }

    #[test]
    fn bodies_end_where_their_heads_say() {
        for (text, method, ends, status, body, left, keeps) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokEXTRA", "GET", false, 200, "ok", 5, true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", "GET", false, 200, "ok", 0, false),
            ("HTTP/1.1 204 No\r\n\r\n", "POST", false, 204, "", 0, true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD", false, 200, "", 0, false),
            ("HTTP/1.0 200 OK\r\n\r\nall of it", "GET", true, 200, "all of it", 0, false),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\ncontent-length: 0\r\n\r\n",
                "POST",
                false,
                201,
                "",
                0,
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\nX",
                "GET",
                false,
                200,
                "abcde",
                1,
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n1\r\na\r\n0\r\n\r\n",
                "GET",
                false,
                200,
                "a",
                0,
                false,
            ),
        ] {
            let (head, got, rest) = read(text, method, ends).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!((head.status, got.as_str(), rest, head.keeps_alive), (status, body, left, keeps), "{text:?}");
        }
    }

    #[test]
    fn answers_that_cannot_be_used_are_named() {
        for (text, ends, part) in [
            ("garbage\r\n\r\n", false, "not HTTP/1.1"),
            ("HTTP/1.1 101 Switching\r\n\r\n", false, "switched protocols"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", false, "two different lengths"),
            ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false, "no Content-Length"),
            ("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nabcde", false, "no Content-Length"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n", false, "larger than 64 bytes"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", true, "in the middle of its body"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, "does not begin with a digit"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", false, "larger than 64"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", false, "longer than it says"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", true, "in the middle of its body"),
        ] {
            let error = read(text, "GET", ends).expect_err(text);
            assert!(error.contains(part), "{text:?}: {error}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(HEAD_BYTES_MAX));
        assert!(
            read_head(&mut BytesMut::from(endless.as_str()), "GET", &mut 0)
                .is_err_and(|error| error.contains("longer than"))
        );
    }

    #[test]
    fn a_backends_own_keep_alive_time_is_read() {
        let (head, ..) = read("HTTP/1.1 204 No\r\nKeep-Alive: timeout=5, max=10\r\n\r\n", "GET", false).unwrap();
        assert_eq!(head.keep_alive, Some(Duration::from_secs(5)));
    }
}
