//! A store in one redb file, durable before a commit returns.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::{Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, StorageError, TableDefinition};

use super::log::Log;
use super::{Change, Content, Followed, Key, Revision, Store, StoreError};

/// The file's name in the data folder.
const FILE: &str = "gatewright.redb";

/// Sequence number and path → the document as JSON text.
const DOCUMENTS: TableDefinition<(u64, &str), &[u8]> = TableDefinition::new("documents");

/// A revision that the store has not reached yet. Folders of before there were revisions have none: then the documents tell.
const REVISION: TableDefinition<(), u64> = TableDefinition::new("revision");

/// How far ahead that revision is. It is a page of its own, so it is not written with each batch; after a restart the store
/// goes on from there, with numbers left out.
const REVISIONS_AHEAD: u64 = 1024;

/// Page cache. Control planes are small and their documents are in memory anyway; redb's own default is 1 GiB.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

/// What a batch replaced: key → the bytes before it, none where there was nothing.
type Before = Vec<(Key, Option<Vec<u8>>)>;

/// Keeps documents in `gatewright.redb`; one process at a time.
///
/// After a failed write redb refuses everything until the file is opened anew, so that is done at once, or by the next
/// commit. Whether the failed batch reached the disk is not known then: it is put back to what was before, as its
/// caller was told that it was not stored; where that fails too, its caller is told so.
pub struct DiskStore(Mutex<Disk>);

struct Disk {
    path: PathBuf,
    open: Box<dyn Fn() -> Result<Database, DatabaseError> + Send>,
    database: Option<Database>,
    doubtful: Before,
    log: Log,
    /// What the file has in [`REVISION`].
    unreached: Revision,
}

impl DiskStore {
    /// Whether a folder has a store, without making one.
    pub fn is_in(dir: &Path) -> bool {
        dir.join(FILE).exists()
    }

    /// Opens the store in a folder, and makes both if they are not there.
    ///
    /// # Errors
    /// Names the file and what is wrong: in use by another process, no permission, damaged, disk full.
    pub fn open(dir: &Path) -> Result<DiskStore, StoreError> {
        // It holds API keys and private keys.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => StoreError::Failed {
                place: dir.display().to_string(),
                detail: "not a folder, so no data can be kept there".to_owned(),
            },
            io::ErrorKind::PermissionDenied | io::ErrorKind::StorageFull => io_error(dir, &error),
            _ => StoreError::Failed {
                place: dir.display().to_string(),
                detail: format!("the folder cannot be made: {error}"),
            },
        })?;
        let path = dir.join(FILE);
        // An empty file is made into a store; one that is there stays as it is.
        let made = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        made.map_err(|error| io_error(&path, &error))?;
        let file = path.clone();
        let open = move || Database::builder().set_cache_size(CACHE_BYTES).create(&file);
        DiskStore::with(path, Box::new(open))
    }

    /// What of the folder and its store others than their owner may read, a sentence each with the command that ends it.
    pub fn readable_by_others(dir: &Path) -> Vec<String> {
        let wide = |(path, mode): (PathBuf, u32)| {
            let found = fs::metadata(&path).ok()?.permissions().mode() & 0o777;
            (found & !mode != 0).then(|| {
                let path = path.display();
                format!("{path} holds keys and has mode {found:04o}: chmod {mode:04o} {path}")
            })
        };
        [(dir.to_owned(), 0o700), (dir.join(FILE), 0o600)].into_iter().filter_map(wide).collect()
    }

    fn with(
        path: PathBuf,
        open: Box<dyn Fn() -> Result<Database, DatabaseError> + Send>,
    ) -> Result<DiskStore, StoreError> {
        let (doubtful, log, unreached) = (Before::new(), Log::default(), Revision::default());
        let mut disk = Disk { path, open, database: None, doubtful, log, unreached };
        disk.reopen()?;
        // A new file outlives a power cut only when its folder is on the disk too. Not every system lets one ask.
        if let Some(Ok(folder)) = disk.path.parent().map(fs::File::open) {
            folder.sync_all().map_err(|error| io_error(&disk.path, &error))?;
        }
        if let Some(database) = &disk.database {
            let revision = begin(database).map_err(|error| storage_error(&disk.path, error))?;
            disk.log = Log::at(revision);
            disk.unreached = revision.ahead();
        }
        Ok(DiskStore(Mutex::new(disk)))
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    /// Opens the file if it is closed, and takes back what may have been written in part.
    fn reopen(&mut self) -> Result<(), StoreError> {
        if self.database.is_some() {
            return Ok(());
        }
        let database = (self.open)().map_err(|error| database_error(&self.path, error))?;
        if !self.doubtful.is_empty() {
            restore(&database, &self.doubtful).map_err(|error| storage_error(&self.path, error))?;
            self.doubtful.clear();
        }
        self.database = Some(database);
        Ok(())
    }
}

impl Store for DiskStore {
    fn each(&self, take: &mut dyn FnMut(Key, Content)) -> Result<Revision, StoreError> {
        let mut disk = self.disk();
        disk.reopen()?;
        if let Some(database) = &disk.database {
            let read = read_each(database, |key, bytes| {
                let content = content(&disk.path, &key, bytes)?;
                take(key, content);
                Ok(())
            });
            read.map_err(|error| storage_error(&disk.path, error))??;
        }
        Ok(disk.log.revision())
    }

    fn commit(&self, expected: Revision, batch: &[Change]) -> Result<Revision, StoreError> {
        let mut disk = self.disk();
        disk.reopen()?;
        let revision = disk.log.revision();
        if revision != expected {
            return Err(StoreError::Conflict);
        }
        let Some(database) = &disk.database else { return Ok(revision) };
        let mut before = Before::new();
        let next = revision.after(batch);
        let unreached = if next < disk.unreached { None } else { Some(next.ahead()) };
        match write(database, batch, unreached, &mut before) {
            Ok(()) => {
                disk.unreached = unreached.unwrap_or(disk.unreached);
                Ok(disk.log.add(batch))
            }
            Err(error) => {
                disk.database = None;
                disk.doubtful = before;
                let error = storage_error(&disk.path, error);
                // Taken back at once, while it is known what was before: after a restart nobody knows.
                match disk.reopen() {
                    Ok(()) => Err(error),
                    Err(_) => Err(StoreError::Doubtful(Box::new(error))),
                }
            }
        }
    }

    fn follow(&self, from: Revision) -> Result<Followed, StoreError> {
        let mut disk = self.disk();
        disk.reopen()?;
        let Disk { path, database: Some(database), log, .. } = &mut *disk else { return Ok(Followed::Gap) };
        let table = database.begin_read().map_err(redb::Error::from);
        let table = table.and_then(|reading| reading.open_table(DOCUMENTS).map_err(redb::Error::from));
        let table = table.map_err(|error| storage_error(path, error))?;
        log.since(from, |key| {
            let row = table.get((key.sequence, key.path.as_str()));
            let row = row.map_err(|error| storage_error(path, error.into()))?;
            row.map(|bytes| content(path, key, bytes.value())).transpose()
        })
    }
}

fn content(path: &Path, key: &Key, bytes: &[u8]) -> Result<Content, StoreError> {
    Content::read(&key.path, bytes).map_err(|error| StoreError::Corrupt {
        path: path.to_owned(),
        detail: format!("document {}: {error}", key.path),
    })
}

/// Makes the tables, so that reading an empty store finds them, and shows now that the disk takes writes. Gives the
/// revision.
fn begin(database: &Database) -> Result<Revision, redb::Error> {
    let mut writing = database.begin_write()?;
    writing.set_durability(Durability::Immediate)?;
    let revision = {
        let documents = writing.open_table(DOCUMENTS)?;
        let mut revisions = writing.open_table(REVISION)?;
        let youngest = documents.last()?.map_or(0, |(key, _)| key.value().0 + 1);
        let unreached = revisions.get(())?.map_or(0, |unreached| unreached.value());
        let revision = Revision(youngest.max(unreached));
        revisions.insert((), revision.ahead().0)?;
        revision
    };
    writing.commit()?;
    Ok(revision)
}

impl Revision {
    fn ahead(self) -> Revision {
        Revision(self.0 + REVISIONS_AHEAD)
    }
}

/// Reads rows, ordered by key, until one is not taken.
fn read_each(
    database: &Database,
    mut take: impl FnMut(Key, &[u8]) -> Result<(), StoreError>,
) -> Result<Result<(), StoreError>, redb::Error> {
    let reading = database.begin_read()?;
    let table = reading.open_table(DOCUMENTS)?;
    for row in table.iter()? {
        let (key, bytes) = row?;
        let (sequence, path) = key.value();
        if let Err(error) = take(Key { sequence, path: path.to_owned() }, bytes.value()) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

fn write(
    database: &Database,
    changes: &[Change],
    unreached: Option<Revision>,
    before: &mut Before,
) -> Result<(), redb::Error> {
    let mut writing = database.begin_write()?;
    writing.set_durability(Durability::Immediate)?;
    {
        let mut table = writing.open_table(DOCUMENTS)?;
        for change in changes {
            let (key, old) = match change {
                Change::Put(key, content) => {
                    let text = serde_json::to_vec(content).map_err(|error| redb::Error::Io(error.into()))?;
                    (key, table.insert((key.sequence, key.path.as_str()), text.as_slice())?)
                }
                Change::Delete(key) => (key, table.remove((key.sequence, key.path.as_str()))?),
            };
            before.push((key.clone(), old.map(|bytes| bytes.value().to_vec())));
        }
        // A batch that is taken back leaves it: a revision that is left out harms nobody.
        if let Some(unreached) = unreached {
            writing.open_table(REVISION)?.insert((), unreached.0)?;
        }
    }
    writing.commit()?;
    Ok(())
}

fn restore(database: &Database, before: &Before) -> Result<(), redb::Error> {
    let mut writing = database.begin_write()?;
    writing.set_durability(Durability::Immediate)?;
    {
        let mut table = writing.open_table(DOCUMENTS)?;
        // Backwards, so that a key that changed twice ends with its oldest value.
        for (key, old) in before.iter().rev() {
            let at = (key.sequence, key.path.as_str());
            match old {
                Some(bytes) => table.insert(at, bytes.as_slice())?,
                None => table.remove(at)?,
            };
        }
    }
    writing.commit()?;
    Ok(())
}

fn database_error(path: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::Locked(path.to_owned()),
        DatabaseError::Storage(StorageError::Io(error)) => io_error(path, &error),
        DatabaseError::Storage(error) => storage_error(path, error.into()),
        error => StoreError::Failed { place: path.display().to_string(), detail: error.to_string() },
    }
}

fn storage_error(path: &Path, error: redb::Error) -> StoreError {
    match error {
        redb::Error::Io(error) => io_error(path, &error),
        redb::Error::Corrupted(detail) => StoreError::Corrupt { path: path.to_owned(), detail },
        error => StoreError::Failed { place: path.display().to_string(), detail: error.to_string() },
    }
}

fn io_error(path: &Path, error: &io::Error) -> StoreError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::PermissionDenied => StoreError::Permission(path),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full(path),
        // redb says so of a file that does not begin like one of its own.
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            StoreError::Corrupt { path, detail: error.to_string() }
        }
        _ => StoreError::Failed { place: path.display().to_string(), detail: error.to_string() },
    }
}

#[cfg(test)]
mod tests;
