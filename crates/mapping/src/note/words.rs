//! Every text that this crate says to a person. The words are ours; AWS says nothing in these places.

use std::fmt;

use super::{Half, NoJson, Note};

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
            Note::NoSubprotocolChosen { offered, called } => {
                let who = match called {
                    true => "the $connect integration returned no Sec-WebSocket-Protocol header",
                    false => "the $connect route has no integration that could choose one",
                };
                write!(
                    f,
                    "the client offered the subprotocols `{offered}` and {who}; browsers close such a connection at once"
                )
            }
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
            Note::IdentityNeverThere { what, source, meant } => {
                write!(f, "{what} lets nobody in: there is no {source}, which is one of its identity sources")?;
                match meant {
                    Some(meant) => write!(f, "; did you mean {meant}?"),
                    None => Ok(()),
                }
            }
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
                 LocalStack, sam local start-lambda), or --lambda-endpoint aws",
                listed(routes),
                if routes.len() == 1 { "calls" } else { "call" }
            ),
            Note::ServicesNowhere { routes } => write!(
                f,
                "{} {} a service of AWS, and nothing says where services are, so it fails with `Internal server error`. \
                 To say it: --aws-endpoint URL, or --aws-endpoint aws",
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
