//! Several messages in flight in one task, of which only those are polled that were woken.
//!
//! A `FuturesUnordered` wakes its own task each time when it has polled all that it has, and a task that wakes itself makes
//! tokio wake a second thread for it, which costs as much as a message. This one wakes nobody for nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::Flight;

/// A set of messages in flight; at most as many as the limit in-flight-per-connection.
#[derive(Default)]
pub(super) struct Several {
    slots: Vec<Slot>,
    /// Slots without a message.
    free: Vec<usize>,
    board: Arc<Board>,
    /// The slots that are being polled; kept between polls for its memory.
    polled: Vec<usize>,
}

/// A place for one message after the other.
struct Slot {
    flight: Option<Flight>,
    bell: Arc<Bell>,
    /// The bell once more, as what a future takes.
    waker: Waker,
}

/// Where woken messages are written down, until the task comes to see.
#[derive(Default)]
struct Board(Mutex<Rung>);

#[derive(Default)]
struct Rung {
    /// Each at most once: see [`Bell::is_rung`].
    slots: Vec<usize>,
    /// The task, unless it was woken since it last looked.
    task: Option<Waker>,
}

/// What wakes the message of one slot.
struct Bell {
    slot: usize,
    /// The slot stands on the board.
    is_rung: AtomicBool,
    board: Arc<Board>,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Rung> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bell {
    // `None`: it stands there already.
    fn write_down(&self) -> Option<MutexGuard<'_, Rung>> {
        // What was done before this is seen by whoever takes the slot off the board.
        if self.is_rung.swap(true, Ordering::AcqRel) {
            return None;
        }
        let mut rung = self.board.lock();
        rung.slots.push(self.slot);
        Some(rung)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Bell>) {
        if let Some(task) = self.write_down().and_then(|mut rung| rung.task.take()) {
            task.wake();
        }
    }
}

impl Several {
    /// Adds a message; it begins, behind those that were added before, when the set is polled.
    pub(super) fn push(&mut self, flight: Flight) {
        let slot = self.free.pop().unwrap_or_else(|| {
            let slot = self.slots.len();
            let bell = Arc::new(Bell { slot, is_rung: AtomicBool::new(false), board: self.board.clone() });
            self.slots.push(Slot { flight: None, waker: bell.clone().into(), bell });
            slot
        });
        self.slots[slot].flight = Some(flight);
        // The task is at work on this set, and polls it before it sleeps: it need not be woken.
        self.slots[slot].bell.write_down();
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Goes on with those that were woken, and gives what those that ended give to `ended`.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, mut ended: impl FnMut(usize)) {
        let mut rung = self.board.lock();
        std::mem::swap(&mut rung.slots, &mut self.polled);
        if !rung.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            rung.task = Some(cx.waker().clone());
        }
        drop(rung);
        // One that is woken meanwhile stands on the board anew, and the task is woken for it: others have their turn.
        for at in self.polled.drain(..) {
            let Slot { flight, bell, waker } = &mut self.slots[at];
            // Before it is polled, so that no wake from now on is lost.
            bell.is_rung.swap(false, Ordering::AcqRel);
            // A slot may be woken for a message that is over.
            let Some(running) = flight else { continue };
            if let Poll::Ready(given) = running.as_mut().poll(&mut Context::from_waker(waker)) {
                *flight = None;
                self.free.push(at);
                ended(given);
            }
        }
    }
}
