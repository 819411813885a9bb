//! What was used of usage plans, day by day. The data plane counts; here stands how it is asked and answered.

use std::ops::RangeInclusive;

use serde_json::{Value, json};
use types::time::Timestamp;

use super::plan_keys::PLAN_KEY;
use super::usage_plans::USAGE_PLAN;
use crate::crud::{self, Answer, Call};
use crate::error::{self, Fault};
use crate::page::Page;
use crate::patch;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// The most days in one answer. Source: documented ("up to 90 days").
const DAYS_MAX: u64 = 90;

/// Answers what the keys of a plan, or one of them, used.
pub(crate) fn get(call: &Call, tx: &mut Transaction) -> Answer {
    crud::find(&USAGE_PLAN, call, tx)?;
    let plan_id = call.param(0);
    let days = days(call)?;
    let page = Page::read(USAGE_PLAN.paging, &call.query)?;
    let keys = paths::plan_keys(plan_id);
    let wanted = call.query("keyId");
    let keys = tx.after(&keys, page.after).filter(|(_, id, _)| wanted.is_none_or(|wanted| wanted == *id));
    let (keys, token) = page.take(keys.map(|(sequence, id, _)| (sequence, id)));
    let mut answer = answer(call, plan_id, &days, &keys);
    page.sign(&mut answer, token);
    Ok(Some(answer))
}

/// Sets what a key has left in the period that runs.
pub(crate) fn update(call: &Call, tx: &mut Transaction) -> Answer {
    crud::find(&PLAN_KEY, call, tx)?;
    let (plan_id, key_id) = (call.param(0), call.param(1));
    for step in patch::read(&call.body)? {
        if step.path != "/remaining" {
            return Err(step.wrong_path(&["/remaining"]));
        }
        let remaining = step.value.parse().map_err(|_| error::bad_request(error::USAGE_REMAINING))?;
        if !call.settings.usage.set_remaining(plan_id, key_id, remaining) {
            return Err(error::bad_request(error::USAGE_NOT_COUNTED));
        }
    }
    let today = call.now.days();
    Ok(Some(answer(call, plan_id, &(today..=today), &[key_id])))
}

fn answer(call: &Call, plan_id: &str, days: &RangeInclusive<u64>, keys: &[&str]) -> Document {
    let date = |day: u64| Value::from(Timestamp(day * 86_400_000).iso().chars().take(10).collect::<String>());
    let mut values = Document::new();
    for key in keys {
        let used = call.settings.usage.days(plan_id, key, days.clone());
        let used: Vec<Value> = used.iter().map(|day| json!([day.used, day.remaining])).collect();
        if !used.is_empty() {
            values.insert((*key).to_owned(), Value::Array(used));
        }
    }
    let mut answer = Document::new();
    answer.insert("usagePlanId".into(), plan_id.into());
    answer.insert("startDate".into(), date(*days.start()));
    answer.insert("endDate".into(), date(*days.end()));
    answer.insert("values".into(), Value::Object(values));
    answer
}

/// The days from `startDate` to `endDate`.
fn days(call: &Call) -> Result<RangeInclusive<u64>, Fault> {
    let date = |name| call.query(name).and_then(Timestamp::from_date).map(Timestamp::days);
    match (date("startDate"), date("endDate")) {
        (Some(start), Some(end)) if start <= end && end - start < DAYS_MAX => Ok(start..=end),
        _ => Err(error::bad_request(error::USAGE_DATES)),
    }
}
