//! The clock that leases go by: it only goes forward, and goes on while the machine sleeps.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A moment of this machine, counted from its start.
pub type Time = Duration;

/// Now. A machine that was suspended has aged by that, as its lease has; the usual monotonic clock would not say so.
pub(crate) fn now() -> Time {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or_default(), u32::try_from(now.tv_nsec).unwrap_or_default())
}
