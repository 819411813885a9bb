//! The program's own log and the stages' execution logs, on standard output; and the feed that pages watch.
//!
//! One thread writes. The data path hands it records through a bounded queue and never waits: when the reader of
//! standard output is too slow, lines are left out and counted.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gateway::{LineKind, LogSink, Record};
use serde_json::json;
use tokio::sync::broadcast;
use types::resources::LoggingLevel;
use types::snapshot::StageKey;
use types::time::Timestamp;

use crate::args::{LogFormat, LogLevel};

/// Records and lines that may wait for the writer; each holds a request and its answer.
const QUEUE_MAX: usize = 4096;
/// Bytes of bodies that may wait for the writer.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a flush waits for whoever reads standard output.
const FLUSH_MAX: Duration = Duration::from_secs(2);
/// Records that a slow watcher may fall behind before it is told that it missed some.
const FEED_MAX: usize = 512;
/// Failures of routes without logging that are shown each second.
const FAILURES_PER_SECOND: usize = 10;

enum Entry {
    Record(Box<Record>),
    Line { level: LogLevel, stage: Option<StageKey>, kind: &'static str, text: String },
    Flush(SyncSender<()>),
}

impl Entry {
    fn body_bytes(&self) -> usize {
        match self {
            Entry::Record(record) => record.body_bytes(),
            Entry::Line { .. } | Entry::Flush(_) => 0,
        }
    }
}

/// The way to the log. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Log {
    queue: SyncSender<Entry>,
    feed: broadcast::Sender<Arc<str>>,
    left_out: Arc<AtomicUsize>,
    /// Bytes of bodies that wait for the writer.
    queued: Arc<AtomicUsize>,
    level: LogLevel,
}

impl Log {
    /// Starts the writer.
    pub(crate) fn start(level: LogLevel, format: LogFormat) -> Log {
        let (queue, entries) = sync_channel(QUEUE_MAX);
        let (feed, _) = broadcast::channel(FEED_MAX);
        let left_out = Arc::new(AtomicUsize::new(0));
        let queued = Arc::new(AtomicUsize::new(0));
        let writer = Writer {
            format,
            colours: format == LogFormat::Human && std::io::stdout().is_terminal(),
            feed: feed.clone(),
            left_out: left_out.clone(),
            queued: queued.clone(),
            failures: Budget { since: Instant::now(), shown: 0, left_out: 0 },
        };
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writer.run(&entries))
            .expect("a program that can start can start one more thread");
        Log { queue, feed, left_out, queued, level }
    }

    /// Says something of the program itself.
    pub(crate) fn say(&self, level: LogLevel, text: impl Into<String>) {
        self.line(level, None, "program", text.into());
    }

    /// Says something about a stage.
    pub(crate) fn remark(&self, stage: Option<&StageKey>, text: impl Into<String>) {
        self.line(LogLevel::Warn, stage.cloned(), "note", text.into());
    }

    fn line(&self, level: LogLevel, stage: Option<StageKey>, kind: &'static str, text: String) {
        if level <= self.level {
            self.put(Entry::Line { level, stage, kind, text });
        }
    }

    /// The records from now on, as JSON.
    pub(crate) fn watch(&self) -> broadcast::Receiver<Arc<str>> {
        self.feed.subscribe()
    }

    /// Waits until everything that was said so far is written.
    pub(crate) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        let deadline = Instant::now() + FLUSH_MAX;
        let mut entry = Entry::Flush(done);
        // Never the blocking send: a full queue means that nobody reads standard output.
        while let Err(TrySendError::Full(back)) = self.queue.try_send(entry) {
            if Instant::now() >= deadline {
                return;
            }
            entry = back;
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = wait.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }

    fn put(&self, entry: Entry) {
        let bytes = entry.body_bytes();
        let fits = self.queued.fetch_add(bytes, Ordering::Relaxed) < QUEUE_BYTES_MAX;
        if !fits || matches!(self.queue.try_send(entry), Err(TrySendError::Full(_))) {
            self.queued.fetch_sub(bytes, Ordering::Relaxed);
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl LogSink for Log {
    fn watched(&self) -> bool {
        self.feed.receiver_count() > 0
    }

    fn write(&self, record: Record) {
        self.put(Entry::Record(Box::new(record)));
    }
}

struct Writer {
    format: LogFormat,
    colours: bool,
    feed: broadcast::Sender<Arc<str>>,
    left_out: Arc<AtomicUsize>,
    queued: Arc<AtomicUsize>,
    failures: Budget,
}

/// How many lines of one kind may be shown in the current second.
struct Budget {
    since: Instant,
    shown: usize,
    left_out: usize,
}

impl Writer {
    fn run(mut self, entries: &Receiver<Entry>) {
        let mut out = Vec::new();
        while let Ok(first) = entries.recv() {
            let mut next = Some(first);
            // Everything that waits goes out in one write, within reason.
            while let Some(entry) = next {
                self.entry(&mut out, entry);
                next = if out.len() < 64 * 1024 { entries.try_recv().ok() } else { None };
            }
            let left_out = self.left_out.swap(0, Ordering::Relaxed);
            if left_out > 0 {
                let text = format!("{left_out} log entries were left out: standard output is too slow");
                self.line(&mut out, now(), None, None, "program", &text);
            }
            write_out(&mut out);
        }
    }

    fn entry(&mut self, out: &mut Vec<u8>, entry: Entry) {
        self.queued.fetch_sub(entry.body_bytes(), Ordering::Relaxed);
        match entry {
            Entry::Record(record) => self.record(out, &record),
            Entry::Line { level, stage, kind, text } => {
                let kind = if level == LogLevel::Error { "error" } else { kind };
                self.line(out, now(), stage.as_ref(), None, kind, &text);
            }
            Entry::Flush(done) => {
                write_out(out);
                let _ = done.send(());
            }
        }
    }

    fn record(&mut self, out: &mut Vec<u8>, record: &Record) {
        if self.feed.receiver_count() > 0 {
            // Nobody there any more is no error.
            let _ = self.feed.send(record.to_json().to_string().into());
        }
        for line in record.lines() {
            self.line(out, line.at, Some(&record.connection.stage), Some(record), line.kind.name(), &line.text);
        }
        if record.logging.level == LoggingLevel::Off
            && let Some(failure) = record.failure()
        {
            self.failure(out, record, failure);
        }
    }

    // A client was told no and the stage's log is off: said all the same, but never as a flood.
    fn failure(&mut self, out: &mut Vec<u8>, record: &Record, failure: &str) {
        let budget = &mut self.failures;
        if budget.since.elapsed() >= Duration::from_secs(1) {
            let left_out = std::mem::take(&mut budget.left_out);
            (budget.since, budget.shown) = (Instant::now(), 0);
            if left_out > 0 {
                let text = format!("{left_out} more failures of routes without logging were not shown");
                self.line(out, record.at, None, None, "error", &text);
            }
        }
        if self.failures.shown >= FAILURES_PER_SECOND {
            self.failures.left_out += 1;
            return;
        }
        self.failures.shown += 1;
        let route = record.route_key.as_deref().unwrap_or("-");
        let text = format!(
            "({}) {} on route {route}: {failure} [this stage's log is off; to see every step set its logging level to INFO]",
            record.request_id, record.event_type
        );
        self.line(out, record.at, Some(&record.connection.stage), Some(record), LineKind::Error.name(), &text);
    }

    fn line(
        &self,
        out: &mut Vec<u8>,
        at: Timestamp,
        stage: Option<&StageKey>,
        record: Option<&Record>,
        kind: &str,
        text: &str,
    ) {
        let time = at.iso_millis();
        match self.format {
            LogFormat::Json => {
                let line = json!({
                    "timestamp": time, "apiId": stage.map(|s| &s.api_id), "stage": stage.map(|s| &s.stage),
                    "requestId": record.map(|r| r.request_id), "connectionId": record.map(|r| r.connection.id),
                    "kind": kind, "message": text,
                });
                let _ = writeln!(out, "{line}");
            }
            LogFormat::Human => {
                let (on, off) = match (self.colours, kind) {
                    (true, "note") => ("\x1b[33m", "\x1b[0m"),
                    (true, "error") => ("\x1b[31m", "\x1b[0m"),
                    _ => ("", ""),
                };
                let mark = match kind {
                    "note" => "NOTE ",
                    "error" => "ERROR ",
                    _ => "",
                };
                let stage = stage.map_or_else(String::new, |stage| format!("{stage} "));
                let text = printable(text);
                let _ = writeln!(out, "{time} {stage}{on}{mark}{text}{off}");
            }
        }
    }
}

// A log line is one line, and what a client sends must not steer the terminal of whoever reads it.
fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() });
    Cow::Owned(escaped.collect())
}

// A closed standard output ends the log, not the program.
fn write_out(out: &mut Vec<u8>) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(out).and_then(|()| stdout.flush());
    out.clear();
    out.shrink_to(64 * 1024);
}

fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\n\u{1b}[31mb\tü"), "a\\n\\u{1b}[31mb\\tü");
        assert_eq!(printable("plain ü"), "plain ü");
    }
}
