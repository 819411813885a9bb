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

use super::drain::{self, drain};
use super::ill_behaved::ill_behaved;
use super::restarts::restarts;
use super::scene::{Api, Scene};
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
    /// What the gateway is started with; `{names}` is a name server that never answers, `{cert}` and `{key}` are files that
    /// clients trust.
    pub(super) options: &'static [&'static str],
    /// How many files the gateway may have open; `None`: as many as allowed.
    pub(super) files_max: Option<u64>,
    /// It judges what it saw, and so comes to an end by itself; the others are cut off when their time is over.
    pub(super) judges: bool,
    /// How much memory may grow.
    pub(super) growth_max: u64,
    pub(super) act: fn(Scene) -> Act,
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

/// Sockets that say nothing, and how many files the gateway may have open beside them.
const SILENT: usize = 200;
const FEW_FILES: u64 = 64;
/// Models, each of which refers to the next.
const MODELS: usize = 1200;

pub(super) const LOOP: &str = "#foreach($i in [1..1000])#foreach($j in [1..1000])#foreach($k in [1..10])#set($x = $i + $j)#end#end#end{\"statusCode\":200}";
const SCANS: &str = "#foreach($i in [1..1000])#set($x = $input.json('$..a..b'))#end{\"statusCode\":200}";
const GROUPS: &str = r#"#set($x = $input.path('$.text').resceneAll('(\d)(?=(\d{3})+$)','$1,')){"statusCode":200}"#;
const COMPARED: &str = "#set($a = $input.body + 'x')#set($b = $input.body + 'x')#foreach($i in [1..1000])#foreach($j in [1..1000])#if($a == $b)#end#end#end{\"statusCode\":200}";
const PASSWORD: &str = "(?=.*[A-Z])(?=.*[0-9])";

const fn torment(name: &'static str, row: &'static str, act: fn(Scene) -> Act) -> Torment {
    Torment { name, row, options: &[], files_max: None, judges: false, growth_max: SLACK + 64 * MIB, act }
}

const fn under_tls(torment: Torment) -> Torment {
    Torment { options: &["--tls-cert", "{cert}", "--tls-key", "{key}", "--admin", "127.0.0.1:0"], ..torment }
}

const fn pings(name: &'static str) -> Torment {
    torment(name, "1", |scene| Box::pin(flood(scene, Vec::new(), masked_frame(PING, b"", [1, 2, 3, 4]))))
}

const fn tiny_messages(name: &'static str) -> Torment {
    torment(name, "1", |scene| Box::pin(flood(scene, Vec::new(), masked_frame(TEXT, b"{}", [1, 2, 3, 4]))))
}

pub(super) const TORMENTS: &[Torment] = &[
    pings("pings"),
    under_tls(pings("pings under TLS")),
    torment("empty continuations", "1", |scene| Box::pin(flood(scene, BEGUN.to_vec(), CONTINUED.to_vec()))),
    tiny_messages("tiny messages"),
    under_tls(tiny_messages("tiny messages under TLS")),
    torment("look-around in a template", "2", |scene| Box::pin(work(scene, GROUPS, None, '1'))),
    torment("look-around in a model", "2", |scene| Box::pin(work(scene, "{\"statusCode\":200}", Some(PASSWORD), 'a'))),
    torment("long loops", "3", |scene| Box::pin(work(scene, LOOP, None, 'a'))),
    torment("deep scans in loops", "3", |scene| Box::pin(work(scene, SCANS, None, 'a'))),
    torment("comparisons of long texts", "3", |scene| Box::pin(work(scene, COMPARED, None, 'a'))),
    Torment {
        options: &["--compat", "extended"],
        ..torment("posts to one client 45,000 times", "4", |scene| Box::pin(posts_to_many(scene)))
    },
    Torment {
        options: &["--name-server", "{names}"],
        ..torment("a silent name server", "5", |scene| Box::pin(names(scene)))
    },
    Torment {
        options: &["--limit", "in-flight=160"],
        ..torment("a silent backend", "6", |scene| Box::pin(silent(scene)))
    },
    Torment { judges: true, ..torment("ill-behaved servers", "7", |scene| Box::pin(ill_behaved(scene))) },
    Torment { judges: true, ..torment("a backend that restarts", "8", |scene| Box::pin(restarts(scene))) },
    torment("unfinished posts", "12", |scene| Box::pin(unfinished(scene))),
    Torment {
        growth_max: SLACK + DEAF as u64 * DEAF_BYTES_EACH,
        ..torment("answers that nobody reads", "13", |scene| Box::pin(deaf(scene)))
    },
    Torment {
        files_max: Some(FEW_FILES),
        ..torment("silent sockets, few files", "14", |scene| Box::pin(few_files(scene)))
    },
    Torment { judges: true, ..torment("models in a chain", "15", |scene| Box::pin(chain(scene))) },
    torment("announced frames", "18", |scene| Box::pin(announced(scene))),
    Torment {
        options: drain::OPTIONS,
        judges: true,
        ..torment("SIGTERM in much work", "2, 3", |scene| Box::pin(drain(scene)))
    },
];

async fn flood(scene: Scene, first: Vec<u8>, frame: Vec<u8>) -> anyhow::Result<()> {
    let block = Bytes::from(frame.repeat(BLOCK_BYTES / frame.len()));
    let mut clients = JoinSet::new();
    for index in 0..FLOODS {
        let client = scene.open(PATH, source(index + 1, FLOODS + 1)).await?;
        let (mut reading, mut writing) = tokio::io::split(client.into_stream());
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
async fn work(scene: Scene, template: &str, pattern: Option<&str>, letter: char) -> anyhow::Result<()> {
    let integration = json!({"integrationType": "MOCK", "requestTemplates": {"$default": template}});
    let model =
        pattern.map(|pattern| ("Model", json!({"type": "object", "properties": {"text": {"pattern": pattern}}})));
    let path = scene.api(&integration, model.as_slice()).await?;
    let list = vec![json!({"a": {"a": {"b": 1}}}); LIST];
    let message = Bytes::from(json!({"text": letter.to_string().repeat(LONG_TEXT), "list": list}).to_string());
    let mut clients = JoinSet::new();
    for index in 0..WORKERS {
        let mut client = WebSocket::open(scene.gateway, &path, source(index, WORKERS)).await?;
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

async fn posts_to_many(scene: Scene) -> anyhow::Result<()> {
    let mut client = WebSocket::open(scene.gateway, PATH, source(1, 2)).await?;
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
        let (mut http, body) = (HttpConnection::open(scene.gateway).await?, body.clone());
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

async fn names(scene: Scene) -> anyhow::Result<()> {
    never_answered(scene, "http://backend.example:80/").await
}

async fn silent(scene: Scene) -> anyhow::Result<()> {
    let uri = format!("http://{}/", scene.silent);
    never_answered(scene, &uri).await
}

/// Clients whose messages, as many at once as they may have, all wait for a backend.
async fn never_answered(scene: Scene, uri: &str) -> anyhow::Result<()> {
    let integration = json!({"integrationType": "HTTP_PROXY", "integrationMethod": "POST", "integrationUri": uri});
    let path = scene.api(&integration, &[]).await?;
    let mut clients = Vec::new();
    for index in 0..WAITING {
        let mut client = WebSocket::open(scene.gateway, &path, source(index, WAITING)).await?;
        for _ in 0..IN_FLIGHT_EACH {
            client.send(b"{}").await?;
        }
        clients.push(client);
    }
    pending().await
}

async fn unfinished(scene: Scene) -> anyhow::Result<()> {
    let head = format!(
        "POST /_aws/execute-api/nothing/dev/@connections/Gto47d9-DoECGqg= HTTP/1.1\r\nHost: {}\r\nContent-Length: {UNFINISHED_BYTES}\r\n\r\n",
        scene.gateway
    );
    let request = Bytes::from([head.into_bytes(), vec![b'x'; UNFINISHED_BYTES - 1]].concat());
    let mut clients = JoinSet::new();
    for _ in 0..UNFINISHED {
        let request = request.clone();
        clients.spawn(async move {
            let mut stream = TcpStream::connect(scene.gateway).await?;
            // The gateway may answer and hang up before it has read all, which is right.
            let _ = stream.write_all(&request).await;
            pending::<anyhow::Result<()>>().await
        });
    }
    all(clients).await
}

async fn deaf(scene: Scene) -> anyhow::Result<()> {
    let requests = Bytes::from(format!("GET /_metrics HTTP/1.1\r\nHost: {}\r\n\r\n", scene.gateway).repeat(ASKED));
    let mut clients = JoinSet::new();
    for _ in 0..DEAF {
        let requests = requests.clone();
        clients.spawn(async move {
            let mut stream = TcpStream::connect(scene.gateway).await?;
            let _ = stream.write_all(&requests).await;
            pending::<anyhow::Result<()>>().await
        });
    }
    all(clients).await
}

async fn announced(scene: Scene) -> anyhow::Result<()> {
    let mut clients = Vec::with_capacity(ANNOUNCERS);
    for index in 0..ANNOUNCERS {
        let mut stream = WebSocket::open(scene.gateway, PATH, source(index, ANNOUNCERS)).await?.into_stream();
        stream.write_all(&ANNOUNCED).await?;
        clients.push(stream);
    }
    pending().await
}

/// Silent sockets beyond what the gateway may open, while clients that were there before go on.
async fn few_files(scene: Scene) -> anyhow::Result<()> {
    let mut clients = JoinSet::new();
    for index in 0..FLOODS {
        let mut client = scene.open(PATH, source(index, FLOODS)).await?;
        clients.spawn(async move {
            loop {
                // All at the same time, so that each needs a connection of its own to the backend.
                client.send(b"{}").await?;
                let reply = client.receive().await.context("wait for the answer to a client that was there before")?;
                anyhow::ensure!(reply == b"{}"[..], "a client that was there before was answered {reply:?}");
            }
        });
    }
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(TcpStream::connect(scene.gateway).await.context("connect and say nothing")?);
    }
    all(clients).await
}

/// Makes models that refer to each other, deploys a route that uses the first, and goes on deploying.
async fn chain(scene: Scene) -> anyhow::Result<()> {
    let mut api = Api::create(scene.gateway).await?;
    let base = format!("https://apigateway.amazonaws.com/restapis/{}/models", api.id);
    for number in (0..MODELS).rev() {
        let schema = match number + 1 {
            MODELS => json!({"type": "object"}),
            next => json!({"$ref": format!("{base}/Model{next}")}),
        };
        api.model(&format!("Model{number}"), &schema).await?;
    }
    let integration = api.integration(&json!({"integrationType": "MOCK"})).await?;
    let members = json!({"modelSelectionExpression": "default", "requestModels": {"default": "Model0"}});
    api.route("$default", &integration, &members).await?;
    let path = api.deploy().await?;
    let mut client = scene.open(&path, source(1, 2)).await?;
    client.send(b"[]").await?;
    let reply = client.receive().await.context("wait for the answer to what the last model refuses")?;
    let reply = String::from_utf8_lossy(&reply);
    anyhow::ensure!(reply.contains("Bad request body"), "what the last model refuses was answered {reply}");
    Ok(())
}

/// Goes on until one of them breaks off.
async fn all(mut clients: JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(done) = clients.join_next().await {
        done.context("a tormenter was lost")??;
    }
    Ok(())
}
