//! Where the control plane's documents live: a trait, one store in memory and one on disk.

mod content;
mod disk;
mod log;
mod memory;

use std::path::PathBuf;

pub(crate) use content::DEFINITION;
pub use content::{Content, Definition, IntegrationParts, RouteParts};
pub use disk::DiskStore;
pub use memory::MemoryStore;

/// A stored JSON object: a resource as its Get operation answers it.
///
/// Two exceptions: an API's `apiEndpoint` is not stored, as it depends on where the program runs; and the content
/// of a deployment, which no operation answers, is a [`Definition`].
pub type Document = serde_json::Map<String, serde_json::Value>;

/// The name of a document. Keys order by age: the sequence number is first, and no two documents share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Counts documents in order of creation, from the [`Revision`] on that they were made on top of; survives restarts, so
    /// that lists keep their order.
    pub sequence: u64,
    /// Where the document stands, such as `apis/a1b2c3d4e5/routes/xrfucl1`: letters, digits, `-`, `_` and `/`.
    pub path: String,
}

/// One step of a batch.
#[derive(Clone, Debug)]
pub enum Change {
    /// Stores something, in place of what has the same key.
    Put(Key, Content),
    /// Removes a document.
    Delete(Key),
}

impl Change {
    /// What it changes.
    pub fn key(&self) -> &Key {
        match self {
            Change::Put(key, _) | Change::Delete(key) => key,
        }
    }
}

/// A state of a store: what it was after one batch, and before the next.
///
/// It is larger than every sequence number that a document has or had, so it is also where those of new documents come
/// from: whoever makes a batch on top of a revision numbers what it creates from there on. Of two who do so at once, one is
/// told of a conflict, so no two documents share a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision after a batch.
    pub fn after(self, batch: &[Change]) -> Revision {
        let numbered = batch.iter().map(|change| match change {
            Change::Put(key, _) => key.sequence + 1,
            Change::Delete(_) => 0,
        });
        Revision(numbered.fold(self.0 + 1, u64::max))
    }
}

/// What happened in a store since a revision.
#[derive(Clone, Debug)]
pub enum Followed {
    /// What it takes to get from there to a later revision, as one batch: first what is gone, then what is there, ordered by
    /// key. What changed several times is there as it is now.
    Changes(Revision, Vec<Change>),
    /// So much that the store no longer knows what: everything has to be read anew.
    Gap,
}

/// Keeps documents, for one control plane or for several that share it.
pub trait Store: Send + Sync {
    /// Hands out everything, ordered by key, one after the other: together it may be much larger than what the program
    /// keeps of it. Gives the revision that it is of.
    ///
    /// # Errors
    /// When something cannot be read; some may have been handed out then.
    fn each(&self, take: &mut dyn FnMut(Key, Content)) -> Result<Revision, StoreError>;

    /// Every document, ordered by key, and the revision.
    ///
    /// # Errors
    /// When the documents cannot be read.
    fn load(&self) -> Result<(Revision, Vec<(Key, Document)>), StoreError> {
        let mut documents = Vec::new();
        let revision = self.each(&mut |key, content| documents.push((key, content.to_document())))?;
        Ok((revision, documents))
    }

    /// Makes a batch durable: all of it or, on error, none of it. Blocks until it is. Gives the revision that it leads to,
    /// which is `expected.after(batch)`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`]: the store is not at the expected revision any more; [`Store::follow`] says what happened.
    /// Any other: the batch could not be stored. A later call may succeed again. [`StoreError::Doubtful`]: it may be there
    /// all the same once the store is opened anew.
    fn commit(&self, expected: Revision, batch: &[Change]) -> Result<Revision, StoreError>;

    /// What happened since a revision, whoever did it. Does not wait for anything to happen.
    ///
    /// # Errors
    /// When the documents cannot be read.
    fn follow(&self, from: Revision) -> Result<Followed, StoreError>;
}

/// Why the store does not do its work; the text names the place and what is wrong.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else has changed the store meanwhile.
    #[error("the definitions were changed by somebody else at the same time")]
    Conflict,
    /// Another process has the file open.
    #[error("{} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// A batch failed, and could not be taken back: whether it is there after a restart is not known.
    #[error("{0}")]
    Doubtful(Box<StoreError>),
    /// The file or folder may not be read or written.
    #[error("{}: permission denied", .0.display())]
    Permission(PathBuf),
    /// No space is left.
    #[error("{}: the disk is full", .0.display())]
    Full(PathBuf),
    /// The file is not, or no longer, one of ours.
    #[error("{} is damaged: {detail}", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// Those who keep the store do not answer, or too few of them do; a later call may succeed.
    #[error("{place}: {detail}")]
    Unavailable {
        /// Who.
        place: String,
        /// What is wrong with them.
        detail: String,
    },
    /// Anything else, such as a network or a disk that fails.
    #[error("{place}: {detail}")]
    Failed {
        /// The file or the peer.
        place: String,
        /// What happened.
        detail: String,
    },
}
