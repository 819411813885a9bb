//! When the parts of a call were over, for those who want to see where its time went.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use types::message::CallTimes;

/// Shared by the parts of one call, which write down when they are over.
pub(crate) struct CallClock {
    started: Instant,
    connected: AtomicU32,
    sent: AtomicU32,
    answered: AtomicU32,
}

impl CallClock {
    pub(crate) fn start(started: Instant) -> CallClock {
        let zero = || AtomicU32::new(0);
        CallClock { started, connected: zero(), sent: zero(), answered: zero() }
    }

    pub(crate) fn connected(&self) {
        self.mark(&self.connected);
    }

    pub(crate) fn sent(&self) {
        self.mark(&self.sent);
    }

    pub(crate) fn answered(&self) {
        self.mark(&self.answered);
    }

    pub(crate) fn times(&self) -> CallTimes {
        let read = |part: &AtomicU32| part.load(Ordering::Relaxed);
        CallTimes { connected: read(&self.connected), sent: read(&self.sent), answered: read(&self.answered) }
    }

    // An hour and more does not fit, and no call takes so long.
    fn mark(&self, part: &AtomicU32) {
        let micros = u32::try_from(self.started.elapsed().as_micros()).unwrap_or(u32::MAX);
        part.store(micros, Ordering::Relaxed);
    }
}
