//! Who decides about clients at `$connect`: whoever checks signatures, a function, a server, or the issuer of a token.

use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth::{Decision, Keys, Policy};
use gateway::{Authorizer, AuthorizerLog, Authorizing, Denied, Known, Question};
use mapping::plan::{Authorization, AuthorizerTarget, IdentityValue, RequestAuthorizer};
use mapping::{Asked, AuthorizerAnswer, Check, authorizer_answer, authorizer_request};
use types::arn::Home;
use types::event::EventKind;
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
    place: Home,
}

impl Authorizers {
    /// Signatures are checked where there is somebody who can.
    pub(crate) fn new(guard: Option<Arc<Guard>>, issuers: Issuers, place: Home) -> Authorizers {
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

    fn lacks(&self, authorizer: &RequestAuthorizer) -> Option<String> {
        match &authorizer.target {
            AuthorizerTarget::Jwt { issuer } => self.issuers.lacks(issuer),
            AuthorizerTarget::Function(_) | AuthorizerTarget::Http(_) => None,
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
        let request_id = question.event.request_id;
        let id = &authorizer.id;
        // Source of these lines: observed on REST APIs.
        log.line(format!("Starting authorizer: {id} for request: {request_id}"));
        let said = self.ask(authorizer, question, log).await;
        log.checks.authorizer.get_or_insert_default().check = check(begun, said.as_ref().err());
        if let Err(Denied::Unauthorized(_)) = &said {
            log.line(format!("Unauthorized request: {request_id}"));
        }
        let known = match said? {
            Said::Known(known) => *known,
            Said::Policy(policy, answer) => {
                log.principal(&answer.context.principal_id);
                let begun = Instant::now();
                let allowed =
                    self.allows(&policy, question).map_err(|denied| denied.map(|what| told(authorizer, &what)));
                log.checks.authorize = Some(check(begun, allowed.as_ref().err()));
                allowed?;
                known(answer.context, answer.usage_identifier_key)
            }
        };
        log.line("Successfully completed authorizer execution");
        Ok(known)
    }

    async fn ask(
        &self,
        authorizer: &RequestAuthorizer,
        question: Question<'_>,
        log: &mut AuthorizerLog,
    ) -> Result<Said, Denied> {
        let Question { plan, route, event, .. } = question;
        let identity = authorizer.identify(plan, route, event).map_err(|source| {
            let what = format!("the client has no {source}, which is one of its identity sources");
            Denied::Unauthorized(told(authorizer, &what))
        })?;
        log.identity(&identity);
        if let AuthorizerTarget::Jwt { issuer } = &authorizer.target {
            return self
                .issuers
                .authorize(issuer, authorizer, &identity, question, log)
                .await
                .map(|known| Said::Known(Box::new(known)));
        }
        let said = self.call(authorizer, &identity, question, log).await;
        said.map_err(|denied| denied.map(|what| told(authorizer, &what)))
    }

    async fn call(
        &self,
        authorizer: &RequestAuthorizer,
        identity: &[IdentityValue<'_>],
        question: Question<'_>,
        log: &mut AuthorizerLog,
    ) -> Result<Said, Denied> {
        let Question { plan, route, event, integrations, .. } = question;
        let Some(request) = authorizer_request(authorizer, plan, route, event, &self.place) else {
            return Err(Denied::Misconfigured("nobody is to be asked".to_owned()));
        };
        log.asked(identity, &request);
        let response = match integrations.send(&request, integrations.find(&request.target)).await {
            Ok(response) => response,
            Err(error) if error.kind == integration::ErrorKind::Unready => {
                return Err(Denied::Misconfigured(error.to_string()));
            }
            Err(error) => return Err(Denied::Failed(error.to_string())),
        };
        log.answered(&response);
        log.checks.authorizer = Some(Asked {
            answer: Some((response.status, response.latency)),
            request_id: response.headers.get("x-amzn-RequestId").map(str::to_owned),
            ..Asked::default()
        });
        match &request.target {
            Target::Http(_) => of_server(&response),
            _ => of_function(&response),
        }
    }

    fn allows(&self, policy: &Policy, question: Question<'_>) -> Result<(), Denied> {
        let (Home { region, account_id }, stage) = (&self.place, &question.plan.key);
        let EventKind::Connect(handshake) = &question.event.kind else {
            return Err(Denied::Failed("only handshakes are asked about".to_owned()));
        };
        // Nobody of this account calls, so there are no keys that say who.
        let keys = Seen::at(question.event, handshake, now()).keys(Keys::default());
        let resource = auth::connect_resource(region, account_id, (&stage.api_id, &stage.stage));
        let verdict = auth::evaluate([policy], &auth::Question { action: ACTION, resource: &resource, keys: &keys });
        match verdict.decision {
            Decision::Allowed => Ok(()),
            Decision::ImplicitDeny | Decision::ExplicitDeny => Err(Denied::Forbidden(verdict.why)),
        }
    }
}

fn told(authorizer: &RequestAuthorizer, what: &str) -> String {
    format!("authorizer {} ({}): {what}", authorizer.name, authorizer.id)
}

/// What an authorizer said.
enum Said {
    /// Its answer, and the policy in it, which is still to be asked.
    Policy(Policy, Box<AuthorizerAnswer>),
    /// Who the client is.
    Known(Box<Known>),
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
    // Not all who run functions say in a header that one failed.
    match error_message(&response.body) {
        Some(message) if message == UNAUTHORIZED => {
            Err(Denied::Unauthorized(format!("its function raised `{UNAUTHORIZED}`")))
        }
        Some(message) => Err(Denied::Failed(format!("its function failed: {message}"))),
        None if response.function_failed => {
            Err(Denied::Failed("its function failed without an errorMessage".to_owned()))
        }
        None => answer(&response.body),
    }
}

fn error_message(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Failure {
        #[serde(rename = "errorMessage")]
        message: String,
    }
    serde_json::from_slice::<Failure>(body).ok().map(|failure| failure.message)
}

fn answer(body: &[u8]) -> Result<Said, Denied> {
    let answer = authorizer_answer(body).map_err(Denied::Failed)?;
    let policy = serde_json::to_string(&answer.policy).unwrap_or_default();
    let policy = Policy::parse("its policy", &policy);
    let policy = policy.map_err(|error| Denied::Failed(format!("`policyDocument` is no policy: {error}")))?;
    Ok(Said::Policy(policy, Box::new(answer)))
}

/// The longest text beside a bare status, in bytes.
const WORD_BYTES_MAX: usize = 64;

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
    // Words such as `OK` say no more than the status. Anything that may say no in another form must not let in.
    let is_word = body.len() <= WORD_BYTES_MAX && body.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ');
    if !is_word || serde_json::from_slice::<serde_json::Value>(body).is_ok() {
        let what = "its server answered 2xx with what is neither an answer (principalId, policyDocument) nor empty";
        return Err(Denied::Failed(what.to_owned()));
    }
    Ok(Said::Known(Box::new(known(
        AuthorizerContext { principal_id: ANONYMOUS.to_owned(), ..AuthorizerContext::default() },
        None,
    ))))
}

#[cfg(test)]
mod tests {
    use types::headers::Headers;

    use super::*;

    fn response(status: u16, body: &str, function_failed: bool) -> IntegrationResponse {
        let body = body.to_owned().into();
        IntegrationResponse {
            status,
            headers: Headers::new(),
            body,
            function_failed,
            latency: Duration::ZERO,
            times: None,
        }
    }

    fn told(said: Result<Said, Denied>) -> String {
        match said {
            Ok(Said::Policy(_, answer)) => format!("policy for {}", answer.context.principal_id),
            Ok(Said::Known(known)) => format!("known as {}", known.identity.authorizer.unwrap().principal_id),
            Err(denied) => format!("{} {}", denied.status(), denied.detail()),
        }
    }

    const ANSWER: &str = r#"{"principalId":"ada","policyDocument":{"Statement":[]}}"#;

    #[test]
    fn what_a_function_gives_is_its_answer_or_why_there_is_none() {
        for (status, body, failed, expected) in [
            (200, ANSWER, false, "policy for ada"),
            (200, r#"{"errorMessage":"Unauthorized"}"#, true, "401 its function raised `Unauthorized`"),
            // Who runs functions may not say that one failed.
            (
                200,
                r#"{"errorMessage":"Unauthorized","errorType":"E"}"#,
                false,
                "401 its function raised `Unauthorized`",
            ),
            (200, r#"{"errorMessage":"unauthorized"}"#, true, "500 its function failed: unauthorized"),
            (200, r#"{"errorMessage":"a \"b\""}"#, true, r#"500 its function failed: a "b""#),
            (200, "oops", true, "500 its function failed without an errorMessage"),
            (200, r#""Unauthorized""#, false, "500 the answer is no JSON object"),
            (429, ANSWER, false, "500 its function could not be invoked: status 429"),
            (
                200,
                r#"{"principalId":"u","policyDocument":{"Statement":{"Effect":"Allow"}}}"#,
                false,
                "500 `policyDocument` is no policy",
            ),
        ] {
            let found = told(of_function(&response(status, body, failed)));
            assert!(found.starts_with(expected), "{status} {body}: {found}");
        }
    }

    #[test]
    fn a_server_may_answer_in_short() {
        let long = " ".repeat(ANSWER_BYTES_MAX) + "x";
        for (status, body, expected) in [
            (200, ANSWER, "policy for ada"),
            (201, " \r\n", "known as anonymous"),
            (200, "OK", "known as anonymous"),
            (200, long.as_str(), "known as anonymous"),
            (200, r#"{"ok":true}"#, "500 its server answered 2xx with what is neither"),
            (200, r#"{"isAuthorized":false}"#, "500 its server answered 2xx with what is neither"),
            (200, r#""{\"principalId\":\"ada\"}""#, "500 its server answered 2xx with what is neither"),
            (200, "[1]", "500 its server answered 2xx with what is neither"),
            (200, "false", "500 its server answered 2xx with what is neither"),
            (200, "\u{feff}{}", "500 its server answered 2xx with what is neither"),
            (200, r#"{"principalId":"ada"}"#, "500 the answer has no `policyDocument`"),
            (200, r#"{"principalId":"ada""#, "500 the answer is no JSON"),
            (200, "\n<!doctype html>", "500 its server answered with a page"),
            (204, "", "known as anonymous"),
            (401, ANSWER, "401 its server answered 401"),
            (403, ANSWER, "403 its server answered 403"),
            (302, "", "500 its server answered 302"),
            (404, "", "500 its server answered 404"),
            (500, ANSWER, "500 its server answered 500"),
        ] {
            let found = told(of_server(&response(status, body, false)));
            assert!(found.starts_with(expected), "{status} {body}: {found}");
        }
    }
}
