//! Token buckets: how many requests pass.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use types::account::Throttle;
use types::limits::Limits;

use crate::refusal::{By, Refusal, RefusalKind};

/// The slowest that a bucket fills up as a whole, which keeps its arithmetic within 64 bits.
const FILL_MAX: Duration = Duration::from_secs(50 * 365 * 24 * 3600);

/// The part of every rate that is this node's: all of it where it is alone.
#[derive(Clone)]
pub(crate) struct Share(Arc<AtomicU32>);

/// A whole, as shares count.
const WHOLE: u32 = 1 << 16;
/// A share that differs by less than this part stays: a bucket that is made anew begins empty.
const SAME_WITHIN: f64 = 0.05;

impl Default for Share {
    fn default() -> Share {
        Share(Arc::new(AtomicU32::new(WHOLE)))
    }
}

impl Share {
    /// Sets it, above 0 and up to 1.
    pub(crate) fn set(&self, part: f64) {
        let part = if part.is_finite() { part.clamp(1.0 / f64::from(WHOLE), 1.0) } else { 1.0 };
        let new = (part * f64::from(WHOLE)) as u32;
        let old = self.part();
        let is_other = (f64::from(new) - f64::from(old)).abs() > SAME_WITHIN * f64::from(old);
        if is_other || (new == WHOLE) != (old == WHOLE) {
            self.0.store(new, Ordering::Relaxed);
        }
    }

    fn part(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A token bucket. A token is taken for each request; one that finds none is refused and takes none.
pub(crate) struct Bucket {
    throttle: Throttle,
    share: Share,
    /// For which share the limiter is made.
    made_for: AtomicU32,
    /// `None`: a limit of 0, which lets nothing pass (documented for a burst of 0).
    limiter: ArcSwapOption<DefaultDirectRateLimiter>,
}

impl Bucket {
    /// A full bucket; of its numbers the share is this node's.
    pub(crate) fn new(throttle: Throttle, share: &Share) -> Bucket {
        let part = share.part();
        let limiter = ArcSwapOption::from_pointee(limiter(throttle, part));
        Bucket { throttle, share: share.clone(), made_for: AtomicU32::new(part), limiter }
    }

    /// A full bucket, or `old` as it stands if its numbers are the same.
    pub(crate) fn kept(old: Option<&Arc<Bucket>>, throttle: Throttle, share: &Share) -> Arc<Bucket> {
        match old {
            Some(old) if old.throttle == throttle => old.clone(),
            _ => Arc::new(Bucket::new(throttle, share)),
        }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&self) -> bool {
        let part = self.share.part();
        if part != self.made_for.load(Ordering::Relaxed) {
            self.make_for(part);
        }
        self.limiter.load().as_ref().is_some_and(|limiter| limiter.check().is_ok())
    }

    // With another share the bucket begins empty: full ones, again and again, would let too much pass.
    fn make_for(&self, part: u32) {
        if self.made_for.swap(part, Ordering::Relaxed) == part {
            return;
        }
        let limiter = limiter(self.throttle, part);
        if let (Some(limiter), Some(burst)) = (&limiter, NonZeroU32::new(shared(burst(self.throttle), part))) {
            let _ = limiter.check_n(burst);
        }
        self.limiter.store(limiter.map(Arc::new));
    }

    /// Its numbers, for the log.
    pub(crate) fn told(&self) -> String {
        let all = format!("{} requests per second, {} at once", self.throttle.rate_limit, burst(self.throttle));
        match self.share.part() {
            WHOLE => all,
            part => format!(
                "{all}, of all nodes together; {:.1} % of that is this node's",
                f64::from(part) * 100.0 / f64::from(WHOLE)
            ),
        }
    }
}

fn limiter(throttle: Throttle, part: u32) -> Option<DefaultDirectRateLimiter> {
    let rate = throttle.rate_limit * f64::from(part) / f64::from(WHOLE);
    let burst = NonZeroU32::new(shared(burst(throttle), part)).filter(|_| rate > 0.0)?;
    let refill = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(FILL_MAX);
    let refill = refill.clamp(Duration::from_nanos(1), FILL_MAX / burst.get());
    Some(RateLimiter::direct(Quota::with_period(refill)?.allow_burst(burst)))
}

// Of a burst one is the least: else a node with a small share would let nothing pass.
fn shared(burst: u32, part: u32) -> u32 {
    if part == WHOLE || burst == 0 { burst } else { ((u64::from(burst) * u64::from(part)) >> 16).max(1) as u32 }
}

/// A rate without a burst may be used up at once in a second (inferred).
fn burst(throttle: Throttle) -> u32 {
    match throttle.burst_limit {
        u32::MAX => throttle.rate_limit.ceil().clamp(1.0, f64::from(u32::MAX)) as u32,
        burst => burst,
    }
}

/// What holds for all APIs together, where the settings say so.
pub(crate) struct AccountLimits {
    connections: Option<Bucket>,
    requests: Option<Bucket>,
}

impl AccountLimits {
    pub(crate) fn new(limits: &Limits, share: &Share) -> AccountLimits {
        let bucket = |rate: usize, burst: usize| {
            let burst_limit = u32::try_from(burst).unwrap_or(u32::MAX);
            (rate > 0).then(|| Bucket::new(Throttle { burst_limit, rate_limit: rate as f64 }, share))
        };
        AccountLimits {
            connections: bucket(limits.connections_per_second, limits.connections_per_second),
            requests: bucket(limits.requests_per_second, limits.requests_burst),
        }
    }

    /// Counts a handshake.
    pub(crate) fn connection(&self) -> Result<(), Refusal> {
        refuse(&self.connections, "connections-per-second")
    }

    /// Counts a handshake, a message or a call of `@connections`.
    pub(crate) fn request(&self) -> Result<(), Refusal> {
        refuse(&self.requests, "requests-per-second")
    }
}

fn refuse(bucket: &Option<Bucket>, limit: &str) -> Result<(), Refusal> {
    match bucket {
        Some(bucket) if !bucket.take() => {
            let detail = format!("the limit {limit} lets pass: {}", bucket.told());
            Err(Refusal::new(RefusalKind::Throttled(By::Account), detail))
        }
        _ => Ok(()),
    }
}

/// The buckets of a stage's routes, by route key; routes without limits have none.
pub(crate) type Buckets = HashMap<Arc<str>, Arc<Bucket>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(burst_limit: u32, rate_limit: f64) -> usize {
        let bucket = Bucket::new(Throttle { burst_limit, rate_limit }, &Share::default());
        (0..20).filter(|_| bucket.take()).count()
    }

    #[test]
    fn a_burst_passes_and_nothing_more_until_tokens_come_back() {
        assert_eq!(passed(3, 0.000_001), 3);
        assert_eq!(passed(100, 0.000_001), 20);
        assert_eq!(passed(u32::MAX, 2.5), 3, "without a burst the rate is one");
        assert_eq!(passed(1, f64::MAX), 20);
        let told = Bucket::new(Throttle { burst_limit: u32::MAX, rate_limit: 2.5 }, &Share::default()).told();
        assert_eq!(told, "2.5 requests per second, 3 at once");
    }

    #[test]
    fn a_limit_of_nothing_lets_nothing_pass_and_odd_numbers_do_no_harm() {
        for (burst, rate) in [(0, 10.0), (10, 0.0), (10, -1.0), (10, f64::NAN)] {
            assert_eq!(passed(burst, rate), 0, "{burst} {rate}");
        }
        assert_eq!(passed(u32::MAX - 1, f64::MIN_POSITIVE), 20);
        assert_eq!(passed(u32::MAX, f64::INFINITY), 20);
    }

    #[test]
    fn shares_of_a_limit_are_together_no_more_than_it() {
        let throttle = Throttle { burst_limit: 100, rate_limit: 0.000_001 };
        let shares = [0.5, 0.3, 0.2].map(|part| {
            let share = Share::default();
            share.set(part);
            share
        });
        let passed: usize = shares
            .iter()
            .map(|share| {
                let bucket = Bucket::new(throttle, share);
                (0..200).filter(|_| bucket.take()).count()
            })
            .sum();
        assert!((97..=100).contains(&passed), "{passed}");
        // A small burst lets something pass everywhere.
        let bucket = Bucket::new(Throttle { burst_limit: 1, rate_limit: 0.000_001 }, &shares[2]);
        assert!(bucket.take() && !bucket.take());
        assert!(bucket.told().contains("20.0 % of that is this node's"), "{}", bucket.told());
    }

    #[test]
    fn a_share_that_changes_gives_no_burst_away_and_one_that_hardly_does_stays() {
        let share = Share::default();
        let bucket = Bucket::new(Throttle { burst_limit: 10, rate_limit: 0.000_001 }, &share);
        assert!((0..4).all(|_| bucket.take()));
        share.set(0.5);
        assert!(!bucket.take(), "it begins empty");
        for part in [0.51, 0.49, 0.5, f64::NAN, 1.0, 0.7, -1.0] {
            share.set(part);
        }
        assert_eq!(share.part(), 1, "the least");
        share.set(0.5);
        let before = share.part();
        share.set(0.51);
        assert_eq!(share.part(), before);
        share.set(1.0);
        assert_eq!(share.part(), WHOLE);
    }
}
