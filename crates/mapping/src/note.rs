//! Remarks for the developer: nothing failed, but this is worth knowing.
//!
//! A note names the thing, what will happen and what to change, with the command that changes it.

mod headline;
mod words;

use std::sync::Arc;

use types::snapshot::StageKey;

pub use headline::Mend;

/// Where a mending command acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// API and stage.
    pub key: Arc<StageKey>,
    /// Whether the stage deploys every change by itself.
    pub deploys_itself: bool,
}

impl Site {
    /// `aws apigatewayv2 …` on the site's API, and the deployment that makes it work.
    fn aws(&self, call: &str, options: &str) -> String {
        let StageKey { api_id, stage } = &*self.key;
        let deploy = match self.deploys_itself {
            true => String::new(),
            false => {
                format!(", then aws apigatewayv2 create-deployment --api-id {api_id} --stage-name {stage}")
            }
        };
        format!("aws apigatewayv2 {call} --api-id {api_id}{options}{deploy}")
    }

    /// The command that changes an integration response's templates.
    pub(crate) fn update_response(&self, integration_id: &str, id: &str) -> String {
        let options = format!(
            " --integration-id {integration_id} --integration-response-id {id} --response-templates file://templates.json"
        );
        self.aws("update-integration-response", &options)
    }

    /// The command that changes an integration, with its options.
    pub(crate) fn update_integration(&self, id: &str, options: &str) -> String {
        self.aws("update-integration", &format!(" --integration-id {id}{options}"))
    }
}

/// One of the two things that make a route two-way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The route response with the key `$default`.
    Response,
    /// The route's response selection expression.
    Expression,
}

/// Why a body is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoJson {
    /// The client's message is none, and was passed on.
    Passed,
    /// A template made it so.
    Made,
    /// A template used `$util.escapeJavaScript`, which escapes apostrophes too.
    Apostrophe,
}

/// A remark. [`Display`](std::fmt::Display) gives the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The founding user's: a body was made, but the method carries none.
    BodyDiscarded {
        /// GET, HEAD or OPTIONS.
        method: String,
        /// How long the body was.
        bytes: usize,
        /// For the command that mends it.
        integration_id: String,
        /// For the command that mends it.
        site: Site,
    },
    /// The same, seen when the stage was compiled: templates or a body mapping that can have no effect.
    BodyWillBeDiscarded {
        /// GET, HEAD or OPTIONS.
        method: String,
        /// Which route.
        route_key: String,
        /// For the command that mends it.
        integration_id: String,
        /// For the command that mends it.
        site: Site,
    },
    /// A mapped parameter had no value, so it was not sent.
    ParameterWithoutValue {
        /// The target, as the user wrote it.
        target: String,
        /// The source, as the user wrote it.
        source: String,
    },
    /// A header that is never forwarded was mapped.
    HeaderNeverSent {
        /// Its name.
        name: String,
    },
    /// The backend answered something, but the route is one-way.
    AnswerNotDelivered {
        /// How long the answer's body was.
        bytes: usize,
        /// Which route.
        route_key: String,
        /// For the command that mends it.
        route_id: String,
        /// For the command that mends it.
        site: Site,
    },
    /// The client asked for subprotocols and the answer to the upgrade names none; browsers then hang up.
    NoSubprotocolChosen {
        /// What the client offered, without what may be a token.
        offered: String,
        /// Whether the route has an integration that could have chosen one.
        called: bool,
    },
    /// The backend chose a subprotocol that the client did not offer.
    SubprotocolNotOffered {
        /// What the backend chose.
        chosen: String,
        /// What the client offered, without what may be a token; may be empty.
        offered: String,
    },
    /// An HTTP_PROXY backend refused `$connect` with 400, as servers do that see WebSocket headers without an upgrade.
    BackendMistookUpgrade,
    /// Something in the definition cannot work; the route it concerns fails until it is mended.
    Broken {
        /// Which resource.
        what: String,
        /// What is wrong.
        detail: String,
    },
    /// An authorizer's identity source is a variable that there is not, so that nobody gets in.
    IdentityNeverThere {
        /// Which authorizer.
        what: String,
        /// The source, as the user wrote it.
        source: String,
        /// What may have been meant.
        meant: Option<String>,
    },
    /// A stage's access log format names what no event of a WebSocket API has.
    UnknownLogVariable {
        /// The name behind `$context.`.
        name: String,
    },
    /// A two-way route whose definition has only one of its two halves.
    HalfTwoWay {
        /// Which route.
        route_key: String,
        /// The half that is missing.
        missing: Half,
        /// For the command that mends it.
        route_id: String,
        /// For the command that mends it.
        site: Site,
    },
    /// An integration goes through a VPC link that no address is known of.
    LinkWithoutAddress {
        /// Which route.
        route_key: String,
        /// The link's id.
        link: String,
    },
    /// A throttle of nothing: every request of the route is refused.
    ThrottledToNothing {
        /// Which route.
        route_key: String,
        /// For the command that mends it.
        api_id: String,
        /// For the command that mends it.
        stage: String,
    },
    /// A non-proxy integration without integration responses: every answer is a configuration error on AWS.
    NoIntegrationResponses {
        /// Which integration.
        integration_id: String,
        /// For the command that mends it.
        site: Site,
    },
    /// A non-proxy integration has responses, and none for the backend's status.
    NoResponseFits {
        /// What the backend answered.
        status: u16,
        /// Which integration.
        integration_id: String,
        /// For the command that mends it.
        site: Site,
    },
    /// The request's body is no JSON although its Content-Type says so.
    BodyIsNoJson {
        /// How that came.
        cause: NoJson,
        /// Where reading it failed, and what stands there.
        line: usize,
        /// In bytes, counted from 1.
        column: usize,
        /// The body's line there, shortened.
        excerpt: String,
        /// Which integration.
        integration_id: String,
        /// For the command that mends it.
        site: Site,
    },
    /// A request template uses nothing of the message.
    MessageUnread {
        /// The template's key.
        key: String,
        /// Which integration.
        integration_id: String,
        /// For the command that mends it.
        site: Site,
    },
    /// A template names what `$context`, `$input` or `$util` have not.
    UnknownName {
        /// `request template `x` of integration y`, or the response's.
        what: String,
        /// As it is written: `$context.connectonId`.
        name: String,
        /// Where in the template.
        line: usize,
        /// What may have been meant, as it would be written.
        meant: Option<String>,
        /// For the command that mends it.
        mend: String,
    },
    /// A regular expression of a template or model takes time that may grow with the square of the text.
    SlowPattern {
        /// `request template `x` of integration y`, or the response's, or `model `x``.
        what: String,
        /// The pattern.
        pattern: String,
        /// Where in the template; models have no lines.
        line: Option<usize>,
    },
    /// The message's own member names a route, and the route selection expression looks elsewhere.
    SelectionLooksElsewhere {
        /// The expression.
        expression: String,
        /// Where the message has the key.
        member: String,
        /// The route that it names.
        route_key: String,
        /// For the command that mends it.
        site: Site,
    },
    /// The route selection expression names what there is not, so that it gives nothing.
    SelectionGivesNothing {
        /// The expression.
        expression: String,
        /// For the command that mends it.
        site: Site,
    },
    /// A parameter mapping's source is nothing that an event has.
    SourceGivesNothing {
        /// The target, as the user wrote it.
        target: String,
        /// The source, as the user wrote it.
        source: String,
        /// What may have been meant.
        meant: Option<String>,
    },
    /// A response key is no regular expression.
    ResponseKeyFitsNothing {
        /// The key.
        key: String,
    },
    /// Some messages came, and the route selection expression gave no route's key for any.
    SelectionFitsNothing {
        /// The expression.
        expression: String,
        /// The routes that nothing reached.
        routes: Vec<String>,
        /// For the command that mends it.
        site: Site,
    },
    /// The backend answered a message or `$disconnect` with a 4xx or 5xx.
    BackendRefused {
        /// Its status.
        status: u16,
        /// What its body says, shortened; may be empty.
        said: String,
        /// What was told: `the message`, `$disconnect`.
        what: &'static str,
        /// Whether the client gets the answer.
        delivered: bool,
        /// Whether it is called by an HTTP method and URL, which may be the wrong ones.
        by_url: bool,
        /// Which integration.
        integration_id: String,
        /// For the command that mends it.
        site: Site,
    },
    /// A header's value is not ASCII.
    HeaderNotAscii {
        /// Its name.
        name: String,
    },
    /// A message's route asks for what only a handshake has.
    OnlyAtConnect {
        /// Which route.
        route_key: String,
        /// The mapping's source, or the template's reference.
        source: String,
    },
    /// An integration has request templates that its type does not use.
    TemplatesIgnored {
        /// `HTTP_PROXY` or `AWS_PROXY`.
        kind: String,
        /// Which integration.
        integration_id: String,
        /// For the command that mends it.
        site: Site,
    },
    /// A function's event is as it is, and request parameters are mapped.
    ParametersIgnored {
        /// Which integration.
        integration_id: String,
        /// For the command that mends it.
        site: Site,
    },
    /// A function without proxy failed, and no integration response is for that.
    FunctionFailureUnexpected {
        /// Its `errorMessage`.
        message: String,
        /// Which integration.
        integration_id: String,
        /// For the command that mends it.
        site: Site,
    },
    /// Routes call functions, and it is not known where they run.
    FunctionsNowhere {
        /// The routes' keys.
        routes: Vec<String>,
    },
    /// Routes call services of AWS, and it is not known where they are.
    ServicesNowhere {
        /// The routes' keys.
        routes: Vec<String>,
    },
}

impl Note {
    /// Whether it tells of something that fails, and not only of a surprise.
    pub fn is_error(&self) -> bool {
        matches!(
            self,
            Note::Broken { .. }
                | Note::IdentityNeverThere { .. }
                | Note::NoIntegrationResponses { .. }
                | Note::FunctionsNowhere { .. }
                | Note::ServicesNowhere { .. }
        )
    }
}
