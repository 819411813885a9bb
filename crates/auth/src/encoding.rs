//! Percent-encoding and hexadecimal text, as signatures have them.

/// Encodes each byte outside `A-Za-z0-9-_.~`, and outside `also`, as `%XX`.
pub(crate) fn encode_into(out: &mut Vec<u8>, bytes: &[u8], also: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    // Most of what is signed is plain, and goes in runs.
    let is_plain = |byte: &u8| PLAIN[usize::from(*byte)] || also.contains(byte);
    let mut rest = bytes;
    while !rest.is_empty() {
        let (run, after) = rest.split_at(rest.iter().position(|byte| !is_plain(byte)).unwrap_or(rest.len()));
        out.extend_from_slice(run);
        rest = after;
        if let [byte, after @ ..] = rest {
            out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            rest = after;
        }
    }
}

/// `A-Za-z0-9-_.~`.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'_' | b'.' | b'~');
        byte += 1;
    }
    plain
};

/// Undoes percent-encoding once; what is none stays as it is, and so does a plus sign.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let [first, rest @ ..] = bytes {
        bytes = rest;
        if let (b'%', [high, low, after @ ..]) = (first, rest)
            && let (Some(high), Some(low)) = (char::from(*high).to_digit(16), char::from(*low).to_digit(16))
        {
            out.push((high * 16 + low) as u8);
            bytes = after;
            continue;
        }
        out.push(*first);
    }
    out
}

/// The same as text; what is no UTF-8 is replaced.
pub(crate) fn decode_text(text: &str) -> String {
    String::from_utf8_lossy(&decode(text)).into_owned()
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut out = Vec::with_capacity(2 * bytes.len());
    for byte in bytes {
        out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
    String::from_utf8(out).unwrap_or_default()
}

/// Thirty-two bytes from their lower-case hexadecimal digits; none for any other text.
pub(crate) fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = (digit(0)? * 16 + digit(1)?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{decode_text, from_hex, hex};

    #[test]
    fn what_is_no_escape_stays() {
        for (text, expected) in [("a%3Db", "a=b"), ("a%3db", "a=b"), ("a%3", "a%3"), ("%zz+", "%zz+"), ("%25", "%")] {
            assert_eq!(decode_text(text), expected);
        }
    }

    #[test]
    fn hexadecimal_text_has_one_spelling() {
        let bytes = [0xa5; 32];
        assert_eq!(from_hex(&hex(&bytes)), Some(bytes));
        for text in ["", "a5", &"A5".repeat(32), &"a5".repeat(33), &"g5".repeat(32)] {
            assert_eq!(from_hex(text), None, "{text}");
        }
    }
}
