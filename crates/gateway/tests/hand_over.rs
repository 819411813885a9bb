//! An open connection goes from one gateway to another, in the middle of a message and with an outbox that is full, and
//! its client notices nothing.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use gateway::{
    AccessLine, Alone, Arrival, Gateway, HandedOver, LogSink, Luggage, Push, Record, RequestHead, Settings, Socket,
    Stays,
};
use serde_json::json;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use types::resources::Stage;
use types::snapshot::{DeployedStage, Snapshot, StageKey};
use types::{Dialect, Id, Limits};

/// How long anything here may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(20);
/// Sockets take little, so that an outbox fills up after few frames.
const SOCKET_BYTES: u32 = 2304;
const OUTBOX_MESSAGES: usize = 20;

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

impl Lines {
    fn told(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

struct House {
    gateway: Arc<Gateway>,
    lines: Arc<Lines>,
}

fn house(snapshot: &Snapshot, limits: Limits) -> House {
    let lines = Arc::new(Lines::default());
    let gateway = Gateway::new(Settings {
        limits: Limits { outbox_messages: OUTBOX_MESSAGES, ..limits },
        node: 7,
        sink: lines.clone(),
        metrics_series: 10,
        peers: Box::new(Alone),
        dialect: Dialect::default(),
        vpc_links: Default::default(),
        integrations: integration::Integrations::new(Limits::default().integration_response_bytes, Vec::new()),
        authorizer: None,
        journal: None,
        public_authority: None,
        origins: Vec::new(),
    });
    gateway.publish(snapshot);
    House { gateway, lines }
}

/// Messages are answered with themselves; those of the route `slow` by the test.
fn snapshot(backend: std::net::SocketAddr) -> Snapshot {
    let key = StageKey { api_id: "moving1234".to_owned(), stage: "prod".to_owned() };
    let settings: Stage = serde_json::from_value(json!({
        "stageName": "prod", "accessLogSettings": {
            "destinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:access",
            "format": "$context.eventType $context.connectionId $context.disconnectStatusCode",
        },
    }))
    .unwrap();
    let mock = |id: &str, template: &str| {
        json!({"integration": {"integrationId": id, "integrationType": "MOCK", "requestTemplates": {"$default": template}},
            "responses": [{"integrationResponseId": "r", "integrationResponseKey": "$default", "responseTemplates": {"$default": "$input.body"}}]})
    };
    let two_way = |id: &str, key: &str| {
        json!({"route": {"routeId": id, "routeKey": key, "target": format!("integrations/{id}"), "routeResponseSelectionExpression": "$default"},
            "responses": [{"routeResponseId": "r", "routeResponseKey": "$default"}]})
    };
    let definition = json!({
        "api": {"apiId": "moving1234", "name": "moving", "routeSelectionExpression": "$request.body.action"},
        "routes": [
            two_way("d", "$default"), two_way("s", "slow"),
            {"route": {"routeId": "c", "routeKey": "$connect", "target": "integrations/c"}},
            {"route": {"routeId": "e", "routeKey": "$disconnect", "target": "integrations/e"}},
        ],
        "integrations": [
            mock("c", r#"{"statusCode":200}"#),
            mock("d", r#"{"statusCode":200,"said":"$input.path('$.say')"}"#),
            mock("e", r#"{"statusCode":200}"#),
            {"integration": {"integrationId": "s", "integrationType": "HTTP_PROXY", "integrationMethod": "POST", "integrationUri": format!("http://{backend}/")}},
        ],
    });
    let stage =
        DeployedStage { key: key.clone(), settings, definition: Arc::new(serde_json::from_value(definition).unwrap()) };
    Snapshot { stages: HashMap::from([(key, Arc::new(stage))]), ..Snapshot::default() }
}

async fn connect(gateway: &Arc<Gateway>) -> (TcpStream, Id) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    SockRef::from(&listener).set_send_buffer_size(SOCKET_BYTES as usize).unwrap();
    let client = TcpSocket::new_v4().unwrap();
    client.set_recv_buffer_size(SOCKET_BYTES).unwrap();
    let mut client = client.connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, from) = listener.accept().await.unwrap();
    let head = "GET /_aws/execute-api/moving1234/prod HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let (head, _) = RequestHead::parse(head.as_bytes()).unwrap().unwrap();
    let peer = Arrival { ip: from.ip(), port: 0, local_port: 0, tls: false };
    gateway.clone().accept(head, Socket::Clear(server), Vec::new(), peer).await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        assert!(client.read_buf(&mut answer).await.unwrap() > 0, "no answer");
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
    let ids = gateway.connection_ids();
    assert_eq!(ids.len(), 1);
    (client, ids[0])
}

fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut frame = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

/// The next frame: its first byte and what it says.
async fn read(client: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    client.read_exact(&mut head).await.unwrap();
    let length = match head[1] {
        126 => client.read_u16().await.unwrap().into(),
        short => usize::from(short),
    };
    let mut payload = vec![0; length];
    client.read_exact(&mut payload).await.unwrap();
    (head[0], payload)
}

async fn read_text(client: &mut TcpStream) -> String {
    let (first, payload) = read(client).await;
    assert_eq!(first, 0x81);
    String::from_utf8(payload).unwrap()
}

async fn post(gateway: &Gateway, id: Id, text: String) -> u16 {
    let path = format!("/_aws/execute-api/moving1234/prod/@connections/{id}");
    let address = gateway.address("127.0.0.1", &path).unwrap();
    gateway.connections("POST", &address, "", Bytes::from(text)).await.status
}

/// Through bytes, as to another process.
fn written_down(luggage: &Luggage) -> Luggage {
    let bytes = serde_json::to_vec(luggage).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

async fn within<T>(act: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, act).await.expect("it hangs")
}

/// The call that the gateway makes on the route `slow`; answered when the test says.
async fn called(backend: &TcpListener) -> TcpStream {
    let (mut call, _) = backend.accept().await.unwrap();
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"}") {
        assert!(call.read_buf(&mut bytes).await.unwrap() > 0, "no call");
    }
    call
}

async fn answer(mut call: TcpStream, body: &str) {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    call.write_all(answer.as_bytes()).await.unwrap();
}

/// What the client is posted until its outbox takes no more.
async fn fill(gateway: &Gateway, id: Id, posted: &mut Vec<String>) {
    loop {
        let text = format!("{}:{}", posted.len(), "z".repeat(1000));
        match post(gateway, id, text.clone()).await {
            200 => posted.push(text),
            429 => return,
            other => panic!("answered {other}"),
        }
    }
}

#[tokio::test]
async fn a_connection_moves_in_the_middle_of_a_message_and_with_a_full_outbox() {
    within(async {
        let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let snapshot = snapshot(backend.local_addr().unwrap());
        let (old, new) = (house(&snapshot, Limits::default()), house(&snapshot, Limits::default()));
        let (mut client, id) = connect(&old.gateway).await;

        // One message is at its backend; of the next there are a fragment and a piece of a frame.
        client.write_all(&frame(0x81, r#"{"action":"slow"}"#)).await.unwrap();
        let call = called(&backend).await;
        let end = frame(0x80, r#""both halves"}"#);
        let (piece, rest) = end.split_at(9);
        let parts = [&frame(0x01, r#"{"say":"#), &frame(0x89, "read?"), piece].concat();
        client.write_all(&parts).await.unwrap();
        // What came with the ping has been read with it.
        assert_eq!(read(&mut client).await, (0x8a, b"read?".to_vec()));
        let mut posted = Vec::new();
        fill(&old.gateway, id, &mut posted).await;

        let leaving = tokio::spawn({
            let gateway = old.gateway.clone();
            async move { gateway.hand_over(id).await }
        });
        tokio::task::yield_now().await;
        assert!(!leaving.is_finished(), "a message is in flight");
        answer(call, "slow but sure").await;
        let HandedOver { luggage, socket, seat } = leaving.await.unwrap().unwrap_or_else(|stays| panic!("{stays:?}"));
        assert_eq!(luggage.connection().id, id);
        assert_eq!(post(&old.gateway, id, "between".to_owned()).await, 429);
        assert_eq!(old.gateway.open_connections(), 1);
        let luggage = written_down(&luggage);
        new.gateway.take_over(luggage, socket).unwrap_or_else(|back| panic!("{}", back.reason));
        drop(seat);
        assert_eq!((old.gateway.open_connections(), new.gateway.open_connections()), (0, 1));
        assert_eq!(post(&old.gateway, id, "too late".to_owned()).await, 410);
        assert_eq!(post(&new.gateway, id, "still full".to_owned()).await, 429);

        // The client reads again: everything comes, once and in order.
        for text in &posted {
            assert_eq!(&read_text(&mut client).await, text);
        }
        assert_eq!(read_text(&mut client).await, "slow but sure");
        client.write_all(rest).await.unwrap();
        assert_eq!(read_text(&mut client).await, r#"{"statusCode":200,"said":"both halves"}"#);
        assert_eq!(post(&new.gateway, id, "pushed".to_owned()).await, 200);
        assert_eq!(read_text(&mut client).await, "pushed");

        // Back, and once more there: nothing hangs on the first gateway.
        for (from, to) in [(&new, &old), (&old, &new)] {
            let HandedOver { luggage, socket, seat } = from.gateway.hand_over(id).await.unwrap_or_else(|_| panic!());
            to.gateway.take_over(written_down(&luggage), socket).unwrap_or_else(|_| panic!());
            drop(seat);
            client.write_all(&frame(0x81, r#"{"say":"hello"}"#)).await.unwrap();
            assert_eq!(read_text(&mut client).await, r#"{"statusCode":200,"said":"hello"}"#);
        }

        client.write_all(&frame(0x88, 1000_u16.to_be_bytes())).await.unwrap();
        let (first, _) = read(&mut client).await;
        assert_eq!(first, 0x88);
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        assert_eq!((old.gateway.drain().await, new.gateway.drain().await), (0, 0));
        assert_eq!(old.lines.told(), [format!("CONNECT {id} -"), format!("MESSAGE {id} -"), format!("MESSAGE {id} -")]);
        let last = format!("DISCONNECT {id} 1000");
        assert_eq!(new.lines.told(), [format!("MESSAGE {id} -"), format!("MESSAGE {id} -"), last]);
    })
    .await;
}

#[tokio::test]
async fn a_connection_stays_when_nobody_wants_it_or_it_is_closed_first() {
    within(async {
        let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let House { gateway, lines } = house(&snapshot(backend.local_addr().unwrap()), Limits::default());
        let (mut client, id) = connect(&gateway).await;
        let slow = frame(0x81, r#"{"action":"slow"}"#);

        // Called off while a message is in flight: what comes behind it is read again.
        client.write_all(&slow).await.unwrap();
        let call = called(&backend).await;
        let leaving = tokio::time::timeout(Duration::from_millis(1), gateway.hand_over(id)).await;
        assert!(leaving.is_err(), "a message is in flight");
        client.write_all(&frame(0x81, r#"{"say":"meanwhile"}"#)).await.unwrap();
        assert_eq!(read_text(&mut client).await, r#"{"statusCode":200,"said":"meanwhile"}"#);
        answer(call, "late").await;
        assert_eq!(read_text(&mut client).await, "late");

        // Nobody takes it over: it is taken back.
        let HandedOver { luggage, socket, seat } = gateway.hand_over(id).await.unwrap_or_else(|_| panic!());
        assert!(matches!(gateway.hand_over(id).await, Err(Stays::Gone)));
        gateway.take_over(luggage, socket).unwrap_or_else(|_| panic!());
        drop(seat);
        client.write_all(&frame(0x81, r#"{"say":"again"}"#)).await.unwrap();
        assert_eq!(read_text(&mut client).await, r#"{"statusCode":200,"said":"again"}"#);

        // Closed while it waits for a message: it ends here.
        client.write_all(&slow).await.unwrap();
        let _call = called(&backend).await;
        let (left, ()) = tokio::join!(gateway.hand_over(id), async {
            client.write_all(&frame(0x88, "")).await.unwrap();
            let path = format!("/_aws/execute-api/moving1234/prod/@connections/{id}");
            let address = gateway.address("127.0.0.1", &path).unwrap();
            assert_eq!(gateway.connections("DELETE", &address, "", Bytes::new()).await.status, 204);
        });
        assert!(matches!(left, Err(Stays::Gone)));
        assert_eq!(read(&mut client).await.0, 0x88);
        assert!(matches!(gateway.hand_over(id).await, Err(Stays::Gone)));
        drop((client, _call));
        assert_eq!(gateway.drain().await, 0);
        let ends = lines.told().into_iter().filter(|line| line.starts_with("DISCONNECT")).collect::<Vec<_>>();
        assert_eq!(ends, [format!("DISCONNECT {id} 1000")]);
    })
    .await;
}

#[tokio::test]
async fn a_connection_whose_messages_take_too_long_stays() {
    let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Two calls at once: the common one, and the stage's own.
    let limits = Limits { in_flight: 1, ..Limits::default() };
    let House { gateway, .. } = house(&snapshot(backend.local_addr().unwrap()), limits);
    let (mut client, id) = within(connect(&gateway)).await;
    client.write_all(&frame(0x81, r#"{"action":"slow"}"#).repeat(3)).await.unwrap();
    let _first = within(called(&backend)).await;
    let _second = within(called(&backend)).await;
    // These have 29 s each, and the third begins when they are over.
    tokio::time::pause();
    assert!(matches!(gateway.hand_over(id).await, Err(Stays::Busy)));
    tokio::time::resume();
    within(async {
        answer(called(&backend).await, "third").await;
        for _ in 0..2 {
            assert!(read_text(&mut client).await.contains("timed out"));
        }
        assert_eq!(read_text(&mut client).await, "third");
        client.write_all(&frame(0x81, r#"{"say":"still here"}"#)).await.unwrap();
        assert_eq!(read_text(&mut client).await, r#"{"statusCode":200,"said":"still here"}"#);
        drop(client);
        assert_eq!(gateway.drain().await, 0);
    })
    .await;
}
