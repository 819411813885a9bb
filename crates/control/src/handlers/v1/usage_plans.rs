//! Usage plans: which stages their keys open, how fast and how often.

use serde_json::{Value, json};

use super::DESCRIPTION_CHARS_MAX;
use crate::crud::{self, Answer, Call, IdRule, Quota, Resource, Subject};
use crate::documents::text;
use crate::error::{self, Fault};
use crate::handlers::tagged;
use crate::ids;
use crate::members::{Member, MemberKind, Rule};
use crate::page;
use crate::patch::{self, Op, Patch, Step};
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// The largest burst and quota: what a 32-bit number holds. Source: the API model (`integer`).
const NUMBER_MAX: i64 = i32::MAX as i64;

const THROTTLE: &[Member] = &[
    Member::new("burstLimit", MemberKind::Whole { min: 0, max: NUMBER_MAX }, Rule::Replace),
    Member::new("rateLimit", MemberKind::Number, Rule::Replace),
];

const QUOTA: &[Member] = &[
    Member::new("limit", MemberKind::Whole { min: 1, max: NUMBER_MAX }, Rule::Replace),
    Member::new("offset", MemberKind::Whole { min: 0, max: NUMBER_MAX }, Rule::Replace),
    Member::choice("period", &["DAY", "WEEK", "MONTH"]),
];

const API_STAGE: &[Member] = &[
    Member::text("apiId", 0, 128),
    Member::text("stage", 0, 128),
    Member::new("throttle", MemberKind::ObjectMap(THROTTLE), Rule::Replace),
];

pub(crate) static USAGE_PLAN: Resource = Resource {
    noun: "Usage Plan",
    collection: paths::USAGE_PLANS,
    parent: None,
    id_member: "id",
    id: IdRule::Random(ids::SIX),
    members: &[
        Member::new("apiStages", MemberKind::Objects(API_STAGE), Rule::Fixed).or(|| json!([])),
        Member::text("description", 0, DESCRIPTION_CHARS_MAX),
        Member::output("id"),
        Member::text("name", 1, 1024).required(),
        // Of the AWS Marketplace; only a patch sets it.
        Member::output("productCode"),
        Member::new("quota", MemberKind::Object(QUOTA), Rule::Fixed),
        tagged::MEMBER,
        Member::new("throttle", MemberKind::Object(THROTTLE), Rule::Fixed),
    ],
    quota: Quota { name: "usage-plans", get: |limits| limits.usage_plans },
    paging: &page::V1,
    deployed: false,
    check,
    before_delete,
    present: crud::as_stored,
    absent: |_, _| error::no_such_plan(),
};

const PATCH: Patch = Patch {
    resource: &USAGE_PLAN,
    paths: &[
        "/apiStages",
        "/description",
        "/name",
        "/productCode",
        "/quota",
        "/quota/limit",
        "/quota/offset",
        "/quota/period",
        "/throttle",
        "/throttle/burstLimit",
        "/throttle/rateLimit",
    ],
    special: patch_stages,
};

/// Answers a page of usage plans, or of those that a key is in.
pub(crate) fn list(call: &Call, tx: &mut Transaction) -> Answer {
    let key = call.query("keyId");
    let has_key = |plan: &Document| key.is_none_or(|key| tx.get(&paths::plan_keys(text(plan, "id")), key).is_some());
    crud::list_as(&USAGE_PLAN, call, tx, has_key, Document::clone)
}

/// Changes a usage plan.
pub(crate) fn update(call: &Call, tx: &mut Transaction) -> Answer {
    patch::update(&PATCH, call, tx)
}

/// The stages of a plan: API id and stage name.
pub(super) fn stages(plan: &Document) -> impl Iterator<Item = (&str, &str)> {
    let stages = plan.get("apiStages").and_then(Value::as_array).into_iter().flatten();
    stages.filter_map(Value::as_object).map(|stage| (text(stage, "apiId"), text(stage, "stage")))
}

/// Refuses a key in a plan that opens a stage which another plan of the key opens. Source: documented.
pub(super) fn check_one_plan_per_stage(
    tx: &Transaction,
    plan_id: &str,
    plan: &Document,
    key_id: &str,
) -> Result<(), Fault> {
    for (other_id, other) in tx.all(paths::USAGE_PLANS).filter(|(id, _)| *id != plan_id) {
        let shared = stages(plan).find(|stage| stages(other).any(|other| other == *stage));
        if let Some((api_id, stage)) = shared
            && tx.get(&paths::plan_keys(other_id), key_id).is_some()
        {
            return Err(error::two_plans(key_id, api_id, stage, other_id));
        }
    }
    Ok(())
}

/// Takes stages that are gone out of every plan. Source: inferred; a plan could not be changed again otherwise.
pub(crate) fn forget_stages(tx: &mut Transaction, is_gone: impl Fn(&str, &str) -> bool) {
    let plans: Vec<(String, Document)> = tx
        .all(paths::USAGE_PLANS)
        .filter(|(_, plan)| stages(plan).any(|(api_id, stage)| is_gone(api_id, stage)))
        .map(|(id, plan)| (id.to_owned(), Document::clone(plan)))
        .collect();
    for (id, mut plan) in plans {
        if let Some(Value::Array(stages)) = plan.get_mut("apiStages") {
            let member = |stage: &Value, name: &str| stage[name].as_str().unwrap_or_default().to_owned();
            stages.retain(|stage| !is_gone(&member(stage, "apiId"), &member(stage, "stage")));
        }
        tx.put(paths::USAGE_PLANS, &id, plan);
    }
}

fn check(subject: &Subject, tx: &mut Transaction, plan: &mut Document) -> Result<(), Fault> {
    tagged::check(plan)?;
    let known = subject.previous.map(|previous| stages(previous).collect::<Vec<_>>()).unwrap_or_default();
    for (api_id, stage) in stages(plan) {
        if api_id.is_empty() || stage.is_empty() || stages(plan).filter(|other| *other == (api_id, stage)).count() > 1 {
            return Err(error::bad_request(error::API_STAGE));
        }
        if !known.contains(&(api_id, stage)) && tx.get(&paths::stages(api_id), stage).is_none() {
            return Err(error::no_such_api_stage(api_id, stage, subject.id));
        }
    }
    for (key_id, _) in tx.all(&paths::plan_keys(subject.id)) {
        check_one_plan_per_stage(tx, subject.id, plan, key_id)?;
    }
    if let Some(Value::Object(quota)) = plan.get_mut("quota") {
        if !quota.contains_key("limit") || !quota.contains_key("period") {
            return Err(error::bad_request(error::QUOTA));
        }
        quota.entry("offset").or_insert(0.into());
        *quota = crate::members::arrange(QUOTA, std::mem::take(quota));
    }
    Ok(())
}

/// Takes a step on `/apiStages`, whose value is `apiId:stage`, or below it on a stage's throttle.
fn patch_stages(plan: &mut Document, step: &Step) -> Result<bool, Fault> {
    let Some(rest) = step.path.strip_prefix("/apiStages") else { return Ok(false) };
    let name = if rest.is_empty() { step.value } else { rest.split('/').nth(1).unwrap_or_default() };
    let (api_id, stage) = name.split_once(':').ok_or_else(|| error::bad_request(error::API_STAGE))?;
    let entry = plan.entry("apiStages").or_insert_with(|| json!([]));
    let Value::Array(stages) = entry else { return Ok(false) };
    let at = stages.iter().position(|known| known["apiId"] == api_id && known["stage"] == stage);
    match (rest.is_empty(), step.op, at) {
        (true, Op::Remove, Some(at)) => {
            stages.remove(at);
        }
        (true, Op::Add, None) => stages.push(json!({"apiId": api_id, "stage": stage})),
        (true, Op::Add, Some(_)) => {}
        (false, _, Some(at)) => {
            let Value::Object(stage) = &mut stages[at] else { return Ok(false) };
            return patch_throttle(stage, &rest[name.len() + 1..], step).map(|()| true);
        }
        _ => return Err(error::bad_request(error::API_STAGE)),
    }
    Ok(true)
}

/// `/throttle`, `/throttle/{route key}`, or one of its two numbers. A slash in a route key is written `~1`.
fn patch_throttle(stage: &mut Document, path: &str, step: &Step) -> Result<(), Fault> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let wrong = || step.wrong_path(PATCH.paths);
    let key = |escaped: &str| escaped.replace("~1", "/").replace("~0", "~");
    match (segments.as_slice(), step.op) {
        (["throttle"], Op::Remove) => {
            stage.shift_remove("throttle");
        }
        (["throttle", route], Op::Remove) => {
            if let Some(Value::Object(routes)) = stage.get_mut("throttle") {
                routes.shift_remove(&key(route));
            }
        }
        (["throttle", route, member @ ("rateLimit" | "burstLimit")], _) => {
            let routes = stage.entry("throttle").or_insert_with(crate::members::empty);
            let Value::Object(routes) = routes else { return Err(wrong()) };
            let throttle = routes.entry(key(route)).or_insert_with(crate::members::empty);
            let Value::Object(throttle) = throttle else { return Err(wrong()) };
            let path = format!("/{member}");
            let step = Step { path: &path, ..*step };
            patch::take(THROTTLE, &["/burstLimit", "/rateLimit"], throttle, &step)?;
        }
        _ => return Err(wrong()),
    }
    Ok(())
}

fn before_delete(subject: &Subject, _: &mut Transaction, plan: &Document) -> Result<(), Fault> {
    let stages: Vec<String> = stages(plan).map(|(api_id, stage)| format!("{api_id}:{stage}")).collect();
    if stages.is_empty() { Ok(()) } else { Err(error::plan_in_use(subject.id, &stages)) }
}
