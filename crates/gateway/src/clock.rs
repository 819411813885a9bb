//! The gateway's clock: counted from 1970, so that its times mean something to another process, and never going back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use types::time::Timestamp;

/// A clock that stood at the wall clock's time when it was started and has gone evenly since, whatever became of the
/// wall clock.
pub(crate) struct Clock {
    started: Instant,
    /// What the wall clock said then.
    since_1970: Duration,
    /// There is no wall clock but this one.
    #[cfg(test)]
    is_alone: bool,
}

impl Clock {
    pub(crate) fn start() -> Clock {
        Clock {
            started: Instant::now(),
            since_1970: since_1970(),
            #[cfg(test)]
            is_alone: false,
        }
    }

    /// A clock that says this now, whatever the wall clock says, and moves with tokio's.
    #[cfg(test)]
    pub(crate) fn alone(since_1970: Duration) -> Clock {
        Clock { started: Instant::now(), since_1970, is_alone: true }
    }

    /// The time; it never goes back.
    pub(crate) fn now(&self) -> Duration {
        self.since_1970 + self.started.elapsed()
    }

    /// What the wall clock says, to be written down: it can be set back.
    pub(crate) fn wall(&self) -> Timestamp {
        #[cfg(test)]
        if self.is_alone {
            return Timestamp(self.now().as_millis() as u64);
        }
        Timestamp(since_1970().as_millis() as u64)
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
