//! The account's settings: the role that writes logs.

use serde_json::json;

use crate::crud::{Answer, Call};
use crate::error::Fault;
use crate::handlers::check_role;
use crate::members::{self, Member};
use crate::patch;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

const MEMBERS: &[Member] = &[Member::text("cloudwatchRoleArn", 1, 2048)];

/// Answers the account's settings.
pub(crate) fn get(_: &Call, tx: &mut Transaction) -> Answer {
    let settings = tx.get(paths::ACCOUNT, paths::SETTINGS).map(|settings| Document::clone(settings));
    Ok(Some(present(settings.unwrap_or_default())))
}

/// Changes the account's settings.
pub(crate) fn update(call: &Call, tx: &mut Transaction) -> Answer {
    let current = tx.get(paths::ACCOUNT, paths::SETTINGS).map(|settings| Document::clone(settings));
    let mut settings = current.clone().unwrap_or_default();
    for step in patch::read(&call.body)? {
        patch::take(MEMBERS, &["/cloudwatchRoleArn"], &mut settings, &step)?;
    }
    members::settle(MEMBERS, "Account", &mut settings)?;
    check(&settings)?;
    if current.as_ref() != Some(&settings) {
        tx.put(paths::ACCOUNT, paths::SETTINGS, settings.clone());
    }
    Ok(Some(present(settings)))
}

/// Refuses settings that do not hold up.
pub(crate) fn check(settings: &Document) -> Result<(), Fault> {
    check_role(settings, "cloudwatchRoleArn")
}

/// Source of what does not change: inferred from AWS's defaults for an account.
fn present(mut settings: Document) -> Document {
    settings.insert("throttleSettings".into(), json!({"burstLimit": 5000, "rateLimit": 10_000.0}));
    settings.insert("features".into(), json!(["UsagePlans"]));
    settings.insert("apiKeyVersion".into(), json!("4"));
    settings
}
