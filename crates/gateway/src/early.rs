//! What backends say to clients whose `$connect` is still running: kept for them in the extended dialect, where AWS
//! answers 410.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use types::Id;
use types::event::Connection;
use types::snapshot::StageKey;

use crate::outbox::OutboxBounds;

/// The clients that are being let in, and what waits for them.
#[derive(Default)]
pub(crate) struct Early {
    waiting: Mutex<HashMap<Id, Waiting>>,
}

struct Waiting {
    stage: Arc<StageKey>,
    messages: Vec<Bytes>,
    bytes: usize,
}

/// Keeps messages for one client for as long as it lives.
pub(crate) struct Expected {
    early: Arc<Early>,
    id: Id,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Yes,
    /// More waits for the client than may.
    Full,
    /// Nobody is being let in under this id.
    Unknown,
}

impl Early {
    /// Keeps messages for a client from now on.
    pub(crate) fn expect(self: &Arc<Self>, connection: &Connection) -> Expected {
        let waiting = Waiting { stage: connection.stage.clone(), messages: Vec::new(), bytes: 0 };
        self.lock().insert(connection.id, waiting);
        Expected { early: self.clone(), id: connection.id }
    }

    pub(crate) fn keep(&self, stage: &StageKey, id: Id, message: &Bytes, bounds: OutboxBounds) -> Kept {
        let mut all = self.lock();
        let Some(waiting) = all.get_mut(&id).filter(|waiting| *waiting.stage == *stage) else { return Kept::Unknown };
        if waiting.messages.len() >= bounds.messages || waiting.bytes >= bounds.bytes {
            return Kept::Full;
        }
        waiting.bytes += message.len();
        waiting.messages.push(message.clone());
        Kept::Yes
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expected {
    /// What waits, in order; from now on nothing is kept.
    pub(crate) fn take(self) -> Vec<Bytes> {
        self.early.lock().remove(&self.id).map(|waiting| waiting.messages).unwrap_or_default()
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.early.lock().remove(&self.id);
    }
}
