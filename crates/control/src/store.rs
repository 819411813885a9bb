//! Where the control plane's documents live: a trait, one store in memory and one on disk.

mod content;
mod disk;
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
    /// Counts documents in order of creation; survives restarts, so that lists keep their order.
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

/// Keeps documents. One writer at a time; the control plane sees to that.
pub trait Store: Send {
    /// Hands out everything, ordered by key, one after the other: together it may be much larger than what the program
    /// keeps of it.
    ///
    /// # Errors
    /// When something cannot be read; some may have been handed out then.
    fn each(&mut self, take: &mut dyn FnMut(Key, Content)) -> Result<(), StoreError>;

    /// Every document, ordered by key.
    ///
    /// # Errors
    /// When the documents cannot be read.
    fn load(&mut self) -> Result<Vec<(Key, Document)>, StoreError> {
        let mut documents = Vec::new();
        self.each(&mut |key, content| documents.push((key, content.to_document())))?;
        Ok(documents)
    }

    /// Makes a batch durable: all of it or, on error, none of it. Blocks until it is.
    ///
    /// # Errors
    /// When the batch could not be stored. A later call may succeed again. [`StoreError::Doubtful`]: it may be there all the
    /// same once the store is opened anew.
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError>;
}

/// Why the store does not do its work; the text names the place and what is wrong.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
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
    /// Anything else, such as a network or a disk that fails.
    #[error("{place}: {detail}")]
    Failed {
        /// The file or the peer.
        place: String,
        /// What happened.
        detail: String,
    },
}
