//! Connection, message and request ids, in the one form that AWS gives all three.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// How many bytes an id has.
pub const BYTES: usize = 11;

/// How many characters an id has when written: 15 of base64 and one `=`.
pub const TEXT_LEN: usize = 16;

/// A connection, message or request id: 11 bytes, written as 16 characters of URL-safe base64 with padding.
///
/// Layout: 8 random bytes, one byte for the kind, two bytes for the node that made it. A message's last three
/// bytes equal its connection's. Source: form, kind byte and the shared tail observed (18 recorded ids);
/// that the first eight bytes are random is ours (AWS has a clock and a Region there, and calls ids opaque).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; 11]);

/// The byte that tells what an id names. Source: observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// A connection, or a message of it.
    Connection = 0x02,
    /// A request: one event's trip to the backend.
    Request = 0x05,
}

impl Id {
    /// Makes an id from random bits and the number of the node that owns it.
    pub fn new(kind: IdKind, node: u16, random: u64) -> Id {
        let mut bytes = [0; 11];
        bytes[..8].copy_from_slice(&random.to_be_bytes());
        bytes[8] = kind as u8;
        bytes[9..].copy_from_slice(&node.to_be_bytes());
        Id(bytes)
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> [u8; BYTES] {
        self.0
    }

    /// The id of these bytes.
    pub fn from_bytes(bytes: [u8; BYTES]) -> Id {
        Id(bytes)
    }

    /// The node that made this id.
    pub fn node(&self) -> u16 {
        u16::from_be_bytes([self.0[9], self.0[10]])
    }

    /// The random part; good enough as a hash.
    pub fn random(&self) -> u64 {
        let mut random = [0; 8];
        random.copy_from_slice(&self.0[..8]);
        u64::from_be_bytes(random)
    }

    /// The written form, without allocating.
    pub fn text(&self) -> IdText {
        let mut out = [b'='; TEXT_LEN];
        let mut at = 0;
        for chunk in self.0.chunks(3) {
            let mut word = [0; 3];
            word[..chunk.len()].copy_from_slice(chunk);
            let bits = u32::from_be_bytes([0, word[0], word[1], word[2]]);
            for digit in 0..=chunk.len() {
                out[at] = ALPHABET[(bits >> (18 - 6 * digit)) as usize & 63];
                at += 1;
            }
        }
        IdText(out)
    }
}

/// The 16 characters of an id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdText([u8; TEXT_LEN]);

impl IdText {
    /// The characters as text.
    pub fn as_str(&self) -> &str {
        // Only characters of the alphabet and `=` are ever stored.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text().as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an id: not 16 characters of URL-safe base64 that end in one `=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId;

impl FromStr for Id {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Id, NotAnId> {
        let text: &[u8; TEXT_LEN] = text.as_bytes().try_into().map_err(|_| NotAnId)?;
        if text[15] != b'=' {
            return Err(NotAnId);
        }
        let mut bits: u128 = 0;
        for &c in &text[..15] {
            let digit = match c {
                b'A'..=b'Z' => c - b'A',
                b'a'..=b'z' => c - b'a' + 26,
                b'0'..=b'9' => c - b'0' + 52,
                b'-' => 62,
                b'_' => 63,
                _ => return Err(NotAnId),
            };
            bits = bits << 6 | u128::from(digit);
        }
        // 15 digits are 90 bits, two more than 11 bytes have.
        if bits & 3 != 0 {
            return Err(NotAnId);
        }
        let mut bytes = [0; 11];
        bytes.copy_from_slice(&(bits >> 2).to_be_bytes()[5..]);
        Ok(Id(bytes))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().as_str())
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|NotAnId| serde::de::Error::custom(format!("`{text}` is not a connection id")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_recorded_on_aws_are_read_and_written_back_unchanged() {
        for text in ["Gto47d9-DoECGqg=", "U_vNFdo2IAMCIoA=", "TXzPWdnOjoECGjA=", "SOqGjdZioAMCEeg=", "L0SM9cOFvHcCIhw="]
        {
            assert_eq!(text.parse::<Id>().map(|id| id.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_new_id_has_the_shape_of_aws_and_names_its_node() {
        let id = Id::new(IdKind::Connection, 0xbeef, 0x0123_4567_89ab_cdef);
        assert_eq!(id.to_string().len(), TEXT_LEN);
        assert!(id.to_string().ends_with('='));
        assert_eq!(id.node(), 0xbeef);
        assert_eq!(id.random(), 0x0123_4567_89ab_cdef);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in [
            "",
            "=",
            "short=",
            "Gto47d9-DoECGqgA",
            "Gto47d9-DoECGq==",
            "Gto47d9+DoECGqg=",
            "Gto47d9-DoECGqh=",
            "Gto47d9-DoECGqg==",
        ] {
            assert_eq!(text.parse::<Id>(), Err(NotAnId), "{text}");
        }
    }
}
