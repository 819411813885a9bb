//! A stage, parsed and ready to run.

mod authorizer;
mod compile;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use regex::Regex;
use types::Tracing;
use types::account::Throttle;
use types::arn::Function;
use types::event::{Event, EventKind};
use types::resources::{LoggingLevel, Map};
use types::snapshot::StageKey;

use crate::access_log::AccessLog;
use crate::aws_uri::ServiceUri;
use crate::context::{Scope, SoFar};
use crate::expression::Expression;
use crate::facts::Facts;
use crate::note::Site;
use crate::parameters::Parameter;
use crate::template::Templates;
use crate::uri::UriTemplate;
use crate::validation::Validation;

pub use authorizer::{AuthorizerTarget, IdentityValue, RequestAuthorizer};

/// By their keys.
type Routes = HashMap<String, Route, RandomState>;

/// One stage as of one deployment, ready to run. A message pins one plan.
pub struct Plan {
    /// API and stage.
    pub key: Arc<StageKey>,
    /// Whether the API's own host and path reach it; false means custom domain names only.
    pub default_endpoint: bool,
    /// How much is logged of what no route handles.
    pub default_logging: Logging,
    /// How many handshakes pass where there is no `$connect` route, which would have limits of its own.
    pub connect_throttle: Option<Throttle>,
    /// Whether any route logs anything; false spares messages the bookkeeping.
    pub logs: bool,
    api_key_source: ApiKeySource,
    /// The stage's access log, if it keeps one.
    pub access_log: Option<AccessLog>,
    /// The deployment that it was compiled from, where one is known.
    pub deployment_id: Option<Arc<str>>,
    /// The keys of the routes that are counted one by one, in the order of [`Route::detailed`].
    pub detailed_routes: Vec<Arc<str>>,
    extended: bool,
    tracing: Tracing,
    /// What remarks say about the place that they are about.
    pub(crate) site: Site,
    pub(crate) selection: Result<Expression, String>,
    pub(crate) selection_text: String,
    variables: Map<String>,
    routes: Routes,
}

/// Where a client's API key is found. Source: documented; there are only these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeySource {
    /// The header `x-api-key` of the handshake.
    Header,
    /// `usageIdentifierKey` in the authorizer's answer.
    Authorizer,
}

/// A route's `authorizationType`. Source: documented; WebSocket APIs have these.
#[derive(Clone, Default)]
pub enum Authorization {
    /// Everybody may connect.
    #[default]
    None,
    /// `AWS_IAM`: a signature, and a policy of whose it is.
    Iam,
    /// `CUSTOM`: a REQUEST authorizer.
    Request(Arc<RequestAuthorizer>),
    /// It asks for an authorizer that cannot work; which, and why.
    Broken(String),
}

impl Authorization {
    /// Whether somebody said who the client is, where it is asked. Letting everybody in where the definition asks for a
    /// check would be a hole.
    pub(crate) fn is_met_by(&self, event: &Event) -> bool {
        let identity = event.connection.identity.as_deref();
        match (self, &event.kind) {
            (Authorization::Iam, EventKind::Connect(_)) => identity.is_some_and(|known| known.signer.is_some()),
            (Authorization::Request(_) | Authorization::Broken(_), EventKind::Connect(_)) => {
                identity.is_some_and(|known| known.authorizer.is_some())
            }
            _ => true,
        }
    }
}

/// What the execution log keeps of a route's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Logging {
    /// Nothing, failures, or every step.
    pub level: LoggingLevel,
    /// Whether headers and bodies are shown.
    pub data_trace: bool,
}

/// One route, with everything that its messages need.
pub struct Route {
    /// `$connect`, `$disconnect`, `$default` or the user's key.
    pub key: Arc<str>,
    id: String,
    /// Whether the backend's answer goes back to the client.
    pub two_way: bool,
    /// What is logged of it.
    pub logging: Logging,
    /// Whether a client must bring an API key; only `$connect` asks.
    pub needs_api_key: bool,
    /// Who else decides whether a client may connect; only `$connect` asks.
    pub authorization: Authorization,
    /// How many of its requests pass; `None`: all.
    pub throttle: Option<Throttle>,
    validation: Option<Validation>,
    /// Its place in [`Plan::detailed_routes`], if its metrics are detailed.
    pub detailed: Option<usize>,
    required: Vec<Required>,
    pub(crate) target: RouteTarget,
}

pub(crate) enum RouteTarget {
    /// The route has no integration.
    None,
    /// It has one that cannot work; why.
    Broken(String),
    Integration(Box<Integration>),
}

pub(crate) struct Integration {
    pub(crate) id: String,
    pub(crate) backend: Backend,
    pub(crate) method: String,
    pub(crate) timeout: Duration,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) templates: Templates,
    pub(crate) passthrough: Passthrough,
    pub(crate) responses: Vec<Response>,
    /// Whether the request tells more, and less, than AWS's.
    pub(crate) extended: bool,
    /// The message is base64 and goes on as the bytes it stands for.
    pub(crate) to_binary: bool,
}

impl Integration {
    /// Whether a response of its own is there for this status, and not only the default one.
    pub(crate) fn handles(&self, status: u16) -> bool {
        let status = status.to_string();
        let fits =
            |response: &Response| matches!(&response.key, ResponseKey::Pattern(regex) if regex.is_match(&status));
        self.responses.iter().any(fits)
    }
}

pub(crate) enum Backend {
    Http(UriTemplate),
    HttpProxy(UriTemplate),
    Mock,
    /// It is given an event, and its answer is one in form.
    FunctionProxy(Arc<Function>),
    /// It is given what a template makes.
    Function(Arc<Function>),
    Service(Box<ServiceUri>),
}

impl Backend {
    /// Whether what comes and goes passes as it is: templates and integration responses have no part in it.
    pub(crate) fn is_proxy(&self) -> bool {
        matches!(self, Backend::HttpProxy(_) | Backend::FunctionProxy(_))
    }

    /// Whether a mapping onto this header is an error. Source: observed (REST).
    pub(crate) fn owns(&self, header: &str) -> bool {
        let more = if self.is_aws() { OWNED_HEADERS_AWS } else { &[] };
        is_one_of(header, OWNED_HEADERS) || is_one_of(header, more)
    }

    /// Whether this header is dropped on the way, mapped or not.
    pub(crate) fn drops(&self, header: &str) -> bool {
        is_one_of(header, if self.is_aws() { NEVER_SENT_AWS } else { NEVER_SENT })
    }

    fn is_aws(&self) -> bool {
        matches!(self, Backend::Function(_) | Backend::FunctionProxy(_) | Backend::Service(_))
    }

    /// The function that it is, in either way.
    pub(crate) fn function(&self) -> Option<&Arc<Function>> {
        match self {
            Backend::FunctionProxy(function) | Backend::Function(function) => Some(function),
            Backend::Http(_) | Backend::HttpProxy(_) | Backend::Mock | Backend::Service(_) => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passthrough {
    WhenNoMatch,
    WhenNoTemplates,
    Never,
}

pub(crate) struct Response {
    pub(crate) key: ResponseKey,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) templates: Templates,
    /// The backend's bytes go on as base64 text.
    pub(crate) to_text: bool,
}

pub(crate) enum ResponseKey {
    Default,
    Pattern(Regex),
    /// No regular expression: it fits no status.
    Nothing,
}

struct Required {
    in_query: bool,
    name: String,
}

impl Plan {
    /// The route with exactly this key.
    pub fn route(&self, key: &str) -> Option<&Route> {
        self.routes.get(key)
    }

    /// What the variables of one of this stage's events are worked out from.
    pub(crate) fn scope<'a>(&'a self, route: &'a Route, event: &'a Event) -> Scope<'a> {
        Scope {
            stage: &self.key,
            stage_variables: &self.variables,
            route_key: &route.key,
            event,
            extended: self.extended,
            tracing: self.tracing,
            so_far: SoFar::Asked,
        }
    }

    /// Whether messages can choose a route of the user's own, beside `$default`.
    pub fn has_own_routes(&self) -> bool {
        self.routes.keys().any(|key| !key.starts_with('$'))
    }

    /// Every route, in no order.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.values()
    }

    /// The VPC links that its routes go through: link, route key.
    pub fn links(&self) -> impl Iterator<Item = (&str, &str)> {
        self.backends().filter_map(|(backend, route_key)| {
            let (Backend::Http(uri) | Backend::HttpProxy(uri)) = backend else { return None };
            Some((uri.link()?, route_key))
        })
    }

    /// The functions that its routes call, those of authorizers too: function, route key.
    pub fn functions(&self) -> impl Iterator<Item = (&Arc<Function>, &str)> {
        let authorizers = self.routes().filter_map(|route| match &route.authorization {
            Authorization::Request(authorizer) => Some((authorizer.function()?, &*route.key)),
            Authorization::None | Authorization::Iam | Authorization::Broken(_) => None,
        });
        self.backends().filter_map(|(backend, key)| Some((backend.function()?, key))).chain(authorizers)
    }

    /// The authorizers that routes ask.
    pub fn authorizers(&self) -> impl Iterator<Item = &RequestAuthorizer> {
        self.routes().filter_map(|route| match &route.authorization {
            Authorization::Request(authorizer) => Some(&**authorizer),
            Authorization::None | Authorization::Iam | Authorization::Broken(_) => None,
        })
    }

    /// The services of AWS that are called, each with a route's key.
    pub fn services(&self) -> impl Iterator<Item = (&str, &str)> {
        self.backends().filter_map(|(backend, key)| match backend {
            Backend::Service(uri) => Some((uri.service(), key)),
            _ => None,
        })
    }

    fn backends(&self) -> impl Iterator<Item = (&Backend, &str)> {
        self.routes().filter_map(|route| match &route.target {
            RouteTarget::Integration(integration) => Some((&integration.backend, &*route.key)),
            RouteTarget::None | RouteTarget::Broken(_) => None,
        })
    }

    /// The route selection expression, as it is written.
    pub fn selection_text(&self) -> &str {
        &self.selection_text
    }

    /// What the route selection expression gives for an event; `None` where it gives nothing, or is not asked.
    pub fn selected(&self, event: &Event) -> Option<String> {
        let EventKind::Message(message) = &event.kind else { return None };
        let selection = self.selection.as_ref().ok()?;
        selection.evaluate(&message.body, None).map(|key| key.to_string())
    }

    /// Where a client's API key is found.
    pub fn api_key_source(&self) -> ApiKeySource {
        self.api_key_source
    }

    /// The access log's line for an event that is over, without a line break; `None` where the stage keeps no such log.
    /// `route_key` is missing where no route was chosen.
    pub fn access_line(&self, route_key: Option<&str>, event: &Event, facts: &Facts) -> Option<String> {
        let log = self.access_log.as_ref()?;
        Some(log.line(&Scope {
            stage: &self.key,
            stage_variables: &self.variables,
            route_key: route_key.unwrap_or_default(),
            event,
            extended: self.extended,
            tracing: self.tracing,
            so_far: SoFar::Over(facts),
        }))
    }

    pub(crate) fn route_keys(&self) -> impl Iterator<Item = &str> {
        let mut keys: Vec<_> = self.routes.keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys.into_iter()
    }
}

impl Route {
    /// The id of its integration, for commands that change it.
    pub fn integration_id(&self) -> Option<&str> {
        match &self.target {
            RouteTarget::Integration(integration) => Some(&integration.id),
            RouteTarget::None | RouteTarget::Broken(_) => None,
        }
    }

    /// Its id, for commands that change it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Lets a message pass that fits the route's model, if it asks for one.
    ///
    /// # Errors
    /// [`ErrorKind::BadRequestBody`](crate::ErrorKind::BadRequestBody) with what is wrong.
    pub fn validate(&self, body: &[u8]) -> Result<(), crate::Error> {
        self.validation.as_ref().map_or(Ok(()), |validation| validation.check(body))
    }

    /// The declared request parameters that must be there and are not, in order; `$connect` only.
    pub fn missing_parameters(&self, handshake: &types::event::Handshake) -> Vec<&str> {
        let missing = |required: &&Required| match required.in_query {
            true => !handshake.query.iter().any(|(name, value)| *name == required.name && !value.is_empty()),
            false => handshake.headers.get(&required.name).is_none_or(str::is_empty),
        };
        self.required.iter().filter(missing).map(|required| required.name.as_str()).collect()
    }
}

/// Headers that are the gateway's own; setting one is a configuration error. Source: observed (REST).
const OWNED_HEADERS: &[&str] = &["Content-Length", "Transfer-Encoding", "X-Amzn-Trace-Id", "X-Amzn-Apigateway-Api-Id"];

/// Headers that API Gateway drops on the way to an HTTP backend, mapped or not. Source: observed (REST).
const NEVER_SENT: &[&str] = &["Expect", "Proxy-Authenticate", "TE", "Via"];

/// Headers that are further the gateway's own where AWS is called. Source: observed (REST).
const OWNED_HEADERS_AWS: &[&str] = &["Authorization", "Connection", "Expect", "Proxy-Authenticate", "TE"];

/// Headers that are dropped on the way to AWS. Source: observed (REST).
const NEVER_SENT_AWS: &[&str] = &["Referer"];

/// Whether a request with this method takes its body along. Source: observed (the founding question, and REST).
pub(crate) fn carries_body(method: &str) -> bool {
    !matches!(method, "GET" | "HEAD" | "OPTIONS")
}

pub(crate) fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}
