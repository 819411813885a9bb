//! A document that the gateway asks for itself: what it sends, what comes back, and how much of it.

use std::time::Duration;

use bytes::Bytes;
use integration::{Error, ErrorKind, Fetch, Http, Integrations};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use types::headers::Headers;
use types::message::HttpTarget;

/// Long enough for a busy machine; nothing here waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(30);
/// The bound of backends' answers.
const ANSWER_BYTES_MAX: usize = 1000;

async fn get(http: &Http, at: &HttpTarget, answer_bytes_max: usize, timeout: Duration) -> Result<(u16, Bytes), Error> {
    let headers: Headers = [("Accept", "application/json")].into_iter().collect();
    http.fetch(at, &Fetch { method: "GET", headers: &headers, body: &Bytes::new(), answer_bytes_max, timeout }).await
}

// A server that answers each request with the next of these, and gives back the requests.
async fn server(answers: &'static [&'static str]) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            let length = socket.read(&mut buffer).await.unwrap();
            requests.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
        requests
    });
    (port, serving)
}

#[tokio::test]
async fn a_document_comes_whole_within_its_own_bound_or_not_at_all() {
    let (port, serving) = server(&[
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\n0123456789",
        "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 11\r\n\r\n01234567890",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1001\r\n\r\n",
    ])
    .await;
    let http = Integrations::new(ANSWER_BYTES_MAX, Vec::new()).http();
    let at = HttpTarget::parse(&format!("http://127.0.0.1:{port}/keys?v=1")).unwrap();
    assert_eq!(get(&http, &at, 10, PATIENCE).await.unwrap(), (200, "0123456789".into()));
    assert_eq!(get(&http, &at, 10, PATIENCE).await.unwrap(), (302, "".into()));
    for (bound, text) in [
        (10, "its body is larger than 10 bytes"),
        (10, "its body is larger than 10 bytes"),
        // A bound that is wider than that of backends is none of its own.
        (5000, "its body is larger than 1000 bytes (limit integration-response-bytes)"),
    ] {
        let error = get(&http, &at, bound, PATIENCE).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadAnswer);
        assert_eq!(error.to_string(), format!("unusable answer from http://127.0.0.1:{port}: {text}"));
    }
    let requests = serving.await.unwrap();
    assert_eq!(
        requests[0],
        format!(
            "GET /keys?v=1 HTTP/1.1\r\nAccept: application/json\r\nHost: 127.0.0.1:{port}\r\n\
             Connection: Keep-Alive\r\n\r\n"
        )
    );
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = HttpTarget::parse(&format!("http://{}/keys", listener.local_addr().unwrap())).unwrap();
    let http = Integrations::new(ANSWER_BYTES_MAX, Vec::new()).http();
    let error = get(&http, &at, 10, Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.to_string().contains("timed out after 50 ms")),
        (ErrorKind::Timeout, true),
        "{error}"
    );
}
