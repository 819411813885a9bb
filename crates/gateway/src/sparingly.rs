//! Says a thing a few times a second, however often it happens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often in one second.
const A_SECOND: u64 = 10;

/// Counts within the current second: the second in the high bits, the count in the low ones.
#[derive(Default)]
pub(crate) struct Sparingly(AtomicU64);

impl Sparingly {
    /// Whether it may be said now; the first few times in each second.
    pub(crate) fn allows(&self, now: Duration) -> bool {
        let second = now.as_secs() << 32;
        let before = self.0.load(Ordering::Relaxed);
        let next = if before & !0xffff_ffff == second { before + 1 } else { second + 1 };
        // Two at once may count as one: it is a bound for readers, not an account.
        self.0.store(next, Ordering::Relaxed);
        next & 0xffff_ffff <= A_SECOND
    }
}

/// The same, and counts what was not said meanwhile.
#[derive(Default)]
pub(crate) struct Counting {
    sparingly: Sparingly,
    left_out: AtomicU64,
}

impl Counting {
    /// The end of a line, where it may be said now: ` (7 more before)`, or nothing.
    pub(crate) fn allows(&self, now: Duration) -> Option<String> {
        if !self.sparingly.allows(now) {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        match self.left_out.swap(0, Ordering::Relaxed) {
            0 => Some(String::new()),
            more => Some(format!(" ({more} more before)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_ten_times_a_second() {
        let sparingly = Sparingly::default();
        let told = |now: u64| (0..1000).filter(|_| sparingly.allows(Duration::from_millis(now))).count();
        assert_eq!((told(0), told(999), told(1000), told(5000)), (10, 0, 10, 10));
    }

    #[test]
    fn what_is_not_told_is_counted() {
        let counting = Counting::default();
        let told = |now: u64| (0..15).filter_map(|_| counting.allows(Duration::from_millis(now))).collect::<String>();
        assert_eq!((told(0), told(1000)), (String::new(), " (5 more before)".to_owned()));
    }
}
