//! Definitions made by chance, with every kind of text in them, go round as an export.

mod planes;

use http::Method;
use planes::{ask, call, control, goes_round};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Map as JsonMap, Value as Json, json};

const RUNS: u64 = 40;

/// What readers of YAML and HCL take for something else, and what they cannot hold as it is.
const PIECES: &[&str] = &[
    "a",
    "join",
    "yes",
    "No",
    "012",
    "1:30",
    "1e3",
    "2026-01-01",
    "null",
    "~",
    ".5",
    "$default",
    "$",
    "{",
    "}",
    "[",
    "]",
    "${x}",
    "$$",
    "${!y}",
    "%{",
    "%%{",
    "!Ref x",
    "!",
    ": ",
    ":",
    " #",
    "#",
    "\n",
    "\n\n",
    "\n  \n",
    " ",
    "  ",
    "\t",
    "\r\n",
    "\r",
    "'",
    "\"",
    "\\",
    "\\n",
    "é",
    "🙂",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{1}",
    "\u{7f}",
    "\u{feff}",
    "\u{fffd}",
    "-",
    "- ",
    "? ",
    "|",
    ">",
    "&a",
    "*a",
    "@",
    "`",
    ",",
    "EOT",
    "EOT\n",
    "<<",
    "=",
    "---",
    "...",
    "Ref",
    "Fn::Sub",
    "Condition",
    "/",
    "$context.connectionId",
    "#set($a = 1)",
    "$input.json('$')",
    "{\"a\": 1}",
];

fn text(rng: &mut StdRng, pieces_max: usize) -> String {
    let count = rng.random_range(1..=pieces_max);
    (0..count).map(|_| *PIECES.choose(rng).unwrap()).collect()
}

fn texts(rng: &mut StdRng, count_max: usize, pieces_max: usize) -> JsonMap<String, Json> {
    let count = rng.random_range(0..=count_max);
    (0..count).map(|_| (text(rng, 3), text(rng, pieces_max).into())).collect()
}

#[test]
fn what_chance_defines_goes_round() {
    let (mut routes, mut templates) = (0, 0);
    for seed in 0..RUNS {
        let rng = &mut StdRng::seed_from_u64(seed);
        let control = control();
        for n in 0..rng.random_range(1..3) {
            // What the control plane refuses is none of our business.
            let post = |path: &str, body: Json| ask(&control, Method::POST, path, &body).ok();
            let api = json!({"name": text(rng, 4), "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action", "description": text(rng, 5)});
            let mut api = call(&control, Method::POST, "/v2/apis", &api);
            let api_id = api["apiId"].take().as_str().unwrap().to_owned();
            let at = |part: &str| format!("/v2/apis/{api_id}/{part}");
            let mut schema: JsonMap<String, Json> = texts(rng, 3, 3);
            schema.insert("type".into(), "object".into());
            post(
                &at("models"),
                json!({"name": format!("M{n}"), "description": text(rng, 3), "schema": Json::Object(schema).to_string()}),
            );
            for _ in 0..rng.random_range(1..6) {
                let is_mock = rng.random_bool(0.5);
                let integration = json!({
                    "integrationType": if is_mock { "MOCK" } else { "HTTP" },
                    "integrationMethod": "POST",
                    "integrationUri": format!("http://example.com/{}", rng.random_range(0..3)),
                    "description": text(rng, 3),
                    "requestTemplates": texts(rng, 3, 12),
                });
                let Some(integration) = post(&at("integrations"), integration) else { continue };
                templates += integration["requestTemplates"].as_object().map_or(0, JsonMap::len);
                let id = integration["integrationId"].as_str().unwrap();
                for key in ["$default", "/2../", "/[45]\\d\\d/"].iter().take(rng.random_range(0..=3)) {
                    let body = json!({"integrationResponseKey": key, "responseTemplates": texts(rng, 2, 12)});
                    post(&at(&format!("integrations/{id}/integrationresponses")), body);
                }
                for _ in 0..rng.random_range(0..3) {
                    let key = if rng.random_bool(0.05) {
                        text(rng, 2).repeat(500).chars().take(1024).collect()
                    } else {
                        text(rng, 3)
                    };
                    let body = json!({"routeKey": key, "target": format!("integrations/{id}"), "operationName": text(rng, 2), "requestModels": {"a": format!("M{n}")}});
                    let Some(route) = post(&at("routes"), body) else { continue };
                    routes += 1;
                    if rng.random_bool(0.3) {
                        let id = route["routeId"].as_str().unwrap();
                        post(&at(&format!("routes/{id}/routeresponses")), json!({"routeResponseKey": "$default"}));
                    }
                }
            }
            let keys = ask(&control, Method::GET, &at("routes"), &Json::Null).unwrap();
            let settings: JsonMap<String, Json> = keys["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|route| (route["routeKey"].as_str().unwrap().to_owned(), json!({"throttlingRateLimit": 0.5})))
                .collect();
            let is_automatic = rng.random_bool(0.3);
            let deployment =
                if is_automatic { None } else { post(&at("deployments"), json!({"description": text(rng, 3)})) };
            let mut stage = json!({"stageName": "dev", "autoDeploy": is_automatic, "routeSettings": settings, "stageVariables": {"yes": "012", "Ref": "no"}});
            if let Some(deployment) = deployment {
                stage["deploymentId"] = deployment["deploymentId"].clone();
            }
            post(&at("stages"), stage);
            post(
                "/apikeys",
                json!({"name": text(rng, 3), "enabled": rng.random_bool(0.5), "description": text(rng, 4)}),
            );
        }
        goes_round(&control, &format!("random-{seed}"));
    }
    assert!(routes > 100 && templates > 100, "{routes} routes and {templates} templates were taken");
}
