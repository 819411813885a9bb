//! Finds out who a client is: step 5 of the walk.
//!
//! Only `$connect` asks; what it finds stays with the connection, so that its messages and `$disconnect` carry it
//! (documented). An API key is looked up here; whoever decides about signatures and authorizers is an [`Authorizer`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use integration::Integrations;
use mapping::plan::{ApiKeySource, Authorization, RequestAuthorizer};
use mapping::{Plan, Route};
use types::Event;
use types::event::EventKind;
use types::identity::Identity;

use crate::authorizer_log::AuthorizerLog;
use crate::execution_log::ExecutionLog;
use crate::gateway::Gateway;
use crate::refusal::{Refusal, RefusalKind};

/// Decides about clients of routes that ask for more than an API key.
pub trait Authorizer: Send + Sync {
    /// Who the client is, or why it may not connect. It may take its time, within bounds of its own: other clients are
    /// not kept waiting. What it does on the way it tells `log`.
    fn authorize<'a>(&'a self, question: Question<'a>, log: &'a mut AuthorizerLog) -> Authorizing<'a>;

    /// What is missing for an authorizer to let anybody in, as far as that can be told before somebody comes: remarked at
    /// deployment.
    fn lacks(&self, _: &RequestAuthorizer) -> Option<String> {
        None
    }
}

/// An answer that is being found.
pub type Authorizing<'a> = Pin<Box<dyn Future<Output = Result<Known, Denied>> + Send + 'a>>;

/// What an authorizer is asked.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// What the route asks for.
    pub authorization: &'a Authorization,
    /// The stage that the client comes to.
    pub plan: &'a Plan,
    /// The route, which is `$connect`.
    pub route: &'a Route,
    /// The client's handshake; its identity is not known yet.
    pub event: &'a Event,
    /// The ways to those who decide elsewhere.
    pub integrations: &'a Integrations,
}

/// What an authorizer found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Who the client is. Its API key is looked up by the gateway.
    pub identity: Identity,
    /// `usageIdentifierKey`: the value of the API key that stands for the client, where the API takes it from here.
    pub usage_identifier_key: Option<String>,
}

/// Why a client may not connect: the sentence is for the log and never for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// It does not say who it is: 401.
    Unauthorized(String),
    /// It may not: 403.
    Forbidden(String),
    /// The authorizer failed, or its answer is none: 500.
    Failed(String),
    /// The API's definition cannot work: 500.
    Misconfigured(String),
}

impl Denied {
    /// Why.
    pub fn detail(&self) -> &str {
        let (Denied::Unauthorized(detail)
        | Denied::Forbidden(detail)
        | Denied::Failed(detail)
        | Denied::Misconfigured(detail)) = self;
        detail
    }

    /// The same, told in another way.
    #[must_use]
    pub fn map(self, tell: impl FnOnce(String) -> String) -> Denied {
        match self {
            Denied::Unauthorized(detail) => Denied::Unauthorized(tell(detail)),
            Denied::Forbidden(detail) => Denied::Forbidden(tell(detail)),
            Denied::Failed(detail) => Denied::Failed(tell(detail)),
            Denied::Misconfigured(detail) => Denied::Misconfigured(tell(detail)),
        }
    }

    /// The status of the handshake.
    pub fn status(&self) -> u16 {
        match self {
            Denied::Unauthorized(_) => 401,
            Denied::Forbidden(_) => 403,
            Denied::Failed(_) | Denied::Misconfigured(_) => 500,
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Refusal {
        match denied {
            Denied::Unauthorized(detail) => Refusal::new(RefusalKind::Unauthorized, detail),
            Denied::Forbidden(detail) => Refusal::new(RefusalKind::NotAuthorized, detail),
            Denied::Failed(detail) => Refusal::new(RefusalKind::AuthorizerFailure, detail),
            Denied::Misconfigured(detail) => Refusal::new(RefusalKind::ApiConfigurationError, detail),
        }
    }
}

/// Finds out who the client of a handshake is; the event, and the connection with it, carries it from here on.
pub(crate) async fn authorize(
    gateway: &Gateway,
    plan: &Plan,
    route: &Route,
    event: &mut Event,
    log: &mut ExecutionLog<'_>,
) -> Result<(), Refusal> {
    let EventKind::Connect(handshake) = &event.kind else { return Ok(()) };
    let from_header = match plan.api_key_source() {
        ApiKeySource::Header if route.needs_api_key => {
            let key = handshake.headers.get("x-api-key").and_then(|value| gateway.usage.key(&plan.key, value.trim()));
            // Whoever has no key is refused by the next step; nobody else needs to be asked (inferred).
            let Some(key) = key else { return Ok(()) };
            Some(key)
        }
        _ => None,
    };
    let mut latency = None;
    let known = match &route.authorization {
        Authorization::None => Known::default(),
        authorization => match &gateway.authorizer {
            Some(authorizer) => {
                let integrations = &gateway.integrations;
                let question = Question { authorization, plan, route, event, integrations };
                // In a box: messages, which walk the same way, have no part in it.
                let mut told = Box::new(log.for_authorizer());
                let known = authorizer.authorize(question, &mut told).await;
                let answer = told.checks.authorizer.as_ref().and_then(|asked| asked.answer);
                latency = answer.map(|(_, latency)| u64::try_from(latency.as_millis()).unwrap_or(u64::MAX));
                log.authorized(told);
                known?
            }
            // Nobody can say who it is: mapping refuses it.
            None => Known::default(),
        },
    };
    let from_authorizer = known.usage_identifier_key.filter(|_| route.needs_api_key);
    let from_authorizer = from_authorizer.and_then(|value| gateway.usage.key(&plan.key, &value));
    let certificate = event.connection.identity.as_ref().and_then(|before| before.certificate.clone());
    let identity = Identity { api_key: from_header.or(from_authorizer), certificate, ..known.identity };
    let identity = Identity { authorizer_latency: latency.filter(|_| identity.authorizer.is_some()), ..identity };
    if identity != Identity::default() {
        Arc::make_mut(&mut event.connection).identity = Some(Arc::new(identity));
    }
    Ok(())
}
