//! The store on disk: what a failing, locked or damaged one does.

use std::fs::{self, OpenOptions};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use redb::StorageBackend;
use redb::backends::FileBackend;
use serde_json::json;

use super::super::Document;
use super::*;

/// A folder that no other test uses; removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("control-disk-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A file whose writes, or whose syncs after the writes, fail while the flags say so.
#[derive(Debug)]
struct Failing {
    file: FileBackend,
    writes: Arc<AtomicBool>,
    syncs: Arc<AtomicBool>,
}

impl Failing {
    fn when(flag: &AtomicBool) -> Result<(), io::Error> {
        if flag.load(Ordering::SeqCst) { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
    }
}

impl StorageBackend for Failing {
    fn len(&self) -> Result<u64, io::Error> {
        self.file.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.file.read(offset, out)
    }
    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        Failing::when(&self.writes)?;
        self.file.set_len(len)
    }
    fn sync_data(&self) -> Result<(), io::Error> {
        Failing::when(&self.syncs)?;
        self.file.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        Failing::when(&self.writes)?;
        self.file.write(offset, data)
    }
}

/// A file whose next syncs fail, and then no more.
#[derive(Debug)]
struct FailingOnce {
    file: FileBackend,
    left: Arc<AtomicU64>,
}

impl StorageBackend for FailingOnce {
    fn len(&self) -> Result<u64, io::Error> {
        self.file.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.file.read(offset, out)
    }
    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.file.set_len(len)
    }
    fn sync_data(&self) -> Result<(), io::Error> {
        self.file.sync_data()?;
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        // It reached the disk, and the system says that it may not have.
        if left.is_ok() { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.file.write(offset, data)
    }
}

fn document(text: &str) -> Document {
    Document::from_iter([("text".to_owned(), json!(text))])
}

fn put(sequence: u64, text: &str) -> Change {
    Change::Put(Key { sequence, path: format!("things/{sequence}") }, Content::Document(Arc::new(document(text))))
}

fn delete(sequence: u64) -> Change {
    Change::Delete(Key { sequence, path: format!("things/{sequence}") })
}

/// Commits on top of what is there.
fn commit(store: &dyn Store, batch: &[Change]) -> Result<Revision, StoreError> {
    let (revision, _) = store.load()?;
    store.commit(revision, batch)
}

fn texts(store: &dyn Store) -> Vec<(u64, String)> {
    let (_, documents) = store.load().unwrap();
    documents.iter().map(|(key, document)| (key.sequence, document["text"].as_str().unwrap().to_owned())).collect()
}

fn expected(rows: &[(u64, &str)]) -> Vec<(u64, String)> {
    rows.iter().map(|(sequence, text)| (*sequence, (*text).to_owned())).collect()
}

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let folder = Folder::new();
    let store = DiskStore::open(&folder.0).unwrap();
    assert_eq!(texts(&store), []);
    commit(&store, &[put(2, "two"), put(1, "one"), put(300, "three")]).unwrap();
    commit(&store, &[put(1, "one again"), delete(2)]).unwrap();
    drop(store);
    let store = DiskStore::open(&folder.0).unwrap();
    assert_eq!(texts(&store), expected(&[(1, "one again"), (300, "three")]));
}

#[test]
fn revisions_go_on_after_opening_again_and_a_follower_is_told_what_happened() {
    let folder = Folder::new();
    let store = DiskStore::open(&folder.0).unwrap();
    assert!(matches!(store.follow(Revision(0)).unwrap(), Followed::Changes(Revision(0), _)));
    let first = store.commit(Revision(0), &[put(0, "zero"), put(1, "one")]).unwrap();
    let last = store.commit(first, &[delete(1), put(0, "zero again")]).unwrap();
    assert_eq!((first, last), (Revision(2), Revision(3)));
    assert!(matches!(store.commit(first, &[put(2, "late")]), Err(StoreError::Conflict)));
    let Followed::Changes(at, changes) = store.follow(first).unwrap() else { panic!("a gap") };
    assert_eq!((at, format!("{changes:?}")), (last, format!("{:?}", [delete(1), put(0, "zero again")])));
    drop(store);
    let store = DiskStore::open(&folder.0).unwrap();
    let mut revision = store.load().unwrap().0;
    assert!(revision > last, "although the youngest document is gone: {revision:?}");
    assert!(matches!(store.follow(last).unwrap(), Followed::Gap));
    let followed = store.follow(revision).unwrap();
    assert!(matches!(followed, Followed::Changes(at, changes) if at == revision && changes.is_empty()));
    // Far beyond what was written ahead.
    let batch = [put(revision.0, "a"), put(revision.0 + 3 * REVISIONS_AHEAD, "b"), put(0, "c")];
    revision = store.commit(revision, &batch).unwrap();
    let delete = Change::Delete(batch[1].key().clone());
    revision = store.commit(revision, &[delete]).unwrap();
    drop(store);
    assert!(DiskStore::open(&folder.0).unwrap().load().unwrap().0 > revision);
}

#[test]
fn a_folder_of_before_there_were_revisions_opens_as_it_is() {
    let folder = Folder::new();
    let database = Database::create(folder.0.join(FILE)).unwrap();
    let writing = database.begin_write().unwrap();
    let text = serde_json::to_vec(&document("old")).unwrap();
    writing.open_table(DOCUMENTS).unwrap().insert((41, "things/41"), text.as_slice()).unwrap();
    writing.commit().unwrap();
    drop(database);
    let store = DiskStore::open(&folder.0).unwrap();
    assert_eq!((store.load().unwrap().0, texts(&store)), (Revision(42), expected(&[(41, "old")])));
}

#[test]
fn a_failed_batch_leaves_nothing_behind_and_the_next_one_works() {
    for syncs_fail in [false, true] {
        let folder = Folder::new();
        let path = folder.0.join(FILE);
        let (writes, syncs) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let open = {
            let (path, writes, syncs) = (path.clone(), writes.clone(), syncs.clone());
            move || {
                let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
                let file = FileBackend::new(file.map_err(StorageError::from)?)?;
                let backend = Failing { file, writes: writes.clone(), syncs: syncs.clone() };
                Database::builder().create_with_backend(backend)
            }
        };
        let flag = if syncs_fail { &syncs } else { &writes };
        let store = DiskStore::with(path.clone(), Box::new(open)).unwrap();
        commit(&store, &[put(1, "one"), put(2, "two")]).unwrap();

        flag.store(true, Ordering::SeqCst);
        let lost = [put(1, "lost"), delete(2), put(3, "lost"), put(3, "lost again")];
        for attempt in 0..3 {
            let error = commit(&store, &lost).unwrap_err();
            // Only the first one wrote anything; it could not be taken back while the disk failed.
            let (error, is_doubtful) = match error {
                StoreError::Doubtful(error) => (*error, true),
                error => (error, false),
            };
            assert_eq!(is_doubtful, attempt == 0, "{error}");
            assert!(matches!(&error, StoreError::Full(at) if *at == path), "{error}");
            assert_eq!(error.to_string(), format!("{}: the disk is full", path.display()));
        }
        flag.store(false, Ordering::SeqCst);
        commit(&store, &[put(4, "four")]).unwrap();
        let kept = expected(&[(1, "one"), (2, "two"), (4, "four")]);
        assert_eq!(texts(&store), kept, "in the same process, syncs fail: {syncs_fail}");
        drop(store);
        let store = DiskStore::open(&folder.0).unwrap();
        assert_eq!(texts(&store), kept, "after opening again, syncs fail: {syncs_fail}");
    }
}

#[test]
fn a_batch_whose_sync_fails_once_is_taken_back_before_it_is_refused() {
    let folder = Folder::new();
    let path = folder.0.join(FILE);
    let left = Arc::new(AtomicU64::new(0));
    let open = {
        let (path, left) = (path.clone(), left.clone());
        move || {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let file = FileBackend::new(file.map_err(StorageError::from)?)?;
            Database::builder().create_with_backend(FailingOnce { file, left: left.clone() })
        }
    };
    let store = DiskStore::with(path, Box::new(open)).unwrap();
    commit(&store, &[put(1, "one")]).unwrap();
    left.store(1, Ordering::SeqCst);
    let error = commit(&store, &[put(1, "lost"), put(2, "lost")]).unwrap_err();
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    drop(store);
    let store = DiskStore::open(&folder.0).unwrap();
    assert_eq!(texts(&store), expected(&[(1, "one")]), "a restart must not bring it back");
}

#[test]
fn others_cannot_read_a_new_folder_and_a_wide_one_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let dir = folder.0.join("deep/data");
    drop(DiskStore::open(&dir).unwrap());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&dir.join(FILE))), (0o700, 0o600));
    assert_eq!(DiskStore::readable_by_others(&dir), Vec::<String>::new());
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(dir.join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
    let told = DiskStore::readable_by_others(&dir);
    assert!(told.len() == 2 && told[0].contains("mode 0755: chmod 0700") && told[1].contains("chmod 0600"), "{told:?}");
}

#[test]
fn a_file_in_use_a_damaged_one_and_a_folder_that_is_none_say_so() {
    let folder = Folder::new();
    let path = folder.0.join(FILE);
    let first = DiskStore::open(&folder.0).unwrap();
    let error = DiskStore::open(&folder.0).err().unwrap();
    assert_eq!(error.to_string(), format!("{} is in use by another process", path.display()));
    drop(first);

    fs::write(&path, b"this is not a database, but it is long enough to be taken for one".repeat(200)).unwrap();
    let error = DiskStore::open(&folder.0).err().unwrap();
    assert!(matches!(&error, StoreError::Corrupt { path: at, .. } if *at == path), "{error:?}");

    let file = folder.0.join("file");
    fs::write(&file, b"").unwrap();
    let error = DiskStore::open(&file).err().unwrap();
    assert!(error.to_string().starts_with(&file.display().to_string()), "{error}");
}

#[test]
fn a_document_that_is_not_json_is_named() {
    let folder = Folder::new();
    let store = DiskStore::open(&folder.0).unwrap();
    {
        let writing = store.disk().database.as_ref().unwrap().begin_write().unwrap();
        writing.open_table(DOCUMENTS).unwrap().insert((7, "things/7"), b"{".as_slice()).unwrap();
        writing.commit().unwrap();
    }
    let error = store.load().unwrap_err();
    assert!(error.to_string().contains("document things/7"), "{error}");
}
