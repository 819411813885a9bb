//! What waits for one client: bounded in messages and bytes. No I/O; its owner does the writing.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use serde::{Deserialize, Serialize};

use crate::as_text;

/// The bytes that a client's socket has not taken yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Frame>", into = "Vec<Frame>")]
pub(crate) struct Outbox {
    frames: VecDeque<Bytes>,
    bytes: usize,
}

/// A frame as it is written down, or the rest of one.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Frame(#[serde(with = "as_text")] Bytes);

impl From<Vec<Frame>> for Outbox {
    fn from(frames: Vec<Frame>) -> Outbox {
        let mut outbox = Outbox::default();
        frames.into_iter().for_each(|frame| outbox.push(frame.0));
        outbox
    }
}

impl From<Outbox> for Vec<Frame> {
    fn from(outbox: Outbox) -> Vec<Frame> {
        outbox.frames.into_iter().map(Frame).collect()
    }
}

/// The bounds of an outbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutboxBounds {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// How many frames wait, the one included that is half written.
    pub(crate) fn len(&self) -> usize {
        self.frames.len()
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a client that reads nothing has used up its share. One frame always fits, so that a frame larger
    /// than the bound can be sent at all.
    pub(crate) fn is_full(&self, bounds: OutboxBounds) -> bool {
        self.frames.len() >= bounds.messages || self.bytes >= bounds.bytes
    }

    /// Queues a frame, or the rest of one. Whoever calls has asked [`Outbox::is_full`], or adds what is bounded
    /// elsewhere: replies by the messages in flight, pongs and closes by the input that is then not read.
    pub(crate) fn push(&mut self, frame: Bytes) {
        if !frame.is_empty() {
            self.bytes += frame.len();
            self.frames.push_back(frame);
        }
    }

    /// The bytes to write next.
    pub(crate) fn front(&self) -> Option<&[u8]> {
        self.frames.front().map(|frame| frame.as_ref())
    }

    /// Forgets `written` bytes of the front; gives the memory back when nothing is left. Tells how many frames are done.
    pub(crate) fn advance(&mut self, written: usize) -> usize {
        let before = self.frames.len();
        self.bytes -= written;
        if let Some(front) = self.frames.front_mut() {
            front.advance(written);
            if front.is_empty() {
                self.frames.pop_front();
            }
        }
        let done = before - self.frames.len();
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::{Outbox, OutboxBounds};
    use bytes::Bytes;

    #[test]
    fn an_outbox_is_full_by_messages_or_by_bytes_and_empties_in_order() {
        let bounds = OutboxBounds { messages: 2, bytes: 10 };
        let mut outbox = Outbox::default();
        assert!(!outbox.is_full(bounds));
        outbox.push(Bytes::from_static(b"abc"));
        assert!(!outbox.is_full(bounds));
        outbox.push(Bytes::from_static(b"de"));
        assert!(outbox.is_full(bounds));
        outbox.advance(2);
        assert_eq!(outbox.front(), Some(&b"c"[..]));
        outbox.advance(1);
        assert_eq!(outbox.front(), Some(&b"de"[..]));
        outbox.push(Bytes::from_static(b"0123456789"));
        let written = serde_json::to_string(&outbox).unwrap();
        assert_eq!(serde_json::from_str::<Outbox>(&written).unwrap(), outbox, "{written}");
        outbox.advance(2);
        assert!(outbox.is_full(bounds), "ten bytes wait");
        outbox.advance(10);
        assert!(outbox.is_empty() && outbox.front().is_none());
    }
}
