//! A node's number: what is written into the bucket, who decides and who carries it out.

mod entry;
pub(crate) mod keeper;
pub mod machine;

pub(crate) use entry::{Entry, FORM};

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::clock::{self, Time};
use machine::Held;

/// What a node is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has no number yet, or no longer: its clients are to be closed with 1012, and none may be accepted.
    Lost,
    /// It has this one.
    Held(Held),
}

/// A node's number, for those who serve under it.
#[derive(Debug)]
pub struct Tenure {
    until: Mutex<Option<(Held, Time)>>,
    standing: watch::Sender<Standing>,
}

impl Tenure {
    pub(crate) fn new() -> Tenure {
        Tenure { until: Mutex::new(None), standing: watch::Sender::new(Standing::Lost) }
    }

    /// The number that is this node's at this very moment. Asks the clock: a process that was stopped learns by it that it
    /// holds nothing, before its tasks have been told.
    pub fn current(&self) -> Option<Held> {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.filter(|(_, until)| clock::now() < *until).map(|(held, _)| held)
    }

    /// Tells of each change.
    pub fn watch(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    fn extend(&self, until: Option<(Held, Time)>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn tell(&self, standing: Standing) {
        self.standing.send_if_modified(|old| std::mem::replace(old, standing) != standing);
    }
}
