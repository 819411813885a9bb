//! Makes on this side what AWS said, by the calls that a user would send.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use control::store::DiskStore;
use control::{Caller, Control};
use http::{Method, Request};
use integration::{Fetch, Http};
use serde_json::{Map, Value, json};
use types::headers::Headers;

use crate::aws::User;
use crate::config::Config;
use crate::exit::{self, Failure};
use crate::import_aws::ANSWER_BYTES_MAX;
use crate::import_aws::read::{Found, Nested, text};
use crate::terminal::{Asking, Where, escaped};

/// How long one call of a running gateway may take.
const TIME_MAX: Duration = Duration::from_secs(40);
/// The longest time-out that an integration may name, in milliseconds. Source: documented ("Quotas").
const TIMEOUT_MILLIS_MAX: u64 = 29_000;
/// Has an API get the id that it had. Ours, as other emulators have it.
const CUSTOM_ID: &str = "_custom_id_";

/// What is said when something of each resource is created; all else AWS and this side find for themselves.
mod members {
    pub(super) const API: &[&str] = &[
        "name",
        "protocolType",
        "routeSelectionExpression",
        "apiKeySelectionExpression",
        "description",
        "version",
        "disableSchemaValidation",
        "disableExecuteApiEndpoint",
        "ipAddressType",
        "tags",
    ];
    pub(super) const MODEL: &[&str] = &["name", "contentType", "description", "schema"];
    pub(super) const AUTHORIZER: &[&str] =
        &["name", "authorizerType", "authorizerUri", "identitySource", "authorizerCredentialsArn"];
    pub(super) const INTEGRATION: &[&str] = &[
        "integrationType",
        "integrationUri",
        "integrationMethod",
        "connectionType",
        "connectionId",
        "credentialsArn",
        "description",
        "passthroughBehavior",
        "requestParameters",
        "requestTemplates",
        "templateSelectionExpression",
        "timeoutInMillis",
        "contentHandlingStrategy",
        "tlsConfig",
    ];
    pub(super) const INTEGRATION_RESPONSE: &[&str] = &[
        "integrationResponseKey",
        "responseParameters",
        "responseTemplates",
        "templateSelectionExpression",
        "contentHandlingStrategy",
    ];
    pub(super) const ROUTE: &[&str] = &[
        "routeKey",
        "operationName",
        "apiKeyRequired",
        "authorizationType",
        "authorizationScopes",
        "modelSelectionExpression",
        "requestModels",
        "requestParameters",
        "routeResponseSelectionExpression",
    ];
    pub(super) const ROUTE_RESPONSE: &[&str] =
        &["routeResponseKey", "modelSelectionExpression", "responseModels", "responseParameters"];
    pub(super) const STAGE: &[&str] = &[
        "stageName",
        "description",
        "autoDeploy",
        "defaultRouteSettings",
        "routeSettings",
        "stageVariables",
        "accessLogSettings",
        "tags",
    ];
    pub(super) const PLAN: &[&str] = &["name", "description", "throttle", "quota", "tags"];
    pub(super) const KEY: &[&str] = &["name", "description", "enabled", "value", "tags"];
}

/// Those that are there, and say something.
fn only(from: &Value, members: &[&str]) -> Map<String, Value> {
    let said = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    let some = members.iter().filter_map(|name| Some((*name, from.get(*name)?)));
    some.filter(|(_, value)| said(value)).map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

/// Whether an integration names a longer time-out than may be named here, as emulators of AWS let it.
pub(super) fn slow(integration: &Value) -> bool {
    integration["timeoutInMillis"].as_u64().is_some_and(|millis| millis > TIMEOUT_MILLIS_MAX)
}

/// A gateway that runs, and who calls it.
pub(super) struct Running {
    http: Arc<Http>,
    user: User,
    asking: Asking,
}

/// Where it is made.
pub(super) enum Here {
    Running(Box<Running>),
    /// A data folder that no gateway runs on.
    Folder(Box<Control>),
}

impl Here {
    pub(super) async fn running(place: &Where, http: &Arc<Http>) -> Result<Here, Failure> {
        let wrong = |text: String| Failure { code: exit::USAGE, text: format!("import-aws: {text}") };
        let user = User::find(http, None, None, false).await.map_err(wrong)?;
        Ok(Here::Running(Box::new(Running { http: http.clone(), user, asking: place.asking()? })))
    }

    pub(super) fn folder(config: &Config, store: DiskStore) -> Result<Here, Failure> {
        let settings = control::Settings {
            limits: config.limits.clone(),
            ..control::Settings::new(config.home(), config.settings.listen.to_string())
        };
        let control = Control::open(settings, Arc::new(store), Box::new(|_, _| {}));
        control
            .map(|control| Here::Folder(Box::new(control)))
            .map_err(|error| Failure::disk(format!("import-aws: {error}")))
    }

    /// Where clients will connect: host and port.
    fn authority(&self) -> String {
        match self {
            Here::Running(running) => running.asking.authority(),
            Here::Folder(_) => "127.0.0.1:4510".to_owned(),
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.call("POST", path, body).await
    }

    async fn call(&self, method: &'static str, path: &str, body: &Value) -> Result<Value, String> {
        let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let (status, answer) = match self {
            Here::Running(running) => {
                let Running { http, user, asking } = running.as_ref();
                let target = asking.target(path);
                let headers: Headers = [("Content-Type", "application/json".to_owned())].into_iter().collect();
                let headers = user.signed(method, &target, &headers, &bytes);
                let fetch = Fetch {
                    method,
                    headers: &headers,
                    body: &bytes,
                    answer_bytes_max: ANSWER_BYTES_MAX,
                    timeout: TIME_MAX,
                };
                http.fetch(&target, &fetch).await.map_err(|error| asking.absent(&error.to_string()))?
            }
            Here::Folder(control) => {
                let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
                let request = Request::builder().method(method).uri(path).body(bytes);
                let answer = control.handle(&Caller::program(), request.map_err(|error| error.to_string())?);
                (answer.status().as_u16(), answer.into_body())
            }
        };
        let read = serde_json::from_slice::<Value>(&answer).unwrap_or_default();
        if (200..300).contains(&status) {
            return Ok(read);
        }
        let said = ["message", "Message"].into_iter().find_map(|name| read.get(name)?.as_str());
        Err(format!("this side refused {method} {path} with {status}: {}", said.unwrap_or("no reason")))
    }
}

/// What was made.
pub(super) struct Made {
    authority: String,
}

impl Made {
    /// Where clients connect, for people.
    pub(super) fn told(&self, found: &Found) -> String {
        let line = |stage: &Value| {
            format!("  connect: ws://{}/_aws/execute-api/{}/{}\n", self.authority, found.id(), text(stage, "stageName"))
        };
        found.stages.iter().map(line).collect()
    }
}

/// Makes all of it, or nothing: what was begun is taken away again when something is refused.
pub(super) async fn api(here: &Here, found: &Found) -> Result<Made, String> {
    let mut body = only(&found.api, members::API);
    let tags = body.entry("tags").or_insert_with(|| json!({}));
    tags[CUSTOM_ID] = found.id().into();
    let answer = here.post("/v2/apis", &body.into()).await?;
    let made = text(&answer, "apiId");
    // Another control plane takes no notice of the tag. What is at the id that was asked for is then not ours to touch.
    if made != found.id() {
        let gone = here.call("DELETE", &format!("/v2/apis/{}", escaped(made)), &Value::Null).await;
        let after =
            gone.err().map_or(String::new(), |error| format!("; {made}, which it made, is still there: {error}"));
        return Err(format!("{} is no gateway of this kind: it made an API with another id{after}", here.authority()));
    }
    let mut plans = Vec::new();
    if let Err(refused) = below(here, found, &mut plans).await {
        let mut undone = here.call("DELETE", &format!("/v2/apis/{}", found.id()), &Value::Null).await.map(drop);
        for path in plans.iter().rev() {
            undone = undone.and(here.call("DELETE", path, &Value::Null).await.map(drop));
        }
        let after = match undone {
            Ok(()) => "nothing was kept".to_owned(),
            Err(error) => format!("and what was begun could not be taken away: {error}"),
        };
        return Err(format!("{refused}; {after}"));
    }
    Ok(Made { authority: here.authority() })
}

async fn below(here: &Here, found: &Found, made: &mut Vec<String>) -> Result<(), String> {
    let root = format!("/v2/apis/{}", found.id());
    for model in &found.models {
        here.post(&format!("{root}/models"), &only(model, members::MODEL).into()).await?;
    }
    let mut authorizers = BTreeMap::new();
    for authorizer in &found.authorizers {
        let body = only(authorizer, members::AUTHORIZER).into();
        let answer = here.post(&format!("{root}/authorizers"), &body).await?;
        authorizers.insert(text(authorizer, "authorizerId"), text(&answer, "authorizerId").to_owned());
    }
    let mut integrations = BTreeMap::new();
    for Nested { own, below } in &found.integrations {
        let mut body = only(own, members::INTEGRATION);
        if slow(own) {
            body.insert("timeoutInMillis".to_owned(), TIMEOUT_MILLIS_MAX.into());
        }
        let answer = here.post(&format!("{root}/integrations"), &body.into()).await?;
        let id = text(&answer, "integrationId");
        for response in below {
            let body = only(response, members::INTEGRATION_RESPONSE).into();
            here.post(&format!("{root}/integrations/{id}/integrationresponses"), &body).await?;
        }
        integrations.insert(text(own, "integrationId"), id.to_owned());
    }
    for Nested { own, below } in &found.routes {
        let mut body = only(own, members::ROUTE);
        if let Some(id) = text(own, "target").strip_prefix("integrations/") {
            let id = integrations.get(id).ok_or_else(|| {
                format!("the route {} leads to the integration {id}, which is not there", text(own, "routeKey"))
            })?;
            body.insert("target".to_owned(), format!("integrations/{id}").into());
        }
        if let Some(id) = authorizers.get(text(own, "authorizerId")) {
            body.insert("authorizerId".to_owned(), id.as_str().into());
        }
        let answer = here.post(&format!("{root}/routes"), &body.into()).await?;
        for response in below {
            let path = format!("{root}/routes/{}/routeresponses", text(&answer, "routeId"));
            here.post(&path, &only(response, members::ROUTE_RESPONSE).into()).await?;
        }
    }
    stages(here, found, &root).await?;
    usage_plans(here, found, made).await
}

async fn stages(here: &Here, found: &Found, root: &str) -> Result<(), String> {
    let mut deployment = None;
    for stage in &found.stages {
        let mut body = only(stage, members::STAGE);
        if stage["autoDeploy"] != true && !text(stage, "deploymentId").is_empty() {
            let id = match &deployment {
                Some(id) => String::clone(id),
                None => {
                    let about =
                        json!({"description": format!("as imported, of AWS's {}", text(stage, "deploymentId"))});
                    text(&here.post(&format!("{root}/deployments"), &about).await?, "deploymentId").to_owned()
                }
            };
            body.insert("deploymentId".to_owned(), id.as_str().into());
            deployment = Some(id);
        }
        here.post(&format!("{root}/stages"), &body.into()).await?;
    }
    Ok(())
}

/// Plans and keys of version 1. `made`: the paths of what was made, to be taken away if need be.
async fn usage_plans(here: &Here, found: &Found, made: &mut Vec<String>) -> Result<(), String> {
    let mut keys: BTreeMap<&str, String> = BTreeMap::new();
    for Nested { own, below } in &found.plans {
        let mut body = only(own, members::PLAN);
        // Of other APIs nothing is known here.
        let stages = own["apiStages"].as_array().into_iter().flatten();
        let stages: Vec<&Value> = stages.filter(|stage| stage["apiId"] == found.id()).collect();
        body.insert("apiStages".to_owned(), json!(stages));
        let answer = here.post("/usageplans", &body.into()).await?;
        let plan = format!("/usageplans/{}", text(&answer, "id"));
        made.push(plan.clone());
        for key in below {
            let id = match keys.get(text(key, "id")) {
                Some(id) => id.clone(),
                None => {
                    let answer = here.post("/apikeys", &only(key, members::KEY).into()).await?;
                    made.push(format!("/apikeys/{}", text(&answer, "id")));
                    text(&answer, "id").to_owned()
                }
            };
            here.post(&format!("{plan}/keys"), &json!({"keyId": id, "keyType": "API_KEY"})).await?;
            keys.insert(text(key, "id"), id);
        }
    }
    Ok(())
}
