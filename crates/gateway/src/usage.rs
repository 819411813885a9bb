//! API keys and usage plans: who may connect with which key, how fast and how often.
//!
//! Source: documented ("Usage plans and API keys"); that the messages of a connection count against the plan of the
//! key it was opened with is inferred from the plan's limits by route.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use types::account::{Account, DayUse, Period, Quota, UsagePlan};
use types::identity::UsedKey;
use types::snapshot::StageKey;
use types::time::Timestamp;

use crate::throttle::{Bucket, Buckets, Share};

/// The keys and plans in force, and what was used of them. The counters are this process's: they begin anew with it.
#[derive(Default)]
pub(crate) struct Usage {
    current: ArcSwap<Keys>,
    /// One publisher at a time.
    publishing: Mutex<()>,
    /// This node's part of every throttle.
    share: Share,
}

#[derive(Default)]
struct Keys {
    account: Arc<Account>,
    /// By what clients send; disabled keys are not here.
    ///
    /// How long a look-up takes tells nobody a key, so none is compared byte by byte in constant time: a value is only
    /// compared with one whose hash has the same place and tag, and the hash is keyed by chance for this process
    /// (SipHash), so that a guess which shares a key's beginning is as far from it as any other. And a key is looked up
    /// once in a connection's life, never for a message.
    by_value: HashMap<String, String>,
    /// By stage and the key's id.
    by_stage: HashMap<StageKey, HashMap<String, Arc<Use>>>,
    /// By the plan's id and the key's: what holds for all stages of a plan.
    counters: HashMap<(String, String), Arc<Counter>>,
}

/// One key on one stage.
pub(crate) struct Use {
    counter: Arc<Counter>,
    routes: Buckets,
}

/// One key in one plan.
struct Counter {
    plan_id: String,
    bucket: Option<Arc<Bucket>>,
    quota: Option<Quota>,
    counted: Arc<Mutex<Counted>>,
}

/// What was used of a plan with a key. Goes on when the plan changes.
#[derive(Default)]
struct Counted {
    /// The number of the period that was counted last.
    period: u64,
    /// What was used of it.
    used: u64,
    /// The first period, whose limit is less by the quota's offset.
    first_period: u64,
    /// By day since 1970: what was used on it, and what of the period was left at its end.
    days: BTreeMap<u64, DayUse>,
}

/// How many days are remembered.
const DAYS_MAX: usize = 92;

/// Why a plan lets a request not pass.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// Too fast.
    Throttle(String),
    /// Too often.
    Quota(String),
}

impl Usage {
    pub(crate) fn new(share: Share) -> Usage {
        Usage { share, ..Usage::default() }
    }

    /// Puts keys and plans in force; counters and buckets whose numbers did not change go on as they stand.
    pub(crate) fn publish(&self, account: &Arc<Account>, now: Timestamp) {
        let _one_at_a_time = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.current.load_full();
        if Arc::ptr_eq(&before.account, account) {
            return;
        }
        let enabled = account.api_keys.iter().filter(|(_, key)| key.enabled);
        let by_value = enabled.map(|(id, key)| (key.value.clone(), id.clone())).collect();
        let mut keys = Keys { account: account.clone(), by_value, ..Keys::default() };
        for (plan_id, plan) in &account.usage_plans {
            for key_id in &plan.key_ids {
                let id = (plan_id.clone(), key_id.clone());
                let counter = counter(plan_id, plan, before.counters.get(&id), (now, &self.share));
                for stage in &plan.api_stages {
                    let name = StageKey { api_id: stage.api_id.clone(), stage: stage.stage.clone() };
                    let old = before.by_stage.get(&name).and_then(|keys| keys.get(key_id));
                    let routes = stage.throttle.iter().map(|(route, throttle)| {
                        let old = old.and_then(|old| old.routes.get(route.as_str()));
                        (Arc::from(route.as_str()), Bucket::kept(old, *throttle, &self.share))
                    });
                    let used = Use { counter: counter.clone(), routes: routes.collect() };
                    keys.by_stage.entry(name).or_default().insert(key_id.clone(), Arc::new(used));
                }
                keys.counters.insert(id, counter);
            }
        }
        self.current.store(Arc::new(keys));
    }

    /// The key of this value, if it opens this stage.
    pub(crate) fn key(&self, stage: &StageKey, value: &str) -> Option<UsedKey> {
        let keys = self.current.load();
        let id = keys.by_value.get(value)?;
        keys.by_stage.get(stage)?.get(id)?;
        Some(UsedKey { value: value.to_owned(), id: id.clone() })
    }

    /// Counts a request of a connection that was opened with a key. A key that was taken out of its plan meanwhile
    /// has no limits any more; its connections stay (documented for authorizers: an open connection is not asked again).
    ///
    /// # Errors
    /// What was exceeded, naming the plan.
    pub(crate) fn count(&self, stage: &StageKey, key: &UsedKey, route: &str, now: Timestamp) -> Result<(), Exceeded> {
        let keys = self.current.load();
        let Some(used) = keys.by_stage.get(stage).and_then(|keys| keys.get(&key.id)) else { return Ok(()) };
        let counter = &used.counter;
        let plan_id = &counter.plan_id;
        if let Some(bucket) = used.routes.get(route).filter(|bucket| !bucket.take()) {
            let detail = format!("usage plan {plan_id} lets pass on route {route}: {}", bucket.told());
            return Err(Exceeded::Throttle(detail));
        }
        if let Some(bucket) = counter.bucket.as_ref().filter(|bucket| !bucket.take()) {
            return Err(Exceeded::Throttle(format!("usage plan {plan_id} lets pass: {}", bucket.told())));
        }
        counter.count(now)
    }

    /// What a key used of a plan on each day of a range, oldest first; days count from 1970.
    pub(crate) fn days(&self, plan_id: &str, key_id: &str, days: RangeInclusive<u64>, now: Timestamp) -> Vec<DayUse> {
        let Some(counter) = self.counter(plan_id, key_id) else { return Vec::new() };
        let mut counted = counter.counted();
        let limit = counter.renew(&mut counted, now);
        let unused = DayUse { used: 0, remaining: limit.unwrap_or(u64::MAX) };
        // Remembered days are few; a range may be long.
        let (first, last) = (*days.start(), (*days.end()).min(now.days()));
        (first.max(last.saturating_sub(DAYS_MAX as u64))..=last)
            .map(|day| counted.days.get(&day).copied().unwrap_or(unused))
            .collect()
    }

    /// Sets what a key has left of a plan's current period. False where the plan has no quota, or not this key.
    pub(crate) fn set_remaining(&self, plan_id: &str, key_id: &str, remaining: u64, now: Timestamp) -> bool {
        let Some(counter) = self.counter(plan_id, key_id) else { return false };
        let mut counted = counter.counted();
        let Some(limit) = counter.renew(&mut counted, now) else { return false };
        counted.used = limit.saturating_sub(remaining);
        let day = counted.days.entry(now.days()).or_default();
        day.remaining = remaining.min(limit);
        true
    }

    fn counter(&self, plan_id: &str, key_id: &str) -> Option<Arc<Counter>> {
        self.current.load().counters.get(&(plan_id.to_owned(), key_id.to_owned())).cloned()
    }
}

fn counter(
    plan_id: &str,
    plan: &UsagePlan,
    old: Option<&Arc<Counter>>,
    (now, share): (Timestamp, &Share),
) -> Arc<Counter> {
    let old_bucket = old.and_then(|old| old.bucket.as_ref());
    let counted = old.filter(|old| old.quota == plan.quota).map(|old| old.counted.clone());
    let period = number(plan.quota, now);
    let fresh = || Arc::new(Mutex::new(Counted { period, first_period: period, ..Counted::default() }));
    Arc::new(Counter {
        plan_id: plan_id.to_owned(),
        bucket: plan.throttle.map(|throttle| Bucket::kept(old_bucket, throttle, share)),
        quota: plan.quota,
        counted: counted.unwrap_or_else(fresh),
    })
}

impl Counter {
    fn count(&self, now: Timestamp) -> Result<(), Exceeded> {
        let mut counted = self.counted();
        let limit = self.renew(&mut counted, now);
        if let Some(limit) = limit.filter(|limit| counted.used >= *limit) {
            let detail = format!("the quota of usage plan {}, {limit} requests, is used up", self.plan_id);
            return Err(Exceeded::Quota(detail));
        }
        counted.used += 1;
        let remaining = limit.map_or(u64::MAX, |limit| limit - counted.used);
        let day = counted.days.entry(now.days()).or_default();
        *day = DayUse { used: day.used + 1, remaining };
        if counted.days.len() > DAYS_MAX {
            counted.days.pop_first();
        }
        Ok(())
    }

    /// Begins the period that a time lies in, if it is a new one; gives its limit, if there is a quota.
    fn renew(&self, counted: &mut Counted, now: Timestamp) -> Option<u64> {
        let period = number(self.quota, now);
        if counted.period != period {
            counted.period = period;
            counted.used = 0;
        }
        let quota = self.quota?;
        let offset = if period == counted.first_period { quota.offset } else { 0 };
        Some(u64::from(quota.limit.saturating_sub(offset)))
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of the period that a time lies in. Without a quota days are counted, for the reports.
fn number(quota: Option<Quota>, now: Timestamp) -> u64 {
    let days = now.days();
    match quota.map_or(Period::Day, |quota| quota.period) {
        Period::Day => days,
        // The epoch was a Thursday.
        Period::Week => (days + 4) / 7,
        Period::Month => {
            let (year, month, _) = now.date();
            year as u64 * 12 + u64::from(month)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::account::{ApiKey, PlanStage, Throttle};

    const DAY: u64 = 24 * 3600 * 1000;

    fn stage() -> StageKey {
        StageKey { api_id: "abc".into(), stage: "prod".into() }
    }

    fn account(quota: Option<Quota>, throttle: Option<Throttle>, route: Option<Throttle>) -> Arc<Account> {
        let key = |id: &str, enabled| ApiKey { id: id.into(), value: format!("value-of-{id}"), enabled };
        let plan = UsagePlan {
            id: "plan".into(),
            api_stages: vec![PlanStage {
                api_id: "abc".into(),
                stage: "prod".into(),
                throttle: route.into_iter().map(|throttle| ("send".to_owned(), throttle)).collect(),
            }],
            throttle,
            quota,
            key_ids: vec!["k1".into(), "off".into()],
        };
        Arc::new(Account {
            api_keys: [
                ("k1".to_owned(), key("k1", true)),
                ("off".into(), key("off", false)),
                ("k2".into(), key("k2", true)),
            ]
            .into(),
            usage_plans: [("plan".to_owned(), plan)].into(),
            ..Account::default()
        })
    }

    #[test]
    fn a_key_opens_the_stages_of_its_plans_and_no_others() {
        let usage = Usage::default();
        usage.publish(&account(None, None, None), Timestamp(0));
        assert_eq!(usage.key(&stage(), "value-of-k1").map(|key| key.id).as_deref(), Some("k1"));
        let other = StageKey { stage: "test".into(), ..stage() };
        for (stage, value) in
            [(stage(), "value-of-k2"), (stage(), "value-of-off"), (stage(), ""), (other, "value-of-k1")]
        {
            assert!(usage.key(&stage, value).is_none(), "{stage} {value}");
        }
    }

    #[test]
    fn a_quota_is_used_up_and_comes_back_with_the_next_period() {
        for (period, next) in [(Period::Day, DAY), (Period::Week, 7 * DAY), (Period::Month, 31 * DAY)] {
            let usage = Usage::default();
            let quota = Quota { limit: 3, offset: 1, period };
            usage.publish(&account(Some(quota), None, None), Timestamp(0));
            let key = usage.key(&stage(), "value-of-k1").unwrap();
            let passed = |at| (0..5).filter(|_| usage.count(&stage(), &key, "send", Timestamp(at)).is_ok()).count();
            assert_eq!(passed(0), 2, "the first period is shorter by the offset");
            let used = |used, remaining| DayUse { used, remaining };
            assert_eq!(usage.days("plan", "k1", 0..=0, Timestamp(0)), [used(2, 0)]);
            assert_eq!(usage.days("plan", "off", 0..=9, Timestamp(0)), [used(0, 2)], "days to come are not told");
            assert!(
                usage.set_remaining("plan", "k1", 1, Timestamp(0))
                    && !usage.set_remaining("plan", "k2", 1, Timestamp(0))
            );
            assert_eq!(passed(0), 1);
            assert_eq!(passed(next), 3);
            // A change of something else keeps what was used.
            usage.publish(
                &account(Some(quota), Some(Throttle { burst_limit: 9, rate_limit: 9.0 }), None),
                Timestamp(next),
            );
            assert_eq!(passed(next), 0);
        }
    }

    #[test]
    fn the_limits_of_a_route_and_of_the_plan_both_hold_and_are_named() {
        let (slow, fast) =
            (Throttle { burst_limit: 1, rate_limit: 0.001 }, Throttle { burst_limit: 3, rate_limit: 0.001 });
        let usage = Usage::default();
        usage.publish(&account(None, Some(fast), Some(slow)), Timestamp(0));
        let key = usage.key(&stage(), "value-of-k1").unwrap();
        let count = |route| usage.count(&stage(), &key, route, Timestamp(0));
        assert_eq!(count("send"), Ok(()));
        assert!(matches!(count("send"), Err(Exceeded::Throttle(detail)) if detail.contains("route send")));
        assert_eq!((count("a"), count("b")), (Ok(()), Ok(())));
        assert!(matches!(count("c"), Err(Exceeded::Throttle(detail)) if !detail.contains("route")));
    }
}
