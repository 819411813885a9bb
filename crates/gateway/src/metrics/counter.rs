//! Counters that many threads add to at once. They only grow; what can shrink is the difference of two.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// A number that grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Upper bounds of latencies, in microseconds: from a backend on the same host to the longest that one may take (29 s).
pub(super) const LATENCY_BOUNDS: &[u64] = &[
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000, 29_000_000,
];
const LATENCY_BUCKETS: usize = LATENCY_BOUNDS.len() + 1;

/// How often a latency lay between two of the bounds.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    buckets: [Counter; LATENCY_BUCKETS],
    micros: Counter,
}

impl Latencies {
    pub(crate) fn add(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.buckets[LATENCY_BOUNDS.partition_point(|bound| *bound < micros)].one();
        self.micros.add(micros);
    }
}

/// What a histogram holds when it is read: a count for each bound and one for what lies beyond, and the sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) counts: Vec<u64>,
    pub(super) sum: u64,
}

impl Measured {
    /// Several histograms of the same bounds as one.
    pub(super) fn of<'a>(parts: impl Iterator<Item = &'a Latencies>) -> Measured {
        let mut measured = Measured { counts: vec![0; LATENCY_BUCKETS], sum: 0 };
        for part in parts {
            measured.counts.iter_mut().zip(&part.buckets).for_each(|(count, bucket)| *count += bucket.get());
            measured.sum = measured.sum.wrapping_add(part.micros.get());
        }
        measured
    }
}

/// More threads than this share; the counters of a stage then cost 5 KiB.
const SHARDS_MAX: usize = 16;

fn shards() -> usize {
    static SHARDS: OnceLock<usize> = OnceLock::new();
    *SHARDS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from).min(SHARDS_MAX))
}

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
}

/// One `T` for each thread, or nearly, so that threads that count the same do not wait for each other's cache lines.
#[derive(Debug)]
pub(crate) struct Sharded<T>(Box<[Shard<T>]>);

// Two lines of 64 bytes, because processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard<T>(T);

impl<T: Default> Default for Sharded<T> {
    fn default() -> Sharded<T> {
        Sharded((0..shards()).map(|_| Shard::default()).collect())
    }
}

impl<T> Sharded<T> {
    /// The calling thread's own.
    pub(crate) fn own(&self) -> &T {
        // A thread that is ending has no number any more.
        let thread = THREAD.try_with(|thread| *thread).unwrap_or(0);
        &self.0[thread % self.0.len()].0
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|shard| &shard.0)
    }

    /// What all threads counted together.
    pub(super) fn sum(&self, counter: impl Fn(&T) -> &Counter) -> u64 {
        self.all().fold(0, |sum, shard| sum.wrapping_add(counter(shard).get()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Counter, LATENCY_BOUNDS, Latencies, Measured, Sharded};
    use std::time::Duration;

    #[test]
    fn a_latency_counts_where_it_is_not_above_the_bound() {
        let latencies = Latencies::default();
        for micros in [0, 500, 501, 29_000_000, 29_000_001] {
            latencies.add(Duration::from_micros(micros));
        }
        let measured = Measured::of([&latencies].into_iter());
        assert_eq!(measured.counts[..2], [2, 1]);
        assert_eq!(measured.counts[LATENCY_BOUNDS.len() - 1..], [1, 1]);
        assert_eq!(measured.sum, 58_001_002);
    }

    #[test]
    fn threads_count_together() {
        let counters = Sharded::<Counter>::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| counters.own().one()));
            }
        });
        assert_eq!(counters.sum(|counter| counter), 4000);
    }
}
