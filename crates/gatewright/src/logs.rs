//! The program's own log and the stages' logs, on standard output; and the feed that pages watch.
//!
//! What happened is kept at once, by whom it happened to. What is to be written besides goes through a bounded queue to one
//! thread, and nobody waits for it: when the reader of standard output is too slow, lines are left out and counted. Access
//! logs may go to files instead, see `access_logs.rs`.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gateway::{AccessLine, Line, LineKind, LogSink, Push, Record};
use serde_json::json;
use tokio::sync::{broadcast, mpsc};
use traces::{History, Past, What};
use types::id::Id;
use types::limits::Limits;
use types::resources::LoggingLevel;
use types::snapshot::StageKey;
use types::time::Timestamp;

use crate::access_logs::AccessFiles;
use crate::choices::{LogFormat, LogLevel};
use crate::queue::{Queue, Writer};
use crate::ready_made::{self, Hints};
use crate::repeats::Repeats;

/// Records that a slow watcher may fall behind before it is told that it missed some.
const FEED_MAX: usize = 512;
/// Failures of routes without logging that are shown each second.
const FAILURES_PER_SECOND: usize = 10;

/// How a failure to reach a backend is told.
const UNREACHABLE: &str = "cannot reach ";

/// Bytes that are gathered before they are written.
const BATCH_BYTES: usize = 64 * 1024;

/// How soon a terminal that follows asks again.
const ASKS_AGAIN: Duration = Duration::from_secs(2);
/// Events of stages that log nothing whose steps are kept in a second because a page is open: what that may cost is bounded,
/// however many messages there are. Who wants all of a stage has it watched.
const WATCHED_PER_SECOND: u32 = 2_000;

/// No node's number.
const ALONE: u32 = u32::MAX;

enum Entry {
    /// An event, a push or a line of an access log, which is kept already.
    Past(Arc<Past>),
    Line {
        level: LogLevel,
        stage: Option<StageKey>,
        kind: &'static str,
        text: String,
    },
}

impl Entry {
    /// What it holds on to beyond itself, as far as clients and backends choose its size.
    fn bytes(&self) -> usize {
        match self {
            Entry::Past(past) => match &past.what {
                What::Event(record) => record.body_bytes(),
                What::Access(line, _) => line.text.len(),
                What::Push(_) => 0,
            },
            Entry::Line { .. } => 0,
        }
    }
}

/// Where access logs go.
#[derive(Clone)]
pub(crate) enum Access {
    /// Nowhere.
    Off,
    /// To standard output, with the rest.
    Standard,
    /// To files of their own.
    Files(AccessFiles),
}

/// The way to the log. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Log {
    queue: Queue<Entry>,
    feed: broadcast::Sender<Arc<Past>>,
    history: Arc<History>,
    /// Where events go besides, once somebody wants them.
    tap: Arc<OnceLock<mpsc::Sender<Arc<Past>>>>,
    room: Arc<Room>,
    /// The node's number; [`ALONE`]: it is the only one.
    node: Arc<AtomicU32>,
    level: LogLevel,
    access: Access,
}

impl Log {
    /// Starts the writer. Access logs go to standard output until it is told otherwise.
    /// `hints` are said of the ready-made API, where there is one.
    pub(crate) fn start(level: LogLevel, format: LogFormat, hints: Option<Hints>, limits: &Limits) -> Log {
        let (feed, _) = broadcast::channel(FEED_MAX);
        let history = Arc::new(History::new(limits, now()));
        let tap = Arc::<OnceLock<_>>::default();
        let at_terminal = std::io::stdout().is_terminal();
        let form = match format {
            LogFormat::Json => Form::Json,
            LogFormat::Brief => Form::Brief,
            LogFormat::Human if at_terminal => Form::Brief,
            LogFormat::Human | LogFormat::Aws => Form::Aws,
        };
        // Source: no-color.org.
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let node = Arc::new(AtomicU32::new(ALONE));
        let writer = Output {
            node: node.clone(),
            form,
            hints,
            repeats: Repeats::default(),
            colours: form != Form::Json && at_terminal && !plain,
            failures: Budget { since: Instant::now(), shown: 0, left_out: 0 },
            out: Vec::new(),
        };
        let room = Arc::new(Room::new());
        Log { queue: Queue::start("log", writer), feed, history, tap, room, node, level, access: Access::Standard }
    }

    /// The same log with another place for access logs.
    pub(crate) fn with_access(self, access: Access) -> Log {
        Log { access, ..self }
    }

    /// Says something of the program itself.
    pub(crate) fn say(&self, level: LogLevel, text: impl Into<String>) {
        self.line(level, None, "program", text.into());
    }

    /// Whether what is said at this level is written.
    pub(crate) fn says(&self, level: LogLevel) -> bool {
        level <= self.level
    }

    /// Says something about a stage.
    pub(crate) fn remark(&self, stage: Option<&StageKey>, text: impl Into<String>) {
        self.line(LogLevel::Warn, stage.cloned(), "note", text.into());
    }

    /// The same of what nothing goes wrong by.
    pub(crate) fn aside(&self, stage: Option<&StageKey>, text: impl Into<String>) {
        self.line(LogLevel::Info, stage.cloned(), "note", text.into());
    }

    /// Says of a stage what will fail.
    pub(crate) fn fault(&self, stage: Option<&StageKey>, text: impl Into<String>) {
        self.line(LogLevel::Error, stage.cloned(), "error", text.into());
    }

    /// The node's number, which lines for machines carry from now on.
    pub(crate) fn number(&self, node: u16) {
        self.node.store(node.into(), Ordering::Relaxed);
    }

    fn line(&self, level: LogLevel, stage: Option<StageKey>, kind: &'static str, text: String) {
        if self.says(level) {
            self.put(Entry::Line { level, stage, kind, text });
        }
    }

    /// The records from now on.
    pub(crate) fn watch(&self) -> broadcast::Receiver<Arc<Past>> {
        self.feed.subscribe()
    }

    /// The newest `most` records behind that number.
    pub(crate) fn past(&self, after: u64, most: usize) -> Vec<Arc<Past>> {
        self.history.after(after, most, now())
    }

    /// The records of past events.
    pub(crate) fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// Sends every event there from now on, as far as it takes them. Once in a program's life.
    pub(crate) fn send_to(&self, tap: mpsc::Sender<Arc<Past>>) {
        let _ = self.tap.set(tap);
    }

    /// Somebody who watches asks again in a moment: until then it is as if they watched.
    pub(crate) fn watched_lately(&self) {
        self.room.until.store(self.room.millis() + ASKS_AGAIN.as_millis() as u64, Ordering::Relaxed);
    }

    /// Events whose steps were not kept although a page is open, since the start.
    pub(crate) fn unwatched(&self) -> u64 {
        self.room.without.load(Ordering::Relaxed)
    }

    /// Waits until everything that was said so far is written.
    pub(crate) fn flush(&self) {
        if let Access::Files(files) = &self.access {
            files.flush();
        }
        self.queue.flush();
    }

    /// How many entries were left out since the start: of this log, and of access logs in files.
    pub(crate) fn left_out(&self) -> (u64, u64) {
        let of_files = match &self.access {
            Access::Files(files) => files.left_out(),
            Access::Off | Access::Standard => 0,
        };
        (self.queue.left_out(), of_files)
    }

    fn put(&self, entry: Entry) {
        let bytes = entry.bytes();
        self.queue.put(entry, bytes);
    }

    fn keep(&self, what: What) -> Arc<Past> {
        let past = self.history.put(what, now());
        // A queue that is full loses events, and nobody waits for it.
        if let Some(tap) = self.tap.get() {
            let _ = tap.try_send(past.clone());
        }
        // Nobody there any more is no error. What is told of it is made by whoever reads.
        if self.feed.receiver_count() > 0 {
            let _ = self.feed.send(past.clone());
        }
        past
    }
}

impl LogSink for Log {
    fn watched(&self) -> bool {
        (self.feed.receiver_count() > 0 || self.room.is_lately()) && self.room.has_another()
    }

    fn write(&self, record: Record) {
        let is_told = record.logging.level > LoggingLevel::Off || record.failure().is_some();
        let past = self.keep(What::Event(record));
        if is_told {
            self.put(Entry::Past(past));
        }
    }

    fn push(&self, push: Push) {
        let is_told = push.logged;
        let past = self.keep(What::Push(Box::new(push)));
        if is_told {
            self.put(Entry::Past(past));
        }
    }

    fn say(&self, stage: Option<&StageKey>, text: String) {
        self.remark(stage, text);
    }

    fn keeps_access(&self) -> bool {
        !matches!(self.access, Access::Off) || self.history.keeps()
    }

    fn access(&self, line: AccessLine) {
        if let Access::Files(files) = &self.access {
            files.put(&line.log_group, line.text.clone());
        }
        let past = self.history.put(What::Access(Box::new(line), now()), now());
        if matches!(self.access, Access::Standard) {
            self.put(Entry::Past(past));
        }
    }
}

/// How many events may be kept in this second for pages that are open.
struct Room {
    started: Instant,
    second: AtomicU64,
    taken: AtomicU32,
    without: AtomicU64,
    /// Until when it is as if somebody watched, in milliseconds since the start; 0: nobody did yet.
    until: AtomicU64,
}

impl Room {
    fn new() -> Room {
        Room {
            started: Instant::now(),
            second: AtomicU64::new(0),
            taken: AtomicU32::new(0),
            without: AtomicU64::new(0),
            until: AtomicU64::new(0),
        }
    }

    fn millis(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    // Where nobody asked lately no clock is read.
    fn is_lately(&self) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        if until == 0 {
            return false;
        }
        let is_lately = self.millis() < until;
        if !is_lately {
            self.until.store(0, Ordering::Relaxed);
        }
        is_lately
    }

    // Threads that meet where a second ends may take a few too many: it is a bound of costs, not an account.
    fn has_another(&self) -> bool {
        let now = self.started.elapsed().as_secs();
        if self.second.swap(now, Ordering::Relaxed) != now {
            self.taken.store(0, Ordering::Relaxed);
        }
        let has = self.taken.fetch_add(1, Ordering::Relaxed) < WATCHED_PER_SECOND;
        if !has {
            self.without.fetch_add(1, Ordering::Relaxed);
        }
        has
    }
}

/// The form that lines have after all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Brief,
    Aws,
    Json,
}

/// What the thread keeps while it writes.
struct Output {
    node: Arc<AtomicU32>,
    form: Form,
    hints: Option<Hints>,
    repeats: Repeats,
    colours: bool,
    failures: Budget,
    /// Bytes that are not written yet.
    out: Vec<u8>,
}

/// How many lines of one kind may be shown in the current second.
struct Budget {
    since: Instant,
    shown: usize,
    left_out: usize,
}

impl Writer<Entry> for Output {
    fn entry(&mut self, entry: Entry) {
        match entry {
            Entry::Past(past) => match &past.what {
                What::Event(record) => self.record(record),
                What::Push(push) => self.push(push),
                What::Access(line, _) => self.access(line),
            },
            Entry::Line { level, stage, kind, text } => {
                let kind = if level == LogLevel::Error { "error" } else { kind };
                self.line(now(), About { stage: stage.as_ref(), ..About::default() }, kind, &text);
            }
        }
    }

    fn is_full(&self) -> bool {
        self.out.len() >= BATCH_BYTES
    }

    // A closed standard output ends the log, not the program.
    fn write_out(&mut self, left_out: u64) {
        if left_out > 0 {
            let text = format!("{left_out} log entries were left out: standard output is too slow");
            self.line(now(), About::default(), "program", &text);
        }
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(&self.out).and_then(|()| stdout.flush());
        self.out.clear();
        self.out.shrink_to(BATCH_BYTES);
    }
}

impl Output {
    fn record(&mut self, record: &Record) {
        let lines = if self.form == Form::Brief { self.brief(record) } else { record.lines() };
        for mut line in lines {
            // Who refused, and what to do, in one line.
            if let Some(hint) = self.hint_for(record, &line.text) {
                line.text += &format!("; {hint}");
            }
            self.line(line.at, About::record(record), line.kind.name(), &line.text);
        }
        if record.logging.level == LoggingLevel::Off
            && let Some(failure) = record.failure()
        {
            self.failure(record, failure);
        }
    }

    // Remarks that were read a moment ago are counted in the summary, and not said again.
    fn brief(&mut self, record: &Record) -> Vec<Line> {
        let (mut lines, now) = (record.brief(), Instant::now());
        let has_summary = lines.first().is_some_and(|line| line.kind != LineKind::Note);
        if !has_summary || record.refused().is_some() {
            return lines;
        }
        let before = lines.len();
        let stage = &record.connection.stage;
        lines.retain(|line| line.kind != LineKind::Note || !self.repeats.again(stage, &line.text, now));
        match before - lines.len() {
            0 => {}
            1 => lines[0].text += "; a remark as before",
            more => lines[0].text += &format!("; {more} remarks as before"),
        }
        lines
    }

    /// What to do about a failure of the ready-made API, as `line` tells it.
    fn hint_for(&self, record: &Record, line: &str) -> Option<&str> {
        let hints = self.hints.as_ref().filter(|_| record.connection.stage.api_id == ready_made::API_ID)?;
        if record.refused().is_some_and(|refused| line.contains(refused)) {
            return Some(&hints.refused);
        }
        record
            .failure()
            .filter(|failure| line.contains(*failure) && failure.contains(UNREACHABLE))
            .map(|_| &*hints.absent)
    }

    fn push(&mut self, push: &Push) {
        let line = push.line();
        let about = About { stage: Some(&push.stage), event: None };
        self.line(line.at, about, line.kind.name(), &line.text);
    }

    // A client was told no and the stage's log is off: said all the same, but never as a flood.
    fn failure(&mut self, record: &Record, failure: &str) {
        let budget = &mut self.failures;
        if budget.since.elapsed() >= Duration::from_secs(1) {
            let left_out = std::mem::take(&mut budget.left_out);
            (budget.since, budget.shown) = (Instant::now(), 0);
            if left_out > 0 {
                let text = format!("{left_out} more failures of routes without logging were not shown");
                self.line(record.at, About::default(), "error", &text);
            }
        }
        if self.failures.shown >= FAILURES_PER_SECOND {
            self.failures.left_out += 1;
            return;
        }
        self.failures.shown += 1;
        let route = record.route_key.as_deref().unwrap_or("-");
        let mut text = format!("({}) {} on route {route}: {failure}", record.request_id, record.event_type);
        match (self.hint_for(record, failure), record.remedy()) {
            (Some(hint), _) => text += &format!("; {hint}"),
            (None, Some(remedy)) => text += &format!("; {remedy}"),
            (None, None) => {
                let StageKey { api_id, stage } = &*record.connection.stage;
                text += &format!(
                    " [this stage's log is off; to see every step: aws apigatewayv2 update-stage --api-id {api_id} --stage-name \
                     {stage} --default-route-settings LoggingLevel=INFO,DataTraceEnabled=true]"
                );
            }
        }
        self.line(record.at, About::record(record), LineKind::Error.name(), &text);
    }

    // For people it stands as it is, as AWS writes it; where machines read, each line is one of the same kind of object.
    fn access(&mut self, line: &AccessLine) {
        match self.form {
            Form::Brief | Form::Aws => {
                self.out.extend_from_slice(line.text.as_bytes());
                self.out.push(b'\n');
            }
            Form::Json => self.line(now(), About::access(line), "access", &line.text),
        }
    }

    fn line(&mut self, at: Timestamp, about: About<'_>, kind: &str, text: &str) {
        let About { stage, event } = about;
        let time = at.iso_millis();
        match self.form {
            Form::Json => {
                let level = match kind {
                    "error" => "error",
                    "note" => "warn",
                    _ => "info",
                };
                let mut line = json!({
                    "timestamp": time, "level": level, "apiId": stage.map(|s| &s.api_id), "stage": stage.map(|s| &s.stage),
                    "requestId": event.map(|(request, _)| request), "connectionId": event.map(|(_, connection)| connection),
                    "kind": kind, "message": text,
                });
                match self.node.load(Ordering::Relaxed) {
                    ALONE => {}
                    node => line["node"] = node.into(),
                }
                let _ = writeln!(self.out, "{line}");
            }
            Form::Brief | Form::Aws => {
                // Who sits at the terminal knows the day.
                let time = if self.form == Form::Brief { time.get(11..23).unwrap_or(&time) } else { &time };
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
                let _ = writeln!(self.out, "{time} {stage}{on}{mark}{text}{off}");
            }
        }
    }
}

/// What a line is about.
#[derive(Clone, Copy, Default)]
struct About<'a> {
    stage: Option<&'a StageKey>,
    /// Request and connection.
    event: Option<(Id, Id)>,
}

impl<'a> About<'a> {
    fn record(record: &'a Record) -> About<'a> {
        About { stage: Some(&record.connection.stage), event: Some((record.request_id, record.connection.id)) }
    }

    fn access(line: &'a AccessLine) -> About<'a> {
        About { stage: Some(&line.connection.stage), event: Some((line.request_id, line.connection.id)) }
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
