//! kill -9 of the program under connections and a stream of connects: whoever was let in gets its `$disconnect`.
//!
//! `KILLS` kills (50 unless it says otherwise), each under `KILL_CONNECTIONS` (2,000) connections.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// How long everything may take to be told after a kill.
const PATIENCE: Duration = Duration::from_secs(60);
/// Clients that connect at once.
const AT_ONCE: usize = 64;

/// What the backend was told.
#[derive(Default)]
struct Told {
    /// The id of each client, by the number that it said.
    ids: HashMap<String, String>,
    ends: HashMap<String, usize>,
    replays: usize,
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

async fn backend(told: Arc<Mutex<Told>>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let Ok((mut socket, _)) = listener.accept().await else { return };
            let told = told.clone();
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                loop {
                    while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                        bytes.drain(..end + 4);
                        hear(&head, &told);
                        if socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.is_err() {
                            return;
                        }
                    }
                    if socket.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
            });
        }
    });
    address
}

// A body never comes: `$connect` and `$disconnect` have none.
fn hear(head: &str, told: &Mutex<Told>) {
    let mut lines = head.lines();
    let target = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let headers: HashMap<String, &str> = lines
        .filter_map(|line| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim())))
        .collect();
    let id = headers.get("connectionid").copied().unwrap_or_default().to_owned();
    let mut told = told.lock().unwrap();
    match target.split_once("?n=") {
        Some((_, number)) => {
            told.ids.insert(number.to_owned(), id);
        }
        None => {
            assert_eq!(headers.get("x-gatewright-delivery-id").copied(), Some(id.as_str()), "{head}");
            told.replays += usize::from(headers.get("x-gatewright-delivery").copied() == Some("replay"));
            *told.ends.entry(id).or_default() += 1;
        }
    }
}

/// Starts the program, and gives it with its port.
fn start(data: &Path, backend: std::net::SocketAddr, journal: &str) -> (Child, u16) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gatewright"))
        .args(["serve", "--listen", "127.0.0.1:0", "--compat", "extended", "--log-level", "warn", "--journal", journal])
        .args(["--limit", "disconnect-replay-rate=5000", "--backend", &format!("http://{backend}"), "--data-dir"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines.by_ref().map(Result::unwrap).find_map(|line| {
        let (_, rest) = line.split_once("http://127.0.0.1:")?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    });
    std::thread::spawn(move || lines.for_each(drop));
    (child, port.expect("it says where it listens"))
}

/// Connects; the socket, where it was let in.
async fn connect(port: u16, number: &str) -> Option<TcpStream> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let request = format!(
        "GET /_aws/execute-api/gatewright/dev?n={number} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        if socket.read_buf(&mut answer).await.ok()? == 0 {
            return None;
        }
    }
    answer.starts_with(b"HTTP/1.1 101").then_some(socket)
}

async fn kills(journal: &str, kills: usize, connections: usize) {
    let told: Arc<Mutex<Told>> = Arc::default();
    let backend = backend(told.clone()).await;
    let data = std::env::temp_dir().join(format!("gatewright-kills-{journal}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&data);
    let (mut child, mut port) = start(&data, backend, journal);
    for kill in 0..kills {
        let accepted: Arc<Mutex<HashSet<String>>> = Arc::default();
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = Vec::new();
        let (enough, mut is_enough) = tokio::sync::watch::channel(0);
        let enough = Arc::new(enough);
        // Twice as many come as are waited for: the kill falls into a stream of them, each time at another place.
        for client in 0..connections * 2 {
            let permit = at_once.clone().acquire_owned().await.unwrap();
            let (let_in, counted) = (accepted.clone(), enough.clone());
            let number = format!("{kill}-{client}");
            tasks.push(tokio::spawn(async move {
                let socket = connect(port, &number).await;
                if socket.is_some() {
                    let_in.lock().unwrap().insert(number);
                    counted.send_modify(|count| *count += 1);
                }
                drop(permit);
                // Some leave at once, so that the kill falls into ends too.
                socket.filter(|_| client % 4 != 0)
            }));
            if *enough.borrow() >= connections + kill % 64 {
                break;
            }
        }
        let wanted = connections + kill % 64;
        let _ = tokio::time::timeout(PATIENCE, is_enough.wait_for(|count| *count >= wanted)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let mut sockets = Vec::new();
        for task in tasks {
            sockets.extend(task.await.unwrap());
        }
        assert!(accepted.lock().unwrap().len() >= connections, "kill {kill}");
        (child, port) = start(&data, backend, journal);
        let begun = Instant::now();
        loop {
            let missing = {
                let (told, accepted) = (told.lock().unwrap(), accepted.lock().unwrap());
                let is_told = |number: &String| told.ids.get(number).is_some_and(|id| told.ends.contains_key(id));
                accepted.iter().filter(|number| !is_told(number)).count()
            };
            if missing == 0 {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "kill {kill}: {missing} of those who were let in were not told of");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(sockets);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let _ = std::fs::remove_dir_all(&data);
    let told = told.lock().unwrap();
    assert!(told.replays >= kills * connections / 2, "{} replays", told.replays);
    let twice = told.ends.values().filter(|count| **count > 1).count();
    println!("{journal}: {kills} kills, {} connections, {} ends were told twice", told.ids.len(), twice);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_let_in_gets_its_disconnect_whenever_the_program_is_killed() {
    kills("process", number("KILLS", 50), number("KILL_CONNECTIONS", 2_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_so_it_is_where_the_journal_survives_the_loss_of_power() {
    kills("disk", number("KILLS", 50) / 10, number("KILL_CONNECTIONS", 2_000)).await;
}
