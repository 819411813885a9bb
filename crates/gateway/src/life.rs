//! The life of an open connection as a pure machine: what the client's bytes come to, and how the connection ends. No
//! socket, task or clock.
//!
//! It is in two parts, because two have it in their hands. [`Reading`] is the task's alone; [`Ending`] stands under the
//! client's lock, where backends and timers reach it too. Each takes what happened, and the time where that matters,
//! and gives what is to be done as a value: `connection.rs` and `client.rs` do it. Which of the task's sources is asked
//! first, and when its turn is over, is theirs as well: a loop over sockets and wakers would be no simpler here.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use types::event::Disconnect;
use types::limits::Limits;

use crate::as_text;
use crate::assembly::{Assembly, Bounds, Input};
use crate::frame::close;

/// What the task keeps of what the client sent; what is written down of it is what an open connection needs.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reading {
    assembly: Assembly,
    /// Bytes that were read but not looked at, because too many messages are in flight; at most one read's worth.
    #[serde(with = "as_text")]
    pub(crate) rest: Bytes,
    /// A connection that is closing is not written down.
    #[serde(skip)]
    attention: Attention,
}

/// What becomes of the client's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Attention {
    #[default]
    Frames,
    /// After a violation they are thrown away; `told` once the end of our own stream is on its way.
    Discarding { told: bool },
}

/// What is to be done because of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    Nothing,
    /// A message goes to its backend.
    Dispatch { body: Bytes, is_binary: bool },
    /// A ping is answered with these bytes.
    Pong(Vec<u8>),
    /// The connection begins to close, unless it has begun already.
    Close(Box<Farewell>),
}

/// How a connection closes because of what its client sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Farewell {
    /// What our close frame says.
    pub(crate) code: u16,
    pub(crate) reason: String,
    /// What `$disconnect` is told.
    pub(crate) disconnect: Disconnect,
    /// Nothing is waited for: the client has closed. Otherwise it broke a rule; then it gets the close frame and the end
    /// of our stream, and what it still sends is read and dropped, so that its system does not throw our close frame
    /// away, until it hangs up or the limit close-timeout is over.
    pub(crate) is_over: bool,
}

/// What the task does next about its client's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Read,
    /// Until a message's end or room in the socket wakes the task.
    Wait,
    /// No message is in flight, and another gateway is to have the connection.
    Leave,
}

/// What of the client bears on whether it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) closing: bool,
    pub(crate) leaving: bool,
    /// Its outbox is full.
    pub(crate) full: bool,
}

/// The messages of a connection in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InFlight {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Reading {
    /// Bytes that came behind the handshake.
    pub(crate) fn of(rest: Vec<u8>) -> Reading {
        Reading { rest: rest.into(), ..Reading::default() }
    }

    /// Whether frames are still of interest.
    pub(crate) fn heeds_frames(&self) -> bool {
        self.attention == Attention::Frames
    }

    /// Whether the client may be read, so far as it alone is concerned.
    pub(crate) fn next(&self, standing: Standing, in_flight: InFlight, limits: &Limits) -> Next {
        // Once it is closing only the client's close frame matters, which must not wait for a backend.
        if !self.heeds_frames() || standing.closing {
            return Next::Read;
        }
        if standing.leaving {
            return if in_flight.messages == 0 { Next::Leave } else { Next::Wait };
        }
        let has_room = in_flight.messages < limits.in_flight_per_connection
            && in_flight.bytes < limits.in_flight_bytes_per_connection
            && !standing.full;
        if has_room { Next::Read } else { Next::Wait }
    }

    /// Takes the next whole frame off `bytes` and says what is to be done; `None` when they are used up, or of
    /// no interest any more.
    pub(crate) fn take(
        &mut self,
        bytes: &mut &[u8],
        bounds: Bounds,
        is_closing: impl FnOnce() -> bool,
    ) -> Option<Effect> {
        if !self.heeds_frames() {
            return None;
        }
        match self.assembly.next(bytes, bounds) {
            Ok(None) => None,
            Ok(Some(Input::Message { body, is_binary })) if !is_closing() => Some(Effect::Dispatch { body, is_binary }),
            Ok(Some(Input::Ping(payload))) => Some(Effect::Pong(payload)),
            // After our own close frame only the client's matters (RFC 6455, 5.5.1).
            Ok(Some(Input::Message { .. } | Input::Part | Input::Pong)) => Some(Effect::Nothing),
            Ok(Some(Input::Close { code, reason })) => {
                let disconnect = closed_by_client(code, reason);
                Some(Effect::Close(Box::new(Farewell { code, reason: String::new(), disconnect, is_over: true })))
            }
            Err(violation) => {
                self.assembly = Assembly::default();
                self.attention = Attention::Discarding { told: false };
                let disconnect = Disconnect::new(violation.code, violation.reason.clone());
                let (code, reason) = (violation.code, violation.reason);
                Some(Effect::Close(Box::new(Farewell { code, reason, disconnect, is_over: false })))
            }
        }
    }

    /// How many whole frames came since this was last asked.
    pub(crate) fn take_frames(&mut self) -> u32 {
        self.assembly.take_frames()
    }

    /// The socket has taken all that waited; true where our own stream ends now.
    pub(crate) fn flushed(&mut self) -> bool {
        let ends = self.attention == Attention::Discarding { told: false };
        if ends {
            self.attention = Attention::Discarding { told: true };
        }
        ends
    }
}

/// How far a connection's end has come. What was decided first counts: our close, the client's, or another gateway.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nobody thinks of it.
    #[default]
    Open,
    /// Another gateway is to have it once its messages are through. Until then it can still be closed.
    Leaving,
    /// A close frame is on its way out; boxed because that is rare and the clients are many.
    Closing(Box<Closing>),
    /// Another gateway has it, or is about to.
    Away,
    /// The task is to end now, if it has not; with what was decided before.
    Over(Option<Box<Closing>>),
}

/// A connection that closes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closing {
    /// What `$disconnect` is told.
    disconnect: Disconnect,
    /// When the client must have closed.
    deadline: Duration,
}

/// What the timer is to do next about a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Timed {
    /// Look again then.
    At(Duration),
    /// Idle or too old: it is to be closed.
    Expired,
    /// It had its time to close: the task is to end.
    Over,
    /// Nothing more.
    Never,
}

impl Ending {
    /// Whether frames may go out.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Ending::Open | Ending::Leaving)
    }

    pub(crate) fn is_closing(&self) -> bool {
        matches!(self, Ending::Closing(_))
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Ending::Over(_))
    }

    /// Begins to close; true where the close frame is to go out: the first caller wins.
    pub(crate) fn close(&mut self, disconnect: Disconnect, deadline: Duration) -> bool {
        let begins = self.is_open();
        if begins {
            *self = Ending::Closing(Box::new(Closing { disconnect, deadline }));
        }
        begins
    }

    /// Begins to leave for another gateway; false where it is closing, gone or leaving already.
    pub(crate) fn ask_to_leave(&mut self) -> bool {
        let begins = *self == Ending::Open;
        if begins {
            *self = Ending::Leaving;
        }
        begins
    }

    /// Leaves; false where it was decided otherwise meanwhile.
    pub(crate) fn leave(&mut self) -> bool {
        let leaves = *self == Ending::Leaving;
        if leaves {
            *self = Ending::Away;
        }
        leaves
    }

    /// Stays, if it has not left yet.
    pub(crate) fn stay(&mut self) -> bool {
        let stays = *self == Ending::Leaving;
        if stays {
            *self = Ending::Open;
        }
        stays
    }

    /// What is to be done about a connection that was opened and last active at these times.
    pub(crate) fn timed(&mut self, now: Duration, opened: Duration, last_active: Duration, limits: &Limits) -> Timed {
        match self {
            Ending::Away | Ending::Over(_) => Timed::Never,
            Ending::Closing(closing) if now < closing.deadline => Timed::At(closing.deadline),
            Ending::Closing(_) => {
                *self = match std::mem::take(self) {
                    Ending::Closing(closing) => Ending::Over(Some(closing)),
                    other => other,
                };
                Timed::Over
            }
            Ending::Open | Ending::Leaving => {
                let after = |start: Duration, limit: Duration| (!limit.is_zero()).then(|| start + limit);
                let idle = after(last_active, limits.idle_timeout);
                let age = after(opened, limits.connection_duration);
                match [idle, age].into_iter().flatten().min() {
                    Some(at) if at <= now => Timed::Expired,
                    Some(at) => Timed::At(at),
                    None => Timed::Never,
                }
            }
        }
    }

    /// Ends it. Gives what was decided about `$disconnect`, if anything was.
    pub(crate) fn end(&mut self) -> Option<Disconnect> {
        match std::mem::replace(self, Ending::Over(None)) {
            Ending::Closing(closing) | Ending::Over(Some(closing)) => Some(closing.disconnect),
            Ending::Open | Ending::Leaving | Ending::Away | Ending::Over(None) => None,
        }
    }
}

/// How a connection ended that nobody closed. The text is a peer's, not verified on AWS.
pub(crate) fn abnormal() -> Disconnect {
    Disconnect::new(close::ABNORMAL, "Connection closed abnormally")
}

fn closed_by_client(code: u16, reason: String) -> Disconnect {
    let reason = match code {
        // Observed.
        close::NO_STATUS => "Client-side close frame status not set".to_owned(),
        // Inferred from the text that AWS uses when the server closes so.
        close::NORMAL if reason.is_empty() => "Connection Closed Normally".to_owned(),
        _ => reason,
    };
    Disconnect::new(code, reason)
}

#[cfg(test)]
mod tests;
