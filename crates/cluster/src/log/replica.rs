//! What a node makes of the log: the documents in memory, and how far it has come.

use std::collections::BTreeMap;

use control::store::{Content, Followed, Key, MemoryStore, Revision, Store, StoreError};

use super::record::{self, BATCH_BYTES_MAX, FORM, Head};

/// The documents as of one place in the log.
pub(crate) struct Replica {
    memory: MemoryStore,
    revision: Revision,
    applied: u64,
    committed: u64,
    pending: Option<Pending>,
    fault: Option<Fault>,
}

/// Parts of a batch whose last one is still to come, if it ever does.
struct Pending {
    head: Head,
    body: Vec<u8>,
}

/// Where a replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The definitions' revision.
    pub(crate) revision: Revision,
    /// The last message that was taken.
    pub(crate) applied: u64,
    /// The last one after which no batch was begun: from here the rest can be played.
    pub(crate) committed: u64,
    /// Whether a batch has begun and not ended.
    pub(crate) is_open: bool,
}

/// What a message came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It was taken before.
    Old,
    /// Nothing yet, or nothing at all.
    Nothing,
    /// The definitions have changed.
    Batch,
}

/// Why a message cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Others come before it.
    Gap,
    /// It has a form that this program does not know.
    Newer(u32),
    /// It does not fit what came before.
    Damaged(String),
}

impl Replica {
    /// What a snapshot, a copy or nothing holds.
    pub(crate) fn at(revision: Revision, applied: u64, contents: BTreeMap<Key, Content>) -> Replica {
        let memory = MemoryStore::at(revision, contents);
        // From the first question on it remembers what changes; so it is asked before anything does.
        let _ = memory.follow(revision);
        Replica { memory, revision, applied, committed: applied, pending: None, fault: None }
    }

    pub(crate) fn place(&self) -> Place {
        let Replica { revision, applied, committed, .. } = *self;
        Place { revision, applied, committed, is_open: self.pending.is_some() }
    }

    /// Why it takes no more, where it does not.
    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Takes the message at a place of the log.
    ///
    /// # Errors
    /// When it cannot be taken; all stays as it was. But for a gap, no later one is taken either.
    pub(crate) fn take(&mut self, sequence: u64, message: &[u8]) -> Result<Taken, Fault> {
        if sequence <= self.applied {
            return Ok(Taken::Old);
        }
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        if sequence != self.applied + 1 {
            return Err(Fault::Gap);
        }
        let taken = self.next(sequence, message);
        self.fault = taken.as_ref().err().cloned();
        if taken.is_ok() {
            self.applied = sequence;
            if self.pending.is_none() {
                self.committed = sequence;
            }
        }
        taken
    }

    fn next(&mut self, sequence: u64, message: &[u8]) -> Result<Taken, Fault> {
        let damaged = |detail: String| Fault::Damaged(format!("message {sequence}: {detail}"));
        let (head, piece) = record::read(message).map_err(damaged)?;
        if head.form > FORM {
            return Err(Fault::Newer(head.form));
        }
        // Whatever does not go on with the batch that was begun ends it: its writer gave up, or was overtaken.
        let mut pending = match self.pending.take() {
            Some(pending) if pending.head.id == head.id && pending.head.part + 1 == head.part => pending,
            _ if head.part == 0 && head.of > 0 => Pending { head: head.clone(), body: Vec::new() },
            _ => return Ok(Taken::Nothing),
        };
        pending.body.extend_from_slice(piece);
        pending.head = head;
        if pending.body.len() > BATCH_BYTES_MAX {
            return Err(damaged(format!("a batch of more than {BATCH_BYTES_MAX} bytes")));
        }
        if pending.head.part + 1 < pending.head.of {
            self.pending = Some(pending);
            return Ok(Taken::Nothing);
        }
        if pending.head.from != self.revision.0 {
            let (from, revision) = (pending.head.from, self.revision.0);
            return Err(damaged(format!("it was made on revision {from}, and stands behind {revision}")));
        }
        let changes = record::changes(&pending.body).map_err(damaged)?;
        let committed = self.memory.commit(self.revision, &changes);
        self.revision = committed.map_err(|error| damaged(error.to_string()))?;
        Ok(Taken::Batch)
    }

    pub(crate) fn each(&self, take: &mut dyn FnMut(Key, Content)) -> Result<Revision, StoreError> {
        self.memory.each(take)
    }

    pub(crate) fn follow(&self, from: Revision) -> Result<Followed, StoreError> {
        self.memory.follow(from)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use control::store::{Change, Document};

    use super::super::record::Batch;
    use super::*;

    fn batch(id: &str, from: u64, name: &str, bytes_max: usize) -> Batch {
        let document: Document = serde_json::from_str(&format!(r#"{{"name":"{name}"}}"#)).unwrap();
        let key = Key { sequence: from, path: format!("apis/{name}") };
        let changes = [Change::Put(key, Content::Document(Arc::new(document)))];
        Batch::write(id.to_owned(), Revision(from), &changes, bytes_max).unwrap()
    }

    fn names(replica: &Replica) -> Vec<String> {
        let mut names = Vec::new();
        replica.each(&mut |key, _| names.push(key.path.replace("apis/", ""))).unwrap();
        names
    }

    fn empty() -> Replica {
        Replica::at(Revision(0), 0, BTreeMap::new())
    }

    #[test]
    fn batches_are_taken_once_and_in_order() {
        let mut replica = empty();
        let (a, b) = (batch("a", 0, "a", 9999), batch("b", 1, "b", 9999));
        assert_eq!(replica.take(1, &a.messages[0]), Ok(Taken::Batch));
        assert_eq!(replica.take(1, &a.messages[0]), Ok(Taken::Old));
        assert_eq!(replica.take(3, &b.messages[0]), Err(Fault::Gap));
        assert_eq!(replica.take(2, &b.messages[0]), Ok(Taken::Batch));
        assert_eq!(names(&replica), ["a", "b"]);
        assert!(
            matches!(replica.follow(Revision(1)), Ok(Followed::Changes(Revision(2), changes)) if changes.len() == 1)
        );
    }

    #[test]
    fn a_batch_in_parts_counts_with_its_last_and_never_when_another_comes_between() {
        let mut replica = empty();
        let (a, b) = (batch("a", 0, "a", 1050), batch("b", 0, "b", 1050));
        assert!(a.messages.len() == 2 && b.messages.len() == 2);
        assert_eq!(replica.take(1, &a.messages[0]), Ok(Taken::Nothing));
        assert_eq!((replica.place().committed, replica.place().is_open), (0, true));
        assert_eq!(replica.take(2, &b.messages[0]), Ok(Taken::Nothing));
        assert_eq!(replica.take(3, &a.messages[1]), Ok(Taken::Nothing), "its beginning was given up");
        assert_eq!(replica.take(4, &b.messages[1]), Ok(Taken::Nothing), "so was this one's");
        assert_eq!(replica.take(5, &b.messages[0]), Ok(Taken::Nothing));
        assert_eq!(replica.take(6, &b.messages[1]), Ok(Taken::Batch));
        assert_eq!(names(&replica), ["b"]);
        let place = Place { revision: Revision(1), applied: 6, committed: 6, is_open: false };
        assert_eq!(replica.place(), place);
        assert_eq!(replica.take(7, &Batch::fence("f".to_owned(), Revision(1))), Ok(Taken::Nothing));
        assert_eq!(replica.place(), Place { applied: 7, committed: 7, ..place });
    }

    #[test]
    fn what_does_not_fit_is_not_taken_and_neither_is_what_follows() {
        let good = batch("a", 0, "a", 9999).messages[0].clone();
        let newer = String::from_utf8(good.to_vec()).unwrap().replace(r#""form":1"#, r#""form":2"#);
        for (message, what) in [
            (
                batch("b", 5, "b", 9999).messages[0].to_vec(),
                "message 1: it was made on revision 5, and stands behind 0",
            ),
            (b"nonsense".to_vec(), "message 1: it has no first line"),
            (newer.into_bytes(), ""),
        ] {
            let mut replica = empty();
            let fault = replica.take(1, &message).unwrap_err();
            match &fault {
                Fault::Newer(form) => assert_eq!(*form, 2),
                Fault::Damaged(detail) => assert_eq!(detail, what),
                Fault::Gap => panic!("no gap"),
            }
            assert_eq!(replica.take(1, &good), Err(fault));
            assert!(names(&replica).is_empty());
        }
    }
}
