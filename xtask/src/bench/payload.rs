//! The messages that the benches send.

use bytes::Bytes;

/// The smallest message that holds its sender's number, in bytes.
pub(crate) const MESSAGE_BYTES_MIN: usize = 64;
/// The sender's number stands here in a message, in six digits.
const SENDER_AT: std::ops::Range<usize> = 22..28;

/// The message of connection number `sender`: a JSON object of exactly `size` bytes.
pub(crate) fn message(sender: usize, size: usize) -> Bytes {
    let head = format!(r#"{{"action":"take","n":"{sender:06}","pad":""#);
    let pad = size.max(MESSAGE_BYTES_MIN) - head.len() - 2;
    format!(r#"{head}{}"}}"#, "x".repeat(pad)).into()
}

/// The number in a [`message`]; `None` for anything else.
pub(crate) fn sender(message: &[u8]) -> Option<usize> {
    std::str::from_utf8(message.get(SENDER_AT)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_size_and_tells_its_sender() {
        for size in [MESSAGE_BYTES_MIN, 128, 4096] {
            let message = message(42, size);
            assert_eq!(message.len(), size);
            assert_eq!(sender(&message), Some(42));
            assert!(serde_json::from_slice::<serde_json::Value>(&message).is_ok());
        }
        assert_eq!(sender(b"{}"), None);
        assert_eq!(sender(&[0xFF; 64]), None);
    }
}
