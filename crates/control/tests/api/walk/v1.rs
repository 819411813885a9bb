//! The operations of v1: each in its shape, each member of what is created read back, each documented error.

use std::cell::RefCell;
use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use super::Walk;
use super::model::Model;

const ARN: &str = "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/net/n/1";

/// A member's value at creation, by operation and name.
fn value(walk: &Walk, operation: &str, member: &str, shape: &str, api: &str) -> Option<Value> {
    Some(match (operation, member) {
        // EDGE and private endpoints have them, or REST APIs.
        ("CreateDomainName", "certificateBody" | "certificateChain" | "certificatePrivateKey") => return None,
        ("CreateDomainName", "endpointAccessMode" | "policy") => return None,
        ("CreateDomainName", "certificateName" | "certificateArn") => return None,
        ("CreateDomainName", "endpointConfiguration") => json!({"types": ["REGIONAL"], "ipAddressType": "dualstack"}),
        ("CreateDomainName", "domainName") => json!("v1.example.com"),
        ("CreateDomainName", "securityPolicy") => json!("TLS_1_2"),
        ("CreateDomainName", "mutualTlsAuthentication") => {
            json!({"truststoreUri": "s3://b/k", "truststoreVersion": "1"})
        }
        ("CreateApiKey", "stageKeys" | "generateDistinctId") => return None,
        ("CreateApiKey", "value") => json!("a value of twenty letters"),
        ("CreateUsagePlan", "apiStages") => {
            json!([{"apiId": api, "stage": "dev", "throttle": {"r": {"burstLimit": 1, "rateLimit": 1.5}}}])
        }
        ("CreateUsagePlan", "quota") => json!({"limit": 5, "offset": 1, "period": "WEEK"}),
        ("CreateVpcLink", "targetArns") => json!([ARN]),
        _ => walk.model.value(shape, 0),
    })
}

fn step(path: &str, value: &str) -> Value {
    json!({"patchOperations": [{"op": "replace", "path": path, "value": value}]})
}

#[test]
fn every_operation_of_v1_keeps_its_members_answers_in_its_shape_and_gives_its_errors() {
    let walk = Walk::new(Model::v1());
    let api = walk.gateway.api_with_route();
    walk.gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "dev"}));
    let api_id = crate::gateway::id(&api);
    let ids: RefCell<BTreeMap<&str, String>> = RefCell::default();
    let kinds = [
        ("ApiKey", "id", "?includeValue=true"),
        ("UsagePlan", "id", ""),
        ("VpcLink", "id", ""),
        ("DomainName", "domainName", ""),
        ("ClientCertificate", "clientCertificateId", ""),
    ];
    for (noun, id_member, query) in kinds {
        let create =
            if noun == "ClientCertificate" { "GenerateClientCertificate".into() } else { format!("Create{noun}") };
        let members = walk.model.body_members(&create);
        let sent: serde_json::Map<String, Value> = members
            .iter()
            .filter_map(|(name, shape)| Some((name.clone(), value(&walk, &create, name, shape, api_id)?)))
            .collect();
        let made = walk.ok(&create, &[], Value::Object(sent.clone()));
        let id = made[id_member].as_str().unwrap().to_owned();
        let (_, read) = walk.call(&format!("Get{noun}"), &[&id], query, Value::Null);
        for (name, value) in &sent {
            let kept = if name == "endpointConfiguration" { &value["types"] } else { value };
            let answer = if name == "endpointConfiguration" { &read[name]["types"] } else { &read[name] };
            assert_eq!(answer, kept, "{create} {name}");
        }
        ids.borrow_mut().insert(noun, id);
    }
    let ids = ids.into_inner();
    let (key, plan) = (ids["ApiKey"].as_str(), ids["UsagePlan"].as_str());
    let made = walk.ok("CreateUsagePlanKey", &[plan], json!({"keyId": key, "keyType": "API_KEY"}));
    assert_eq!(made["id"], key);
    let usage = "?startDate=2026-01-01&endDate=2026-01-02";
    assert_eq!(walk.call("GetUsage", &[plan], usage, Value::Null).0, 200);
    walk.ok("UpdateUsage", &[plan, key], json!({"patchOperations": []}));
    walk.ok("GetUsagePlanKey", &[plan, key], Value::Null);
    walk.ok("GetUsagePlanKeys", &[plan], Value::Null);
    for list in ["GetAccount", "GetApiKeys", "GetClientCertificates", "GetDomainNames", "GetUsagePlans", "GetVpcLinks"]
    {
        walk.ok(list, &[], Value::Null);
    }
    walk.ok("UpdateAccount", &[], step("/cloudwatchRoleArn", "arn:aws:iam::1:role/r"));
    for (noun, path) in [
        ("ApiKey", "/name"),
        ("UsagePlan", "/name"),
        ("VpcLink", "/name"),
        ("ClientCertificate", "/description"),
        ("DomainName", "/regionalCertificateArn"),
    ] {
        let changed = walk.ok(&format!("Update{noun}"), &[&ids[noun]], step(path, "arn:changed"));
        assert_eq!(changed[&path[1..]], "arn:changed", "Update{noun}");
    }
    let arn = format!("arn:aws:apigateway:us-east-1::/apikeys/{key}");
    walk.ok("TagResource", &[&arn], json!({"tags": {"a": "b"}}));
    walk.ok("GetTags", &[&arn], Value::Null);
    assert_eq!(walk.call("UntagResource", &[&arn], "?tagKeys=a", Value::Null).0, 204);
    let file = walk.gateway.send(Method::POST, "/apikeys?mode=import&format=csv", "name,key\n");
    assert_eq!(file.status().as_u16(), walk.model.success("ImportApiKeys"));
    walk.model.check_output("ImportApiKeys", &serde_json::from_slice(file.body()).unwrap());

    check_errors(&walk, &ids, api_id);

    walk.ok("DeleteUsagePlanKey", &[plan, key], Value::Null);
    walk.ok(
        "UpdateUsagePlan",
        &[plan],
        json!({"patchOperations": [
            {"op": "remove", "path": "/apiStages", "value": format!("{api_id}:dev")},
        ]}),
    );
    for noun in ["ApiKey", "UsagePlan", "VpcLink", "DomainName", "ClientCertificate"] {
        walk.ok(&format!("Delete{noun}"), &[&ids[noun]], Value::Null);
    }
    let wanted = walk.model.in_scope().into_iter().filter(|operation| operation != "ImportApiKeys");
    assert_eq!(walk.missed(wanted), Vec::<String>::new());
}

/// Every operation that names something answers 404 when it is not there, and every one with a body 400 for a bad one.
fn check_errors(walk: &Walk, ids: &BTreeMap<&str, String>, api_id: &str) {
    for operation in walk.model.in_scope() {
        let names = walk.model.params(&operation);
        let errors = walk.model.errors(&operation);
        let known = |name: &str| match name {
            "usageplanId" => ids["UsagePlan"].as_str(),
            "keyId" | "api_Key" => ids["ApiKey"].as_str(),
            "clientcertificate_id" => ids["ClientCertificate"].as_str(),
            "domain_name" => ids["DomainName"].as_str(),
            "vpclink_id" => ids["VpcLink"].as_str(),
            "resource_arn" => "nonsense",
            other => panic!("{operation} has a parameter {other}"),
        };
        // A plan that is not there has no keys, and a path of tags is an ARN or none.
        let is_special =
            operation == "GetUsagePlanKeys" || operation.ends_with("Tags") || operation.ends_with("Resource");
        if !names.is_empty() && !is_special {
            let mut params: Vec<&str> = names.iter().map(|name| known(name)).collect();
            *params.last_mut().unwrap() = "nope.example.com";
            let body =
                if operation == "CreateUsagePlanKey" { json!({"keyId": "x", "keyType": "API_KEY"}) } else { json!({}) };
            let (status, name) = walk.call(&operation, &params, "", body);
            assert_eq!((status, &name), (404, &json!("NotFoundException")), "{operation}");
            assert!(errors.contains(&"NotFoundException".to_owned()), "{operation}");
        }
        let params: Vec<&str> = names.iter().map(|name| known(name)).collect();
        let body = match operation.as_str() {
            "ImportApiKeys" => Value::Null,
            name if name.starts_with("Update") => step("/nothing", "x"),
            "CreateUsagePlanKey" => json!({"keyType": "x"}),
            "TagResource" => json!({"tags": {}}),
            "GetTags" | "UntagResource" => Value::Null,
            name if name.starts_with("Create") || name.starts_with("Generate") => json!({"tags": 5, "name": 5}),
            _ => continue,
        };
        let query = if operation == "ImportApiKeys" { "&format=xml" } else { "" };
        let (status, name) = walk.call(&operation, &params, query, body);
        assert_eq!((status, &name), (400, &json!("BadRequestException")), "{operation}");
        assert!(errors.contains(&"BadRequestException".to_owned()), "{operation}");
    }
    let taken = json!({"value": "a value of twenty letters"});
    assert_eq!(walk.call("CreateApiKey", &[], "", taken), (409, json!("ConflictException")));
    let taken = json!({"domainName": "v1.example.com", "endpointConfiguration": {"types": ["REGIONAL"]}});
    assert_eq!(walk.call("CreateDomainName", &[], "", taken), (409, json!("ConflictException")));
    let taken = json!({"keyId": ids["ApiKey"], "keyType": "API_KEY"});
    assert_eq!(walk.call("CreateUsagePlanKey", &[&ids["UsagePlan"]], "", taken), (409, json!("ConflictException")));
    let missing = json!({"name": "n", "apiStages": [{"apiId": api_id, "stage": "nope"}]});
    assert_eq!(walk.call("CreateUsagePlan", &[], "", missing), (404, json!("NotFoundException")));
    for list in ["GetApiKeys", "GetClientCertificates", "GetDomainNames", "GetUsagePlans", "GetVpcLinks"] {
        assert_eq!(walk.call(list, &[], "?limit=x", Value::Null), (400, json!("BadRequestException")), "{list}");
    }
}
