//! Lists, page by page.

use std::sync::Arc;

use control::store::MemoryStore;
use serde_json::{Value, json};

use crate::gateway::{Gateway, id};

/// Adds routes with these numbers as keys.
fn add(gateway: &Gateway, routes: &str, keys: std::ops::Range<usize>) -> Vec<String> {
    keys.map(|key| gateway.make(routes, json!({"routeKey": key.to_string()}), "routeId")).collect()
}

fn keys(answer: &Value) -> Vec<usize> {
    let items = answer["items"].as_array().unwrap();
    items.iter().map(|route| route["routeKey"].as_str().unwrap().parse().unwrap()).collect()
}

#[test]
fn pages_hold_25_items_unless_the_caller_says_so_and_keep_the_order_of_creation() {
    let gateway = Gateway::new();
    let routes = format!("{}/routes", gateway.api());
    gateway.check("GET", &routes, Value::Null, 200, json!({"items": []}));
    add(&gateway, &routes, 0..30);
    let first = gateway.ok("GET", &routes, Value::Null);
    assert_eq!(keys(&first), (0..25).collect::<Vec<_>>());
    let token = first["nextToken"].as_str().unwrap();
    let last = gateway.ok("GET", &format!("{routes}?nextToken={token}"), Value::Null);
    assert_eq!(keys(&last), (25..30).collect::<Vec<_>>());
    assert!(last.get("nextToken").is_none());
    let all = gateway.ok("GET", &format!("{routes}?maxResults=30"), Value::Null);
    assert_eq!(keys(&all), (0..30).collect::<Vec<_>>());
    assert!(all.get("nextToken").is_none(), "a last page that is full has no token");
}

#[test]
fn a_token_stays_good_while_items_come_and_go() {
    let gateway = Gateway::new();
    let routes = format!("{}/routes", gateway.api());
    let made = add(&gateway, &routes, 0..10);
    let mut seen = Vec::new();
    let mut query = "?maxResults=3".to_owned();
    let mut round = 0;
    loop {
        let page = gateway.ok("GET", &format!("{routes}{query}"), Value::Null);
        seen.extend(keys(&page));
        let Some(token) = page["nextToken"].as_str() else { break };
        query = format!("?maxResults=3&nextToken={token}");
        if round < 2 {
            // Behind the reader, among them the very item that the token names, and at the end.
            gateway.ok("DELETE", &made[round * 3 + 2], Value::Null);
            add(&gateway, &routes, 100 + round..101 + round);
        }
        round += 1;
    }
    assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 101]);
}

#[test]
fn an_updated_item_keeps_its_place() {
    let gateway = Gateway::new();
    let routes = format!("{}/routes", gateway.api());
    let made = add(&gateway, &routes, 0..3);
    gateway.ok("PATCH", &made[0], json!({"routeKey": "7"}));
    assert_eq!(keys(&gateway.ok("GET", &routes, Value::Null)), [7, 1, 2]);
}

#[test]
fn tokens_and_sizes_that_are_none_are_refused() {
    let gateway = Gateway::new();
    let api = gateway.api();
    for query in ["maxResults=0", "maxResults=-1", "maxResults=x", "maxResults=", "maxResults=1.5"] {
        assert_eq!(gateway.call("GET", &format!("{api}/routes?{query}"), Value::Null).0, 400, "{query}");
    }
    for token in ["x", "gw1-", "gw1-1", "gw1-zzzzzzzzzzzzzzzz", id(&api)] {
        let path = format!("{api}/routes?nextToken={token}");
        gateway.check_refused("GET", &path, Value::Null, 400, "BadRequestException", "Invalid nextToken specified");
    }
    assert_eq!(gateway.call("GET", &format!("{api}/routes?maxResults=99999999999"), Value::Null).0, 200);
}

#[test]
fn lists_that_sdks_do_not_page_through_hold_a_hundred_items() {
    let gateway = Gateway::with(Arc::new(MemoryStore::default()), |settings| settings.limits.vpc_links = 0);
    let api = gateway.api();
    gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "dev"}));
    gateway.ok("POST", "/v2/domainnames", json!({"domainName": "a.b", "domainNameConfigurations": [{}]}));
    for key in 0..101 {
        let mapping = json!({"apiId": id(&api), "stage": "dev", "apiMappingKey": key.to_string()});
        gateway.ok("POST", "/v2/domainnames/a.b/apimappings", mapping);
        gateway.ok("POST", "/v2/vpclinks", json!({"name": "n", "subnetIds": ["s"]}));
        gateway.ok("POST", "/apikeys", json!({}));
    }
    for (list, items, size, token) in [
        ("/v2/domainnames/a.b/apimappings", "items", 100, "nextToken"),
        ("/v2/vpclinks", "items", 100, "nextToken"),
        ("/apikeys", "item", 25, "position"),
    ] {
        let page = gateway.ok("GET", list, Value::Null);
        assert_eq!(page[items].as_array().unwrap().len(), size, "{list}");
        assert!(page[token].is_string(), "{list}");
    }
}
