//! A backend that closes its connections in the very moment in which they are used again.

use std::time::Duration;

use bytes::Bytes;
use integration::{Error, ErrorKind, Integrations};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use types::headers::Headers;
use types::message::{HttpTarget, IntegrationRequest, IntegrationResponse, Target};

// Answers the first request of each connection and hangs up on the second, without a word.
async fn backend() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                if socket.read(&mut buffer).await.unwrap_or(0) > 0 {
                    let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
                    let _ = socket.read(&mut buffer).await;
                }
            });
        }
    });
    port
}

async fn ask(integrations: &Integrations, request: &IntegrationRequest) -> Result<IntegrationResponse, Error> {
    integrations.send(request, integrations.find(&request.target)).await
}

fn request(port: u16, may_repeat: bool) -> IntegrationRequest {
    let authority = format!("127.0.0.1:{port}");
    let target =
        HttpTarget { tls: false, host: "127.0.0.1".into(), port, authority, path_and_query: "/".into(), way: None };
    IntegrationRequest {
        target: Target::Http(target),
        method: "POST".into(),
        headers: [("Host", "h")].into_iter().collect::<Headers>(),
        body: Bytes::from_static(b"x"),
        carries_body: true,
        may_repeat,
        timeout: Duration::from_secs(5),
    }
}

#[tokio::test]
async fn what_may_be_repeated_is_sent_again_on_a_new_connection() {
    let (integrations, port) = (Integrations::new(1000, Vec::new()), backend().await);
    for _ in 0..5 {
        assert_eq!(ask(&integrations, &request(port, true)).await.unwrap().body, "ok");
    }
}

#[tokio::test]
async fn what_may_not_be_repeated_fails_once_and_teaches_not_to_keep_such_connections() {
    let (integrations, port) = (Integrations::new(1000, Vec::new()), backend().await);
    let mut failures = 0;
    for _ in 0..20 {
        match ask(&integrations, &request(port, false)).await {
            Ok(answer) => assert_eq!(answer.body, "ok"),
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::Broken);
                failures += 1;
            }
        }
    }
    assert_eq!(failures, 1, "only the first use of a kept connection");
}
