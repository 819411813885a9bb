//! The head of a backend's answer: found, parsed, and what it says of the body and the connection.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use types::headers::Headers;

/// The largest head of a response, in bytes, and how many headers it may have.
pub(crate) const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 128;
/// Interim answers (1xx) before the answer. More than a few are a backend that never comes to the point.
const INTERIM_MAX: u32 = 32;

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

/// How much of a status line shows that it is one: `HTTP/1.1 200`. No whole line is as short.
const BEGINNING_BYTES: usize = 12;

/// Finds the head of the answer to one request, and passes over the interim answers (1xx) before it.
///
/// Each byte is looked at once, and what stands there is parsed only where a line has ended: a backend that drips costs
/// little more than one that does not, since a head has few lines.
#[derive(Debug, Default)]
pub(crate) struct HeadReader {
    /// Interim answers so far.
    interim: u32,
    /// Bytes of the empty lines that stand before a head.
    blank: usize,
    /// Bytes of the buffer that were looked at.
    looked: usize,
    /// How often something was parsed.
    #[cfg(test)]
    parses: usize,
}

impl HeadReader {
    /// Takes the head off `buffer`, to which more was added since the last time; `None` while it is not whole.
    pub(crate) fn read(&mut self, buffer: &mut BytesMut, method: &str) -> Result<Option<Head>, String> {
        let too_long = || Err(format!("its headers are longer than {HEAD_BYTES_MAX} bytes"));
        loop {
            let mut space = [httparse::EMPTY_HEADER; HEADERS_MAX];
            let mut parsed = httparse::Response::new(&mut space);
            let status = match self.worth_parsing(buffer) {
                Some(text) => parsed.parse(text).map_err(|error| format!("not HTTP/1.1: {error}"))?,
                None => httparse::Status::Partial,
            };
            let length = match status {
                httparse::Status::Complete(length) => self.blank + length,
                httparse::Status::Partial if buffer.len() > HEAD_BYTES_MAX => return too_long(),
                httparse::Status::Partial => return Ok(None),
            };
            if length > HEAD_BYTES_MAX {
                return too_long();
            }
            let status = parsed.code.unwrap_or_default();
            if status == 101 {
                return Err("it switched protocols".to_owned());
            }
            if status < 100 {
                return Err(format!("its status {status:03} is none"));
            }
            if (100..200).contains(&status) {
                buffer.advance(length);
                (self.blank, self.looked) = (0, 0);
                self.interim += 1;
                if self.interim > INTERIM_MAX {
                    return Err(format!("it sent more than {INTERIM_MAX} interim answers"));
                }
                continue;
            }
            let version = parsed.version.unwrap_or_default();
            let headers: Headers = parsed
                .headers
                .iter()
                .map(|h| (h.name.to_owned(), String::from_utf8_lossy(h.value).into_owned()))
                .collect();
            buffer.advance(length);
            return head(status, version, headers, method).map(Some);
        }
    }

    // The whole lines, where one ended since the last time; before the first has, what shows whether this is HTTP at all.
    fn worth_parsing<'b>(&mut self, buffer: &'b [u8]) -> Option<&'b [u8]> {
        // The parser passes over empty lines, from the first each time.
        while let [b'\n', ..] | [b'\r', b'\n', ..] = &buffer[self.blank..] {
            self.blank += if buffer[self.blank] == b'\n' { 1 } else { 2 };
        }
        if matches!(buffer[self.blank..], [] | [b'\r']) {
            return None;
        }
        let looked = std::mem::replace(&mut self.looked, buffer.len()).max(self.blank);
        let beginning = self.blank + BEGINNING_BYTES;
        let end = match memchr::memrchr(b'\n', &buffer[looked..]) {
            Some(at) => looked + at + 1,
            None if looked < beginning => buffer.len().min(beginning),
            None => return None,
        };
        #[cfg(test)]
        (self.parses += 1);
        Some(&buffer[self.blank..end])
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

#[cfg(test)]
mod tests {
    use super::*;

    fn drip(text: &str) -> (Result<Option<Head>, String>, HeadReader) {
        let (mut reader, mut buffer) = (HeadReader::default(), BytesMut::new());
        for byte in text.bytes() {
            buffer.extend_from_slice(&[byte]);
            match reader.read(&mut buffer, "GET") {
                Ok(None) => {}
                result => return (result, reader),
            }
        }
        (Ok(None), reader)
    }

    #[test]
    fn a_head_that_drips_is_parsed_once_a_line() {
        let header = format!("X: {}\r\n", "x".repeat(500));
        let (read, reader) = drip(&format!("\r\n\r\nHTTP/1.1 200 OK\r\n{}\r\n", header.repeat(100)));
        assert_eq!(read.unwrap().unwrap().headers.get_all("X").count(), 100);
        // A status line, a hundred headers, the empty line.
        assert!(reader.parses <= BEGINNING_BYTES + 102, "parsed {} times", reader.parses);
        let (read, reader) = drip(&"\r\n".repeat(1000));
        assert!(matches!(read, Ok(None)));
        assert_eq!(reader.parses, 0, "empty lines tell nothing");
    }

    #[test]
    fn what_is_no_http_shows_at_its_first_byte_that_is_wrong() {
        for (text, wrong) in [("SSH-2.0-x", "S"), ("HTTP/2.0 200 OK\r\n", "HTTP/2"), ("HTTP/1.1 2x0 OK", "HTTP/1.1 2x")]
        {
            let (mut reader, mut buffer) = (HeadReader::default(), BytesMut::new());
            let bytes = text.bytes().take_while(|byte| {
                buffer.extend_from_slice(&[*byte]);
                reader.read(&mut buffer, "GET").is_ok()
            });
            assert_eq!(bytes.count() + 1, wrong.len(), "{text:?}");
        }
    }
}
