//! Integrations.

use mapping::check::Direction;
use serde_json::Value;

use super::apis::API;
use super::routes;
use super::{MAPPING_CHARS_MAX, TEMPLATE_CHARS_MAX, check_mappings, check_role, check_selection, check_templates};
use crate::crud::{self, IdRule, Quota, Resource, Subject};
use crate::documents::text;
use crate::error::{self, Fault};
use crate::ids;
use crate::members::{Member, MemberKind, Rule};
use crate::page;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// Source: inferred from REST APIs, whose list this is.
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];

pub(crate) static INTEGRATION: Resource = Resource {
    noun: "Integration",
    collection: "integrations",
    parent: Some(&API),
    id_member: "integrationId",
    id: IdRule::Random(ids::SEVEN),
    members: &[
        Member::text("connectionId", 1, 1024),
        Member::choice("connectionType", &["INTERNET", "VPC_LINK"]).or(|| "INTERNET".into()),
        Member::choice("contentHandlingStrategy", &["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]),
        Member::text("credentialsArn", 1, 2048),
        Member::text("description", 0, 1024),
        Member::output("integrationId"),
        Member::choice("integrationMethod", METHODS),
        Member::output("integrationResponseSelectionExpression"),
        Member::refused("integrationSubtype", MemberKind::Any, error::SUBTYPE),
        Member::choice("integrationType", &["AWS", "AWS_PROXY", "HTTP", "HTTP_PROXY", "MOCK"]).required(),
        Member::text("integrationUri", 1, 2048),
        Member::choice("passthroughBehavior", &["WHEN_NO_MATCH", "NEVER", "WHEN_NO_TEMPLATES"])
            .or(|| "WHEN_NO_MATCH".into()),
        Member::text("payloadFormatVersion", 1, 64).or(|| "1.0".into()),
        Member::new("requestParameters", MemberKind::TextMap { value_max: MAPPING_CHARS_MAX }, Rule::MergeTexts),
        Member::new("requestTemplates", MemberKind::TextMap { value_max: TEMPLATE_CHARS_MAX }, Rule::Replace),
        Member::refused("responseParameters", MemberKind::Any, error::RESPONSE_PARAMETERS),
        Member::text("templateSelectionExpression", 1, 1024),
        Member::new("timeoutInMillis", MemberKind::Whole { min: 50, max: 29_000 }, Rule::Replace)
            .or(|| 29_000.into())
            .invalid(error::TIMEOUT),
        Member::refused("tlsConfig", MemberKind::Any, error::TLS),
    ],
    quota: Quota { name: "integrations-per-api", get: |limits| limits.integrations_per_api },
    paging: &page::V2,
    deployed: true,
    check,
    before_delete,
    present: crud::as_stored,
    absent: |_, _| error::no_such("Integration"),
};

fn check(subject: &Subject, tx: &mut Transaction, integration: &mut Document) -> Result<(), Fault> {
    let kind = text(integration, "integrationType").to_owned();
    let uri = text(integration, "integrationUri");
    match kind.as_str() {
        "HTTP" | "HTTP_PROXY" => {
            if !integration.contains_key("integrationMethod") {
                return Err(error::bad_request(error::HTTP_METHOD));
            }
            if !is_http(uri) {
                return Err(error::bad_request(error::HTTP_URI));
            }
        }
        "AWS" | "AWS_PROXY" => {
            check_arn(uri)?;
            integration.entry("integrationMethod").or_insert_with(|| "POST".into());
        }
        // A mock calls nobody. Source: acceptance tests of the Terraform provider.
        _ => {
            integration.shift_remove("integrationMethod");
        }
    }
    let version = text(integration, "payloadFormatVersion");
    if version != "1.0" {
        return Err(error::payload_format(version));
    }
    if text(integration, "connectionType") == "VPC_LINK" {
        let link = text(integration, "connectionId");
        if link.is_empty() {
            return Err(error::bad_request(error::CONNECTION_ID));
        }
        // Any other id is taken: it may be a stage variable, or a link that the settings file names.
        if tx.get(paths::VPC_LINKS_V2, link).is_some() {
            return Err(error::bad_request(error::VPC_LINK_V2));
        }
    }
    // Source: acceptance tests of the Terraform provider.
    let selection = match kind.as_str() {
        "HTTP" | "MOCK" => Some("${integration.response.statuscode}"),
        "AWS" => Some("${integration.response.body.errorMessage}"),
        _ => None,
    };
    match selection {
        Some(selection) => integration.insert("integrationResponseSelectionExpression".into(), selection.into()),
        None => integration.shift_remove("integrationResponseSelectionExpression"),
    };
    check_role(integration, "credentialsArn")?;
    check_selection(integration, "templateSelectionExpression", Direction::Request)?;
    check_templates(integration, "requestTemplates")?;
    check_mappings(integration, "requestParameters", Direction::Request)?;
    let target = format!("integrations/{}", subject.id);
    for (route_id, route) in tx.all(&paths::routes(subject.api_id())) {
        if text(route, "target") == target {
            let kept = routes::check_connection(subject.id, integration, route_id, route);
            subject.newer_rule(integration, &["requestParameters"], kept)?;
        }
    }
    Ok(())
}

/// An HTTP address; what a stage variable stands for is known only at run time.
fn is_http(uri: &str) -> bool {
    let rest = uri.strip_prefix("http://").or_else(|| uri.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) || uri.starts_with("${stageVariables.")
}

/// `arn:aws:apigateway:{region}:{service}:{path|action}/…`, or the ARN of a Lambda function.
fn check_arn(uri: &str) -> Result<(), Fault> {
    let parts: Vec<&str> = uri.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "apigateway", region, service, rest] if !region.is_empty() && !service.is_empty() => {
            let action = rest.strip_prefix("path/").or_else(|| rest.strip_prefix("action/"));
            match action.filter(|action| !action.is_empty()) {
                Some(_) => Ok(()),
                None => Err(error::bad_request(error::AWS_URI)),
            }
        }
        // A convenience of HTTP APIs; taken here because it is plain what is meant.
        ["arn", _, "lambda", _, _, function] if function.starts_with("function:") => Ok(()),
        _ if uri.is_empty() || uri.starts_with("arn:") => Err(error::bad_request(error::AWS_URI)),
        _ if uri.starts_with("${stageVariables.") => Ok(()),
        _ => Err(error::bad_request(error::ARN)),
    }
}

fn before_delete(subject: &Subject, tx: &mut Transaction, _: &Document) -> Result<(), Fault> {
    let target = Value::String(format!("integrations/{}", subject.id));
    let routes = paths::routes(subject.api_id());
    let users: Vec<&str> =
        tx.all(&routes).filter(|(_, route)| route.get("target") == Some(&target)).map(|(id, _)| id).collect();
    if users.is_empty() { Ok(()) } else { Err(error::integration_in_use(&users)) }
}
