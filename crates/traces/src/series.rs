//! The last hour in numbers: samples of the data plane's counters, a fixed number of them for a fixed number of series.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gateway::{Reading, latency_bounds};
use types::snapshot::StageKey;
use types::time::Timestamp;

/// How often the counters are read.
pub const SAMPLE_EVERY: Duration = Duration::from_secs(10);
/// Samples that are kept: an hour of them.
const SAMPLES_MAX: usize = 360;
/// Series that are kept, about 40 KB each when full: stages, and routes with detailed metrics.
const SERIES_MAX: usize = 300;

/// What a series is of.
pub type SeriesKey = (StageKey, Option<Arc<str>>);

/// What happened between two samples, and how many connections were open at the second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// Open connections.
    pub connections: u32,
    /// `ConnectCount`.
    pub connects: u32,
    /// `MessageCount`.
    pub messages: u32,
    /// `ClientError`.
    pub client_errors: u32,
    /// `IntegrationError`.
    pub integration_errors: u32,
    /// `ExecutionError`.
    pub execution_errors: u32,
    /// Throttled requests.
    pub throttles: u32,
    /// Latencies by bucket.
    pub latencies: Vec<u32>,
    /// All latencies together, in microseconds.
    pub latency_sum: u64,
}

/// A series as somebody reads it: one point for each time, `None` where nothing was measured.
pub type Points = Vec<Option<Point>>;

/// The samples.
#[derive(Default)]
pub struct Series(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    times: VecDeque<Timestamp>,
    series: HashMap<SeriesKey, One>,
}

#[derive(Default)]
struct One {
    last: Reading,
    points: VecDeque<Option<Point>>,
}

impl Series {
    /// Takes what the counters say now. What is of no series any more goes with its last sample; beyond the bound new series
    /// are not kept.
    pub fn sample(&self, now: Timestamp, readings: Vec<Reading>) {
        let mut kept = self.kept();
        kept.times.push_back(now);
        if kept.times.len() > SAMPLES_MAX {
            kept.times.pop_front();
        }
        let count = kept.times.len();
        kept.series.values_mut().for_each(|one| one.points.push_back(None));
        for reading in readings {
            let key = (reading.key.clone(), reading.route_key.clone());
            let is_new = !kept.series.contains_key(&key);
            if is_new && kept.series.len() >= SERIES_MAX {
                continue;
            }
            let one = kept.series.entry(key).or_default();
            if is_new {
                one.points.extend((0..count).map(|_| None));
            }
            let point = difference(&one.last, &reading);
            if let Some(last) = one.points.back_mut() {
                *last = Some(point);
            }
            one.last = reading;
        }
        for one in kept.series.values_mut() {
            while one.points.len() > count {
                one.points.pop_front();
            }
        }
        kept.series.retain(|_, one| one.points.iter().any(Option::is_some));
    }

    /// The times of the samples, and every series, in order of their keys.
    pub fn read(&self) -> (Vec<Timestamp>, Vec<(SeriesKey, Points)>) {
        let kept = self.kept();
        let mut all: Vec<(SeriesKey, Points)> =
            kept.series.iter().map(|(key, one)| (key.clone(), one.points.iter().cloned().collect())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        (kept.times.iter().copied().collect(), all)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// A counter that is less than before is another stage's of the same name: it began anew.
fn difference(before: &Reading, now: &Reading) -> Point {
    let since = |before: u64, now: u64| {
        let difference = if now >= before { now - before } else { now };
        u32::try_from(difference).unwrap_or(u32::MAX)
    };
    let latencies = now.latencies.iter().enumerate();
    let latencies = latencies.map(|(at, now)| since(before.latencies.get(at).copied().unwrap_or_default(), *now));
    Point {
        connections: u32::try_from(now.connections).unwrap_or(u32::MAX),
        connects: since(before.connects, now.connects),
        messages: since(before.messages, now.messages),
        client_errors: since(before.client_errors, now.client_errors),
        integration_errors: since(before.integration_errors, now.integration_errors),
        execution_errors: since(before.execution_errors, now.execution_errors),
        throttles: since(before.throttles, now.throttles),
        latencies: latencies.collect(),
        latency_sum: if now.latency_sum >= before.latency_sum {
            now.latency_sum - before.latency_sum
        } else {
            now.latency_sum
        },
    }
}

/// The latency below which `share` (0 to 1) of them lay, in milliseconds: within its bucket by the straight line between the
/// bucket's bounds. `None` where there were none.
pub fn percentile(latencies: &[u32], share: f64) -> Option<f64> {
    let all: u64 = latencies.iter().map(|count| u64::from(*count)).sum();
    if all == 0 {
        return None;
    }
    let wanted = share.clamp(0.0, 1.0) * all as f64;
    let mut below = 0.0;
    for (at, count) in latencies.iter().enumerate() {
        let count = f64::from(*count);
        if count > 0.0 && below + count >= wanted {
            let (from, to) = bucket(at);
            return Some(from + (to - from) * ((wanted - below) / count).clamp(0.0, 1.0));
        }
        below += count;
    }
    None
}

/// The bounds of a bucket, in milliseconds; beyond the last bound a bucket is its lower bound.
pub fn bucket(at: usize) -> (f64, f64) {
    let bounds = latency_bounds();
    let millis = |at: usize| bounds.get(at).map(|micros| *micros as f64 / 1000.0);
    let from = at.checked_sub(1).and_then(millis).unwrap_or(0.0);
    (from, millis(at).unwrap_or(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(stage: &str, messages: u64) -> Reading {
        let key = StageKey { api_id: "a".into(), stage: stage.into() };
        Reading { key, messages, latencies: vec![0, messages, 0], latency_sum: messages * 700, ..Reading::default() }
    }

    fn messages(series: &Series) -> Vec<(String, Vec<Option<u32>>)> {
        let (_, all) = series.read();
        let of = |points: Points| points.into_iter().map(|point| point.map(|point| point.messages)).collect();
        all.into_iter().map(|((key, _), points)| (key.stage, of(points))).collect()
    }

    #[test]
    fn a_point_is_what_happened_since_the_last_one() {
        let series = Series::default();
        series.sample(Timestamp(1), vec![reading("x", 5)]);
        series.sample(Timestamp(2), vec![reading("x", 8), reading("y", 1)]);
        series.sample(Timestamp(3), vec![reading("y", 1)]);
        // A stage that was made anew counts from nothing.
        series.sample(Timestamp(4), vec![reading("x", 2)]);
        assert_eq!(
            messages(&series),
            [
                ("x".to_owned(), vec![Some(5), Some(3), None, Some(2)]),
                ("y".to_owned(), vec![None, Some(1), Some(0), None])
            ]
        );
    }

    #[test]
    fn samples_and_series_are_bounded() {
        let series = Series::default();
        for at in 0..SAMPLES_MAX as u64 + 10 {
            series.sample(Timestamp(at), vec![reading("x", at)]);
        }
        let (times, all) = series.read();
        assert_eq!((times.len(), times[0], all[0].1.len()), (SAMPLES_MAX, Timestamp(10), SAMPLES_MAX));
        let many = (0..SERIES_MAX + 10).map(|stage| reading(&format!("s{stage}"), 1)).collect();
        series.sample(Timestamp(9_999), many);
        assert_eq!(series.read().1.len(), SERIES_MAX);
    }

    #[test]
    fn percentiles_lie_within_their_buckets() {
        assert_eq!(percentile(&[0, 0, 0], 0.5), None);
        // All of them between 0.5 and 1 ms.
        assert_eq!(percentile(&[0, 10, 0], 0.5), Some(0.75));
        assert_eq!(percentile(&[5, 0, 5], 0.5), Some(0.5));
        assert_eq!(percentile(&[5, 0, 5], 1.0), Some(2.5));
        // Beyond the last bound nothing is known but that.
        let mut beyond = vec![0; latency_bounds().len() + 1];
        beyond[latency_bounds().len()] = 3;
        assert_eq!(percentile(&beyond, 0.99), Some(29_000.0));
    }
}
