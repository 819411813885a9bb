//! Definitions leave as one document and come back.

use std::sync::Arc;

use control::Settings;
use control::store::{DiskStore, MemoryStore, Store};
use control::transfer::{Imported, export, import};
use serde_json::{Value, json};
use types::arn::Home;

use crate::gateway::{Gateway, id};
use crate::stores::{Folder, everything};

pub(crate) fn settings() -> Settings {
    let place = Home { region: "us-east-1".into(), account_id: "000000000000".into() };
    Settings::new(place, "localhost:4510".into())
}

/// Some of everything that can be stored.
fn fill(gateway: &Gateway) {
    let api = gateway.api_with_route();
    let mock = gateway.make(&format!("{api}/integrations"), json!({"integrationType": "MOCK"}), "integrationId");
    gateway.ok("POST", &format!("{mock}/integrationresponses"), json!({"integrationResponseKey": "$default"}));
    let target = format!("integrations/{}", id(&mock));
    let route = gateway.make(&format!("{api}/routes"), json!({"routeKey": "say", "target": target}), "routeId");
    gateway.ok("POST", &format!("{route}/routeresponses"), json!({"routeResponseKey": "$default"}));
    gateway.ok("POST", &format!("{api}/models"), json!({"name": "M", "schema": "{}"}));
    let certificate = gateway.make("/clientcertificates", json!({}), "clientCertificateId");
    let uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f/invocations";
    let authorizer = json!({"authorizerType": "REQUEST", "authorizerUri": uri, "name": "a"});
    gateway.ok("POST", &format!("{api}/authorizers"), authorizer);
    let stage = json!({
        "stageName": "dev", "autoDeploy": true, "clientCertificateId": id(&certificate),
        "routeSettings": {"say": {"loggingLevel": "INFO"}},
    });
    gateway.ok("POST", &format!("{api}/stages"), stage);
    gateway.ok("POST", &format!("{api}/deployments"), json!({"description": "by hand"}));
    gateway.ok("POST", "/v2/domainnames", json!({"domainName": "a.b", "domainNameConfigurations": [{}]}));
    gateway.ok("POST", "/v2/domainnames/a.b/apimappings", json!({"apiId": id(&api), "stage": "dev"}));
    gateway.ok("POST", "/v2/vpclinks", json!({"name": "n", "subnetIds": ["s"]}));
    gateway.ok("POST", "/vpclinks", json!({"name": "n", "targetArns": ["h:1"]}));
    let key = gateway.make("/apikeys", json!({"stageKeys": [{"restApiId": "r", "stageName": "s"}]}), "id");
    let plan = json!({"name": "p", "apiStages": [{"apiId": id(&api), "stage": "dev"}]});
    let plan = gateway.make("/usageplans", plan, "id");
    gateway.ok("POST", &format!("{plan}/keys"), json!({"keyId": id(&key), "keyType": "API_KEY"}));
    let role = json!([{"op": "replace", "path": "/cloudwatchRoleArn", "value": "arn:aws:iam::1:role/r"}]);
    gateway.ok("PATCH", "/account", json!({"patchOperations": role}));
}

fn account(gateway: &Gateway) -> Vec<Value> {
    let lists =
        ["/apikeys?includeValues=true", "/usageplans", "/vpclinks", "/v2/vpclinks", "/v2/domainnames", "/account"];
    lists.iter().map(|list| gateway.ok("GET", list, Value::Null)).collect()
}

#[test]
fn what_is_exported_comes_back_the_same() {
    let folder = Folder::new();
    let gateway = folder.open();
    fill(&gateway);
    let (before, accounts, published) = (everything(&gateway), account(&gateway), gateway.snapshot());
    drop(gateway);
    let store = DiskStore::open(folder.path()).unwrap();
    let exported = export(&store).unwrap();
    drop(store);
    let text = serde_json::to_vec_pretty(&exported).unwrap();
    let copy = Arc::new(MemoryStore::default());
    let imported = import(&settings(), &*copy, &text, false).unwrap();
    let count = exported["documents"].as_object().unwrap().len();
    assert_eq!(imported, Imported { count, remarks: Vec::new() });
    assert_eq!(export(&*copy).unwrap(), exported);
    let gateway = Gateway::open(copy.clone());
    assert_eq!(everything(&gateway), before);
    assert_eq!(account(&gateway), accounts);
    assert_eq!(*gateway.snapshot().account, *published.account);
    // What is there stays, unless it is to be replaced.
    gateway.api_with_route();
    drop(gateway);
    let refused = import(&settings(), &*copy, &text, false).unwrap_err().to_string();
    assert!(refused.ends_with("definitions are there already; nothing was imported"), "{refused}");
    import(&settings(), &*copy, &text, true).unwrap();
    assert_eq!(export(&*copy).unwrap(), exported);
    assert_eq!(everything(&Gateway::open(copy)), before);
}

#[test]
fn what_a_definition_lacks_is_filled_in() {
    let shared = Arc::new(MemoryStore::default());
    let gateway = Gateway::open(shared.clone());
    fill(&gateway);
    let exported = export(&*shared).unwrap();
    let mut short = exported.clone();
    for document in short["documents"].as_object_mut().unwrap().values_mut() {
        for member in ["defaultRouteSettings", "stageVariables", "tags", "authorizationType", "timeoutInMillis"] {
            document.as_object_mut().unwrap().shift_remove(member);
        }
    }
    assert_ne!(short, exported);
    let copy = Arc::new(MemoryStore::default());
    import(&settings(), &*copy, &serde_json::to_vec(&short).unwrap(), false).unwrap();
    assert_eq!(export(&*copy).unwrap(), exported);
}

#[test]
fn what_does_not_hold_up_is_named_and_nothing_is_imported() {
    let source = MemoryStore::default();
    let shared = Arc::new(MemoryStore::default());
    let gateway = Gateway::open(shared.clone());
    fill(&gateway);
    let good = export(&*shared).unwrap();
    let documents = good["documents"].as_object().unwrap();
    let path = |part: &str| documents.keys().find(|path| path.contains(part)).unwrap().clone();
    let text = |value: &Value| serde_json::to_vec(value).unwrap();
    let check = |broken: Value, expected: &str| {
        let error = import(&settings(), &source, &text(&broken), true).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} does not hold {expected}");
        assert!(source.load().unwrap().1.is_empty(), "half of it is there");
    };
    check(json!([]), "its member `format` is not `gatewright-definitions-1`");
    check(json!({"format": "gatewright-definitions-1"}), "its member `documents` is no object");
    let with = |path: &str, document: Value| {
        let mut broken = good.clone();
        broken["documents"][path] = document;
        broken
    };
    let without = |path: &str| {
        let mut broken = good.clone();
        broken["documents"].as_object_mut().unwrap().shift_remove(path).unwrap();
        broken
    };
    check(with("apis/x", json!(1)), "apis/x: it is no object");
    check(with("nothing/x", json!({})), "nothing/x: nothing has its place there");
    check(
        with("apis/x/routes/y", json!({"routeId": "y", "routeKey": "k"})),
        "apis/x/routes/y: what it belongs to is missing",
    );
    let api = path("apis/").split('/').take(2).collect::<Vec<_>>().join("/");
    check(with(&format!("{api}/routes/y"), json!({"routeId": "z"})), "its member `routeId` is not `y`");
    let twice = json!({"routeId": "y", "routeKey": "say", "authorizationType": "NONE"});
    check(with(&format!("{api}/routes/y"), twice), "Route with key say already exists for this API");
    check(
        with(&format!("{api}/routes/y"), json!({"routeId": "y", "routeKey": 5})),
        "member `routeKey` must be a string",
    );
    let astray = json!({"routeId": "y", "routeKey": "k", "authorizationType": "NONE", "target": "integrations/nope"});
    check(with(&format!("{api}/routes/y"), astray), "Invalid Integration identifier specified");
    let changed = |path: &str, change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut document = documents[path].as_object().unwrap().clone();
        change(&mut document);
        with(path, document.into())
    };
    for (part, member) in [
        ("/stages/", "createdDate"),
        ("/stages/", "lastUpdatedDate"),
        ("clientcertificates/", "privateKeyPem"),
        ("apikeys/", "createdDate"),
    ] {
        let lacks = changed(&path(part), &|document| drop(document.shift_remove(member).unwrap()));
        check(lacks, &format!("its member `{member}` is missing"));
    }
    let number = changed(&api, &|document| drop(document.insert("createdDate".into(), json!(5))));
    check(number, "member `createdDate` must be a string");
    let slip = changed(&api, &|document| drop(document.insert("nmae".into(), json!("n"))));
    check(slip, "An Api has no member `nmae`");
    check(with("apis/", json!({"apiId": ""})), "apis/: `` is no id");
    check(with("apis/a b", json!({"apiId": "a b"})), "apis/a b: `a b` is no id");
    let key = path("apikeys/");
    check(without(&key), "Invalid API Key identifier specified");
    let later = json!({"format": "gatewright-definitions-2", "documents": {}});
    check(later, "its format is `gatewright-definitions-2`, and this version of the program reads");
    check(without(&path("/definition")), "it is missing");
    check(without(&api), "what it belongs to is missing");
    check(with(&path("/definition"), json!({})), "missing field");
    check(with("account/settings", json!({"cloudwatchRoleArn": "no role"})), "The role ARN is not well formed");
    // Two branches that were merged: neither may vanish.
    let first = format!("\"documents\":{{{}:", json!(api));
    let twice = good.to_string().replacen("\"documents\":{", &format!("{first}{{}},"), 1);
    let error = import(&settings(), &source, twice.as_bytes(), true).unwrap_err().to_string();
    assert!(error.contains(&format!("{api} stands there twice")), "{error}");
    let error = import(&settings(), &source, b"{", true).unwrap_err().to_string();
    assert!(error.starts_with("not a document that `gatewright export` wrote: EOF"), "{error}");
}

#[test]
fn what_an_earlier_version_took_is_taken_and_named() {
    let shared = Arc::new(MemoryStore::default());
    let gateway = Gateway::open(shared.clone());
    let api = gateway.api();
    let model = gateway.make(&format!("{api}/models"), json!({"name": "Old", "schema": "{}"}), "modelId");
    let integration = json!({
        "integrationType": "HTTP", "integrationMethod": "POST", "integrationUri": "http://h",
        "requestParameters": {"integration.request.header.a": "route.request.header.token"},
    });
    let integration = gateway.make(&format!("{api}/integrations"), integration, "integrationId");
    let declared = json!({"route.request.header.token": {"required": true}});
    let connect = json!({
        "routeKey": "$connect", "target": format!("integrations/{}", id(&integration)), "requestParameters": declared,
    });
    let connect = gateway.make(&format!("{api}/routes"), connect, "routeId");
    let destination = "arn:aws:logs:us-east-1:1:log-group:g";
    let log = json!({"destinationArn": destination, "format": "$context.requestId"});
    gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "dev", "accessLogSettings": log}));
    gateway.ok("POST", &format!("{api}/deployments"), json!({"stageName": "dev"}));
    let now = export(&*shared).unwrap();
    // Version 0.0 took all of this.
    let mut old = now.clone();
    let place = |path: &str| path.trim_start_matches("/v2/").to_owned();
    old["documents"][place(&model)]["schema"] = r#"{"type":"strin","example":1}"#.into();
    old["documents"][place(&connect)].as_object_mut().unwrap().shift_remove("requestParameters");
    old["documents"][place(&format!("{api}/stages/dev"))]["accessLogSettings"]["format"] =
        "$context.requestId\nx".into();
    let copy = Arc::new(MemoryStore::default());
    let imported = import(&settings(), &*copy, &serde_json::to_vec(&old).unwrap(), false).unwrap();
    assert_eq!(export(&*copy).unwrap(), old, "it comes in as it is");
    assert_eq!(imported.remarks.len(), 3, "{:?}", imported.remarks);
    for (remark, (path, told)) in imported.remarks.iter().zip([
        (format!("{} (Old) is taken", place(&model)), r#"Unsupported keyword(s): ["example"]"#),
        (
            format!("{} is taken", place(&integration)),
            "Invalid mapping expression parameter specified: route.request.header.token",
        ),
        (format!("{} is taken", place(&format!("{api}/stages/dev"))), "Access Log format must be single line"),
    ]) {
        assert!(remark.starts_with(&path) && remark.contains(told), "{remark}");
    }
    // Whoever has such a store can go on with it, as far as the old thing itself is left as it is.
    let gateway = Gateway::open(copy);
    gateway.ok("PATCH", &model, json!({"description": "x"}));
    gateway.ok("PATCH", &connect, json!({"operationName": "x"}));
    gateway.ok("PATCH", &integration, json!({"description": "x"}));
    gateway.ok("PATCH", &format!("{api}/stages/dev"), json!({"description": "x"}));
    gateway.ok("POST", &format!("{api}/deployments"), json!({"stageName": "dev"}));
    for (path, body) in [
        (&model, json!({"schema": r#"{"type":"strin"}"#})),
        (&integration, json!({"requestParameters": {"integration.request.header.b": "'1'"}})),
        (&format!("{api}/stages/dev"), json!({"accessLogSettings": {"format": "$context.requestId\n\n"}})),
    ] {
        assert_eq!(gateway.call("PATCH", path, body).0, 400, "{path}");
    }
}
