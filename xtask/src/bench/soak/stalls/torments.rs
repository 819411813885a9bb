//! What is done to the gateway, one function a torment. Each goes on until its time is over.

use std::future::{Future, pending};
use std::pin::Pin;

use anyhow::Context;
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::Place;
use crate::bench::backend::WHOAMI;
use crate::bench::http::HttpConnection;
use crate::bench::soak::{MIB, PATH, SLACK};
use crate::bench::ws::{WebSocket, masked_frame, source};

type Act = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// A torment, and what it may cost.
pub(super) struct Torment {
    pub(super) name: &'static str,
    /// The row of the list of faults that it is for.
    pub(super) row: &'static str,
    /// What the gateway is started with; `{names}` is a name server that never answers.
    pub(super) options: &'static [&'static str],
    /// How much memory may grow.
    pub(super) growth_max: u64,
    pub(super) act: fn(Place) -> Act,
}

/// Clients that flood at the same time.
const FLOODS: usize = 4;
/// What each writes at once.
const BLOCK_BYTES: usize = 64 * 1024;
const PING: u8 = 0x9;
const TEXT: u8 = 0x1;
/// An unfinished empty text frame, and empty continuations, masked with zeros.
const BEGUN: [u8; 6] = [0x01, 0x80, 0, 0, 0, 0];
const CONTINUED: [u8; 6] = [0x00, 0x80, 0, 0, 0, 0];
/// The head of a frame of 32,767 bytes that never come.
const ANNOUNCED: [u8; 8] = [0x81, 0xFE, 0x7F, 0xFF, 0, 0, 0, 0];
/// Clients whose messages are much work, and clients of a backend or name that never answers.
const WORKERS: usize = 16;
const WAITING: usize = 32;
const IN_FLIGHT_EACH: usize = 16;
/// A text that a quadratic pattern takes seconds for.
const LONG_TEXT: usize = 20_000;
/// Members for deep scans to visit.
const LIST: usize = 300;
/// How often one id stands in a post to many.
const IDS: usize = 45_000;
const POSTERS: usize = 4;
/// Posts whose bodies stop one byte before their end.
const UNFINISHED: usize = 400;
const UNFINISHED_BYTES: usize = 1_000_000;
const ANNOUNCERS: usize = 2000;
/// Clients that ask and never read, and how often each asks.
const DEAF: usize = 200;
const ASKED: usize = 500;
/// What an answer that is not taken holds: hyper's write buffer is 408 KB at the most, and what was read of the requests.
const DEAF_BYTES_EACH: u64 = 512 * 1024;

const LOOP: &str = "#foreach($i in [1..1000])#foreach($j in [1..1000])#foreach($k in [1..10])#set($x = $i + $j)#end#end#end{\"statusCode\":200}";
const SCANS: &str = "#foreach($i in [1..1000])#set($x = $input.json('$..a..b'))#end{\"statusCode\":200}";
const GROUPS: &str = r#"#set($x = $input.path('$.text').replaceAll('(\d)(?=(\d{3})+$)','$1,')){"statusCode":200}"#;
const COMPARED: &str = "#set($a = $input.body + 'x')#set($b = $input.body + 'x')#foreach($i in [1..1000])#foreach($j in [1..1000])#if($a == $b)#end#end#end{\"statusCode\":200}";
const PASSWORD: &str = "(?=.*[A-Z])(?=.*[0-9])";

const fn torment(name: &'static str, row: &'static str, act: fn(Place) -> Act) -> Torment {
    Torment { name, row, options: &[], growth_max: SLACK + 64 * MIB, act }
}

pub(super) const TORMENTS: &[Torment] = &[
    torment("pings", "1", |place| Box::pin(flood(place, Vec::new(), masked_frame(PING, b"", [1, 2, 3, 4])))),
    torment("empty continuations", "1", |place| Box::pin(flood(place, BEGUN.to_vec(), CONTINUED.to_vec()))),
    torment("tiny messages", "1", |place| Box::pin(flood(place, Vec::new(), masked_frame(TEXT, b"{}", [1, 2, 3, 4])))),
    torment("look-around in a template", "2", |place| Box::pin(work(place, GROUPS, None, '1'))),
    torment("look-around in a model", "2", |place| Box::pin(work(place, "{\"statusCode\":200}", Some(PASSWORD), 'a'))),
    torment("long loops", "3", |place| Box::pin(work(place, LOOP, None, 'a'))),
    torment("deep scans in loops", "3", |place| Box::pin(work(place, SCANS, None, 'a'))),
    torment("comparisons of long texts", "3", |place| Box::pin(work(place, COMPARED, None, 'a'))),
    Torment {
        options: &["--compat", "extended"],
        ..torment("posts to one client 45,000 times", "4", |place| Box::pin(posts_to_many(place)))
    },
    Torment {
        options: &["--name-server", "{names}"],
        ..torment("a silent name server", "5", |place| Box::pin(names(place)))
    },
    Torment {
        options: &["--limit", "in-flight=160"],
        ..torment("a silent backend", "6", |place| Box::pin(silent(place)))
    },
    torment("unfinished posts", "12", |place| Box::pin(unfinished(place))),
    Torment {
        growth_max: SLACK + DEAF as u64 * DEAF_BYTES_EACH,
        ..torment("answers that nobody reads", "13", |place| Box::pin(deaf(place)))
    },
    torment("announced frames", "18", |place| Box::pin(announced(place))),
];

async fn flood(place: Place, first: Vec<u8>, frame: Vec<u8>) -> anyhow::Result<()> {
    let block = Bytes::from(frame.repeat(BLOCK_BYTES / frame.len()));
    let mut clients = JoinSet::new();
    for index in 0..FLOODS {
        let client = WebSocket::open(place.gateway, PATH, source(index + 1, FLOODS + 1)).await?;
        let (mut reading, mut writing) = client.into_stream().into_split();
        let (block, first) = (block.clone(), first.clone());
        clients.spawn(async move {
            let mut thrown_away = vec![0; BLOCK_BYTES];
            while reading.read(&mut thrown_away).await.is_ok_and(|read| read > 0) {}
            anyhow::bail!("the gateway ended a flood")
        });
        clients.spawn(async move {
            writing.write_all(&first).await?;
            loop {
                writing.write_all(&block).await.context("flood")?;
            }
        });
    }
    all(clients).await
}

/// Clients that send one message after another, each of which is much work.
async fn work(place: Place, template: &str, pattern: Option<&str>, letter: char) -> anyhow::Result<()> {
    let integration = json!({"integrationType": "MOCK", "requestTemplates": {"$default": template}});
    let model =
        pattern.map(|pattern| ("Model", json!({"type": "object", "properties": {"text": {"pattern": pattern}}})));
    let path = place.api(&integration, model.as_slice()).await?;
    let list = vec![json!({"a": {"a": {"b": 1}}}); LIST];
    let message = Bytes::from(json!({"text": letter.to_string().repeat(LONG_TEXT), "list": list}).to_string());
    let mut clients = JoinSet::new();
    for index in 0..WORKERS {
        let mut client = WebSocket::open(place.gateway, &path, source(index, WORKERS)).await?;
        let message = message.clone();
        clients.spawn(async move {
            loop {
                client.send(&message).await?;
                client.receive().await.context("wait for the answer to much work")?;
            }
        });
    }
    all(clients).await
}

async fn posts_to_many(place: Place) -> anyhow::Result<()> {
    let mut client = WebSocket::open(place.gateway, PATH, source(1, 2)).await?;
    client.send(WHOAMI).await?;
    let id = String::from_utf8(client.receive().await?.to_vec())?;
    let body = Bytes::from(json!({"connectionIds": vec![id; IDS], "data": "hello"}).to_string());
    let mut clients = JoinSet::new();
    clients.spawn(async move {
        loop {
            client.receive().await?;
        }
    });
    for _ in 0..POSTERS {
        let (mut http, body) = (HttpConnection::open(place.gateway).await?, body.clone());
        clients.spawn(async move {
            loop {
                let (status, answer) =
                    http.request(Method::POST, &format!("{PATH}/@connections"), body.clone()).await?;
                anyhow::ensure!(status == StatusCode::OK, "a post to many: {status} {answer:?}");
            }
        });
    }
    all(clients).await
}

async fn names(place: Place) -> anyhow::Result<()> {
    never_answered(place, "http://backend.example:80/").await
}

async fn silent(place: Place) -> anyhow::Result<()> {
    let uri = format!("http://{}/", place.silent);
    never_answered(place, &uri).await
}

/// Clients whose messages, as many at once as they may have, all wait for a backend.
async fn never_answered(place: Place, uri: &str) -> anyhow::Result<()> {
    let integration = json!({"integrationType": "HTTP_PROXY", "integrationMethod": "POST", "integrationUri": uri});
    let path = place.api(&integration, &[]).await?;
    let mut clients = Vec::new();
    for index in 0..WAITING {
        let mut client = WebSocket::open(place.gateway, &path, source(index, WAITING)).await?;
        for _ in 0..IN_FLIGHT_EACH {
            client.send(b"{}").await?;
        }
        clients.push(client);
    }
    pending().await
}

async fn unfinished(place: Place) -> anyhow::Result<()> {
    let head = format!(
        "POST /_aws/execute-api/nothing/dev/@connections/Gto47d9-DoECGqg= HTTP/1.1\r\nHost: {}\r\nContent-Length: {UNFINISHED_BYTES}\r\n\r\n",
        place.gateway
    );
    let request = Bytes::from([head.into_bytes(), vec![b'x'; UNFINISHED_BYTES - 1]].concat());
    let mut clients = JoinSet::new();
    for _ in 0..UNFINISHED {
        let request = request.clone();
        clients.spawn(async move {
            let mut stream = TcpStream::connect(place.gateway).await?;
            // The gateway may answer and hang up before it has read all, which is right.
            let _ = stream.write_all(&request).await;
            pending::<anyhow::Result<()>>().await
        });
    }
    all(clients).await
}

async fn deaf(place: Place) -> anyhow::Result<()> {
    let requests = Bytes::from(format!("GET /_metrics HTTP/1.1\r\nHost: {}\r\n\r\n", place.gateway).repeat(ASKED));
    let mut clients = JoinSet::new();
    for _ in 0..DEAF {
        let requests = requests.clone();
        clients.spawn(async move {
            let mut stream = TcpStream::connect(place.gateway).await?;
            let _ = stream.write_all(&requests).await;
            pending::<anyhow::Result<()>>().await
        });
    }
    all(clients).await
}

async fn announced(place: Place) -> anyhow::Result<()> {
    let mut clients = Vec::with_capacity(ANNOUNCERS);
    for index in 0..ANNOUNCERS {
        let mut stream = WebSocket::open(place.gateway, PATH, source(index, ANNOUNCERS)).await?.into_stream();
        stream.write_all(&ANNOUNCED).await?;
        clients.push(stream);
    }
    pending().await
}

/// Goes on until one of them breaks off.
async fn all(mut clients: JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(done) = clients.join_next().await {
        done.context("a tormenter was lost")??;
    }
    Ok(())
}
