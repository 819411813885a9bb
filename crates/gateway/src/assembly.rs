//! Puts a client's bytes together to messages, within the size limits. No I/O.

use std::str;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::as_text;
use crate::frame::{self, Head, Opcode, close};

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A whole message; valid UTF-8 unless it is binary.
    Message {
        body: Bytes,
        is_binary: bool,
    },
    /// A frame of a message of which more must come.
    Part,
    Ping(Vec<u8>),
    Pong,
    /// A close frame; the code is 1005 where it had none.
    Close {
        code: u16,
        reason: String,
    },
}

/// The client broke a rule; its connection is closed with this code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

/// The size limits that apply here; a `frame_bytes` of 0 means none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) frame_bytes: usize,
    pub(crate) message_bytes: usize,
    /// Whether binary messages are let in.
    pub(crate) binary: bool,
}

/// What is kept of a connection between reads: nothing, unless a frame or message is in parts.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assembly {
    /// The beginning of a frame, up to `frame_bytes` and a head.
    #[serde(with = "as_text")]
    frame: Vec<u8>,
    /// The payloads of a message's frames so far, up to `message_bytes`.
    #[serde(with = "as_text")]
    message: Vec<u8>,
    /// How much of `message` is known to be UTF-8; whoever reads it from elsewhere looks again.
    #[serde(skip)]
    checked: usize,
    in_message: bool,
    is_binary: bool,
    /// Whole frames since somebody last asked.
    #[serde(skip)]
    frames: u32,
}

impl Assembly {
    /// How many whole frames came since this was last asked.
    pub(crate) fn take_frames(&mut self) -> u32 {
        std::mem::take(&mut self.frames)
    }

    /// What is kept of frames and messages in parts, in bytes.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn kept_bytes(&self) -> usize {
        self.frame.len() + self.message.len()
    }

    /// Takes the next whole frame off `bytes`; `None` when they are used up. One frame at a time, because whoever calls
    /// counts them: empty ones cost a client nothing.
    pub(crate) fn next(&mut self, bytes: &mut &[u8], bounds: Bounds) -> Result<Option<Input>, Violation> {
        let Some((head, payload)) = self.next_frame(bytes, bounds)? else { return Ok(None) };
        self.frames = self.frames.saturating_add(1);
        self.take(head, payload).map(Some)
    }

    // One whole frame with its mask undone.
    fn next_frame(&mut self, bytes: &mut &[u8], bounds: Bounds) -> Result<Option<(Head, Vec<u8>)>, Violation> {
        if self.frame.is_empty() {
            let Some(head) = self.check(bytes, bounds)? else {
                self.frame.extend_from_slice(bytes);
                *bytes = &[];
                return Ok(None);
            };
            let whole = head.head_len + head.payload_len;
            if bytes.len() < whole {
                // What a head announces is not reserved: it may never come.
                self.frame.extend_from_slice(bytes);
                *bytes = &[];
                return Ok(None);
            }
            let mut payload = bytes[head.head_len..whole].to_vec();
            *bytes = &bytes[whole..];
            frame::unmask(&mut payload, head.mask);
            return Ok(Some((head, payload)));
        }
        // The frame began in an earlier read. A head has at most 14 bytes: take those first, then the payload.
        let head = loop {
            match self.check(&self.frame, bounds)? {
                Some(head) => break head,
                None if bytes.is_empty() => return Ok(None),
                None => {
                    self.frame.push(bytes[0]);
                    *bytes = &bytes[1..];
                }
            }
        };
        let missing = head.head_len + head.payload_len - self.frame.len();
        let taken = missing.min(bytes.len());
        self.frame.extend_from_slice(&bytes[..taken]);
        *bytes = &bytes[taken..];
        if taken < missing {
            return Ok(None);
        }
        let mut payload = std::mem::take(&mut self.frame);
        payload.drain(..head.head_len);
        frame::unmask(&mut payload, head.mask);
        Ok(Some((head, payload)))
    }

    // Everything that the head alone can break, before a byte of the payload is kept.
    fn check(&self, bytes: &[u8], bounds: Bounds) -> Result<Option<Head>, Violation> {
        let head = frame::read_head(bytes).map_err(|reason| violation(close::PROTOCOL, reason))?;
        let Some(head) = head else { return Ok(None) };
        match head.opcode {
            Opcode::Binary if !bounds.binary => {
                return Err(violation(close::UNSUPPORTED, "binary frames are not supported"));
            }
            Opcode::Text | Opcode::Binary if self.in_message => {
                return Err(violation(close::PROTOCOL, "a message began inside another"));
            }
            Opcode::Continuation if !self.in_message => {
                return Err(violation(close::PROTOCOL, "there is no message to continue"));
            }
            Opcode::Close | Opcode::Ping | Opcode::Pong => return Ok(Some(head)),
            Opcode::Text | Opcode::Binary | Opcode::Continuation => {}
        }
        if bounds.frame_bytes != 0 && head.payload_len > bounds.frame_bytes {
            let reason =
                format!("frame of {} bytes, the limit frame-bytes is {}", head.payload_len, bounds.frame_bytes);
            return Err(violation(close::TOO_BIG, &reason));
        }
        let message_len = self.message.len().saturating_add(head.payload_len);
        if message_len > bounds.message_bytes {
            let reason = format!("message of {message_len} bytes, the limit message-bytes is {}", bounds.message_bytes);
            return Err(violation(close::TOO_BIG, &reason));
        }
        Ok(Some(head))
    }

    fn take(&mut self, head: Head, payload: Vec<u8>) -> Result<Input, Violation> {
        match head.opcode {
            Opcode::Ping => Ok(Input::Ping(payload)),
            Opcode::Pong => Ok(Input::Pong),
            Opcode::Close => read_close(&payload),
            // A message in one frame, as nearly all are.
            Opcode::Text if head.is_final => match simdutf8::basic::from_utf8(&payload) {
                Ok(_) => Ok(Input::Message { body: Bytes::from(payload), is_binary: false }),
                Err(_) => Err(not_utf8()),
            },
            Opcode::Binary if head.is_final => Ok(Input::Message { body: Bytes::from(payload), is_binary: true }),
            Opcode::Text | Opcode::Continuation | Opcode::Binary => {
                self.in_message = true;
                self.is_binary |= head.opcode == Opcode::Binary;
                self.message.extend_from_slice(&payload);
                if !self.is_binary {
                    self.check_utf8(head.is_final)?;
                }
                if !head.is_final {
                    return Ok(Input::Part);
                }
                self.in_message = false;
                self.checked = 0;
                let body = Bytes::from(std::mem::take(&mut self.message));
                Ok(Input::Message { body, is_binary: std::mem::take(&mut self.is_binary) })
            }
        }
    }

    // Fragment by fragment, so that a message that cannot become text ends early; a character may span two.
    fn check_utf8(&mut self, is_final: bool) -> Result<(), Violation> {
        match str::from_utf8(&self.message[self.checked..]) {
            Ok(_) => self.checked = self.message.len(),
            Err(error) if error.error_len().is_some() || is_final => return Err(not_utf8()),
            Err(error) => self.checked += error.valid_up_to(),
        }
        Ok(())
    }
}

fn read_close(payload: &[u8]) -> Result<Input, Violation> {
    let (code, reason) = match payload {
        [] => (close::NO_STATUS, &[][..]),
        [_] => return Err(violation(close::PROTOCOL, "a close code has two bytes")),
        [a, b, reason @ ..] => (u16::from_be_bytes([*a, *b]), reason),
    };
    if code != close::NO_STATUS && !frame::is_close_code(code) || code == close::NO_STATUS && !payload.is_empty() {
        return Err(violation(close::PROTOCOL, "the close code may not be sent"));
    }
    let reason = str::from_utf8(reason).map_err(|_| not_utf8())?;
    Ok(Input::Close { code, reason: reason.to_owned() })
}

fn violation(code: u16, reason: &str) -> Violation {
    Violation { code, reason: reason.to_owned() }
}

fn not_utf8() -> Violation {
    violation(close::NOT_UTF8, "text is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { frame_bytes: 1000, message_bytes: 3000, binary: false };

    fn client_frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..=125 => frame.push(0x80 | short as u8),
            long => {
                frame.push(0xfe);
                frame.extend((long as u16).to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4]);
        frame.extend(payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(a, b)| a ^ b));
        frame
    }

    // Feeds the bytes in steps of every size from 1; all must read the same.
    fn read(bytes: &[u8]) -> (Vec<Input>, Option<u16>) {
        let mut results = Vec::new();
        for step in [1, 2, 3, 7, 64, 1001, bytes.len().max(1)] {
            let mut assembly = Assembly::default();
            let mut inputs = Vec::new();
            let mut code = None;
            'all: for mut part in bytes.chunks(step) {
                loop {
                    match assembly.next(&mut part, BOUNDS) {
                        Ok(Some(Input::Part)) => {}
                        Ok(Some(input)) => inputs.push(input),
                        Ok(None) => break,
                        Err(violation) => {
                            code = Some(violation.code);
                            break 'all;
                        }
                    }
                }
            }
            results.push((inputs, code));
        }
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:?}");
        results.pop().unwrap()
    }

    fn text(text: &str) -> Input {
        Input::Message { body: Bytes::copy_from_slice(text.as_bytes()), is_binary: false }
    }

    #[test]
    fn messages_come_whole_with_control_frames_in_between() {
        let mut bytes = client_frame(0x81, b"one");
        bytes.extend(client_frame(0x01, "tü".as_bytes()));
        bytes.extend(client_frame(0x89, b"ping"));
        bytes.extend(client_frame(0x80, b"!"));
        bytes.extend(client_frame(0x81, b""));
        bytes.extend(client_frame(0x88, &[0x03, 0xe8, b'b', b'y', b'e']));
        let close = Input::Close { code: 1000, reason: "bye".into() };
        assert_eq!(read(&bytes), (vec![text("one"), Input::Ping(b"ping".into()), text("tü!"), text(""), close], None));
    }

    #[test]
    fn a_character_may_span_frames_but_not_end_the_message_half() {
        let euro = "€".as_bytes();
        let mut bytes = client_frame(0x01, &euro[..1]);
        bytes.extend(client_frame(0x00, &euro[1..2]));
        let mut whole = bytes.clone();
        whole.extend(client_frame(0x80, &euro[2..]));
        assert_eq!(read(&whole), (vec![text("€")], None));
        bytes.extend(client_frame(0x80, b""));
        assert_eq!(read(&bytes), (vec![], Some(1007)));
    }

    #[test]
    fn every_violation_has_its_code() {
        let exactly = "a".repeat(1000);
        for (frames, code) in [
            (vec![client_frame(0x82, b"x")], 1003),
            (vec![client_frame(0x80, b"x")], 1002),
            (vec![client_frame(0x01, b"x"), client_frame(0x81, b"y")], 1002),
            (vec![client_frame(0x81, b"\xff")], 1007),
            (vec![client_frame(0x88, b"\x03")], 1002),
            (vec![client_frame(0x88, &[0x03, 0xed])], 1002),
            (vec![client_frame(0x88, &[0x03, 0xe8, 0xff])], 1007),
            (vec![client_frame(0x81, &[b'a'; 1001])], 1009),
            (vec![vec![0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]], 1009),
            ([0x01, 0x00, 0x00, 0x80].map(|first| client_frame(first, exactly.as_bytes())).to_vec(), 1009),
        ] {
            assert_eq!(read(&frames.concat()).1, Some(code), "{frames:x?}");
        }
        let allowed = [0x01, 0x00, 0x80].map(|first| client_frame(first, exactly.as_bytes())).concat();
        assert_eq!(read(&allowed), (vec![text(&"a".repeat(3000))], None));
    }

    #[test]
    fn what_a_head_announces_is_not_reserved() {
        let mut assembly = Assembly::default();
        let frame = client_frame(0x81, &[b'a'; 1000]);
        assert_eq!(assembly.next(&mut &frame[..8], BOUNDS), Ok(None));
        assert!(assembly.frame.capacity() <= 64, "{} bytes", assembly.frame.capacity());
    }

    #[test]
    fn nothing_is_kept_once_a_message_is_whole() {
        let mut assembly = Assembly::default();
        let bytes = [client_frame(0x01, b"a"), client_frame(0x80, b"b")].concat();
        let (mut first, mut second) = bytes.split_at(9);
        assert_eq!(assembly.next(&mut first, BOUNDS), Ok(Some(Input::Part)));
        assert_eq!(assembly.next(&mut first, BOUNDS), Ok(None));
        assert!(assembly.in_message);
        assert_eq!(assembly.next(&mut second, BOUNDS), Ok(Some(text("ab"))));
        assert!(!assembly.in_message);
        assert_eq!((assembly.frame.capacity(), assembly.message.capacity()), (0, 0));
    }
}
