//! The authorizer of a `$connect` route: where clients say who they are, and who is asked about them.

use std::sync::Arc;
use std::time::Duration;

use types::arn::Function;
use types::event::Event;
use types::message::HttpTarget;
use types::resources::{Authorizer, Map};

use super::compile::Compiler;
use super::{Authorization, Plan, Route};
use crate::aws_uri::AwsUri;
use crate::note::Note;
use crate::parameters::IdentitySource;
use crate::uri::{UriTemplate, with_variables};

/// What stands before a JWT authorizer's issuer (extension).
const JWT: &str = "jwt:";

/// A REQUEST authorizer, ready to be asked.
pub struct RequestAuthorizer {
    /// Its id.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// Who is asked.
    pub target: AuthorizerTarget,
    /// How long it may take.
    pub timeout: Duration,
    sources: Vec<IdentitySource>,
}

/// Who decides for an authorizer: what its `authorizerUri` names, with the stage's variables in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizerTarget {
    /// A Lambda function, by its invocation URI (documented) or its own ARN (ours).
    Function(Arc<Function>),
    /// A server that is posted the event: an `http:` or `https:` URL. Extension.
    Http(Arc<HttpTarget>),
    /// The gateway itself, by the keys of an issuer of tokens: `jwt:` and the issuer's URL. Extension.
    Jwt {
        /// As tokens name it in `iss`.
        issuer: String,
    },
}

/// What a handshake has at an identity source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityValue<'a> {
    /// The source as it is written, such as `route.request.querystring.token`.
    pub source: &'a str,
    /// What stands there; never empty.
    pub value: String,
}

impl RequestAuthorizer {
    /// Reads a definition. `timeout` is how long it may take.
    ///
    /// # Errors
    /// A sentence: what of it names nothing.
    pub(super) fn compile(
        definition: &Authorizer,
        variables: &Map<String>,
        timeout: Duration,
    ) -> Result<RequestAuthorizer, String> {
        let uri = definition.authorizer_uri.as_deref().unwrap_or_default();
        let target = target(uri, variables).map_err(|detail| format!("Invalid authorizer address: {detail}"))?;
        let source = |text: &String| {
            IdentitySource::read(text)
                .ok_or_else(|| format!("its identity source `{text}` names nothing that clients have"))
        };
        Ok(RequestAuthorizer {
            id: definition.authorizer_id.clone(),
            name: definition.name.clone(),
            target,
            timeout,
            sources: definition.identity_source.iter().map(source).collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn function(&self) -> Option<&Arc<Function>> {
        match &self.target {
            AuthorizerTarget::Function(function) => Some(function),
            AuthorizerTarget::Http(_) | AuthorizerTarget::Jwt { .. } => None,
        }
    }

    /// Sources that no client can have: as written, and what may have been meant.
    pub(super) fn empty_sources(&self) -> impl Iterator<Item = (&str, Option<String>)> {
        self.sources.iter().filter_map(|source| Some((source.text.as_str(), source.has_nothing()?)))
    }

    /// What a handshake has at the identity sources, in their order. Source: documented (each must be there and not empty, or the
    /// client gets 401 and nobody is asked).
    ///
    /// # Errors
    /// The first source at which there is nothing, as it is written.
    pub fn identify<'a>(
        &'a self,
        plan: &Plan,
        route: &Route,
        event: &Event,
    ) -> Result<Vec<IdentityValue<'a>>, &'a str> {
        let scope = plan.scope(route, event);
        let value = |source: &'a IdentitySource| {
            let value = source.value(&scope).ok_or(source.text.as_str())?;
            Ok(IdentityValue { source: &source.text, value })
        };
        self.sources.iter().map(value).collect()
    }
}

fn target(uri: &str, variables: &Map<String>) -> Result<AuthorizerTarget, String> {
    if let Some(issuer) = uri.strip_prefix(JWT) {
        let issuer = with_variables(issuer, variables)?;
        // It is compared with what tokens say, so it stays as it is written.
        HttpTarget::parse(&issuer)?;
        return Ok(AuthorizerTarget::Jwt { issuer });
    }
    if uri.split_once("://").is_some_and(|(scheme, _)| matches!(&*scheme.to_ascii_lowercase(), "http" | "https")) {
        let target = UriTemplate::compile(uri, variables)?.fill(&[], "");
        return Ok(AuthorizerTarget::Http(Arc::new(target)));
    }
    match AwsUri::compile(uri, variables)? {
        AwsUri::Function(function) => Ok(AuthorizerTarget::Function(Arc::new(function))),
        AwsUri::Service(_) => Err(format!("`{uri}` names a service, and only a function can decide")),
    }
}

impl Compiler<'_> {
    /// What a route asks for. A type that is not known asks for a check all the same: letting everybody in would be a hole.
    pub(super) fn authorization(&mut self, route: &types::resources::Route) -> Authorization {
        match route.authorization_type.as_deref() {
            None | Some("NONE") => Authorization::None,
            Some("AWS_IAM") => Authorization::Iam,
            Some("CUSTOM") => {
                let id = route.authorizer_id.as_deref().unwrap_or_default();
                let mut authorizers = self.stage.definition.authorizers.iter();
                let Some(definition) = authorizers.find(|one| one.authorizer_id == id) else {
                    return self.no_authorization(&of_route(route), format!("its authorizer `{id}` does not exist"));
                };
                let variables = &self.stage.settings.stage_variables;
                let what = format!("authorizer {} ({id})", definition.name);
                match RequestAuthorizer::compile(definition, variables, self.limits.authorizer_timeout) {
                    Ok(authorizer) => {
                        for (source, meant) in authorizer.empty_sources() {
                            let (what, source) = (what.clone(), source.to_owned());
                            self.notes.push(Note::IdentityNeverThere { what, source, meant });
                        }
                        Authorization::Request(Arc::new(authorizer))
                    }
                    Err(detail) => self.no_authorization(&what, detail),
                }
            }
            Some(other) => {
                self.no_authorization(&of_route(route), format!("there is no authorization of type {other}"))
            }
        }
    }

    fn no_authorization(&mut self, what: &str, detail: String) -> Authorization {
        let told = format!("{what}: {detail}");
        self.notes.push(Note::Broken { what: what.to_owned(), detail });
        Authorization::Broken(told)
    }
}

fn of_route(route: &types::resources::Route) -> String {
    format!("route {}", route.route_key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use types::event::{Connection, EventKind, Handshake};
    use types::resources::Stage;
    use types::snapshot::{DeployedStage, StageKey};
    use types::time::Timestamp;
    use types::{Dialect, Limits};

    use super::*;
    use crate::shared::Shared;

    fn variables() -> Map<String> {
        [("fn", "gate"), ("host", "auth.example.com")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    }

    fn compile(uri: &str, sources: &[&str]) -> (Plan, Vec<Note>) {
        let key = StageKey { api_id: "a".into(), stage: "dev".into() };
        let definition = json!({
            "api": {"apiId": "a", "name": "a", "routeSelectionExpression": "$request.body.action"},
            "routes": [{"route": {"routeId": "c", "routeKey": "$connect", "authorizationType": "CUSTOM", "authorizerId": "a1"}}],
            "integrations": [],
            "authorizers": [{"authorizerId": "a1", "name": "gate", "authorizerUri": uri, "identitySource": sources}],
        });
        let settings = Stage { stage_variables: variables(), ..Stage::default() };
        let definition = Arc::new(serde_json::from_value(definition).unwrap());
        let stage = DeployedStage { key, settings, definition };
        Plan::compile(&stage, &Limits::default(), Dialect::default(), &mut Shared::default())
    }

    fn event(query: &[(&str, &str)], headers: &[(&str, &str)]) -> Event {
        let connection = Connection {
            id: "Gto47d9-DoECGqg=".parse().unwrap(),
            stage: Arc::new(StageKey { api_id: "a".into(), stage: "dev".into() }),
            domain_name: "localhost".into(),
            source_ip: [203, 0, 113, 9].into(),
            user_agent: None,
            connected_at: Timestamp(0),
            path: None,
            identity: None,
        };
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let headers = headers.iter().copied().collect();
        let kind = EventKind::Connect(Box::new(Handshake { query, headers, ..Handshake::default() }));
        let request_id = "Gto5Jd9-DoECGqg=".parse().unwrap();
        Event { connection: Arc::new(connection), request_id, at: Timestamp(0), kind }
    }

    #[test]
    fn an_address_names_a_function_a_server_or_an_issuer() {
        for (uri, expected) in [
            ("arn:aws:lambda:us-east-1:123456789012:function:${stageVariables.fn}", "function gate"),
            (
                "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:gate/invocations",
                "function gate",
            ),
            ("http://127.0.0.1:3000/a?b=c", "server http://127.0.0.1:3000/a?b=c"),
            ("HTTPS://${stageVariables.host}", "server https://auth.example.com/"),
            ("jwt:https://${stageVariables.host}/realm/", "issuer https://auth.example.com/realm/"),
            (
                "jwt:accounts.example.com",
                "authorizer gate (a1): Invalid authorizer address: `accounts.example.com` is no",
            ),
            ("jwt:", "authorizer gate (a1): Invalid authorizer address: `` is no http or https URL"),
            ("", "authorizer gate (a1): Invalid authorizer address: `` names neither"),
            ("https://", "authorizer gate (a1): Invalid authorizer address: `https://`: `` is no host and port"),
            ("ftp://h", "authorizer gate (a1): Invalid authorizer address: `ftp://h` names neither"),
            (
                "http://${stageVariables.none}",
                "authorizer gate (a1): Invalid authorizer address: stage variable `none`",
            ),
            (
                "arn:aws:apigateway:us-east-1:sqs:path/q",
                "authorizer gate (a1): Invalid authorizer address: `arn:aws:apigateway:us-east-1:sqs:path/q` names a service",
            ),
        ] {
            let (plan, notes) = compile(uri, &[]);
            let found = match &plan.route("$connect").unwrap().authorization {
                Authorization::Request(authorizer) => match &authorizer.target {
                    AuthorizerTarget::Function(function) => format!("function {}", function.name),
                    AuthorizerTarget::Http(target) => format!("server {}", target.url()),
                    AuthorizerTarget::Jwt { issuer } => format!("issuer {issuer}"),
                },
                Authorization::Broken(why) => why.clone(),
                Authorization::None | Authorization::Iam => "nobody".to_owned(),
            };
            assert!(found.starts_with(expected), "{uri}: {found}");
            let is_broken = expected.starts_with("authorizer");
            assert_eq!(notes.iter().any(|note| matches!(note, Note::Broken { .. })), is_broken, "{uri}: {notes:?}");
        }
    }

    #[test]
    fn a_client_must_have_something_at_each_identity_source() {
        let sources = [
            "route.request.querystring.token",
            "route.request.header.X-Device",
            "stageVariables.fn",
            "context.identity.sourceIp",
        ];
        for (query, headers, expected) in [
            (
                &[("token", "a"), ("token", "b")][..],
                &[("x-device", "phone")][..],
                Ok(vec!["b", "phone", "gate", "203.0.113.9"]),
            ),
            (&[("token", "a")], &[("x-device", "")], Err("route.request.header.X-Device")),
            (&[("Token", "a")], &[("x-device", "phone")], Err("route.request.querystring.token")),
            (&[("token", "")], &[("x-device", "phone")], Err("route.request.querystring.token")),
        ] {
            let (plan, notes) = compile("http://h", &sources);
            assert_eq!(notes, []);
            let route = plan.route("$connect").unwrap();
            let Authorization::Request(authorizer) = &route.authorization else { panic!("no authorizer") };
            let found = authorizer.identify(&plan, route, &event(query, headers));
            let expected = expected.map(|values| {
                let pairs = sources.iter().zip(values);
                pairs.map(|(source, value)| IdentityValue { source, value: value.to_owned() }).collect::<Vec<_>>()
            });
            assert_eq!(found, expected, "{query:?} {headers:?}");
        }
    }

    #[test]
    fn a_source_that_nobody_can_have_is_said_when_it_is_deployed() {
        let (plan, notes) = compile("http://h", &["context.identity.sourceIP", "stageVariables.none"]);
        let told = notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert_eq!(
            told,
            "authorizer gate (a1) lets nobody in: there is no context.identity.sourceIP, which is one of its identity \
             sources; did you mean context.identity.sourceIp?"
        );
        let route = plan.route("$connect").unwrap();
        let Authorization::Request(authorizer) = &route.authorization else { panic!("no authorizer") };
        assert_eq!(authorizer.identify(&plan, route, &event(&[], &[])), Err("context.identity.sourceIP"));
    }
}
