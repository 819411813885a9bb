//! Decides whether an event may go on (step 6 of the walk), and whether its reply may.
//!
//! In this order, documented for the limits and inferred for the rest: API key, usage plan, route, account, request
//! parameters, model. `$disconnect` always passes: refusing it would lose it.

use mapping::plan::ApiKeySource;
use mapping::{Plan, Reply, Route};
use types::event::{Event, EventKind, Handshake};
use types::identity::UsedKey;

use crate::gateway::Gateway;
use crate::refusal::{By, Refusal, RefusalKind};
use crate::stages::Compiled;
use crate::usage::Exceeded;

/// Lets the event pass or says why not.
pub(crate) fn admit(gateway: &Gateway, stage: &Compiled, route: &Route, event: &Event) -> Result<(), Refusal> {
    match &event.kind {
        EventKind::Disconnect(_) => Ok(()),
        EventKind::Connect(handshake) => {
            if route.needs_api_key && api_key(event).is_none() {
                return Err(Refusal::new(RefusalKind::InvalidApiKey, no_key(&stage.plan, handshake)));
            }
            limits(gateway, stage, &route.key, event)?;
            parameters(route, handshake)
        }
        EventKind::Message(_) => limits(gateway, stage, &route.key, event),
    }
}

/// The last of it: lets a message pass that fits its route's model.
pub(crate) fn fits_model(_: &Plan, route: &Route, event: &Event) -> Result<(), mapping::Error> {
    match &event.kind {
        EventKind::Message(message) => route.validate(&message.body),
        EventKind::Connect(_) | EventKind::Disconnect(_) => Ok(()),
    }
}

/// The same for an API without a `$connect` route: the stage's limits hold for its handshakes all the same (inferred
/// from stages with limits of 0, which refuse everybody).
pub(crate) fn admit_unrouted(gateway: &Gateway, stage: &Compiled, event: &Event) -> Result<(), Refusal> {
    match &event.kind {
        EventKind::Connect(_) => limits(gateway, stage, "$connect", event),
        EventKind::Message(_) | EventKind::Disconnect(_) => Ok(()),
    }
}

fn api_key(event: &Event) -> Option<&UsedKey> {
    event.connection.identity.as_ref()?.api_key.as_ref()
}

fn limits(gateway: &Gateway, stage: &Compiled, route_key: &str, event: &Event) -> Result<(), Refusal> {
    if let Some(key) = api_key(event) {
        gateway.usage.count(&event.connection.stage, key, route_key, event.at)?;
    }
    if let Some(bucket) = stage.buckets.get(route_key).filter(|bucket| !bucket.take()) {
        let detail = format!("the stage's throttling lets pass on route {route_key}: {}", bucket.told());
        return Err(Refusal::new(RefusalKind::Throttled(By::Route), detail));
    }
    gateway.account_limits.request()
}

pub(crate) fn parameters(route: &Route, handshake: &Handshake) -> Result<(), Refusal> {
    let missing = route.missing_parameters(handshake);
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(", ");
    let detail = format!("route {} requires the request parameters [{names}]", route.key);
    Err(Refusal { names, ..Refusal::new(RefusalKind::BadRequestParameters, detail) })
}

fn no_key(plan: &Plan, handshake: &Handshake) -> String {
    match (plan.api_key_source(), handshake.headers.get("x-api-key")) {
        (ApiKeySource::Authorizer, _) => {
            "route $connect asks for an API key, which the API takes from its authorizer's usageIdentifierKey, and no \
             authorizer gave one that opens this stage"
                .to_owned()
        }
        (ApiKeySource::Header, None) => {
            "route $connect asks for an API key and the client sent no header x-api-key".to_owned()
        }
        (ApiKeySource::Header, Some(_)) => {
            let (api_id, stage) = (&plan.key.api_id, &plan.key.stage);
            format!(
                "the client's API key is unknown or disabled, or in no usage plan with stage {stage} of API {api_id}: see \
                 aws apigateway get-usage-plans"
            )
        }
    }
}

/// Lets a reply pass that fits into a message. Nothing splits a larger one (inferred: AWS documents no splitting).
pub(crate) fn fits(reply: Reply, message_bytes_max: usize) -> Result<Reply, Refusal> {
    let bytes = reply.body.len();
    if !reply.two_way || bytes <= message_bytes_max {
        return Ok(reply);
    }
    let detail = format!("the answer has {bytes} bytes, the limit message-bytes is {message_bytes_max}");
    Err(Refusal::new(RefusalKind::ResponseTooLarge, detail))
}

impl From<Exceeded> for Refusal {
    fn from(exceeded: Exceeded) -> Refusal {
        match exceeded {
            Exceeded::Throttle(detail) => Refusal::new(RefusalKind::Throttled(By::UsagePlan), detail),
            Exceeded::Quota(detail) => Refusal::new(RefusalKind::QuotaExceeded, detail),
        }
    }
}
