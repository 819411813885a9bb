//! The table of the `$context` variables. A new variable is a row.
//!
//! Source: documented ("WebSocket API mapping template reference", "Set up access logging"), but for `messageDirection`,
//! `disconnectStatusCode` and `disconnectReason`, which are observed in recorded events.

use std::borrow::Cow;
use std::time::Duration;

use types::event::{Disconnect, EventKind};
use types::identity::{ClientCertificate, Identity, Signer, UsedKey};

use super::{Given, Of, Scope, Seen, SoFar, Variable, said};
use crate::facts::{Asked, Call, Check, Checks, Failure};

/// The rows in the order that AWS's printed map has where two keys fall into one bucket. Source: observed (the founding
/// question's log); `path` and what follows it is not in that map.
pub(crate) const VARIABLES: &[Variable] = &[
    row("routeKey", |s| text(s.route_key), "The key of the route that runs; `$default` where nothing fits."),
    row(
        "disconnectStatusCode",
        |s| disconnect(s).map_or(Given::Null, |end| Given::Number(end.status_code.into())),
        "On `$disconnect`: the code of the close frame, 1006 without one.",
    ),
    row(
        "messageId",
        |s| match &s.event.kind {
            EventKind::Message(message) => owned(message.id.to_string()),
            EventKind::Connect(_) | EventKind::Disconnect(_) => Given::Null,
        },
        "On messages: their id.",
    ),
    row("eventType", |s| text(s.event.kind.event_type()), "`CONNECT`, `MESSAGE` or `DISCONNECT`."),
    row("extendedRequestId", |s| owned(s.event.request_id.to_string()), "The same as `requestId`."),
    row("requestTime", |s| owned(s.event.at.clf()), "When the event began, as web servers' logs have it."),
    row("messageDirection", |_| text("IN"), "`IN`."),
    row(
        "disconnectReason",
        |s| or_null(disconnect(s).map(|end| end.reason.as_str())),
        "On `$disconnect`: the reason of the close frame, or what happened.",
    ),
    row("stage", |s| text(&s.stage.stage), "The name of the stage."),
    row("connectedAt", |s| Given::Number(s.event.connection.connected_at.0), "When the client came, in ms since 1970."),
    row("requestTimeEpoch", |s| Given::Number(s.event.at.0), "When the event began, in ms since 1970."),
    members("identity", IDENTITY),
    row("requestId", |s| owned(s.event.request_id.to_string()), "The event's id."),
    row("domainName", |s| text(&s.event.connection.domain_name), "The host that the client named."),
    row(
        "connectionId",
        |s| owned(s.event.connection.id.to_string()),
        "The id to push to: `@connections/{connectionId}`.",
    ),
    row("apiId", |s| text(&s.stage.api_id), "The API's id."),
    row(
        "path",
        |s| s.event.connection.path.as_deref().map_or(Given::Absent, text),
        "Extended dialect: the path below the stage that the client came by.",
    ),
    Variable {
        name: "authorizer",
        key: "authorizer",
        seen: Seen::Everywhere,
        of: Of::Authorizer(OF_AUTHORIZER),
        meaning: "What the API's authorizer said of the client: `authorizer.principalId` and its own keys, as texts.",
    },
    row("status", status, "The backend's status in response templates, the event's in access logs."),
    members("error", ERROR),
    // Named in passing by the guide and not in the recorded map.
    Variable {
        seen: Seen::AsText,
        ..row(
            "domainPrefix",
            |s| or_null(s.event.connection.domain_name.split('.').next()),
            "The first label of `domainName`.",
        )
    },
    row("integrationLatency", integration_latency, "In access logs: how long the backend took, in ms."),
    log("integrationStatus", integration_status, "The backend's status."),
    log("integrationErrorMessage", integration_error, "Why the backend could not be asked."),
    log("awsEndpointRequestId", |_| Given::Absent, "Never has a value here."),
    members("integration", INTEGRATION),
    members("authorize", AUTHORIZE),
    members("authenticate", AUTHENTICATE),
    members("waf", NO_WAF),
];

/// The twelve keys of the recorded map, null where nobody asked for a signature; an API key adds its own two, which stand
/// where AWS's do (worked out from the order of buckets).
const IDENTITY: &[Variable] = &[
    row("identity.cognitoIdentityPoolId", |_| Given::Null, NO_COGNITO),
    row("identity.cognitoIdentityId", |_| Given::Null, NO_COGNITO),
    row("identity.principalOrgId", |_| Given::Null, "Never has a value here."),
    row(
        "identity.apiKey",
        |s| api_key(s).map_or(Given::Absent, |key| text(&key.value)),
        "The API key that the client showed, where the route wants one.",
    ),
    row("identity.cognitoAuthenticationType", |_| Given::Null, NO_COGNITO),
    row("identity.userArn", |s| or_null(signer(s).map(|signer| signer.user_arn.as_str())), OF_THE_SIGNER),
    row("identity.apiKeyId", |s| api_key(s).map_or(Given::Absent, |key| text(&key.id)), "The id of that key."),
    row("identity.userAgent", |s| or_null(s.event.connection.user_agent.as_deref()), "The client's `User-Agent`."),
    row("identity.accountId", |s| or_null(signer(s).map(|signer| signer.account_id.as_str())), OF_THE_SIGNER),
    row("identity.caller", |s| or_null(signer(s).map(|signer| signer.caller.as_str())), OF_THE_SIGNER),
    row("identity.sourceIp", |s| owned(s.event.connection.source_ip.to_string()), "The client's address."),
    row("identity.accessKey", |s| or_null(signer(s).map(|signer| signer.access_key.as_str())), OF_THE_SIGNER),
    row("identity.cognitoAuthenticationProvider", |_| Given::Null, NO_COGNITO),
    row("identity.user", |s| or_null(signer(s).map(|signer| signer.user.as_str())), OF_THE_SIGNER),
    members("identity.clientCert", CLIENT_CERT),
];

/// As REST APIs have them (documented); only where the client showed a certificate, so that no event of AWS's changes.
const CLIENT_CERT: &[Variable] = &[
    row("identity.clientCert.clientCertPem", |s| of_certificate(s, |shown| &shown.pem), OF_THE_CERTIFICATE),
    row("identity.clientCert.subjectDN", |s| of_certificate(s, |shown| &shown.subject_dn), OF_THE_CERTIFICATE),
    row("identity.clientCert.issuerDN", |s| of_certificate(s, |shown| &shown.issuer_dn), OF_THE_CERTIFICATE),
    row("identity.clientCert.serialNumber", |s| of_certificate(s, |shown| &shown.serial_number), OF_THE_CERTIFICATE),
    members("identity.clientCert.validity", VALIDITY),
    row(
        "identity.clientCert.subjectAlternativeNames",
        |s| of_certificate(s, |shown| &shown.subject_alternative_names),
        "Ours: the certificate's other names, such as `DNS:client.example.com,URI:spiffe://example/client`.",
    ),
];

const VALIDITY: &[Variable] = &[
    row("identity.clientCert.validity.notBefore", |s| of_certificate(s, |shown| &shown.not_before), OF_THE_CERTIFICATE),
    row("identity.clientCert.validity.notAfter", |s| of_certificate(s, |shown| &shown.not_after), OF_THE_CERTIFICATE),
];

/// There only after a failure, so that requests have none.
const ERROR: &[Variable] = &[
    row(
        "error.message",
        |s| failure(s).map_or(Given::Absent, |failure| text(&failure.message)),
        "After a failure: what the client was told.",
    ),
    row(
        "error.messageString",
        |s| {
            failure(s).map_or(Given::Absent, |failure| {
                Given::Json(serde_json::Value::from(failure.message.as_str()).to_string())
            })
        },
        "The same as a JSON string, quotes and all.",
    ),
    row(
        "error.responseType",
        |s| failure(s).map_or(Given::Absent, |failure| text(failure.response_type)),
        "After a failure: its kind, such as `INTEGRATION_TIMEOUT`.",
    ),
    row(
        "error.validationErrorString",
        |s| failure(s).and_then(|failure| failure.validation.as_deref()).map_or(Given::Absent, text),
        "After a failure: what did not fit the model or the required parameters.",
    ),
];

/// `integrationStatus` is documented as the same as `integration.status` in one place and as the status of the Lambda service
/// in another (decision: the former). `integration.status` of a function is what its code returned, `integration.integrationStatus` what the Lambda service
/// did (documented); for other backends they are equal (inferred).
const INTEGRATION: &[Variable] = &[
    log("integration.error", integration_error, "The same as `integrationErrorMessage`."),
    log(
        "integration.integrationStatus",
        service_status,
        "What the Lambda service answered; of other backends the same as `integrationStatus`.",
    ),
    log("integration.latency", integration_latency, "The same as `integrationLatency`."),
    log("integration.requestId", |_| Given::Absent, "Never has a value here."),
    log("integration.status", integration_status, "The same as `integrationStatus`."),
];

/// Of the authorizer itself, at `$connect`. Source: documented for the names; inferred for REST APIs' meanings.
const OF_AUTHORIZER: &[Variable] = &[
    log(
        "authorizer.error",
        |s| or_said(error_of(asked(s).map(|asked| &asked.check)), s, "error"),
        "At `$connect`: why the authorizer did not answer, or does not know the client.",
    ),
    log(
        "authorizer.integrationLatency",
        |s| or_said(ms(asked(s).and_then(|asked| Some(asked.answer?.1))), s, super::LATENCY),
        "At `$connect`: how long its function or server took, in ms.",
    ),
    log(
        "authorizer.integrationStatus",
        |s| {
            let status = asked(s).and_then(|asked| Some(asked.answer?.0));
            or_said(status.map_or(Given::Absent, |status| Given::Number(status.into())), s, "integrationStatus")
        },
        "At `$connect`: the status of its function's invocation, or of its server's answer.",
    ),
    log(
        "authorizer.latency",
        |s| or_said(ms(asked(s).map(|asked| asked.check.latency)), s, "latency"),
        "At `$connect`: how long all of it took, in ms.",
    ),
    log(
        "authorizer.requestId",
        |s| or_said(asked(s).and_then(|asked| asked.request_id.as_deref()).map_or(Given::Absent, text), s, "requestId"),
        "At `$connect`: the request id in its answer.",
    ),
    log(
        "authorizer.status",
        |s| or_said(status_of(asked(s).map(|asked| &asked.check)), s, "status"),
        "At `$connect`: 200 where it answered, else 401, 403 or 500.",
    ),
];

/// Source: documented for the names; inferred, what stands for an authorizer and what for a signature.
const AUTHORIZE: &[Variable] = &[
    log("authorize.error", |s| error_of(authorize(s)), "At `$connect`: why whoever it is may not connect."),
    log(
        "authorize.latency",
        |s| ms(authorize(s).map(|check| check.latency)),
        "At `$connect`: how long the policy took, in ms.",
    ),
    log("authorize.status", |s| status_of(authorize(s)), "At `$connect`: 200 where the policy allows it, else 403."),
];

const AUTHENTICATE: &[Variable] = &[
    log("authenticate.error", |s| error_of(authenticate(s)), "At `$connect`: what is wrong with the signature."),
    log(
        "authenticate.latency",
        |s| ms(authenticate(s).map(|check| check.latency)),
        "At `$connect`: how long the signature took, in ms.",
    ),
    log(
        "authenticate.status",
        |s| status_of(authenticate(s)),
        "At `$connect`: 200 where the signature is right, else 403.",
    ),
];

const NO_WAF: &[Variable] = &[
    log("waf.error", |_| Given::Absent, "Never has a value here."),
    log("waf.latency", |_| Given::Absent, "Never has a value here."),
    log("waf.status", |_| Given::Absent, "Never has a value here."),
];

const NO_COGNITO: &str = "Never has a value here: there are no Cognito identities.";
const OF_THE_CERTIFICATE: &str = "Ours, as REST APIs have it: of the certificate that the client showed under TLS.";
const OF_THE_SIGNER: &str = "Of whoever signed the handshake, where the route wants a signature.";

const fn row(name: &'static str, value: for<'a> fn(&Scope<'a>) -> Given<'a>, meaning: &'static str) -> Variable {
    Variable { name, key: last_word(name), seen: Seen::Everywhere, of: Of::Value(value), meaning }
}

const fn log(name: &'static str, value: for<'a> fn(&Scope<'a>) -> Given<'a>, meaning: &'static str) -> Variable {
    Variable { name, key: last_word(name), seen: Seen::InLogs, of: Of::Value(value), meaning }
}

const fn members(name: &'static str, members: &'static [Variable]) -> Variable {
    Variable { name, key: last_word(name), seen: members[0].seen, of: Of::Members(members), meaning: "" }
}

const fn last_word(name: &'static str) -> &'static str {
    let mut start = name.len();
    while start > 0 && name.as_bytes()[start - 1] != b'.' {
        start -= 1;
    }
    name.split_at(start).1
}

fn text(text: &str) -> Given<'_> {
    Given::Text(Cow::Borrowed(text))
}

fn owned<'a>(text: String) -> Given<'a> {
    Given::Text(Cow::Owned(text))
}

fn or_null(text: Option<&str>) -> Given<'_> {
    text.map_or(Given::Null, |text| Given::Text(Cow::Borrowed(text)))
}

fn disconnect<'a>(scope: &Scope<'a>) -> Option<&'a Disconnect> {
    match &scope.event.kind {
        EventKind::Disconnect(disconnect) => Some(disconnect),
        EventKind::Connect(_) | EventKind::Message(_) => None,
    }
}

fn identity<'a>(scope: &Scope<'a>) -> Option<&'a Identity> {
    scope.event.connection.identity.as_deref()
}

fn api_key<'a>(scope: &Scope<'a>) -> Option<&'a UsedKey> {
    identity(scope)?.api_key.as_ref()
}

fn signer<'a>(scope: &Scope<'a>) -> Option<&'a Signer> {
    identity(scope)?.signer.as_ref()
}

// An empty one is none: not each certificate has other names.
fn of_certificate<'a>(scope: &Scope<'a>, part: fn(&ClientCertificate) -> &String) -> Given<'a> {
    let shown = identity(scope).and_then(|identity| identity.certificate.as_deref());
    shown.map(part).filter(|text| !text.is_empty()).map_or(Given::Absent, |given| text(given))
}

fn failure<'a>(scope: &Scope<'a>) -> Option<&'a Failure> {
    match scope.so_far {
        SoFar::Over(facts) => facts.failure.as_deref(),
        SoFar::Asked | SoFar::Answered(_) => None,
    }
}

fn checks<'a>(scope: &Scope<'a>) -> Option<&'a Checks> {
    match scope.so_far {
        SoFar::Over(facts) => facts.checks.as_deref(),
        SoFar::Asked | SoFar::Answered(_) => None,
    }
}

fn authenticate<'a>(scope: &Scope<'a>) -> Option<&'a Check> {
    checks(scope)?.authenticate.as_ref()
}

fn authorize<'a>(scope: &Scope<'a>) -> Option<&'a Check> {
    checks(scope)?.authorize.as_ref()
}

fn asked<'a>(scope: &Scope<'a>) -> Option<&'a Asked> {
    checks(scope)?.authorizer.as_ref()
}

fn error_of(check: Option<&Check>) -> Given<'_> {
    check.and_then(|check| check.error.as_deref()).map_or(Given::Absent, text)
}

fn status_of(check: Option<&Check>) -> Given<'_> {
    check.map_or(Given::Absent, |check| Given::Number(check.status.into()))
}

// Whole milliseconds. Source: documented.
fn ms<'a>(latency: Option<Duration>) -> Given<'a> {
    latency.map_or(Given::Absent, |latency| owned(latency.as_millis().to_string()))
}

// What an authorizer says under such a key is there where the authorizer itself was not asked: on later events (ours).
fn or_said<'a>(given: Given<'a>, scope: &Scope<'a>, key: &str) -> Given<'a> {
    if matches!(given, Given::Absent) { said(scope, key) } else { given }
}

fn call(scope: &Scope<'_>) -> Option<Call> {
    match scope.so_far {
        SoFar::Over(facts) => facts.call,
        SoFar::Asked | SoFar::Answered(_) => None,
    }
}

// Empty in requests (observed).
fn status<'a>(scope: &Scope<'a>) -> Given<'a> {
    match scope.so_far {
        SoFar::Asked => Given::Absent,
        SoFar::Answered(status) => owned(status.to_string()),
        SoFar::Over(facts) => owned(facts.status.to_string()),
    }
}

// What went wrong with the call itself; a backend's own 4xx or 5xx is its answer.
fn integration_error<'a>(scope: &Scope<'a>) -> Given<'a> {
    let failure = failure(scope).filter(|failure| failure.response_type.starts_with("INTEGRATION"));
    failure.map_or(Given::Absent, |failure| text(&failure.detail))
}

fn integration_status<'a>(scope: &Scope<'a>) -> Given<'a> {
    let status = call(scope).and_then(|call| call.status());
    status.map_or(Given::Absent, |status| Given::Number(status.into()))
}

fn service_status<'a>(scope: &Scope<'a>) -> Given<'a> {
    let answer = call(scope).and_then(|call| call.answer);
    answer.map_or(Given::Absent, |(status, _)| Given::Number(status.into()))
}

// Whole milliseconds. Source: documented.
fn integration_latency<'a>(scope: &Scope<'a>) -> Given<'a> {
    match call(scope) {
        Some(Call { mock: false, answer: Some((_, latency)), .. }) => owned(Duration::as_millis(&latency).to_string()),
        Some(Call { .. }) | None => Given::Absent,
    }
}
