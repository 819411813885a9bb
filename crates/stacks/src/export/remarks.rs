//! What a person should know who takes an export elsewhere.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::documents::{Document, Documents, text};
use super::items::Item;
use super::permissions;

/// How many resources a template may have. Source: documented ("CloudFormation quotas").
const RESOURCES_MAX: usize = 500;

/// Remarks on the whole.
pub(super) fn of(documents: &Documents, list: &[Item]) -> Vec<String> {
    let mut remarks = Vec::new();
    let apis = list.iter().filter(|item| item.kind == "AWS::ApiGatewayV2::Api");
    for (api, document) in apis.filter_map(|item| Some((item.path.as_str(), item.document?))) {
        let name = text(document, "name");
        for (stage, document) in documents.sorted(&format!("{api}/stages"), "stageName") {
            remarks.extend(of_stage(documents, api, document).map(|text| format!("Stage {stage} of {name} {text}")));
        }
        let functions = permissions::functions(documents, api);
        if !functions.is_empty() {
            let mut names: Vec<&str> = functions.iter().map(|function| permissions::name(function)).collect();
            names.sort_unstable();
            names.dedup();
            let names = names.join(", ");
            remarks.push(format!("{name} calls functions, which are not part of this: {names}."));
        }
        for uri in permissions::variable(documents, api) {
            remarks.push(format!(
                "{name} calls {uri}: which functions those are is unknown, so that no permission is here."
            ));
        }
        for (_, authorizer) in documents.sorted(&format!("{api}/authorizers"), "name") {
            let (label, uri) = (text(authorizer, "name"), text(authorizer, "authorizerUri"));
            if !uri.starts_with("arn:") {
                remarks.push(format!(
                    "Authorizer {label} of {name} is {uri}, an extension of Gatewright: AWS takes functions only."
                ));
            }
        }
        for (_, integration) in documents.sorted(&format!("{api}/integrations"), "integrationUri") {
            let uri = text(integration, "integrationUri");
            if text(integration, "connectionType") != "VPC_LINK" && is_near(uri) {
                remarks.push(format!("{name} calls {uri}, which AWS cannot reach."));
            }
            if permissions::function(uri) == Some(uri) {
                remarks.push(format!("{name} calls {uri}, for which AWS wants arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/{uri}/invocations."));
            }
        }
    }
    remarks.dedup();
    if list.len() > RESOURCES_MAX {
        let count = list.len();
        remarks.push(format!("These are {count} resources, and a CloudFormation template may have {RESOURCES_MAX}."));
    }
    remarks
}

fn of_stage(documents: &Documents, api: &str, stage: &Document) -> Option<&'static str> {
    if stage.get("autoDeploy") == Some(&Json::Bool(true)) {
        return None;
    }
    let deployment = text(stage, "deploymentId");
    if deployment.is_empty() {
        return Some("has no deployment: nobody can connect to it.");
    }
    let definition = documents.get(&format!("{api}/deployments/{deployment}"), "definition")?;
    (!is_current(documents, api, definition))
        .then_some("runs a deployment from before the last edits; what is written here is the API with them.")
}

/// Whether a deployment holds what the API is now, as far as clients see it.
fn is_current(documents: &Documents, api: &str, definition: &Document) -> bool {
    let Some((collection, id)) = api.rsplit_once('/') else { return true };
    let now = documents.get(collection, id);
    let then = definition.get("api").and_then(Json::as_object);
    let is_same = |member: &str| now.and_then(|now| now.get(member)) == then.and_then(|then| then.get(member));
    ["apiKeySelectionExpression", "disableSchemaValidation", "routeSelectionExpression"].into_iter().all(is_same)
        && ["models", "authorizers"].into_iter().all(|part| {
            let id = part.trim_end_matches('s').to_owned() + "Id";
            by_id(listed(definition, part), &id) == current(documents, &format!("{api}/{part}"))
        })
        && [
            ("routes", "route", "routeresponses", "routeResponseId"),
            ("integrations", "integration", "integrationresponses", "integrationResponseId"),
        ]
        .into_iter()
        .all(|(part, member, responses, response_id)| {
            let collection = format!("{api}/{part}");
            let parts = listed(definition, part);
            let each = parts.clone().filter_map(|part| part.get(member));
            let id_member = format!("{member}Id");
            by_id(each, &id_member) == current(documents, &collection)
                && parts.filter_map(|part| Some((part.get(member)?.get(&id_member)?.as_str()?, part))).all(
                    |(id, part)| {
                        let then = part.get("responses").and_then(Json::as_array).into_iter().flatten();
                        by_id(then, response_id) == current(documents, &format!("{collection}/{id}/{responses}"))
                    },
                )
        })
}

fn listed<'d>(definition: &'d Document, part: &str) -> impl Iterator<Item = &'d Json> + Clone + use<'d> {
    definition.get(part).and_then(Json::as_array).into_iter().flatten()
}

fn by_id<'d>(documents: impl Iterator<Item = &'d Json>, id: &str) -> HashMap<&'d str, &'d Document> {
    documents.filter_map(|document| Some((document.get(id)?.as_str()?, document.as_object()?))).collect()
}

fn current<'d>(documents: &Documents<'d>, collection: &str) -> HashMap<&'d str, &'d Document> {
    documents.all(collection).iter().copied().collect()
}

/// Whether a URI leads to this machine or its network.
fn is_near(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("http://").or_else(|| uri.strip_prefix("https://")) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    if let Ok(address) = host.parse::<std::net::IpAddr>() {
        return match address {
            std::net::IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
            std::net::IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
        };
    }
    host.eq_ignore_ascii_case("localhost") || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn what_aws_cannot_reach_is_known_by_its_address() {
        for (uri, is) in [
            ("http://127.0.0.1:3000/x", true),
            ("http://localhost", true),
            ("https://api.localhost:1/", true),
            ("http://[::1]:80/", true),
            ("http://192.168.1.4", true),
            ("https://example.com", false),
            ("http://${stageVariables.host}/", false),
            ("arn:aws:apigateway:us-east-1:lambda:path/x", false),
        ] {
            assert_eq!(is_near(uri), is, "{uri}");
        }
    }
}
