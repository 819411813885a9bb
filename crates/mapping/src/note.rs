//! Remarks for the developer: nothing failed, but this is worth knowing.
//!
//! Every text that this crate says to a person stands here. A note names the thing, what will happen and what to
//! change, with the command that changes it. The words are ours; AWS says nothing in these places.

use std::fmt;
use std::sync::Arc;

use types::snapshot::StageKey;

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

/// A remark. [`fmt::Display`] gives the sentence.
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
        /// What the client offered.
        offered: String,
    },
    /// The backend chose a subprotocol that the client did not offer.
    SubprotocolNotOffered {
        /// What the backend chose.
        chosen: String,
        /// What the client offered; may be empty.
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
    /// A resource uses what this version does not do yet.
    NotYet {
        /// Which resource.
        what: String,
        /// What it asks for, and what happens instead.
        detail: String,
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
                | Note::NotYet { .. }
                | Note::NoIntegrationResponses { .. }
                | Note::FunctionsNowhere { .. }
                | Note::ServicesNowhere { .. }
        )
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::BodyDiscarded { method, bytes, integration_id, site } => write!(
                f,
                "Request body discarded: integration method {method} carries no body ({bytes} bytes). The backend \
                 receives the headers and an empty body. To send it: {}",
                site.update_integration(integration_id, " --integration-method POST")
            ),
            Note::BodyWillBeDiscarded { method, route_key, integration_id, site } => write!(
                f,
                "route {route_key} will reach its backend with an empty body: integration {integration_id} uses \
                 {method}, which carries none, whatever the templates make. To send bodies: {}",
                site.update_integration(integration_id, " --integration-method POST")
            ),
            Note::ParameterWithoutValue { target, source } => {
                write!(f, "{target} was not sent: {source} has no value here")
            }
            Note::HeaderNeverSent { name } => {
                write!(f, "header {name} is mapped but never sent: API Gateway drops it on the way to HTTP backends")
            }
            Note::AnswerNotDelivered { bytes, route_key, route_id, site } => write!(
                f,
                "one-way route: the backend's answer of {bytes} bytes was not delivered to the client. To deliver \
                 the answers of route {route_key}: aws apigatewayv2 update-route --api-id {api} --route-id {route_id} \
                 --route-response-selection-expression '$default', then {}",
                site.aws("create-route-response", &format!(" --route-id {route_id} --route-response-key '$default'")),
                api = site.key.api_id,
            ),
            Note::NoSubprotocolChosen { offered } => write!(
                f,
                "the client offered the subprotocols `{offered}` and the $connect integration returned no \
                 Sec-WebSocket-Protocol header; browsers close such a connection at once"
            ),
            Note::SubprotocolNotOffered { chosen, offered } => write!(
                f,
                "the $connect integration chose the subprotocol `{chosen}`, but the client offered `{offered}`; it \
                 is sent unchanged, and most clients close such a connection at once"
            ),
            Note::BackendMistookUpgrade => f.write_str(
                "the backend answered 400 to $connect: HTTP_PROXY forwards the client's Sec-WebSocket-* headers \
                 without an upgrade, which servers that speak WebSocket themselves refuse. If yours does, map \
                 'integration.request.header.Sec-WebSocket-Version'=\"'0'\"",
            ),
            Note::Broken { what, detail } => write!(f, "{what} cannot work: {detail}"),
            Note::NotYet { what, detail } => write!(f, "{what}: {detail}"),
            Note::UnknownLogVariable { name } => {
                write!(
                    f,
                    "the access log's format names $context.{name}, which WebSocket APIs do not have; it prints -"
                )
            }
            Note::HalfTwoWay { route_key, missing, route_id, site } => {
                let (half, mend) = match missing {
                    Half::Response => (
                        "route response $default",
                        site.aws(
                            "create-route-response",
                            &format!(" --route-id {route_id} --route-response-key '$default'"),
                        ),
                    ),
                    Half::Expression => (
                        "route-response-selection-expression",
                        site.aws(
                            "update-route",
                            &format!(" --route-id {route_id} --route-response-selection-expression '$default'"),
                        ),
                    ),
                };
                write!(
                    f,
                    "route {route_key} is treated as two-way although it has no {half}; AWS asks for both the route \
                     response $default and the route-response-selection-expression $default. To add it: {mend}"
                )
            }
            Note::LinkWithoutAddress { route_key, link } => write!(
                f,
                "route {route_key} goes through VPC link {link}, of which no address is known: it connects to the host of \
                 its integration's URI. To say where the link leads: [vpc-links.{link}] targets = [\"HOST:PORT\"] in the \
                 settings file"
            ),
            Note::ThrottledToNothing { route_key, api_id, stage } => write!(
                f,
                "route {route_key} answers 429 to everybody: its throttling limits are 0. To lift them: aws \
                 apigatewayv2 update-stage --api-id {api_id} --stage-name {stage} --default-route-settings \
                 ThrottlingBurstLimit=5000,ThrottlingRateLimit=10000"
            ),
            Note::NoIntegrationResponses { integration_id, site } => write!(
                f,
                "integration {integration_id} has no integration response, so every answer of its backend is a \
                 configuration error. To pass answers on: {}",
                site.aws(
                    "create-integration-response",
                    &format!(" --integration-id {integration_id} --integration-response-key '$default'")
                )
            ),
            Note::NoResponseFits { status, integration_id, site } => write!(
                f,
                "integration {integration_id} has no integration response for {status} and none for the rest. To pass such \
                 answers on: {}",
                site.aws(
                    "create-integration-response",
                    &format!(" --integration-id {integration_id} --integration-response-key '$default'")
                )
            ),
            Note::BodyIsNoJson { cause, line, column, excerpt, integration_id, site } => {
                let what = match cause {
                    NoJson::Passed => "the message is passed on as it is, and is no JSON",
                    NoJson::Made | NoJson::Apostrophe => "the template made a body that is no JSON",
                };
                let template = || site.update_integration(integration_id, " --request-templates file://templates.json");
                let mend = match cause {
                    NoJson::Passed => format!(
                        "To say what it is: {}",
                        site.update_integration(
                            integration_id,
                            " --request-parameters \"integration.request.header.Content-Type='text/plain'\""
                        )
                    ),
                    NoJson::Made => format!(
                        "Texts need quotes: \"$util.escapeJavaScript($input.path('$.x'))\", or $input.json('$.x'), which \
                         brings its own. To change the template: {}",
                        template()
                    ),
                    NoJson::Apostrophe => format!(
                        "$util.escapeJavaScript escapes apostrophes, which JSON does not allow: put \
                         .replaceAll(\"\\\\'\", \"'\") behind it. To change the template: {}",
                        template()
                    ),
                };
                write!(
                    f,
                    "{what} (line {line}, column {column}: {excerpt}), while Content-Type says it is: most servers answer \
                     400, or show the application nothing. {mend}"
                )
            }
            Note::MessageUnread { key, integration_id, site } => write!(
                f,
                "request template `{key}` of integration {integration_id} has no $input in it: the backend gets nothing of \
                 the message. To pass it on: $input.body, or $input.json('$.member') for a part. To change the template: {}",
                site.update_integration(integration_id, " --request-templates file://templates.json")
            ),
            Note::UnknownName { what, name, line, meant, mend } => {
                write!(f, "{what} names {name} in line {line}, which there is not: it prints nothing")?;
                match meant {
                    Some(meant) => write!(f, "; did you mean {meant}?")?,
                    None => f.write_str(".")?,
                }
                write!(f, " To change it: {mend}")
            }
            Note::SlowPattern { what, pattern, line } => {
                write!(f, "{what} uses the pattern `{pattern}`")?;
                if let Some(line) = line {
                    write!(f, " in line {line}")?;
                }
                f.write_str(
                    ", which looks around or back: its time grows with the square of the text, and texts beyond some \
                     kilobytes fail. Work on short texts, or write it without",
                )
            }
            Note::SelectionLooksElsewhere { expression, member, route_key, site } => write!(
                f,
                "the message's `{member}` names the route {route_key}, but the route selection expression \
                 `{expression}` looks elsewhere and found no route. If `{member}` is meant to choose: {}",
                site.aws("update-api", &format!(" --route-selection-expression '$request.body.{member}'"))
            ),
            Note::SelectionGivesNothing { expression, site } => write!(
                f,
                "the route selection expression `{expression}` names what messages do not have, so every message takes \
                 $default. To choose by a member of the message: {}",
                site.aws("update-api", " --route-selection-expression '$request.body.action'")
            ),
            Note::SourceGivesNothing { target, source, meant } => {
                write!(f, "{target} will not be sent: there is no {source}")?;
                match meant {
                    Some(meant) => write!(f, "; did you mean {meant}?"),
                    None => Ok(()),
                }
            }
            Note::ResponseKeyFitsNothing { key } => {
                write!(f, "the response key `{key}` is no regular expression between slashes, so it fits no status")
            }
            Note::SelectionFitsNothing { expression, routes, site } => write!(
                f,
                "no message so far chose a route: the route selection expression `{expression}` gave the key of none \
                 of [{}], so all went to $default. If it should look elsewhere: {}",
                routes.join(", "),
                site.aws("update-api", " --route-selection-expression '$request.body.NAME'")
            ),
            Note::BackendRefused { status, said, what, delivered, by_url, integration_id, site } => {
                write!(f, "the backend answered {status}")?;
                if !said.is_empty() {
                    write!(f, " `{said}`")?;
                }
                let client = match (*what, delivered) {
                    ("$disconnect", _) => "nothing is tried again",
                    (_, true) => "the client gets that answer",
                    (_, false) => "the client is told nothing",
                };
                write!(f, " to {what}; {client}")?;
                match status {
                    404 | 405 if *by_url => write!(
                        f,
                        ". If it should be called elsewhere: {}",
                        site.update_integration(integration_id, " --integration-uri URL --integration-method POST")
                    ),
                    _ => Ok(()),
                }
            }
            Note::HeaderNotAscii { name } => write!(
                f,
                "header {name} has a value with characters beyond ASCII: it goes out as UTF-8, and most servers read \
                 headers as Latin-1 and see other letters. Put it into the body, or encode it in the template: \
                 #set($context.requestOverride.header.{name} = $util.urlEncode(…))"
            ),
            Note::OnlyAtConnect { route_key, source } => write!(
                f,
                "route {route_key} uses {source}, which only $connect has: here it is empty. Remember it by \
                 connectionId when $connect comes, or let clients put it into the message"
            ),
            Note::TemplatesIgnored { kind, integration_id, site } => {
                let other = kind.trim_end_matches("_PROXY");
                write!(
                    f,
                    "integration {integration_id} is of type {kind}, which takes no notice of request templates: \
                     messages go on as they are. To use the templates: {}; an {other} integration needs an integration \
                     response, too: aws apigatewayv2 create-integration-response --api-id {} --integration-id \
                     {integration_id} --integration-response-key '$default'",
                    site.update_integration(integration_id, &format!(" --integration-type {other}")),
                    site.key.api_id
                )
            }
            Note::ParametersIgnored { integration_id, site } => write!(
                f,
                "integration {integration_id} is of type AWS_PROXY, whose function is given the event as it is: request \
                 parameters change nothing. What they name is in the event's requestContext. To have the function given \
                 something else: {}",
                site.update_integration(
                    integration_id,
                    " --integration-type AWS --request-templates file://templates.json"
                )
            ),
            Note::FunctionFailureUnexpected { message, integration_id, site } => write!(
                f,
                "the function failed (`{message}`), and the integration response $default was taken as for a success. To have \
                 one for failures: {}",
                site.aws(
                    "create-integration-response",
                    &format!(
                        " --integration-id {integration_id} --integration-response-key '/.*PART_OF_THE_MESSAGE.*/'"
                    )
                )
            ),
            Note::FunctionsNowhere { routes } => write!(
                f,
                "{} {} a Lambda function, and nothing says where functions run, so it fails with `Internal server \
                 error`. To say it: --lambda-endpoint URL, the address of whoever answers Lambda's Invoke (moto, \
                 LocalStack, sam local start-lambda)",
                listed(routes),
                if routes.len() == 1 { "calls" } else { "call" }
            ),
            Note::ServicesNowhere { routes } => write!(
                f,
                "{} {} a service of AWS, and nothing says where services are, so it fails with `Internal server error`. \
                 To say it: --aws-endpoint URL; calls are not signed",
                listed(routes),
                if routes.len() == 1 { "calls" } else { "call" }
            ),
        }
    }
}

// `route a`, or `routes a, b and c`.
fn listed(routes: &[String]) -> String {
    match routes {
        [one] => format!("route {one}"),
        [before @ .., last] => format!("routes {} and {last}", before.join(", ")),
        [] => String::new(),
    }
}
