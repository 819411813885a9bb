//! What deployers call besides: CloudFormation itself, and its neighbours in the smallest form that makes them succeed.
//!
//! A call is for one of them by the service that its signature names. Each reads its call, says which action on which resource
//! that is, so that a guard can be asked, and answers in its own form.

pub(crate) mod buckets;
mod objects;
mod s3;
mod ssm;
mod sts;
pub(crate) mod unpacked;
mod uploads;

use auth::RefusalKind;
use bytes::Bytes;
use control::{Caller, Scope};
use http::request::Parts;
use http::{HeaderValue, Method, Request, StatusCode, header};
use serde_json::json;
use stacks::api::{Action, Error, Form, actions, error, xml};
use types::arn::Home;
use types::time::Timestamp;

use super::Stacks;
use super::cloudformation::{self, Context};
use crate::answers::{Response, full};

/// The largest call of CloudFormation, in bytes: a template of a megabyte, each character of which may be three in a form.
const FORM_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The largest call of STS and SSM, in bytes.
const SMALL_BYTES_MAX: usize = 64 * 1024;

/// Who is called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Service {
    CloudFormation,
    Sts,
    Ssm,
    S3,
}

/// What a call brings that is not in it.
pub(crate) struct Around {
    pub(crate) caller: Caller,
    /// The user that signed, where somebody looked.
    pub(crate) user: Option<String>,
    pub(crate) request_id: String,
    /// The name under which the caller knows this gateway.
    pub(crate) host: String,
    pub(crate) new_id: String,
    pub(crate) now: Timestamp,
}

/// A call that was read.
pub(crate) enum Call {
    CloudFormation(Action, Form),
    Sts(sts::Call),
    Ssm(ssm::Call),
    S3(s3::Call),
}

impl Service {
    /// Whom a request is for; none where that is none of these.
    pub(crate) fn of<B>(request: &Request<B>) -> Option<Service> {
        if let Some(scope) = Scope::of(request) {
            return Service::named(&scope.service);
        }
        // Signed in the query, as whoever is given a link does.
        if let Some(scope) = request.uri().query().and_then(|query| query.split_once("X-Amz-Credential=")) {
            let scope = scope.1.split('&').next().unwrap_or_default().replace("%2F", "/");
            return Service::named(scope.split('/').nth(3)?);
        }
        let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_form = text("content-type").starts_with("application/x-www-form-urlencoded");
        // Not signed: nobody need do so where nobody looks.
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/") if is_form => Some(Service::CloudFormation),
            (&Method::POST, "/") if text("x-amz-target").starts_with("AmazonSSM.") => Some(Service::Ssm),
            _ => None,
        }
    }

    fn named(service: &str) -> Option<Service> {
        [Service::CloudFormation, Service::Sts, Service::Ssm, Service::S3].into_iter().find(|of| of.name() == service)
    }

    /// As signatures name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Service::CloudFormation => "cloudformation",
            Service::Sts => "sts",
            Service::Ssm => "ssm",
            Service::S3 => "s3",
        }
    }

    /// The largest body of a call, in bytes.
    pub(crate) fn body_bytes_max(self) -> usize {
        match self {
            Service::CloudFormation => FORM_BYTES_MAX,
            Service::Sts | Service::Ssm => SMALL_BYTES_MAX,
            Service::S3 => s3::BODY_BYTES_MAX,
        }
    }

    /// Reads a call.
    ///
    /// # Errors
    /// It is none that is answered here; the text names the action.
    pub(crate) fn read(self, parts: &Parts, body: Bytes) -> Result<Call, Error> {
        match self {
            Service::CloudFormation => {
                let (action, form) = action(parts, &body)?;
                let version = form.text("Version").unwrap_or(actions::VERSION).to_owned();
                let known = Action::of(&action).filter(|_| version == actions::VERSION);
                let action = known.ok_or_else(|| error::unknown_action(&action, &version))?;
                Ok(Call::CloudFormation(action, form))
            }
            Service::Sts => {
                let (action, form) = action(parts, &body)?;
                sts::Call::read(&action, &form).map(Call::Sts)
            }
            Service::Ssm => ssm::Call::read(&parts.headers, &body).map(Call::Ssm),
            Service::S3 => s3::Call::read(parts, body).map(Call::S3),
        }
    }

    /// An answer that is no success, in the form that this service's clients read.
    pub(crate) fn refusal(self, refused: &Error, request_id: &str) -> Response {
        let text = match self {
            Service::CloudFormation => xml::refusal(xml::NAMESPACE, refused, request_id),
            Service::Sts => xml::refusal(sts::NAMESPACE, refused, request_id),
            Service::Ssm => json!({ "__type": refused.code, "message": refused.message }).to_string(),
            Service::S3 => s3::refusal(refused, request_id),
        };
        self.response(StatusCode::from_u16(refused.status).unwrap_or(StatusCode::BAD_REQUEST), text, request_id)
    }

    /// What a guard said, under the codes that these services have. Source: the services' common errors, documented.
    pub(crate) fn refused_by_guard(self, refusal: &auth::Refusal, request_id: &str) -> Response {
        let code = match (refusal.kind(), self) {
            (RefusalKind::Missing, Service::S3) => "AccessDenied",
            (RefusalKind::Missing, _) => "MissingAuthenticationToken",
            (RefusalKind::Incomplete, _) => "IncompleteSignature",
            (RefusalKind::UnknownKey, Service::S3) => "InvalidAccessKeyId",
            (RefusalKind::UnknownKey, Service::Ssm) => "UnrecognizedClientException",
            (RefusalKind::UnknownKey, _) => "InvalidClientTokenId",
            (RefusalKind::ExpiredToken, _) => "ExpiredToken",
            (RefusalKind::WrongSignature | RefusalKind::OutOfScope, Service::Ssm) => "InvalidSignatureException",
            (RefusalKind::WrongSignature | RefusalKind::OutOfScope, _) => "SignatureDoesNotMatch",
            (RefusalKind::Denied, Service::Ssm) => "AccessDeniedException",
            (RefusalKind::Denied, _) => "AccessDenied",
        };
        self.refusal(&Error::new(refusal.status(), code, refusal.message()), request_id)
    }

    fn response(self, status: StatusCode, text: String, request_id: &str) -> Response {
        let mut response = http::Response::new(full(text.into()));
        *response.status_mut() = status;
        let kind = match self {
            Service::CloudFormation | Service::Sts => "text/xml",
            Service::Ssm => "application/x-amz-json-1.1",
            Service::S3 => "application/xml",
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        let name = if self == Service::S3 { "x-amz-request-id" } else { "x-amzn-RequestId" };
        if let Ok(id) = HeaderValue::try_from(request_id) {
            headers.insert(name, id);
        }
        response
    }
}

/// The action that a form names, in the body or, as old clients do, in the query.
fn action(parts: &Parts, body: &Bytes) -> Result<(String, Form), Error> {
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let form = Form::read(if body.is_empty() { query } else { body })?;
    match form.text("Action").map(str::to_owned) {
        Some(action) => Ok((action, form)),
        None => Err(Error::new(400, "MissingAction", "the request has no Action")),
    }
}

impl Call {
    /// The IAM action that it needs; none for what anybody may.
    pub(crate) fn action(&self) -> Option<String> {
        match self {
            Call::CloudFormation(action, _) => Some(format!("cloudformation:{}", action.name())),
            Call::Sts(call) => call.action().map(str::to_owned),
            Call::Ssm(call) => Some(call.action().to_owned()),
            Call::S3(call) => Some(call.action().to_owned()),
        }
    }

    /// The resource that it is allowed or denied for.
    pub(crate) fn resource(&self, home: &Home) -> String {
        let (region, account) = (home.region.as_str(), home.account_id.as_str());
        match self {
            Call::CloudFormation(action, form) => cloudformation::resource(*action, form, region, account),
            Call::Sts(call) => call.resource().to_owned(),
            Call::Ssm(call) => call.resource(region, account),
            Call::S3(call) => call.resource(),
        }
    }

    /// Whether it changes something.
    pub(crate) fn is_write(&self) -> bool {
        match self {
            Call::CloudFormation(action, _) => action.is_write(),
            Call::Sts(_) | Call::Ssm(_) => false,
            Call::S3(call) => call.is_write(),
        }
    }

    /// Does it. Blocks for the disk.
    pub(crate) fn answer(self, stacks: &Stacks, around: &Around) -> Response {
        let id = around.request_id.as_str();
        let (service, answer) = match self {
            Call::CloudFormation(action, form) => {
                let Around { caller, request_id, new_id, host, now, .. } = around;
                let context = Context { caller, request_id, new_id, host, now: *now };
                (Service::CloudFormation, stacks.cloudformation(action, &form, &context))
            }
            Call::Sts(call) => (Service::Sts, call.answer(&stacks.home, around)),
            Call::Ssm(call) => (Service::Ssm, call.answer(&stacks.home, around.now)),
            Call::S3(call) => return call.answer(stacks, around),
        };
        match answer {
            Ok(text) => service.response(StatusCode::OK, text, id),
            Err(refused) => service.refusal(&refused, id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_for_whom_its_signature_names() {
        let of = |method: &str, target: &str, headers: &[(&str, &str)]| {
            let mut request = Request::builder().method(method).uri(target);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            Service::of(&request.body(()).unwrap())
        };
        let signed = |service: &str| {
            format!("AWS4-HMAC-SHA256 Credential=AKID/20261127/us-east-1/{service}/aws4_request, SignedHeaders=host")
        };
        for service in [Service::CloudFormation, Service::Sts, Service::Ssm, Service::S3] {
            assert_eq!(of("POST", "/", &[("authorization", &signed(service.name()))]), Some(service));
        }
        for other in ["apigateway", "execute-api", "dynamodb", "lambda"] {
            let form = ("content-type", "application/x-www-form-urlencoded");
            assert_eq!(of("POST", "/", &[("authorization", &signed(other)), form]), None);
        }
        let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        assert_eq!(of("POST", "/", &[form]), Some(Service::CloudFormation));
        assert_eq!(of("POST", "/v2/apis", &[form]), None);
        assert_eq!(of("GET", "/", &[]), None);
        assert_eq!(of("POST", "/", &[("x-amz-target", "AmazonSSM.GetParameter")]), Some(Service::Ssm));
        let link = "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261127%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=1";
        assert_eq!(of("GET", link, &[]), Some(Service::S3));
    }
}
