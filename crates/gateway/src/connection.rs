//! One connection's task: reads the client's frames, runs an event for each message, ends with `$disconnect` or at
//! another gateway. What is decided on the way stands in `life.rs`; here it is done.
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
use tokio::io::ReadBuf;
use types::event::{ClientMessage, Disconnect, Event, EventKind};
use types::id::IdKind;

use crate::assembly::Bounds;
use crate::client::{Client, Pongs};
use crate::flights::Flights;
use crate::frame::Opcode;
use crate::gateway::Gateway;
use crate::hand_over::Departure;
use crate::in_flight::{Held, OwnPart};
use crate::life::{Effect, Farewell, InFlight, Next, Reading, abnormal};
use crate::pace::Pace;
use crate::refusal::Outcome;
use crate::registry::Counted;
use crate::socket::Reader;
use crate::sources::Seat;
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
    reader: Reader,
    reading: Reading,
    counted: Counted,
    seat: Option<Seat>,
) {
    let task = run(Live { gateway, client, reader, reading, flights: None, waits: None }, counted);
    // A larger task only where connections of an address are counted.
    match seat {
        None => tokio::spawn(task),
        Some(seat) => tokio::spawn(async move {
            task.await;
            drop(seat);
        }),
    };
}

/// How a connection's task ends.
enum End {
    /// The connection is over, and `$disconnect` is told this.
    Disconnected(Disconnect),
    /// It goes on at another gateway.
    HandedOver(Departure),
}

#[expect(clippy::manual_async_fn, reason = "an `async fn` would hold its arguments twice")]
fn run(mut live: Live, counted: Counted) -> impl Future<Output = ()> {
    async move {
        let end = std::future::poll_fn(|cx| live.poll(cx)).await;
        if let Some(last) = live.settle(end, counted) {
            last.await;
        }
    }
}

// `$disconnect` is dispatched behind the messages that came before it, like any other event, and waits for none.
async fn finish(gateway: Arc<Gateway>, client: Arc<Client>, flights: Option<Box<Flights>>, disconnect: Disconnect) {
    let mut flights = flights.unwrap_or_default();
    let mut event = new_event(&gateway, &client, EventKind::Disconnect(disconnect));
    let flight = async move {
        // Nobody is there to be told; the log has it.
        let outcome = walk::run(&gateway, &mut event, walk::nobody).await;
        gateway.told(event, &outcome);
        0
    };
    flights.push(0, Box::pin(flight));
    std::future::poll_fn(|cx| flights.poll(cx)).await;
}

/// Runs `$disconnect` for a client that was let in but is gone before it could be told so.
pub(crate) async fn finish_unopened(gateway: &Gateway, connection: Arc<types::Connection>) {
    let kind = EventKind::Disconnect(abnormal());
    let mut event = Event { connection, request_id: gateway.new_id(IdKind::Request), at: gateway.wall_clock(), kind };
    let outcome = walk::run(gateway, &mut event, walk::nobody).await;
    gateway.told(event, &outcome);
}

/// A connection while it is open.
struct Live {
    gateway: Arc<Gateway>,
    client: Arc<Client>,
    reader: Reader,
    reading: Reading,
    /// The messages in flight; nothing while there are none.
    flights: Option<Box<Flights>>,
    /// What keeps it from being read; in a box of its own it is one word of a connection that nothing does.
    waits: Option<Box<Waits>>,
}

#[derive(Default)]
struct Waits {
    /// The wait for room for messages, while there is none.
    room: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// What the client sent of late, where its pace is limited.
    pace: Pace,
}

impl Live {
    /// Goes on as far as it can; ready when the connection is over here.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.client.register(cx);
        let mut now = self.gateway.now();
        let mut turn = Turn::begin(now);
        loop {
            if self.client.is_over() {
                return Poll::Ready(self.end());
            }
            if turn.is_over(now) {
                // Others first; the task comes again at once.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match self.client.poll_flush(cx, now) {
                Poll::Ready(Err(_)) => return Poll::Ready(self.end()),
                Poll::Ready(Ok(())) if self.reading.flushed() => self.client.shut_down_writing(),
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
            self.poll_flights(cx);
            match self.next() {
                Next::Read => {}
                Next::Wait => return Poll::Pending,
                Next::Leave => match Departure::begin(&self.gateway, &self.client) {
                    Some(departure) => return Poll::Ready(End::HandedOver(departure)),
                    // It stays, or closes.
                    None => continue,
                },
            }
            std::task::ready!(self.poll_room(cx));
            let bytes_max = match self.gateway.is_paced {
                false => READ_BYTES,
                true => std::task::ready!(self.poll_pace(cx, now, &mut turn)),
            };
            if std::task::ready!(self.poll_input(cx, now, &mut turn, bytes_max)).is_over {
                return Poll::Ready(self.end());
            }
            now = self.gateway.now();
        }
    }

    fn next(&self) -> Next {
        let in_flight = self
            .flights
            .as_ref()
            .map_or_else(InFlight::default, |flights| InFlight { messages: flights.len(), bytes: flights.bytes() });
        self.reading.next(self.client.standing(self.gateway.outbox_bounds), in_flight, &self.gateway.limits)
    }

    fn has_room(&self) -> bool {
        self.gateway.in_flight.has_room(|| self.own_part()) || !self.reading.heeds_frames() || self.client.is_closing()
    }

    fn own_part(&self) -> Option<Arc<OwnPart>> {
        self.gateway.stages.pin(&self.client.info.stage).map(|stage| stage.own_part.clone())
    }

    // Ready when a message may be read, so far as all messages of the gateway are concerned.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.has_room() {
            let (gateway, own) = (&self.gateway, || self.own_part());
            let begin = || {
                let (gateway, own) = (gateway.clone(), own());
                Box::pin(async move { gateway.in_flight.opened(own).await }) as Pin<Box<_>>
            };
            let new = self.waits.as_ref().is_none_or(|waits| waits.room.is_none()).then(begin);
            let waits = self.waits.get_or_insert_default();
            let room = match new {
                Some(new) => waits.room.insert(new),
                None => match &mut waits.room {
                    Some(room) => room,
                    None => break,
                },
            };
            std::task::ready!(room.as_mut().poll(cx));
            self.leave_room();
        }
        self.leave_room();
        Poll::Ready(())
    }

    // Where no pace is to be remembered, nothing is.
    fn leave_room(&mut self) {
        match &mut self.waits {
            Some(waits) if self.gateway.is_paced => waits.room = None,
            waits => *waits = None,
        }
    }

    // Ready, with how many bytes may be read, when the client has not sent too fast.
    fn poll_pace(&mut self, cx: &mut Context<'_>, now: Duration, turn: &mut Turn) -> Poll<usize> {
        // What matters of a connection that closes must not wait.
        if !self.reading.heeds_frames() || self.client.is_closing() {
            return Poll::Ready(READ_BYTES);
        }
        let pace = &mut self.waits.get_or_insert_default().pace;
        let (allowance, begins) = pace.poll(cx, now, self.reading.rest.is_empty(), &self.gateway.limits);
        if let Some(limit) = begins {
            self.gateway.tell_of_slow(&self.client, limit);
        }
        allowance.map(|allowance| {
            turn.frames = turn.frames.min(u32::try_from(allowance.frames).unwrap_or(u32::MAX));
            allowance.bytes.min(READ_BYTES)
        })
    }

    fn poll_flights(&mut self, cx: &mut Context<'_>) {
        let Some(flights) = &mut self.flights else { return };
        if flights.poll(cx).is_ready() {
            self.flights = None;
        }
    }

    // Reads once and handles what came.
    fn poll_input(&mut self, cx: &mut Context<'_>, now: Duration, turn: &mut Turn, bytes_max: usize) -> Poll<Handled> {
        if !self.reading.rest.is_empty() {
            let rest = std::mem::take(&mut self.reading.rest);
            let handled = self.handle(&rest, now, turn);
            self.reading.rest = rest.slice(rest.len() - handled.left..);
            return Poll::Ready(handled);
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(&mut scratch[..bytes_max]);
            let read = std::task::ready!(self.reader.poll_read(cx, &mut buffer, self.client.socket()));
            let bytes = buffer.filled();
            if read.is_err() || bytes.is_empty() {
                return Poll::Ready(Handled { is_over: true, left: 0 });
            }
            self.client.touch(now);
            self.client.metrics.traffic().bytes_in.add(bytes.len() as u64);
            if self.gateway.is_paced {
                let pace = &mut self.waits.get_or_insert_default().pace;
                pace.take_bytes(now, bytes.len(), &self.gateway.limits);
            }
            let mut clear = Vec::new();
            let (bytes, ended) = match self.client.decipher(bytes, &mut clear) {
                Some(ended) => (&clear[..], ended),
                None => (bytes, false),
            };
            let Handled { is_over, left } = self.handle(bytes, now, turn);
            self.reading.rest = Bytes::copy_from_slice(&bytes[bytes.len() - left..]);
            // With messages left to run, the end of the socket itself is waited for.
            Poll::Ready(Handled { is_over: is_over || ended && left == 0, left })
        })
    }

    fn handle(&mut self, mut bytes: &[u8], now: Duration, turn: &mut Turn) -> Handled {
        if !self.reading.heeds_frames() {
            return Handled::default();
        }
        let limits = &self.gateway.limits;
        let bounds = Bounds {
            frame_bytes: limits.frame_bytes,
            message_bytes: limits.message_bytes,
            binary: self.gateway.dialect.binary,
        };
        let mut pongs = Pongs::default();
        while self.next() == Next::Read && self.has_room() && turn.frames > 0 {
            if turn.frames.is_multiple_of(FRAMES_A_LOOK) && self.gateway.now() >= turn.until {
                break;
            }
            turn.frames -= 1;
            let effect = self.reading.take(&mut bytes, bounds, || self.client.is_closing());
            let frames = self.reading.take_frames();
            if frames > 0 {
                self.client.metrics.traffic().frames_in.add(u64::from(frames));
                if self.gateway.is_paced {
                    let pace = &mut self.waits.get_or_insert_default().pace;
                    pace.take_frames(now, frames, &self.gateway.limits);
                }
            }
            match effect {
                None => break,
                Some(Effect::Nothing) => {}
                Some(Effect::Dispatch { body, is_binary }) => self.dispatch(body, is_binary),
                Some(Effect::Pong(payload)) => pongs.answer(&payload),
                Some(Effect::Close(farewell)) => {
                    self.client.send_pongs(&pongs, now);
                    let Farewell { code, reason, disconnect, is_over } = *farewell;
                    self.gateway.close(&self.client, code, &reason, disconnect);
                    return Handled { is_over, left: 0 };
                }
            }
        }
        // One write for all that were asked for in one read.
        self.client.send_pongs(&pongs, now);
        Handled { is_over: false, left: bytes.len() }
    }

    fn dispatch(&mut self, body: Bytes, is_binary: bool) {
        let id = self.gateway.new_id(IdKind::Connection);
        let bytes = body.len();
        let mut event =
            new_event(&self.gateway, &self.client, EventKind::Message(ClientMessage { id, body, is_binary }));
        let held = Held::take(self.gateway.clone(), bytes, || self.own_part());
        let client = self.client.clone();
        let flight = async move {
            let to_client = |event: &Event, outcome: &Outcome| deliver(&held.gateway, &client, event, outcome);
            let _ = walk::run(&held.gateway, &mut event, to_client).await;
            held.bytes
        };
        self.flights.get_or_insert_default().push(bytes, Box::pin(flight));
    }

    // Gives the last that is to be done here, `$disconnect`, which may take a while: buffers and the reading half are given
    // back before.
    fn settle(self, end: End, counted: Counted) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let Live { gateway, client, flights, reading, .. } = self;
        match end {
            End::HandedOver(departure) => {
                departure.go(&gateway, client, reading, counted);
                None
            }
            End::Disconnected(disconnect) => {
                client.shut_down();
                gateway.registry.remove(&client);
                gateway.departures.forget(&client.info.id);
                Some(Box::pin(async move {
                    finish(gateway, client, flights, disconnect).await;
                    drop(counted);
                }))
            }
        }
    }

    // What was decided first counts: our close or the client's; without either the connection broke.
    fn end(&mut self) -> End {
        // A last try for a close frame that waits; a client that reads gets it.
        let _ = self.client.poll_flush(&mut Context::from_waker(std::task::Waker::noop()), self.gateway.now());
        End::Disconnected(self.client.end().unwrap_or_else(abnormal))
    }
}

/// What came of bytes that were read.
#[derive(Clone, Copy, Default)]
struct Handled {
    /// The connection is over.
    is_over: bool,
    /// How many of the last bytes were not looked at.
    left: usize,
}

fn new_event(gateway: &Gateway, client: &Client, kind: EventKind) -> Event {
    let request_id = gateway.new_id(IdKind::Request);
    Event { connection: client.info.clone(), request_id, at: gateway.wall_clock(), kind }
}

/// Step 12 of the walk: the reply, or the error frame, to the client.
fn deliver(gateway: &Gateway, client: &Client, event: &Event, outcome: &Outcome) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_output<A, B, F: Future>(_: impl Fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_task_of_an_idle_connection_stays_small() {
        let bytes = size_of_output(run);
        assert!(bytes <= 192, "{bytes} bytes for each idle connection");
        assert!(size_of::<Client>() <= 152, "{} bytes", size_of::<Client>());
    }
}
