//! The node's own copy of the definitions, in a file: a node that starts again asks NATS only for what it missed.
//!
//! It is written behind the log, so it may be older than what the node had; never newer, and never half of a batch.

use std::path::Path;
use std::sync::Arc;

use control::store::{Change, Content, DiskStore, Document, Followed, Key, Revision, Store, StoreError};
use serde_json::Value;

use super::replica::Replica;
use super::writer::Snapshot;

/// The document that says what the copy is of. The control plane has none at such a place.
const MARK: &str = "cluster/copy";

/// The file, and what it has.
pub(super) struct Copy {
    disk: DiskStore,
    /// The file's own revision, which has nothing to do with the cluster's.
    written: Revision,
    /// Which stream it is of.
    stream: String,
    /// The cluster's revision that it has.
    revision: Revision,
    applied: u64,
    /// Whether what is in the file is of another stream, or nothing.
    is_void: bool,
}

impl Copy {
    /// Opens the file in a folder, and gives what it has of a stream.
    ///
    /// # Errors
    /// Names the file and what is wrong.
    pub(super) fn open(folder: &Path, stream: &str) -> Result<(Copy, Snapshot), StoreError> {
        let disk = DiskStore::open(folder)?;
        let mut snapshot = Snapshot::default();
        let mut mark = Document::new();
        let written = disk.each(&mut |key, content| {
            if key.path == MARK {
                mark = content.to_document();
            } else {
                snapshot.contents.insert(key, content);
            }
        })?;
        let number = |name: &str| mark.get(name).and_then(Value::as_u64).unwrap_or_default();
        let is_void = mark.get("stream").and_then(Value::as_str) != Some(stream);
        if is_void {
            snapshot = Snapshot::default();
        } else {
            (snapshot.revision, snapshot.applied) = (Revision(number("revision")), number("applied"));
        }
        let (revision, applied) = (snapshot.revision, snapshot.applied);
        Ok((Copy { disk, written, stream: stream.to_owned(), revision, applied, is_void }, snapshot))
    }

    /// Forgets what it has: it is not what the stream has.
    pub(super) fn forget(&mut self) {
        self.is_void = true;
    }

    /// What it lacks of a replica; none where that is nothing. The replica is locked as long as this takes.
    pub(super) fn missing(&self, replica: &Replica) -> Result<Option<Update>, StoreError> {
        let place = replica.place();
        if place.committed == self.applied && !self.is_void {
            return Ok(None);
        }
        let followed = if self.is_void { Followed::Gap } else { replica.follow(self.revision)? };
        let (revision, is_whole, mut changes) = match followed {
            Followed::Changes(revision, changes) => (revision, false, changes),
            Followed::Gap => {
                let mut all = Vec::new();
                let revision = replica.each(&mut |key, content| all.push(Change::Put(key, content)))?;
                (revision, true, all)
            }
        };
        let mark = serde_json::json!({ "stream": self.stream, "revision": revision.0, "applied": place.committed });
        if let Value::Object(mark) = mark {
            changes.push(Change::Put(Key { sequence: 0, path: MARK.to_owned() }, Content::Document(Arc::new(mark))));
        }
        Ok(Some(Update { revision, applied: place.committed, is_whole, changes }))
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the disk does not take it; the copy stays as it was.
    pub(super) fn write(&mut self, update: Update) -> Result<(), StoreError> {
        let Update { revision, applied, is_whole, mut changes } = update;
        if is_whole {
            let mut gone = Vec::new();
            self.disk.each(&mut |key, _| gone.push(Change::Delete(key)))?;
            gone.append(&mut changes);
            changes = gone;
        }
        self.written = self.disk.commit(self.written, &changes)?;
        (self.revision, self.applied, self.is_void) = (revision, applied, false);
        Ok(())
    }
}

/// What a copy lacks.
pub(super) struct Update {
    revision: Revision,
    applied: u64,
    is_whole: bool,
    changes: Vec<Change>,
}
