//! The writing end: the segment that is written to, what waits because a disk fails, and which older segments there are.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::medium::{Folder, Medium};
use crate::segment::{MAGIC, SEGMENT_BYTES, Segment};

/// The most that waits for a disk that fails; what comes beyond it is lost to the journal.
pub(crate) const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How soon a disk that failed is tried again.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);
/// What a buffer that was once large keeps.
const BUFFER_KEPT: usize = 1024 * 1024;

pub(crate) struct Keeper {
    folder: Arc<dyn Folder + Sync>,
    file: Option<Arc<dyn Medium>>,
    number: u64,
    /// Where the next record stands in the file: what is behind it is of a write that failed.
    at: u64,
    pub(crate) older: VecDeque<Segment>,
    /// Records that are not written yet.
    pub(crate) waiting: Vec<u8>,
    retry_at: Option<Instant>,
}

/// What came of writing.
pub(crate) enum Written {
    /// All is written.
    All,
    /// It failed a moment ago, and is not tried again yet.
    NotYet,
    /// It failed now.
    Failed(io::Error),
}

impl Keeper {
    pub(crate) fn new(folder: Arc<dyn Folder + Sync>, older: Vec<Segment>) -> Keeper {
        let number = older.last().map_or(0, |last| last.number) + 1;
        Keeper { folder, file: None, number, at: 0, older: older.into(), waiting: Vec::new(), retry_at: None }
    }

    pub(crate) fn folder(&self) -> Arc<dyn Folder + Sync> {
        self.folder.clone()
    }

    pub(crate) fn file(&self) -> Option<Arc<dyn Medium>> {
        self.file.clone()
    }

    /// Takes records that are to be written; false where a disk that fails has left no room for them.
    pub(crate) fn take(&mut self, records: &[u8]) -> bool {
        let fits = self.waiting.len() + records.len() <= WAITING_BYTES_MAX || self.retry_at.is_none();
        if fits {
            self.waiting.extend_from_slice(records);
        }
        fits
    }

    /// Writes what waits, behind the last record that was written whole.
    pub(crate) fn write(&mut self) -> Written {
        if self.waiting.is_empty() {
            return Written::All;
        }
        let now = Instant::now();
        if self.retry_at.is_some_and(|at| now < at) {
            return Written::NotYet;
        }
        match self.try_to_write() {
            Ok(()) => {
                self.waiting.clear();
                self.waiting.shrink_to(BUFFER_KEPT);
                self.retry_at = None;
                Written::All
            }
            Err(error) => self.failed(error),
        }
    }

    fn try_to_write(&mut self) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file.clone(),
            None => self.begin()?,
        };
        file.write_at(&self.waiting, self.at)?;
        self.at += self.waiting.len() as u64;
        Ok(())
    }

    fn begin(&mut self) -> io::Result<Arc<dyn Medium>> {
        let file = self.folder.create(self.number).inspect_err(|error| {
            // One that was made in vain is left for the next life to read.
            if error.kind() == io::ErrorKind::AlreadyExists {
                self.number += 1;
            }
        })?;
        file.write_at(MAGIC, 0).inspect_err(|_| {
            let _ = self.folder.remove(self.number);
        })?;
        self.at = MAGIC.len() as u64;
        self.file = Some(file.clone());
        Ok(file)
    }

    /// What failed is tried again later; of syncing, in a file of its own, since nobody knows what the old one holds.
    pub(crate) fn failed(&mut self, error: io::Error) -> Written {
        self.retry_at = Some(Instant::now() + RETRY_AFTER);
        Written::Failed(error)
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.retry_at.is_some()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.at >= SEGMENT_BYTES
    }

    /// Goes on in the next segment; gives the file of the last one.
    pub(crate) fn roll(&mut self) -> Option<Arc<dyn Medium>> {
        let file = self.file.take()?;
        self.older.push_back(Segment { number: self.number, bytes: self.at });
        self.number += 1;
        self.at = 0;
        Some(file)
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.at + self.older.iter().map(|segment| segment.bytes).sum::<u64>()
    }
}
