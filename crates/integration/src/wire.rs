//! HTTP/1.1 as bytes: a request written, a response's head and body read. No I/O.

mod head;

use bytes::{Buf, Bytes, BytesMut};
use types::message::HttpTarget;

use crate::http::Call;

pub(crate) use head::{BodyLength, HEAD_BYTES_MAX, Head, HeadReader};

/// The longest chunk-size line with its extensions, and the longest line of a trailer, in bytes.
const CHUNK_LINE_MAX: usize = 4 * 1024;
/// All trailers together, in bytes. They are dropped, so no backend needs many.
const TRAILERS_BYTES_MAX: usize = HEAD_BYTES_MAX;

/// Writes the request line and headers; the body is the caller's to send.
///
/// `Content-Length` stands where AWS has it, before `Host` (observed). A method that carries a body says its length
/// even when that is 0, which RFC 9110 asks for and some servers insist on.
pub(crate) fn write_head(out: &mut Vec<u8>, request: &Call<'_>, target: &HttpTarget) {
    out.extend_from_slice(request.method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.path_and_query.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in request.headers.iter() {
        if name.eq_ignore_ascii_case("host") && request.carries_body {
            out.extend_from_slice(b"Content-Length: ");
            out.extend_from_slice(itoa::Buffer::new().format(request.body.len()).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// Reads a body off the buffer as it comes, up to a bound.
#[derive(Debug)]
pub(crate) struct BodyReader {
    length: BodyLength,
    max: usize,
    /// Whose bound that is, for people.
    bound: &'static str,
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
        let bound = " (limit integration-response-bytes)";
        BodyReader { length, max, bound, body: Vec::new(), chunk: Chunk::Size, trailer_bytes: 0 }
    }

    /// The same with a smaller bound of the caller's own, if it is one.
    pub(crate) fn within(self, max: usize) -> BodyReader {
        if max < self.max { BodyReader { max, bound: "", ..self } } else { self }
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
            return Err(format!("its body is larger than {} bytes{}", self.max, self.bound));
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
    use std::time::Duration;

    use super::*;

    // Feeds the text byte by byte, then again in one piece: both must read the same.
    fn read(text: &str, method: &str, ends: bool) -> Result<(Head, String, usize), String> {
        let mut results = Vec::new();
        for step in [1, text.len().max(1)] {
            let mut buffer = BytesMut::new();
            let mut input = text.as_bytes().chunks(step);
            let mut reader = HeadReader::default();
            let result = (|| {
                let head = loop {
                    if let Some(head) = reader.read(&mut buffer, method)? {
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
        for endless in [endless, "\r\n".repeat(HEAD_BYTES_MAX)] {
            let read = HeadReader::default().read(&mut BytesMut::from(endless.as_str()), "GET");
            assert!(read.is_err_and(|error| error.contains("longer than")));
        }
    }

    #[test]
    fn a_backends_own_keep_alive_time_is_read() {
        let (head, ..) = read("HTTP/1.1 204 No\r\nKeep-Alive: timeout=5, max=10\r\n\r\n", "GET", false).unwrap();
        assert_eq!(head.keep_alive, Some(Duration::from_secs(5)));
    }
}
