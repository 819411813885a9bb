//! Many callers at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::stores::{Folder, everything};

/// How many writes each thread makes.
const WRITES: usize = 200;

#[test]
fn two_writers_lose_nothing_and_a_reader_never_sees_a_half() {
    let folder = Folder::new();
    let gateway = Arc::new(folder.open());
    let api = gateway.api_with_route();
    let stage = gateway.make(&format!("{api}/stages"), json!({"stageName": "dev", "autoDeploy": true}), "stageName");
    let mock = gateway.make(&format!("{api}/integrations"), json!({"integrationType": "MOCK"}), "integrationId");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let (gateway, api, mock) = (&gateway, &api, &mock);
                scope.spawn(move || {
                    for n in 0..WRITES / 2 {
                        gateway.ok("POST", &format!("{api}/routes"), json!({"routeKey": format!("{writer}-{n}")}));
                        // Both change one document: a lost update would miss one of the keys.
                        let key = format!("integration.request.header.h{writer}-{n}");
                        gateway.ok("PATCH", mock, json!({"requestParameters": {key: "'1'"}}));
                    }
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::SeqCst) || reads == 0 {
                let stage = gateway.ok("GET", &stage, Value::Null);
                assert!(stage["deploymentId"].is_string(), "{stage}");
                reads += 1;
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::SeqCst);
        reader.join().unwrap();
    });
    let routes = gateway.ok("GET", &format!("{api}/routes?maxResults=500"), Value::Null);
    assert_eq!(routes["items"].as_array().unwrap().len(), 1 + WRITES);
    assert_eq!(gateway.deployed_routes(&api, "dev").len(), 1 + WRITES, "the last snapshot published is the newest");
    let parameters = gateway.ok("GET", &mock, Value::Null)["requestParameters"].clone();
    assert_eq!(parameters.as_object().unwrap().len(), WRITES);
    let before = everything(&gateway);
    drop(gateway);
    assert_eq!(everything(&folder.open()), before);
}

#[test]
fn steps_of_many_writers_on_one_plan_all_arrive() {
    let folder = Folder::new();
    let gateway = folder.open();
    // As many stages as an API may have, of four APIs.
    let stages: Vec<String> = (0..10).map(|n| format!("s{n}")).collect();
    let apis: Vec<String> = (0..4).map(|_| gateway.api()).collect();
    for (api, stage) in apis.iter().flat_map(|api| stages.iter().map(move |stage| (api, stage))) {
        gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": stage}));
    }
    let plan = gateway.make("/usageplans", json!({"name": "p"}), "id");
    thread::scope(|scope| {
        for api in &apis {
            let (gateway, plan, stages) = (&gateway, &plan, &stages);
            scope.spawn(move || {
                for stage in stages {
                    let value = format!("{}:{stage}", crate::gateway::id(api));
                    let step = json!([{"op": "add", "path": "/apiStages", "value": value}]);
                    gateway.ok("PATCH", plan, json!({"patchOperations": step}));
                }
            });
        }
    });
    let names = |plan: &Value| {
        plan["apiStages"].as_array().unwrap().iter().map(|s| format!("{}:{}", s["apiId"], s["stage"])).collect()
    };
    let mut now: Vec<String> = names(&gateway.ok("GET", &plan, Value::Null));
    now.sort();
    let name = |api: &String, stage: &String| format!("{:?}:{stage:?}", crate::gateway::id(api));
    let mut all: Vec<String> = apis.iter().flat_map(|api| stages.iter().map(move |stage| name(api, stage))).collect();
    all.sort();
    assert_eq!(now, all);
    let published = &gateway.snapshot().account.usage_plans[crate::gateway::id(&plan)];
    assert_eq!(published.api_stages.len(), all.len(), "the last snapshot published is the newest");
}
