//! Remarks for the developer: nothing failed, but this is worth knowing.
//!
//! Every text that this crate says to a person stands here. A note names the thing, what will happen and what to
//! change. The words are ours; AWS says nothing in these places.

use std::fmt;

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
        api_id: String,
        /// For the command that mends it.
        integration_id: String,
    },
    /// The same, seen when the stage was compiled: templates or a body mapping that can have no effect.
    BodyWillBeDiscarded {
        /// GET, HEAD or OPTIONS.
        method: String,
        /// Which route.
        route_key: String,
        /// For the command that mends it.
        api_id: String,
        /// For the command that mends it.
        integration_id: String,
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
        missing: &'static str,
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
        api_id: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::BodyDiscarded { method, bytes, api_id, integration_id } => write!(
                f,
                "Request body discarded: integration method {method} carries no body ({bytes} bytes). The backend \
                 receives the headers and an empty body. To send it: aws apigatewayv2 update-integration --api-id \
                 {api_id} --integration-id {integration_id} --integration-method POST, then deploy"
            ),
            Note::BodyWillBeDiscarded { method, route_key, api_id, integration_id } => write!(
                f,
                "route {route_key} will reach its backend with an empty body: integration {integration_id} uses \
                 {method}, which carries none, whatever the templates make. To send bodies: aws apigatewayv2 \
                 update-integration --api-id {api_id} --integration-id {integration_id} --integration-method POST, \
                 then deploy"
            ),
            Note::ParameterWithoutValue { target, source } => {
                write!(f, "{target} was not sent: {source} has no value here")
            }
            Note::HeaderNeverSent { name } => {
                write!(f, "header {name} is mapped but never sent: API Gateway drops it on the way to HTTP backends")
            }
            Note::AnswerNotDelivered { bytes, route_key } => write!(
                f,
                "one-way route: the backend's answer of {bytes} bytes was not delivered to the client. To deliver \
                 it, give route {route_key} a route response with the key $default and set its \
                 route-response-selection-expression to $default"
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
            Note::HalfTwoWay { route_key, missing } => write!(
                f,
                "route {route_key} is treated as two-way although it has no {missing}; AWS asks for both the route \
                 response $default and the route-response-selection-expression $default"
            ),
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
            Note::NoIntegrationResponses { integration_id, api_id } => write!(
                f,
                "integration {integration_id} has no integration response, so every answer of its backend is a \
                 configuration error. To pass answers on: aws apigatewayv2 create-integration-response --api-id \
                 {api_id} --integration-id {integration_id} --integration-response-key '$default', then deploy"
            ),
        }
    }
}
