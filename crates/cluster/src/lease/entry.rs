//! What a node writes into the bucket under its number.

use serde::{Deserialize, Serialize};

/// The form of entries that is written here. A reader takes every form whose members it finds; members may be added.
pub(crate) const FORM: u32 = 1;

/// An entry of the bucket, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// [`FORM`].
    pub(crate) form: u32,
    /// The program's version.
    pub(crate) version: String,
    /// Where the node can be reached, for people.
    #[serde(default)]
    pub(crate) address: String,
    /// When the process joined, in milliseconds since 1970.
    #[serde(default)]
    pub(crate) started: u64,
    /// Chance; tells this process from all others.
    pub(crate) process: u64,
    /// Counts what the process wrote.
    pub(crate) beat: u64,
    /// The fencing token: the revision of the entry's first writing, which therefore lacks it.
    #[serde(default)]
    pub(crate) token: Option<u64>,
    /// Open connections when it was written.
    #[serde(default)]
    pub(crate) connections: u64,
    /// How many batches the node knew to be behind.
    #[serde(default)]
    pub(crate) lag: u64,
}

impl Entry {
    /// The token of an entry that stands at a revision.
    pub(crate) fn token_at(&self, revision: u64) -> u64 {
        self.token.unwrap_or(revision)
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Entry> {
        serde_json::from_slice(bytes).ok()
    }

    pub(crate) fn write(&self) -> bytes::Bytes {
        // A struct of numbers and texts has a JSON form.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}
