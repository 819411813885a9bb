//! How many bytes of clients' messages are under way at once, before no more is read.
//!
//! What is read has to be kept somewhere, so nothing is read that there is no room for. Asking is one look, taking and
//! giving back are one addition each; only where it is full does anybody wait.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Once full, a room opens again when an eighth of it is free: those that wait all come at once, to see who is first.
const FREE_PART: usize = 8;

/// Room for messages. It is open until it is full, so that the last message may go beyond it, whatever its size.
pub(super) struct Room {
    bytes: usize,
    used: AtomicUsize,
    is_full: AtomicBool,
    opened: Notify,
}

impl Room {
    /// Room for so many bytes.
    pub(super) fn new(bytes: usize) -> Room {
        Room { bytes, used: AtomicUsize::new(0), is_full: AtomicBool::new(false), opened: Notify::new() }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.is_full.load(Ordering::SeqCst)
    }

    pub(super) fn take(&self, bytes: usize) {
        let used = self.used.fetch_add(bytes, Ordering::SeqCst) + bytes;
        if used >= self.bytes {
            self.is_full.store(true, Ordering::SeqCst);
            // Who gave back meanwhile did not see it full, and opened nothing.
            self.open_where_free(self.used.load(Ordering::SeqCst));
        }
    }

    pub(super) fn give_back(&self, bytes: usize) {
        let before = self.used.fetch_sub(bytes, Ordering::SeqCst);
        debug_assert!(before >= bytes, "{bytes} of {before} are given back");
        if self.is_full.load(Ordering::SeqCst) {
            self.open_where_free(before - bytes);
        }
    }

    fn open_where_free(&self, used: usize) {
        if used <= self.bytes - self.bytes.div_ceil(FREE_PART) {
            self.is_full.store(false, Ordering::SeqCst);
            self.opened.notify_waiters();
        }
    }

    /// Waits until it is open, for a moment at least: others may fill it again before the caller comes to look.
    pub(super) async fn opened(&self) {
        let mut opened = pin!(self.opened.notified());
        // From here on no opening is missed.
        opened.as_mut().enable();
        if !self.is_open() {
            opened.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn it_is_open_until_it_is_full_and_again_when_a_part_is_free() {
        let room = Room::new(800);
        room.take(799);
        assert!(room.is_open());
        // However large the last one is.
        room.take(1000);
        assert!(!room.is_open());
        room.give_back(1000);
        assert!(!room.is_open(), "less than an eighth is free");
        let mut waiting = Box::pin(room.opened());
        assert!((&mut waiting).now_or_never().is_none());
        room.give_back(99);
        assert!(room.is_open());
        assert!(waiting.now_or_never().is_some());
        assert!(room.opened().now_or_never().is_some());
    }

    #[test]
    fn no_bytes_at_all_fill_no_room_and_one_byte_is_room_enough() {
        let room = Room::new(1);
        room.take(0);
        assert!(room.is_open());
        room.take(5);
        assert!(!room.is_open());
        room.give_back(5);
        assert!(room.is_open());
    }

    #[test]
    fn nobody_waits_for_ever_whoever_takes_and_gives_back_at_once() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        let room = Arc::new(Room::new(1000));
        let takers: Vec<_> = (0..16)
            .map(|number| {
                let room = room.clone();
                runtime.spawn(async move {
                    for bytes in (1..500).map(|n| (n * (number + 7)) % 300) {
                        while !room.is_open() {
                            room.opened().await;
                        }
                        room.take(bytes);
                        tokio::task::yield_now().await;
                        room.give_back(bytes);
                    }
                })
            })
            .collect();
        // Hangs where an opening is missed.
        takers.into_iter().for_each(|taker| runtime.block_on(taker).unwrap());
        assert!(room.is_open());
        assert_eq!(room.used.load(Ordering::SeqCst), 0);
    }
}
