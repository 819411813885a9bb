//! Segments: files of records, oldest first. None is written to again once the program has ended or the next one has begun.

use std::collections::HashMap;
use std::io;

use foldhash::fast::RandomState;
use types::event::Connection;
use types::id::Id;

use crate::medium::Folder;
use crate::record::{self, Record};

/// When the next segment begins.
pub const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;

/// What every segment begins with: what it is, and the version of its form.
pub(crate) const MAGIC: &[u8; 8] = b"GWJOURN1";

/// A segment that is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) bytes: u64,
}

/// What the segments of earlier lives say.
#[derive(Default)]
pub(crate) struct Restored {
    pub(crate) segments: Vec<Segment>,
    /// Connections with a beginning and no end.
    pub(crate) left: Vec<Connection>,
    /// Sentences about what could not be read.
    pub(crate) remarks: Vec<String>,
}

/// Reads every segment.
///
/// # Errors
/// Where the folder or a file cannot be read. What is in a file and is no record is a remark: what follows it there is lost.
pub(crate) fn restore(folder: &dyn Folder) -> io::Result<Restored> {
    let mut restored = Restored::default();
    // In order of their beginnings, as far as they are left.
    let mut began: HashMap<Id, (u64, Vec<u8>), RandomState> = HashMap::default();
    let mut order = 0;
    for number in folder.numbers()? {
        let bytes = folder.read(number)?;
        restored.segments.push(Segment { number, bytes: bytes.len() as u64 });
        let read = each(&bytes, |record, _| match record {
            Record::Began(id, json) => {
                order += 1;
                began.insert(id, (order, json.to_vec()));
            }
            Record::Ended(id) => {
                began.remove(&id);
            }
        });
        if read < bytes.len() {
            let lost = bytes.len() - read;
            restored.remarks.push(format!(
                "{}: segment {number}: {lost} bytes behind byte {read} are no records, and were left out: the program or the \
                 machine ended while they were written, or the disk changed them",
                folder.place()
            ));
        }
    }
    let mut left: Vec<_> = began.into_iter().collect();
    left.sort_unstable_by_key(|(_, (order, _))| *order);
    for (id, (_, json)) in left {
        match serde_json::from_slice(&json) {
            Ok(connection) => restored.left.push(connection),
            Err(error) => restored.remarks.push(format!("{}: connection {id}: {error}", folder.place())),
        }
    }
    Ok(restored)
}

/// Hands out the records of a segment, each with its bytes; gives how many bytes they are, the beginning included.
pub(crate) fn each(bytes: &[u8], mut take: impl FnMut(Record<'_>, &[u8])) -> usize {
    if !bytes.starts_with(MAGIC) {
        return 0;
    }
    let mut at = MAGIC.len();
    while let Some((record, length)) = record::read(&bytes[at..]) {
        take(record, &bytes[at..at + length]);
        at += length;
    }
    at
}
