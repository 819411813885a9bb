//! The API that `serve --backend URL` and `serve --function FILE` have there already: every route calls that backend.
//!
//! It is made by the same calls that a user would send, so that it can be read, changed and deleted like any other.

use control::{Batch, Caller, Control, Refused};
use http::Method;
use serde_json::{Value, json};

use crate::config::Config;

/// Its id; ten characters, as AWS's.
pub(crate) const API_ID: &str = "gatewright";
/// Its stage.
pub(crate) const STAGE: &str = "dev";

/// What the ready-made API is to be.
pub(crate) struct ReadyMade<'b> {
    pub(crate) calls: Calls<'b>,
    /// Its stage logs every step.
    pub(crate) logs: bool,
}

/// Whom it calls.
pub(crate) enum Calls<'b> {
    Backend {
        url: &'b str,
        /// `$connect`, messages and `$disconnect` go to paths of their own.
        paths: bool,
    },
    Function {
        arn: String,
        /// Where its handler stands, for people.
        file: String,
    },
}

/// Where an event goes, and which headers it brings, for people: `$connect → POST http://…/connect`.
impl ReadyMade<'_> {
    /// What the settings ask for, if they do.
    pub(crate) fn of(config: &Config) -> Option<ReadyMade<'_>> {
        let settings = &config.settings;
        let calls = match (&settings.backend, &settings.function) {
            (Some(url), _) => Calls::Backend { url, paths: settings.backend_paths },
            (None, Some(one)) => Calls::Function { arn: one.arn(&config.home()), file: one.file.display().to_string() },
            (None, None) => return None,
        };
        Some(ReadyMade { calls, logs: config.backend_logs() })
    }

    /// The URI that calls of a route go to.
    pub(crate) fn uri(&self, route_key: &str) -> String {
        let (url, paths) = match &self.calls {
            Calls::Function { arn, .. } => return arn.clone(),
            Calls::Backend { url, paths } => (*url, *paths),
        };
        let base = url.trim_end_matches('/');
        match (paths, route_key) {
            (false, _) => url.to_owned(),
            (true, "$connect") => format!("{base}/connect"),
            (true, "$disconnect") => format!("{base}/disconnect"),
            (true, _) => format!("{base}/message"),
        }
    }

    /// What the backend will be sent, for the banner.
    pub(crate) fn told(&self) -> String {
        if let Calls::Function { file, .. } = &self.calls {
            return format!(
                "  your handler {file}\n    is called for $connect, for each message and for $disconnect, with the events of AWS's \
                 WebSocket APIs;\n    the body of its answer to a message goes to the client. Change the file, and the next call runs it\n"
            );
        }
        let mut text = "  your backend is sent\n".to_owned();
        for (route_key, body) in [("$connect", "no body"), ("$default", "the message"), ("$disconnect", "no body")] {
            let shown = if route_key == "$default" { "a message" } else { route_key };
            text += &format!("    {shown:<12} → POST {}, {body}\n", self.uri(route_key));
        }
        text + "    with the headers connectionId, eventType, routeKey; the answer to a message goes to the client\n"
    }

    /// What may be wrong when nobody gets in.
    pub(crate) fn hints(&self) -> Hints {
        let (url, paths) = match &self.calls {
            Calls::Backend { url, paths } => (*url, *paths),
            Calls::Function { file, .. } => {
                let refused = format!(
                    "the handler in {file} answers $connect too: with {{\"statusCode\": 200}} it lets clients in"
                );
                return Hints { refused, absent: format!("the handler is {file}") };
            }
        };
        let absent = format!("is the backend running? --backend says that it listens at {url}");
        let refused = match paths {
            false => format!(
                "--backend sends every event to POST {}; --backend-paths to /connect, /message and /disconnect",
                self.uri("$connect")
            ),
            true => format!(
                "--backend-paths sends $connect to POST {}; without it every event goes to POST {url}",
                self.uri("$connect"),
            ),
        };
        Hints { refused, absent }
    }
}

/// What to do about a failure, as part of a sentence.
pub(crate) struct Hints {
    /// The backend let a client not in.
    pub(crate) refused: String,
    /// Nobody answers at the backend's address.
    pub(crate) absent: String,
}

/// Creates the API, or points the one of an earlier start at `backend`, and says what that changed. Leaves nothing
/// half-made behind.
pub(crate) fn ensure(control: &Control, made: &ReadyMade<'_>) -> Result<Option<String>, Refused> {
    let api = format!("/v2/apis/{API_ID}");
    control.batch(&Caller::program(), |batch| {
        if exists(batch, &format!("{api}/stages/{STAGE}")) {
            if !is_of_another_kind(batch, &api, made)? {
                return point(batch, &api, made);
            }
            batch.call(Method::DELETE, &api, &Value::Null)?;
            create(batch, &api, made)?;
            let now = made.uri("$default");
            return Ok(Some(format!("the API {API_ID} of an earlier start is made anew: it calls {now}")));
        }
        // Without its stage it is what an interrupted start left, when it was made call by call.
        if exists(batch, &api) {
            batch.call(Method::DELETE, &api, &Value::Null)?;
        }
        create(batch, &api, made).map(|()| None)
    })
}

/// Whether a path leads to something.
pub(crate) fn exists(batch: &mut Batch, path: &str) -> bool {
    batch.call(Method::GET, path, &Value::Null).is_ok()
}

// Whether an earlier start made it for calls that cannot be turned into these: of a function, or to paths of their own.
fn is_of_another_kind(batch: &mut Batch, api: &str, made: &ReadyMade<'_>) -> Result<bool, Refused> {
    let wanted = match &made.calls {
        Calls::Backend { paths, .. } => ("HTTP_PROXY", *paths),
        Calls::Function { .. } => ("AWS_PROXY", false),
    };
    let integrations = batch.call(Method::GET, &format!("{api}/integrations?maxResults=500"), &Value::Null)?;
    let items = integrations["items"].as_array().into_iter().flatten();
    let ours = items.filter_map(|item| {
        let route_key = item["description"].as_str()?.strip_prefix(DESCRIPTION)?;
        Some((item["integrationType"].as_str()?, !route_key.is_empty()))
    });
    Ok(ours.into_iter().any(|kind| kind != wanted))
}

fn point(batch: &mut Batch, api: &str, made: &ReadyMade<'_>) -> Result<Option<String>, Refused> {
    let integrations = batch.call(Method::GET, &format!("{api}/integrations?maxResults=500"), &Value::Null)?;
    let items = integrations["items"].as_array().into_iter().flatten();
    let mut before = Vec::new();
    for integration in items {
        let Some(route_key) = integration["description"].as_str().and_then(|text| text.strip_prefix(DESCRIPTION))
        else {
            continue;
        };
        let url = made.uri(route_key.trim_start_matches(", "));
        if integration["integrationUri"] == url.as_str() {
            continue;
        }
        let id = integration["integrationId"].as_str().unwrap_or_default();
        before.push(integration["integrationUri"].as_str().unwrap_or_default().to_owned());
        batch.call(Method::PATCH, &format!("{api}/integrations/{id}"), &json!({ "integrationUri": url }))?;
    }
    let now = made.uri("$default");
    let text = format!("the API {API_ID} of an earlier start called {}; now it calls {now}", before.join(", "));
    Ok((!before.is_empty()).then_some(text))
}

fn create(batch: &mut Batch, api: &str, made: &ReadyMade<'_>) -> Result<(), Refused> {
    let mut create = |path: &str, body: Value| batch.call(Method::POST, path, &body);
    create(
        "/v2/apis",
        json!({
            "name": "backend", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action",
            "description": "Made by serve --backend", "tags": { "_custom_id_": API_ID },
        }),
    )?;
    let mut targets = std::collections::BTreeMap::new();
    for key in ["$connect", "$disconnect", "$default"] {
        let url = made.uri(key);
        // One integration for all of them, unless they have paths of their own.
        let has_paths = matches!(made.calls, Calls::Backend { paths: true, .. });
        let description = if has_paths { format!("{DESCRIPTION}, {key}") } else { DESCRIPTION.to_owned() };
        if !targets.contains_key(&url) {
            let mut integration = json!({
                "integrationType": "AWS_PROXY", "integrationMethod": "POST", "integrationUri": url, "description": description,
            });
            if let Calls::Backend { .. } = made.calls {
                integration["integrationType"] = "HTTP_PROXY".into();
                integration["requestParameters"] = json!({
                    "integration.request.header.connectionId": "context.connectionId",
                    "integration.request.header.eventType": "context.eventType",
                    "integration.request.header.routeKey": "context.routeKey",
                });
            }
            let integration = create(&format!("{api}/integrations"), integration)?;
            let id = integration["integrationId"].as_str().unwrap_or_default();
            targets.insert(url.clone(), format!("integrations/{id}"));
        }
        if key != "$default" {
            create(&format!("{api}/routes"), json!({ "routeKey": key, "target": targets.get(&url) }))?;
        }
    }
    let target = targets.get(&made.uri("$default"));
    let default = json!({ "routeKey": "$default", "target": target, "routeResponseSelectionExpression": "$default" });
    let route = create(&format!("{api}/routes"), default)?;
    let route_id = route["routeId"].as_str().unwrap_or_default();
    create(&format!("{api}/routes/{route_id}/routeresponses"), json!({ "routeResponseKey": "$default" }))?;
    let mut stage = json!({ "stageName": STAGE, "autoDeploy": true });
    if made.logs {
        stage["defaultRouteSettings"] = json!({ "loggingLevel": "INFO", "dataTraceEnabled": true });
    }
    create(&format!("{api}/stages"), stage)?;
    Ok(())
}

/// Marks the integration as ours, so that a later start finds it among the user's.
const DESCRIPTION: &str = "The backend of serve --backend";
