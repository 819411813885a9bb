//! One connected client: its socket's writing side, its outbox, its clock. Anybody may send to it.
//!
//! A frame is written to the socket at once, under the client's lock, and queued only when the socket does not take
//! it: cheaper than waking the connection's task for each. The task writes the rest when the socket can.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::net::tcp::OwnedWriteHalf;
use types::event::{Connection, Disconnect};
use types::limits::Limits;

use crate::frame::{self, Opcode};
use crate::metrics::StageMetrics;
use crate::outbox::{Outbox, OutboxBounds};
use crate::session::Session;

/// A client that can be sent to.
pub(crate) struct Client {
    pub(crate) info: Arc<Connection>,
    /// What is counted of its stage.
    pub(crate) metrics: Arc<StageMetrics>,
    /// When it connected, counted from the gateway's start.
    connected: Duration,
    socket: OwnedWriteHalf,
    /// Under TLS; boxed because clear connections are many.
    session: Option<Box<Session>>,
    state: Mutex<State>,
    /// Milliseconds from the gateway's start to the last bytes in either direction.
    last_active_ms: AtomicU64,
    /// Wakes the connection's task.
    waker: AtomicWaker,
}

#[derive(Default)]
struct State {
    outbox: Outbox,
    /// Set once a close frame is on its way out; boxed because it is rare and the clients are many.
    closing: Option<Box<Closing>>,
    /// The connection's task is to end now.
    over: bool,
}

struct Closing {
    disconnect: Disconnect,
    deadline: Duration,
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// The client does not read; its outbox is full.
    Full,
    /// The connection is closing.
    Gone,
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

/// What the timer is to do next about a client.
pub(crate) enum Timed {
    /// Look again then.
    At(Duration),
    /// Idle or too old: it is to be closed.
    Expired,
    /// Nothing more.
    Never,
}

impl Client {
    /// A client whose first bytes are the answer to its handshake. `register` makes it known and gives the frames that
    /// come next; whoever finds it from then on sends or closes behind those.
    pub(crate) fn open(
        info: Arc<Connection>,
        metrics: Arc<StageMetrics>,
        connected: Duration,
        (socket, session): (OwnedWriteHalf, Option<Session>),
        answer: &[u8],
        register: impl FnOnce(&Arc<Client>) -> Vec<(Opcode, Bytes)>,
    ) -> Arc<Client> {
        let last_active_ms = AtomicU64::new(connected.as_millis() as u64);
        let waker = AtomicWaker::new();
        let (state, session) = (Mutex::default(), session.map(Box::new));
        metrics.opened();
        let client = Arc::new(Client { info, metrics, connected, socket, session, state, last_active_ms, waker });
        let mut state = client.state();
        let next = register(&client);
        client.write_or_queue(&mut state, answer);
        for (opcode, payload) in next {
            client.write_frame(&mut state, opcode, &payload);
        }
        drop(state);
        client
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
        if state.closing.is_some() || state.over {
            return Err(NotSent::Gone);
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
        if state.closing.is_none() && !state.over {
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
        if state.closing.is_none() && !state.over {
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
        if state.closing.is_none() && !state.over {
            state.closing = Some(Box::new(Closing { disconnect, deadline }));
            self.write_frame(&mut state, Opcode::Close, &frame::close_payload(code, reason));
        }
        drop(state);
        self.waker.wake();
    }

    /// What the connection's task is to do about time and closing.
    pub(crate) fn timed(&self, now: Duration, limits: &Limits) -> Timed {
        let mut state = self.state();
        if state.over {
            return Timed::Never;
        }
        if let Some(closing) = &state.closing {
            if now < closing.deadline {
                return Timed::At(closing.deadline);
            }
            state.over = true;
            drop(state);
            self.waker.wake();
            return Timed::Never;
        }
        let after = |start: Duration, limit: Duration| (!limit.is_zero()).then(|| start + limit);
        let idle = after(self.last_active(), limits.idle_timeout);
        let age = after(self.connected, limits.connection_duration);
        match [idle, age].into_iter().flatten().min() {
            Some(at) if at <= now => Timed::Expired,
            Some(at) => Timed::At(at),
            None => Timed::Never,
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.state().closing.is_some()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state().over
    }

    pub(crate) fn is_full(&self, bounds: OutboxBounds) -> bool {
        self.state().outbox.is_full(bounds)
    }

    /// Ends the client: no more frames. Gives what was decided about `$disconnect`, if anything was.
    pub(crate) fn end(&self) -> Option<Disconnect> {
        let mut state = self.state();
        state.over = true;
        let outbox = std::mem::take(&mut state.outbox);
        self.metrics.outbox.gone(outbox.len(), outbox.bytes());
        state.closing.take().map(|closing| closing.disconnect)
    }

    pub(crate) fn touch(&self, now: Duration) {
        self.last_active_ms.store(now.as_millis() as u64, Ordering::Relaxed);
    }

    /// When the last bytes went in either direction, counted from the gateway's start.
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
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match self.socket.as_ref().poll_write_ready(cx) {
                        Poll::Ready(ready) => ready?,
                        Poll::Pending => return Poll::Pending,
                    }
                }
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
        let _ = socket2::SockRef::from(self.socket.as_ref()).shutdown(std::net::Shutdown::Write);
    }

    /// Ends the socket in both directions, even while others still hold the client.
    pub(crate) fn shut_down(&self) {
        self.end_session();
        let _ = socket2::SockRef::from(self.socket.as_ref()).shutdown(std::net::Shutdown::Both);
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
    }
}
