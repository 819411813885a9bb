//! The trace that an event belongs to, as its backend is told of it.

use types::event::{Event, EventKind};
use types::id::Id;
use types::time::Timestamp;

/// What W3C calls the header. Source: W3C Trace Context, 3.2.
pub(crate) const TRACEPARENT: &str = "traceparent";
/// What AWS calls its own.
const AMZN_TRACE_ID: &str = "X-Amzn-Trace-Id";

/// Where an event stands among traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The trace's id, 32 hexadecimal digits.
    pub id: String,
    /// The span that it continues, 16 hexadecimal digits: the client's, where its handshake had a `traceparent`.
    pub parent: Option<String>,
}

/// The trace of an event: that of the client's `traceparent` or `X-Amzn-Trace-Id` at `$connect`, else one of its own, whose id is
/// that of the `X-Amzn-Trace-Id` that its backend gets.
pub fn trace(event: &Event) -> Trace {
    let own = || own_id(&trace_id(&event.connection.id, &event.request_id, event.at));
    let EventKind::Connect(handshake) = &event.kind else {
        return Trace { id: own().unwrap_or_default(), parent: None };
    };
    let header = |name: &str| handshake.headers.get(name);
    if let Some((id, parent)) = header(TRACEPARENT).and_then(read_traceparent) {
        return Trace { id: id.to_owned(), parent: Some(parent.to_owned()) };
    }
    let id = header(AMZN_TRACE_ID).and_then(own_id).or_else(own);
    Trace { id: id.unwrap_or_default(), parent: None }
}

/// The id of an event's span, 16 hexadecimal digits.
pub fn span_id(request_id: &Id) -> String {
    format!("{:016x}", nonzero(request_id.random()))
}

/// The id of the span of its call to the backend, which the backend's own spans have as their parent.
pub fn call_span_id(request_id: &Id) -> String {
    format!("{:016x}", nonzero(!request_id.random()))
}

/// The value of `traceparent` for the event's backend. Source: W3C Trace Context, 3.2.2 (version 00).
pub(crate) fn traceparent(event: &Event, is_sampled: bool) -> String {
    let (trace, call) = (trace(event).id, call_span_id(&event.request_id));
    format!("00-{trace}-{call}-{:02x}", u8::from(is_sampled))
}

/// The value of `X-Amzn-Trace-Id`: `Root=1-{8 hex: epoch seconds}-{24 hex}`. Source: observed.
///
/// The last digits are taken from the random ids of connection and request, so that mapping needs no randomness of its own.
pub fn trace_id(connection: &Id, request: &Id, at: Timestamp) -> String {
    let mut text = *b"Root=1-00000000-000000000000000000000000";
    write_hex(&mut text[7..15], at.seconds());
    write_hex(&mut text[16..32], request.random());
    write_hex(&mut text[32..40], connection.random());
    std::str::from_utf8(&text).unwrap_or_default().to_owned()
}

// The last digits of a number, as many as there is room for. Formatting, which every message would pay, costs ten times as much.
fn write_hex(out: &mut [u8], mut value: u64) {
    for place in out.iter_mut().rev() {
        *place = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}

// A span's id of zeros is none. Source: W3C Trace Context, 3.2.2.4.
fn nonzero(id: u64) -> u64 {
    id.max(1)
}

// `Root=1-{8}-{24}`, maybe with more members beside it. Source: documented (X-Ray's tracing header).
fn own_id(header: &str) -> Option<String> {
    let root = header.split(';').find_map(|member| member.trim().strip_prefix("Root=1-"))?;
    let (seconds, rest) = root.split_once('-')?;
    let fits = is_hex(seconds, 8) && is_hex(rest, 24);
    fits.then(|| [seconds, rest].concat().to_ascii_lowercase())
}

// Trace and parent. A later version may have more behind them. Source: W3C Trace Context, 3.2 and 4.
fn read_traceparent(header: &str) -> Option<(&str, &str)> {
    let mut parts = header.trim().split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_lower = |text: &str| !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let is_id = |text: &str, digits| is_hex(text, digits) && is_lower(text) && text.bytes().any(|byte| byte != b'0');
    let ends = version != "00" || parts.next().is_none();
    let fits =
        is_hex(version, 2) && version != "ff" && is_id(trace, 32) && is_id(parent, 16) && is_hex(flags, 2) && ends;
    fits.then_some((trace, parent))
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_of_others_are_continued_where_they_are_well_formed() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        for (header, fits) in [
            (format!("00-{trace}-{span}-01"), true),
            (format!(" 00-{trace}-{span}-00 "), true),
            (format!("01-{trace}-{span}-01-what-comes"), true),
            (format!("00-{trace}-{span}-01-more"), false),
            (format!("ff-{trace}-{span}-01"), false),
            (format!("00-{}-{span}-01", trace.to_uppercase()), false),
            (format!("00-{}-{span}-01", "0".repeat(32)), false),
            (format!("00-{trace}-{}-01", "0".repeat(16)), false),
            (format!("00-{trace}-{span}"), false),
            (format!("00-{trace}ü-{span}-01"), false),
            (String::new(), false),
        ] {
            assert_eq!(read_traceparent(&header), fits.then_some((trace, span)), "{header}");
        }
        for (header, id) in [
            ("Root=1-5759e988-bd862e3fe1be46a994272793", Some("5759e988bd862e3fe1be46a994272793")),
            ("Self=1-x; Root=1-5759E988-bd862e3fe1be46a994272793;Sampled=1", Some("5759e988bd862e3fe1be46a994272793")),
            ("Root=1-5759e988", None),
            ("Root=1-5759e98-abd862e3fe1be46a994272793", None),
            ("", None),
        ] {
            assert_eq!(own_id(header).as_deref(), id, "{header}");
        }
    }
}
