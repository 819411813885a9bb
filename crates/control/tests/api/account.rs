//! What the data plane is told of the account.

use std::sync::Arc;

use control::store::{Change, Content, Document, Key, MemoryStore, Revision, Store};
use serde_json::{Value, json};
use types::StageKey;
use types::account::{Period, Quota, Throttle};

use crate::gateway::Gateway;

/// A store with these documents, in this order.
fn stored(documents: &[(&str, Value)]) -> Arc<dyn Store> {
    let store = MemoryStore::default();
    let changes: Vec<Change> = documents
        .iter()
        .zip(0..)
        .map(|((path, document), sequence)| {
            let document: Document = document.as_object().unwrap().clone();
            Change::Put(Key { sequence, path: (*path).to_owned() }, Content::Document(Arc::new(document)))
        })
        .collect();
    store.commit(Revision::default(), &changes).unwrap();
    Arc::new(store)
}

#[test]
fn what_is_stored_of_the_account_is_published_with_the_first_snapshot() {
    let documents = [
        ("domainnames/a.example.com", json!({"domainNameConfigurations": [{"certificateArn": "arn:cert"}]})),
        ("domainnames/a.example.com/apimappings/m1", json!({"apiId": "api1", "stage": "dev"})),
        (
            "domainnames/a.example.com/apimappings/m2",
            json!({"apiId": "api2", "stage": "prod", "apiMappingKey": "chat"}),
        ),
        ("domainnames/b.example.com", json!({"routingMode": "ROUTING_RULE_ONLY"})),
        ("domainnames/b.example.com/apimappings/m3", json!({"apiId": "api1", "stage": "dev"})),
        ("vpclinks/link", json!({"name": "nlb", "targetArns": ["10.0.0.1:80"], "status": "AVAILABLE"})),
        ("vpclinksv2/other", json!({"name": "not for WebSocket APIs"})),
        ("apikeys/key", json!({"id": "key", "value": "12345678901234567890", "enabled": true, "createdDate": 1})),
        (
            "usageplans/plan",
            json!({
                "id": "plan",
                "apiStages": [{"apiId": "api1", "stage": "dev", "throttle": {"say": {"rateLimit": 2.0}}}],
                "throttle": {"burstLimit": 5, "rateLimit": 2.5},
                "quota": {"limit": 100, "offset": 0, "period": "WEEK"},
            }),
        ),
        ("usageplans/plan/keys/key", json!({"id": "key", "type": "API_KEY"})),
        ("clientcertificates/cert", json!({"pemEncodedCertificate": "pem", "privateKeyPem": "secret"})),
    ];
    let account = Gateway::open(stored(&documents)).snapshot().account.clone();
    let key = |api: &str, stage: &str| StageKey { api_id: api.into(), stage: stage.into() };
    let domain = &account.domain_names["a.example.com"];
    assert_eq!(domain.certificate_arn.as_deref(), Some("arn:cert"));
    assert_eq!(domain.mappings[""], key("api1", "dev"));
    assert_eq!(domain.mappings["chat"], key("api2", "prod"));
    assert!(account.domain_names["b.example.com"].mappings.is_empty(), "only routing rules count, and there are none");
    assert_eq!(account.vpc_links.len(), 1);
    assert_eq!(account.vpc_links["link"].target_arns, ["10.0.0.1:80"]);
    assert_eq!(account.api_keys["key"].value, "12345678901234567890");
    let plan = &account.usage_plans["plan"];
    assert_eq!(plan.key_ids, ["key"]);
    assert_eq!(plan.throttle, Some(Throttle { burst_limit: 5, rate_limit: 2.5 }));
    assert_eq!(plan.quota, Some(Quota { limit: 100, offset: 0, period: Period::Week }));
    let unbounded = Throttle { rate_limit: 2.0, ..Throttle::default() };
    assert_eq!(plan.api_stages[0].throttle["say"], unbounded);
    assert_eq!(account.client_certificates["cert"].private_key_pem, "secret");
}

#[test]
fn a_write_that_leaves_the_account_alone_keeps_its_arc() {
    let gateway = Gateway::open(stored(&[("vpclinks/link", json!({"name": "nlb", "targetArns": ["h:1"]}))]));
    let before = gateway.snapshot().account.clone();
    let api = gateway.api_with_route();
    gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "dev", "autoDeploy": true}));
    assert_eq!(gateway.publications(), 2);
    assert!(Arc::ptr_eq(&before, &gateway.snapshot().account));
}
