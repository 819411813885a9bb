//! One timer wheel for the deadlines of all connections: idle, duration, close.
//!
//! A million sleeping timers would cost more than the connections. The wheel holds ids only; what is due is asked
//! of the connection itself when its slot comes round, which also tells when to look again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use types::Id;

/// How exact deadlines are.
pub(crate) const TICK: Duration = Duration::from_millis(100);
/// Slots of the wheel; deadlines farther off than all of them (409 s) are looked at once a round.
const SLOTS: usize = 4096;

/// The wheel.
pub(crate) struct Wheel {
    slots: Box<[Mutex<Vec<Id>>]>,
    /// The tick that is handed out next.
    next: AtomicU64,
}

impl Wheel {
    /// A wheel that begins to turn at `now`.
    pub(crate) fn new(now: Duration) -> Wheel {
        let next = AtomicU64::new((now.as_millis() / TICK.as_millis()) as u64);
        Wheel { slots: (0..SLOTS).map(|_| Mutex::default()).collect(), next }
    }

    /// Has `id` come up once `at` has passed, or earlier if that is more than a round away. Times are those of the
    /// gateway's clock.
    pub(crate) fn schedule(&self, id: Id, at: Duration) {
        // The tick in which the deadline has surely passed.
        let wanted = at.as_millis().div_ceil(TICK.as_millis()) as u64;
        loop {
            let next = self.next.load(Ordering::Acquire);
            let tick = wanted.clamp(next, next + SLOTS as u64 - 1);
            let mut slot = self.slot(tick);
            // A tick is handed out before its slot is emptied: if it is not out yet, what is put in now will be found.
            if self.next.load(Ordering::Acquire) <= tick {
                slot.push(id);
                return;
            }
        }
    }

    /// The ids whose slots have come up to `now`; call it every [`TICK`].
    pub(crate) fn due(&self, now: Duration) -> Vec<Id> {
        let last = (now.as_millis() / TICK.as_millis()) as u64;
        let mut due = Vec::new();
        let mut next = self.next.load(Ordering::Acquire);
        while next <= last {
            self.next.store(next + 1, Ordering::Release);
            due.append(&mut std::mem::take(&mut *self.slot(next)));
            next += 1;
        }
        due
    }

    fn slot(&self, tick: u64) -> MutexGuard<'_, Vec<Id>> {
        self.slots[tick as usize % SLOTS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use types::Id;
    use types::id::IdKind;

    use super::{TICK, Wheel};

    #[test]
    fn an_id_comes_up_after_its_deadline_and_within_a_round() {
        // A clock that counts from 1970.
        let begin = Duration::from_secs(1_700_000_000);
        let wheel = Wheel::new(begin);
        let mut due_at = std::collections::HashMap::new();
        let far = Duration::from_secs(1000);
        for (number, at) in
            [(1, Duration::ZERO), (2, Duration::from_millis(250)), (3, Duration::from_secs(60)), (4, far)]
        {
            wheel.schedule(Id::new(IdKind::Connection, 0, number), begin + at);
        }
        for tick in 0..5000u32 {
            for id in wheel.due(begin + TICK * tick) {
                assert!(due_at.insert(id.random(), TICK * tick).is_none(), "each comes up once");
            }
        }
        assert!(due_at[&1] <= Duration::from_millis(100));
        assert!(due_at[&2] >= Duration::from_millis(250) && due_at[&2] <= Duration::from_millis(400));
        assert!(due_at[&3] >= Duration::from_secs(60) && due_at[&3] <= Duration::from_millis(60_200));
        assert!(due_at[&4] < Duration::from_secs(410), "looked at within a round, to be scheduled again");
    }
}
