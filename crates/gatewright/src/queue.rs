//! A bounded queue with one thread that writes what comes out of it, for the logs.
//!
//! Whoever puts something in never waits: when the writer is too slow, entries are left out and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// Entries that may wait for the writer.
const ENTRIES_MAX: usize = 4096;
/// Bytes that may wait for the writer, as far as entries tell of theirs.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a flush waits for the writer.
const FLUSH_MAX: Duration = Duration::from_secs(2);

/// What the thread does with entries.
pub(crate) trait Writer<T>: Send + 'static {
    /// Takes an entry; it may keep it until it is told to write.
    fn entry(&mut self, entry: T);

    /// Whether so much is kept that it should be written before more is taken.
    fn is_full(&self) -> bool;

    /// Writes what is kept. `left_out` entries found no room in the queue since the last time.
    fn write_out(&mut self, left_out: u64);
}

/// The way to the thread. Cheap to clone.
pub(crate) struct Queue<T> {
    sender: SyncSender<Item<T>>,
    waiting: Arc<Waiting>,
}

enum Item<T> {
    Entry { entry: T, bytes: usize },
    Flush(SyncSender<()>),
}

#[derive(Default)]
struct Waiting {
    bytes: AtomicUsize,
    left_out: AtomicU64,
    /// Of those, how many the writer was told of.
    told: AtomicU64,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Queue<T> {
        Queue { sender: self.sender.clone(), waiting: self.waiting.clone() }
    }
}

impl<T: Send + 'static> Queue<T> {
    /// Starts the thread, which ends with the program.
    pub(crate) fn start(thread: &str, mut writer: impl Writer<T>) -> Queue<T> {
        let (sender, items) = sync_channel(ENTRIES_MAX);
        let waiting = Arc::new(Waiting::default());
        let queue = Queue { sender, waiting: waiting.clone() };
        std::thread::Builder::new()
            .name(thread.to_owned())
            .spawn(move || run(&items, &waiting, &mut writer))
            .expect("a program that can start can start one more thread");
        queue
    }

    /// Puts an entry in that holds on to `bytes`, or leaves it out.
    pub(crate) fn put(&self, entry: T, bytes: usize) {
        let waiting = &self.waiting;
        let fits = waiting.bytes.fetch_add(bytes, Ordering::Relaxed) < BYTES_MAX;
        if !fits || matches!(self.sender.try_send(Item::Entry { entry, bytes }), Err(TrySendError::Full(_))) {
            waiting.bytes.fetch_sub(bytes, Ordering::Relaxed);
            waiting.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything that was put in so far is written, but not long.
    pub(crate) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        let deadline = Instant::now() + FLUSH_MAX;
        let mut item = Item::Flush(done);
        // Never the blocking send: a full queue means that the writer is stuck.
        while let Err(TrySendError::Full(back)) = self.sender.try_send(item) {
            if Instant::now() >= deadline {
                return;
            }
            item = back;
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = wait.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }

    /// How many entries were left out since the start.
    pub(crate) fn left_out(&self) -> u64 {
        self.waiting.left_out.load(Ordering::Relaxed)
    }
}

fn run<T>(items: &Receiver<Item<T>>, waiting: &Waiting, writer: &mut impl Writer<T>) {
    while let Ok(first) = items.recv() {
        let mut next = Some(first);
        // Everything that waits goes out at once, within reason.
        while let Some(item) = next {
            match item {
                Item::Entry { entry, bytes } => {
                    waiting.bytes.fetch_sub(bytes, Ordering::Relaxed);
                    writer.entry(entry);
                }
                Item::Flush(done) => {
                    writer.write_out(0);
                    let _ = done.send(());
                }
            }
            next = if writer.is_full() { None } else { items.try_recv().ok() };
        }
        let left_out = waiting.left_out.load(Ordering::Relaxed);
        let told = waiting.told.swap(left_out, Ordering::Relaxed);
        writer.write_out(left_out - told);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::{ENTRIES_MAX, Queue, Writer};

    /// Waits for a word before it takes an entry, and passes on how many were left out.
    struct Slow(Receiver<()>, SyncSender<u64>);

    impl Writer<usize> for Slow {
        fn entry(&mut self, _: usize) {
            let _ = self.0.recv();
        }

        fn is_full(&self) -> bool {
            true
        }

        fn write_out(&mut self, left_out: u64) {
            if left_out > 0 {
                let _ = self.1.try_send(left_out);
            }
        }
    }

    #[test]
    fn what_finds_no_room_is_counted_and_nobody_waits() {
        let (go, wait) = sync_channel(0);
        let (told, hear) = sync_channel(1);
        let queue = Queue::start("slow", Slow(wait, told));
        // One may be in the writer's hands.
        (0..ENTRIES_MAX + 11).for_each(|entry| queue.put(entry, 1));
        let left_out = queue.left_out();
        assert!((10..=11).contains(&left_out), "{left_out}");
        go.send(()).unwrap();
        assert_eq!(hear.recv().unwrap(), left_out);
    }

    #[test]
    fn a_flush_comes_after_what_was_put_in_before() {
        struct Kept(SyncSender<usize>);
        impl Writer<usize> for Kept {
            fn entry(&mut self, entry: usize) {
                let _ = self.0.try_send(entry);
            }

            fn is_full(&self) -> bool {
                false
            }

            fn write_out(&mut self, _: u64) {}
        }
        let (keep, kept) = sync_channel(8);
        let queue = Queue::start("kept", Kept(keep));
        (0..5).for_each(|entry| queue.put(entry, 0));
        queue.flush();
        assert_eq!(kept.try_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }
}
