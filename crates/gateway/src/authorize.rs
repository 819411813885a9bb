//! Finds out who a client is: step 5 of the walk.
//!
//! Only `$connect` asks; what it finds stays with the connection, so that its messages and `$disconnect` carry it
//! (documented). An API key is looked up here; whoever decides about signatures and authorizers is an [`Authorizer`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use mapping::plan::{ApiKeySource, Authorization};
use mapping::{Plan, Route};
use types::Event;
use types::event::EventKind;
use types::identity::Identity;

use crate::gateway::Gateway;
use crate::refusal::{Kind, Refusal};

/// Decides about clients of routes that ask for more than an API key.
pub trait Authorizer: Send + Sync {
    /// Who the client is, or why it may not connect. It may take its time, within bounds of its own: other clients are
    /// not kept waiting.
    fn authorize<'a>(
        &'a self,
        question: Question<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Known, Denied>> + Send + 'a>>;
}

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

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Refusal {
        match denied {
            Denied::Unauthorized(detail) => Refusal::new(Kind::Unauthorized, detail),
            Denied::Forbidden(detail) => Refusal::new(Kind::NotAuthorized, detail),
            Denied::Failed(detail) => Refusal::new(Kind::AuthorizerFailure, detail),
            Denied::Misconfigured(detail) => Refusal::new(Kind::ApiConfigurationError, detail),
        }
    }
}

/// Finds out who the client of a handshake is; the event, and the connection with it, carries it from here on.
pub(crate) async fn authorize(gateway: &Gateway, plan: &Plan, route: &Route, event: &mut Event) -> Result<(), Refusal> {
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
    let known = match &route.authorization {
        Authorization::None => Known::default(),
        authorization => match &gateway.authorizer {
            Some(authorizer) => authorizer.authorize(Question { authorization, plan, route, event }).await?,
            // Nobody can say who it is: mapping refuses it.
            None => Known::default(),
        },
    };
    let from_authorizer = known.usage_identifier_key.filter(|_| route.needs_api_key);
    let from_authorizer = from_authorizer.and_then(|value| gateway.usage.key(&plan.key, &value));
    let certificate = event.connection.identity.as_ref().and_then(|before| before.certificate.clone());
    let identity = Identity { api_key: from_header.or(from_authorizer), certificate, ..known.identity };
    if identity != Identity::default() {
        Arc::make_mut(&mut event.connection).identity = Some(Arc::new(identity));
    }
    Ok(())
}
