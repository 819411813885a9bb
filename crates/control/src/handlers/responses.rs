//! Integration responses and route responses.

use mapping::check::{self, Direction};
use serde_json::Value;

use super::integrations::INTEGRATION;
use super::routes::{CONSTRAINTS, ROUTE};
use super::{MAPPING_CHARS_MAX, TEMPLATE_CHARS_MAX, check_mappings, check_selection, check_templates};
use crate::crud::{self, IdRule, Quota, Resource, Subject};
use crate::documents::text;
use crate::error::{self, Fault};
use crate::ids;
use crate::members::{Member, MemberKind, Rule};
use crate::page;
use crate::store::Document;
use crate::transaction::Transaction;

pub(crate) static INTEGRATION_RESPONSE: Resource = Resource {
    noun: "IntegrationResponse",
    collection: "integrationresponses",
    parent: Some(&INTEGRATION),
    id_member: "integrationResponseId",
    id: IdRule::Random(ids::SIX),
    members: &[
        Member::choice("contentHandlingStrategy", &["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]),
        Member::output("integrationResponseId"),
        Member::text("integrationResponseKey", 1, 1024).required(),
        Member::new("responseParameters", MemberKind::TextMap { value_max: MAPPING_CHARS_MAX }, Rule::MergeTexts),
        Member::new("responseTemplates", MemberKind::TextMap { value_max: TEMPLATE_CHARS_MAX }, Rule::Replace),
        Member::text("templateSelectionExpression", 1, 1024),
    ],
    quota: Quota { name: "responses", get: |limits| limits.responses },
    paging: &page::V2,
    deployed: true,
    check: check_integration_response,
    before_delete: crud::may_go,
    present: crud::as_stored,
    absent: |_, _| error::no_such("IntegrationResponse"),
};

pub(crate) static ROUTE_RESPONSE: Resource = Resource {
    noun: "RouteResponse",
    collection: "routeresponses",
    parent: Some(&ROUTE),
    id_member: "routeResponseId",
    id: IdRule::Random(ids::SIX),
    members: &[
        Member::text("modelSelectionExpression", 1, 1024),
        Member::new("responseModels", MemberKind::TextMap { value_max: 128 }, Rule::Replace),
        Member::new("responseParameters", MemberKind::ObjectMap(CONSTRAINTS), Rule::MergeObjects),
        Member::output("routeResponseId"),
        Member::text("routeResponseKey", 1, 1024).required(),
    ],
    quota: Quota { name: "responses", get: |limits| limits.responses },
    paging: &page::V2,
    deployed: true,
    check: check_route_response,
    before_delete: crud::may_go,
    present: crud::as_stored,
    absent: |_, _| error::no_such("RouteResponse"),
};

fn check_integration_response(subject: &Subject, tx: &mut Transaction, response: &mut Document) -> Result<(), Fault> {
    let key = text(response, "integrationResponseKey");
    if !check::is_response_key(key) {
        return Err(error::bad_request(error::INTEGRATION_RESPONSE_KEY));
    }
    let taken = subject.namesake(tx, "integrationResponseKey", &Value::String(key.into())).is_some();
    if taken {
        return Err(error::response_key_taken("IntegrationResponse", key, "Integration"));
    }
    check_selection(response, "templateSelectionExpression", Direction::Response)?;
    check_templates(response, "responseTemplates")?;
    check_mappings(response, "responseParameters", Direction::Response)
}

fn check_route_response(subject: &Subject, tx: &mut Transaction, response: &mut Document) -> Result<(), Fault> {
    let key = text(response, "routeResponseKey");
    if key != "$default" {
        return Err(error::bad_request(error::ROUTE_RESPONSE_KEY));
    }
    match subject.namesake(tx, "routeResponseKey", &Value::String(key.into())) {
        Some(_) => Err(error::response_key_taken("RouteResponse", key, "Route")),
        None => Ok(()),
    }
}
