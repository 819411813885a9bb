//! One connected client: its socket's writing side, its outbox, its clock. Anybody may send to it.
//!
//! A frame is written to the socket at once, under the client's lock, and queued only when the socket does not take
//! it: cheaper than waking the connection's task for each. The task writes the rest when the socket can.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use types::event::{Connection, Disconnect};
use types::limits::Limits;

// `super`, because the models take this file too, with locks of their own.
use super::sync::atomic::{AtomicU64, Ordering};
use super::sync::{Mutex, MutexGuard, PoisonError};
use crate::frame::{self, Opcode};
use crate::life::{Ending, Standing, Timed};
use crate::metrics::StageMetrics;
use crate::outbox::{Outbox, OutboxBounds};
use crate::session::Session;
use crate::socket::Writer;

/// A client that can be sent to.
pub(crate) struct Client {
    pub(crate) info: Arc<Connection>,
    /// What is counted of its stage.
    pub(crate) metrics: Arc<StageMetrics>,
    /// When it was opened, in milliseconds of the gateway's clock.
    opened_ms: u64,
    socket: Writer,
    /// Under TLS; boxed because clear connections are many.
    session: Option<Box<Session>>,
    state: Mutex<State>,
    /// When the last bytes went in either direction, in milliseconds of the gateway's clock.
    last_active_ms: AtomicU64,
    /// Wakes the connection's task.
    waker: AtomicWaker,
}

#[derive(Default)]
struct State {
    outbox: Outbox,
    ending: Ending,
}

impl State {
    fn refuses(&self) -> Option<NotSent> {
        match &self.ending {
            Ending::Open | Ending::Leaving => None,
            Ending::Away => Some(NotSent::Away),
            Ending::Closing(_) | Ending::Over(_) => Some(NotSent::Gone),
        }
    }
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// The client does not read; its outbox is full.
    Full,
    /// The connection is closing.
    Gone,
    /// Another gateway has it, or will have it soon.
    Away,
}

/// The answers to pings that came together.
#[derive(Default)]
pub(crate) struct Pongs {
    bytes: Vec<u8>,
    count: u64,
}

impl Pongs {
    pub(crate) fn answer(&mut self, payload: &[u8]) {
        frame::write(&mut self.bytes, Opcode::Pong, payload);
        self.count += 1;
    }
}

impl Client {
    /// A client whose first bytes are the answer to its handshake. `register` makes it known and gives the frames that
    /// come next; whoever finds it from then on sends or closes behind those.
    pub(crate) fn open(
        info: Arc<Connection>,
        metrics: Arc<StageMetrics>,
        now: Duration,
        socket: (Writer, Option<Session>),
        answer: &[u8],
        register: impl FnOnce(&Arc<Client>) -> Vec<(Opcode, Bytes)>,
    ) -> Arc<Client> {
        let client = Arc::new(Client::new(info, metrics, (now, now), socket, Outbox::default()));
        let mut state = client.state();
        let next = register(&client);
        client.write_or_queue(&mut state, answer);
        for (opcode, payload) in next {
            client.write_frame(&mut state, opcode, &payload);
        }
        drop(state);
        client
    }

    /// A client that was opened elsewhere and last active at these times, and for whom this waits.
    pub(crate) fn resume(
        info: Arc<Connection>,
        metrics: Arc<StageMetrics>,
        times: (Duration, Duration),
        socket: Writer,
        outbox: Outbox,
    ) -> Client {
        metrics.outbox.resumed(outbox.len(), outbox.bytes());
        Client::new(info, metrics, times, (socket, None), outbox)
    }

    fn new(
        info: Arc<Connection>,
        metrics: Arc<StageMetrics>,
        (opened, last_active): (Duration, Duration),
        (socket, session): (Writer, Option<Session>),
        outbox: Outbox,
    ) -> Client {
        metrics.opened();
        Client {
            info,
            metrics,
            opened_ms: opened.as_millis() as u64,
            socket,
            session: session.map(Box::new),
            state: Mutex::new(State { outbox, ending: Ending::Open }),
            last_active_ms: AtomicU64::new(last_active.as_millis() as u64),
            waker: AtomicWaker::new(),
        }
    }

    /// Sends a frame, unless the client's outbox is full.
    pub(crate) fn send(
        &self,
        opcode: Opcode,
        payload: &[u8],
        bounds: OutboxBounds,
        now: Duration,
    ) -> Result<(), NotSent> {
        let mut state = self.state();
        if let Some(refuses) = state.refuses() {
            return Err(refuses);
        }
        if state.outbox.is_full(bounds) {
            self.metrics.outbox.full.one();
            return Err(NotSent::Full);
        }
        self.write_frame(&mut state, opcode, payload);
        self.touch(now);
        Ok(())
    }

    /// Sends what is bounded by the messages in flight or by the input read: replies, error frames and pongs.
    pub(crate) fn send_bounded_elsewhere(&self, opcode: Opcode, payload: &[u8], now: Duration) {
        let mut state = self.state();
        if state.ending.is_open() {
            self.write_frame(&mut state, opcode, payload);
            self.touch(now);
        }
    }

    /// Sends several pongs in one write; like [`Client::send_bounded_elsewhere`], bounded by the input read.
    pub(crate) fn send_pongs(&self, pongs: &Pongs, now: Duration) {
        if pongs.count == 0 {
            return;
        }
        let mut state = self.state();
        if state.ending.is_open() {
            let traffic = self.metrics.traffic();
            traffic.frames_out.add(pongs.count);
            traffic.bytes_out.add(pongs.bytes.len() as u64);
            self.write_or_queue(&mut state, &pongs.bytes);
            self.touch(now);
        }
    }

    /// Begins to close: sends the close frame, remembers what `$disconnect` will be told. The first caller wins.
    pub(crate) fn close(&self, code: u16, reason: &str, disconnect: Disconnect, deadline: Duration) {
        let mut state = self.state();
        if state.ending.close(disconnect, deadline) {
            self.write_frame(&mut state, Opcode::Close, &frame::close_payload(code, reason));
        }
        drop(state);
        self.waker.wake();
    }

    /// What is to be done about time and closing.
    pub(crate) fn timed(&self, now: Duration, limits: &Limits) -> Timed {
        let timed = self.state().ending.timed(now, self.opened(), self.last_active(), limits);
        if timed == Timed::Over {
            self.waker.wake();
        }
        timed
    }

    /// Begins to leave for another gateway; false where it is closing, gone or leaving already.
    pub(crate) fn ask_to_leave(&self) -> bool {
        let leaves = self.state().ending.ask_to_leave();
        self.waker.wake();
        leaves
    }

    /// Leaves for another gateway, with what waits; `None` where it was decided otherwise meanwhile. From now on nothing
    /// is sent here.
    pub(crate) fn leave(&self) -> Option<Outbox> {
        let mut state = self.state();
        if !state.ending.leave() {
            return None;
        }
        let outbox = std::mem::take(&mut state.outbox);
        self.metrics.outbox.gone(outbox.len(), outbox.bytes());
        Some(outbox)
    }

    /// Stays here, unless it has left.
    pub(crate) fn stay(&self) -> bool {
        let stays = self.state().ending.stay();
        self.waker.wake();
        stays
    }

    /// How many frames wait for it, and of how many bytes.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let state = self.state();
        (state.outbox.len(), state.outbox.bytes())
    }

    pub(crate) fn standing(&self, bounds: OutboxBounds) -> Standing {
        let state = self.state();
        Standing {
            closing: state.ending.is_closing(),
            leaving: state.ending == Ending::Leaving,
            full: state.outbox.is_full(bounds),
        }
    }

    /// Why nothing can be sent to it, whatever waits; `None`: something can.
    pub(crate) fn refuses(&self) -> Option<NotSent> {
        self.state().refuses()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.state().ending.is_closing()
    }

    pub(crate) fn is_away(&self) -> bool {
        self.state().ending == Ending::Away
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state().ending.is_over()
    }

    pub(crate) fn socket(&self) -> &Writer {
        &self.socket
    }

    pub(crate) fn is_under_tls(&self) -> bool {
        self.session.is_some()
    }

    /// The same socket once more, for whoever has it next.
    pub(crate) fn duplicate(&self) -> io::Result<std::net::TcpStream> {
        self.socket.duplicate()
    }

    /// Ends the client: no more frames. Gives what was decided about `$disconnect`, if anything was.
    pub(crate) fn end(&self) -> Option<Disconnect> {
        let mut state = self.state();
        let outbox = std::mem::take(&mut state.outbox);
        self.metrics.outbox.gone(outbox.len(), outbox.bytes());
        state.ending.end()
    }

    pub(crate) fn touch(&self, now: Duration) {
        self.last_active_ms.store(now.as_millis() as u64, Ordering::Relaxed);
    }

    /// When it was opened, by the gateway's clock.
    pub(crate) fn opened(&self) -> Duration {
        Duration::from_millis(self.opened_ms)
    }

    /// When the last bytes went in either direction, by the gateway's clock.
    pub(crate) fn last_active(&self) -> Duration {
        Duration::from_millis(self.last_active_ms.load(Ordering::Relaxed))
    }

    /// Has the connection's task woken by this context.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        self.waker.register(cx.waker());
    }

    /// Writes what waits. Pending: the socket takes no more for now, and will wake the task.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>, now: Duration) -> Poll<io::Result<()>> {
        let mut state = self.state();
        while let Some(front) = state.outbox.front() {
            match self.socket.try_write(front) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(written) => {
                    let frames = state.outbox.advance(written);
                    self.metrics.outbox.gone(frames, written);
                    self.touch(now);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match self.socket.poll_write_ready(cx) {
                    Poll::Ready(ready) => ready?,
                    Poll::Pending => return Poll::Pending,
                },
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Under TLS: deciphers what the socket gave, and tells whether the client has said that nothing more will come.
    pub(crate) fn decipher(&self, bytes: &[u8], clear: &mut Vec<u8>) -> Option<bool> {
        let session = self.session.as_ref()?;
        let opened = session.open(bytes, clear);
        // The session's own answers go out with nothing of ours; after a broken record it is an alert.
        if opened.as_ref().map_or(true, |opened| opened.has_answer) {
            self.write_or_queue(&mut self.state(), &[]);
        }
        Some(opened.map_or(true, |opened| opened.ended))
    }

    /// Says to the client that nothing more will come; what it sends is still read.
    pub(crate) fn shut_down_writing(&self) {
        self.end_session();
        // A socket that is gone already needs no end.
        let _ = self.socket.shut_down(Shutdown::Write);
    }

    /// Ends the socket in both directions, even while others still hold the client.
    pub(crate) fn shut_down(&self) {
        self.end_session();
        let _ = self.socket.shut_down(Shutdown::Both);
    }

    // Where it finds no room the client reads nothing, and would not read this either.
    fn end_session(&self) {
        if let Some(session) = &self.session {
            let _ = self.socket.try_write(&session.seal_end());
        }
    }

    fn write_frame(&self, state: &mut State, opcode: Opcode, payload: &[u8]) {
        let mut bytes = Vec::with_capacity(payload.len() + 10);
        frame::write(&mut bytes, opcode, payload);
        let traffic = self.metrics.traffic();
        traffic.frames_out.one();
        traffic.bytes_out.add(bytes.len() as u64);
        self.write_or_queue(state, &bytes);
    }

    // An error of the socket is not handled here: the connection's task meets it too, and ends there.
    fn write_or_queue(&self, state: &mut State, bytes: &[u8]) {
        let records = self.session.as_ref().map(|session| session.seal(bytes));
        let bytes = records.as_deref().unwrap_or(bytes);
        if !state.outbox.is_empty() {
            // The task has been woken for what waits already.
            return self.queue(state, bytes);
        }
        let written = self.socket.try_write(bytes).unwrap_or(0);
        if written < bytes.len() {
            self.queue(state, &bytes[written..]);
            self.waker.wake();
        }
    }

    fn queue(&self, state: &mut State, bytes: &[u8]) {
        state.outbox.push(Bytes::copy_from_slice(bytes));
        self.metrics.outbox.queued(bytes.len(), state.outbox.len());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // What was queued after the end, or never taken, waits no more.
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.metrics.outbox.gone(state.outbox.len(), state.outbox.bytes());
        self.metrics.closed();
        if state.ending == Ending::Away {
            self.socket.forget();
        }
    }
}
