//! API keys.

use serde_json::Value;

use crate::crud::{self, Answer, Call, IdRule, Quota, Resource, Subject};
use crate::documents::text;
use crate::error::{self, Fault};
use crate::handlers::tagged;
use crate::ids;
use crate::members::{Member, MemberKind, Rule};
use crate::page;
use crate::patch::{self, Patch};
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// Source: recorded, as the next one.
const VALUE_CHARS_MIN: usize = 20;

const VALUE_CHARS_MAX: usize = 128;

/// Source: inferred; what is longer is refused on AWS too.
const KEY_DESCRIPTION_CHARS_MAX: usize = 125_000;

/// The longest value and customer id that are looked at before their own rules, so that neither is unbounded. Ours.
const CHARS_MAX: usize = 4096;

pub(crate) static API_KEY: Resource = Resource {
    noun: "API Key",
    collection: paths::API_KEYS,
    parent: None,
    id_member: "id",
    id: IdRule::Random(ids::API_KEY),
    members: &[
        Member::new("createdDate", MemberKind::Number, Rule::Output),
        Member::text("customerId", 0, CHARS_MAX),
        Member::text("description", 0, KEY_DESCRIPTION_CHARS_MAX).invalid(error::KEY_DESCRIPTION),
        Member::flag("enabled").or(|| false.into()),
        // Ids of ours are distinct anyway.
        Member::new("generateDistinctId", MemberKind::Flag, Rule::Ignored),
        Member::output("id"),
        Member::new("lastUpdatedDate", MemberKind::Number, Rule::Output),
        Member::text("name", 0, 1024).invalid(error::KEY_NAME),
        // Of REST APIs, from before usage plans: sent as objects, answered as texts.
        Member::new("stageKeys", MemberKind::Any, Rule::Fixed).or(|| Value::Array(Vec::new())),
        tagged::MEMBER,
        Member::text("value", 0, CHARS_MAX).fixed(),
    ],
    quota: Quota { name: "api-keys", get: |limits| limits.api_keys },
    paging: &page::V1,
    deployed: false,
    check,
    before_delete,
    present: |_, key| without_value(key),
    absent: |_, _| error::no_such("API Key"),
};

const PATCH: Patch = Patch {
    resource: &API_KEY,
    paths: &["/description", "/enabled", "/name", "/customerId"],
    special: patch::nothing_special,
};

/// Creates an API key; the answer has its value.
pub(crate) fn create(call: &Call, tx: &mut Transaction) -> Answer {
    let mut body = call.body.clone();
    // Any other word than `true` counts as false. Source: recorded.
    if let Some(enabled) = body.get_mut("enabled").filter(|enabled| !enabled.is_boolean() && !enabled.is_null()) {
        *enabled = enabled.as_str().is_some_and(|word| word.eq_ignore_ascii_case("true")).into();
    }
    let call = &Call { body, params: call.params.clone(), query: call.query.clone(), ..*call };
    let answer = crud::create(&API_KEY, call, tx)?;
    let id = answer.as_ref().map_or("", |key| text(key, "id"));
    Ok(tx.get(paths::API_KEYS, id).map(|key| Document::clone(key)))
}

/// Answers an API key, with its value for those who ask for it.
pub(crate) fn get(call: &Call, tx: &mut Transaction) -> Answer {
    let (_, _, key) = crud::find(&API_KEY, call, tx)?;
    let includes_value = call.query("includeValue") == Some("true");
    Ok(Some(if includes_value { Document::clone(&key) } else { without_value(&key) }))
}

/// Answers a page of API keys, by the beginning of their name or by their customer.
pub(crate) fn list(call: &Call, tx: &mut Transaction) -> Answer {
    let (name, customer) = (call.query("name").unwrap_or_default(), call.query("customerId"));
    let includes_values = call.query("includeValues") == Some("true");
    crud::list_as(
        &API_KEY,
        call,
        tx,
        |key| text(key, "name").starts_with(name) && customer.is_none_or(|id| text(key, "customerId") == id),
        |key| if includes_values { key.clone() } else { without_value(key) },
    )
}

/// Changes an API key.
pub(crate) fn update(call: &Call, tx: &mut Transaction) -> Answer {
    patch::update(&PATCH, call, tx)
}

fn without_value(key: &Document) -> Document {
    let mut key = key.clone();
    key.shift_remove("value");
    key
}

fn check(subject: &Subject, tx: &mut Transaction, key: &mut Document) -> Result<(), Fault> {
    tagged::check(key)?;
    write_stage_keys(key)?;
    if subject.previous.is_none() {
        choose_value(tx, key)?;
        key.insert("createdDate".into(), subject.call.seconds());
    }
    if subject.previous != Some(key) {
        key.insert("lastUpdatedDate".into(), subject.call.seconds());
    }
    Ok(())
}

/// Makes a value, or checks the caller's. Two keys of one value would be told apart by nobody.
fn choose_value(tx: &Transaction, key: &mut Document) -> Result<(), Fault> {
    let value = text(key, "value").to_owned();
    match value.chars().count() {
        0 => {
            key.insert("value".into(), ids::letters(ids::API_KEY_VALUE).into());
            return Ok(());
        }
        length if length < VALUE_CHARS_MIN => return Err(error::bad_request(error::KEY_VALUE_SHORT)),
        length if length > VALUE_CHARS_MAX => return Err(error::bad_request(error::KEY_VALUE_LONG)),
        _ => {}
    }
    if tx.all(paths::API_KEYS).any(|(_, other)| text(other, "value") == value) {
        return Err(error::conflict(error::KEY_TAKEN));
    }
    Ok(())
}

fn write_stage_keys(key: &mut Document) -> Result<(), Fault> {
    let wrong = || error::wrong_type("stageKeys", "a list of objects");
    let given = key.get("stageKeys").cloned().unwrap_or_default();
    let mut texts = Vec::new();
    for stage in given.as_array().ok_or_else(wrong)? {
        texts.push(match stage {
            Value::String(_) => stage.clone(),
            Value::Object(stage) => format!("{}/{}", text(stage, "restApiId"), text(stage, "stageName")).into(),
            _ => return Err(wrong()),
        });
    }
    key.insert("stageKeys".into(), Value::Array(texts));
    Ok(())
}

/// Takes the key out of its usage plans. Source: inferred.
fn before_delete(subject: &Subject, tx: &mut Transaction, _: &Document) -> Result<(), Fault> {
    let plans: Vec<String> = tx.all(paths::USAGE_PLANS).map(|(id, _)| paths::plan_keys(id)).collect();
    for keys in plans {
        if tx.get(&keys, subject.id).is_some() {
            tx.delete(&keys, subject.id);
        }
    }
    Ok(())
}
