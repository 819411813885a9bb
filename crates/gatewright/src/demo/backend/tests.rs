use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::*;

const LOOPBACK: &str = "127.0.0.1:0";

/// A backend on a port of its own, whose pushes go to `push_base`.
struct Running {
    address: String,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    async fn start(push_base: String) -> Running {
        let listener = TcpListener::bind(LOOPBACK).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(serve(listener, push_base, stopped));
        Running { address, stop, task }
    }

    /// Sends one request on a connection of its own and gives the status and the JSON of its answer.
    async fn call(&self, head: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let length = body.len();
        let request =
            format!("{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        // A refusal may come before the whole body was written; what matters is the answer.
        let _ = stream.write_all(request.as_bytes()).await;
        parsed(&read_all(&mut stream).await)
    }

    async fn post(&self, path: &str, id: &str, body: &str) -> (u16, Value) {
        self.call(&format!("POST {path} HTTP/1.1\r\nconnectionId: {id}"), body).await
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn parsed(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// A stand-in for the gateway's `@connections`: answers each push with the status that `status` gives for its path,
/// and tells the path and the body of each.
async fn connections_api(status: fn(&str) -> u16) -> (String, mpsc::Receiver<(String, Value)>) {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let base = format!("http://{}/_aws/execute-api/livedemo01/demo", listener.local_addr().unwrap());
    let (seen, pushes) = mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (path, body) = read_push(&mut stream).await;
            let answer = format!("HTTP/1.1 {} Whatever\r\nContent-Length: 0\r\n\r\n", status(&path));
            stream.write_all(answer.as_bytes()).await.unwrap();
            seen.send((path, body)).await.unwrap();
        }
    });
    (base, pushes)
}

async fn read_push(stream: &mut TcpStream) -> (String, Value) {
    let mut request = String::new();
    loop {
        let mut part = [0; 1024];
        let length = stream.read(&mut part).await.unwrap();
        assert_ne!(length, 0, "the push ended early: {request:?}");
        request.push_str(std::str::from_utf8(&part[..length]).unwrap());
        if let Some((head, body)) = request.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            let line = head.lines().next().unwrap();
            let path = line.strip_prefix("POST ").and_then(|rest| rest.strip_suffix(" HTTP/1.1")).unwrap();
            return (path.to_owned(), body);
        }
    }
}

#[tokio::test]
async fn a_message_is_answered_with_what_was_said() {
    let backend = Running::start(String::new()).await;
    let json = backend.post("/message", "a=", r#"{"action":"echo","text":"hello"}"#).await;
    assert_eq!(json, (200, json!({"type": "echo", "said": {"action": "echo", "text": "hello"}})));
    let text = backend.post("/message", "a=", "not JSON").await;
    assert_eq!(text, (200, json!({"type": "echo", "said": "not JSON"})));
}

#[tokio::test]
async fn whoami_tells_the_connection_id_and_the_headers_that_came() {
    let backend = Running::start(String::new()).await;
    let head = "POST /whoami HTTP/1.1\r\nconnectionId: a=\r\nUser-Agent: AmazonAPIGateway_livedemo01";
    let (status, answer) = backend.call(head, "{}").await;
    assert_eq!((status, &answer["connectionId"]), (200, &json!("a=")));
    let headers = answer["headers"].as_array().unwrap();
    assert!(headers.contains(&json!("user-agent: AmazonAPIGateway_livedemo01")), "{headers:?}");
}

#[tokio::test]
async fn the_lost_route_answers_what_arrived_by_whatever_method() {
    let backend = Running::start(String::new()).await;
    let get = backend.call("GET /lost HTTP/1.1\r\nconnectionId: a=", "").await;
    assert_eq!(get, (200, json!({"type": "lost", "received": "", "method": "GET"})));
    let post = backend.post("/lost", "a=", "here").await;
    assert_eq!(post, (200, json!({"type": "lost", "received": "here", "method": "POST"})));
}

#[tokio::test]
async fn a_broadcast_reaches_every_client_that_is_connected() {
    let (base, mut pushes) = connections_api(|_| 200).await;
    let backend = Running::start(base).await;
    for id in ["a=", "b=", "c="] {
        assert_eq!(backend.post("/connect", id, "").await.0, 200);
    }
    assert_eq!(backend.post("/disconnect", "c=", "").await.0, 200);
    let answer = backend.post("/broadcast", "b=", r#"{"text":"hi"}"#).await;
    let pushed = json!([{"connectionId": "a=", "status": 200}, {"connectionId": "b=", "status": 200}]);
    assert_eq!(answer, (200, json!({"type": "broadcast", "pushed": pushed})));
    for id in ["a=", "b="] {
        let (path, body) = pushes.recv().await.unwrap();
        assert_eq!(path, format!("/_aws/execute-api/livedemo01/demo/@connections/{id}"));
        assert_eq!(body, json!({"type": "broadcast", "from": "b=", "said": {"text": "hi"}}));
    }
}

#[tokio::test]
async fn one_client_that_is_gone_does_not_keep_the_others_from_their_push() {
    let (base, mut pushes) = connections_api(|path| if path.ends_with("/a=") { 410 } else { 200 }).await;
    let backend = Running::start(base).await;
    for id in ["a=", "b="] {
        backend.post("/connect", id, "").await;
    }
    let (_, answer) = backend.post("/broadcast", "b=", "hi").await;
    let pushed = json!([{"connectionId": "a=", "status": 410}, {"connectionId": "b=", "status": 200}]);
    assert_eq!(answer["pushed"], pushed);
    pushes.recv().await.unwrap();
    assert_eq!(pushes.recv().await.unwrap().1["said"], "hi");
}

#[tokio::test]
async fn a_push_that_nobody_answers_is_told_and_not_fatal() {
    // A port that was just free: nobody listens there.
    let closed = TcpListener::bind(LOOPBACK).await.unwrap().local_addr().unwrap();
    let backend = Running::start(format!("http://{closed}/x")).await;
    backend.post("/connect", "a=", "").await;
    let (status, answer) = backend.post("/broadcast", "a=", "hi").await;
    assert_eq!(status, 200);
    assert!(answer["pushed"][0]["error"].as_str().unwrap().starts_with("connect to"), "{answer}");
}

#[tokio::test]
async fn a_push_base_that_is_no_address_is_told() {
    let backend = Running::start("not an address".to_owned()).await;
    backend.post("/connect", "a=", "").await;
    let (_, answer) = backend.post("/broadcast", "a=", "hi").await;
    assert!(answer["pushed"][0]["error"].as_str().unwrap().starts_with("address:"), "{answer}");
}

#[tokio::test]
async fn a_connect_beyond_the_list_is_refused() {
    let backend = Running::start(String::new()).await;
    for number in 0..clients::CLIENTS_MAX {
        assert_eq!(backend.post("/connect", &format!("{number}="), "").await.0, 200);
    }
    assert_eq!(backend.post("/connect", "another=", "").await.0, 503);
    assert_eq!(backend.post("/disconnect", "0=", "").await.0, 200);
    assert_eq!(backend.post("/connect", "another=", "").await.0, 200);
}

#[tokio::test]
async fn what_no_route_would_send_is_refused() {
    let backend = Running::start(String::new()).await;
    let check = async |head: &str, status: u16| assert_eq!(backend.call(head, "").await.0, status, "{head}");
    check("POST /nothing HTTP/1.1\r\nconnectionId: a=", 404).await;
    check("GET /message HTTP/1.1\r\nconnectionId: a=", 405).await;
    check("POST /message HTTP/1.1", 400).await;
    check("POST /connect HTTP/1.1\r\nconnectionId: ../../v2/apis", 400).await;
    check("GET /lost HTTP/1.1", 400).await;
}

#[tokio::test]
async fn a_body_may_be_as_large_as_a_message_and_no_larger() {
    let backend = Running::start(String::new()).await;
    let largest = "x".repeat(BODY_BYTES_MAX);
    assert_eq!(backend.post("/message", "a=", &largest).await, (200, json!({"type": "echo", "said": largest})));
    let head = format!(
        "POST /message HTTP/1.1\r\nHost: localhost\r\nconnectionId: a=\r\nContent-Length: {}\r\n\r\n",
        BODY_BYTES_MAX + 1
    );
    let mut stream = TcpStream::connect(&backend.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all("x".repeat(BODY_BYTES_MAX + 1).as_bytes()).await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
}

#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let backend = Running::start(String::new()).await;
    let mut stream = TcpStream::connect(&backend.address).await.unwrap();
    stream.write_all(b"\x16\x03\x01 not HTTP\r\n\r\n").await.unwrap();
    assert!(read_all(&mut stream).await.starts_with("HTTP/1.1 400"));
    assert_eq!(backend.post("/message", "a=", "still here").await.0, 200);
}

#[tokio::test]
async fn stopping_ends_the_backend_and_its_open_connections() {
    let backend = Running::start(String::new()).await;
    let mut open = TcpStream::connect(&backend.address).await.unwrap();
    open.write_all(b"POST /message HTTP/1.1\r\nHost: x\r\nconnectionId: a=\r\nContent-Length: 2\r\n\r\n{}")
        .await
        .unwrap();
    let mut start = [0; 12];
    open.read_exact(&mut start).await.unwrap();
    backend.stop.send(true).unwrap();
    backend.task.await.unwrap();
    read_all(&mut open).await;
    assert!(TcpStream::connect(&backend.address).await.is_err());
}

#[tokio::test]
async fn a_dropped_stop_ends_it_too() {
    let Running { stop, task, .. } = Running::start(String::new()).await;
    drop(stop);
    task.await.unwrap();
}
