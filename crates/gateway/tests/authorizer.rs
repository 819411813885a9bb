//! What an authorizer says reaches the same `$connect`'s template, later messages, `$disconnect` and the access log.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway::{
    AccessLine, Alone, Arrival, Authorizer, AuthorizerLog, Authorizing, Denied, Gateway, Known, LogSink, Push,
    Question, Record, RequestHead, Settings, Socket,
};
use integration::Integrations;
use mapping::plan::Authorization;
use mapping::{Asked, Check};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use types::account::{Account, ApiKey, PlanStage, UsagePlan};
use types::identity::{AuthorizerContext, Identity};
use types::resources::Stage;
use types::snapshot::{DeployedStage, Snapshot, StageKey};
use types::{Dialect, Limits};

/// How long anything here may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Lets in who brings `who=NAME`, whatever else; the name is the principal.
struct ByName;

impl Authorizer for ByName {
    fn authorize<'a>(&'a self, question: Question<'a>, log: &'a mut AuthorizerLog) -> Authorizing<'a> {
        Box::pin(async move {
            // What decides may wait for others.
            tokio::task::yield_now().await;
            let Authorization::Request(authorizer) = question.authorization else {
                return Err(Denied::Misconfigured("no authorizer".to_owned()));
            };
            let check = Check { status: 200, latency: Duration::from_millis(7), error: None };
            let answer = Some((200, Duration::from_millis(5)));
            log.checks.authorizer = Some(Asked { check, answer, request_id: Some("r1".to_owned()) });
            assert_eq!((&*authorizer.name, &*question.route.key), ("gate", "$connect"));
            let types::EventKind::Connect(handshake) = &question.event.kind else { unreachable!("only $connect asks") };
            let who = handshake.query.iter().find(|(name, _)| name == "who").map(|(_, who)| who.as_str());
            match who {
                None => Err(Denied::Unauthorized("the identity source is missing".to_owned())),
                Some("mallory") => Err(Denied::Forbidden("the policy says Deny".to_owned())),
                Some("crash") => Err(Denied::Failed("it fell over".to_owned())),
                Some(who) => Ok(Known {
                    identity: Identity {
                        authorizer: Some(AuthorizerContext {
                            principal_id: who.to_owned(),
                            values: vec![("tenant".to_owned(), "acme".to_owned())],
                        }),
                        ..Identity::default()
                    },
                    usage_identifier_key: Some(format!("key-of-{who}")),
                }),
            }
        })
    }
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn watched(&self) -> bool {
        false
    }
    fn write(&self, _: Record) {}
    fn push(&self, _: Push) {}
    fn say(&self, _: Option<&StageKey>, _: String) {}
    fn keeps_access(&self) -> bool {
        true
    }
    fn access(&self, line: AccessLine) {
        self.0.lock().unwrap().push(line.text);
    }
}

fn snapshot(key_source: &str, key_required: bool) -> Snapshot {
    let key = StageKey { api_id: "guarded123".to_owned(), stage: "prod".to_owned() };
    let settings: Stage = serde_json::from_value(json!({
        "stageName": "prod", "accessLogSettings": {
            "destinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:access",
            "format": "$context.eventType $context.authorizer.principalId $context.authorizer.tenant $context.identity.apiKeyId $context.status \
                       $context.authorizer.status $context.authorizer.latency $context.authorizer.integrationLatency $context.authorizer.requestId",
        },
    }))
    .unwrap();
    let mock = |id: &str, template: &str| {
        json!({"integration": {"integrationId": id, "integrationType": "MOCK", "requestTemplates": {"$default": template}},
            "responses": [{"integrationResponseId": "r", "integrationResponseKey": "$default", "responseTemplates": {"$default": "$input.body"}}]})
    };
    let definition = json!({
        "api": {"apiId": "guarded123", "name": "guarded", "routeSelectionExpression": "$request.body.action", "apiKeySelectionExpression": key_source},
        "routes": [
            {"route": {"routeId": "c", "routeKey": "$connect", "target": "integrations/c", "authorizationType": "CUSTOM", "authorizerId": "a1", "apiKeyRequired": key_required}},
            {"route": {"routeId": "d", "routeKey": "$default", "target": "integrations/d", "routeResponseSelectionExpression": "$default"},
             "responses": [{"routeResponseId": "r", "routeResponseKey": "$default"}]},
            {"route": {"routeId": "e", "routeKey": "$disconnect", "target": "integrations/e"}},
        ],
        "integrations": [
            // Who has no tenant is not let in: the template reads what the authorizer said a moment ago.
            mock("c", r#"{"statusCode": #if($context.authorizer.tenant == "acme")200#{else}418#end}"#),
            mock("d", r#"{"statusCode":200,"who":"$context.authorizer.principalId","all":"$context.authorizer"}"#),
            mock("e", r#"{"statusCode":200}"#),
        ],
        "authorizers": [{"authorizerId": "a1", "name": "gate", "authorizerUri": "http://127.0.0.1:1"}],
    });
    let stage =
        DeployedStage { key: key.clone(), settings, definition: Arc::new(serde_json::from_value(definition).unwrap()) };
    let plan = UsagePlan {
        id: "plan1".to_owned(),
        api_stages: vec![PlanStage { api_id: key.api_id.clone(), stage: key.stage.clone(), ..PlanStage::default() }],
        key_ids: vec!["key1".to_owned()],
        ..UsagePlan::default()
    };
    let api_key = ApiKey { id: "key1".to_owned(), value: "key-of-ada".to_owned(), enabled: true };
    let account = Account {
        api_keys: [("key1".to_owned(), api_key)].into(),
        usage_plans: [("plan1".to_owned(), plan)].into(),
        ..Account::default()
    };
    Snapshot { stages: HashMap::from([(key, Arc::new(stage))]), account: Arc::new(account) }
}

fn gateway(lines: Arc<Lines>, authorizer: Option<Box<dyn Authorizer>>) -> Arc<Gateway> {
    Gateway::new(Settings {
        limits: Limits::default(),
        node: 0,
        sink: lines,
        metrics_series: 10,
        peers: Box::new(Alone),
        dialect: Dialect::default(),
        vpc_links: Default::default(),
        integrations: Integrations::new(1 << 20, Vec::new()),
        authorizer,
        journal: None,
        public_authority: None,
        origins: Vec::new(),
    })
}

/// Connects, and gives the socket and the answer's status and body.
async fn connect(gateway: &Arc<Gateway>, query: &str) -> (TcpStream, u16, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, from) = listener.accept().await.unwrap();
    let head = format!(
        "GET /_aws/execute-api/guarded123/prod{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let (head, _) = RequestHead::parse(head.as_bytes()).unwrap().unwrap();
    let peer = Arrival { ip: from.ip(), port: 0, local_port: 0, tls: false };
    gateway.clone().accept(head, Socket::Clear(server), Vec::new(), peer).await;
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        assert!(client.read_buf(&mut answer).await.unwrap() > 0, "no answer");
    }
    let text = String::from_utf8(answer).unwrap();
    let status: u16 = text[9..12].parse().unwrap();
    if status != 101 {
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        let body = text.split_once("\r\n\r\n").unwrap().1.to_owned() + std::str::from_utf8(&rest).unwrap();
        return (client, status, body);
    }
    (client, status, String::new())
}

/// Sends a message and gives the reply.
async fn say(client: &mut TcpStream, text: &str) -> String {
    let mut frame = vec![0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    client.write_all(&frame).await.unwrap();
    let mut head = [0; 2];
    client.read_exact(&mut head).await.unwrap();
    assert!(head[0] == 0x81 && head[1] < 126, "{head:?}");
    let mut payload = vec![0; head[1].into()];
    client.read_exact(&mut payload).await.unwrap();
    String::from_utf8(payload).unwrap()
}

async fn within<T>(act: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, act).await.expect("it hangs")
}

#[tokio::test]
async fn what_an_authorizer_says_goes_along_with_the_connection() {
    let lines = Arc::new(Lines::default());
    let gateway = gateway(lines.clone(), Some(Box::new(ByName)));
    gateway.publish(&snapshot("$context.authorizer.usageIdentifierKey", true));
    within(async {
        let (mut client, status, _) = connect(&gateway, "?who=ada").await;
        assert_eq!(status, 101);
        assert_eq!(
            say(&mut client, "{}").await,
            r#"{"statusCode":200,"who":"ada","all":"{principalId=ada, tenant=acme}"}"#
        );
        drop(client);
        gateway.drain().await;
    })
    .await;
    let told = lines.0.lock().unwrap();
    assert_eq!(
        *told,
        [
            "CONNECT ada acme key1 200 200 7 5 r1",
            "MESSAGE ada acme key1 200 - - - -",
            "DISCONNECT ada acme key1 200 - - - -"
        ]
    );
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_as_aws_tells_it() {
    let gateway = gateway(Arc::default(), Some(Box::new(ByName)));
    gateway.publish(&snapshot("$context.authorizer.usageIdentifierKey", true));
    for (query, status, message) in [
        ("", 401, "Unauthorized"),
        ("?who=mallory", 403, "Forbidden"),
        ("?who=crash", 500, "Internal server error"),
        // Its key opens nothing.
        ("?who=bob", 403, "Forbidden"),
    ] {
        let (_, answered, body) = within(connect(&gateway, query)).await;
        assert_eq!(answered, status, "{query}");
        assert!(body.contains(&format!(r#"{{"message": "{message}", "#)), "{query}: {body}");
    }
    // A key in the header is looked at first.
    gateway.publish(&snapshot("$request.header.x-api-key", true));
    assert_eq!(within(connect(&gateway, "")).await.1, 403);
    gateway.publish(&snapshot("$request.header.x-api-key", false));
    assert_eq!(within(connect(&gateway, "?who=bob")).await.1, 101);
}

#[tokio::test]
async fn where_nobody_can_decide_nobody_is_let_in() {
    let gateway = gateway(Arc::default(), None);
    gateway.publish(&snapshot("$request.header.x-api-key", false));
    assert_eq!(within(connect(&gateway, "?who=ada")).await.1, 500);
}
