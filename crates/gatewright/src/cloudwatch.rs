//! CloudWatch's calls on the same endpoint: whose a call is, in which protocol, and the answer from what is kept here.

use std::sync::Arc;

use bytes::Bytes;
use control::{Control, Scope};
use gateway::Gateway;
use http::request::Parts;
use http::{HeaderValue, Method, Request, StatusCode, header};
use serde_json::Value;
use traces::cloudwatch::logs::{self, Shelf, group_name};
use traces::cloudwatch::metrics::{self, Samples};
use traces::cloudwatch::wire::Protocol;
use traces::series::Series;
use types::arn::Home;

use crate::answers::{Response, full};
use crate::logs::Log;
use crate::seen;

/// The largest call, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What the actions of both are called by.
const OF_LOGS: &str = "Logs_20140328.";
const OF_METRICS: &str = "GraniteServiceVersion20100801.";
/// Where calls in CBOR go.
const CBOR: &str = "/service/GraniteServiceVersion20100801/operation/";

/// Who is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Logs,
    Metrics,
}

/// A call that was read.
pub(crate) struct Call {
    service: Service,
    protocol: Protocol,
    action: String,
    body: Value,
    request_id: String,
}

/// What answers are made from.
pub(crate) struct Around {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) control: Arc<Control>,
    pub(crate) log: Log,
    pub(crate) series: Arc<Series>,
    pub(crate) home: Home,
}

impl Service {
    /// Whom a request is for; `None` where that is neither.
    pub(crate) fn of<B>(request: &Request<B>) -> Option<Service> {
        if request.method() != Method::POST {
            return None;
        }
        if let Some(scope) = Scope::of(request) {
            return match scope.service.as_str() {
                "logs" => Some(Service::Logs),
                "monitoring" => Some(Service::Metrics),
                _ => None,
            };
        }
        // Not signed: nobody need do so where nobody looks.
        let target = target(request.headers());
        match () {
            () if target.starts_with(OF_LOGS) => Some(Service::Logs),
            () if target.starts_with(OF_METRICS) || request.uri().path().starts_with(CBOR) => Some(Service::Metrics),
            () => None,
        }
    }

    /// As signatures name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Service::Logs => "logs",
            Service::Metrics => "monitoring",
        }
    }
}

fn target(headers: &http::HeaderMap) -> &str {
    headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

impl Call {
    /// Reads a call.
    ///
    /// # Errors
    /// The answer to one that cannot be read.
    pub(crate) fn read(
        service: Service,
        parts: &Parts,
        body: &Bytes,
        request_id: String,
    ) -> Result<Call, Box<Response>> {
        let path = parts.uri.path();
        let (protocol, named) = match (path.strip_prefix(CBOR), target(&parts.headers).split_once('.')) {
            (Some(action), _) => (Protocol::Cbor, Some(action.to_owned())),
            (None, Some((_, action))) => (Protocol::Json, Some(action.to_owned())),
            (None, None) => (Protocol::Query, None),
        };
        let mut call = Call { service, protocol, action: named.unwrap_or_default(), body: Value::Null, request_id };
        call.body = protocol.read(body).map_err(|error| Box::new(call.refuse("SerializationException", &error)))?;
        if protocol == Protocol::Query {
            call.action = call.body["Action"].as_str().unwrap_or_default().to_owned();
        }
        Ok(call)
    }

    /// What IAM calls it.
    pub(crate) fn action(&self) -> String {
        match self.service {
            Service::Logs => format!("logs:{}", self.action),
            Service::Metrics => format!("cloudwatch:{}", self.action),
        }
    }

    /// What it is about, as IAM names it. Source: documented ("Actions, resources, and condition keys").
    pub(crate) fn resource(&self, home: &Home) -> String {
        let group = ["logGroupName", "logGroupIdentifier"].iter().find_map(|name| self.body[*name].as_str());
        match (self.service, group) {
            (Service::Metrics, _) => "*".to_owned(),
            (Service::Logs, group) => {
                let group = group.map_or("*", group_name);
                format!("arn:aws:logs:{}:{}:log-group:{group}:*", home.region, home.account_id)
            }
        }
    }

    /// Carries it out. Reads all that is kept, so it is not for a thread of the data plane.
    pub(crate) fn answer(&self, around: &Around) -> Response {
        let done = match self.service {
            Service::Logs => logs::answer(&around.shelf(), &self.action, &self.body),
            Service::Metrics => {
                let (times, series) = around.series.read();
                metrics::answer(&Samples { times, series }, &self.action, &self.body)
            }
        };
        match done {
            Ok(answer) => self.respond(StatusCode::OK, self.protocol.write(&self.action, &answer, &self.request_id)),
            Err(refused) => self.refuse(refused.code, &refused.message),
        }
    }

    /// A refusal in the call's protocol.
    pub(crate) fn refuse(&self, code: &str, message: &str) -> Response {
        let body = self.protocol.refuse(code, message, &self.request_id);
        let mut response = self.respond(StatusCode::BAD_REQUEST, body);
        // Clients that knew the form look here for its codes. Source: the Smithy specification (awsQueryCompatible).
        if let Ok(value) = HeaderValue::try_from(format!("{code};Sender")) {
            response.headers_mut().insert("x-amzn-query-error", value);
        }
        response
    }

    fn respond(&self, status: StatusCode, body: Vec<u8>) -> Response {
        let mut response = http::Response::new(full(body.into()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.protocol.content_type()));
        if self.protocol == Protocol::Cbor {
            headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
        }
        if let Ok(id) = HeaderValue::try_from(&self.request_id) {
            headers.insert("x-amzn-RequestId", id);
        }
        response
    }
}

impl Around {
    fn shelf(&self) -> Shelf {
        let stages: Vec<_> = self.control.stages().into_iter().map(|(key, _)| key).collect();
        let access = stages.iter().filter_map(|key| self.gateway.access_log_of(key)).collect();
        let history = self.log.history();
        Shelf { past: history.all(seen::now()), stages, access, home: self.home.clone(), began: history.began().0 }
    }
}
