//! Talks to backends: a mapped request in, the backend's response out.
//!
//! HTTP/1.1 is spoken by hand ([`wire`]), for two reasons. AWS's headers go out spelled and ordered as AWS spells and
//! orders them, which the libraries do not allow; and one call is one write and one read, which is most of what a
//! message costs. Parsing of heads is httparse's, TLS is rustls's.

mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod links;
mod names;
mod place;
mod pool;
mod stream;
mod wire;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use types::headers::Headers;
use types::message::{IntegrationRequest, IntegrationResponse, Target};

pub use error::{Error, Kind};
pub use links::LinkSettings;

use crate::links::{Link, Links};
use crate::names::Names;
use crate::pool::Pool;
use crate::stream::Connector;

/// Every way to a backend, with the connections that are kept open.
pub struct Integrations {
    pool: Pool,
    connector: Connector,
    names: Names,
    links: Links,
    response_bytes_max: usize,
}

/// Where a request goes: what its target names, looked up.
pub struct Destination {
    link: Option<Arc<Link>>,
}

impl Integrations {
    /// Answers larger than `response_bytes_max` are refused. Names of backends are looked up at `name_servers`, or at the
    /// system's where there are none.
    pub fn new(response_bytes_max: usize, name_servers: Vec<SocketAddr>) -> Integrations {
        Integrations {
            pool: Pool::default(),
            connector: Connector::default(),
            names: Names::new(name_servers),
            links: Links::default(),
            response_bytes_max,
        }
    }

    /// Looks up where a target leads: a VPC link's addresses stand for its URL's host.
    pub fn find(&self, target: &Target) -> Destination {
        let link = match target {
            Target::Http(target) => target.way.as_ref().and_then(|way| self.links.get(way.link.as_deref()?)),
            Target::Mock { .. } => None,
        };
        Destination { link }
    }

    /// Sends a request to where its target [leads](Integrations::find) and reads the whole answer, within the request's
    /// timeout.
    ///
    /// # Errors
    /// [`Kind`] says which of the ways to fail it was; the text names the backend.
    ///
    /// # Cancel safety
    /// Not cancel safe: the backend may have acted. Dropping it closes the backend's connection.
    pub async fn send(&self, request: &IntegrationRequest, to: Destination) -> Result<IntegrationResponse, Error> {
        let target = match &request.target {
            Target::Mock { status } => return Ok(mock(*status, request)),
            Target::Http(target) => target,
        };
        let started = Instant::now();
        let call = http::call(self, target, to.link.as_deref(), request);
        let (status, headers, body) = match tokio::time::timeout(request.timeout, call).await {
            Ok(answer) => answer?,
            Err(_) => return Err(Error::timeout(target, request.timeout, self.names.is_asking(&target.host))),
        };
        Ok(IntegrationResponse { status, headers, body, latency: started.elapsed() })
    }

    /// Says where VPC links lead, by id. Calls through a link that is not here go to their URL's own host.
    pub fn set_links(&self, links: HashMap<String, LinkSettings>) {
        self.links.set(links);
    }

    /// Whether it is known where this link leads.
    pub fn has_link(&self, id: &str) -> bool {
        self.links.get(id).is_some()
    }

    /// Says which client certificates there are, by id: certificate and private key, PEM.
    ///
    /// # Errors
    /// A sentence for each that cannot be used; calls that should show it show none.
    pub fn set_client_certificates<'c>(
        &self,
        certificates: impl Iterator<Item = (&'c str, &'c str, &'c str)>,
    ) -> Result<(), Vec<String>> {
        self.connector.set_client_certificates(certificates)
    }

    /// Looks after the health of the links' addresses until it is dropped.
    pub async fn check_links(&self) {
        self.links.check(&self.names).await;
    }

    /// Closes kept connections that have been idle for too long. To be called about once a second.
    pub fn sweep(&self, now: Instant) {
        self.pool.sweep(now);
    }
}

// No backend: the answer is the rendered request template, for the response template to read (ours; undocumented).
fn mock(status: u16, request: &IntegrationRequest) -> IntegrationResponse {
    IntegrationResponse { status, headers: Headers::new(), body: request.body.clone(), latency: Duration::ZERO }
}
