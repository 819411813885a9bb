//! The records of past events: what is written to the log is kept for a while, within bounds of memory and age. The feed is a
//! view of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway::{Push, Record};
use serde_json::Value;
use types::limits::Limits;
use types::time::Timestamp;

/// What is kept, with its number; numbers grow by one, from 1.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) number: u64,
    at: Timestamp,
    bytes: usize,
    what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    Event(Box<Record>),
    Push(Box<Push>),
}

impl Past {
    /// As the feed tells it.
    pub(crate) fn to_json(&self) -> Value {
        match &self.what {
            What::Event(record) => record.to_json(),
            What::Push(push) => push.to_json(),
        }
    }
}

/// Written by the thread of the log, read by whoever looks.
#[derive(Debug)]
pub(crate) struct History {
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
    pub(crate) fn new(limits: &Limits, began: Timestamp) -> History {
        History { began, bytes_max: limits.history_bytes, age_max: limits.history_age, kept: Mutex::default() }
    }

    /// The name of a number, for those who ask again later, maybe another life of the program.
    pub(crate) fn name(&self, number: u64) -> String {
        format!("{:x}-{number}", self.began.0)
    }

    /// The number of that name; 0 where it is of another life, or none.
    pub(crate) fn number(&self, name: &str) -> u64 {
        let Some((began, number)) = name.split_once('-') else { return 0 };
        let is_ours = u64::from_str_radix(began, 16) == Ok(self.began.0);
        number.parse().ok().filter(|_| is_ours).unwrap_or(0)
    }

    /// Keeps it, and lets go of what is too old or too much.
    pub(crate) fn put(&self, mut what: What, now: Timestamp) -> Arc<Past> {
        let (at, bytes) = match &mut what {
            What::Event(record) => {
                record.cut_bodies();
                (record.at, record.bytes())
            }
            What::Push(push) => (push.at, size_of::<Push>() + push.connection_id.len()),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last += 1;
        let past = Arc::new(Past { number: kept.last, at, bytes, what });
        if self.bytes_max > 0 {
            kept.bytes += bytes;
            kept.entries.push_back(past.clone());
        }
        self.let_go(&mut kept, now);
        past
    }

    /// The newest `most` of those behind number `after`, the oldest first.
    pub(crate) fn after(&self, after: u64, most: usize, now: Timestamp) -> Vec<Arc<Past>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.let_go(&mut kept, now);
        let behind = kept.entries.iter().rev().take_while(|past| past.number > after).take(most).count();
        kept.entries.iter().skip(kept.entries.len() - behind).cloned().collect()
    }

    fn let_go(&self, kept: &mut Kept, now: Timestamp) {
        let is_old =
            |past: &Past| !self.age_max.is_zero() && now.0.saturating_sub(past.at.0) > self.age_max.as_millis() as u64;
        while let Some(first) = kept.entries.front()
            && (kept.bytes > self.bytes_max || is_old(first))
        {
            kept.bytes -= first.bytes;
            kept.entries.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
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
