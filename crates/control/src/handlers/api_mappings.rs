//! API mappings: which stage a path of a custom domain name leads to.

use serde_json::Value;

use super::apis::API;
use super::domain_names::DOMAIN_NAME;
use super::stages::STAGE;
use crate::crud::{self, IdRule, Quota, Resource, Subject};
use crate::documents::text;
use crate::error::{self, Fault};
use crate::ids;
use crate::members::Member;
use crate::page;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// Source: documented.
const KEY_CHARS_MAX: usize = 300;

pub(crate) static API_MAPPING: Resource = Resource {
    noun: "ApiMapping",
    collection: paths::API_MAPPINGS,
    parent: Some(&DOMAIN_NAME),
    id_member: "apiMappingId",
    id: IdRule::Random(ids::SIX),
    members: &[
        Member::text("apiId", 1, 128).required(),
        Member::output("apiMappingId"),
        Member::text("apiMappingKey", 1, KEY_CHARS_MAX).invalid(error::MAPPING_KEY),
        Member::text("stage", 1, 128).required(),
    ],
    quota: Quota { name: "mappings-per-domain", get: |limits| limits.mappings_per_domain },
    paging: &page::V2_FIRST_PAGE,
    deployed: false,
    check,
    before_delete: crud::may_go,
    present: crud::as_stored,
    absent: |_, _| error::no_such("API mapping"),
};

fn check(subject: &Subject, tx: &mut Transaction, mapping: &mut Document) -> Result<(), Fault> {
    let key = text(mapping, "apiMappingKey");
    // A slash would make a path of several levels, which WebSocket APIs do not have. Source: documented.
    if !key.bytes().all(|c| c.is_ascii_alphanumeric() || b"$-_.+!*'()".contains(&c)) {
        return Err(error::bad_request(error::MAPPING_KEY));
    }
    let (api_id, stage) = (text(mapping, "apiId"), text(mapping, "stage"));
    if tx.get(paths::APIS, api_id).is_none() {
        return Err(error::bad_request((API.absent)(subject.call.settings, api_id).message));
    }
    if tx.get(&paths::stages(api_id), stage).is_none() {
        return Err(error::bad_request((STAGE.absent)(subject.call.settings, stage).message));
    }
    let domain = tx.get(paths::DOMAIN_NAMES, subject.call.param(0));
    if domain.is_some_and(|domain| domain.contains_key("mutualTlsAuthentication")) {
        return Err(error::bad_request(error::MUTUAL_TLS));
    }
    let mut others = tx.all(subject.collection).filter(|(id, _)| *id != subject.id);
    if others.any(|(_, other)| other.get("apiMappingKey").and_then(Value::as_str).unwrap_or_default() == key) {
        return Err(error::mapping_key_taken(if key.is_empty() { "(none)" } else { key }));
    }
    Ok(())
}
