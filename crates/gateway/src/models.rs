//! Clients and registry under a scheduler that tries orders in which threads can meet (shuttle): the same files with its
//! locks. It finds deadlocks itself, and with them wake-ups that are lost.

#[allow(clippy::duplicate_mod, dead_code, reason = "with other locks; the gateway uses the rest")]
#[path = "client.rs"]
mod client;
#[allow(clippy::duplicate_mod, dead_code, reason = "with other locks; the gateway uses the rest")]
#[path = "registry.rs"]
mod registry;
mod sync {
    pub(super) use shuttle::sync::{Mutex, MutexGuard, PoisonError, atomic};
}

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use shuttle::future::block_on;
use shuttle::thread::spawn;
use types::Connection;
use types::event::Disconnect;
use types::id::{Id, IdKind};
use types::limits::Limits;
use types::snapshot::StageKey;
use types::time::Timestamp;

use crate::frame::Opcode;
use crate::metrics::Metrics;
use crate::outbox::OutboxBounds;
use crate::simulation::line::Line;
use crate::socket::Writer;
use client::{Client, NotSent};
use registry::{Counted, Registry};

/// How many orders of each model are tried.
const ORDERS: usize = 500;
const BOUNDS: OutboxBounds = OutboxBounds { messages: 100, bytes: 1 << 20 };
/// How long a frame's text is that fills a socket with two others.
const FRAME: usize = 1500;
const NOW: Duration = Duration::from_secs(1000);

fn check(model: impl Fn() + Send + Sync + 'static) {
    shuttle::check_random(model, ORDERS);
}

/// A client, and the other end of its socket.
fn client() -> (Arc<Client>, Line) {
    let (line, server) = Line::pair();
    let info = Connection {
        id: Id::new(IdKind::Connection, 0, 63),
        stage: Arc::new(StageKey::default()),
        domain_name: "h".into(),
        source_ip: [127, 0, 0, 1].into(),
        user_agent: None,
        connected_at: Timestamp(0),
        identity: None,
        path: None,
    };
    let metrics = Metrics::new(1).nowhere().clone();
    let socket = (Writer::Simulated(Arc::new(server)), None);
    (Client::open(Arc::new(info), metrics, NOW, socket, b"", |_| Vec::new()), line)
}

fn told(code: u16) -> Disconnect {
    Disconnect::new(code, "")
}

/// The frames in these bytes: texts, and the codes of close frames.
fn frames(mut bytes: &[u8]) -> Vec<String> {
    let mut frames = Vec::new();
    while let [first, length, rest @ ..] = bytes {
        let (length, rest) = match (length, rest) {
            (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
            (length, rest) => (usize::from(*length), rest),
        };
        let (payload, rest) = rest.split_at(length);
        frames.push(match first {
            0x81 => String::from_utf8(payload.to_vec()).unwrap().trim().to_owned(),
            0x88 => format!("closed {}", u16::from_be_bytes([payload[0], payload[1]])),
            other => panic!("a frame of {other:#x}"),
        });
        bytes = rest;
    }
    frames
}

/// Sends `count` frames of so many bytes; gives those that were taken.
fn send(client: &Client, name: &str, count: usize, bytes: usize) -> Vec<String> {
    let text = |number| format!("{name}{number}");
    let is_taken = |number: &usize| {
        let sent = client.send(Opcode::Text, format!("{:bytes$}", text(*number)).as_bytes(), BOUNDS, NOW);
        assert_ne!(sent, Err(NotSent::Full));
        sent.is_ok()
    };
    (0..count).filter(is_taken).map(text).collect()
}

/// Each sender's frames came once, in order, none missing.
fn came(frames: &[String], name: &str, taken: &[String]) {
    let came: Vec<_> = frames.iter().filter(|frame| frame.starts_with(name)).cloned().collect();
    assert_eq!(came, taken, "{frames:?}");
}

#[test]
fn a_connection_is_found_from_its_beginning_to_its_end_wherever_it_is_between() {
    check(|| {
        let registry = Arc::new(Registry::new());
        let counted = Counted::new(registry.clone());
        let life = spawn({
            let registry = registry.clone();
            move || {
                let (client, _line) = client();
                registry.insert(client.clone());
                registry.remove(&client);
            }
        });
        assert!(registry.may_have(|_| true));
        life.join().unwrap();
        assert!(registry.may_have(|_| false), "its $disconnect may be running");
        drop(counted);
        assert!(!registry.may_have(|_| true));
    });
}

#[test]
fn who_waits_for_the_last_connection_is_woken() {
    check(|| {
        let registry = Arc::new(Registry::new());
        for _ in 0..2 {
            let counted = Counted::new(registry.clone());
            spawn(move || drop(counted));
        }
        block_on(registry.emptied());
        assert_eq!(registry.open_connections(), 0);
    });
}

#[test]
fn a_place_that_is_given_back_is_never_the_new_ones() {
    check(|| {
        let registry = Arc::new(Registry::new());
        let ((old, _old_line), (new, _new_line)) = (client(), client());
        let counted = Counted::new(registry.clone());
        registry.insert(old.clone());
        assert!(old.ask_to_leave() && old.leave().is_some());
        let counted_anew = Counted::new(registry.clone());
        let gives_back = spawn({
            let registry = registry.clone();
            move || {
                registry.remove(&old);
                drop(counted);
            }
        });
        registry.insert(new.clone());
        gives_back.join().unwrap();
        assert!(registry.get(&new.info.id).is_some_and(|here| Arc::ptr_eq(&here, &new)));
        registry.remove(&new);
        drop(counted_anew);
        assert_eq!(registry.open_connections(), 0);
        assert!(!registry.may_have(|_| true));
    });
}

#[test]
fn of_all_who_close_one_wins_and_nothing_comes_behind_its_frame() {
    check(|| {
        let (client, line) = client();
        let closers = [1000, 1001].map(|code| {
            let client = client.clone();
            spawn(move || client.close(code, "", told(code), NOW))
        });
        let sender = spawn({
            let client = client.clone();
            move || send(&client, "a", 3, 10)
        });
        // The time to close is over at once: the timer races with the others.
        let timer = spawn({
            let client = client.clone();
            move || client.timed(NOW, &Limits::default())
        });
        let taken = sender.join().unwrap();
        closers.into_iter().for_each(|closer| closer.join().unwrap());
        timer.join().unwrap();
        let code = client.end().expect("somebody closed it").status_code;
        assert_eq!(client.end(), None);
        let mut bytes = Vec::new();
        line.try_read(&mut bytes).unwrap();
        let frames = frames(&bytes);
        came(&frames, "a", &taken);
        came(&frames, "closed", &[format!("closed {code}")]);
        assert_eq!(frames.last(), Some(&format!("closed {code}")));
    });
}

#[test]
fn what_a_full_socket_does_not_take_comes_in_order_and_no_wake_up_is_lost() {
    check(|| {
        let (client, line) = client();
        // As the connection's task does it: what waits is written when the socket can, until the client is closed.
        let task = spawn({
            let client = client.clone();
            move || {
                block_on(poll_fn(|cx| {
                    client.register(cx);
                    match client.poll_flush(cx, NOW) {
                        Poll::Ready(Ok(())) if client.is_closing() => Poll::Ready(()),
                        Poll::Ready(Err(error)) => panic!("{error}"),
                        _ => Poll::Pending,
                    }
                }));
                assert_eq!(client.end(), Some(told(1000)));
                client.shut_down();
            }
        });
        // It closes when it has all, so that nothing else wakes the task before.
        let reader = spawn({
            let client = client.clone();
            move || {
                let mut bytes = Vec::new();
                loop {
                    block_on(line.readable()).unwrap();
                    match line.try_read(&mut bytes).unwrap() {
                        0 => return frames(&bytes),
                        _ if bytes.len() == 6 * (4 + FRAME) => client.close(1000, "", told(1000), NOW),
                        _ => {}
                    }
                }
            }
        });
        let senders = ["a", "b"].map(|name| {
            let client = client.clone();
            spawn(move || (name, send(&client, name, 3, FRAME)))
        });
        let taken = senders.map(|sender| sender.join().unwrap());
        task.join().unwrap();
        let frames = reader.join().unwrap();
        assert_eq!(taken[0].1.len() + taken[1].1.len(), 6);
        taken.iter().for_each(|(name, taken)| came(&frames, name, taken));
        assert_eq!((frames.len(), frames.last()), (7, Some(&"closed 1000".to_owned())));
    });
}

#[test]
fn who_leaves_takes_along_what_waits_or_is_closed_here_but_not_both() {
    check(|| {
        let (client, line) = client();
        assert!(client.ask_to_leave());
        let sender = spawn({
            let client = client.clone();
            move || send(&client, "a", 4, FRAME)
        });
        let closer = spawn({
            let client = client.clone();
            move || client.close(1001, "", told(1001), NOW)
        });
        let waits = client.leave();
        let taken = sender.join().unwrap();
        closer.join().unwrap();
        let mut bytes = Vec::new();
        // Nothing is there where nothing was sent before it left.
        let _ = line.try_read(&mut bytes);
        match waits {
            Some(mut waits) => {
                assert!(client.is_away() && !client.stay());
                assert_eq!(client.send(Opcode::Text, b"late", BOUNDS, NOW), Err(NotSent::Away));
                while let Some(front) = waits.front() {
                    bytes.extend(front);
                    waits.advance(waits.front().map_or(0, <[u8]>::len));
                }
                assert_eq!(client.end(), None);
            }
            None => {
                while client.poll_flush(&mut noop(), NOW).is_pending() {
                    let _ = line.try_read(&mut bytes);
                }
                let _ = line.try_read(&mut bytes);
                assert_eq!(client.end(), Some(told(1001)));
            }
        }
        let frames = frames(&bytes);
        came(&frames, "a", &taken);
        let closes = frames.iter().filter(|frame| frame.starts_with("closed")).count();
        assert_eq!(frames.len(), taken.len() + closes);
    });
}

fn noop() -> std::task::Context<'static> {
    std::task::Context::from_waker(std::task::Waker::noop())
}
