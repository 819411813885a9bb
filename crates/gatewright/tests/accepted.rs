//! What the control plane accepts does not break a plan: what it asks of `mapping` is what plans are made with.
//!
//! Definitions of random pieces, good and bad, are sent to a control plane as clients send them, created and updated.
//! Whatever it takes is deployed and compiled, and no remark may say that something cannot work; what AWS takes all the same
//! is listed in [`ALL_THE_SAME`]. `ACCEPTED_SEED=n` runs one API again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use control::store::MemoryStore;
use control::{Caller, Control};
use http::{Method, Request};
use mapping::{Note, Plan, Shared};
use serde_json::{Map, Value, json};
use types::{Dialect, Limits, Snapshot};

/// APIs that are tried; each has some hundred random texts.
const TRIES: u64 = 200;

/// What is accepted although it cannot work, since nobody has seen AWS refuse it, and what the remark says of it.
const ALL_THE_SAME: &[(&str, &str)] = &[
    ("a header that is the gateway's own", "header already present"),
    ("a stage variable that is not set", "is not set on the stage"),
    ("a stage variable without its brace", "is not closed in"),
    ("an address without a host that can be read", "is no host and port"),
    ("an address with a user", "user names in URLs"),
    ("an address that a stage variable makes none", "is no http or https URL"),
    ("an address that is no function's and no service's", "names neither a function nor a service"),
    ("an authorizer that is a service", "only a function can decide"),
    ("a path parameter that the URI does not have", "but the URI has no {"),
    ("a model that is not there", "` does not exist"),
    ("a model's pattern that is no regular expression", " is not a \"regex\""),
    ("a model's count with a decimal point", "3.0 is not of type \"integer\""),
    ("a model's `$ref` to what is no model of the API", "is not present in a registry"),
    ("a model's `$ref` to what it does not have", "Pointer '/definitions/"),
    ("a model's `$ref` that is no URI", "Invalid URI reference"),
];

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
    "integration.request.header.content-length",
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

const URI: &[&str] = &[
    "http://",
    "https://",
    "ftp://",
    "127.0.0.1:1",
    "h",
    ":99999",
    "http://u@h",
    "/{x}",
    "/a b",
    "?q=1",
    "${stageVariables.set}",
    "${stageVariables.unset}",
    "${stageVariables.",
    "arn:aws:lambda:us-east-1:000000000000:function:f",
];
const AUTHORIZER: &[&str] = &[
    "http://127.0.0.1:1/authorize",
    "jwt:https://issuer.example.com/",
    "jwt:",
    "${stageVariables.set}",
    "${stageVariables.unset}",
    "https://",
    "u",
    "arn:aws:lambda:us-east-1:000000000000:function:f",
    "arn:aws:apigateway:us-east-1:dynamodb:action/PutItem",
];
const DECLARATION: &[&str] = &[
    "route.request.header.x",
    "route.request.querystring.q",
    "method.request.header.H",
    "route.request.header.h",
    "route.request.multivalueheader.h",
    "route.request.body",
    "route.request.header.",
];
/// Keywords of schemas with values, right and wrong.
const KEYWORDS: &[(&str, &[&str])] = &[
    ("type", &[r#""string""#, r#"["object","null"]"#, r#""objekt""#, r#"["null","null"]"#, "[]"]),
    ("pattern", &[r#""^a+$""#, r#""(""#, r#""(?=a)b""#, "1"]),
    ("enum", &["[1,null]", "[1,1]", "[]", "1"]),
    ("required", &[r#"["a"]"#, r#"["a","a"]"#, "[]", "[1]", "true"]),
    ("minLength", &["0", "3.0", "-1", r#""3""#, "99999999999999999999"]),
    ("maximum", &["1.5", "-1", r#""1""#]),
    ("exclusiveMaximum", &["true", "1"]),
    ("multipleOf", &["0.5", "0", "-1", r#""1""#]),
    ("format", &[r#""date-time""#, r#""anything""#, "1"]),
    ("uniqueItems", &["true", "1"]),
    ("$schema", &[r#""http://json-schema.org/draft-04/schema#""#, r#""http://example.com/other""#, "1"]),
    ("id", &[r#""x""#, r#""http://example.com/x""#, r#""::""#, "1"]),
    ("$ref", &[r##""#""##, r##""#/definitions/d""##, r##""#/definitions/none""##, r#""::""#, "1"]),
    (
        "$ref",
        &[
            r#""https://apigateway.amazonaws.com/restapis/abc/models/M0""#,
            r#""https://apigateway.amazonaws.com/restapis/abc/models/None""#,
            r#""http://example.com/s""#,
        ],
    ),
    ("dependencies", &[r#"{"a":["b"]}"#, r#"{"a":["b","b"]}"#, r#"{"a":[]}"#, "1"]),
    ("example", &["1"]),
    ("default", &["1"]),
    ("items", &["{}", "[{}]", "[]", "1", r#"{"type":"x"}"#, r#"[{"enum":[]}]"#]),
    ("additionalProperties", &["false", "{}", "1", r#"{"required":"a"}"#]),
];
/// Models that routes name; all but the last are there.
const MODELS: &[&str] = &["M0", "M1", "M2", "M3", "M4", "None"];
/// Keywords that hold schemas: one, a list of them, or some by name.
const NESTS: &[&str] = &["not", "allOf", "anyOf", "properties", "definitions", "patternProperties"];

/// By the name of its id: how often a kind of resource was refused, and accepted.
type Accepted = BTreeMap<&'static str, [usize; 2]>;

struct Api {
    control: Control,
    snapshot: Arc<Mutex<Arc<Snapshot>>>,
}

impl Api {
    fn new() -> Api {
        let snapshot: Arc<Mutex<Arc<Snapshot>>> = Arc::default();
        let published = snapshot.clone();
        let place = types::arn::Home { region: "us-east-1".into(), account_id: "000000000000".into() };
        let settings = control::Settings::new(place, "localhost:1".into());
        let publish = move |next: Arc<Snapshot>, _| *published.lock().unwrap() = next;
        let control = Control::open(settings, Arc::new(MemoryStore::default()), Box::new(publish)).unwrap();
        Api { control, snapshot }
    }

    // The answer, if the call was accepted.
    fn call(&self, method: Method, path: &str, body: &Value) -> Option<Value> {
        let request = Request::builder().method(method).uri(path).body(Bytes::from(body.to_string())).unwrap();
        let answer = self.control.handle(&Caller::program(), request);
        answer.status().is_success().then(|| serde_json::from_slice(answer.body()).unwrap())
    }

    // Creates something; where that is refused, creates what is surely right, and then tries to make it the other by an update.
    fn make(&self, path: &str, id: &'static str, body: &Value, right: &Value, accepted: &mut Accepted) -> String {
        let made = self.call(Method::POST, path, body);
        let accepted = accepted.entry(id).or_default();
        accepted[usize::from(made.is_some())] += 1;
        let is_new = made.is_some();
        let made = made.or_else(|| self.call(Method::POST, path, right));
        let made = made.unwrap_or_else(|| panic!("refused at {path}: {right}"));
        let made = format!("{path}/{}", made[id].as_str().unwrap());
        if !is_new {
            // One member after the other, so that one that is wrong does not keep the others out.
            for (name, value) in body.as_object().unwrap() {
                let changed = self.call(Method::PATCH, &made, &json!({ name: value }));
                accepted[usize::from(changed.is_some())] += 1;
            }
        }
        made
    }
}

fn texts(random: &mut Random, keys: &[&str], values: &[&str], most: usize) -> Value {
    let pairs = (0..random.next(3)).map(|_| (random.some(keys, 2), random.some(values, most)));
    Value::Object(pairs.map(|(key, value)| (key, Value::from(value))).collect())
}

fn schema(random: &mut Random, depth: usize) -> Value {
    let mut made = Map::new();
    for _ in 0..random.next(3) {
        let (keyword, values) = KEYWORDS[random.next(KEYWORDS.len())];
        made.insert(keyword.to_owned(), serde_json::from_str(random.one(values)).unwrap());
    }
    if depth > 0 {
        let nest = random.one(NESTS);
        let inner = schema(random, depth - 1);
        let value = match nest {
            "allOf" | "anyOf" => json!([inner]),
            "properties" | "definitions" => json!({ "d": inner }),
            "patternProperties" => json!({ random.some(KEY, 2): inner }),
            _ => inner,
        };
        made.insert(nest.to_owned(), value);
    }
    Value::Object(made)
}

// An integration, its responses, and a route to it with its response.
fn route(api: &Api, path: &str, random: &mut Random, key: &str, kind: &str, accepted: &mut Accepted) {
    let uri = random.one(&["http://127.0.0.1:1/{x}", "http://127.0.0.1:1"]);
    let body = json!({
        "integrationType": kind, "integrationUri": if random.next(4) > 0 { uri.to_owned() } else { random.some(URI, 4) },
        "integrationMethod": random.one(&["POST", "ANY", "GET", "get", ""]),
        "connectionType": random.one(&["INTERNET", "INTERNET", "VPC_LINK"]), "connectionId": random.some(URI, 2),
        "requestParameters": texts(random, TARGET, SOURCE, 2), "requestTemplates": texts(random, STATUS, TEMPLATE, 6),
        "templateSelectionExpression": random.some(EXPRESSION, 3),
    });
    let right = json!({ "integrationType": "HTTP", "integrationUri": uri, "integrationMethod": "POST" });
    let integration = api.make(&format!("{path}/integrations"), "integrationId", &body, &right, accepted);
    for number in 0..2 {
        let key = if random.next(4) == 0 { random.some(KEY, 4) } else { format!("/{}/", random.some(KEY, 4)) };
        let body = json!({
            "integrationResponseKey": key, "templateSelectionExpression": random.some(EXPRESSION, 2),
            "responseParameters": texts(random, TARGET, SOURCE, 2), "responseTemplates": texts(random, STATUS, TEMPLATE, 6),
        });
        let right = json!({ "integrationResponseKey": format!("/{number}/") });
        api.make(&format!("{integration}/integrationresponses"), "integrationResponseId", &body, &right, accepted);
    }
    let declared = (0..random.next(3)).map(|_| (random.one(DECLARATION), json!({ "required": random.next(2) == 0 })));
    let declared: Map<String, Value> = declared.map(|(key, value)| (key.to_owned(), value)).collect();
    let models = (0..random.next(3)).map(|_| (random.some(EXPRESSION, 2), random.one(MODELS)));
    let models: Map<String, Value> = models.map(|(key, name)| (key, name.into())).collect();
    let body = json!({
        "routeKey": key, "requestParameters": declared, "modelSelectionExpression": random.some(EXPRESSION, 2),
    "requestModels": models,
        "routeResponseSelectionExpression": random.one(&["$default", "x"]),
        "target": integration.replace(path, "").trim_start_matches('/'),
    });
    let made = api.make(&format!("{path}/routes"), "routeId", &body, &json!({ "routeKey": key }), accepted);
    let body = json!({
        "routeResponseKey": random.one(&["$default", "x"]), "modelSelectionExpression": random.some(EXPRESSION, 2),
        "responseModels": texts(random, STATUS, &["M0", "None"], 1),
    });
    let right = json!({ "routeResponseKey": "$default" });
    api.make(&format!("{made}/routeresponses"), "routeResponseId", &body, &right, accepted);
}

// Has $connect ask an authorizer.
fn asks(api: &Api, path: &str, authorizer: &str) {
    let routes = api.call(Method::GET, &format!("{path}/routes"), &Value::Null).unwrap();
    let mut routes = routes["items"].as_array().unwrap().iter();
    let connect = routes.find(|route| route["routeKey"] == "$connect").unwrap();
    let id = authorizer.rsplit('/').next().unwrap();
    let body = json!({ "authorizationType": "CUSTOM", "authorizerId": id });
    let route = format!("{path}/routes/{}", connect["routeId"].as_str().unwrap());
    api.call(Method::PATCH, &route, &body).unwrap();
}

// What was accepted of one API and cannot work: what the remarks say.
fn broken(seed: u64, accepted: &mut Accepted) -> Vec<String> {
    let random = &mut Random(seed);
    let api = Api::new();
    let body = |expression: &str| {
        let tags = json!({ "_custom_id_": "abc" });
        json!({ "name": "a", "protocolType": "WEBSOCKET", "routeSelectionExpression": expression, "tags": tags })
    };
    let right = body("$request.body.action");
    let path = api.make("/v2/apis", "apiId", &body(&random.some(EXPRESSION, 4)), &right, accepted);
    for name in &MODELS[..5] {
        let depth = random.next(3);
        let schema = if random.next(8) == 0 { random.some(KEY, 3) } else { schema(random, depth).to_string() };
        let body = json!({ "name": name, "schema": schema });
        let right = json!({ "name": name, "schema": "{}" });
        api.make(&format!("{path}/models"), "modelId", &body, &right, accepted);
    }
    let body = json!({
        "name": "gate", "authorizerType": "REQUEST", "authorizerUri": random.one(AUTHORIZER),
        "identitySource": [random.some(SOURCE, 2), random.one(SOURCE)],
    });
    let right = json!({ "name": "gate", "authorizerType": "REQUEST", "authorizerUri": "u" });
    let gate = api.make(&format!("{path}/authorizers"), "authorizerId", &body, &right, accepted);
    for (key, kind) in
        [("$connect", "HTTP_PROXY"), ("$disconnect", "MOCK"), ("$default", "HTTP"), ("a", "AWS"), ("b", "HTTP")]
    {
        route(&api, &path, random, key, kind, accepted);
    }
    asks(&api, &path, &gate);
    let stage = json!({ "stageName": "dev", "autoDeploy": true, "stageVariables": { "set": "example.com" } });
    api.call(Method::POST, &format!("{path}/stages"), &stage).unwrap();
    let snapshot = api.snapshot.lock().unwrap().clone();
    assert_eq!(snapshot.stages.len(), 1);
    let mut broken = Vec::new();
    for stage in snapshot.stages.values() {
        let (_, notes) = Plan::compile(stage, &Limits::default(), Dialect::default(), &mut Shared::default());
        broken.extend(notes.iter().filter(|note| matches!(note, Note::Broken { .. })).map(ToString::to_string));
    }
    broken
}

#[test]
fn what_control_accepts_compiles() {
    let one = std::env::var("ACCEPTED_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let mut accepted = Accepted::new();
    let mut met = BTreeSet::new();
    let mut unexpected = Vec::new();
    for seed in one.map_or(0..TRIES, |seed| seed..seed + 1) {
        for told in broken(seed, &mut accepted) {
            match ALL_THE_SAME.iter().find(|(_, words)| told.contains(words)) {
                Some((name, _)) => drop(met.insert(*name)),
                None => unexpected.push(format!("seed {seed}: {told}")),
            }
        }
    }
    assert!(unexpected.is_empty(), "accepted and broken:\n{}", unexpected.join("\n"));
    if one.is_none() {
        // A list that is longer than it need be would hide something, and random texts that nobody accepts show nothing.
        let never: Vec<_> = ALL_THE_SAME.iter().filter(|(name, _)| !met.contains(name)).collect();
        assert!(never.is_empty(), "none of these was met: {never:?}");
        let least = TRIES as usize / 5;
        assert!(accepted.values().flatten().all(|count| *count >= least), "refused and accepted: {accepted:?}");
    }
}
