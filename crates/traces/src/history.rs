//! The records of past events: what is written to the log is kept for a while, within bounds of memory and age.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gateway::{AccessLine, Push, Record, Secrets};
use serde_json::{Value, json};
use types::limits::Limits;
use types::time::Timestamp;

/// What is kept, with its number; numbers grow by one, from 1.
#[derive(Debug)]
pub struct Past {
    /// Its number.
    pub number: u64,
    /// When it began.
    pub at: Timestamp,
    bytes: usize,
    /// What it is.
    pub what: What,
}

/// What is kept.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are events, and a box each would be one more place in memory"
)]
pub enum What {
    /// An event of a connection. Nearly all are, and each has its own place in memory anyway.
    Event(Record),
    /// What a backend said through `@connections`.
    Push(Box<Push>),
    /// A line of an access log, and when it was written.
    Access(Box<AccessLine>, Timestamp),
}

impl Past {
    /// The whole of it, as console and feed read it.
    pub fn to_json(&self, secrets: Secrets) -> Value {
        match &self.what {
            What::Event(record) => record.to_json(secrets),
            What::Push(push) => push.to_json(),
            What::Access(line, _) => json!({ "logGroup": line.log_group, "text": line.text }),
        }
    }

    /// `$context.requestId` of the event.
    pub fn request_id(&self) -> String {
        match &self.what {
            What::Event(record) => record.request_id.to_string(),
            What::Push(push) => push.request_id.to_string(),
            What::Access(line, _) => line.request_id.to_string(),
        }
    }

    /// The connection that it is about.
    pub fn connection_id(&self) -> String {
        match &self.what {
            What::Event(record) => record.connection.id.to_string(),
            What::Push(push) => push.connection_id.clone(),
            What::Access(line, _) => line.connection.id.to_string(),
        }
    }

    /// Whether it is an event or a push, and no line of an access log.
    pub fn is_event(&self) -> bool {
        !matches!(self.what, What::Access(..))
    }

    /// Whether something went wrong: a client was told no, or a push did not arrive.
    pub fn is_failure(&self) -> bool {
        match &self.what {
            What::Event(record) => record.failure().is_some(),
            What::Push(push) => push.status >= 400,
            What::Access(..) => false,
        }
    }

    /// The event's record, where it is one.
    pub fn record(&self) -> Option<&Record> {
        match &self.what {
            What::Event(record) => Some(record),
            What::Push(_) | What::Access(..) => None,
        }
    }
}

/// The newest past. Written by whom it happens to, read by whoever looks; both hold the lock only while they take or put
/// references, which is a millisecond for a reader of all.
#[derive(Debug)]
pub struct History {
    /// Tells this life of the program from others, whose numbers begin at 1 too.
    began: Timestamp,
    bytes_max: usize,
    age_max: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    last: u64,
    bytes: usize,
    entries: VecDeque<Arc<Past>>,
}

impl History {
    /// An empty one, for a life of the program that began then. Bounds: `history-bytes` (0: nothing is kept), `history-age`.
    pub fn new(limits: &Limits, began: Timestamp) -> History {
        History { began, bytes_max: limits.history_bytes, age_max: limits.history_age, kept: Mutex::default() }
    }

    /// When this life of the program began.
    pub fn began(&self) -> Timestamp {
        self.began
    }

    /// Whether anything is kept at all.
    pub fn keeps(&self) -> bool {
        self.bytes_max > 0
    }

    /// The name of a number, for those who ask again later, maybe another life of the program.
    pub fn name(&self, number: u64) -> String {
        format!("{:x}-{number}", self.began.0)
    }

    /// The number of that name; 0 where it is of another life, or none.
    pub fn number(&self, name: &str) -> u64 {
        let Some((began, number)) = name.split_once('-') else { return 0 };
        let is_ours = u64::from_str_radix(began, 16) == Ok(self.began.0);
        number.parse().ok().filter(|_| is_ours).unwrap_or(0)
    }

    /// Keeps it, and lets go of what is too old or too much.
    pub fn put(&self, mut what: What, now: Timestamp) -> Arc<Past> {
        let (at, bytes) = match &mut what {
            What::Event(record) => {
                record.cut_bodies();
                (record.at, record.bytes())
            }
            What::Push(push) => {
                push.cut_body();
                (push.at, push.bytes_kept())
            }
            What::Access(line, at) => (*at, size_of::<Past>() + size_of::<AccessLine>() + line.text.len()),
        };
        let mut past = Arc::new(Past { number: 0, at, bytes, what });
        let mut kept = self.kept();
        kept.last += 1;
        // Nobody else has it yet.
        if let Some(past) = Arc::get_mut(&mut past) {
            past.number = kept.last;
        }
        if self.bytes_max > 0 {
            kept.bytes += bytes;
            kept.entries.push_back(past.clone());
        }
        let gone = self.let_go(&mut kept, now);
        drop(kept);
        drop(gone);
        past
    }

    /// The newest `most` events and pushes behind number `after`, the oldest first.
    pub fn after(&self, after: u64, most: usize, now: Timestamp) -> Vec<Arc<Past>> {
        let mut kept = self.kept();
        self.let_go(&mut kept, now);
        let newest = kept.entries.iter().rev().take_while(|past| past.number > after);
        let mut found: Vec<_> = newest.filter(|past| past.is_event()).take(most).cloned().collect();
        found.reverse();
        found
    }

    /// The newest number that was given.
    pub fn last(&self) -> u64 {
        self.kept().last
    }

    /// How many between those two numbers are not kept any more.
    pub fn gap(&self, after: u64, first: u64) -> u64 {
        let kept = self.kept();
        let oldest = kept.entries.front().map_or(kept.last + 1, |oldest| oldest.number);
        oldest.min(first).saturating_sub(after + 1)
    }

    /// All that is kept, access logs too, the oldest first: references, not copies.
    pub fn all(&self, now: Timestamp) -> Vec<Arc<Past>> {
        let mut kept = self.kept();
        self.let_go(&mut kept, now);
        kept.entries.iter().cloned().collect()
    }

    /// The event or push of that request id.
    pub fn find(&self, request_id: &str, now: Timestamp) -> Option<Arc<Past>> {
        self.all(now).into_iter().rev().find(|past| past.is_event() && past.request_id() == request_id)
    }

    /// The newest for which `fits` holds.
    pub fn newest(&self, now: Timestamp, fits: impl Fn(&Past) -> bool) -> Option<Arc<Past>> {
        self.all(now).into_iter().rev().find(|past| fits(past))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // What is let go of is given back, so that it is freed when others have the lock again.
    fn let_go(&self, kept: &mut Kept, now: Timestamp) -> Vec<Arc<Past>> {
        let mut gone = Vec::new();
        let is_old =
            |past: &Past| !self.age_max.is_zero() && now.0.saturating_sub(past.at.0) > self.age_max.as_millis() as u64;
        while let Some(first) = kept.entries.front()
            && (kept.bytes > self.bytes_max || is_old(first))
        {
            kept.bytes -= first.bytes;
            gone.extend(kept.entries.pop_front());
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use types::id::{Id, IdKind};
    use types::snapshot::StageKey;

    use super::*;

    fn push(at: u64, id: &str) -> What {
        What::Push(Box::new(Push {
            request_id: Id::new(IdKind::Request, 0, at),
            at: Timestamp(at),
            stage: StageKey { api_id: "abcdef1234".into(), stage: "prod".into() },
            connection_id: id.into(),
            method: "POST".into(),
            status: 200,
            bytes: 1,
            body: Bytes::new(),
            logged: true,
        }))
    }

    fn numbers(history: &History, after: u64, most: usize, now: u64) -> Vec<u64> {
        history.after(after, most, Timestamp(now)).iter().map(|past| past.number).collect()
    }

    #[test]
    fn what_is_too_old_or_too_much_is_let_go_the_oldest_first() {
        let each = size_of::<Push>() + 4;
        let limits = Limits { history_bytes: 3 * each, history_age: Duration::from_millis(100), ..Limits::default() };
        let history = History::new(&limits, Timestamp(1));
        for at in 0..5 {
            assert_eq!(history.put(push(at, "same"), Timestamp(at)).number, at + 1);
        }
        assert_eq!(numbers(&history, 0, 9, 5), [3, 4, 5]);
        assert_eq!(numbers(&history, 0, 2, 5), [4, 5]);
        assert_eq!(numbers(&history, 4, 9, 5), [5]);
        assert!(numbers(&history, 5, 9, 5).is_empty());
        assert_eq!(numbers(&history, 0, 9, 103), [4, 5]);
        assert!(numbers(&history, 0, 9, 105).is_empty());
        assert_eq!(history.kept.lock().unwrap().bytes, 0);
        // What does not fit at all is told to those who watch, and not kept.
        let long = "x".repeat(4 * each);
        assert_eq!(history.put(push(105, &long), Timestamp(105)).number, 6);
        assert!(numbers(&history, 0, 9, 105).is_empty());
    }

    #[test]
    fn none_is_kept_where_the_limit_says_none() {
        let history = History::new(&Limits { history_bytes: 0, ..Limits::default() }, Timestamp(1));
        assert_eq!(history.put(push(1, "a"), Timestamp(1)).number, 1);
        assert!(numbers(&history, 0, 9, 1).is_empty());
    }

    #[test]
    fn a_number_of_another_life_is_none() {
        let history = History::new(&Limits::default(), Timestamp(0x1f));
        assert_eq!(history.name(7), "1f-7");
        for (name, number) in [("1f-7", 7), ("1e-7", 0), ("7", 0), ("1f-", 0), ("", 0), ("1f-99999999999999999999", 0)]
        {
            assert_eq!(history.number(name), number, "{name}");
        }
    }
}
