//! Percent-encoding and hexadecimal text, as signatures have them.

/// Encodes each byte outside `A-Za-z0-9-_.~`, and outside `also`, as `%XX`.
pub(crate) fn encode_into(out: &mut Vec<u8>, bytes: &[u8], also: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || also.contains(&byte) {
            out.push(byte);
        } else {
            out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

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
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
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
