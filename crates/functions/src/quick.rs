//! The Runtime API for what clients send all the time: a question for the next invocation, an answer in one piece.
//!
//! An answer and the next question may come together, as our bootstraps send them. Then the process has its next invocation,
//! in one write, before the answer goes on to whoever waits for it: the two go on at the same time. Whatever else a
//! connection may bring (chunks, `Expect`, an early end) makes it hyper's.

use std::io::{ErrorKind, Write};
use std::ops::Range;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::desk::{BASE, Desk};
use crate::failure::ANSWER_BYTES_MAX;
use crate::roster::{Asked, Delivery, Job, Outcome};

/// The longest head that is read here, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// As many headers at most.
const HEADERS_MAX: usize = 32;
/// How much is read at once, in bytes.
const READ_BYTES: usize = 16 * 1024;
/// What a buffer may keep of its size while nothing is in it, in bytes.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// Headers that say that there is more to a request, or that a web page sent it.
const MINDED: [&str; 7] =
    ["content-length", "expect", "host", "origin", "sec-fetch-site", "transfer-encoding", "upgrade"];

const ACCEPTED: &[u8] =
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"status\":\"OK\"}";

/// What is next on a connection.
#[derive(Debug, PartialEq, Eq)]
enum Reading {
    /// Its end is not there yet.
    Part,
    Request(What),
    /// It is not for here.
    Other,
}

#[derive(Debug, PartialEq, Eq)]
struct What {
    question: Question,
    /// Where it ends.
    end: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Question {
    Next,
    /// What came of the invocation with this id.
    Answer {
        is_error: bool,
        id: Range<usize>,
        body: Range<usize>,
    },
}

/// Answers what comes, until the connection ends; gives it back with what was read of it where it is not for here.
pub(crate) async fn serve(desk: &Desk, mut socket: TcpStream) -> Option<(TcpStream, Vec<u8>)> {
    let (mut received, mut done) = (Vec::new(), 0);
    let mut out = Vec::new();
    // An answer that goes on as soon as the process has what it is to have.
    let mut held = None;
    loop {
        let reading = read(&received[done..], &desk.address);
        let is_part = reading == Reading::Part;
        if let Reading::Request(What { question, end }) = reading
            && take(desk, question, &received[done..], &mut out, &mut held).await
        {
            done += end;
            continue;
        }
        received.drain(..done);
        done = 0;
        write(desk, &mut socket, &mut out, &mut held).await?;
        if !is_part {
            return Some((socket, received));
        }
        if received.is_empty() && received.capacity() > KEPT_BYTES_MAX {
            received = Vec::new();
        }
        received.reserve(READ_BYTES);
        if socket.read_buf(&mut received).await.ok()? == 0 {
            return None;
        }
    }
}

// False where it is to be refused, which is not for here.
async fn take(
    desk: &Desk,
    question: Question,
    received: &[u8],
    out: &mut Vec<u8>,
    held: &mut Option<Delivery>,
) -> bool {
    match question {
        Question::Next => {
            let job = match desk.function.asks(desk.seat) {
                Asked::Given(job) => Some(job),
                Asked::Waits(job) => {
                    deliver(desk, held);
                    job.await.ok()
                }
                Asked::Gone => None,
            };
            let Some(job) = job else { return false };
            desk.runs(&job);
            write_job(out, &job, desk.deadline());
        }
        Question::Answer { is_error, id, body } => {
            let Ok(id) = std::str::from_utf8(&received[id]) else { return false };
            let outcome = || match Bytes::copy_from_slice(&received[body]) {
                body if is_error => Outcome::Failed(body),
                body => Outcome::Answered(body),
            };
            let Some(delivery) = desk.function.answers(desk.seat, id, outcome) else { return false };
            deliver(desk, held);
            *held = Some(delivery);
            out.extend_from_slice(ACCEPTED);
        }
    }
    true
}

fn deliver(desk: &Desk, held: &mut Option<Delivery>) {
    if let Some(delivery) = held.take() {
        desk.function.deliver(delivery);
    }
}

// The process first, as far as it takes it at once. `None`: the connection has ended.
async fn write(desk: &Desk, socket: &mut TcpStream, out: &mut Vec<u8>, held: &mut Option<Delivery>) -> Option<()> {
    let written = match out.is_empty() {
        true => Ok(0),
        false => socket.try_write(out),
    };
    deliver(desk, held);
    let written = match written {
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        written => written.ok()?,
    };
    if written < out.len() {
        socket.write_all(&out[written..]).await.ok()?;
    }
    match out.capacity() > KEPT_BYTES_MAX {
        true => *out = Vec::new(),
        false => out.clear(),
    }
    Some(())
}

fn write_job(out: &mut Vec<u8>, job: &Job, deadline: u64) {
    let Job { request_id, payload, arn, trace_id, client_context } = job;
    out.reserve(payload.len() + 512);
    // To memory: it does not fail.
    let _ = write!(
        out,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: {request_id}\r\n\
         Lambda-Runtime-Deadline-Ms: {deadline}\r\nLambda-Runtime-Invoked-Function-Arn: {arn}\r\n"
    );
    for (name, value) in [("Trace-Id", trace_id), ("Client-Context", client_context)] {
        if let Some(value) = value {
            let _ = write!(out, "Lambda-Runtime-{name}: {value}\r\n");
        }
    }
    let _ = write!(out, "Content-Length: {}\r\n\r\n", payload.len());
    out.extend_from_slice(payload);
}

fn read(bytes: &[u8], address: &str) -> Reading {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let head = match request.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) if bytes.len() <= HEAD_BYTES_MAX => return Reading::Part,
        Ok(httparse::Status::Partial) | Err(_) => return Reading::Other,
    };
    let (Some(1), Some(method), Some(path)) = (request.version, request.method, request.path) else {
        return Reading::Other;
    };
    let Some(length) = length(request.headers, address) else { return Reading::Other };
    let Some(what) = path.strip_prefix(BASE).and_then(|path| path.strip_prefix("invocation/")) else {
        return Reading::Other;
    };
    let answer = |is_error: bool, id: &str| {
        // Where it stands in what was read.
        let at = id.as_ptr() as usize - bytes.as_ptr() as usize;
        Question::Answer { is_error, id: at..at + id.len(), body: head..head + length }
    };
    let question = match (method, what.split_once('/')) {
        ("GET", None) if what == "next" && length == 0 => Question::Next,
        ("POST", Some((id, "response"))) => answer(false, id),
        ("POST", Some((id, "error"))) => answer(true, id),
        _ => return Reading::Other,
    };
    match bytes.len() < head + length {
        true => Reading::Part,
        false => Reading::Request(What { question, end: head + length }),
    }
}

// How long the body is; `None` where the request is not for here.
fn length(headers: &[httparse::Header<'_>], address: &str) -> Option<usize> {
    let (mut length, mut is_ours) = (None, false);
    for header in headers {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        match header.name.len() {
            4 if is("host") && !is_ours && header.value == address.as_bytes() => is_ours = true,
            14 if is("content-length") && length.is_none() => {
                let text = std::str::from_utf8(header.value).ok()?;
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                length = Some(text.parse().ok().filter(|length| digits && *length <= ANSWER_BYTES_MAX)?);
            }
            10 if is("connection") && header.value.eq_ignore_ascii_case(b"keep-alive") => {}
            10 if is("connection") => return None,
            _ if MINDED.iter().any(|name| is(name)) => return None,
            _ => {}
        }
    }
    is_ours.then_some(length.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "127.0.0.1:9";

    fn request(first: &str, headers: &str, body: &str) -> String {
        format!("{first} HTTP/1.1\r\nHost: {ADDRESS}\r\n{headers}\r\n{body}")
    }

    #[test]
    fn what_clients_send_all_the_time_is_read_here_once_it_is_whole() {
        for (text, expected) in [
            (request("GET /2018-06-01/runtime/invocation/next", "", ""), None),
            (
                request("GET /2018-06-01/runtime/invocation/next", "Connection: Keep-Alive\r\nUser-Agent: x\r\n", ""),
                None,
            ),
            (
                request("POST /2018-06-01/runtime/invocation/a-1/response", "content-length: 4\r\n", "null"),
                Some((false, "null")),
            ),
            (
                request("POST /2018-06-01/runtime/invocation/a-1/error", "Content-Length: 2\r\n", "{}"),
                Some((true, "{}")),
            ),
            (
                request("POST /2018-06-01/runtime/invocation/a-1/response", "Content-Length: 0\r\n", ""),
                Some((false, "")),
            ),
        ] {
            for end in 0..text.len() {
                assert_eq!(read(&text.as_bytes()[..end], ADDRESS), Reading::Part, "{text} {end}");
            }
            let Reading::Request(What { question, end }) = read(format!("{text}GET ").as_bytes(), ADDRESS) else {
                panic!("{text}");
            };
            assert_eq!(end, text.len());
            let found = match question {
                Question::Next => None,
                Question::Answer { is_error, id, body } => {
                    assert_eq!(&text[id], "a-1");
                    Some((is_error, &text[body]))
                }
            };
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn all_else_is_not_for_here() {
        let (next, answer) =
            ("GET /2018-06-01/runtime/invocation/next", "POST /2018-06-01/runtime/invocation/a/response");
        for text in [
            request("GET /", "", ""),
            request("POST /2018-06-01/runtime/init/error", "Content-Length: 2\r\n", "{}"),
            request("POST /2018-06-01/runtime/invocation/next", "", ""),
            request("GET /2018-06-01/runtime/invocation/a/response", "", ""),
            request("POST /2018-06-01/runtime/invocation/a/b/response", "", ""),
            request(next, "Origin: http://example.com\r\n", ""),
            request(next, "sec-fetch-site: none\r\n", ""),
            request(next, "Host: 127.0.0.2:9\r\n", ""),
            request(next, "Connection: close\r\n", ""),
            request(answer, "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            request(answer, "Expect: 100-continue\r\nContent-Length: 1\r\n", ""),
            request(answer, "Content-Length: +1\r\n", "1"),
            request(answer, "Content-Length: 1\r\nContent-Length: 1\r\n", "1"),
            request(answer, "Content-Length: 6291457\r\n", ""),
            request(next, &"A: b\r\n".repeat(HEADERS_MAX), ""),
            request(next, &format!("A: {}", "b".repeat(HEAD_BYTES_MAX)), ""),
            format!("{next} HTTP/1.0\r\nHost: {ADDRESS}\r\n\r\n"),
            format!("{next} HTTP/1.1\r\n\r\n"),
            "\u{1}\r\n".to_owned(),
        ] {
            assert_eq!(read(text.as_bytes(), ADDRESS), Reading::Other, "{text}");
        }
    }
}
