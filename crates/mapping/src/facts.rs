//! The facts that every event ends with, whatever is logged: what the execution log, the access log and the metrics are
//! views of.

use std::time::Duration;

/// How an event ended. Collected on the way; where nothing fails it holds no memory of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The status it ended with: of the handshake at `$connect`, else as the logs count it. 0 until the end.
    pub status: u16,
    /// The call of the integration; `None` where none was made.
    pub call: Option<Call>,
    /// What was asked to know who the client is, at `$connect`; `None` where nothing was.
    pub checks: Option<Box<Checks>>,
    /// Why the client was told no, if it was.
    pub failure: Option<Box<Failure>>,
    /// Bytes of the client's message; 0 for other events.
    pub message_bytes: usize,
    /// Bytes that the client is sent because of it: the reply's body, or the error's text. `None`: nothing.
    pub reply_bytes: Option<usize>,
}

/// A call of an integration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// Whether it was a mock, which nothing measures. Source: documented ("Monitoring WebSocket API execution").
    pub mock: bool,
    /// Whether it was a function.
    pub function: bool,
    /// Status and latency of the answer; `None` where none came. Of a function they are those of its invocation.
    pub answer: Option<(u16, Duration)>,
    /// The status that a function returned.
    pub returned: Option<u16>,
}

impl Call {
    /// The status that counts as the integration's: what the function returned, where it is one.
    pub fn status(&self) -> Option<u16> {
        self.returned.or(self.answer.map(|(status, _)| status))
    }
}

/// What the gateway said when it said no, and why: `$context.error.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// `$context.error.responseType`, such as `INTEGRATION_TIMEOUT`.
    pub response_type: &'static str,
    /// `$context.error.message`: what the client is told.
    pub message: String,
    /// What went wrong, for people who run the gateway.
    pub detail: String,
    /// `$context.error.validationErrorString`: which parameters or parts of the body did not fit.
    pub validation: Option<String>,
}

/// What was asked at `$connect` to know who a client is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// `$context.authenticate.*`: the signature, where the route wants one.
    pub authenticate: Option<Check>,
    /// `$context.authorizer.*`: the authorizer, where the route names one.
    pub authorizer: Option<Asked>,
    /// `$context.authorize.*`: whether whoever it is may connect.
    pub authorize: Option<Check>,
}

impl Checks {
    /// How much memory it takes, about.
    pub fn bytes(&self) -> usize {
        let checks = [&self.authenticate, &self.authorize].into_iter().flatten();
        let checks = checks.chain(self.authorizer.as_ref().map(|asked| &asked.check));
        let errors = checks.filter_map(|check| check.error.as_ref()).map(String::len).sum::<usize>();
        size_of::<Checks>() + errors
    }
}

/// One check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// What the handshake would be answered because of it: 200 where it is passed.
    pub status: u16,
    /// How long it took.
    pub latency: Duration,
    /// Why it is not passed.
    pub error: Option<String>,
}

/// The call of an authorizer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// All of it.
    pub check: Check,
    /// Status and latency of its answer, where one came; of a function those of its invocation.
    pub answer: Option<(u16, Duration)>,
    /// The id that the answer has of its own.
    pub request_id: Option<String>,
}
