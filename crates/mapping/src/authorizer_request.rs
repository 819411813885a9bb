//! Makes the call of a REQUEST authorizer.

use bytes::Bytes;
use types::arn::Home;
use types::event::Event;
use types::headers::Headers;
use types::message::{FunctionTarget, IntegrationRequest, InvocationType, Target};

use crate::plan::{AuthorizerTarget, Plan, RequestAuthorizer, Route};
use crate::proxy_event::authorizer_event;
use crate::request::default_headers;

/// The call that asks an authorizer about a client: its function is invoked, or its server posted to, with the
/// [event](authorizer_event); `None` where nobody is called.
pub fn authorizer_request(
    authorizer: &RequestAuthorizer,
    plan: &Plan,
    route: &Route,
    event: &Event,
    place: &Home,
) -> Option<IntegrationRequest> {
    let mut headers = Headers::new();
    default_headers(&plan.scope(route, event), &mut headers);
    let target = match &authorizer.target {
        AuthorizerTarget::Function(function) => {
            let invocation = InvocationType::RequestResponse;
            Target::Function(FunctionTarget { function: function.clone(), invocation })
        }
        AuthorizerTarget::Http(target) => {
            headers.append("Host", target.authority.clone());
            headers.append("Connection", "Keep-Alive");
            Target::Http((**target).clone())
        }
        AuthorizerTarget::Jwt { .. } => return None,
    };
    let body: Bytes = authorizer_event(plan, route, event, place);
    Some(IntegrationRequest {
        target,
        method: "POST".to_owned(),
        headers,
        body,
        carries_body: true,
        may_repeat: false,
        timeout: authorizer.timeout,
    })
}
