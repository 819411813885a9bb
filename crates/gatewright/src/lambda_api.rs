//! The Lambda API, as far as it is needed to find and call the functions that run here: `Invoke`, `ListFunctions`,
//! `GetFunction`. So `aws lambda invoke`, SDKs and other functions reach them.

use std::time::Instant;

use bytes::Bytes;
use functions::{Directory, Settings, Start};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use integration::{Functions, Invocation};
use serde_json::{Value, json};
use types::arn::Function;
use types::headers::Headers;
use types::message::InvocationType;

use crate::answers::{Response, full, json_response, typed_error};

/// Where the API's paths begin.
const BASE: &str = "/2015-03-31/functions";

/// The longest payload, in bytes. Source: documented (6 MB).
pub(crate) const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;

/// How long a caller may wait: the longest that a function can run.
const INVOKE_MAX: std::time::Duration = std::time::Duration::from_secs(900);

/// The headers of a call that a function hears of.
const PASSED_ON: [&str; 2] = ["X-Amzn-Trace-Id", "X-Amz-Client-Context"];

/// What a call asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Invoke(Function),
    Get(Function),
    List,
}

impl Operation {
    /// What a path asks for; `None` where it is none of this API's, or of what of it is here.
    pub(crate) fn of(method: &Method, path: &str, query: &str) -> Option<Operation> {
        let below = path.strip_prefix(BASE).filter(|below| below.is_empty() || below.starts_with('/'))?;
        let below: Vec<_> = below.split('/').filter(|segment| !segment.is_empty()).collect();
        match (method, below.as_slice()) {
            (&Method::POST, [name, "invocations"]) => named(name, query).map(Operation::Invoke),
            (&Method::GET, [name]) => named(name, query).map(Operation::Get),
            (&Method::GET, []) => Some(Operation::List),
            _ => None,
        }
    }

    /// The IAM action that it needs. Source: documented (actions of AWS Lambda).
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Operation::Invoke(_) => "lambda:InvokeFunction",
            Operation::Get(_) => "lambda:GetFunction",
            Operation::List => "lambda:ListFunctions",
        }
    }

    /// The resource that it is allowed or denied for.
    pub(crate) fn resource(&self, region: &str, account_id: &str) -> String {
        match self {
            Operation::List => "*".to_owned(),
            Operation::Invoke(function) | Operation::Get(function) => {
                let qualifier =
                    function.qualifier.as_ref().map(|qualifier| format!(":{qualifier}")).unwrap_or_default();
                format!("arn:aws:lambda:{region}:{account_id}:function:{}{qualifier}", function.name)
            }
        }
    }
}

// A name, `name:alias`, `account:function:name` or an ARN, escaped as SDKs do. Source: documented (`FunctionName`).
fn named(text: &str, query: &str) -> Option<Function> {
    let text = text.replace("%3A", ":").replace("%3a", ":").replace("%24", "$");
    let mut own = text.rsplit_once("function:").map_or(text.as_str(), |(_, own)| own).split(':');
    let name = own.next().filter(|name| !name.is_empty())?.to_owned();
    let from_query =
        query.split('&').find_map(|pair| pair.strip_prefix("Qualifier=")).map(|text| text.replace("%24", "$"));
    let qualifier = own.next().map(str::to_owned).or(from_query);
    let (partition, region, account_id) = ("aws".to_owned(), String::new(), String::new());
    Some(Function { partition, region, account_id, name, qualifier })
}

/// Does what is asked.
pub(crate) async fn answer(directory: &Directory, operation: &Operation, parts: &Parts, payload: Bytes) -> Response {
    match operation {
        Operation::List => {
            let functions: Vec<_> = directory.here().iter().map(configuration).collect();
            json_response(StatusCode::OK, &json!({ "Functions": functions, "NextMarker": null }))
        }
        Operation::Get(function) => match directory.here_as(function) {
            Some(settings) => json_response(
                StatusCode::OK,
                &json!({ "Configuration": configuration(&settings), "Code": {}, "Tags": {} }),
            ),
            None => not_found(function),
        },
        Operation::Invoke(function) if directory.here_as(function).is_none() => not_found(function),
        Operation::Invoke(function) => invoke(directory, function, parts, payload).await,
    }
}

fn not_found(function: &Function) -> Response {
    typed_error(StatusCode::NOT_FOUND, "ResourceNotFoundException", &format!("Function not found: {}", function.name))
}

async fn invoke(directory: &Directory, function: &Function, parts: &Parts, payload: Bytes) -> Response {
    let kind = match parts.headers.get("x-amz-invocation-type").map(HeaderValue::as_bytes) {
        None | Some(b"RequestResponse") => InvocationType::RequestResponse,
        Some(b"Event") => InvocationType::Event,
        Some(b"DryRun") => InvocationType::DryRun,
        Some(_) => {
            let text = "X-Amz-Invocation-Type is none of RequestResponse, Event and DryRun";
            return typed_error(StatusCode::BAD_REQUEST, "InvalidParameterValueException", text);
        }
    };
    // Handlers are given JSON; without a payload an empty object (documented for the CLI and SDKs: it may be left out).
    let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
    if serde_json::from_slice::<serde::de::IgnoredAny>(&payload).is_err() {
        let text = "Could not parse request body into json";
        return typed_error(StatusCode::BAD_REQUEST, "InvalidRequestContentException", text);
    }
    let mut headers = Headers::new();
    for name in PASSED_ON {
        if let Some(value) = parts.headers.get(name).and_then(|value| value.to_str().ok()) {
            headers.append(name, value.to_owned());
        }
    }
    let deadline = Instant::now() + INVOKE_MAX;
    let invocation = Invocation { function, kind, headers: &headers, payload: &payload, may_repeat: false, deadline };
    let invoked = match directory.invoke(&invocation).await {
        Ok(invoked) => invoked,
        Err(error) => return typed_error(StatusCode::BAD_GATEWAY, "ServiceException", &error.to_string()),
    };
    let mut response = http::Response::new(full(invoked.payload));
    *response.status_mut() = StatusCode::from_u16(invoked.status).unwrap_or(StatusCode::BAD_GATEWAY);
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in invoked.headers.iter() {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

// The members that tools look at. What the environment holds is nobody's business.
fn configuration(settings: &Settings) -> Value {
    let (handler, runtime) = match &settings.start {
        Start::Handler { handler, runtime } => (Some(handler), runtime.clone()),
        Start::Command(_) => (None, Some("provided.al2023".to_owned())),
    };
    json!({
        "FunctionName": settings.name.split(':').next(), "FunctionArn": settings.arn(), "Handler": handler, "Runtime": runtime,
        "Timeout": settings.timeout.as_secs_f64().ceil() as u64, "MemorySize": settings.memory, "Version": "$LATEST",
        "State": "Active", "LastUpdateStatus": "Successful", "PackageType": "Zip",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_named_as_tools_name_them() {
        for (path, query, name, qualifier) in [
            ("/2015-03-31/functions/chat/invocations", "", "chat", None),
            ("/2015-03-31/functions/chat%3Alive/invocations", "", "chat", Some("live")),
            ("/2015-03-31/functions/chat/invocations", "Qualifier=%24LATEST", "chat", Some("$LATEST")),
            ("/2015-03-31/functions/123456789012:function:chat/invocations", "", "chat", None),
            (
                "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Achat%3A7/invocations",
                "",
                "chat",
                Some("7"),
            ),
        ] {
            let Some(Operation::Invoke(function)) = Operation::of(&Method::POST, path, query) else { panic!("{path}") };
            assert_eq!((function.name.as_str(), function.qualifier.as_deref()), (name, qualifier), "{path}");
        }
        assert_eq!(Operation::of(&Method::GET, "/2015-03-31/functions/", "MaxItems=5"), Some(Operation::List));
        for (method, path) in [
            (Method::POST, "/2015-03-31/functions"),
            (Method::GET, "/2015-03-31/layers"),
            (Method::POST, "/2015-03-31/functionschat/invocations"),
            (Method::DELETE, "/2015-03-31/functions/a"),
        ] {
            assert_eq!(Operation::of(&method, path, ""), None, "{path}");
        }
    }
}
