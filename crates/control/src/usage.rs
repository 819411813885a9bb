//! What the data plane counts for usage plans, as the control plane asks for it.

use std::ops::RangeInclusive;

use types::account::DayUse;

/// Counts requests by usage plan and key. Whoever enforces quotas implements it.
///
/// Calls must be quick and must not call the control plane back: a write waits for them.
pub trait Usage: Send + Sync {
    /// What a key used on each day of a range, oldest first; days count from 1970-01-01, UTC.
    ///
    /// Empty where nothing is known of the key under this plan, or where the plan has no quota.
    fn days(&self, plan_id: &str, key_id: &str, days: RangeInclusive<u64>) -> Vec<DayUse>;

    /// Sets how many requests a key has left in the period that runs now. False where nobody counts.
    fn set_remaining(&self, plan_id: &str, key_id: &str, remaining: u64) -> bool;
}

/// Nobody counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nothing;

impl Usage for Nothing {
    fn days(&self, _: &str, _: &str, _: RangeInclusive<u64>) -> Vec<DayUse> {
        Vec::new()
    }

    fn set_remaining(&self, _: &str, _: &str, _: u64) -> bool {
        false
    }
}
