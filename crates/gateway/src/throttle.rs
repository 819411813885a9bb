//! Token buckets: how many requests pass.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use types::account::Throttle;
use types::limits::Limits;

use crate::refusal::{By, Refusal, RefusalKind};

/// The slowest that a bucket fills up as a whole, which keeps its arithmetic within 64 bits.
const FILL_MAX: Duration = Duration::from_secs(50 * 365 * 24 * 3600);

/// A token bucket. A token is taken for each request; one that finds none is refused and takes none.
pub(crate) struct Bucket {
    throttle: Throttle,
    /// `None`: a limit of 0, which lets nothing pass (documented for a burst of 0).
    limiter: Option<DefaultDirectRateLimiter>,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(throttle: Throttle) -> Bucket {
        let quota = NonZeroU32::new(burst(throttle)).filter(|_| throttle.rate_limit > 0.0).and_then(|burst| {
            let refill = Duration::try_from_secs_f64(1.0 / throttle.rate_limit).unwrap_or(FILL_MAX);
            let refill = refill.clamp(Duration::from_nanos(1), FILL_MAX / burst.get());
            Some(Quota::with_period(refill)?.allow_burst(burst))
        });
        Bucket { throttle, limiter: quota.map(RateLimiter::direct) }
    }

    /// A full bucket, or `old` as it stands if its numbers are the same.
    pub(crate) fn kept(old: Option<&Arc<Bucket>>, throttle: Throttle) -> Arc<Bucket> {
        match old {
            Some(old) if old.throttle == throttle => old.clone(),
            _ => Arc::new(Bucket::new(throttle)),
        }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&self) -> bool {
        self.limiter.as_ref().is_some_and(|limiter| limiter.check().is_ok())
    }

    /// Its numbers, for the log.
    pub(crate) fn told(&self) -> String {
        format!("{} requests per second, {} at once", self.throttle.rate_limit, burst(self.throttle))
    }
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
    pub(crate) fn new(limits: &Limits) -> AccountLimits {
        let bucket = |rate: usize, burst: usize| {
            let burst_limit = u32::try_from(burst).unwrap_or(u32::MAX);
            (rate > 0).then(|| Bucket::new(Throttle { burst_limit, rate_limit: rate as f64 }))
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
        let bucket = Bucket::new(Throttle { burst_limit, rate_limit });
        (0..20).filter(|_| bucket.take()).count()
    }

    #[test]
    fn a_burst_passes_and_nothing_more_until_tokens_come_back() {
        assert_eq!(passed(3, 0.000_001), 3);
        assert_eq!(passed(100, 0.000_001), 20);
        assert_eq!(passed(u32::MAX, 2.5), 3, "without a burst the rate is one");
        assert_eq!(passed(1, f64::MAX), 20);
        let told = Bucket::new(Throttle { burst_limit: u32::MAX, rate_limit: 2.5 }).told();
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
}
