//! Who decides about clients at `$connect`: whoever checks signatures, a function, a server, or the issuer of a token.

use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth::{Decision, Keys, Policy};
use gateway::{Authorizer, AuthorizerLog, Authorizing, Denied, Known, Question};
use mapping::plan::{Authorization, AuthorizerTarget, RequestAuthorizer};
use mapping::{Asked, AuthorizerAnswer, Check, authorizer_answer, authorizer_request};
use types::arn::Place;
use types::event::{EventKind, Handshake};
use types::identity::{AuthorizerContext, Identity};
use types::message::{IntegrationResponse, Target};

use crate::guard::{Guard, Signatures};
use crate::jwt::Issuers;
use crate::seen::{Seen, now};

/// What a client does that connects. Source: documented.
const ACTION: &str = "execute-api:Invoke";
/// What a function raises to say that it does not know the client. Source: documented (the guide's sample).
const UNAUTHORIZED: &str = "Unauthorized";
/// Who a client is that a server let in without a word of who it is. Ours (extension).
const ANONYMOUS: &str = "anonymous";
/// The longest answer, in bytes. Source: documented.
const ANSWER_BYTES_MAX: usize = 8 * 1024;

/// Decides by what a route asks for.
pub(crate) struct Authorizers {
    signatures: Option<Signatures>,
    issuers: Issuers,
    place: Place,
}

impl Authorizers {
    /// Signatures are checked where there is somebody who can.
    pub(crate) fn new(guard: Option<Arc<Guard>>, issuers: Issuers, place: Place) -> Authorizers {
        Authorizers { signatures: guard.map(Signatures), issuers, place }
    }
}

impl Authorizer for Authorizers {
    fn authorize<'a>(&'a self, question: Question<'a>, log: &'a mut AuthorizerLog) -> Authorizing<'a> {
        match question.authorization {
            Authorization::None => Box::pin(ready(Ok(Known::default()))),
            Authorization::Iam => match &self.signatures {
                Some(signatures) => signatures.authorize(question, log),
                // Whom nobody knows the route refuses.
                None => Box::pin(ready(Ok(Known::default()))),
            },
            Authorization::Broken(why) => Box::pin(ready(Err(Denied::Misconfigured(why.clone())))),
            Authorization::Request(authorizer) => Box::pin(self.request(authorizer, question, log)),
        }
    }
}

impl Authorizers {
    async fn request(
        &self,
        authorizer: &RequestAuthorizer,
        question: Question<'_>,
        log: &mut AuthorizerLog,
    ) -> Result<Known, Denied> {
        let begun = Instant::now();
        let said = self.ask(authorizer, question, log).await;
        let asked = log.checks.authorizer.get_or_insert_default();
        asked.check = check(begun, said.as_ref().err());
        let answer = match said? {
            Said::Policy(answer) => answer,
            Said::Known(known) => return Ok(known),
        };
        let begun = Instant::now();
        let allowed = self.allows(authorizer, &answer, question);
        log.checks.authorize = Some(check(begun, allowed.as_ref().err()));
        allowed?;
        log.line(format!("Using valid authorizer policy for principal: {}", answer.context.principal_id));
        log.line("Successfully completed authorizer execution");
        Ok(known(answer.context, answer.usage_identifier_key))
    }

    async fn ask(
        &self,
        authorizer: &RequestAuthorizer,
        question: Question<'_>,
        log: &mut AuthorizerLog,
    ) -> Result<Said, Denied> {
        let Question { plan, route, event, integrations, .. } = question;
        let told = |what: &str| format!("authorizer {} ({}): {what}", authorizer.name, authorizer.id);
        let identity = authorizer.identify(plan, route, event).map_err(|source| {
            Denied::Unauthorized(told(&format!("the client has no {source}, which is one of its identity sources")))
        })?;
        if let AuthorizerTarget::Jwt { issuer } = &authorizer.target {
            return self.issuers.authorize(issuer, authorizer, &identity, question, log).await.map(Said::Known);
        }
        let Some(request) = authorizer_request(authorizer, plan, route, event, &self.place) else {
            return Err(Denied::Misconfigured(told("nobody is to be asked")));
        };
        log.asked(&authorizer.id, &request);
        let response = match integrations.send(&request, integrations.find(&request.target)).await {
            Ok(response) => response,
            Err(error) if error.kind == integration::Kind::Unready => {
                return Err(Denied::Misconfigured(told(&error.to_string())));
            }
            Err(error) => return Err(Denied::Failed(told(&error.to_string()))),
        };
        log.answered(&response);
        log.checks.authorizer = Some(Asked {
            answer: Some((response.status, response.latency)),
            request_id: response.headers.get("x-amzn-RequestId").map(str::to_owned),
            ..Asked::default()
        });
        let said = match &request.target {
            Target::Http(_) => of_server(&response),
            _ => of_function(&response),
        };
        said.map_err(|denied| denied.map(|what| told(&what)))
    }

    fn allows(
        &self,
        authorizer: &RequestAuthorizer,
        answer: &AuthorizerAnswer,
        question: Question<'_>,
    ) -> Result<(), Denied> {
        let RequestAuthorizer { name, id, .. } = authorizer;
        let (Place { region, account_id }, stage) = (&self.place, &question.plan.key);
        let policy = serde_json::to_string(&answer.policy).unwrap_or_default();
        let policy = Policy::parse("the policy that it gave", &policy);
        let policy = policy.map_err(|error| {
            Denied::Failed(format!("authorizer {name} ({id}): its `policyDocument` is no policy: {error}"))
        })?;
        let none = Handshake::default();
        let handshake = match &question.event.kind {
            EventKind::Connect(handshake) => handshake,
            EventKind::Message(_) | EventKind::Disconnect(_) => &none,
        };
        let keys = Seen::at(question.event, handshake, now()).keys(Keys::default());
        let resource = auth::connect_resource(region, account_id, (&stage.api_id, &stage.stage));
        let asked = auth::Question { action: ACTION, resource: &resource, keys: &keys };
        let verdict = auth::evaluate([&policy], &asked);
        match verdict.decision {
            Decision::Allowed => Ok(()),
            Decision::ImplicitDeny | Decision::ExplicitDeny => {
                Err(Denied::Forbidden(format!("authorizer {name} ({id}) does not let the client in: {}", verdict.why)))
            }
        }
    }
}

/// What an authorizer said.
enum Said {
    /// Its answer, whose policy is still to be looked at.
    Policy(Box<AuthorizerAnswer>),
    /// Who the client is.
    Known(Known),
}

fn known(context: AuthorizerContext, usage_identifier_key: Option<String>) -> Known {
    Known { identity: Identity { authorizer: Some(context), ..Identity::default() }, usage_identifier_key }
}

fn check(begun: Instant, denied: Option<&Denied>) -> Check {
    let latency: Duration = begun.elapsed();
    match denied {
        None => Check { status: 200, latency, error: None },
        Some(denied) => Check { status: denied.status(), latency, error: Some(denied.detail().to_owned()) },
    }
}

// Source: documented, and data-plane.md 1.3; texts are for the log.
fn of_function(response: &IntegrationResponse) -> Result<Said, Denied> {
    if response.status != 200 {
        return Err(Denied::Failed(format!("its function could not be invoked: status {}", response.status)));
    }
    if response.function_failed {
        return Err(match error_message(&response.body) {
            Some(UNAUTHORIZED) => Denied::Unauthorized("its function raised `Unauthorized`".to_owned()),
            other => Denied::Failed(format!("its function failed: {}", other.unwrap_or("without an errorMessage"))),
        });
    }
    answer(&response.body)
}

fn error_message(body: &[u8]) -> Option<&str> {
    #[derive(serde::Deserialize)]
    struct Failure<'f> {
        #[serde(borrow, rename = "errorMessage")]
        message: Option<&'f str>,
    }
    serde_json::from_slice::<Failure<'_>>(body).ok()?.message
}

fn answer(body: &[u8]) -> Result<Said, Denied> {
    authorizer_answer(body).map(|answer| Said::Policy(Box::new(answer))).map_err(Denied::Failed)
}

// Ours (extension).
fn of_server(response: &IntegrationResponse) -> Result<Said, Denied> {
    match response.status {
        200..300 => {}
        401 => return Err(Denied::Unauthorized("its server answered 401".to_owned())),
        403 => return Err(Denied::Forbidden("its server answered 403".to_owned())),
        other => return Err(Denied::Failed(format!("its server answered {other}"))),
    }
    let body = response.body.trim_ascii();
    if body.len() > ANSWER_BYTES_MAX {
        return answer(body);
    }
    let is_answer = match body.first() {
        Some(b'{') => match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body) {
            Ok(members) => ["principalId", "policyDocument"].iter().any(|name| members.contains_key(*name)),
            Err(_) => true,
        },
        // A page: of whoever else answers at such an address, or of a login.
        Some(b'<') => return Err(Denied::Failed("its server answered with a page".to_owned())),
        _ => false,
    };
    if is_answer {
        return answer(body);
    }
    Ok(Said::Known(known(
        AuthorizerContext { principal_id: ANONYMOUS.to_owned(), ..AuthorizerContext::default() },
        None,
    )))
}
