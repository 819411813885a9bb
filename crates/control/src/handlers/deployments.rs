//! Deployments, as a caller makes and sees them; `crate::deployments` has what is in them.

use serde_json::Value;

use super::apis::API;
use super::stages::STAGE;
use crate::crud::{self, Answer, Call, IdRule, Quota, Resource, Subject};
use crate::deployments;
use crate::documents::{is_automatic, text};
use crate::error::{self, Fault};
use crate::ids;
use crate::members::{Member, MemberKind, Rule};
use crate::page;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

pub(crate) static DEPLOYMENT: Resource = Resource {
    noun: "Deployment",
    collection: "deployments",
    parent: Some(&API),
    id_member: "deploymentId",
    id: IdRule::Random(ids::SIX),
    members: &[
        Member::new("autoDeployed", MemberKind::Flag, Rule::Output).or(|| false.into()),
        Member::output("createdDate"),
        Member::output("deploymentId"),
        Member::output("deploymentStatus").or(|| "DEPLOYED".into()),
        Member::text("description", 0, 1024),
        // Says which stage to move; it is not part of the deployment.
        Member::new("stageName", MemberKind::Any, Rule::Ignored),
    ],
    quota: Quota { name: "deployments-per-api", get: |limits| limits.deployments_per_api },
    paging: &page::V2,
    deployed: false,
    check,
    before_delete,
    present: crud::as_stored,
    absent: |_, _| error::no_such("deployment"),
};

/// Deploys an API as it is now and, if the caller names a stage, moves the stage to it.
pub(crate) fn create(call: &Call, tx: &mut Transaction) -> Answer {
    crud::locate(&DEPLOYMENT, call, tx)?;
    let api_id = call.param(0);
    let stage = named_stage(call, tx)?;
    deployments::check(tx, api_id)?;
    let answer = crud::create(&DEPLOYMENT, call, tx)?;
    let id = answer.as_ref().map_or("", |deployment| text(deployment, "deploymentId")).to_owned();
    deployments::record(tx, api_id, &id);
    if let Some((name, mut stage)) = stage {
        stage.insert("deploymentId".into(), Value::String(id));
        deployments::put_updated_stage(call, tx, STAGE.members, &paths::stages(api_id), &name, stage);
    }
    Ok(answer)
}

/// The stage that the caller wants moved. It must exist, and must not move by itself.
fn named_stage(call: &Call, tx: &Transaction) -> Result<Option<(String, Document)>, Fault> {
    let name = match call.body.get("stageName") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(name)) if name.is_empty() => return Ok(None),
        Some(Value::String(name)) => name,
        Some(_) => return Err(error::wrong_type("stageName", "a string")),
    };
    let stage = tx.get(&paths::stages(call.param(0)), name);
    // Named by the body, so it is no 404. Source: reported as a rule.
    let stage = stage.ok_or_else(|| error::bad_request((STAGE.absent)(call.settings, name).message))?;
    // Source: inferred.
    if is_automatic(stage) {
        return Err(error::bad_request(error::AUTO_DEPLOY));
    }
    Ok(Some((name.clone(), Document::clone(stage))))
}

fn check(subject: &Subject, _: &mut Transaction, deployment: &mut Document) -> Result<(), Fault> {
    if subject.previous.is_none() {
        deployment.insert("createdDate".into(), subject.call.date());
    }
    Ok(())
}

fn before_delete(subject: &Subject, tx: &mut Transaction, _: &Document) -> Result<(), Fault> {
    let stages = paths::stages(subject.api_id());
    let in_use = tx.all(&stages).any(|(_, stage)| text(stage, "deploymentId") == subject.id);
    if in_use { Err(error::bad_request(error::DEPLOYMENT_IN_USE)) } else { Ok(()) }
}
