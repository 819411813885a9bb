//! What the terminal asks of a running gateway: `tail`, `explain`, `connections`, `send`, `close`, `watch`, `nodes`.
//!
//! All of it is what the console asks, too (`views.rs`), told in lines.

mod connections;
mod doctor;
mod explain;
mod health;
mod nodes;
mod paint;
mod tail;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use integration::{Endpoint, Fetch, Http, Integrations};
use serde_json::Value;
use types::headers::Headers;
use types::message::HttpTarget;

use crate::exit::{self, Failure};

pub(crate) use connections::{CloseOptions, ConnectionsOptions, SendOptions, WatchOptions, close, list, send, watch};
pub(crate) use doctor::{DoctorOptions, run as doctor};
pub(crate) use explain::{ExplainOptions, run as explain};
pub(crate) use health::{HealthOptions, run as health};
pub(crate) use nodes::{NodesOptions, nodes};
pub(crate) use paint::{lines, one_line};
pub(crate) use tail::{TailOptions, run as tail};

/// Where a gateway is unless something else is said.
const ENDPOINT: &str = "http://127.0.0.1:4510";
/// Variables that say it, the first that is there.
const VARIABLES: [&str; 3] = ["GATEWRIGHT_ENDPOINT", "AWS_ENDPOINT_URL_APIGATEWAYV2", "AWS_ENDPOINT_URL"];

/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a gateway may take to answer; one that is asked to wait for events waits less.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(40);

/// Which gateway is asked.
#[derive(Args, Clone, Debug)]
pub(crate) struct Where {
    /// Where the gateway's control plane is [default: GATEWRIGHT_ENDPOINT, AWS_ENDPOINT_URL_APIGATEWAYV2, AWS_ENDPOINT_URL, else http://127.0.0.1:4510]
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
}

/// A gateway that can be asked.
pub(crate) struct Asking {
    http: Arc<Http>,
    place: Endpoint,
    named: String,
}

/// An answer that is none.
enum NoAnswer {
    /// Nobody is there.
    Away(String),
    /// The gateway says no.
    Refused(u16, String),
}

impl From<NoAnswer> for Failure {
    fn from(why: NoAnswer) -> Failure {
        match why {
            NoAnswer::Away(text) => Failure { code: exit::UNAVAILABLE, text },
            NoAnswer::Refused(400, text) => Failure { code: exit::USAGE, text },
            NoAnswer::Refused(_, text) => Failure { code: exit::REFUSED, text },
        }
    }
}

impl Where {
    pub(crate) fn asking(&self) -> Result<Asking, Failure> {
        let of_variable = || {
            VARIABLES.iter().find_map(|name| {
                let value = std::env::var(name).ok().filter(|value| !value.trim().is_empty())?;
                Some((value, format!("from {name}")))
            })
        };
        let given = self.endpoint.clone().map(|endpoint| (endpoint, "from --endpoint".to_owned()));
        let (endpoint, origin) = given
            .or_else(of_variable)
            .unwrap_or_else(|| (ENDPOINT.to_owned(), "where gateways are unless --endpoint says another".to_owned()));
        let place = Endpoint::parse(endpoint.trim());
        let place =
            place.map_err(|error| Failure { code: exit::USAGE, text: format!("endpoint {origin}: {error}") })?;
        let http = Integrations::new(ANSWER_BYTES_MAX, Vec::new()).http();
        Ok(Asking { http, place, named: format!("{} ({origin})", endpoint.trim()) })
    }
}

impl Asking {
    /// A path of it.
    pub(crate) fn target(&self, path: &str) -> HttpTarget {
        self.place.below(path)
    }

    /// Its host and port.
    pub(crate) fn authority(&self) -> String {
        self.place.below("").authority
    }

    /// That nobody is there, for people.
    pub(crate) fn absent(&self, error: &str) -> String {
        format!("no gateway answers at {}: {error}; `gatewright serve` starts one", self.named)
    }

    async fn ask(&self, method: &'static str, path: &str, body: Bytes) -> Result<Value, NoAnswer> {
        let target = self.place.below(&format!("/_gatewright/v1/{path}"));
        let headers: Headers = [("Content-Type", "application/json".to_owned())].into_iter().collect();
        let fetch = Fetch {
            method,
            headers: &headers,
            body: &body,
            answer_bytes_max: ANSWER_BYTES_MAX,
            timeout: ANSWER_TIME_MAX,
        };
        let answered = self.http.fetch(&target, &fetch).await;
        let (status, answer) = answered.map_err(|error| NoAnswer::Away(self.absent(&error.to_string())))?;
        let read = serde_json::from_slice::<Value>(&answer);
        match (status, read) {
            (200, Ok(answer)) => Ok(answer),
            (status, Ok(answer)) if answer["message"].is_string() => {
                Err(NoAnswer::Refused(status, answer["message"].as_str().unwrap_or_default().to_owned()))
            }
            (status, _) => Err(NoAnswer::Away(format!(
                "{} answers {status}: it is no gateway of this version, or its control plane is elsewhere (--admin)",
                self.named
            ))),
        }
    }

    async fn get(&self, path: &str) -> Result<Value, NoAnswer> {
        self.ask("GET", path, Bytes::new()).await
    }

    /// API and stage of `API[/STAGE]`, where the API is an id or a name; no stage: all of them.
    async fn find(&self, named: &str) -> Result<(String, Option<String>), Failure> {
        let (api, stage) = match named.split_once('/') {
            Some((api, stage)) => (api, Some(stage.to_owned())),
            None => (named, None),
        };
        let known = self.get("stages").await?;
        let stages = known["stages"].as_array().cloned().unwrap_or_default();
        let bare = known["withoutStage"].as_array().cloned().unwrap_or_default();
        let all: Vec<&Value> = stages.iter().chain(&bare).collect();
        let ids: std::collections::BTreeSet<&str> = all
            .iter()
            .filter(|one| one["apiId"] == api || one["apiName"] == api)
            .filter_map(|one| one["apiId"].as_str())
            .collect();
        let refused = |text: String| Failure { code: exit::REFUSED, text };
        let id = match ids.iter().copied().collect::<Vec<_>>()[..] {
            [id] => id.to_owned(),
            [] => {
                let mut names: Vec<&str> = all.iter().filter_map(|one| one["apiId"].as_str()).collect();
                names.dedup();
                return Err(refused(format!("there is no API `{api}`; there are [{}]", names.join(", "))));
            }
            _ => {
                let ids: Vec<&str> = ids.into_iter().collect();
                return Err(refused(format!("several APIs are called `{api}`: {}", ids.join(", "))));
            }
        };
        let has = |stage: &str| stages.iter().any(|one| one["apiId"] == id.as_str() && one["stage"] == stage);
        match &stage {
            Some(stage) if !has(stage) => Err(refused(format!("API {id} has no stage `{stage}`"))),
            _ => Ok((id, stage)),
        }
    }
}

/// Runs what asks, on this thread.
pub(crate) fn block<T>(asking: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::config(format!("start a thread: {error}")))?.block_on(asking)
}

/// Prints; whoever reads no more has enough.
pub(crate) fn say(text: &str) -> Result<bool, Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::disk(format!("write to standard output: {error}"))),
    }
}

/// A part of a path or query, so that nothing in it means anything else.
pub(crate) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") }).collect()
}
