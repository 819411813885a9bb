//! Plays `corpus/backends/servers.jsonl`: whatever a backend sends, no answer reaches another call.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use integration::{Error, ErrorKind, Integrations};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use types::headers::Headers;
use types::message::{HttpTarget, IntegrationRequest, IntegrationResponse, Target};

const SECOND: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond";

/// What a server has done so far.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    /// Requests that came on a connection that had one before.
    again: AtomicUsize,
}

// The first connection's first request is answered as the row says, everything else with `second`.
async fn serve(row: Arc<Value>, listener: TcpListener, seen: Arc<Seen>, all_sent: Arc<Semaphore>) {
    while let Ok((socket, _)) = listener.accept().await {
        let is_first = seen.connections.fetch_add(1, Ordering::AcqRel) == 0;
        let (row, seen, all_sent) = (row.clone(), seen.clone(), all_sent.clone());
        tokio::spawn(async move {
            let _ = talk(&row, socket, is_first, &seen, &all_sent).await;
        });
    }
}

async fn talk(
    row: &Value,
    mut socket: TcpStream,
    is_first: bool,
    seen: &Seen,
    all_sent: &Semaphore,
) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut asked = 0;
    let mut buffer = [0; 4096];
    while socket.read(&mut buffer).await? > 0 {
        asked += 1;
        if asked > 1 {
            seen.again.fetch_add(1, Ordering::AcqRel);
        }
        if !is_first || asked > 1 {
            socket.write_all(SECOND).await?;
            continue;
        }
        let sent = send(row, &mut socket).await;
        all_sent.add_permits(1);
        sent?;
        if row["closes"] == true {
            return Ok(());
        }
    }
    Ok(())
}

async fn send(row: &Value, socket: &mut TcpStream) -> std::io::Result<()> {
    for piece in row["sends"].as_array().unwrap() {
        match piece {
            Value::String(text) => socket.write_all(text.as_bytes()).await?,
            pause => tokio::time::sleep(Duration::from_millis(pause.as_u64().unwrap())).await,
        }
    }
    Ok(())
}

async fn ask(integrations: &Integrations, request: &IntegrationRequest) -> Result<IntegrationResponse, Error> {
    integrations.send(request, integrations.find(&request.target)).await
}

fn request(port: u16, method: &str) -> IntegrationRequest {
    let authority = format!("127.0.0.1:{port}");
    let target =
        HttpTarget { tls: false, host: "127.0.0.1".into(), port, authority, path_and_query: "/".into(), way: None };
    IntegrationRequest {
        target: Target::Http(target),
        method: method.into(),
        headers: [("Host", "h")].into_iter().collect::<Headers>(),
        body: Bytes::from_static(b"x"),
        carries_body: method == "POST",
        may_repeat: false,
        timeout: Duration::from_secs(20),
    }
}

async fn play(row: Value) -> Result<(), String> {
    let row = Arc::new(row);
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let (seen, all_sent) = (Arc::new(Seen::default()), Arc::new(Semaphore::new(0)));
    let server = tokio::spawn(serve(row.clone(), listener, seen.clone(), all_sent.clone()));
    let integrations = Integrations::new(1000, Vec::new());
    let first = ask(&integrations, &request(port, row["method"].as_str().unwrap())).await;
    match (&first, row["error"].as_str()) {
        (Ok(answer), None) => {
            let body = String::from_utf8_lossy(&answer.body);
            if answer.status != row["answer"]["status"] || body != row["answer"]["body"].as_str().unwrap() {
                return Err(format!("answered {} `{body}`", answer.status));
            }
            if answer.headers.get("X-Secret").is_some() {
                return Err("a header that Connection names came through".to_owned());
            }
        }
        (Err(error), Some(kind)) if format!("{:?}", error.kind) == kind => {}
        (other, _) => return Err(format!("came to {other:?}")),
    }
    for when in ["at once", "when all was sent"] {
        if when != "at once" {
            let _ = all_sent.acquire().await;
            // What was sent has to arrive: the loopback takes no longer.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let second = ask(&integrations, &request(port, "POST")).await;
        let body = second.map(|answer| answer.body).map_err(|error| format!("{when}: {error}"))?;
        if body != "second" {
            return Err(format!("{when}: was answered `{}`", String::from_utf8_lossy(&body)));
        }
    }
    server.abort();
    // Of three calls the later two may use the connection that the first one left.
    let kept = seen.again.load(Ordering::Acquire) == 2 && seen.connections.load(Ordering::Acquire) == 1;
    match row["kept"].as_bool() {
        Some(expected) if expected != kept => Err(format!("its connection was used again: {kept}")),
        _ => Ok(()),
    }
}

#[tokio::test]
async fn no_answer_reaches_another_call() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/backends/servers.jsonl");
    let rows: Vec<Value> =
        std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() >= 67, "{} servers", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let name = row["name"].as_str().unwrap().to_owned();
        if let Err(error) = play(row).await {
            wrong.push(format!("{name}: {error}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn after_a_restart_connections_are_kept_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let integrations = Integrations::new(1000, Vec::new());
    let row: Arc<Value> =
        Arc::new(serde_json::json!({ "sends": ["HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"] }));
    // A server on a thread of its own; its connections end with it, as when a process is killed.
    let start = |listener: std::net::TcpListener| {
        let (seen, sent) = (Arc::new(Seen::default()), Arc::new(Semaphore::new(0)));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (row, counted) = (row.clone(), seen.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! { () = serve(row, listener, counted, sent) => {}, _ = stopped => {} }
            });
        });
        ((stop, thread), seen)
    };
    let (first, _) = start(listener.into_std().unwrap());
    for _ in 0..5 {
        ask(&integrations, &request(port, "POST")).await.unwrap();
    }
    let (stop, thread) = first;
    stop.send(()).unwrap();
    thread.join().unwrap();
    let again = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    again.set_nonblocking(true).unwrap();
    let ((stop, thread), seen) = start(again);
    let mut lost = 0;
    for _ in 0..300 {
        match ask(&integrations, &request(port, "POST")).await {
            Ok(answer) => assert_eq!(answer.body, "second"),
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::Broken);
                lost += 1;
            }
        }
    }
    assert!(lost <= 1, "{lost} calls were lost");
    assert!(seen.connections.load(Ordering::Acquire) <= 3, "{} connections", seen.connections.load(Ordering::Acquire));
    stop.send(()).unwrap();
    thread.join().unwrap();
}

#[tokio::test]
async fn after_a_restart_under_load_connections_are_kept_again() {
    const AT_ONCE: usize = 16;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let integrations = Arc::new(Integrations::new(1000, Vec::new()));
    let many = || async {
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..AT_ONCE {
            let integrations = integrations.clone();
            calls.spawn(async move { ask(&integrations, &request(port, "POST")).await.is_ok() });
        }
        calls.join_all().await.into_iter().filter(|went_well| *went_well).count()
    };
    // Answers only while all of a round are there, so that each has a connection of its own; then dies with a round under way.
    let rounds = tokio::spawn(async move {
        let mut connections = Vec::new();
        for _ in 0..AT_ONCE {
            connections.push(listener.accept().await.unwrap().0);
        }
        let mut buffer = [0; 4096];
        for round in 0..3 {
            for connection in &mut connections {
                assert!(connection.read(&mut buffer).await.unwrap() > 0);
            }
            if round < 2 {
                for connection in &mut connections {
                    connection.write_all(SECOND).await.unwrap();
                }
            }
        }
    });
    assert_eq!((many().await, many().await, many().await), (AT_ONCE, AT_ONCE, 0));
    rounds.await.unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let row: Arc<Value> = Arc::new(serde_json::json!({ "sends": [std::str::from_utf8(SECOND).unwrap()] }));
    let seen = Arc::new(Seen::default());
    let server = tokio::spawn(serve(row, listener, seen.clone(), Arc::new(Semaphore::new(0))));
    for _ in 0..10 {
        assert_eq!(many().await, AT_ONCE);
    }
    let connections = seen.connections.load(Ordering::Acquire);
    assert!(connections <= AT_ONCE, "{connections} connections for {} calls", 10 * AT_ONCE);
    server.abort();
}
