//! The keys of a usage plan: which API keys are in it.

use serde_json::Value;

use super::usage_plans::{self, USAGE_PLAN};
use crate::crud::{self, Answer, Call, IdRule, Quota, Resource};
use crate::documents::text;
use crate::error;
use crate::members::{Member, MemberKind, Rule};
use crate::page::{self, Page};
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// What is stored is that the key is in the plan; its name and value stand with the key.
pub(crate) static PLAN_KEY: Resource = Resource {
    noun: "Usage Plan Key",
    collection: "keys",
    parent: Some(&USAGE_PLAN),
    id_member: "id",
    id: IdRule::Given(""),
    members: &[Member::output("id"), Member::new("type", MemberKind::Any, Rule::Output)],
    quota: Quota { name: "api-keys", get: |limits| limits.api_keys },
    paging: &page::V1,
    deployed: false,
    // Only an import comes here: `create` looks for the key itself.
    check: |subject, tx, _| match tx.get(paths::API_KEYS, subject.id) {
        Some(_) => Ok(()),
        None => Err(error::no_such("API Key")),
    },
    before_delete: crud::may_go,
    present: crud::as_stored,
    absent: |_, _| error::no_such("Usage Plan Key"),
};

/// Puts a key into a plan.
pub(crate) fn create(call: &Call, tx: &mut Transaction) -> Answer {
    let keys = crud::locate(&PLAN_KEY, call, tx)?;
    if text(&call.body, "keyType") != "API_KEY" {
        return Err(error::bad_request(error::KEY_TYPE));
    }
    let (plan_id, key_id) = (call.param(0), text(&call.body, "keyId"));
    if tx.get(paths::API_KEYS, key_id).is_none() {
        return Err(error::no_such("API Key"));
    }
    if tx.get(&keys, key_id).is_some() {
        return Err(error::plan_key_taken(key_id, plan_id));
    }
    if let Some(plan) = tx.get(paths::USAGE_PLANS, plan_id) {
        usage_plans::check_one_plan_per_stage(tx, plan_id, plan, key_id)?;
    }
    let mut document = Document::new();
    document.insert("id".into(), key_id.into());
    document.insert("type".into(), "API_KEY".into());
    tx.put(&keys, key_id, document.clone());
    Ok(Some(present(tx, &document)))
}

/// Answers a key of a plan.
pub(crate) fn get(call: &Call, tx: &mut Transaction) -> Answer {
    let (_, _, key) = crud::find(&PLAN_KEY, call, tx)?;
    Ok(Some(present(tx, &key)))
}

/// Answers a page of a plan's keys, by the beginning of their name. A plan that is not there has none. Source: recorded.
pub(crate) fn list(call: &Call, tx: &mut Transaction) -> Answer {
    let name = call.query("name").unwrap_or_default();
    let page = Page::read(PLAN_KEY.paging, &call.query)?;
    let keys = paths::plan_keys(call.param(0));
    let items = tx
        .after(&keys, page.after)
        .map(|(sequence, _, key)| (sequence, present(tx, key)))
        .filter(|(_, key)| text(key, "name").starts_with(name))
        .map(|(sequence, key)| (sequence, Value::Object(key)));
    Ok(Some(page.fill(items)))
}

fn present(tx: &Transaction, plan_key: &Document) -> Document {
    let mut answer = plan_key.clone();
    if let Some(key) = tx.get(paths::API_KEYS, text(plan_key, "id")) {
        for member in ["value", "name"] {
            if let Some(value) = key.get(member) {
                answer.insert(member.into(), value.clone());
            }
        }
    }
    answer
}
