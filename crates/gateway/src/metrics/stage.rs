//! What is counted of one stage, and of its routes where their metrics are detailed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mapping::{Call, Facts};
use types::event::{Event, EventKind};
use types::snapshot::StageKey;

use super::counter::{Counter, Latencies, Sharded};

/// Statuses of handshakes that are counted one by one; the last stands for every other.
pub(super) const HANDSHAKES: [&str; 14] =
    ["101", "400", "401", "403", "404", "413", "414", "415", "429", "431", "500", "503", "504", "other"];
/// Close codes of connections that are counted one by one; the last stands for every other.
pub(super) const CLOSE_CODES: [&str; 10] =
    ["1000", "1001", "1002", "1003", "1005", "1006", "1007", "1009", "1011", "other"];
/// Methods of `@connections`.
pub(super) const METHODS: [&str; 3] = ["POST", "GET", "DELETE"];
/// Statuses of `@connections` that are counted one by one; the last stands for every other.
pub(super) const ANSWERS: [&str; 6] = ["200", "204", "410", "413", "429", "other"];
/// AWS's gateway response types. Source: documented ("Gateway response types"); the last stands for every other.
pub(super) const REFUSALS: [&str; 20] = [
    "ACCESS_DENIED",
    "API_CONFIGURATION_ERROR",
    "AUTHORIZER_CONFIGURATION_ERROR",
    "AUTHORIZER_FAILURE",
    "BAD_REQUEST_BODY",
    "BAD_REQUEST_PARAMETERS",
    "EXPIRED_TOKEN",
    "INTEGRATION_FAILURE",
    "INTEGRATION_TIMEOUT",
    "INVALID_API_KEY",
    "INVALID_SIGNATURE",
    "MISSING_AUTHENTICATION_TOKEN",
    "QUOTA_EXCEEDED",
    "REQUEST_TOO_LARGE",
    "RESOURCE_NOT_FOUND",
    "THROTTLED",
    "UNAUTHORIZED",
    "UNSUPPORTED_MEDIA_TYPE",
    "WAF_FILTERED",
    "other",
];
/// What may throttle a request; the last stands for every other.
pub(super) const THROTTLES: [&str; 6] = ["connections", "account", "route", "usage-plan", "quota", "other"];
/// What may slow a client down.
pub(super) const PACES: [&str; 2] = ["frames-per-second", "bytes-per-second"];
/// Upper bounds of how many frames wait for a client when one more has to.
pub(super) const DEPTH_BOUNDS: [u64; 6] = [1, 4, 16, 64, 256, 1024];

/// Adds one to the counter that stands where `name` does, or to the last.
fn count_named<const N: usize>(names: &[&str; N], counters: &[Counter; N], name: &str) {
    let at = names.iter().position(|known| *known == name).unwrap_or(N - 1);
    counters[at].one();
}

/// The numbers that CloudWatch keeps of a WebSocket API.
/// Source: documented ("Monitoring WebSocket API execution with CloudWatch metrics").
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(super) connects: Counter,
    pub(crate) messages: Counter,
    pub(super) integration_errors: Counter,
    pub(super) client_errors: Counter,
    pub(super) execution_errors: Counter,
    pub(super) latencies: Latencies,
}

impl Calls {
    fn count(&self, kind: &EventKind, facts: &Facts) {
        match kind {
            EventKind::Connect(_) if facts.call.is_some() => self.connects.one(),
            EventKind::Message(_) => self.messages.add(1 + u64::from(facts.reply_bytes.is_some())),
            EventKind::Connect(_) | EventKind::Disconnect(_) => {}
        }
        if let Some(call @ Call { mock, answer: Some((_, latency)), .. }) = facts.call {
            if call.status().is_some_and(|status| status >= 400) {
                self.integration_errors.one();
            }
            if !mock {
                self.latencies.add(latency);
            }
        }
        match (&facts.failure, facts.status) {
            (Some(_), 400..500) => self.client_errors.one(),
            (Some(_), _) => self.execution_errors.one(),
            (None, _) => {}
        }
    }
}

/// What every message and frame counts: one for each thread.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) calls: Calls,
    pub(crate) frames_in: Counter,
    pub(crate) bytes_in: Counter,
    pub(crate) frames_out: Counter,
    pub(crate) bytes_out: Counter,
    pub(super) begun: Counter,
    pub(super) ended: Counter,
}

/// What is counted of one stage.
#[derive(Debug, Default)]
pub(crate) struct StageMetrics {
    /// The labels; `None` for what belongs to no stage.
    pub(super) key: Option<StageKey>,
    /// The stage is gone; its series go once its last connection is over.
    gone: AtomicBool,
    pub(super) traffic: Sharded<Traffic>,
    pub(super) opened: Counter,
    pub(super) closed: Counter,
    pub(super) handshakes: [Counter; HANDSHAKES.len()],
    pub(super) handshake_latencies: Latencies,
    pub(super) disconnects: [Counter; CLOSE_CODES.len()],
    pub(super) refusals: [Counter; REFUSALS.len()],
    pub(super) throttles: [Counter; THROTTLES.len()],
    pub(super) slowed: [Counter; PACES.len()],
    pub(super) answers: [[Counter; ANSWERS.len()]; METHODS.len()],
    pub(crate) outbox: OutboxMetrics,
}

/// What waits for the clients of a stage.
#[derive(Debug, Default)]
pub(crate) struct OutboxMetrics {
    pub(super) frames_queued: Counter,
    pub(super) frames_gone: Counter,
    pub(super) bytes_queued: Counter,
    pub(super) bytes_gone: Counter,
    pub(super) depths: [Counter; DEPTH_BOUNDS.len() + 1],
    pub(super) depth_sum: Counter,
    pub(crate) full: Counter,
}

impl OutboxMetrics {
    /// A frame waits; with it `frames` do.
    pub(crate) fn queued(&self, bytes: usize, frames: usize) {
        let frames = frames as u64;
        self.frames_queued.one();
        self.bytes_queued.add(bytes as u64);
        self.depths[DEPTH_BOUNDS.partition_point(|bound| *bound < frames)].one();
        self.depth_sum.add(frames);
    }

    /// So many frames and bytes wait that were queued elsewhere.
    pub(crate) fn resumed(&self, frames: usize, bytes: usize) {
        self.frames_queued.add(frames as u64);
        self.bytes_queued.add(bytes as u64);
    }

    /// So many frames and bytes wait no more: written, or the client is gone.
    pub(crate) fn gone(&self, frames: usize, bytes: usize) {
        self.frames_gone.add(frames as u64);
        self.bytes_gone.add(bytes as u64);
    }
}

impl StageMetrics {
    pub(super) fn new(key: Option<StageKey>) -> StageMetrics {
        StageMetrics { key, ..StageMetrics::default() }
    }

    /// The calling thread's counters.
    pub(crate) fn traffic(&self) -> &Traffic {
        self.traffic.own()
    }

    /// Counts an event that is over.
    pub(crate) fn count(&self, event: &Event, facts: &Facts, throttled_by: Option<&str>) {
        self.traffic().calls.count(&event.kind, facts);
        if let EventKind::Disconnect(disconnect) = &event.kind {
            count_named(&CLOSE_CODES, &self.disconnects, &disconnect.status_code.to_string());
        }
        if let Some(failure) = &facts.failure {
            count_named(&REFUSALS, &self.refusals, failure.response_type);
        }
        if let Some(cause) = throttled_by {
            self.throttled(cause);
        }
    }

    /// Counts a request that was throttled, by what bounded it.
    pub(crate) fn throttled(&self, cause: &str) {
        count_named(&THROTTLES, &self.throttles, cause);
    }

    /// Counts that a client begins to wait, by the limit that it waits for.
    pub(crate) fn slows(&self, limit: &str) {
        count_named(&PACES, &self.slowed, limit);
    }

    /// Counts the answer to a handshake, and how long it took.
    pub(crate) fn handshake(&self, status: u16, latency: Duration) {
        count_named(&HANDSHAKES, &self.handshakes, &status.to_string());
        self.handshake_latencies.add(latency);
    }

    /// Counts the answer to a call of `@connections`.
    pub(crate) fn answered(&self, method: &str, status: u16) {
        if let Some(at) = METHODS.iter().position(|known| *known == method) {
            count_named(&ANSWERS, &self.answers[at], &status.to_string());
        }
    }

    pub(crate) fn opened(&self) {
        self.opened.one();
    }

    pub(crate) fn closed(&self) {
        self.closed.one();
    }

    /// Remembers whether the stage is gone.
    pub(crate) fn set_gone(&self, gone: bool) {
        self.gone.store(gone, Ordering::Relaxed);
    }

    pub(super) fn is_shown(&self) -> bool {
        !self.gone.load(Ordering::Relaxed) || self.opened.get() != self.closed.get()
    }
}

/// An event that is on its way, for as long as this lives.
pub(crate) struct Flight(Option<Arc<StageMetrics>>);

impl Flight {
    pub(crate) fn begin(metrics: Option<Arc<StageMetrics>>) -> Flight {
        if let Some(metrics) = &metrics {
            metrics.traffic().begun.one();
        }
        Flight(metrics)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(metrics) = &self.0 {
            metrics.traffic().ended.one();
        }
    }
}

/// What is counted of one route.
#[derive(Debug, Default)]
pub(crate) struct RouteMetrics {
    pub(super) stage: StageKey,
    pub(super) route_key: Arc<str>,
    pub(super) calls: Sharded<Calls>,
}

impl RouteMetrics {
    pub(super) fn new(stage: StageKey, route_key: Arc<str>) -> RouteMetrics {
        RouteMetrics { stage, route_key, calls: Sharded::default() }
    }

    /// Counts an event of this route that is over.
    pub(crate) fn count(&self, event: &Event, facts: &Facts) {
        self.calls.own().count(&event.kind, facts);
    }
}
