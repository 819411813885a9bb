use std::sync::Arc;
use std::time::Duration;

use types::event::{ClientMessage, Connection, Disconnect, Event, EventKind, Handshake};
use types::resources::{AccessLogSettings, Map};
use types::snapshot::StageKey;
use types::time::Timestamp;

use super::AccessLog;
use crate::context::{Scope, SoFar};
use crate::facts::{Call, Facts, Failure};
use crate::note::Note;

fn compile(format: &str) -> (AccessLog, Vec<Note>) {
    let mut notes = Vec::new();
    let settings = AccessLogSettings { format: Some(format.to_owned()), destination_arn: None };
    let log = AccessLog::compile(&settings, &mut notes).expect("a format was given");
    (log, notes)
}

fn event(kind: EventKind, user_agent: &str) -> Event {
    let stage = StageKey { api_id: "abcdef1234".into(), stage: "prod".into() };
    let connection = Connection {
        id: "Gto47d9-DoECGqg=".parse().unwrap(),
        stage: Arc::new(stage),
        domain_name: "abcdef1234.execute-api.us-east-1.amazonaws.com".into(),
        source_ip: [203, 0, 113, 9].into(),
        user_agent: (!user_agent.is_empty()).then(|| user_agent.into()),
        connected_at: Timestamp(1_708_326_702_000),
        path: None,
        identity: None,
    };
    let request_id = "Gto5Jd9-DoECGqg=".parse().unwrap();
    Event { connection: Arc::new(connection), request_id, at: Timestamp(1_708_326_702_789), kind }
}

fn message() -> EventKind {
    EventKind::Message(ClientMessage { id: "Gto6Jd9-DoECGqg=".parse().unwrap(), body: "{}".into(), is_binary: false })
}

fn line(format: &str, event: &Event, route_key: Option<&str>, facts: &Facts) -> String {
    let stage_variables = Map::new();
    let stage = &event.connection.stage;
    let route_key = route_key.unwrap_or_default();
    let so_far = SoFar::Over(facts);
    compile(format).0.line(&Scope {
        stage,
        stage_variables: &stage_variables,
        route_key,
        event,
        extended: false,
        tracing: types::Tracing::default(),
        so_far,
    })
}

fn answered() -> Facts {
    let call = Call { answer: Some((201, Duration::from_micros(7_900))), ..Call::default() };
    Facts { status: 201, call: Some(call), ..Facts::default() }
}

fn returned() -> Facts {
    let call = Call { function: true, answer: Some((200, Duration::ZERO)), returned: Some(418), ..Call::default() };
    Facts { status: 418, call: Some(call), ..Facts::default() }
}

fn refused(validation: Option<&str>) -> Facts {
    let failure = Failure {
        response_type: "INTEGRATION_TIMEOUT",
        message: "Endpoint \"x\" timed out".into(),
        detail: "no answer from http://b: timed out after 50 ms".into(),
        validation: validation.map(str::to_owned),
    };
    let call = Some(Call::default());
    Facts { status: 504, call, failure: Some(Box::new(failure)), ..Facts::default() }
}

#[test]
fn each_variable_prints_its_value_or_a_dash() {
    let (connect, disconnect) = (
        event(EventKind::Connect(Box::<Handshake>::default()), "ua/1"),
        event(EventKind::Disconnect(Disconnect::new(1001, "Going away")), ""),
    );
    let message = event(message(), "ua/1");
    let mock = Facts {
        status: 200,
        call: Some(Call { mock: true, answer: Some((200, Duration::ZERO)), ..Call::default() }),
        ..Facts::default()
    };
    for (format, event, route, facts, expected) in [
        ("$context.apiId/$context.stage", &message, Some("hi"), answered(), "abcdef1234/prod"),
        (
            "$context.requestId=$context.extendedRequestId",
            &message,
            None,
            answered(),
            "Gto5Jd9-DoECGqg==Gto5Jd9-DoECGqg=",
        ),
        ("$context.routeKey", &message, Some("$default"), answered(), "$default"),
        ("$context.routeKey", &message, None, answered(), "-"),
        ("$context.eventType", &connect, Some("$connect"), answered(), "CONNECT"),
        ("$context.eventType $context.messageId", &message, Some("hi"), answered(), "MESSAGE Gto6Jd9-DoECGqg="),
        ("$context.messageId", &connect, Some("$connect"), answered(), "-"),
        ("$context.connectedAt", &message, Some("hi"), answered(), "1708326702000"),
        ("[$context.requestTime]", &message, Some("hi"), answered(), "[19/Feb/2024:07:11:42 +0000]"),
        ("$context.requestTimeEpoch", &message, Some("hi"), answered(), "1708326702789"),
        ("$context.identity.sourceIp.", &message, Some("hi"), answered(), "203.0.113.9."),
        ("$context.identity.userAgent", &disconnect, Some("$disconnect"), answered(), "-"),
        ("$context.identity.caller \"$context.identity.user\"", &message, Some("hi"), answered(), "- \"-\""),
        ("$context.disconnectStatusCode", &disconnect, Some("$disconnect"), answered(), "1001"),
        ("$context.disconnectReason", &disconnect, Some("$disconnect"), answered(), "Going away"),
        ("$context.status", &message, Some("hi"), answered(), "201"),
        ("$context.integration.status $context.integrationStatus", &message, Some("hi"), answered(), "201 201"),
        ("$context.integration.integrationStatus", &message, Some("hi"), answered(), "201"),
        (
            "$context.integration.status $context.integration.integrationStatus",
            &message,
            Some("hi"),
            returned(),
            "418 200",
        ),
        ("$context.integration.latency $context.integrationLatency", &message, Some("hi"), answered(), "7 7"),
        ("$context.integration.status $context.integration.latency", &message, Some("hi"), mock, "200 -"),
        ("$context.integration.status", &message, Some("hi"), Facts::default(), "-"),
        ("$context.integration.error", &message, Some("hi"), answered(), "-"),
        (
            "$context.integrationErrorMessage",
            &message,
            Some("hi"),
            refused(None),
            "no answer from http://b: timed out after 50 ms",
        ),
        ("$context.status $context.integration.status", &message, Some("hi"), refused(None), "504 -"),
        ("$context.error.message", &message, Some("hi"), refused(None), "Endpoint \"x\" timed out"),
        ("$context.error.messageString", &message, Some("hi"), refused(None), r#""Endpoint \"x\" timed out""#),
        ("$context.error.messageString", &message, Some("hi"), answered(), "-"),
        ("$context.error.responseType", &message, Some("hi"), refused(None), "INTEGRATION_TIMEOUT"),
        ("$context.error.validationErrorString", &message, Some("hi"), refused(None), "-"),
        ("$context.error.validationErrorString", &message, Some("hi"), refused(Some("[a]")), "[a]"),
        ("$context.waf.status $context.authorizer.tenant", &connect, Some("$connect"), answered(), "- -"),
        ("$context.httpMethod", &message, Some("hi"), answered(), "-"),
        ("$context. $context $contextual", &message, Some("hi"), answered(), "$context. $context $contextual"),
        ("a\nb", &message, Some("hi"), answered(), "a b"),
    ] {
        assert_eq!(line(format, event, route, &facts), expected, "{format}");
    }
}

#[test]
fn every_documented_variable_is_known_and_others_are_named_in_a_note() {
    // The variables for access logs of WebSocket APIs, as documented, and the older names that also work.
    let documented = "apiId authorize.error authorize.latency authorize.status authorizer.error \
        authorizer.integrationLatency authorizer.integrationStatus authorizer.latency authorizer.requestId \
        authorizer.status authorizer.principalId authorizer.anything authenticate.error authenticate.latency \
        authenticate.status connectedAt connectionId domainName error.message error.messageString error.responseType \
        error.validationErrorString eventType extendedRequestId identity.accountId identity.apiKey identity.apiKeyId \
        identity.caller identity.cognitoAuthenticationProvider identity.cognitoAuthenticationType \
        identity.cognitoIdentityId identity.cognitoIdentityPoolId identity.principalOrgId identity.sourceIp \
        identity.user identity.userAgent identity.userArn integration.error integration.integrationStatus \
        integration.latency integration.requestId integration.status integrationLatency messageId requestId \
        requestTime requestTimeEpoch routeKey stage status waf.error waf.latency waf.status integrationErrorMessage \
        integrationStatus awsEndpointRequestId";
    for name in documented.split_whitespace() {
        assert_eq!(compile(&format!("$context.{name}")).1, [], "{name}");
    }
    for name in ["httpMethod", "resourcePath", "protocol", "responseLength", "identity", "authorizer"] {
        assert_eq!(compile(&format!("$context.{name}")).1, [Note::UnknownLogVariable { name: name.to_owned() }]);
    }
}

#[test]
fn what_a_client_says_cannot_break_its_line() {
    let evil = "a\"b\\c\r\n\u{1b}[31m\u{2028}<x>&é";
    for (format, expected) in [
        (r#"{"ua":"$context.identity.userAgent"}"#, r#"{"ua":"a\"b\\c\r\n\u001b[31m\u2028<x>&é"}"#),
        (r#"["$context.requestId",$context.status]"#, r#"["Gto5Jd9-DoECGqg=",504]"#),
        ("<r ua=\"$context.identity.userAgent\"/>", "<r ua=\"a&quot;b\\c\\r\\n\\u001b[31m\\u2028&lt;x&gt;&amp;é\"/>"),
        ("\"$context.identity.userAgent\" $context.status", "\"a\\\"b\\\\c\\r\\n\\u001b[31m\\u2028<x>&é\" 504"),
        ("$context.identity.userAgent", "a\"b\\c\\r\\n\\u001b[31m\\u2028<x>&é"),
    ] {
        let line = line(format, &event(message(), evil), Some("hi"), &refused(None));
        assert_eq!(line, expected, "{format}");
        assert!(!line.contains(char::is_control));
    }
    let json = line(
        r#"{"ua":"$context.identity.userAgent","e":$context.error.messageString}"#,
        &event(message(), evil),
        None,
        &refused(None),
    );
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((read["ua"].as_str(), read["e"].as_str()), (Some(evil), Some("Endpoint \"x\" timed out")));
}

#[test]
fn the_destination_names_where_lines_go() {
    for (arn, expected) in [
        ("arn:aws:logs:us-east-1:000000000000:log-group:/aws/apigateway/chat:*", "/aws/apigateway/chat"),
        ("arn:aws:logs:us-east-1:000000000000:log-group:chat", "chat"),
        ("arn:aws:firehose:us-east-1:000000000000:deliverystream/amazon-apigateway-x", "amazon-apigateway-x"),
        ("", "default"),
        ("arn:aws:logs:us-east-1:0:log-group:", "default"),
    ] {
        let settings =
            AccessLogSettings { format: Some("$context.requestId".into()), destination_arn: Some(arn.to_owned()) };
        let log = AccessLog::compile(&settings, &mut Vec::new()).unwrap();
        assert_eq!(&*log.log_group, expected, "{arn}");
    }
    let settings = AccessLogSettings { format: None, destination_arn: Some("arn".into()) };
    assert!(AccessLog::compile(&settings, &mut Vec::new()).is_none());
}
