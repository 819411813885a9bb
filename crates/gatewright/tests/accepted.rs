//! What the control plane accepts never breaks a plan: both read the same languages, and neither may know more.
//!
//! Random selection expressions, parameter mappings, response keys and templates are sent to a control plane; whatever it
//! takes is compiled, and no remark may say that something cannot work.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use control::store::MemoryStore;
use control::{Caller, Control};
use http::{Method, Request};
use mapping::{Note, Plan, Shared};
use serde_json::{Value, json};
use types::{Dialect, Limits, Snapshot};

/// APIs that are tried; each has a dozen random texts.
const TRIES: u64 = 400;

/// A small generator, so that a seed makes the same texts everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % below as u64) as usize
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.next(of.len())]
    }

    fn some(&mut self, of: &[&str], most: usize) -> String {
        (0..self.next(most + 1)).map(|_| self.one(of)).collect()
    }
}

const EXPRESSION: &[&str] = &[
    "$request.body",
    "$request.body.action",
    "${request.body.a}",
    "$",
    "${",
    "}",
    "\\$",
    "\\",
    ".",
    "[0]",
    "['k']",
    "\"",
    "'",
    "*",
    "a",
    "-",
    "/",
    " ",
    "$request.method",
    "$context.stage",
    "$integration.response.statuscode",
    "..",
    "@",
    "?(",
    ")",
    "é",
    "{",
    "$integration.response.header.X",
    "$request.bodyx",
    "$default",
    "${a.b}",
];
const SOURCE: &[&str] = &[
    "context.connectionId",
    "context.foo",
    "context.authorizer.x",
    "stageVariables.a",
    "route.request.header.x",
    "route.request.querystring.q",
    "route.request.path.p",
    "method.request.multivalueheader.h",
    "route.request.body",
    "route.request.body.a",
    "route.request.multivaluequerystring.q",
    "integration.response.header.h",
    "integration.response.body.a",
    "'static'",
    "'",
    ".",
    "a",
    "[0]",
    "['k']",
    "*",
    "..",
    "$",
    "?(@.x)",
    "é",
    " ",
    "-",
    "_",
];
const TARGET: &[&str] = &[
    "integration.request.header.X-A",
    "integration.request.querystring.q",
    "integration.request.path.x",
    "method.response.header.h",
    "route.response.header.h",
    "integration.request.header.",
    "x",
    ".b",
    "é",
    " ",
    "$",
    "-",
];
const KEY: &[&str] =
    &["\\d", "2", "0", "(", ")", "[", "]", "*", "+", "?", ".", "|", "^", "{2}", "\\", "(?=x)", "\\1", "/"];
const TEMPLATE: &[&str] = &[
    "$input.json('$')",
    "#if($x)",
    "#end",
    "#set($a = 1)",
    "$context.connectionId",
    "{",
    "}",
    "\"",
    "#foreach($i in [1..3])",
    "$util.foo()",
    "#else",
    "$",
    "#",
    "(",
    "text",
    "'",
    "$!{x.y}",
    "##",
    "#[[",
    "]]#",
    "#stop",
    "\\",
    "$x.replaceAll('(?=(a+)+$)','b')",
];
const STATUS: &[&str] = &["200", "$default", "application/json", "4\\d\\d"];

struct Api {
    control: Control,
    snapshot: Arc<Mutex<Arc<Snapshot>>>,
}

impl Api {
    fn new() -> Api {
        let snapshot: Arc<Mutex<Arc<Snapshot>>> = Arc::default();
        let published = snapshot.clone();
        let place = types::arn::Place { region: "us-east-1".into(), account_id: "000000000000".into() };
        let settings = control::Settings::new(place, "localhost:1".into());
        let publish = move |next: Arc<Snapshot>, _| *published.lock().unwrap() = next;
        let control = Control::open(settings, Arc::new(MemoryStore::default()), Box::new(publish)).unwrap();
        Api { control, snapshot }
    }

    // The answer, if the call was accepted.
    fn post(&self, path: &str, body: &Value) -> Option<Value> {
        let request = Request::builder().method(Method::POST).uri(path).body(Bytes::from(body.to_string())).unwrap();
        let answer = self.control.handle(&Caller::program(), request);
        answer.status().is_success().then(|| serde_json::from_slice(answer.body()).unwrap())
    }
}

fn texts(random: &mut Random, keys: &[&str], values: &[&str], most: usize) -> Value {
    let pairs = (0..random.next(3)).map(|_| (random.some(keys, 2), random.some(values, most)));
    Value::Object(pairs.map(|(key, value)| (key, Value::from(value))).collect())
}

#[test]
fn what_control_accepts_compiles() {
    let mut accepted = [0; 4];
    for seed in 0..TRIES {
        let mut random = Random(seed);
        let api = Api::new();
        let expression = random.some(EXPRESSION, 4);
        let body = |expression: &str| json!({ "name": "a", "protocolType": "WEBSOCKET", "routeSelectionExpression": expression });
        let made = api.post("/v2/apis", &body(&expression));
        accepted[0] += usize::from(made.is_some());
        let made = made.unwrap_or_else(|| api.post("/v2/apis", &body("$request.body.action")).unwrap());
        let path = format!("/v2/apis/{}", made["apiId"].as_str().unwrap());
        for (number, kind) in ["HTTP", "HTTP_PROXY", "MOCK"].into_iter().enumerate() {
            let integration = json!({
                "integrationType": kind, "integrationUri": "http://127.0.0.1:1/{x}",
                "integrationMethod": random.one(&["POST", "ANY", "GET"]),
                "requestParameters": texts(&mut random, TARGET, SOURCE, 2),
                "requestTemplates": texts(&mut random, STATUS, TEMPLATE, 6),
                "templateSelectionExpression": format!("{}x", random.some(EXPRESSION, 2)),
            });
            let Some(integration) = api.post(&format!("{path}/integrations"), &integration) else { continue };
            accepted[1] += 1;
            let id = integration["integrationId"].as_str().unwrap();
            for _ in 0..2 {
                let key = match random.next(4) {
                    0 => "$default".to_owned(),
                    _ => format!("/{}/", random.some(KEY, 4)),
                };
                let response = json!({
                    "integrationResponseKey": key,
                    "responseParameters": texts(&mut random, TARGET, SOURCE, 2),
                    "responseTemplates": texts(&mut random, STATUS, TEMPLATE, 6),
                });
                let made = api.post(&format!("{path}/integrations/{id}/integrationresponses"), &response);
                accepted[2] += usize::from(made.is_some());
            }
            let route = json!({ "routeKey": format!("r{number}"), "target": format!("integrations/{id}") });
            accepted[3] += usize::from(api.post(&format!("{path}/routes"), &route).is_some());
        }
        api.post(&format!("{path}/routes"), &json!({ "routeKey": "$default" })).unwrap();
        api.post(&format!("{path}/stages"), &json!({ "stageName": "dev", "autoDeploy": true })).unwrap();
        let snapshot = api.snapshot.lock().unwrap().clone();
        assert_eq!(snapshot.stages.len(), 1);
        for stage in snapshot.stages.values() {
            let (_, notes) = Plan::compile(stage, &Limits::default(), Dialect::default(), &mut Shared::default());
            // A path parameter that the URI has not is said, and hurts nothing.
            let broken = |note: &&Note| matches!(note, Note::Broken { what, .. } if what != "a path parameter");
            let broken: Vec<String> = notes.iter().filter(broken).map(ToString::to_string).collect();
            assert!(broken.is_empty(), "seed {seed}: {broken:?}\n{:#?}", stage.definition);
        }
    }
    // Random texts that nobody accepts would show nothing.
    assert!(accepted.iter().all(|count| *count > TRIES as usize / 10), "accepted: {accepted:?}");
}
