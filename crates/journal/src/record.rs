//! A record as it stands in a file: `length, checksum, kind, id, connection`.
//!
//! Length (of what follows the checksum) and checksum (CRC-32 of the same) are 4 bytes each, little-endian; the kind is a byte, the
//! id its 11 bytes; the connection, which only beginnings have, is JSON.

use types::event::Connection;
use types::id::{BYTES as ID_BYTES, Id};

/// The most of one record. Ours: header and URL limits keep a connection's far below it.
pub const RECORD_BYTES_MAX: usize = 1024 * 1024;

const HEAD: usize = 8;
const FIXED: usize = 1 + ID_BYTES;
const BEGAN: u8 = 1;
const ENDED: u8 = 2;

/// What a record says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record<'b> {
    /// A connection began; its JSON.
    Began(Id, &'b [u8]),
    /// A connection's `$disconnect` was answered, or given up.
    Ended(Id),
}

/// Appends a beginning; false where the connection is more than a record may hold, and nothing was appended.
pub(crate) fn put_began(out: &mut Vec<u8>, connection: &Connection) -> bool {
    let from = begin(out, BEGAN, &connection.id);
    // Writing to memory cannot fail, and nothing in a connection is no JSON.
    let fits = serde_json::to_writer(&mut *out, connection).is_ok() && out.len() - from <= RECORD_BYTES_MAX;
    if fits {
        finish(out, from);
    } else {
        out.truncate(from);
    }
    fits
}

/// Appends an end.
pub(crate) fn put_ended(out: &mut Vec<u8>, id: &Id) {
    let from = begin(out, ENDED, id);
    finish(out, from);
}

fn begin(out: &mut Vec<u8>, kind: u8, id: &Id) -> usize {
    let from = out.len();
    out.extend([0; HEAD]);
    out.push(kind);
    out.extend(id.to_bytes());
    from
}

fn finish(out: &mut [u8], from: usize) {
    let length = (out.len() - from - HEAD) as u32;
    let checksum = crc32fast::hash(&out[from + HEAD..]);
    out[from..from + 4].copy_from_slice(&length.to_le_bytes());
    out[from + 4..from + HEAD].copy_from_slice(&checksum.to_le_bytes());
}

/// The record that `bytes` begin with, and how long it is; `None` where they begin with none: it is torn, or the end.
pub(crate) fn read(bytes: &[u8]) -> Option<(Record<'_>, usize)> {
    let number = |at: usize| bytes.get(at..at + 4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
    let (length, checksum) = (number(0)? as usize, number(4)?);
    if !(FIXED..=RECORD_BYTES_MAX).contains(&length) {
        return None;
    }
    let payload = bytes.get(HEAD..HEAD + length)?;
    if crc32fast::hash(payload) != checksum {
        return None;
    }
    let id = Id::from_bytes(payload[1..FIXED].try_into().ok()?);
    let record = match payload[0] {
        BEGAN => Record::Began(id, &payload[FIXED..]),
        ENDED if length == FIXED => Record::Ended(id),
        _ => return None,
    };
    Some((record, HEAD + length))
}
