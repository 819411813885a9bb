//! Every documented error of every operation of v2: provoked, or never given, with the reason.

use serde_json::{Value, json};

use super::model::Model;
use super::{ROUTE_KEY, STAGE, Stand, URI, Walk};

/// Why an error that AWS documents is not given here.
fn never(operation: &str, error: &str) -> Option<&'static str> {
    match (operation, error) {
        (_, "TooManyRequestsException") => Some("the local control plane is never throttled"),
        (_, "AccessDeniedException") => Some("access is not checked here, but before the control plane is asked"),
        ("CreateApi" | "CreateDomainName" | "GetApis" | "GetDomainNames" | "ImportApi", "NotFoundException") => {
            Some("nothing is named that could be missing")
        }
        ("GetApiMapping" | "DeleteApiMapping", "BadRequestException") => {
            Some("a path holds nothing that could be wrong")
        }
        // Documented for changes at one time; writers take turns here.
        (
            "CreateApi"
            | "UpdateApi"
            | "CreateAuthorizer"
            | "UpdateAuthorizer"
            | "CreateDeployment"
            | "UpdateDeployment"
            | "CreateIntegration"
            | "UpdateIntegration"
            | "UpdateStage"
            | "UpdateDomainName"
            | "UpdateRouteResponse"
            | "TagResource"
            | "UntagResource"
            | "GetTags"
            | "ImportApi"
            | "ReimportApi",
            "ConflictException",
        ) => Some("nothing of it is unique, and writers take turns"),
        _ => None,
    }
}

/// A call that provokes an error: parameters, query, body.
type Provocation = (Vec<String>, &'static str, Value);

fn provocation(walk: &Walk, stand: &Stand, operation: &str, error: &str) -> Provocation {
    let params = stand.params(walk, operation);
    let method = walk.model.method(operation);
    match error {
        "NotFoundException" => {
            // The last parameter names what is missing; bodies stand for what would hold up.
            let mut gone = params;
            if let Some(last) = gone.last_mut() {
                *last = match operation {
                    "GetTags" | "TagResource" | "UntagResource" => "arn:aws:apigateway:us-east-1::/apis/nope".into(),
                    "ResetAuthorizersCache" => return (vec!["nope".into(), STAGE.into()], "", Value::Null),
                    "ExportApi" => return (vec!["nope".into(), "OAS30".into()], "", Value::Null),
                    _ => "nope".into(),
                };
            }
            let body = match operation {
                "UpdateApiMapping" => json!({"apiId": stand.api}),
                "TagResource" => json!({"tags": {}}),
                _ if method == "GET" || method == "DELETE" => Value::Null,
                _ => json!({}),
            };
            (gone, "", body)
        }
        "BadRequestException" => match operation {
            "GetTags" | "UntagResource" => (vec!["nonsense".into()], "", Value::Null),
            "ImportApi" | "ReimportApi" => (params, "", json!({"body": "{}"})),
            "ExportApi" => (params, "?outputType=JSON", Value::Null),
            _ if method == "GET" => (params, "?maxResults=0", Value::Null),
            _ => {
                // A number where no member takes one.
                let members = walk.model.body_members(operation);
                let name = members.iter().map(|(name, _)| name.as_str()).find(|name| {
                    ["name", "description", "tags", "target", "stage", "stageName", "routeKey"].contains(name)
                        || name.ends_with("Key")
                        || name.ends_with("Configurations")
                });
                (params, "", json!({name.unwrap(): 5}))
            }
        },
        "ConflictException" => {
            let body = match operation {
                "CreateApiMapping" => json!({"apiId": stand.api, "stage": STAGE}),
                "CreateDomainName" => json!({"domainName": stand.domain, "domainNameConfigurations": [{}]}),
                "CreateIntegrationResponse" => json!({"integrationResponseKey": "$default"}),
                "CreateModel" => json!({"name": "M", "schema": "{}"}),
                "CreateRoute" => json!({"routeKey": ROUTE_KEY}),
                "CreateRouteResponse" => json!({"routeResponseKey": "$default"}),
                "CreateStage" => json!({"stageName": STAGE}),
                // The second one of a kind takes the first one's place.
                "UpdateApiMapping" => json!({"apiId": stand.api, "apiMappingKey": "second"}),
                "UpdateIntegrationResponse" => json!({"integrationResponseKey": "/second/"}),
                "UpdateModel" => json!({"name": "Second"}),
                "UpdateRoute" => json!({"routeKey": "second"}),
                other => panic!("no conflict for {other}"),
            };
            (params, "", body)
        }
        other => panic!("{operation} documents {other}"),
    }
}

#[test]
fn every_documented_error_is_provoked_or_has_a_reason_not_to_be() {
    let walk = Walk::new(Model::v2());
    let stand = Stand::new(&walk);
    walk.ok("CreateRoute", &[&stand.api], json!({"routeKey": "second"}));
    walk.ok("CreateModel", &[&stand.api], json!({"name": "Second", "schema": "{}"}));
    let response = json!({"integrationResponseKey": "/second/"});
    walk.ok("CreateIntegrationResponse", &[&stand.api, &stand.integration], response);
    let mapping = json!({"apiId": stand.api, "stage": STAGE, "apiMappingKey": "second"});
    walk.ok("CreateApiMapping", &[&stand.domain], mapping);
    let (mut provoked, mut reasons) = (0, 0);
    for operation in walk.model.in_scope() {
        for error in walk.model.errors(&operation) {
            if never(&operation, &error).is_some() {
                reasons += 1;
                continue;
            }
            let (params, query, body) = provocation(&walk, &stand, &operation, &error);
            let params: Vec<&str> = params.iter().map(String::as_str).collect();
            let (status, name) = walk.call(&operation, &params, query, body.clone());
            let expected = match error.as_str() {
                "NotFoundException" => 404,
                "BadRequestException" => 400,
                _ => 409,
            };
            assert_eq!((status, name), (expected, json!(error)), "{operation} {params:?} {body}");
            provoked += 1;
        }
    }
    assert!(provoked > 100, "{provoked} provoked, {reasons} with a reason");
    let authorizer = json!({"authorizerType": "REQUEST", "authorizerUri": URI, "identitySource": [], "name": "n"});
    // AWS documents 409 for this, and was seen to answer 400.
    assert_eq!(walk.call("CreateAuthorizer", &[&stand.api], "", authorizer).0, 400);
}
