//! What an authorizer writes down of its work, whatever comes of it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use mapping::Checks;
use mapping::plan::IdentityValue;
use types::message::{IntegrationRequest, IntegrationResponse};

use crate::execution_log::{AuthorizerStep, Step, secrets};

/// The work of an authorizer at one handshake: the facts that the access log has variables for, and the lines of the
/// execution log.
#[derive(Debug)]
pub struct AuthorizerLog {
    /// What was asked, and what came of it.
    pub checks: Checks,
    /// `None`: nobody reads them.
    pub(crate) steps: Option<Vec<(Instant, Step)>>,
}

impl AuthorizerLog {
    /// An empty one. Without readers of lines none is made.
    pub(crate) fn new(has_readers: bool) -> AuthorizerLog {
        AuthorizerLog { checks: Checks::default(), steps: has_readers.then(Vec::new) }
    }

    /// What the client brought to be known by: a line that shows no more of it than of other secrets.
    pub fn identity(&mut self, identity: &[IdentityValue<'_>]) {
        if self.steps.is_none() {
            return;
        }
        let pairs = identity.iter().map(|found| format!("{}={}", found.source, secrets::mask(&found.value)));
        // Source: observed on REST APIs.
        self.line(format!("Incoming identity: {{{}}}", pairs.collect::<Vec<_>>().join(", ")));
    }

    /// Who it is said to be: a line that shows as little.
    pub fn principal(&mut self, principal_id: &str) {
        // Source: observed on REST APIs, the mask too.
        self.line(format!("Using valid authorizer policy for principal: {}", secrets::mask(principal_id)));
    }

    /// Somebody is asked, with an event in which all that identifies the client is not for the log.
    pub fn asked(&mut self, identity: &[IdentityValue<'_>], request: &IntegrationRequest) {
        if self.steps.is_none() {
            return;
        }
        let sources = identity.iter().map(|found| found.source);
        let names = sources.filter_map(|source| source.strip_prefix("route.request.")?.split_once('.'));
        let names: Vec<_> = names.map(|(_, name)| name).collect();
        let body = Bytes::copy_from_slice(&secrets::event_with(&request.body, &names));
        let request = IntegrationRequest { body, ..request.clone() };
        self.keep(Step::Authorizing(AuthorizerStep::Asked(Arc::new(request))));
    }

    /// It answered.
    pub fn answered(&mut self, response: &IntegrationResponse) {
        self.keep(Step::Authorizing(AuthorizerStep::Answered(Arc::new(response.clone()))));
    }

    /// A line of the execution log, as AWS has it.
    pub fn line(&mut self, text: impl Into<String>) {
        self.keep(Step::Authorizing(AuthorizerStep::Line(text.into())));
    }

    fn keep(&mut self, step: Step) {
        if let Some(steps) = &mut self.steps {
            steps.push((Instant::now(), step));
        }
    }
}
