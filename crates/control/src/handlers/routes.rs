//! Routes.

use mapping::check::{Direction, is_declaration, undeclared};
use serde_json::Value;

use super::apis::API;
use super::{check_selection, stages};
use crate::crud::{self, Answer, Call, IdRule, Quota, Resource, Subject};
use crate::documents::text;
use crate::error::{self, Fault};
use crate::ids;
use crate::members::{Member, MemberKind, Rule};
use crate::page;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// What a declared request parameter says.
pub(super) const CONSTRAINTS: &[Member] = &[Member::flag("required")];

pub(crate) static ROUTE: Resource = Resource {
    noun: "Route",
    collection: "routes",
    parent: Some(&API),
    id_member: "routeId",
    id: IdRule::Random(ids::SEVEN),
    members: &[
        Member::flag("apiKeyRequired").or(|| false.into()),
        Member::refused("authorizationScopes", MemberKind::Any, error::SCOPES),
        Member::choice("authorizationType", &["NONE", "AWS_IAM", "CUSTOM", "JWT"]).or(|| "NONE".into()),
        Member::text("authorizerId", 1, 128),
        Member::text("modelSelectionExpression", 1, 1024),
        Member::text("operationName", 1, 64),
        Member::new("requestModels", MemberKind::TextMap { value_max: 128 }, Rule::Replace),
        Member::new("requestParameters", MemberKind::ObjectMap(CONSTRAINTS), Rule::MergeObjects),
        Member::output("routeId"),
        Member::text("routeKey", 1, 1024).required().invalid(error::ROUTE_KEY),
        Member::text("routeResponseSelectionExpression", 1, 1024),
        Member::text("target", 1, 128).invalid(error::TARGET),
    ],
    quota: Quota { name: "routes-per-api", get: |limits| limits.routes_per_api },
    paging: &page::V2,
    deployed: true,
    check,
    before_delete,
    present: crud::as_stored,
    absent: |_, _| error::no_such("Route"),
};

/// Deletes one declared request parameter.
pub(crate) fn delete_request_parameter(call: &Call, tx: &mut Transaction) -> Answer {
    let (collection, id, route) = crud::find(&ROUTE, call, tx)?;
    let key = call.param(2);
    let mut route = Document::clone(&route);
    let parameters = route.get_mut("requestParameters").and_then(Value::as_object_mut);
    let Some(parameters) = parameters else { return Err(error::no_such_request_parameter(key)) };
    if parameters.shift_remove(key).is_none() {
        return Err(error::no_such_request_parameter(key));
    }
    if parameters.is_empty() {
        route.shift_remove("requestParameters");
    }
    tx.edited(call.param(0));
    tx.put(&collection, &id, route);
    Ok(None)
}

fn check(subject: &Subject, tx: &mut Transaction, route: &mut Document) -> Result<(), Fault> {
    let key = text(route, "routeKey").to_owned();
    if key.starts_with('$') && !["$connect", "$disconnect", "$default"].contains(&key.as_str()) {
        return Err(error::bad_request(error::ROUTE_KEY));
    }
    let wrong = parameters(route).filter(|(declaration, _)| !is_declaration(declaration));
    let mistakes: Vec<String> = wrong.map(|(declaration, _)| error::mapping_target(declaration)).collect();
    if !mistakes.is_empty() {
        return Err(error::mapping_expressions(&mistakes));
    }
    check_selection(route, "modelSelectionExpression", Direction::Request)?;
    check_authorization(subject, tx, route, &key)?;
    check_target(subject, tx, route)?;
    if subject.namesake(tx, "routeKey", &Value::String(key.clone())).is_some() {
        return Err(error::route_key_taken(&key));
    }
    if let Some(previous) = subject.previous.map(|previous| text(previous, "routeKey")).filter(|old| *old != key) {
        stages::drop_route_settings(tx, subject.api_id(), previous);
    }
    Ok(())
}

fn check_authorization(subject: &Subject, tx: &Transaction, route: &mut Document, key: &str) -> Result<(), Fault> {
    match text(route, "authorizationType") {
        "NONE" => {
            // Only when the caller says so: an authorizer without a type was seen to stay, without effect.
            // Source: observed (reports), and CloudFormation needs NONE to take the authorizer off.
            if subject.call.body.get("authorizationType").is_some_and(|given| given == "NONE")
                && subject.previous.is_some()
            {
                route.shift_remove("authorizerId");
            }
            return Ok(());
        }
        "JWT" => return Err(error::bad_request(error::JWT_ROUTE)),
        _ if key != "$connect" => return Err(error::bad_request(error::CONNECT_ONLY)),
        "CUSTOM" => {}
        _ => return Ok(()),
    }
    let authorizers = paths::authorizers(subject.api_id());
    match tx.get(&authorizers, text(route, "authorizerId")) {
        Some(_) => Ok(()),
        None => Err(error::bad_request(error::AUTHORIZER_ID)),
    }
}

fn check_target(subject: &Subject, tx: &Transaction, route: &Document) -> Result<(), Fault> {
    let Some(target) = route.get("target").and_then(Value::as_str) else { return Ok(()) };
    let id = target.strip_prefix("integrations/").filter(|id| !id.is_empty() && !id.contains('/'));
    let id = id.ok_or_else(|| error::bad_request(error::TARGET))?;
    let integrations = paths::integrations(subject.api_id());
    match tx.get(&integrations, id) {
        Some(integration) => {
            let kept = check_connection(id, integration, subject.id, route);
            subject.newer_rule(route, &["target", "requestParameters", "routeKey"], kept)
        }
        // Inferred: AWS refuses to delete an integration that a route names, so none can name a missing one.
        None => Err(error::names_no("Integration")),
    }
}

/// What a handshake brings, `$connect` must declare before its integration may map it; whichever of the two comes second is
/// refused. Source: reported.
pub(super) fn check_connection(
    integration_id: &str,
    integration: &Document,
    route_id: &str,
    route: &Document,
) -> Result<(), Fault> {
    if text(route, "routeKey") != "$connect" {
        return Ok(());
    }
    let declared = parameters(route).map(|(declaration, _)| declaration.as_str());
    let sources = parameters(integration).filter_map(|(_, source)| source.as_str());
    match undeclared(sources, declared) {
        Some(source) => Err(error::undeclared(integration_id, route_id, source)),
        None => Ok(()),
    }
}

fn parameters(document: &Document) -> impl Iterator<Item = (&String, &Value)> {
    document.get("requestParameters").and_then(Value::as_object).into_iter().flatten()
}

fn before_delete(subject: &Subject, tx: &mut Transaction, route: &Document) -> Result<(), Fault> {
    stages::drop_route_settings(tx, subject.api_id(), text(route, "routeKey"));
    Ok(())
}
