//! Authorizers.

use serde_json::Value;

use super::apis::API;
use super::check_role;
use crate::crud::{self, IdRule, Quota, Resource, Subject};
use crate::documents::text;
use crate::error::{self, Fault};
use crate::ids;
use crate::members::{Member, MemberKind, Rule};
use crate::page;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

pub(crate) static AUTHORIZER: Resource = Resource {
    noun: "Authorizer",
    collection: "authorizers",
    parent: Some(&API),
    id_member: "authorizerId",
    id: IdRule::Random(ids::SIX),
    members: &[
        Member::text("authorizerCredentialsArn", 1, 2048),
        Member::output("authorizerId"),
        // Tools send these two for HTTP APIs and for WebSocket APIs alike; AWS does not answer them here.
        Member::new("authorizerPayloadFormatVersion", MemberKind::Any, Rule::Ignored),
        Member::new("authorizerResultTtlInSeconds", MemberKind::Any, Rule::Ignored),
        Member::choice("authorizerType", &["REQUEST", "JWT"]).required().missing(error::AUTHORIZER_TYPE_MISSING),
        Member::text("authorizerUri", 1, 2048),
        Member::new("enableSimpleResponses", MemberKind::Any, Rule::Ignored),
        Member::new("identitySource", MemberKind::Texts, Rule::Replace),
        Member::new("identityValidationExpression", MemberKind::Any, Rule::Ignored),
        Member::new("jwtConfiguration", MemberKind::Any, Rule::Ignored),
        Member::text("name", 1, 128).required(),
    ],
    quota: Quota { name: "authorizers-per-api", get: |limits| limits.authorizers_per_api },
    paging: &page::V2,
    deployed: true,
    check,
    before_delete,
    present: crud::as_stored,
    absent: |_, _| error::no_such("Authorizer"),
};

fn check(subject: &Subject, tx: &mut Transaction, authorizer: &mut Document) -> Result<(), Fault> {
    if text(authorizer, "authorizerType") != "REQUEST" {
        return Err(error::bad_request(error::AUTHORIZER_TYPE));
    }
    if !authorizer.contains_key("authorizerUri") {
        return Err(error::bad_request(error::AUTHORIZER_URI));
    }
    check_role(authorizer, "authorizerCredentialsArn")?;
    for source in authorizer.get("identitySource").and_then(Value::as_array).into_iter().flatten() {
        let source = source.as_str().unwrap_or_default();
        if !mapping::check::is_identity_source(source) {
            return Err(error::identity_source(source));
        }
    }
    let name = text(authorizer, "name");
    match subject.namesake(tx, "name", &Value::String(name.into())) {
        Some(_) => Err(error::authorizer_name_taken(name)),
        None => Ok(()),
    }
}

fn before_delete(subject: &Subject, tx: &mut Transaction, authorizer: &Document) -> Result<(), Fault> {
    let id = Value::String(subject.id.into());
    let routes = paths::routes(subject.api_id());
    match tx.all(&routes).find(|(_, route)| route.get("authorizerId") == Some(&id)) {
        Some((_, route)) => Err(error::authorizer_in_use(text(authorizer, "name"), text(route, "routeKey"))),
        None => Ok(()),
    }
}
