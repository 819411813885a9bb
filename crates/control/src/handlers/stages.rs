//! Stages.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::apis::API;
use super::v1::usage_plans;
use super::{mapped, tagged};
use crate::crud::{self, Answer, Call, IdRule, Quota, Resource, Subject};
use crate::deployments;
use crate::documents::{is_automatic, text};
use crate::error::{self, Fault};
use crate::members::{Member, MemberKind, Rule, empty};
use crate::page;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// Source: documented for REST APIs.
const VARIABLES_MAX: usize = 100;

/// Source: documented for REST APIs.
const VARIABLE_NAME_CHARS_MAX: usize = 64;

/// The settings of one route, or of all that have none.
const ROUTE_SETTINGS: &[Member] = &[
    Member::flag("dataTraceEnabled"),
    Member::flag("detailedMetricsEnabled"),
    Member::choice("loggingLevel", &["ERROR", "INFO", "OFF"]),
    Member::new("throttlingBurstLimit", MemberKind::Whole { min: 0, max: u32::MAX as i64 }, Rule::Replace),
    Member::new("throttlingRateLimit", MemberKind::Number, Rule::Replace),
];

/// The quotas say 3 KB; the API model says 1,024 characters.
const FORMAT_CHARS_MAX: usize = 3 * 1024;
const ACCESS_LOG_SETTINGS: &[Member] =
    &[Member::text("destinationArn", 1, 2048), Member::text("format", 1, FORMAT_CHARS_MAX)];

pub(crate) static STAGE: Resource = Resource {
    noun: "Stage",
    collection: "stages",
    parent: Some(&API),
    id_member: "stageName",
    id: IdRule::Given(error::STAGE_TAKEN),
    members: &[
        Member::new("accessLogSettings", MemberKind::Object(ACCESS_LOG_SETTINGS), Rule::Replace),
        Member::flag("autoDeploy").or(|| false.into()),
        Member::text("clientCertificateId", 1, 128),
        Member::output("createdDate"),
        Member::new("defaultRouteSettings", MemberKind::Object(ROUTE_SETTINGS), Rule::MergeMembers)
            .or(default_settings),
        Member::text("deploymentId", 1, 128),
        Member::text("description", 0, 1024),
        Member::output("lastDeploymentStatusMessage"),
        Member::output("lastUpdatedDate"),
        Member::new("routeSettings", MemberKind::ObjectMap(ROUTE_SETTINGS), Rule::MergeObjects).or(empty),
        Member::text("stageName", 1, 128).fixed().required().missing(error::STAGE_NAME).invalid(error::STAGE_NAME),
        Member::new("stageVariables", MemberKind::TextMap { value_max: 512 }, Rule::MergeTexts).or(empty),
        tagged::MEMBER,
    ],
    quota: Quota { name: "stages-per-api", get: |limits| limits.stages_per_api },
    paging: &page::V2,
    deployed: false,
    check,
    before_delete,
    present: crud::as_stored,
    absent: |_, _| error::no_such("stage"),
};

/// Source: acceptance tests of the Terraform provider.
fn default_settings() -> Value {
    json!({"dataTraceEnabled": false, "detailedMetricsEnabled": false, "loggingLevel": "OFF"})
}

/// Creates a stage; one with auto-deploy is deployed at once, if there is a route.
pub(crate) fn create(call: &Call, tx: &mut Transaction) -> Answer {
    let answer = crud::create(&STAGE, call, tx)?;
    let name = answer.as_ref().map_or("", |stage| text(stage, "stageName")).to_owned();
    // One that is given a deployment keeps it until the API changes. Source: reported (a test validated against AWS takes
    // both); that nothing is deployed at once then is inferred.
    if answer.as_ref().is_some_and(|stage| is_automatic(stage) && text(stage, "deploymentId").is_empty()) {
        deployments::automatic(call, tx, STAGE.members, call.param(0));
    }
    Ok(tx.get(&paths::stages(call.param(0)), &name).map(|stage| Document::clone(stage)))
}

/// Updates a stage; one that is switched to auto-deploy is deployed at once. Source of the latter: inferred.
pub(crate) fn update(call: &Call, tx: &mut Transaction) -> Answer {
    update_as(crud::update, call, tx)
}

/// As [`crud::reset`]; a stage of which the body says no deployment keeps the one that it has.
pub(crate) fn reset(call: &Call, tx: &mut Transaction) -> Answer {
    update_as(|resource, call, tx| crud::reset_but(&["deploymentId"], resource, call, tx), call, tx)
}

fn update_as(how: fn(&crud::Resource, &Call, &mut Transaction) -> Answer, call: &Call, tx: &mut Transaction) -> Answer {
    let (collection, id, previous) = crud::find(&STAGE, call, tx)?;
    let answer = how(&STAGE, call, tx)?;
    if answer.as_ref().is_some_and(is_automatic) && !is_automatic(&previous) {
        deployments::automatic(call, tx, STAGE.members, call.param(0));
    }
    Ok(tx.get(&collection, &id).map(|stage| Document::clone(stage)))
}

/// Deletes a stage, and the automatic deployment that was made for it.
pub(crate) fn delete(call: &Call, tx: &mut Transaction) -> Answer {
    let answer = crud::delete(&STAGE, call, tx)?;
    deployments::sweep(tx, call.param(0));
    Ok(answer)
}

/// Takes away a stage's access log settings; none there is no mistake.
pub(crate) fn delete_access_log_settings(call: &Call, tx: &mut Transaction) -> Answer {
    let (collection, id, stage) = crud::find(&STAGE, call, tx)?;
    let mut stage = Document::clone(&stage);
    if stage.shift_remove("accessLogSettings").is_some() {
        deployments::put_updated_stage(call, tx, STAGE.members, &collection, &id, stage);
    }
    Ok(None)
}

/// Takes away one route's settings.
pub(crate) fn delete_route_settings(call: &Call, tx: &mut Transaction) -> Answer {
    let (collection, id, stage) = crud::find(&STAGE, call, tx)?;
    let key = call.param(2);
    let mut stage = Document::clone(&stage);
    let settings = stage.get_mut("routeSettings").and_then(Value::as_object_mut);
    if settings.and_then(|settings| settings.shift_remove(key)).is_none() {
        return Err(error::no_such_route_key(key));
    }
    deployments::put_updated_stage(call, tx, STAGE.members, &collection, &id, stage);
    Ok(None)
}

/// Forgets the settings of a route that is gone. Source: inferred.
pub(super) fn drop_route_settings(tx: &mut Transaction, api_id: &str, route_key: &str) {
    let collection = paths::stages(api_id);
    let has_it = |stage: &Document| stage.get("routeSettings").is_some_and(|map| map.get(route_key).is_some());
    let stages: Vec<(String, Document)> = tx
        .all(&collection)
        .filter(|(_, stage)| has_it(stage))
        .map(|(id, stage)| (id.to_owned(), Document::clone(stage)))
        .collect();
    for (id, mut stage) in stages {
        if let Some(settings) = stage.get_mut("routeSettings").and_then(Value::as_object_mut) {
            settings.shift_remove(route_key);
        }
        tx.put(&collection, &id, stage);
    }
}

fn check(subject: &Subject, tx: &mut Transaction, stage: &mut Document) -> Result<(), Fault> {
    let name = text(stage, "stageName");
    // Source of `$default`: reported (configurations that made such stages).
    if name != "$default" && !name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-') {
        return Err(error::bad_request(error::STAGE_NAME));
    }
    tagged::check(stage)?;
    check_deployment(subject, tx, stage)?;
    check_variables(stage)?;
    let certificate = text(stage, "clientCertificateId");
    let was = subject.previous.map_or("", |previous| text(previous, "clientCertificateId"));
    if certificate != was && !certificate.is_empty() && tx.get(paths::CLIENT_CERTIFICATES, certificate).is_none() {
        return Err(error::bad_request(error::CLIENT_CERTIFICATE));
    }
    check_access_log(subject, stage)?;
    let routes = paths::routes(subject.api_id());
    if let Some(settings) = stage.get("routeSettings").and_then(Value::as_object).filter(|map| !map.is_empty()) {
        let keys: HashSet<&str> = tx.all(&routes).map(|(_, route)| text(route, "routeKey")).collect();
        if let Some(unknown) = settings.keys().find(|key| !keys.contains(key.as_str())) {
            return Err(error::no_such_route_key(unknown));
        }
    }
    if subject.previous.is_none() {
        stage.insert("createdDate".into(), subject.call.date());
    }
    if subject.previous != Some(stage) {
        stage.insert("lastUpdatedDate".into(), subject.call.date());
    }
    Ok(())
}

/// Refused while a domain name leads to it; usage plans forget it. Source of both: inferred.
fn before_delete(subject: &Subject, tx: &mut Transaction, _: &Document) -> Result<(), Fault> {
    let (api_id, name) = (subject.api_id().to_owned(), subject.id.to_owned());
    if mapped::has_stage(tx, &api_id, &name) {
        return Err(error::stage_is_mapped(&api_id, &name));
    }
    usage_plans::forget_stages(tx, |api, stage| api == api_id && stage == name);
    Ok(())
}

fn check_deployment(subject: &Subject, tx: &mut Transaction, stage: &Document) -> Result<(), Fault> {
    let previous = subject.previous.map_or("", |stage| text(stage, "deploymentId"));
    let id = text(stage, "deploymentId");
    // Refused for a stage that is there, its own deployment too; CreateStage takes both. Source: measured and reported.
    let names_one = subject.call.body.get("deploymentId").and_then(Value::as_str).is_some_and(|id| !id.is_empty());
    if subject.previous.is_some() && is_automatic(stage) && (names_one || id != previous) {
        return Err(error::bad_request(error::AUTO_DEPLOY));
    }
    if id == previous {
        return Ok(());
    }
    if !id.is_empty() && tx.get(&paths::deployments(subject.api_id()), id).is_none() {
        return Err(error::names_no("deployment"));
    }
    Ok(())
}

/// Source: the API model and the documentation of REST APIs.
fn check_variables(stage: &Document) -> Result<(), Fault> {
    let Some(variables) = stage.get("stageVariables").and_then(Value::as_object) else { return Ok(()) };
    if variables.len() > VARIABLES_MAX {
        return Err(error::out_of_bounds("stageVariables", &format!("a map of at most {VARIABLES_MAX} keys")));
    }
    for (name, value) in variables {
        let value = value.as_str().unwrap_or_default();
        let is_name = name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        let is_value = value.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._~:/?#&=,".contains(&c));
        if !is_name || !is_value {
            return Err(error::bad_request(error::STAGE_VARIABLE));
        }
        if name.len() > VARIABLE_NAME_CHARS_MAX {
            let bounds = format!("a map with keys of 1 to {VARIABLE_NAME_CHARS_MAX} characters");
            return Err(error::out_of_bounds("stageVariables", &bounds));
        }
    }
    Ok(())
}

/// A log group of CloudWatch, or a stream of Firehose. Source: documented; that others are refused is reported.
fn is_log_destination(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "logs", _, _, rest] => rest.strip_prefix("log-group:").is_some_and(|name| !name.is_empty()),
        ["arn", _, "firehose", _, _, rest] => rest.strip_prefix("deliverystream/").is_some_and(|name| !name.is_empty()),
        _ => false,
    }
}

fn check_access_log(subject: &Subject, stage: &mut Document) -> Result<(), Fault> {
    let Some(Value::Object(settings)) = stage.get_mut("accessLogSettings") else { return Ok(()) };
    // Templates take the ARN of a log group from a resource, which ends so; AWS answers it without.
    if let Some(Value::String(arn)) = settings.get_mut("destinationArn")
        && let Some(short) = arn.strip_suffix(":*")
    {
        *arn = short.to_owned();
    }
    let destination = settings.get("destinationArn").and_then(Value::as_str).unwrap_or_default();
    let format = settings.get("format").and_then(Value::as_str).unwrap_or_default();
    let kept = match () {
        () if !destination.is_empty() && !is_log_destination(destination) => Err(error::bad_request(error::ARN)),
        () if format.contains(['\n', '\r']) => Err(error::bad_request(error::LOG_FORMAT_LINES)),
        () => Ok(()),
    };
    let has_id = ["$context.requestId", "$context.extendedRequestId"].iter().any(|id| format.contains(id));
    let lacks_id = !format.is_empty() && !has_id;
    subject.newer_rule(stage, &["accessLogSettings"], kept)?;
    if lacks_id { Err(error::bad_request(error::LOG_FORMAT)) } else { Ok(()) }
}
