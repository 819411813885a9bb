//! API keys and usage plans: who may connect with which key, how fast and how often.
//!
//! Source: documented ("Usage plans and API keys"); that the messages of a connection count against the plan of the
//! key it was opened with is inferred from the plan's limits by route.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use types::account::{Account, Period, Quota, UsagePlan};
use types::event::Caller;
use types::snapshot::StageKey;
use types::time::Timestamp;

use crate::throttle::{Bucket, Buckets};

/// The keys and plans in force, and what was used of them. The counters are this process's: they begin anew with it.
#[derive(Default)]
pub(crate) struct Usage {
    current: ArcSwap<Keys>,
    /// One publisher at a time.
    publishing: Mutex<()>,
}

#[derive(Default)]
struct Keys {
    account: Arc<Account>,
    /// By what clients send; disabled keys are not here.
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
    /// The current period's number in the upper half, what was used of it in the lower.
    used: AtomicU64,
    /// The first period, whose limit is less by the quota's offset.
    first_period: u32,
}

/// Why a plan lets a request not pass.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// Too fast.
    Throttle(String),
    /// Too often.
    Quota(String),
}

impl Usage {
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
                let counter = counter(plan_id, plan, before.counters.get(&id), now);
                for stage in &plan.api_stages {
                    let name = StageKey { api_id: stage.api_id.clone(), stage: stage.stage.clone() };
                    let old = before.by_stage.get(&name).and_then(|keys| keys.get(key_id));
                    let routes = stage.throttle.iter().map(|(route, throttle)| {
                        let old = old.and_then(|old| old.routes.get(route.as_str()));
                        (Arc::from(route.as_str()), Bucket::kept(old, *throttle))
                    });
                    let used = Use { counter: counter.clone(), routes: routes.collect() };
                    keys.by_stage.entry(name).or_default().insert(key_id.clone(), Arc::new(used));
                }
                keys.counters.insert(id, counter);
            }
        }
        self.current.store(Arc::new(keys));
    }

    /// Who a client with this key is on this stage; `None` where the key opens nothing.
    pub(crate) fn caller(&self, stage: &StageKey, value: &str) -> Option<Caller> {
        let keys = self.current.load();
        let id = keys.by_value.get(value)?;
        keys.by_stage.get(stage)?.get(id)?;
        Some(Caller { api_key: value.to_owned(), api_key_id: id.clone() })
    }

    /// Counts a request of a connection that was opened with a key. A key that was taken out of its plan meanwhile
    /// has no limits any more; its connections stay (documented for authorizers: an open connection is not asked again).
    ///
    /// # Errors
    /// What was exceeded, naming the plan.
    pub(crate) fn count(&self, stage: &StageKey, caller: &Caller, route: &str, now: Timestamp) -> Result<(), Exceeded> {
        let keys = self.current.load();
        let Some(used) = keys.by_stage.get(stage).and_then(|keys| keys.get(&caller.api_key_id)) else { return Ok(()) };
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

    /// What the keys of a plan have used of the current period: the key's id, used, and what is left if there is a quota.
    pub(crate) fn of_plan(&self, plan_id: &str, now: Timestamp) -> Vec<(String, u32, Option<u32>)> {
        let keys = self.current.load();
        let of_plan = keys.counters.iter().filter(|((plan, _), _)| plan == plan_id);
        let mut all: Vec<_> = of_plan
            .map(|((_, key_id), counter)| {
                let used = counter.used(now);
                (key_id.clone(), used, counter.limit(now).map(|limit| limit.saturating_sub(used)))
            })
            .collect();
        all.sort();
        all
    }
}

fn counter(plan_id: &str, plan: &UsagePlan, old: Option<&Arc<Counter>>, now: Timestamp) -> Arc<Counter> {
    let old_bucket = old.and_then(|old| old.bucket.as_ref());
    let kept = old.filter(|old| old.quota == plan.quota);
    Arc::new(Counter {
        plan_id: plan_id.to_owned(),
        bucket: plan.throttle.map(|throttle| Bucket::kept(old_bucket, throttle)),
        quota: plan.quota,
        used: AtomicU64::new(kept.map_or(0, |old| old.used.load(Ordering::Relaxed))),
        first_period: kept.map_or_else(|| number(plan.quota, now), |old| old.first_period),
    })
}

impl Counter {
    fn count(&self, now: Timestamp) -> Result<(), Exceeded> {
        let period = number(self.quota, now);
        let limit = self.limit(now).unwrap_or(u32::MAX);
        let counted = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |packed| {
            let used = used_in(packed, period);
            (used < limit).then(|| u64::from(period) << 32 | u64::from(used + 1))
        });
        match counted {
            Ok(_) => Ok(()),
            Err(_) => {
                Err(Exceeded::Quota(format!("the quota of usage plan {}, {limit} requests, is used up", self.plan_id)))
            }
        }
    }

    fn used(&self, now: Timestamp) -> u32 {
        used_in(self.used.load(Ordering::Relaxed), number(self.quota, now))
    }

    fn limit(&self, now: Timestamp) -> Option<u32> {
        let quota = self.quota?;
        let is_first = number(self.quota, now) == self.first_period;
        Some(if is_first { quota.limit.saturating_sub(quota.offset) } else { quota.limit })
    }
}

fn used_in(packed: u64, period: u32) -> u32 {
    if (packed >> 32) as u32 == period { packed as u32 } else { 0 }
}

/// The number of the period that a time lies in. Without a quota days are counted, for the reports.
fn number(quota: Option<Quota>, now: Timestamp) -> u32 {
    let days = now.seconds() / (24 * 3600);
    let number = match quota.map_or(Period::Day, |quota| quota.period) {
        Period::Day => days,
        // The epoch was a Thursday.
        Period::Week => (days + 4) / 7,
        Period::Month => now.months(),
    };
    number as u32
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
        assert_eq!(usage.caller(&stage(), "value-of-k1").map(|caller| caller.api_key_id).as_deref(), Some("k1"));
        let other = StageKey { stage: "test".into(), ..stage() };
        for (stage, value) in
            [(stage(), "value-of-k2"), (stage(), "value-of-off"), (stage(), ""), (other, "value-of-k1")]
        {
            assert!(usage.caller(&stage, value).is_none(), "{stage} {value}");
        }
    }

    #[test]
    fn a_quota_is_used_up_and_comes_back_with_the_next_period() {
        for (period, next) in [(Period::Day, DAY), (Period::Week, 7 * DAY), (Period::Month, 31 * DAY)] {
            let usage = Usage::default();
            let quota = Quota { limit: 3, offset: 1, period };
            usage.publish(&account(Some(quota), None, None), Timestamp(0));
            let caller = usage.caller(&stage(), "value-of-k1").unwrap();
            let passed = |at| (0..5).filter(|_| usage.count(&stage(), &caller, "send", Timestamp(at)).is_ok()).count();
            assert_eq!(passed(0), 2, "the first period is shorter by the offset");
            assert_eq!(usage.of_plan("plan", Timestamp(0)), [("k1".into(), 2, Some(0)), ("off".into(), 0, Some(2))]);
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
        let caller = usage.caller(&stage(), "value-of-k1").unwrap();
        let count = |route| usage.count(&stage(), &caller, route, Timestamp(0));
        assert_eq!(count("send"), Ok(()));
        assert!(matches!(count("send"), Err(Exceeded::Throttle(detail)) if detail.contains("route send")));
        assert_eq!((count("a"), count("b")), (Ok(()), Ok(())));
        assert!(matches!(count("c"), Err(Exceeded::Throttle(detail)) if !detail.contains("route")));
    }
}
