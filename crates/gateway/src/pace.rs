//! How fast one client may send: frames in a second, and bytes. One that is faster is not read for a while, so that its
//! system holds its bytes back; nothing is lost.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Sleep;
use types::limits::Limits;

const SECOND: Duration = Duration::from_secs(1);
/// A client that has to wait goes on when a tenth of what it may send in a second can come, so that it is not woken for
/// each byte.
const PORTIONS_A_SECOND: usize = 10;

/// Whether any client's pace is limited.
pub(crate) fn is_limited(limits: &Limits) -> bool {
    limits.frames_per_second != 0 || limits.bytes_per_second != 0
}

/// What a client sent of late.
#[derive(Default)]
pub(crate) struct Pace {
    frames: Meter,
    bytes: Meter,
    /// The wait, and what it is for; made when one first is.
    sleep: Option<Pin<Box<Sleep>>>,
}

/// How much may be read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) frames: usize,
    pub(crate) bytes: usize,
}

/// A client waits because of a limit of this name.
pub(crate) type Begins = Option<&'static str>;

impl Pace {
    /// Ready with how much may be read, where that is anything; else the task is woken when it is. Tells when a wait
    /// begins. Whether bytes are asked for: those that were read already wait for frames alone.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Duration,
        asks_bytes: bool,
        limits: &Limits,
    ) -> (Poll<Allowance>, Begins) {
        let frames = self.frames.allows(now, limits.frames_per_second);
        let bytes = if asks_bytes { self.bytes.allows(now, limits.bytes_per_second) } else { usize::MAX };
        let (opens_at, limit) = match (frames, bytes) {
            (0, _) => (self.frames.opens_at(limits.frames_per_second), "frames-per-second"),
            (_, 0) => (self.bytes.opens_at(limits.bytes_per_second), "bytes-per-second"),
            _ => {
                self.sleep = None;
                return (Poll::Ready(Allowance { frames, bytes }), None);
            }
        };
        let begins = self.sleep.is_none().then_some(limit);
        let wait = opens_at.saturating_sub(now);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(wait)));
        if sleep.as_mut().poll(cx).is_ready() {
            // The clocks differ by a moment.
            sleep.as_mut().reset(tokio::time::Instant::now() + wait.max(Duration::from_millis(1)));
            let _ = sleep.as_mut().poll(cx);
        }
        (Poll::Pending, begins)
    }

    /// So many frames came.
    pub(crate) fn take_frames(&mut self, now: Duration, count: u32, limits: &Limits) {
        self.frames.take(now, count as usize, limits.frames_per_second);
    }

    /// So many bytes came.
    pub(crate) fn take_bytes(&mut self, now: Duration, count: usize, limits: &Limits) {
        self.bytes.take(now, count, limits.bytes_per_second);
    }
}

/// A token bucket as a time: as much as may come in a second may come at once. A rate of 0 bounds nothing.
#[derive(Clone, Copy, Default)]
struct Meter {
    /// When it is full again, by the gateway's clock.
    full_at: Duration,
}

impl Meter {
    fn allows(self, now: Duration, rate: usize) -> usize {
        if rate == 0 {
            return usize::MAX;
        }
        let free = SECOND.saturating_sub(self.full_at.saturating_sub(now));
        usize::try_from(free.as_nanos() * rate as u128 / SECOND.as_nanos()).unwrap_or(usize::MAX)
    }

    fn take(&mut self, now: Duration, count: usize, rate: usize) {
        if rate != 0 {
            self.full_at = self.full_at.max(now) + time_of(count, rate);
        }
    }

    /// When the next portion may come.
    fn opens_at(self, rate: usize) -> Duration {
        (self.full_at + time_of((rate / PORTIONS_A_SECOND).max(1), rate)).saturating_sub(SECOND)
    }
}

// Rounded up, so that what has waited may come.
fn time_of(count: usize, rate: usize) -> Duration {
    let nanos = (count as u128 * SECOND.as_nanos()).div_ceil(rate.max(1) as u128);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(frames_per_second: usize, bytes_per_second: usize) -> Limits {
        Limits { frames_per_second, bytes_per_second, ..Limits::default() }
    }

    fn at(millis: u64) -> Duration {
        Duration::from_secs(1_700_000_000) + Duration::from_millis(millis)
    }

    fn ask(pace: &mut Pace, now: Duration, limits: &Limits) -> (Option<Allowance>, Begins) {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match pace.poll(&mut cx, now, true, limits) {
            (Poll::Ready(allowance), begins) => (Some(allowance), begins),
            (Poll::Pending, begins) => (None, begins),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_seconds_worth_comes_at_once_and_then_a_portion_at_a_time() {
        let limits = limits(20, 0);
        let mut pace = Pace::default();
        assert_eq!(ask(&mut pace, at(0), &limits).0, Some(Allowance { frames: 20, bytes: usize::MAX }));
        pace.take_frames(at(0), 20, &limits);
        assert_eq!(ask(&mut pace, at(0), &limits), (None, Some("frames-per-second")));
        assert_eq!(ask(&mut pace, at(49), &limits), (None, None), "the wait began already");
        assert_eq!(ask(&mut pace, at(100), &limits).0.map(|may| may.frames), Some(2));
        assert_eq!(ask(&mut pace, at(10_000), &limits).0.map(|may| may.frames), Some(20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_task_is_woken() {
        let limits = limits(1, 0);
        let mut pace = Pace::default();
        let begun = tokio::time::Instant::now();
        let now = || at(0) + begun.elapsed();
        for count in 0..3 {
            let ready = std::future::poll_fn(|cx| pace.poll(cx, now(), true, &limits).0);
            assert_eq!(ready.await.frames, 1);
            assert!(begun.elapsed() >= SECOND * count, "{:?}", begun.elapsed());
            pace.take_frames(now(), 1, &limits);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_that_were_read_wait_for_frames_alone() {
        let limits = limits(5, 1000);
        let mut pace = Pace::default();
        pace.take_bytes(at(0), 1000, &limits);
        assert_eq!(ask(&mut pace, at(0), &limits), (None, Some("bytes-per-second")));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let (ready, _) = pace.poll(&mut cx, at(0), false, &limits);
        assert_eq!(ready, Poll::Ready(Allowance { frames: 5, bytes: usize::MAX }));
        assert_eq!(ask(&mut pace, at(100), &limits).0.map(|may| may.bytes), Some(100));
    }

    #[test]
    fn odd_numbers_do_no_harm() {
        for rate in [0, 1, 3, usize::MAX] {
            let mut meter = Meter::default();
            for count in [0, 1, 1000, usize::MAX / 2] {
                let before = meter.allows(at(0), rate);
                meter.take(at(0), count, rate);
                assert!(meter.allows(at(0), rate) <= before);
                let _ = meter.opens_at(rate);
                assert!(meter.allows(meter.opens_at(rate).max(at(0)), rate) >= 1, "{rate} {count}");
            }
        }
    }
}
