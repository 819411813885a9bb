//! Asks AWS what an API consists of.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use integration::{Endpoint, Fetch, Http};
use serde_json::Value;
use types::headers::Headers;

use crate::aws::User;
use crate::exit::{self, Failure};
use crate::import_aws::ANSWER_BYTES_MAX;
use crate::terminal::{escaped, lines};

/// How long one call may take.
const TIME_MAX: Duration = Duration::from_secs(30);
/// How many pages a list may have; AWS's quotas end lists long before.
const PAGES_MAX: usize = 1000;
/// How often a call is made again that AWS throttles: reading calls are few a second. Source: documented ("Quotas").
const TRIES_MAX: u32 = 6;
/// How long is waited before the second try; each further one waits twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// How much is repeated of what AWS says.
const SAID_CHARS_MAX: usize = 400;

/// Where it is asked, and by whom.
pub(super) struct Source {
    pub(super) http: Arc<Http>,
    pub(super) user: User,
    pub(super) place: Endpoint,
    /// The Region or address, for people.
    pub(super) named: String,
}

/// A resource with those below it.
pub(super) struct Nested {
    pub(super) own: Value,
    pub(super) below: Vec<Value>,
}

/// A usage plan, with its keys.
pub(super) type Plan = Nested;

/// All of an API.
pub(super) struct Found {
    pub(super) api: Value,
    pub(super) models: Vec<Value>,
    pub(super) authorizers: Vec<Value>,
    /// Each with its responses.
    pub(super) integrations: Vec<Nested>,
    /// Each with its responses.
    pub(super) routes: Vec<Nested>,
    pub(super) stages: Vec<Value>,
    pub(super) plans: Vec<Plan>,
    /// Custom domain names that lead to it, each with the stage and the mapping's key.
    pub(super) domains: Vec<String>,
    /// What could not be read, and why.
    pub(super) unread: Vec<String>,
}

/// A member that is text; nothing where it is none.
pub(super) fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

impl Found {
    pub(super) fn id(&self) -> &str {
        text(&self.api, "apiId")
    }

    pub(super) fn name(&self) -> &str {
        text(&self.api, "name")
    }

    /// How much of what there is, for people.
    pub(super) fn counted(&self) -> String {
        let counts = [
            (self.routes.len(), "route"),
            (self.integrations.len(), "integration"),
            (self.models.len(), "model"),
            (self.authorizers.len(), "authorizer"),
            (self.stages.len(), "stage"),
            (self.plans.len(), "usage plan"),
        ];
        let some = counts.into_iter().filter(|(count, _)| *count > 0);
        let told: Vec<_> =
            some.map(|(count, noun)| format!("{count} {noun}{}", if count == 1 { "" } else { "s" })).collect();
        if told.is_empty() { "nothing in it".to_owned() } else { told.join(", ") }
    }
}

/// Why there is no answer.
struct Refused {
    status: u16,
    text: String,
}

impl Source {
    async fn get(&self, path: &str) -> Result<Value, Refused> {
        let mut pause = PAUSE;
        for _ in 1..TRIES_MAX {
            match self.get_once(path).await {
                Err(Refused { status: 429 | 503, .. }) => tokio::time::sleep(pause).await,
                answer => return answer,
            }
            pause *= 2;
        }
        self.get_once(path).await
    }

    async fn get_once(&self, path: &str) -> Result<Value, Refused> {
        let target = self.place.below(path);
        let headers: Headers = [("Accept", "application/json".to_owned())].into_iter().collect();
        let headers = self.user.signed("GET", &target, &headers, b"");
        let body = Bytes::new();
        let fetch = Fetch {
            method: "GET",
            headers: &headers,
            body: &body,
            answer_bytes_max: ANSWER_BYTES_MAX,
            timeout: TIME_MAX,
        };
        let answered = self.http.fetch(&target, &fetch).await;
        let (status, answer) = answered.map_err(|error| Refused { status: 0, text: error.to_string() })?;
        let read = serde_json::from_slice::<Value>(&answer);
        match (status, read) {
            (200, Ok(answer)) => Ok(answer),
            (status, read) => {
                let said = read.ok().and_then(|answer| {
                    let said = ["message", "Message"].into_iter().find_map(|name| answer.get(name)?.as_str());
                    said.map(|said| lines(&said.chars().take(SAID_CHARS_MAX).collect::<String>()))
                });
                let path = path.split('?').next().unwrap_or_default();
                let said = said.map_or(String::new(), |said| format!(": {said}"));
                Err(Refused { status, text: format!("{} answers GET {path} with {status}{said}", self.named) })
            }
        }
    }

    /// All of a list, whose pages are of version 2 (`items`, `nextToken`) or 1 (`item`, `position`).
    async fn list(&self, path: &str) -> Result<Vec<Value>, Refused> {
        let (size, token_of) =
            if path.starts_with("/v2/") { ("maxResults=100", "nextToken") } else { ("limit=100", "position") };
        let mut all = Vec::new();
        let mut more = String::new();
        for _ in 0..PAGES_MAX {
            let mut page = self.get(&format!("{path}?{size}{more}")).await?;
            let items = ["items", "item"].into_iter().find_map(|name| Some(page.get_mut(name)?.take()));
            match items {
                Some(Value::Array(items)) => all.extend(items),
                // Version 1 writes a list of one as the one.
                Some(one @ Value::Object(_)) => all.push(one),
                _ => {}
            }
            match page.get(token_of).and_then(Value::as_str).filter(|token| !token.is_empty()) {
                Some(token) => more = format!("&{token_of}={}", escaped(token)),
                None => return Ok(all),
            }
        }
        Err(Refused { status: 0, text: format!("{path} has more than {PAGES_MAX} pages") })
    }
}

/// Reads an API whole.
pub(super) async fn api(source: &Source, id: &str) -> Result<Found, Failure> {
    let failed = |refused: Refused| {
        let code = if refused.status == 0 { exit::UNAVAILABLE } else { exit::REFUSED };
        Failure { code, text: format!("import-aws: {}", refused.text) }
    };
    let root = format!("/v2/apis/{id}");
    let api = source.get(&root).await.map_err(failed)?;
    if text(&api, "protocolType") != "WEBSOCKET" {
        let text = format!("import-aws: {id} is no WebSocket API (protocolType {})", api["protocolType"]);
        return Err(Failure { code: exit::REFUSED, text });
    }
    if text(&api, "apiId") != id {
        let text = format!("import-aws: {} answers with another API than {id}", source.named);
        return Err(Failure { code: exit::REFUSED, text });
    }
    let mut found = Found {
        api,
        models: Vec::new(),
        authorizers: Vec::new(),
        integrations: Vec::new(),
        routes: Vec::new(),
        stages: Vec::new(),
        plans: Vec::new(),
        domains: Vec::new(),
        unread: Vec::new(),
    };
    // Without these three there is no API to speak of.
    let integrations = source.list(&format!("{root}/integrations")).await.map_err(failed)?;
    let routes = source.list(&format!("{root}/routes")).await.map_err(failed)?;
    found.stages = source.list(&format!("{root}/stages")).await.map_err(failed)?;
    let unread = &mut found.unread;
    found.models = or_unread(source.list(&format!("{root}/models")).await, "models", unread);
    found.authorizers = or_unread(source.list(&format!("{root}/authorizers")).await, "authorizers", unread);
    for own in integrations {
        let path = format!("{root}/integrations/{}/integrationresponses", escaped(text(&own, "integrationId")));
        let what = format!("responses of the integration {}", text(&own, "integrationId"));
        let below = or_unread(source.list(&path).await, &what, unread);
        found.integrations.push(Nested { own, below });
    }
    for own in routes {
        let path = format!("{root}/routes/{}/routeresponses", escaped(text(&own, "routeId")));
        let below = or_unread(source.list(&path).await, &format!("responses of {}", text(&own, "routeKey")), unread);
        found.routes.push(Nested { own, below });
    }
    found.plans = plans(source, id, unread).await;
    found.domains = domains(source, id, unread).await;
    Ok(found)
}

fn or_unread(listed: Result<Vec<Value>, Refused>, what: &str, unread: &mut Vec<String>) -> Vec<Value> {
    listed.unwrap_or_else(|refused| {
        unread.push(format!("{what}: {}", refused.text));
        Vec::new()
    })
}

/// Usage plans that are of this API, each with its keys and their values. They are of version 1.
async fn plans(source: &Source, id: &str, unread: &mut Vec<String>) -> Vec<Plan> {
    let mut plans = Vec::new();
    for own in or_unread(source.list("/usageplans").await, "usage plans", unread) {
        let stages = own["apiStages"].as_array();
        if !stages.is_some_and(|stages| stages.iter().any(|stage| stage["apiId"] == id)) {
            continue;
        }
        let path = format!("/usageplans/{}/keys", escaped(text(&own, "id")));
        let mut below = Vec::new();
        for key in or_unread(source.list(&path).await, "keys of a usage plan", unread) {
            match source.get(&format!("/apikeys/{}?includeValue=true", escaped(text(&key, "id")))).await {
                Ok(key) => below.push(key),
                Err(refused) => unread.push(format!("an API key's value: {}", refused.text)),
            }
        }
        plans.push(Nested { own, below });
    }
    plans
}

async fn domains(source: &Source, id: &str, unread: &mut Vec<String>) -> Vec<String> {
    let mut domains = Vec::new();
    for domain in or_unread(source.list("/v2/domainnames").await, "custom domain names", unread) {
        let name = text(&domain, "domainName").to_owned();
        let path = format!("/v2/domainnames/{}/apimappings", escaped(&name));
        for mapping in or_unread(source.list(&path).await, &format!("mappings of {name}"), unread) {
            if mapping["apiId"] == id {
                let key = text(&mapping, "apiMappingKey");
                let slash = if key.is_empty() { "" } else { "/" };
                domains.push(format!("{name}{slash}{key} → stage {}", text(&mapping, "stage")));
            }
        }
    }
    domains
}
