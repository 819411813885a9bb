//! Sends events as spans to a collector of OpenTelemetry: OTLP as JSON over HTTP, where the environment names one.
//!
//! Source: OpenTelemetry's specification, "Environment Variable Specification" and "OTLP Exporter Configuration".

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use integration::{Fetch, Http};
use tokio::sync::mpsc;
use tokio::time::Instant;
use traces::{Past, otlp_export};
use types::Tracing;
use types::headers::Headers;
use types::message::HttpTarget;

use crate::choices::LogLevel;
use crate::logs::Log;

/// Where the specification has a collector's traces, below its address.
const PATH: &str = "v1/traces";
/// Events that wait to be sent; beyond it they are dropped and counted. Source: the specification's default of the queue.
const WAITING_MAX: usize = 2_048;
/// Events in one request. Source: likewise.
const BATCH_MAX: usize = 512;
/// How long events are gathered.
const BATCH_TIME: Duration = Duration::from_secs(1);
/// How long one request may take where nothing is said. Source: likewise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often a batch is sent before it is dropped, and how long is waited in between.
const TRIES_MAX: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// How often failures are told.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What the environment says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    target: HttpTarget,
    headers: Vec<(String, String)>,
    timeout: Duration,
    /// `service.name` first.
    resource: Vec<(String, String)>,
    share: u64,
    /// What was asked for and is not done.
    pub(crate) remarks: Vec<String>,
}

impl Settings {
    /// What `variable` says; `None` where no collector is named, or nothing is to be sent.
    ///
    /// # Errors
    /// Names the variable that cannot be read.
    pub(crate) fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Settings>, String> {
        let given = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        // What is said of traces counts before what is said of everything.
        let of_traces = |rest: &str| {
            let names = [format!("OTEL_EXPORTER_OTLP_TRACES_{rest}"), format!("OTEL_EXPORTER_OTLP_{rest}")];
            names.into_iter().find_map(|name| given(&name).map(|value| (name, value)))
        };
        let is_off = given("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
            || given("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
        let Some((name, endpoint)) = of_traces("ENDPOINT").filter(|_| !is_off) else { return Ok(None) };
        // The general address is of the collector, that of traces is whole.
        let url = match name.contains("TRACES") {
            true => endpoint,
            false => format!("{}/{PATH}", endpoint.trim_end_matches('/')),
        };
        let target = HttpTarget::parse(&url).map_err(|error| format!("{name}: {error}"))?;
        let mut remarks = Vec::new();
        if let Some((name, protocol)) = of_traces("PROTOCOL").filter(|(_, protocol)| protocol != "http/json") {
            remarks.push(format!("{name}={protocol}: spans are sent as http/json all the same"));
        }
        if let Some((name, kind)) = of_traces("COMPRESSION").filter(|(_, kind)| kind != "none") {
            remarks.push(format!("{name}={kind}: spans are sent uncompressed all the same"));
        }
        let headers = match of_traces("HEADERS") {
            Some((name, text)) => pairs(&name, &text)?,
            None => Vec::new(),
        };
        let timeout = match of_traces("TIMEOUT") {
            Some((name, text)) => {
                let millis: u64 = text.parse().map_err(|_| format!("{name}: `{text}` is no number of milliseconds"))?;
                Duration::from_millis(millis.max(1))
            }
            None => TIMEOUT,
        };
        let mut resource = match given("OTEL_RESOURCE_ATTRIBUTES") {
            Some(text) => pairs("OTEL_RESOURCE_ATTRIBUTES", &text)?,
            None => Vec::new(),
        };
        let named = resource.iter().position(|(name, _)| name == "service.name").map(|at| resource.remove(at).1);
        let service = given("OTEL_SERVICE_NAME").or(named).unwrap_or_else(|| "gatewright".to_owned());
        resource.insert(0, ("service.name".to_owned(), service));
        resource.push(("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()));
        let share = share(&given, &mut remarks)?;
        Ok(Some(Settings { target, headers, timeout, resource, share, remarks }))
    }

    /// Which events are traced.
    pub(crate) fn tracing(&self) -> Tracing {
        Tracing { is_told: true, share: self.share }
    }

    /// Where they go.
    pub(crate) fn url(&self) -> String {
        self.target.url()
    }
}

// Clients are no part of anybody's trace as a rule, so what follows a parent comes to the same as what it falls back to.
fn share(given: &dyn Fn(&str) -> Option<String>, remarks: &mut Vec<String>) -> Result<u64, String> {
    let sampler = given("OTEL_TRACES_SAMPLER").unwrap_or_else(|| "parentbased_always_on".to_owned());
    Ok(match sampler.trim_start_matches("parentbased_") {
        "always_on" => u64::MAX,
        "always_off" => 0,
        "traceidratio" => {
            let text = given("OTEL_TRACES_SAMPLER_ARG").unwrap_or_else(|| "1".to_owned());
            let ratio: f64 = text.parse().unwrap_or(f64::NAN);
            if !(0.0..=1.0).contains(&ratio) {
                return Err(format!("OTEL_TRACES_SAMPLER_ARG: `{text}` is no number from 0 to 1"));
            }
            Tracing::share_of(ratio)
        }
        _ => {
            remarks.push(format!("OTEL_TRACES_SAMPLER={sampler} is not known; every event is traced"));
            u64::MAX
        }
    })
}

// `name=value,name=value`, values with percent signs. Source: the specification, W3C Baggage's form.
fn pairs(variable: &str, text: &str) -> Result<Vec<(String, String)>, String> {
    let pair = |pair: &str| {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| format!("{variable}: `{}` has no `=`", name_of(pair)))?;
        Ok((name.trim().to_owned(), traces::decoded(&value.trim().replace('+', "%2B"))))
    };
    text.split(',').filter(|pair| !pair.trim().is_empty()).map(pair).collect()
}

// What is behind a missing sign may be a secret.
fn name_of(pair: &str) -> String {
    pair.trim().chars().take(3).chain("…".chars()).collect()
}

/// The queue's two ends.
pub(crate) fn queue() -> (mpsc::Sender<Arc<Past>>, mpsc::Receiver<Arc<Past>>) {
    mpsc::channel(WAITING_MAX)
}

/// Sends what comes, in batches, until the program ends.
pub(crate) async fn send(settings: Settings, http: Arc<Http>, mut events: mpsc::Receiver<Arc<Past>>, log: Log) {
    let mut told: Option<Instant> = None;
    let mut lost = 0;
    // What a stage logs is kept besides; access logs and pushes are no part of a trace.
    let is_traced = |past: &Past| past.record().is_some_and(|record| settings.tracing().samples(&record.request_id));
    while let Some(first) = events.recv().await {
        let mut batch = vec![first];
        let until = Instant::now() + BATCH_TIME;
        while batch.len() < BATCH_MAX {
            let room = BATCH_MAX - batch.len();
            match tokio::time::timeout_at(until, events.recv_many(&mut batch, room)).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => break,
            }
        }
        batch.retain(|past| is_traced(past));
        if batch.is_empty() {
            continue;
        }
        let Err(why) = post(&settings, &http, &batch).await else { continue };
        lost += batch.len();
        if told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            told = Some(Instant::now());
            log.say(
                LogLevel::Warn,
                format!("the spans of {lost} events could not be sent to {}: {why}", settings.url()),
            );
            lost = 0;
        }
    }
}

async fn post(settings: &Settings, http: &Http, batch: &[Arc<Past>]) -> Result<(), String> {
    let records = batch.iter().filter_map(|past| past.record());
    let body = otlp_export(records, &settings.resource, env!("CARGO_PKG_VERSION"));
    let body = Bytes::from(body);
    let mut headers = Headers::new();
    settings.headers.iter().for_each(|(name, value)| headers.append(name.clone(), value.clone()));
    headers.set("Content-Type", "application/json");
    let fetch = Fetch {
        method: "POST",
        headers: &headers,
        body: &body,
        answer_bytes_max: ANSWER_BYTES_MAX,
        timeout: settings.timeout,
    };
    let mut why = String::new();
    for again in 1..=TRIES_MAX {
        match http.fetch(&settings.target, &fetch).await {
            Ok((200..=299, _)) => return Ok(()),
            // Source: OTLP, "Retryable Response Codes".
            Ok((status @ (429 | 502 | 503 | 504), _)) => why = format!("it answered {status}"),
            Ok((status, _)) => return Err(format!("it answered {status}")),
            Err(error) => why = error.to_string(),
        }
        if again < TRIES_MAX {
            tokio::time::sleep(PAUSE * again).await;
        }
    }
    Err(why)
}

#[cfg(test)]
mod tests;
