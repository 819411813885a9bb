//! WebSocket frames as bytes (RFC 6455, section 5): heads read, frames written. No I/O.

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

/// The head of a client's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) is_final: bool,
    pub(crate) opcode: Opcode,
    pub(crate) mask: [u8; 4],
    pub(crate) payload_len: usize,
    /// How many bytes the head itself takes.
    pub(crate) head_len: usize,
}

/// Close codes that the gateway sends. Source: RFC 6455, 7.4.1; which one when: docs/aws/data-plane.md 1.9.
pub(crate) mod close {
    pub(crate) const NORMAL: u16 = 1000;
    pub(crate) const GOING_AWAY: u16 = 1001;
    /// Source: the registry of close codes (IANA), 1012.
    pub(crate) const SERVICE_RESTART: u16 = 1012;
    pub(crate) const PROTOCOL: u16 = 1002;
    pub(crate) const UNSUPPORTED: u16 = 1003;
    /// Never sent: a close frame without a code.
    pub(crate) const NO_STATUS: u16 = 1005;
    /// Never sent: no close frame came.
    pub(crate) const ABNORMAL: u16 = 1006;
    pub(crate) const NOT_UTF8: u16 = 1007;
    pub(crate) const TOO_BIG: u16 = 1009;
}

/// The largest payload of a control frame. Source: RFC 6455, 5.5.
pub(crate) const CONTROL_BYTES_MAX: usize = 125;

/// Reads the head of a client's frame; `None` while it is not whole.
///
/// # Errors
/// A sentence, when the frame breaks the protocol: reserved bits or opcodes, no mask, a control frame that is long
/// or in parts, a length that is no length.
pub(crate) fn read_head(bytes: &[u8]) -> Result<Option<Head>, &'static str> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    if first & 0x70 != 0 {
        return Err("reserved bits are set and no extension was negotiated");
    }
    let is_final = first & 0x80 != 0;
    let opcode = match first & 0x0f {
        0x0 => Opcode::Continuation,
        0x1 => Opcode::Text,
        0x2 => Opcode::Binary,
        0x8 => Opcode::Close,
        0x9 => Opcode::Ping,
        0xa => Opcode::Pong,
        _ => return Err("the opcode is reserved"),
    };
    if second & 0x80 == 0 {
        return Err("a client's frame must be masked");
    }
    let short = usize::from(second & 0x7f);
    if first & 0x08 != 0 && (short > CONTROL_BYTES_MAX || !is_final) {
        return Err("a control frame must be one frame of at most 125 bytes");
    }
    let (length, extra) = match (short, rest) {
        (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 2),
        (127, [a, b, c, d, e, f, g, h, ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 8),
        (126 | 127, _) => return Ok(None),
        _ => (short as u64, 0),
    };
    if length >> 63 != 0 || (extra == 2 && length < 126) || (extra == 8 && length <= 0xffff) {
        return Err("the frame's length is not written as it must be");
    }
    let payload_len = usize::try_from(length).unwrap_or(usize::MAX);
    let Some(&[a, b, c, d]) = rest.get(extra..extra + 4) else { return Ok(None) };
    Ok(Some(Head { is_final, opcode, mask: [a, b, c, d], payload_len, head_len: 2 + extra + 4 }))
}

/// Undoes a mask in place.
pub(crate) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(word) ^ wide).to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip([a, b, c, d, a, b, c]) {
        *byte ^= key;
    }
}

/// Writes a whole frame of the server's: never masked, never in parts.
pub(crate) fn write(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    let code = match opcode {
        Opcode::Continuation => 0x0,
        Opcode::Text => 0x1,
        Opcode::Binary => 0x2,
        Opcode::Close => 0x8,
        Opcode::Ping => 0x9,
        Opcode::Pong => 0xa,
    };
    out.push(0x80 | code);
    match payload.len() {
        short @ 0..=125 => out.push(short as u8),
        medium @ 126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// How much of a reason a close frame has room for.
pub(crate) const REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

/// The payload of a close frame: the code, then as much of the reason as fits.
pub(crate) fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    if code == close::NO_STATUS {
        return Vec::new();
    }
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(&reason.as_bytes()[..end]);
    payload
}

/// Whether a client may close with this code. Source: RFC 6455, 7.4.
pub(crate) fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_every_length_are_read_and_only_when_whole() {
        for (length, head) in [
            (5usize, vec![0x81, 0x85]),
            (300, vec![0x81, 0xfe, 1, 44]),
            (70_000, vec![0x81, 0xff, 0, 0, 0, 0, 0, 1, 0x11, 0x70]),
        ] {
            let mut bytes = head;
            bytes.extend([1, 2, 3, 4]);
            for cut in 0..bytes.len() {
                assert_eq!(read_head(&bytes[..cut]), Ok(None), "{length} at {cut}");
            }
            let head = read_head(&bytes).unwrap().unwrap();
            assert_eq!((head.payload_len, head.head_len, head.mask), (length, bytes.len(), [1, 2, 3, 4]));
        }
    }

    #[test]
    fn frames_that_break_the_protocol_are_named() {
        for (bytes, part) in [
            (&[0xc1, 0x80][..], "reserved bits"),
            (&[0x83, 0x80], "opcode"),
            (&[0x81, 0x05], "masked"),
            (&[0x89, 0xfe], "control frame"),
            (&[0x08, 0x80], "control frame"),
            (&[0x81, 0xfe, 0, 5], "not written"),
            (&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], "not written"),
            (&[0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "not written"),
        ] {
            assert!(read_head(bytes).is_err_and(|error| error.contains(part)), "{bytes:x?}");
        }
    }

    #[test]
    fn a_mask_is_undone_at_every_length() {
        for length in 0..40 {
            let plain: Vec<u8> = (0..length).collect();
            let mut bytes: Vec<u8> = plain.iter().zip([9, 8, 7, 6].iter().cycle()).map(|(a, b)| a ^ b).collect();
            unmask(&mut bytes, [9, 8, 7, 6]);
            assert_eq!(bytes, plain);
        }
    }

    #[test]
    fn a_close_reason_is_cut_between_characters() {
        let payload = close_payload(1000, &"ü".repeat(100));
        assert_eq!(payload.len(), 2 + 122);
        assert!(std::str::from_utf8(&payload[2..]).is_ok());
        assert!(close_payload(close::NO_STATUS, "unused").is_empty());
    }
}
