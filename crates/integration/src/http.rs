//! One call over HTTP/1.1: a kept connection or a new one, one write, reads until the answer is whole.

use std::io;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use types::headers::Headers;
use types::message::{HttpTarget, IntegrationRequest};

use crate::call_clock::CallClock;
use crate::error::{Error, ErrorKind};
use crate::links::Link;
use crate::names::Names;
use crate::pool::{Answered, Kept, Pool, Pooled};
use crate::remote::Remote;
use crate::stream::Connector;
use crate::wire::{self, BodyReader, Head, HeadReader, Progress};

/// Bodies up to this size go out in one write with their head; copying them is cheaper than a second system call.
const JOINED_BODY_MAX: usize = 64 * 1024;
/// A kept connection's read buffer beyond this size is given back.
const KEPT_BUFFER_MAX: usize = 16 * 1024;

/// How much is asked for in one read: most answers come whole.
const READ_BYTES: usize = 4 * 1024;

pub(crate) type Received = (u16, Headers, Bytes);

/// The one client that speaks HTTP, with the connections that are kept open.
pub struct Http {
    pub(crate) pool: Pool,
    pub(crate) connector: Connector,
    pub(crate) names: Names,
    pub(crate) response_bytes_max: usize,
}

/// One call, mapped: what goes over the wire but for where.
#[derive(Clone, Copy)]
pub(crate) struct Call<'r> {
    pub(crate) method: &'r str,
    pub(crate) headers: &'r Headers,
    pub(crate) body: &'r Bytes,
    /// Whether the body is sent.
    pub(crate) carries_body: bool,
    /// Whether it may be sent again when it is unknown if it arrived.
    pub(crate) may_repeat: bool,
    /// The largest answer, where that is less than the client's own bound.
    pub(crate) answer_bytes_max: usize,
    /// Who writes down when its parts are over.
    pub(crate) clock: Option<&'r CallClock>,
}

impl<'r> Call<'r> {
    pub(crate) fn of(request: &'r IntegrationRequest) -> Call<'r> {
        let IntegrationRequest { method, headers, body, carries_body, may_repeat, .. } = request;
        let (carries_body, may_repeat) = (*carries_body, *may_repeat);
        Call { method, headers, body, carries_body, may_repeat, answer_bytes_max: usize::MAX, clock: None }
    }
}

pub(crate) async fn call(
    http: &Http,
    target: &HttpTarget,
    link: Option<&Link>,
    request: &Call<'_>,
) -> Result<Received, Error> {
    let Some(link) = link else { return call_at(http, target, &Remote::of(target, None), request).await };
    let mut last = None;
    for address in link.order() {
        let _counted = address.enter();
        match call_at(http, target, &Remote::of(target, Some(&address)), request).await {
            // Nothing was sent: the next address may be asked.
            Err(error) if error.kind == ErrorKind::Unreachable => {
                address.refused();
                last = Some(error);
            }
            outcome => return outcome,
        }
    }
    Err(last.unwrap_or_else(|| Error::new(ErrorKind::Unreachable, target, "its VPC link has no address")))
}

async fn call_at(http: &Http, target: &HttpTarget, place: &Remote<'_>, request: &Call<'_>) -> Result<Received, Error> {
    loop {
        let taken = Instant::now();
        if let Some(Kept { connection, idle, after_empty }) = http.pool.take(place, taken) {
            let used = Some(after_empty);
            let outcome = exchange(http, target, place, request, connection, used).await;
            match &outcome {
                Err(Failure { nothing_came: true, .. }) => {
                    http.pool.died_in_use(place, idle, taken, Instant::now());
                }
                Err(Failure { error, .. }) if after_empty && error.kind == ErrorKind::BadAnswer => {
                    let _ = http.pool.spoke_after_empty(place);
                }
                _ => {}
            }
            match outcome {
                // The backend closed the kept connection in this very moment and has seen nothing, or may be asked twice.
                Err(Failure { nothing_came: true, .. }) if request.may_repeat || is_idempotent(request.method) => {}
                other => return other.map_err(|failure| failure.error),
            }
        }
        let leave = http.pool.may_connect(place).await;
        // Others may be done meanwhile.
        if leave.waited && http.pool.has_kept(place) {
            continue;
        }
        let stream = http.connector.connect(&http.names, target, place).await?;
        drop(leave);
        let fresh = Pooled { stream, buffer: BytesMut::new() };
        return exchange(http, target, place, request, fresh, None).await.map_err(|failure| failure.error);
    }
}

// RFC 9110, 9.2.2: only these may be sent again when it is unknown whether the first try arrived.
fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE" | "TRACE")
}

struct Failure {
    error: Error,
    /// Not one byte of an answer was read.
    nothing_came: bool,
}

async fn exchange(
    http: &Http,
    target: &HttpTarget,
    place: &Remote<'_>,
    request: &Call<'_>,
    mut connection: Pooled,
    // Of a kept connection: whether its last answer was a 204 or 304.
    kept: Option<bool>,
) -> Result<Received, Failure> {
    let mut any = false;
    request.clock.inspect(|clock| clock.connected());
    let result = try_exchange(http, target, request, &mut connection, &mut any).await;
    let (head, body) = result.map_err(|error| Failure { error, nothing_came: !any })?;
    // What follows an answer unasked is nobody's; such a connection is not used again.
    if head.keeps_alive && connection.buffer.is_empty() {
        if connection.buffer.capacity() > KEPT_BUFFER_MAX {
            connection.buffer = BytesMut::new();
        }
        let empty = matches!(head.status, 204 | 304);
        if empty {
            // What it may still send comes the sooner.
            connection.stream.acknowledge();
        }
        let answered = Answered { reused: kept.is_some(), empty, was_empty: kept.unwrap_or_default() };
        http.pool.put(place, connection, head.keep_alive, answered, Instant::now());
    }
    Ok((head.status, head.headers, body))
}

async fn try_exchange(
    http: &Http,
    target: &HttpTarget,
    request: &Call<'_>,
    connection: &mut Pooled,
    any: &mut bool,
) -> Result<(Head, Bytes), Error> {
    let broken = |error: &io::Error| Error::broken(target, error);
    let bad = |detail: String| Error::new(ErrorKind::BadAnswer, target, detail);
    let body: &[u8] = if request.carries_body { request.body } else { &[] };
    let joined = body.len() <= JOINED_BODY_MAX;
    let mut out = Vec::with_capacity(512 + if joined { body.len() } else { 0 });
    wire::write_head(&mut out, request, target);
    if joined {
        out.extend_from_slice(body);
    }
    let written = write(connection, &out, if joined { &[] } else { body }).await;
    request.clock.inspect(|clock| clock.sent());
    let mut reader = HeadReader::default();
    let mut head = loop {
        // A backend may refuse a body by answering and closing before it has read all: then the answer counts.
        let read = match (read_more(connection).await, &written) {
            (Ok(read), _) => read,
            (Err(_), Err(error)) => return Err(broken(error)),
            (Err(error), Ok(())) => return Err(broken(&error)),
        };
        if read > 0 && !*any {
            *any = true;
            request.clock.inspect(|clock| clock.answered());
        }
        if let Some(head) = reader.read(&mut connection.buffer, request.method).map_err(bad)? {
            break head;
        }
        if read == 0 {
            if let Err(error) = &written {
                return Err(broken(error));
            }
            return Err(Error::new(ErrorKind::Broken, target, "it closed the connection without an answer"));
        }
    };
    head.keeps_alive &= written.is_ok();
    let mut reader = BodyReader::new(head.body, http.response_bytes_max).within(request.answer_bytes_max);
    let mut at_end = false;
    loop {
        let progress = reader.read(&mut connection.buffer, at_end);
        match progress {
            Ok(Progress::Done(body)) => return Ok((head, body)),
            // The backend may hold the body back until what it sent is acknowledged (Nagle's algorithm), and this side may
            // acknowledge only after 40 ms.
            Ok(Progress::More) => connection.stream.acknowledge(),
            Err(detail) if at_end => return Err(Error::new(ErrorKind::Broken, target, detail)),
            Err(detail) => return Err(bad(detail)),
        }
        at_end = read_more(connection).await.map_err(|error| broken(&error))? == 0;
    }
}

async fn write(connection: &mut Pooled, head: &[u8], body: &[u8]) -> io::Result<()> {
    connection.stream.write_all(head).await?;
    if !body.is_empty() {
        connection.stream.write_all(body).await?;
    }
    connection.stream.flush().await
}

async fn read_more(connection: &mut Pooled) -> io::Result<usize> {
    connection.buffer.reserve(READ_BYTES);
    connection.stream.read_buf(&mut connection.buffer).await
}
