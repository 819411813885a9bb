//! WebSocket frames as a client writes and reads them (RFC 6455, section 5); written apart from the gateway's own.

pub(crate) const TEXT: u8 = 0x1;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xA;
const CONTINUATION: u8 = 0x0;
const FIN: u8 = 0x80;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// One masked frame.
pub(crate) fn frame(opcode: u8, is_final: bool, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![opcode | if is_final { FIN } else { 0 }];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A text message in so many frames.
pub(crate) fn message(text: &[u8], fragments: usize) -> Vec<u8> {
    let size = text.len().div_ceil(fragments).max(1);
    let parts: Vec<_> = text.chunks(size).collect();
    let last = parts.len() - 1;
    let parts = parts.iter().enumerate();
    parts.flat_map(|(at, part)| frame(if at == 0 { TEXT } else { CONTINUATION }, at == last, part)).collect()
}

/// Takes a whole frame off the front: opcode and payload.
///
/// # Errors
/// When it is none that a gateway may send.
pub(crate) fn take(bytes: &mut Vec<u8>) -> Result<Option<(u8, Vec<u8>)>, String> {
    let [first, second, ..] = bytes[..] else { return Ok(None) };
    if first & 0xF0 != FIN || second & 0x80 != 0 {
        return Err(format!("a frame that begins with {first:#04x} {second:#04x}"));
    }
    let (head, length) = match second {
        126 if bytes.len() < 4 => return Ok(None),
        126 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
        127 => return Err("a frame longer than any that was sent".to_owned()),
        length => (2, usize::from(length)),
    };
    if bytes.len() < head + length {
        return Ok(None);
    }
    let payload = bytes[head..head + length].to_vec();
    bytes.drain(..head + length);
    Ok(Some((first & 0x0F, payload)))
}
