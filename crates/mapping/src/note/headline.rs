//! A note in one short sentence, the cause first, and the command that mends it: for tables and for whoever has ten seconds.

use super::{NoJson, Note};

/// What mends something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// What it does, as the end of a sentence that begins with "To".
    pub text: String,
    /// A line for a shell.
    pub command: Option<String>,
}

impl Mend {
    /// A mend that a command does. Several are joined by `, then ` in our sentences, and by `&&` in a shell.
    pub fn by(text: impl Into<String>, command: &str) -> Mend {
        Mend { text: text.into(), command: Some(command.replace(", then ", " && ")) }
    }

    /// A mend that no command does.
    pub fn told(text: impl Into<String>) -> Mend {
        Mend { text: text.into(), command: None }
    }
}

impl Note {
    /// The cause, in one sentence that ends with a full stop.
    pub fn headline(&self) -> String {
        match self {
            Note::BodyDiscarded { method, bytes, .. } => format!(
                "The backend got no body: the integration's method is {method}, and {method} requests carry none ({bytes} \
                 bytes were lost)."
            ),
            Note::ParameterWithoutValue { target, source } => {
                format!("{target} was not sent, because {source} has no value here.")
            }
            Note::AnswerNotDelivered { bytes, route_key, .. } => format!(
                "The client did not get the backend's answer of {bytes} bytes: route {route_key} has no route response, it is one-way."
            ),
            Note::NoSubprotocolChosen { offered, .. } => format!(
                "Browsers close this connection at once: the client offered the subprotocols `{offered}`, and none was chosen."
            ),
            Note::SubprotocolNotOffered { chosen, .. } => format!(
                "Most clients close this connection at once: the backend chose the subprotocol `{chosen}`, which the client \
                 did not offer."
            ),
            Note::BackendMistookUpgrade => "The backend took $connect for a broken upgrade and answered 400: HTTP_PROXY \
                                            forwards the client's Sec-WebSocket-* headers."
                .to_owned(),
            Note::NoIntegrationResponses { integration_id, .. } => format!(
                "The backend's answer has nowhere to go: integration {integration_id} has no integration response."
            ),
            Note::NoResponseFits { status, integration_id, .. } => format!(
                "The backend answered {status}, for which integration {integration_id} has no integration response."
            ),
            Note::BodyIsNoJson { cause: NoJson::Passed, .. } => {
                "The backend gets a body that is no JSON, while its Content-Type says so: the message is passed on as it is."
                    .to_owned()
            }
            Note::BodyIsNoJson { line, column, .. } => format!(
                "The template made a body that is no JSON (line {line}, column {column} of the body), while its Content-Type says JSON."
            ),
            Note::SelectionLooksElsewhere { expression, member, route_key, .. } => format!(
                "The message's `{member}` names the route {route_key}, but the route selection expression `{expression}` \
                 looks elsewhere."
            ),
            Note::SelectionFitsNothing { expression, .. } => format!(
                "No message so far chose a route of its own: the route selection expression `{expression}` gave the key of none."
            ),
            Note::BackendRefused { status, said, what, .. } => match said.as_str() {
                "" => format!("The backend answered {status} to {what}."),
                said => format!("The backend answered {status} to {what}: `{said}`."),
            },
            Note::HeaderNotAscii { name } => {
                format!("Most servers read other letters in header {name}: its value has characters beyond ASCII.")
            }
            Note::FunctionFailureUnexpected { message, .. } => {
                format!("The function failed with `{message}`, and that was taken for a success.")
            }
            // Of definitions, and what seldom meets an event: their own sentence is short enough.
            other => first_sentence(&other.to_string()),
        }
    }

    /// What mends it, where that is known.
    pub fn mend(&self) -> Option<Mend> {
        Some(match self {
            Note::BodyDiscarded { integration_id, site, .. }
            | Note::BodyWillBeDiscarded { integration_id, site, .. } => {
                Mend::by("send the body", &site.update_integration(integration_id, " --integration-method POST"))
            }
            Note::AnswerNotDelivered { route_key, route_id, site, .. } => {
                let answer = format!(" --route-id {route_id} --route-response-key '$default'");
                let two_way = format!(
                    "aws apigatewayv2 update-route --api-id {} --route-id {route_id} --route-response-selection-expression \
                     '$default', then {}",
                    site.key.api_id,
                    site.aws("create-route-response", &answer)
                );
                Mend::by(format!("deliver the answers of route {route_key}"), &two_way)
            }
            Note::NoIntegrationResponses { integration_id, site }
            | Note::NoResponseFits { integration_id, site, .. } => {
                let options = format!(" --integration-id {integration_id} --integration-response-key '$default'");
                Mend::by("pass such answers on", &site.aws("create-integration-response", &options))
            }
            Note::BodyIsNoJson { cause: NoJson::Passed, integration_id, site, .. } => Mend::by(
                "say what it is",
                &site.update_integration(
                    integration_id,
                    " --request-parameters \"integration.request.header.Content-Type='text/plain'\"",
                ),
            ),
            Note::BodyIsNoJson { cause, integration_id, site, .. } => Mend::by(
                match cause {
                    NoJson::Apostrophe => {
                        "have valid JSON, put .replaceAll(\"\\\\'\", \"'\") behind $util.escapeJavaScript(…)"
                    }
                    _ => {
                        "have valid JSON, put strings in quotes: \"$util.escapeJavaScript($input.path('$.x'))\", \"$context.connectionId\""
                    }
                },
                &site.update_integration(integration_id, " --request-templates file://templates.json"),
            ),
            Note::MessageUnread { integration_id, site, .. } => Mend::by(
                "pass the message on, use $input.body in the template",
                &site.update_integration(integration_id, " --request-templates file://templates.json"),
            ),
            Note::SelectionLooksElsewhere { member, site, .. } => Mend::by(
                format!("choose routes by `{member}`"),
                &site.aws("update-api", &format!(" --route-selection-expression '$request.body.{member}'")),
            ),
            Note::SelectionFitsNothing { site, .. } | Note::SelectionGivesNothing { site, .. } => Mend::by(
                "choose routes by a member of the message",
                &site.aws("update-api", " --route-selection-expression '$request.body.action'"),
            ),
            Note::BackendRefused { status: 404 | 405, by_url: true, integration_id, site, .. } => Mend::by(
                "call it elsewhere",
                &site.update_integration(integration_id, " --integration-uri URL --integration-method POST"),
            ),
            Note::BackendMistookUpgrade => Mend::told(
                "hide the upgrade, map 'integration.request.header.Sec-WebSocket-Version'=\"'0'\", or start with --compat extended",
            ),
            Note::NoSubprotocolChosen { offered, .. } => Mend::told(format!(
                "choose one, have the $connect integration answer with the header `Sec-WebSocket-Protocol` and one of `{offered}`; \
                 or have the client offer none"
            )),
            Note::ThrottledToNothing { api_id, stage, .. } => Mend::by(
                "lift the limits",
                &format!(
                    "aws apigatewayv2 update-stage --api-id {api_id} --stage-name {stage} --default-route-settings \
                     ThrottlingBurstLimit=5000,ThrottlingRateLimit=10000"
                ),
            ),
            Note::HalfTwoWay { missing, route_id, site, .. } => {
                let command = match missing {
                    super::Half::Response => {
                        let options = format!(" --route-id {route_id} --route-response-key '$default'");
                        site.aws("create-route-response", &options)
                    }
                    super::Half::Expression => {
                        let options =
                            format!(" --route-id {route_id} --route-response-selection-expression '$default'");
                        site.aws("update-route", &options)
                    }
                };
                Mend::by("add it", &command)
            }
            Note::UnknownName { mend, .. } => Mend::by("change it", mend),
            Note::FunctionsNowhere { .. } => Mend::told(
                "have functions run, start with --function FILE or --lambda-endpoint URL (docs/functions.md)",
            ),
            Note::ServicesNowhere { .. } => {
                Mend::told("have services called, start with --aws-endpoint URL (docs/services.md)")
            }
            _ => return None,
        })
    }

    /// Whether something did not arrive because of it: the message's body, or part of it.
    pub fn is_loss(&self) -> bool {
        matches!(self, Note::BodyDiscarded { .. })
    }
}

fn first_sentence(text: &str) -> String {
    let end = text.find(". ").map_or(text.len(), |at| at);
    let mut sentence = text[..end].trim_end_matches('.').to_owned();
    if let Some(first) = sentence.get(..1) {
        let first = first.to_uppercase();
        sentence.replace_range(..1, &first);
    }
    sentence.push('.');
    sentence
}
