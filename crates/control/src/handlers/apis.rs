//! Apis.

use mapping::check::Direction;
use serde_json::Value;

use super::v1::usage_plans;
use super::{check_selection, mapped, tagged};
use crate::crud::{self, Answer, Call, IdRule, Quota, Resource, Subject};
use crate::documents::text;
use crate::error::{self, Fault};
use crate::ids;
use crate::members::{Member, MemberKind, Rule};
use crate::page;
use crate::paths;
use crate::settings::Settings;
use crate::store::Document;
use crate::transaction::Transaction;

/// An API's tag whose value becomes its id, so that URLs on a laptop stay the same. Ours, as other emulators have it.
const CUSTOM_ID: &str = "_custom_id_";

/// Quick create is for HTTP APIs; tools send its members for WebSocket APIs too, and AWS takes no notice. Source: reported (a
/// library that has made WebSocket APIs so for years).
const QUICK_CREATE: Rule = Rule::WithoutEffect(
    "that is for HTTP APIs, and makes nothing here, as on AWS; make routes and integrations with aws apigatewayv2 \
     create-integration and create-route",
);

pub(crate) static API: Resource = Resource {
    noun: "Api",
    collection: "apis",
    parent: None,
    id_member: "apiId",
    id: IdRule::Random(ids::API),
    members: &[
        Member::output("apiId"),
        Member::text("apiKeySelectionExpression", 1, 1024).or(|| "$request.header.x-api-key".into()),
        Member::refused("corsConfiguration", MemberKind::Any, error::CORS),
        Member::output("createdDate"),
        Member::new("credentialsArn", MemberKind::Any, QUICK_CREATE),
        Member::text("description", 0, 1024),
        Member::flag("disableExecuteApiEndpoint").or(|| false.into()),
        Member::flag("disableSchemaValidation"),
        Member::choice("ipAddressType", &["ipv4", "dualstack"]).or(|| "ipv4".into()),
        Member::text("name", 1, 128).required().missing(error::API_NAME).invalid(error::API_NAME),
        Member::choice("protocolType", &["WEBSOCKET"]).fixed(),
        Member::new("routeKey", MemberKind::Any, QUICK_CREATE),
        Member::text("routeSelectionExpression", 1, 1024).required().missing(error::ROUTE_SELECTION),
        tagged::MEMBER,
        Member::new("target", MemberKind::Any, QUICK_CREATE),
        Member::text("version", 1, 64),
    ],
    quota: Quota { name: "apis", get: |limits| limits.apis },
    paging: &page::V2,
    deployed: true,
    check,
    before_delete,
    present,
    absent: |settings, id| error::no_such_api(&settings.place, id),
};

/// Creates an API.
pub(crate) fn create(call: &Call, tx: &mut Transaction) -> Answer {
    create_as(None, call, tx)
}

/// Creates an API with an id that its tag does not ask for. One that is taken, or that no tag could ask for, is not used.
pub(crate) fn create_as(id: Option<&str>, call: &Call, tx: &mut Transaction) -> Answer {
    // First of all, as an HTTP API would fail by what it does not have, and the caller would look there.
    match call.body.get("protocolType") {
        Some(Value::String(protocol)) if protocol == "WEBSOCKET" => {}
        Some(Value::String(protocol)) if protocol == "HTTP" => return Err(error::bad_request(error::PROTOCOL_HTTP)),
        Some(Value::String(_) | Value::Null) | None => return Err(error::bad_request(error::PROTOCOL)),
        Some(_) => return Err(error::wrong_type("protocolType", "a string")),
    }
    let id = match call.body.get("tags").and_then(|tags| tags.get(CUSTOM_ID)).and_then(Value::as_str) {
        Some(id) if !is_custom_id(id) => return Err(error::bad_request(error::CUSTOM_ID)),
        Some(id) if tx.get(paths::APIS, id).is_some() => return Err(error::api_id_taken(id)),
        Some(id) => Some(id.to_owned()),
        None => id.filter(|id| is_custom_id(id) && tx.get(paths::APIS, id).is_none()).map(str::to_owned),
    };
    crud::create_as(&API, id, call, tx)
}

/// Refuses what only HTTP APIs have; an API that is not there is told first.
pub(crate) fn http_only(subject: &'static str, call: &Call, tx: &mut Transaction) -> Answer {
    if !call.params.is_empty() {
        let id = call.param(0);
        tx.get(paths::APIS, id).ok_or_else(|| (API.absent)(call.settings, id))?;
    }
    Err(error::http_only(subject))
}

fn is_custom_id(id: &str) -> bool {
    (1..=32).contains(&id.len()) && id.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}

fn check(subject: &Subject, _: &mut Transaction, api: &mut Document) -> Result<(), Fault> {
    // Source: documented ("API Gateway WebSocket API mapping template reference" knows no third).
    let key = text(api, "apiKeySelectionExpression");
    if !["$request.header.x-api-key", "$context.authorizer.usageIdentifierKey"].contains(&key) {
        return Err(error::bad_request(error::API_KEY_SELECTION));
    }
    check_selection(api, "routeSelectionExpression", Direction::Request)?;
    if subject.previous.is_none() {
        api.insert("createdDate".into(), subject.call.date());
    }
    tagged::check(api)
}

/// Refused while a domain name leads to it; usage plans forget it. Source: reported, and inferred.
fn before_delete(subject: &Subject, tx: &mut Transaction, _: &Document) -> Result<(), Fault> {
    if mapped::has_api(tx, subject.id) {
        return Err(error::api_is_mapped(subject.id));
    }
    usage_plans::forget_stages(tx, |api_id, _| api_id == subject.id);
    Ok(())
}

/// Adds `apiEndpoint`, which depends on where the program runs now.
fn present(settings: &Settings, api: &Document) -> Document {
    let mut answer = Document::new();
    let endpoint = match &settings.public_url {
        Some(url) => format!("{url}/_aws/execute-api/{}", text(api, "apiId")),
        None => format!("{}://{}.execute-api.{}", settings.scheme, text(api, "apiId"), settings.authority),
    };
    answer.insert("apiEndpoint".into(), Value::String(endpoint));
    answer.extend(api.clone());
    answer
}
