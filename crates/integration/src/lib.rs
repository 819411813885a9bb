//! Talks to backends: a mapped request in, the backend's response out.
//!
//! Where Lambda functions run is a trait, [`Functions`], and who signs calls of AWS's services another, [`Signer`].
//!
//! HTTP/1.1 is spoken by hand ([`wire`]), for two reasons. AWS's headers go out spelled and ordered as AWS spells and
//! orders them, which the libraries do not allow; and one call is one write and one read, which is most of what a
//! message costs. Parsing of heads is httparse's, TLS is rustls's.

mod call_clock;
mod endpoint;
mod error;
mod fetch;
mod function;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod links;
mod names;
mod pool;
mod remote;
mod service;
mod stream;
mod wire;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use types::arn::Function;
use types::headers::Headers;
use types::message::{FunctionTarget, IntegrationRequest, IntegrationResponse, ServiceTarget, Target};

pub use endpoint::Endpoint;
pub use error::{Error, ErrorKind};
pub use fetch::Fetch;
pub use function::{Functions, Invocation, Invoked, Invoking, LambdaEndpoint};
pub use http::Http;
pub use links::LinkSettings;
pub use service::{ServicePlace, ServiceRequest, Services, Signer, Signing};

use crate::call_clock::CallClock;
use crate::http::Call;
use crate::links::{Link, Links};
use crate::names::Names;
use crate::pool::Pool;
use crate::stream::Connector;

/// Every way to a backend.
pub struct Integrations {
    http: Arc<Http>,
    links: Links,
    functions: Option<Box<dyn Functions>>,
    services: Services,
}

/// Where a request goes: what its target names, looked up.
pub struct Destination {
    link: Option<Arc<Link>>,
}

impl Integrations {
    /// Answers larger than `response_bytes_max` are refused. Names of backends are looked up at `name_servers`, or at the
    /// system's where there are none. Functions run nowhere, and services are not called.
    pub fn new(response_bytes_max: usize, name_servers: Vec<SocketAddr>) -> Integrations {
        let http = Http {
            pool: Pool::default(),
            connector: Connector::default(),
            names: Names::new(name_servers),
            response_bytes_max,
        };
        let (links, services) = (Links::default(), Services::default());
        Integrations { http: Arc::new(http), links, functions: None, services }
    }

    /// The HTTP client, for those who call backends in their own way.
    pub fn http(&self) -> Arc<Http> {
        self.http.clone()
    }

    /// The same, with functions run there.
    #[must_use]
    pub fn with_functions(self, functions: Box<dyn Functions>) -> Integrations {
        Integrations { functions: Some(functions), ..self }
    }

    /// The same, with AWS's services called so.
    #[must_use]
    pub fn with_services(self, services: Services) -> Integrations {
        Integrations { services, ..self }
    }

    /// Whether it is known where this function runs.
    pub fn has_function(&self, function: &Function) -> bool {
        self.functions.as_ref().is_some_and(|functions| functions.has(function))
    }

    /// Whether it is known where this service of AWS is, by the name that a URI gives it.
    pub fn has_service(&self, service: &str) -> bool {
        self.services.have(service)
    }

    /// Looks up where a target leads: a VPC link's addresses stand for its URL's host.
    pub fn find(&self, target: &Target) -> Destination {
        let link = match target {
            Target::Http(target) => target.way.as_ref().and_then(|way| self.links.get(way.link.as_deref()?)),
            Target::Mock { .. } | Target::Function(_) | Target::Service(_) => None,
        };
        Destination { link }
    }

    /// Sends a request to where its target [leads](Integrations::find) and reads the whole answer, within the request's
    /// timeout.
    ///
    /// # Errors
    /// [`ErrorKind`] says which of the ways to fail it was; the text names the backend.
    ///
    /// # Cancel safety
    /// Not cancel safe: the backend may have acted. Dropping it closes the backend's connection.
    pub async fn send(&self, request: &IntegrationRequest, to: Destination) -> Result<IntegrationResponse, Error> {
        self.send_timed(request, to, false).await
    }

    /// The same, with the times of the call's parts where they are wanted.
    ///
    /// # Errors
    /// As [`Integrations::send`].
    ///
    /// # Cancel safety
    /// As [`Integrations::send`].
    pub async fn send_timed(
        &self,
        request: &IntegrationRequest,
        to: Destination,
        is_timed: bool,
    ) -> Result<IntegrationResponse, Error> {
        let target = match &request.target {
            Target::Http(target) => target,
            Target::Mock { status } => return Ok(mock(*status, request)),
            // In boxes: what HTTP backends have no part in does not make their calls larger.
            Target::Function(target) => return Box::pin(self.invoke(request, target)).await,
            Target::Service(target) => return Box::pin(self.call_service(request, target)).await,
        };
        let started = Instant::now();
        let clock = is_timed.then(|| CallClock::start(started));
        let wire = Call { clock: clock.as_ref(), ..Call::of(request) };
        // Where it stands: it is more than a thousand bytes, which a time-out would move twice.
        let call = std::pin::pin!(http::call(&self.http, target, to.link.as_deref(), &wire));
        let (status, headers, body) = match tokio::time::timeout(request.timeout, call).await {
            Ok(answer) => answer?,
            Err(_) => return Err(Error::timeout(target, request.timeout, self.http.names.is_asking(&target.host))),
        };
        let (latency, times) = (started.elapsed(), clock.as_ref().map(CallClock::times));
        Ok(IntegrationResponse { status, headers, body, function_failed: false, latency, times })
    }

    async fn invoke(
        &self,
        request: &IntegrationRequest,
        target: &FunctionTarget,
    ) -> Result<IntegrationResponse, Error> {
        let (started, function) = (Instant::now(), &*target.function);
        let what = || format!("function {function}");
        let Some(functions) = self.functions.as_ref().filter(|functions| !functions.is_empty()) else {
            let detail = "nothing says where functions run (setting lambda-endpoint)";
            return Err(Error::of(ErrorKind::Unready, what(), detail));
        };
        let invocation = Invocation {
            function,
            kind: target.invocation,
            headers: &request.headers,
            payload: &request.body,
            may_repeat: request.may_repeat,
            deadline: started + request.timeout,
        };
        let invoked = tokio::time::timeout(request.timeout, functions.invoke(&invocation)).await;
        let Invoked { status, headers, payload, failed } =
            invoked.unwrap_or_else(|_| Err(Error::timed_out(what(), request.timeout)))?;
        let latency = started.elapsed();
        Ok(IntegrationResponse { status, headers, body: payload, function_failed: failed, latency, times: None })
    }

    async fn call_service(
        &self,
        request: &IntegrationRequest,
        target: &ServiceTarget,
    ) -> Result<IntegrationResponse, Error> {
        let started = Instant::now();
        let call = tokio::time::timeout(request.timeout, self.services.call(&self.http, request, target)).await;
        let timed_out = |_| Err(Error::timed_out(target.at.authority.clone(), request.timeout));
        let (status, headers, body) = call.unwrap_or_else(timed_out)?;
        let latency = started.elapsed();
        Ok(IntegrationResponse { status, headers, body, function_failed: false, latency, times: None })
    }

    /// Says where VPC links lead, by id. Calls through a link that is not here go to their URL's own host.
    pub fn set_links(&self, links: HashMap<String, LinkSettings>) {
        self.links.set(links);
    }

    /// Whether it is known where this link leads.
    pub fn has_link(&self, id: &str) -> bool {
        self.links.get(id).is_some()
    }

    /// Where a VPC link leads: hosts and ports, as the settings have them.
    pub fn link_addresses(&self, id: &str) -> Vec<(String, u16)> {
        self.links.get(id).map(|link| link.targets().to_vec()).unwrap_or_default()
    }

    /// Says which client certificates there are, by id: certificate and private key, PEM.
    ///
    /// # Errors
    /// A sentence for each that cannot be used; calls that should show it show none.
    pub fn set_client_certificates<'c>(
        &self,
        certificates: impl Iterator<Item = (&'c str, &'c str, &'c str)>,
    ) -> Result<(), Vec<String>> {
        self.http.connector.set_client_certificates(certificates)
    }

    /// Looks after the health of the links' addresses until it is dropped.
    pub async fn check_links(&self) {
        self.links.check(&self.http.names).await;
    }

    /// Closes kept connections that have been idle for too long. To be called about once a second.
    pub fn sweep(&self, now: Instant) {
        self.http.pool.sweep(now);
    }
}

// No backend: the answer is the rendered request template, for the response template to read (ours; undocumented).
fn mock(status: u16, request: &IntegrationRequest) -> IntegrationResponse {
    let (headers, body) = (Headers::new(), request.body.clone());
    IntegrationResponse { status, headers, body, function_failed: false, latency: Duration::ZERO, times: None }
}
