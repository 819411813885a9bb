//! What conditions of policies may ask of a call.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use auth::Keys;
use types::event::{Event, Handshake};
use types::time::Timestamp;

/// What is seen of whoever calls.
pub(crate) struct Seen<'s> {
    pub(crate) ip: IpAddr,
    pub(crate) tls: bool,
    pub(crate) now: Timestamp,
    pub(crate) user_agent: Option<&'s str>,
    pub(crate) referer: Option<&'s str>,
}

impl<'s> Seen<'s> {
    /// Of a client at its handshake.
    pub(crate) fn at(event: &Event, handshake: &'s Handshake, now: Timestamp) -> Seen<'s> {
        Seen {
            ip: event.connection.source_ip,
            tls: handshake.headers.get("X-Forwarded-Proto") == Some("https"),
            now,
            user_agent: handshake.headers.get("User-Agent"),
            referer: handshake.headers.get("Referer"),
        }
    }

    /// The condition keys that say it, beside those that say who calls.
    pub(crate) fn keys(&self, caller: Keys) -> Keys {
        let keys = caller
            .with("aws:SourceIp", self.ip.to_string())
            .with("aws:SecureTransport", self.tls.to_string())
            .with("aws:CurrentTime", self.now.iso())
            .with("aws:EpochTime", self.now.seconds().to_string());
        let sent = [("aws:UserAgent", self.user_agent), ("aws:Referer", self.referer)];
        let sent = sent.into_iter().filter_map(|(name, value)| Some((name, value?)));
        sent.fold(keys, |keys, (name, value)| keys.with(name, value))
    }
}

/// The time of day.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
