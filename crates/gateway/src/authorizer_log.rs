//! What an authorizer writes down of its work, whatever comes of it.

use std::sync::Arc;
use std::time::Instant;

use mapping::Checks;
use types::message::{IntegrationRequest, IntegrationResponse};

use crate::execution_log::{AuthorizerStep, Step};

/// The work of an authorizer at one handshake: the facts that the access log has variables for, and the lines of the
/// execution log.
#[derive(Debug, Default)]
pub struct AuthorizerLog {
    /// What was asked, and what came of it.
    pub checks: Checks,
    pub(crate) steps: Vec<(Instant, Step)>,
}

impl AuthorizerLog {
    /// An authorizer, by its id, is called.
    pub fn asked(&mut self, authorizer_id: &str, request: &IntegrationRequest) {
        let authorizer_id = authorizer_id.to_owned();
        self.keep(Step::Authorizing(AuthorizerStep::Asked { authorizer_id, request: Arc::new(request.clone()) }));
    }

    /// It answered.
    pub fn answered(&mut self, response: &IntegrationResponse) {
        self.keep(Step::Authorizing(AuthorizerStep::Answered(Arc::new(response.clone()))));
    }

    /// A line of the execution log, as AWS has it.
    pub fn line(&mut self, text: impl Into<String>) {
        self.keep(Step::Authorizing(AuthorizerStep::Line(text.into())));
    }

    /// A remark of ours, for whoever runs the gateway.
    pub fn note(&mut self, text: impl Into<String>) {
        self.keep(Step::Note(text.into()));
    }

    fn keep(&mut self, step: Step) {
        self.steps.push((Instant::now(), step));
    }
}
