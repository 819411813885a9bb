//! Every ill-behaved server of `corpus/backends/servers.jsonl` behind the gateway: no answer reaches another message.
//!
//! Each has a port of its own and two clients, who send it messages in pairs: one that it answers as its row says, one
//! that it answers well. Every answer carries its message's marker, bytes that come late or too many as well, so that a
//! client knows what is not its own.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bytes::BytesMut;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::scene::{Api, Scene};
use super::server::{MARKER, answer, request};
use crate::bench::ws::source;

/// Clients of each server.
const CLIENTS_EACH: usize = 2;
/// How long a client waits between the messages of a pair, in turn: what comes late comes after 60 ms.
const BETWEEN: [Duration; 3] = [Duration::ZERO, Duration::from_millis(30), Duration::from_millis(90)];
/// How long it waits then. This is no test of load.
const REST: Duration = Duration::from_millis(50);
/// What the rows' answers say, and what comes behind them that should not.
const BODY: &str = "first";
const LATE: &str = "evil";
/// What markers are made of: no letter that stands in a chunk's size.
const LETTERS: &[u8] = b"ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ";
/// How the answer to a message begins that failed.
const FAILED: &[u8] = br#"{"message": ""#;

/// One server.
struct Row {
    name: String,
    method: String,
    pieces: Vec<Piece>,
    closes: bool,
    /// Its answer is passed on, and has a body.
    answers: bool,
    /// Its answer is none.
    fails: bool,
    /// It sends a body behind an answer that has none, and nothing announces it: that can cost other messages.
    spoils: bool,
}

#[derive(Debug)]
enum Piece {
    /// Bytes, and which of them are which letter of the message's marker.
    Text(Vec<u8>, Vec<(usize, usize)>),
    Pause(Duration),
}

impl Row {
    fn read(line: &str) -> anyhow::Result<Row> {
        let row: Value = serde_json::from_str(line).context("a row of JSON")?;
        let text = |member: &str| row[member].as_str().with_context(|| format!("no {member} in {row}"));
        let pieces = row["sends"].as_array().with_context(|| format!("nothing is sent in {row}"))?;
        let read = |piece: &Value| match (piece.as_str(), piece.as_u64()) {
            (Some(text), _) => Ok(Piece::Text(text.as_bytes().to_vec(), Vec::new())),
            (None, Some(pause)) => Ok(Piece::Pause(Duration::from_millis(pause))),
            _ => bail!("{piece} can be neither sent nor waited"),
        };
        let mut pieces = pieces.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
        let body = row["answer"]["body"].as_str();
        let found = mark(&mut pieces);
        ensure!(body != Some(BODY) || found, "`{BODY}` is not in {row}");
        ensure!(matches!(body, None | Some("" | BODY)), "another body in {row}");
        let sent: String = row["sends"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let (head, rest) = sent.split_once("\r\n\r\n").unwrap_or((&sent, ""));
        let head = head.to_ascii_lowercase();
        let announces = head.contains("content-length") || head.contains("transfer-encoding");
        Ok(Row {
            name: text("name")?.to_owned(),
            method: text("method")?.to_owned(),
            pieces,
            closes: row["closes"] == true,
            answers: body == Some(BODY),
            fails: body.is_none(),
            spoils: body == Some("") && !announces && !rest.is_empty(),
        })
    }
}

/// Finds the letters of [`BODY`], which chunks may cut, behind the first head, and every [`LATE`]; true with the former.
fn mark(pieces: &mut [Piece]) -> bool {
    let (mut wanted, mut last, mut before) = (BODY.bytes().enumerate().peekable(), 0, 0);
    let mut in_head = true;
    for piece in pieces {
        let Piece::Text(bytes, marks) = piece else { continue };
        for (at, byte) in bytes.iter().enumerate() {
            if in_head {
                // An empty line, with or without carriage returns.
                in_head = !(*byte == b'\n' && (last == b'\n' || (last == b'\r' && before == b'\n')));
                (before, last) = (last, *byte);
            } else if let Some((letter, _)) = wanted.next_if(|(_, wanted)| wanted == byte) {
                marks.push((at, letter));
            }
        }
        let late = bytes.windows(LATE.len()).enumerate().filter(|(_, four)| *four == LATE.as_bytes());
        marks.extend(late.flat_map(|(start, _)| (0..LATE.len()).map(move |letter| (start + letter, letter))));
    }
    wanted.peek().is_none()
}

/// What came of one client's messages.
#[derive(Default)]
struct Count {
    pairs: usize,
    spoiled: usize,
}

/// Lets every server do its worst for as long as the torment lasts.
///
/// # Errors
/// When a client is given what is not its own, or a message fails that should not.
pub(super) async fn ill_behaved(scene: Scene) -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/backends/servers.jsonl");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let rows = text.lines().map(|line| Row::read(line).map(Arc::new)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut api = Api::create(scene.gateway).await?;
    let mut servers = JoinSet::new();
    for (index, row) in rows.iter().enumerate() {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("bind a server")?;
        let at = listener.local_addr()?;
        servers.spawn(serve(row.clone(), listener));
        for (kind, method) in [("ill", row.method.as_str()), ("well", "POST")] {
            let parameter = format!("integration.request.header.{MARKER}");
            let integration = json!({
                "integrationType": "HTTP_PROXY", "integrationMethod": method, "integrationUri": format!("http://{at}/{kind}"),
                "requestParameters": { parameter: "route.request.body.marker" },
            });
            let integration = api.integration(&integration).await?;
            api.route(&format!("{kind}-{index}"), &integration, &json!({})).await?;
        }
    }
    let path: Arc<str> = api.deploy().await?.into();
    let markers = Arc::new(AtomicUsize::new(0));
    let until = Instant::now() + scene.time;
    let mut clients = JoinSet::new();
    for (index, row) in rows.iter().enumerate() {
        for client in 0..CLIENTS_EACH {
            let number = index * CLIENTS_EACH + client;
            let (scene, path, row, markers) = (scene.clone(), path.clone(), row.clone(), markers.clone());
            clients.spawn(async move {
                let talk = Talk { scene, path, row, index, markers, until };
                let count = talk.go_on(number).await.with_context(|| talk.row.name.clone())?;
                Ok::<_, anyhow::Error>((index, count))
            });
        }
    }
    let mut counts: Vec<Count> = rows.iter().map(|_| Count::default()).collect();
    while let Some(done) = clients.join_next().await {
        let (index, Count { pairs, spoiled }) = done.context("a client was lost")??;
        ensure!(pairs > 0, "{}: a client came to nothing", rows[index].name);
        counts[index].pairs += pairs;
        counts[index].spoiled += spoiled;
    }
    for (row, count) in rows.iter().zip(&counts) {
        // Its first few connections show what it is; both clients may meet one with both messages at once.
        let spoiled_max = if row.spoils { 2 * CLIENTS_EACH } else { 0 };
        let Count { pairs, spoiled } = count;
        ensure!(*spoiled <= spoiled_max, "{}: {spoiled} of {pairs} pairs of messages had one that failed", row.name);
    }
    Ok(())
}

async fn serve(row: Arc<Row>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer_all(row.clone(), stream));
    }
}

async fn answer_all(row: Arc<Row>, mut stream: TcpStream) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut arrived = BytesMut::new();
    while let Some(request) = request(&mut stream, &mut arrived).await? {
        let marker = request.marker.context("a request without a marker")?;
        if request.path == "/well" {
            stream.write_all(&answer(marker.as_bytes())).await?;
            continue;
        }
        for piece in &row.pieces {
            match piece {
                Piece::Pause(pause) => tokio::time::sleep(*pause).await,
                Piece::Text(bytes, marks) => {
                    let mut bytes = bytes.clone();
                    marks.iter().for_each(|(at, letter)| bytes[*at] = marker.as_bytes()[*letter]);
                    stream.write_all(&bytes).await?;
                }
            }
        }
        if row.closes {
            return Ok(());
        }
    }
    Ok(())
}

/// One client and its server.
struct Talk {
    scene: Scene,
    path: Arc<str>,
    row: Arc<Row>,
    index: usize,
    markers: Arc<AtomicUsize>,
    until: Instant,
}

impl Talk {
    async fn go_on(&self, number: usize) -> anyhow::Result<Count> {
        let mut client = self.scene.open(&self.path, source(number, 1)).await?;
        let mut count = Count::default();
        let mut between = BETWEEN.iter().cycle().skip(number);
        while Instant::now() < self.until {
            let markers = [self.marker(), self.marker()];
            let [ill, well] = &markers;
            client.send(self.message("ill", ill).as_bytes()).await?;
            tokio::time::sleep(*between.next().unwrap_or(&REST)).await;
            client.send(self.message("well", well).as_bytes()).await?;
            let mut own: HashSet<&[u8]> = HashSet::from([well.as_bytes()]);
            if self.row.answers {
                own.insert(ill.as_bytes());
            }
            let mut due = own.len() + usize::from(self.row.fails);
            let mut failures = 0;
            while due > 0 {
                let reply = client.receive().await?;
                if reply.starts_with(FAILED) {
                    failures += 1;
                } else if !own.remove(&reply[..]) {
                    bail!("a client was given {reply:?}; what it had sent was {markers:?}");
                }
                due -= 1;
            }
            count.pairs += 1;
            count.spoiled += failures - usize::from(self.row.fails);
            tokio::time::sleep(REST).await;
        }
        Ok(count)
    }

    fn message(&self, kind: &str, marker: &str) -> String {
        json!({"action": format!("{kind}-{}", self.index), "marker": marker}).to_string()
    }

    /// Five letters, of which the first four are nobody else's.
    fn marker(&self) -> String {
        let mut number = self.markers.fetch_add(1, Ordering::Relaxed);
        let letter = |number: &mut usize| {
            let letter = LETTERS[*number % LETTERS.len()];
            *number /= LETTERS.len();
            char::from(letter)
        };
        (0..BODY.len()).map(|_| letter(&mut number)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(row: &str) -> (bool, Vec<u8>) {
        let mut row: Vec<Piece> = serde_json::from_str::<Vec<String>>(row)
            .unwrap()
            .into_iter()
            .map(|text| Piece::Text(text.into_bytes(), Vec::new()))
            .collect();
        let found = mark(&mut row);
        let text = row.iter().flat_map(|piece| {
            let Piece::Text(bytes, marks) = piece else { unreachable!("no pause here") };
            let mut bytes = bytes.clone();
            marks.iter().for_each(|(at, letter)| bytes[*at] = b"01234"[*letter]);
            bytes
        });
        (found, text.collect())
    }

    #[test]
    fn a_marker_takes_the_place_of_the_body_and_of_what_comes_late() {
        for (sends, expected) in [
            (r#"["H: first\r\n\r\nfirst"]"#, "H: first\r\n\r\n01234"),
            (r#"["H\r\n\r\n2\r\nfi\r\n3\r\nrst\r\n"]"#, "H\r\n\r\n2\r\n01\r\n3\r\n234\r\n"),
            (r#"["H\n\nf", "i", "rst"]"#, "H\n\n01234"),
            (r#"["H\r\n\r\nfirstH\r\n\r\nevil"]"#, "H\r\n\r\n01234H\r\n\r\n0123"),
        ] {
            assert_eq!(marked(sends), (true, expected.as_bytes().to_vec()), "{sends}");
        }
        assert_eq!(marked(r#"["H\r\n\r\n", "4\r\nevil\r\n"]"#), (false, b"H\r\n\r\n4\r\n0123\r\n".to_vec()));
    }
}
