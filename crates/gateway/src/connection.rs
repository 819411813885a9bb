//! One connection's task: reads the client's frames, runs an event for each message, ends with `$disconnect`.
//!
//! The task is one future without buffers of its own: it reads into memory that the thread's connections share and
//! keeps bytes only while a frame or message is in parts. Messages run inside the task, in order of arrival, up to
//! the limit in-flight-per-connection; then the socket is not read. Nor is it where all messages of the gateway together have
//! as many bytes as they may (`in_flight.rs`).

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;
use types::event::{ClientMessage, Disconnect, Event, EventKind};
use types::id::IdKind;

use crate::assembly::{Assembly, Bounds, Input, Violation};
use crate::client::{Client, Pongs};
use crate::flights::Flights;
use crate::frame::{Opcode, close};
use crate::gateway::Gateway;
use crate::in_flight::{Held, OwnPart};
use crate::refusal::Outcome;
use crate::registry::Counted;
use crate::walk;

/// How much is read from a socket at once, into memory that all connections of a thread share.
const READ_BYTES: usize = 64 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// How many frames of one client are handled before the thread's other connections have their turn, and for how long, in
/// whatever else costs little to send. A thread looks at its sockets at least once in 61 turns (tokio), so that as many
/// clients that do their worst keep the others waiting for some 30 ms.
const FRAMES_A_TURN: u32 = 512;
const TIME_A_TURN: Duration = Duration::from_micros(500);
/// How many frames are handled between two looks at the clock.
const FRAMES_A_LOOK: u32 = 32;

/// What one turn of a connection may still do.
struct Turn {
    frames: u32,
    until: Duration,
}

impl Turn {
    fn begin(now: Duration) -> Turn {
        Turn { frames: FRAMES_A_TURN, until: now + TIME_A_TURN }
    }

    fn is_over(&self, now: Duration) -> bool {
        self.frames == 0 || now >= self.until
    }
}

/// Spawns the task of a connection whose `$connect` was accepted. The registry holds the client; the task ends by
/// itself when the socket, the client or the gateway closes the connection.
pub(crate) fn spawn(
    gateway: Arc<Gateway>,
    client: Arc<Client>,
    reader: OwnedReadHalf,
    rest: Vec<u8>,
    counted: Counted,
) {
    let live = Live {
        gateway,
        client,
        reader,
        assembly: Assembly::default(),
        rest: rest.into(),
        flights: None,
        reading: Reading::Frames,
        room: None,
    };
    tokio::spawn(run(live, counted));
}

async fn run(mut live: Live, counted: Counted) {
    let disconnect = std::future::poll_fn(|cx| live.poll(cx)).await;
    live.client.shut_down();
    live.gateway.registry.remove(&live.client.info.id);
    // Buffers and the reading half are given back before $disconnect runs, which may take a while.
    let Live { gateway, client, flights, reader, assembly, rest, .. } = live;
    drop((reader, assembly, rest));
    Box::pin(finish(gateway, client, flights, disconnect)).await;
    drop(counted);
}

// `$disconnect` is dispatched behind the messages that came before it, like any other event, and waits for none.
async fn finish(gateway: Arc<Gateway>, client: Arc<Client>, flights: Option<Box<Flights>>, disconnect: Disconnect) {
    let mut flights = flights.unwrap_or_default();
    let mut event = new_event(&gateway, &client, EventKind::Disconnect(disconnect));
    let flight = async move {
        // Nobody is there to be told; the log has it.
        let _ = walk::run(&gateway, &mut event).await;
        0
    };
    flights.push(0, Box::pin(flight));
    std::future::poll_fn(|cx| flights.poll(cx)).await;
}

/// Runs `$disconnect` for a client that was let in but is gone before it could be told so.
pub(crate) async fn finish_unopened(gateway: &Gateway, connection: Arc<types::Connection>) {
    let kind = EventKind::Disconnect(abnormal());
    let mut event = Event { connection, request_id: gateway.new_id(IdKind::Request), at: gateway.wall_clock(), kind };
    let _ = walk::run(gateway, &mut event).await;
}

/// A connection while it is open.
struct Live {
    gateway: Arc<Gateway>,
    client: Arc<Client>,
    reader: OwnedReadHalf,
    assembly: Assembly,
    /// Bytes that were read but not looked at, because too many messages are in flight; at most one read's worth.
    rest: Bytes,
    /// The messages in flight; nothing while there are none.
    flights: Option<Box<Flights>>,
    reading: Reading,
    /// The wait for room for messages, while there is none.
    room: Option<Box<WaitForRoom>>,
}

/// In a box of its own it is one word of a connection that does not wait.
struct WaitForRoom(Pin<Box<dyn Future<Output = ()> + Send>>);

/// What becomes of the client's bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Frames,
    /// After a violation they are thrown away; `told` once the end of our own stream is on its way.
    Discarding {
        told: bool,
    },
}

impl Live {
    /// Goes on as far as it can; ready when the connection is over, with what `$disconnect` is told.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Disconnect> {
        self.client.register(cx);
        let mut now = self.gateway.now();
        let mut turn = Turn::begin(now);
        loop {
            if self.client.is_over() {
                return Poll::Ready(self.end(abnormal()));
            }
            if turn.is_over(now) {
                // Others first; the task comes again at once.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match self.client.poll_flush(cx, now) {
                Poll::Ready(Err(_)) => return Poll::Ready(self.end(abnormal())),
                Poll::Ready(Ok(())) if self.reading == (Reading::Discarding { told: false }) => {
                    self.client.shut_down_writing();
                    self.reading = Reading::Discarding { told: true };
                }
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
            self.poll_flights(cx);
            if !self.may_read() {
                // A flight's end or room in the socket wakes the task.
                return Poll::Pending;
            }
            std::task::ready!(self.poll_room(cx));
            if let Some(disconnect) = std::task::ready!(self.poll_input(cx, now, &mut turn)) {
                return Poll::Ready(self.end(disconnect));
            }
            now = self.gateway.now();
        }
    }

    fn may_read(&self) -> bool {
        // Once it is closing only the client's close frame matters, which must not wait for a backend.
        self.reading != Reading::Frames
            || self.client.is_closing()
            || self.flights_len() < self.gateway.limits.in_flight_per_connection
                && self.flights.as_ref().map_or(0, |flights| flights.bytes())
                    < self.gateway.limits.in_flight_bytes_per_connection
                && !self.client.is_full(self.gateway.outbox_bounds)
    }

    fn has_room(&self) -> bool {
        self.gateway.in_flight.has_room(|| self.own_part())
            || self.reading != Reading::Frames
            || self.client.is_closing()
    }

    fn own_part(&self) -> Option<Arc<OwnPart>> {
        self.gateway.stages.pin(&self.client.info.stage).map(|stage| stage.own_part.clone())
    }

    // Ready when a message may be read, so far as all messages of the gateway are concerned.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.has_room() {
            if self.room.is_none() {
                let (gateway, own) = (self.gateway.clone(), self.own_part());
                let wait = Box::pin(async move { gateway.in_flight.opened(own).await });
                self.room = Some(Box::new(WaitForRoom(wait)));
            }
            if let Some(room) = &mut self.room {
                std::task::ready!(room.0.as_mut().poll(cx));
            }
            self.room = None;
        }
        self.room = None;
        Poll::Ready(())
    }

    fn flights_len(&self) -> usize {
        self.flights.as_ref().map_or(0, |flights| flights.len())
    }

    fn poll_flights(&mut self, cx: &mut Context<'_>) {
        let Some(flights) = &mut self.flights else { return };
        if flights.poll(cx).is_ready() {
            self.flights = None;
        }
    }

    // Reads once and handles what came. `Some`: the connection is over.
    fn poll_input(&mut self, cx: &mut Context<'_>, now: Duration, turn: &mut Turn) -> Poll<Option<Disconnect>> {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            let (disconnect, left) = self.handle(&rest, now, turn);
            self.rest = rest.slice(rest.len() - left..);
            return Poll::Ready(disconnect);
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            let read = std::task::ready!(Pin::new(&mut self.reader).poll_read(cx, &mut buffer));
            let bytes = buffer.filled();
            if read.is_err() || bytes.is_empty() {
                return Poll::Ready(Some(abnormal()));
            }
            self.client.touch(now);
            self.client.metrics.traffic().bytes_in.add(bytes.len() as u64);
            let mut clear = Vec::new();
            let (bytes, ended) = match self.client.decipher(bytes, &mut clear) {
                Some(ended) => (&clear[..], ended),
                None => (bytes, false),
            };
            let (disconnect, left) = self.handle(bytes, now, turn);
            self.rest = Bytes::copy_from_slice(&bytes[bytes.len() - left..]);
            // With messages left to run, the end of the socket itself is waited for.
            Poll::Ready(disconnect.or_else(|| (ended && left == 0).then(abnormal)))
        })
    }

    // `Some`: the connection is over. With it, how many of the last bytes were not looked at.
    fn handle(&mut self, mut bytes: &[u8], now: Duration, turn: &mut Turn) -> (Option<Disconnect>, usize) {
        if self.reading != Reading::Frames {
            return (None, 0);
        }
        let limits = &self.gateway.limits;
        let bounds = Bounds {
            frame_bytes: limits.frame_bytes,
            message_bytes: limits.message_bytes,
            binary: self.gateway.dialect.binary,
        };
        let mut pongs = Pongs::default();
        while self.may_read() && self.has_room() && turn.frames > 0 {
            if turn.frames.is_multiple_of(FRAMES_A_LOOK) && self.gateway.now() >= turn.until {
                break;
            }
            turn.frames -= 1;
            let next = self.assembly.next(&mut bytes, bounds);
            let frames = self.assembly.take_frames();
            if frames > 0 {
                self.client.metrics.traffic().frames_in.add(u64::from(frames));
            }
            match next {
                Ok(None) => break,
                Ok(Some(Input::Message { body, is_binary })) if !self.client.is_closing() => {
                    self.dispatch(body, is_binary);
                }
                Ok(Some(Input::Ping(payload))) => pongs.answer(&payload),
                // After our own close frame only the client's matters (RFC 6455, 5.5.1).
                Ok(Some(Input::Message { .. } | Input::Part | Input::Pong)) => {}
                Ok(Some(Input::Close { code, reason })) => {
                    self.client.send_pongs(&pongs, now);
                    self.gateway.close(&self.client, code, "", closed_by_client(code, reason));
                    return (Some(abnormal()), 0);
                }
                Err(violation) => {
                    self.client.send_pongs(&pongs, now);
                    self.violated(violation);
                    return (None, 0);
                }
            }
        }
        // One write for all that were asked for in one read.
        self.client.send_pongs(&pongs, now);
        (None, bytes.len())
    }

    fn dispatch(&mut self, body: Bytes, is_binary: bool) {
        let id = self.gateway.new_id(IdKind::Connection);
        let bytes = body.len();
        let mut event =
            new_event(&self.gateway, &self.client, EventKind::Message(ClientMessage { id, body, is_binary }));
        let held = Held::take(self.gateway.clone(), bytes, || self.own_part());
        let client = self.client.clone();
        let flight = async move {
            let outcome = walk::run(&held.gateway, &mut event).await;
            deliver(&held.gateway, &client, &event, outcome);
            held.bytes
        };
        self.flights.get_or_insert_default().push(bytes, Box::pin(flight));
    }

    // The client gets the close frame and then the end of the stream; what it still sends is read and dropped, so
    // that its system does not throw our close frame away, until it hangs up or the limit close-timeout is over.
    fn violated(&mut self, violation: Violation) {
        let disconnect = Disconnect { status_code: violation.code, reason: violation.reason.clone() };
        self.gateway.close(&self.client, violation.code, &violation.reason, disconnect);
        self.assembly = Assembly::default();
        self.reading = Reading::Discarding { told: false };
    }

    // What was decided first counts: our close or the client's; without either the connection broke.
    fn end(&mut self, otherwise: Disconnect) -> Disconnect {
        // A last try for a close frame that waits; a client that reads gets it.
        let _ = self.client.poll_flush(&mut Context::from_waker(std::task::Waker::noop()), self.gateway.now());
        self.client.end().unwrap_or(otherwise)
    }
}

fn new_event(gateway: &Gateway, client: &Client, kind: EventKind) -> Event {
    let request_id = gateway.new_id(IdKind::Request);
    Event { connection: client.info.clone(), request_id, at: gateway.wall_clock(), kind }
}

/// Step 12 of the walk: the reply, or the error frame, to the client.
fn deliver(gateway: &Gateway, client: &Client, event: &Event, outcome: Outcome) {
    match outcome {
        Ok(Some(reply)) if reply.two_way && !reply.body.is_empty() => {
            let (opcode, payload) = gateway.framed(&reply.body);
            client.send_bounded_elsewhere(opcode, &payload, gateway.now());
        }
        Ok(_) => {}
        Err(refusal) => {
            let frame = refusal.frame(event, gateway.dialect);
            client.send_bounded_elsewhere(Opcode::Text, frame.as_bytes(), gateway.now());
        }
    }
}

// The text is a peer's, not verified on AWS.
fn abnormal() -> Disconnect {
    Disconnect { status_code: close::ABNORMAL, reason: "Connection closed abnormally".to_owned() }
}

fn closed_by_client(code: u16, reason: String) -> Disconnect {
    let reason = match code {
        // Observed.
        close::NO_STATUS => "Client-side close frame status not set".to_owned(),
        // Inferred from the text that AWS uses when the server closes so.
        close::NORMAL if reason.is_empty() => "Connection Closed Normally".to_owned(),
        _ => reason,
    };
    Disconnect { status_code: code, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_output<A, B, F: Future>(_: impl Fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_task_of_an_idle_connection_stays_small() {
        let bytes = size_of_output(run);
        assert!(bytes <= 328, "{bytes} bytes for each idle connection");
        assert!(size_of::<Client>() <= 152, "{} bytes", size_of::<Client>());
    }
}
