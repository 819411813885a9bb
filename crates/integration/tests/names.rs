//! Names of backends, looked up at a name server that answers, denies, hangs and changes its mind.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{FutureExt, poll};
use integration::{Error, ErrorKind, Integrations};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use types::headers::Headers;
use types::message::{HttpTarget, IntegrationRequest, Target};

const TYPE_A: u16 = 1;

/// What the name server says about a name.
#[derive(Clone, Copy, PartialEq)]
enum Says {
    /// 127.0.0.1, for so many seconds.
    Here(u32),
    NoSuchName,
    Fails,
    Nothing,
}

/// What is said about a name, and how often it was asked.
type Names = HashMap<String, (Option<Says>, usize)>;

/// A name server that counts what it is asked.
#[derive(Clone, Default)]
struct NameServer(Arc<Mutex<Names>>);

impl NameServer {
    async fn start(&self) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let server = self.clone();
        tokio::spawn(async move {
            let mut question = [0; 1500];
            loop {
                let (length, from) = socket.recv_from(&mut question).await.unwrap();
                if let Some(answer) = server.answer(&question[..length]) {
                    socket.send_to(&answer, from).await.unwrap();
                }
            }
        });
        address
    }

    fn says(&self, name: &str, says: Says) {
        self.0.lock().unwrap().entry(name.to_owned()).or_default().0 = Some(says);
    }

    /// How often the address of a name was asked for.
    fn asked(&self, name: &str) -> usize {
        self.0.lock().unwrap().get(name).map_or(0, |(_, asked)| *asked)
    }

    // RFC 1035, section 4: a header of 12 bytes, the question, and here one answer that points at the question's name.
    fn answer(&self, question: &[u8]) -> Option<Vec<u8>> {
        let mut labels = Vec::new();
        let mut at = 12;
        while question[at] > 0 {
            let end = at + 1 + usize::from(question[at]);
            labels.push(String::from_utf8_lossy(&question[at + 1..end]).to_ascii_lowercase());
            at = end;
        }
        let asked_for = u16::from_be_bytes([question[at + 1], question[at + 2]]);
        let mut names = self.0.lock().unwrap();
        let (says, asked) = names.entry(labels.join(".")).or_default();
        *asked += usize::from(asked_for == TYPE_A);
        let (code, seconds) = match says.unwrap_or(Says::NoSuchName) {
            Says::Nothing => return None,
            Says::Fails => (2, None),
            Says::NoSuchName => (3, None),
            Says::Here(seconds) => (0, Some(seconds).filter(|_| asked_for == TYPE_A)),
        };
        let mut answer = [&question[..2], &[0x81, 0x80 | code, 0, 1, 0, seconds.is_some().into(), 0, 0, 0, 0]].concat();
        answer.extend_from_slice(&question[12..at + 5]);
        if let Some(seconds) = seconds {
            answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1]);
            answer.extend_from_slice(&seconds.to_be_bytes());
            answer.extend_from_slice(&[0, 4, 127, 0, 0, 1]);
        }
        Some(answer)
    }
}

// Answers one request a connection and closes it, so that each call opens one.
async fn backend() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 4096]).await;
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok").await;
            });
        }
    });
    port
}

struct Scene {
    server: NameServer,
    at: SocketAddr,
    integrations: Integrations,
    port: u16,
}

impl Scene {
    async fn new(names: &[(&str, Says)]) -> Scene {
        let server = NameServer::default();
        names.iter().for_each(|(name, says)| server.says(name, *says));
        let at = server.start().await;
        Scene { server, at, integrations: Integrations::new(1000, vec![at]), port: backend().await }
    }

    async fn call(&self, host: &str) -> Result<Bytes, Error> {
        self.call_within(host, Duration::from_secs(60)).await
    }

    async fn call_within(&self, host: &str, timeout: Duration) -> Result<Bytes, Error> {
        let authority = format!("{host}:{}", self.port);
        let (host, port) = (host.into(), self.port);
        let target = HttpTarget { tls: false, host, port, authority, path_and_query: "/".into(), way: None };
        let request = IntegrationRequest {
            target: Target::Http(target),
            method: "POST".into(),
            headers: [("Host", "h")].into_iter().collect::<Headers>(),
            body: Bytes::from_static(b"x"),
            carries_body: true,
            may_repeat: false,
            timeout,
        };
        self.integrations.send(&request, self.integrations.find(&request.target)).await.map(|answer| answer.body)
    }
}

#[tokio::test]
async fn many_calls_at_once_ask_once_and_the_answer_is_kept() {
    let scene = Scene::new(&[("orders.test", Says::Here(3600))]).await;
    for answer in join_all((0..50).map(|_| scene.call("orders.test"))).await {
        assert_eq!(answer.unwrap(), "ok");
    }
    assert_eq!(scene.call("Orders.Test").await.unwrap(), "ok");
    assert_eq!(scene.server.asked("orders.test"), 1);
}

#[tokio::test]
async fn an_answer_without_time_to_live_is_not_kept() {
    let scene = Scene::new(&[("orders.test", Says::Here(0))]).await;
    for asked in 1..=3 {
        assert_eq!(scene.call("orders.test").await.unwrap(), "ok");
        assert_eq!(scene.server.asked("orders.test"), asked);
    }
}

#[tokio::test]
async fn a_name_that_is_not_answered_holds_up_no_other() {
    let scene = Scene::new(&[("slow.test", Says::Nothing), ("orders.test", Says::Here(0))]).await;
    let mut slow: Vec<_> = (0..50).map(|_| scene.call("slow.test").boxed()).collect();
    for call in &mut slow {
        assert!(poll!(call).is_pending());
    }
    assert_eq!(scene.call("orders.test").await.unwrap(), "ok");
    assert_eq!(scene.call("127.0.0.1").await.unwrap(), "ok");
    assert_eq!(scene.call("localhost").await.unwrap(), "ok");
    // Whoever has less time gives up sooner, and is told what was waited for.
    let error = scene.call_within("slow.test", Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);
    let told = format!("timed out after 50 ms; no answer about the name slow.test from name server {} yet", scene.at);
    assert!(error.to_string().ends_with(&told), "{error}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_told_with_who_says_so() {
    let scene = Scene::new(&[]).await;
    let error = scene.call("gone.test").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    let told = format!("the name gone.test does not exist, says name server {} (", scene.at);
    assert!(error.to_string().contains(&told), "{error}");
}

#[tokio::test]
async fn a_name_server_that_fails_is_named() {
    let scene = Scene::new(&[("broken.test", Says::Fails)]).await;
    let error = scene.call("broken.test").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    let told = format!("the name broken.test was not found out from name server {}: ", scene.at);
    assert!(error.to_string().contains(&told), "{error}");
}

#[tokio::test]
async fn the_last_answer_is_used_while_no_server_answers_but_not_against_a_denial() {
    let scene = Scene::new(&[("orders.test", Says::Here(0))]).await;
    assert_eq!(scene.call("orders.test").await.unwrap(), "ok");
    for silent in [Says::Fails, Says::Nothing] {
        scene.server.says("orders.test", silent);
        assert_eq!(scene.call("orders.test").await.unwrap(), "ok");
    }
    let scene = Scene::new(&[("orders.test", Says::Here(0))]).await;
    assert_eq!(scene.call("orders.test").await.unwrap(), "ok");
    scene.server.says("orders.test", Says::NoSuchName);
    let error = scene.call("orders.test").await.unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");
}
