//! API keys, usage plans and what was used of them.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};

use control::Usage;
use control::store::MemoryStore;
use http::Method;
use serde_json::{Value, json};
use types::StageKey;
use types::account::DayUse;

use crate::gateway::{Gateway, id, without};

const BAD: (u16, &str) = (400, "BadRequestException");
const GONE: (u16, &str) = (404, "NotFoundException");
const CONFLICT: (u16, &str) = (409, "ConflictException");

fn patch(steps: &[(&str, &str, &str)]) -> Value {
    let steps: Vec<Value> =
        steps.iter().map(|(op, path, value)| json!({"op": op, "path": path, "value": value})).collect();
    json!({"patchOperations": steps})
}

#[track_caller]
fn refused(gateway: &Gateway, call: (&str, &str), body: Value, name: (u16, &str), message: &str) {
    gateway.check_refused(call.0, call.1, body, name.0, name.1, message);
}

#[test]
fn whether_an_api_key_is_on_can_be_said_by_a_word() {
    let gateway = Gateway::new();
    for (word, is_enabled) in [(json!("True"), true), (json!("yes"), false), (json!(1), false), (Value::Null, false)] {
        assert_eq!(gateway.ok("POST", "/apikeys", json!({"enabled": word}))["enabled"], is_enabled, "{word}");
    }
}

#[test]
fn an_api_key_is_off_until_somebody_turns_it_on_and_shows_its_value_to_those_who_ask() {
    let gateway = Gateway::new();
    let made = gateway.ok("POST", "/apikeys", json!({}));
    assert_eq!(made["value"].as_str().unwrap().len(), 40);
    assert_eq!((&made["enabled"], &made["stageKeys"], &made["tags"]), (&json!(false), &json!([]), &json!({})));
    assert!(made["createdDate"].is_u64(), "v1's dates are numbers: {made}");
    let value = "a-value-of-my-own-choice";
    let body = json!({
        "name": "mine", "value": value, "enabled": true, "customerId": "c", "description": "d", "tags": {"a": "b"},
        "stageKeys": [{"restApiId": "api", "stageName": "dev"}], "generateDistinctId": true,
    });
    let made = gateway.ok("POST", "/apikeys", body);
    let key = format!("/apikeys/{}", made["id"].as_str().unwrap());
    let expected = json!({
        "name": "mine", "enabled": true, "customerId": "c", "description": "d", "tags": {"a": "b"},
        "stageKeys": ["api/dev"],
    });
    let dates = ["id", "createdDate", "lastUpdatedDate"];
    let get = |query: &str| without(gateway.ok("GET", &format!("{key}{query}"), Value::Null), &dates);
    assert_eq!(get(""), expected);
    assert_eq!(get("?includeValue=true")["value"], value);
    let steps = [("replace", "/enabled", "False"), ("remove", "/description", ""), ("add", "/name", "new")];
    let changed = without(gateway.ok("PATCH", &key, patch(&steps)), &dates);
    assert!(changed.get("value").is_none() && changed.get("description").is_none());
    assert_eq!((&changed["name"], &changed["enabled"]), (&json!("new"), &json!(false)));
    assert_eq!(gateway.snapshot().account.api_keys[id(&key)].value, value);
    gateway.check("DELETE", &key, Value::Null, 202, Value::Null);
    refused(&gateway, ("GET", &key), json!(null), GONE, "Invalid API Key identifier specified");
    assert_eq!(gateway.snapshot().account.api_keys.len(), 1);
}

#[test]
fn api_keys_are_refused_in_the_words_of_aws() {
    let gateway = Gateway::new();
    let create = |body: Value, name, message| refused(&gateway, ("POST", "/apikeys"), body, name, message);
    create(json!({"value": "short"}), BAD, "API Key value should be at least 20 characters");
    create(json!({"value": "v".repeat(129)}), BAD, "API Key value exceeds maximum size of 128 characters");
    create(json!({"name": "n".repeat(1025)}), BAD, "Invalid API Key name, can be at most 1024 characters.");
    create(json!({"description": "d".repeat(125_001)}), BAD, "Invalid API Key description specified.");
    create(json!({"stageKeys": [1]}), BAD, "member `stageKeys` must be a list of objects");
    gateway.ok("POST", "/apikeys", json!({"value": "12345678901234567890"}));
    create(json!({"value": "12345678901234567890"}), CONFLICT, "API Key already exists");
    let key = gateway.make("/apikeys", json!({"name": ""}), "id");
    assert!(gateway.ok("GET", &key, Value::Null).get("name").is_none(), "an empty name is dropped");
    let message = "Invalid patch path  '/id' specified for op 'replace'. \
                   Must be one of: [/description, /enabled, /name, /customerId]";
    refused(&gateway, ("PATCH", &key), patch(&[("replace", "/id", "x")]), BAD, message);
    let message = "Invalid patch operation specified. Must be one of: [add, remove, replace]";
    refused(&gateway, ("PATCH", &key), patch(&[("copy", "/name", "x")]), BAD, message);
    let message = "member `patchOperations[0].value` must be a string";
    let body = json!({"patchOperations": [{"op": "replace", "path": "/enabled", "value": true}]});
    refused(&gateway, ("PATCH", &key), body, BAD, message);
    // A step that is refused takes those before it along.
    let steps = [("replace", "/name", "half"), ("replace", "/nothing", "x")];
    assert_eq!(gateway.call("PATCH", &key, patch(&steps)).0, 400);
    assert!(gateway.ok("GET", &key, Value::Null).get("name").is_none());
}

#[test]
fn api_keys_are_listed_by_the_beginning_of_their_name_by_customer_and_by_page() {
    let gateway = Gateway::new();
    for (name, customer) in [("abc", "1"), ("ABC", "2"), ("abd", "2"), ("x", "2")] {
        gateway.ok("POST", "/apikeys", json!({"name": name, "customerId": customer}));
    }
    let names = |query: &str| -> Vec<String> {
        let answer = gateway.ok("GET", &format!("/apikeys?{query}"), Value::Null);
        let items = answer["item"].as_array().unwrap();
        assert!(items.iter().all(|key| key.get("value").is_some() == query.contains("includeValues=true")));
        items.iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(""), ["abc", "ABC", "abd", "x"]);
    assert_eq!(names("name=ab&includeValues=true"), ["abc", "abd"]);
    assert_eq!(names("customerId=2"), ["ABC", "abd", "x"]);
    let page = gateway.ok("GET", "/apikeys?limit=3", Value::Null);
    let position = page["position"].as_str().unwrap();
    assert_eq!(names(&format!("limit=3&position={position}")), ["x"]);
    refused(&gateway, ("GET", "/apikeys?position=x"), json!(null), BAD, "Invalid position specified");
    let message = "Invalid limit specified. Must be a number from 1 up";
    refused(&gateway, ("GET", "/apikeys?limit=0"), json!(null), BAD, message);
}

#[test]
fn keys_are_imported_from_a_file_with_their_plans() {
    let gateway = Gateway::new();
    let plan = gateway.make("/usageplans", json!({"name": "p"}), "id");
    let file = format!(
        "Name,key,description,Enabled,usageplanIds\n\
         first,aaaaaaaaaaaaaaaaaaaa,\"one, two\",TRUE,\"{0}\"\n\
         second,bbbbbbbbbbbbbbbbbbbb,,false,\n\
         third,short,,false,\n",
        id(&plan)
    );
    let answer = gateway.send(Method::POST, "/apikeys?mode=import&format=csv", &file);
    assert_eq!(answer.status(), 201);
    let answer: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(answer["ids"].as_array().unwrap().len(), 2);
    assert_eq!(answer["warnings"], json!(["line 4: API Key value should be at least 20 characters"]));
    let keys = gateway.ok("GET", "/apikeys?includeValues=true", Value::Null);
    assert_eq!(keys["item"][0]["description"], "one, two");
    assert_eq!(keys["item"][0]["enabled"], true);
    let in_plan = gateway.ok("GET", &format!("{plan}/keys"), Value::Null);
    assert_eq!(in_plan["item"][0]["value"], "aaaaaaaaaaaaaaaaaaaa");
    let file = "name,key\nfourth,dddddddddddddddddddd\nfifth,short\n";
    let answer = gateway.send(Method::POST, "/apikeys?mode=import&format=csv&failonwarnings=true", file);
    assert_eq!(answer.status(), 400);
    assert_eq!(gateway.ok("GET", "/apikeys", Value::Null)["item"].as_array().unwrap().len(), 2, "all or none");
    for (query, file) in [("format=xml", "name,key\n"), ("format=csv", ""), ("format=csv", "name\nx\n")] {
        assert_eq!(gateway.send(Method::POST, &format!("/apikeys?mode=import&{query}"), file).status(), 400, "{query}");
    }
}

/// A control plane with an API, two stages and a usage plan on one of them.
struct Stand {
    gateway: Gateway,
    api: String,
    plan: String,
}

fn stand() -> Stand {
    let gateway = Gateway::new();
    let api = gateway.api_with_route();
    for stage in ["dev", "prod"] {
        gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": stage}));
    }
    let plan = json!({
        "name": "gold", "description": "d", "tags": {"a": "b"},
        "apiStages": [{"apiId": id(&api), "stage": "dev", "throttle": {"first": {"burstLimit": 1, "rateLimit": 2}}}],
        "throttle": {"burstLimit": 10, "rateLimit": 5.5}, "quota": {"limit": 100, "period": "MONTH"},
    });
    let plan = gateway.make("/usageplans", plan, "id");
    Stand { gateway, api, plan }
}

#[test]
fn a_usage_plan_is_answered_as_it_was_made_and_changed_step_by_step() {
    let Stand { gateway, api, plan } = stand();
    let api = id(&api);
    let plain = gateway.ok("POST", "/usageplans", json!({"name": "plain"}));
    assert_eq!(without(plain, &["id"]), json!({"name": "plain", "apiStages": [], "tags": {}}));
    let get = || without(gateway.ok("GET", &plan, Value::Null), &["id"]);
    let stage = json!({"apiId": api, "stage": "dev", "throttle": {"first": {"burstLimit": 1, "rateLimit": 2}}});
    let expected = json!({
        "name": "gold", "description": "d", "tags": {"a": "b"}, "apiStages": [stage],
        "throttle": {"burstLimit": 10, "rateLimit": 5.5}, "quota": {"limit": 100, "offset": 0, "period": "MONTH"},
    });
    assert_eq!(get(), expected);
    let prod = format!("{api}:prod");
    gateway.ok(
        "PATCH",
        &plan,
        patch(&[
            ("replace", "/throttle/burstLimit", "20"),
            ("replace", "/quota/period", "DAY"),
            ("replace", "/quota/offset", "5"),
            ("add", "/apiStages", &prod),
            ("replace", &format!("/apiStages/{prod}/throttle/a~1b/rateLimit"), "7"),
            ("remove", &format!("/apiStages/{api}:dev/throttle/first"), ""),
            ("replace", "/productCode", "market"),
        ]),
    );
    let now = get();
    assert_eq!(now["throttle"], json!({"burstLimit": 20, "rateLimit": 5.5}));
    assert_eq!(now["quota"], json!({"limit": 100, "offset": 5, "period": "DAY"}));
    assert_eq!(now["apiStages"][0]["throttle"], json!({}));
    assert_eq!(now["apiStages"][1]["throttle"], json!({"a/b": {"rateLimit": 7.0}}));
    assert_eq!(now["productCode"], "market");
    let published = gateway.snapshot().account.usage_plans[id(&plan)].clone();
    assert_eq!(published.api_stages.len(), 2);
    assert_eq!(published.throttle.unwrap().burst_limit, 20);
    let steps = [("remove", "/throttle", ""), ("remove", "/quota", ""), ("remove", "/apiStages", prod.as_str())];
    let now = gateway.ok("PATCH", &plan, patch(&steps));
    assert!(now.get("throttle").is_none() && now.get("quota").is_none());
    assert_eq!(now["apiStages"].as_array().unwrap().len(), 1);
}

#[test]
fn usage_plans_are_refused_in_the_words_of_aws() {
    let Stand { gateway, api, plan } = stand();
    let plan_id = id(&plan).to_owned();
    let unknown = format!("Invalid API Stage {{api: {}, stage: nope}} specified for usageplan {plan_id}", id(&api));
    let steps = [("add", "/apiStages", &*format!("{}:nope", id(&api)))];
    refused(&gateway, ("PATCH", &plan), patch(&steps), GONE, &unknown);
    for value in ["", "nostage", ":"] {
        let body = patch(&[("add", "/apiStages", value)]);
        refused(&gateway, ("PATCH", &plan), body, BAD, "Invalid API Stage specified");
    }
    let malformed = json!({"name": "n", "apiStages": [{"stage": "dev"}]});
    refused(&gateway, ("POST", "/usageplans"), malformed, BAD, "Invalid API Stage specified");
    let gone = "Invalid Usage Plan ID specified";
    for (method, path, body) in [
        ("GET", "/usageplans/nope", json!(null)),
        ("PATCH", "/usageplans/nope", patch(&[])),
        ("DELETE", "/usageplans/nope", json!(null)),
        ("POST", "/usageplans/nope/keys", json!({"keyId": "k", "keyType": "API_KEY"})),
        ("GET", "/usageplans/nope/usage?startDate=2026-01-01&endDate=2026-01-02", json!(null)),
    ] {
        refused(&gateway, (method, path), body, GONE, gone);
    }
    let quota = "A quota needs a limit from 1 up and a period: DAY, WEEK or MONTH";
    for body in [json!({"limit": 5}), json!({"period": "DAY"})] {
        refused(&gateway, ("POST", "/usageplans"), json!({"name": "n", "quota": body}), BAD, quota);
    }
    for path in ["/quota", "/throttle"] {
        let message = format!("Invalid patch value  'x' specified for path '{path}'");
        refused(&gateway, ("PATCH", &plan), patch(&[("replace", path, "x")]), BAD, &message);
    }
    let body = patch(&[("replace", "/throttle/burstLimit", "many")]);
    let message = "Invalid patch value  'many' specified for path '/throttle/burstLimit'";
    refused(&gateway, ("PATCH", &plan), body, BAD, message);
    let message = format!("Cannot delete usage plan {plan_id}: remove its API Stages first: [{}:dev]", id(&api));
    refused(&gateway, ("DELETE", &plan), json!(null), BAD, &message);
    gateway.ok("PATCH", &plan, patch(&[("remove", "/apiStages", &format!("{}:dev", id(&api)))]));
    gateway.check("DELETE", &plan, Value::Null, 202, Value::Null);
}

#[test]
fn a_key_is_in_one_plan_of_a_stage_and_leaves_its_plans_when_it_is_deleted() {
    let Stand { gateway, api, plan } = stand();
    let key = gateway.ok("POST", "/apikeys", json!({"name": "k"}));
    let key_id = key["id"].as_str().unwrap();
    let body = json!({"keyId": key_id, "keyType": "API_KEY"});
    let made = gateway.ok("POST", &format!("{plan}/keys"), body.clone());
    assert_eq!(made, json!({"id": key_id, "type": "API_KEY", "value": key["value"], "name": "k"}));
    gateway.check("GET", &format!("{plan}/keys/{key_id}"), Value::Null, 200, made.clone());
    gateway.check("GET", &format!("{plan}/keys?name=k"), Value::Null, 200, json!({"item": [made]}));
    gateway.check("GET", &format!("{plan}/keys?name=z"), Value::Null, 200, json!({"item": []}));
    gateway.check("GET", "/usageplans/nope/keys", Value::Null, 200, json!({"item": []}));
    assert_eq!(gateway.snapshot().account.usage_plans[id(&plan)].key_ids, [key_id]);
    let plans = |key: &str| gateway.ok("GET", &format!("/usageplans?keyId={key}"), Value::Null)["item"].clone();
    assert_eq!(plans(key_id).as_array().unwrap().len(), 1);
    assert_eq!(plans("other"), json!([]));

    let taken = format!("API Key {key_id} is already in the usage plan {}", id(&plan));
    refused(&gateway, ("POST", &format!("{plan}/keys")), body.clone(), CONFLICT, &taken);
    let other = json!({"name": "o", "apiStages": [{"apiId": id(&api), "stage": "dev"}]});
    let other = gateway.make("/usageplans", other, "id");
    let two = format!("{taken} for the API Stage {}:dev", id(&api));
    refused(&gateway, ("POST", &format!("{other}/keys")), body.clone(), CONFLICT, &two);
    let free = gateway.make("/usageplans", json!({"name": "free"}), "id");
    gateway.ok("POST", &format!("{free}/keys"), body.clone());
    let add = patch(&[("add", "/apiStages", &format!("{}:dev", id(&api)))]);
    refused(&gateway, ("PATCH", &free), add, CONFLICT, &two);

    let wrong = json!({"keyId": key_id, "keyType": "OTHER"});
    let message = "Invalid key type specified. Must be one of: [API_KEY]";
    refused(&gateway, ("POST", &format!("{plan}/keys")), wrong, BAD, message);
    let unknown = json!({"keyId": "nope", "keyType": "API_KEY"});
    let message = "Invalid API Key identifier specified";
    refused(&gateway, ("POST", &format!("{plan}/keys")), unknown, GONE, message);
    gateway.check("DELETE", &format!("{free}/keys/{key_id}"), Value::Null, 202, Value::Null);
    gateway.ok("DELETE", &format!("/apikeys/{key_id}"), Value::Null);
    let message = "Invalid Usage Plan Key identifier specified";
    refused(&gateway, ("GET", &format!("{plan}/keys/{key_id}")), json!(null), GONE, message);
    assert!(gateway.snapshot().account.usage_plans[id(&plan)].key_ids.is_empty());
}

#[test]
fn plans_forget_stages_that_are_deleted() {
    let Stand { gateway, api, plan } = stand();
    gateway.ok("PATCH", &plan, patch(&[("add", "/apiStages", &format!("{}:prod", id(&api)))]));
    gateway.ok("DELETE", &format!("{api}/stages/dev"), Value::Null);
    let stages = || gateway.ok("GET", &plan, Value::Null)["apiStages"].clone();
    assert_eq!(stages(), json!([{"apiId": id(&api), "stage": "prod"}]));
    gateway.ok("DELETE", &api, Value::Null);
    assert_eq!(stages(), json!([]));
    assert!(gateway.snapshot().account.usage_plans[id(&plan)].api_stages.is_empty());
}

/// Counts nothing, and remembers what it was asked.
#[derive(Default)]
struct Scripted(Mutex<Vec<String>>);

impl Usage for Scripted {
    fn days(&self, _: &str, key_id: &str, days: RangeInclusive<u64>) -> Vec<DayUse> {
        self.0.lock().unwrap().push(format!("{key_id} {days:?}"));
        days.map(|day| DayUse { used: day - 20_000, remaining: 7 }).collect()
    }

    fn set_remaining(&self, _: &str, key_id: &str, remaining: u64) -> bool {
        self.0.lock().unwrap().push(format!("{key_id} has {remaining} left"));
        true
    }
}

#[test]
fn usage_is_answered_by_whoever_counts() {
    let usage = Arc::new(Scripted::default());
    let gateway = Gateway::with(Arc::new(MemoryStore::default()), |settings| settings.usage = usage.clone());
    let plan = gateway.make("/usageplans", json!({"name": "p"}), "id");
    let key = gateway.make("/apikeys", json!({}), "id");
    gateway.ok("POST", &format!("{plan}/keys"), json!({"keyId": id(&key), "keyType": "API_KEY"}));
    // 2024-10-04 is day 20,000.
    let answer = gateway.ok("GET", &format!("{plan}/usage?startDate=2024-10-05&endDate=2024-10-06"), Value::Null);
    let expected = json!({
        "usagePlanId": id(&plan), "startDate": "2024-10-05", "endDate": "2024-10-06",
        "values": {id(&key): [[1, 7], [2, 7]]},
    });
    assert_eq!(answer, expected);
    let none =
        gateway.ok("GET", &format!("{plan}/usage?startDate=2024-10-05&endDate=2024-10-05&keyId=other"), Value::Null);
    assert_eq!(none["values"], json!({}));
    let path = format!("{plan}/keys/{}/usage", id(&key));
    let today = gateway.ok("PATCH", &path, patch(&[("replace", "/remaining", "50")]));
    assert_eq!(today["startDate"], today["endDate"]);
    assert_eq!(usage.0.lock().unwrap()[1], format!("{} has 50 left", id(&key)));
    let dates = "startDate and endDate must be dates such as 2026-01-31, in this order and at most 90 days apart";
    for query in ["", "startDate=2024-10-05", "startDate=2024-10-06&endDate=2024-10-05", "startDate=x&endDate=y"] {
        refused(&gateway, ("GET", &format!("{plan}/usage?{query}")), json!(null), BAD, dates);
    }
    let query = "startDate=2024-01-01&endDate=2024-12-31";
    refused(&gateway, ("GET", &format!("{plan}/usage?{query}")), json!(null), BAD, dates);
    let body = patch(&[("replace", "/remaining", "-1")]);
    refused(&gateway, ("PATCH", &path), body, BAD, "The remaining quota must be a whole number from 0 up");
    let nobody = Gateway::new();
    let plan = nobody.make("/usageplans", json!({"name": "p"}), "id");
    let key = nobody.make("/apikeys", json!({}), "id");
    nobody.ok("POST", &format!("{plan}/keys"), json!({"keyId": id(&key), "keyType": "API_KEY"}));
    let message = "Nobody counts requests here, so no quota can be changed";
    let body = patch(&[("replace", "/remaining", "1")]);
    refused(&nobody, ("PATCH", &format!("{plan}/keys/{}/usage", id(&key))), body, BAD, message);
}

#[test]
fn a_limit_of_the_settings_bounds_keys_and_names_itself() {
    let gateway = Gateway::with(Arc::new(MemoryStore::default()), |settings| settings.limits.api_keys = 1);
    gateway.ok("POST", "/apikeys", json!({}));
    let too_many = (429, "LimitExceededException");
    let message = "The maximum number of API Keys has been reached: limit api-keys";
    refused(&gateway, ("POST", "/apikeys"), json!({}), too_many, message);
    let unbounded = Gateway::with(Arc::new(MemoryStore::default()), |settings| settings.limits.apis = 0);
    unbounded.api();
    let stage = StageKey::default();
    assert!(!unbounded.snapshot().stages.contains_key(&stage));
}
