//! The journal itself: what callers see, and the thread that syncs, begins segments and rewrites them.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use tokio::sync::watch;
use types::event::Connection;
use types::id::Id;

use crate::keeper::{Keeper, RETRY_AFTER, Written};
use crate::medium::Folder;
use crate::record::{self, Record};
use crate::segment::{self, SEGMENT_BYTES, restore};

/// The longest that anybody waits for the disk; then it goes on without.
pub const WAIT_MAX: Duration = Duration::from_secs(1);

/// How long ends are gathered before they are written.
const GATHER: Duration = Duration::from_millis(5);
/// How often it is said that a disk fails.
const SAID_EVERY: Duration = Duration::from_secs(60);
/// How much a rewriting puts in at once.
const REWRITTEN_AT_ONCE: usize = 256 * 1024;
/// The oldest segment is rewritten where all together are more than so many segments, and so many times what is still of use.
const SEGMENTS_FREE: u64 = 4;
const TIMES_OF_USE: u64 = 4;
/// And where there are so many of them: lives of the program that ended at once.
const SEGMENTS_MAX: usize = 64;

/// What a record survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, however it comes.
    Process,
    /// The loss of power too.
    Disk,
}

/// A place in the journal: of one record, or a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u64);

/// How it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Connections with a beginning and no end.
    pub open: usize,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Whether the disk fails at present.
    pub is_failing: bool,
    /// Records that were lost to a disk that failed too long, since the start.
    pub lost: u64,
    /// How often somebody went on without waiting longer, since the start.
    pub late: u64,
}

/// What an earlier life of the program left.
#[derive(Debug, Default)]
pub struct Left {
    /// Connections whose `$disconnect` is not known to have been answered, the oldest first.
    pub connections: Vec<Connection>,
    /// Sentences about what could not be read.
    pub remarks: Vec<String>,
}

/// The way to the journal. Cheap to clone; the last one that goes ends its thread, when all is written.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
    _last: Arc<Last>,
}

struct Shared {
    durability: Durability,
    pending: Mutex<Pending>,
    wake: Condvar,
    keeper: Mutex<Keeper>,
    written: watch::Sender<u64>,
    synced: watch::Sender<u64>,
    is_failing: AtomicBool,
    lost: AtomicU64,
    late: AtomicU64,
    told: Mutex<Option<Instant>>,
    say: Box<dyn Fn(String) + Send + Sync>,
    /// Where it is, for people.
    place: String,
    /// Bytes of all segments, for those who must not wait for the disk.
    bytes: AtomicU64,
}

#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    /// Records that ever came.
    position: u64,
    open: HashSet<Id, RandomState>,
    /// Beginnings that ever came, and their bytes: what one is on average.
    began: (u64, u64),
    /// The thread waits to be woken.
    is_idle: bool,
    /// Somebody waits for the thread.
    is_urgent: bool,
    is_over: bool,
}

struct Last(Arc<Shared>);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.pending().is_over = true;
        self.0.wake.notify_one();
    }
}

impl Journal {
    /// Opens the journal of a folder, and gives what earlier lives left there. Their connections count as open until
    /// [`Journal::end`] is told of them. `say` is told what people should know: seldom.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn open(
        folder: Arc<dyn Folder + Sync>,
        durability: Durability,
        say: Box<dyn Fn(String) + Send + Sync>,
    ) -> io::Result<(Journal, Left)> {
        let restored = restore(&*folder)?;
        let place = format!("journal {}", folder.place());
        let bytes = restored.segments.iter().map(|segment| segment.bytes).sum();
        let mut pending = Pending::default();
        pending.open.extend(restored.left.iter().map(|connection| connection.id));
        let shared = Arc::new(Shared {
            durability,
            pending: Mutex::new(pending),
            wake: Condvar::new(),
            keeper: Mutex::new(Keeper::new(folder, restored.segments)),
            written: watch::Sender::new(0),
            synced: watch::Sender::new(0),
            is_failing: AtomicBool::new(false),
            lost: AtomicU64::new(0),
            late: AtomicU64::new(0),
            told: Mutex::default(),
            say,
            place,
            bytes: AtomicU64::new(bytes),
        });
        let own = shared.clone();
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || own.run())?;
        let journal = Journal { _last: Arc::new(Last(shared.clone())), shared };
        Ok((journal, Left { connections: restored.left, remarks: restored.remarks }))
    }

    /// Writes down that a connection begins; `None` where that is known. Nothing waits here: [`Journal::written`] does.
    pub fn begin(&self, connection: &Connection) -> Option<Position> {
        let mut frame = Vec::with_capacity(512);
        if !record::put_began(&mut frame, connection) {
            self.shared.lose(1, "a connection's record is too long");
            return None;
        }
        let mut pending = self.shared.pending();
        if !pending.open.insert(connection.id) {
            return None;
        }
        pending.began = (pending.began.0 + 1, pending.began.1 + frame.len() as u64);
        pending.bytes.extend_from_slice(&frame);
        pending.position += 1;
        Some(Position(pending.position))
    }

    /// The place of the newest record.
    pub fn latest(&self) -> Position {
        Position(self.shared.pending().position)
    }

    /// Writes down that a connection's `$disconnect` was answered, or given up. Soon: what is lost of it is said again.
    pub fn end(&self, id: &Id) {
        let mut pending = self.shared.pending();
        if !pending.open.remove(id) {
            return;
        }
        record::put_ended(&mut pending.bytes, id);
        pending.position += 1;
        if pending.is_idle {
            self.shared.wake.notify_one();
        }
    }

    /// Waits until the record is written, so that it survives the process; not longer than [`WAIT_MAX`].
    pub async fn written(&self, position: Position) {
        let shared = &self.shared;
        if shared.has_written(position) {
            return;
        }
        // Whoever finds nobody writing does it for all: that costs less than waking a thread.
        match shared.keeper.try_lock() {
            Ok(mut keeper) => shared.write(&mut keeper),
            Err(TryLockError::Poisoned(poisoned)) => shared.write(&mut poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
        if shared.durability == Durability::Disk || !shared.has_written(position) {
            shared.hurry();
        }
        shared.wait(&shared.written, position).await;
    }

    /// Waits until the record is as durable as is asked for; not longer than [`WAIT_MAX`].
    pub async fn durable(&self, position: Position) {
        match self.shared.durability {
            Durability::Process => self.written(position).await,
            Durability::Disk => self.shared.wait(&self.shared.synced, position).await,
        }
    }

    /// How it stands.
    pub fn health(&self) -> Health {
        let open = self.shared.pending().open.len();
        Health {
            open,
            bytes: self.shared.bytes.load(Ordering::Relaxed),
            is_failing: self.shared.is_failing.load(Ordering::Relaxed),
            lost: self.shared.lost.load(Ordering::Relaxed),
            late: self.shared.late.load(Ordering::Relaxed),
        }
    }

    /// Writes what waits, at the program's end.
    pub fn flush(&self) {
        let mut keeper = self.shared.keeper();
        self.shared.write(&mut keeper);
        if let (Durability::Disk, Some(file)) = (self.shared.durability, keeper.file()) {
            let _ = file.sync();
        }
    }
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_written(&self, position: Position) -> bool {
        *self.written.borrow() >= position.0
    }

    fn hurry(&self) {
        self.pending().is_urgent = true;
        self.wake.notify_one();
    }

    async fn wait(&self, reached: &watch::Sender<u64>, position: Position) {
        let mut reached = reached.subscribe();
        if *reached.borrow() >= position.0 || self.is_failing.load(Ordering::Relaxed) {
            return;
        }
        let there = reached.wait_for(|reached| *reached >= position.0);
        if tokio::time::timeout(WAIT_MAX, there).await.is_err() {
            self.late.fetch_add(1, Ordering::Relaxed);
            self.tell(format!("{}: the disk takes longer than {} ms", self.place, WAIT_MAX.as_millis()));
        }
    }

    // Takes what is pending and writes it.
    fn write(&self, keeper: &mut Keeper) {
        let position = {
            let mut pending = self.pending();
            let records = std::mem::take(&mut pending.bytes);
            let position = pending.position;
            drop(pending);
            if !keeper.take(&records) {
                self.lose(segment_records(&records), "the disk has failed for too long");
            }
            position
        };
        match keeper.write() {
            Written::All => {
                if self.is_failing.swap(false, Ordering::Relaxed) {
                    (self.say)(format!("{}: the disk works again", self.place));
                }
                self.bytes.store(keeper.bytes(), Ordering::Relaxed);
                self.reach(&self.written, position);
            }
            Written::NotYet => {}
            Written::Failed(error) => self.fail(&error),
        }
    }

    // Nobody waits for a disk that fails.
    fn fail(&self, error: &io::Error) {
        self.is_failing.store(true, Ordering::Relaxed);
        self.tell(format!(
            "{}: {error}: connections that begin now may lose their $disconnect if the program ends without a word; \
             clients are let in all the same, and it is tried again every second",
            self.place
        ));
        let position = self.pending().position;
        self.reach(&self.written, position);
        self.reach(&self.synced, position);
    }

    fn reach(&self, reached: &watch::Sender<u64>, position: u64) {
        reached.send_if_modified(|reached| {
            let is_further = *reached < position;
            *reached = position.max(*reached);
            is_further
        });
    }

    fn lose(&self, records: u64, why: &str) {
        self.lost.fetch_add(records, Ordering::Relaxed);
        self.tell(format!("{}: {records} records are lost: {why}", self.place));
    }

    fn tell(&self, text: String) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= SAID_EVERY) {
            *told = Some(Instant::now());
            drop(told);
            (self.say)(text);
        }
    }

    fn run(&self) {
        loop {
            let (is_urgent, is_over) = self.rest();
            if !is_urgent && !is_over {
                std::thread::sleep(GATHER);
            }
            let position = {
                let mut keeper = self.keeper();
                self.write(&mut keeper);
                *self.written.borrow()
            };
            if self.durability == Durability::Disk {
                self.sync(position);
            }
            if is_over {
                return;
            }
            self.tidy_up();
        }
    }

    // Until there is something to do.
    fn rest(&self) -> (bool, bool) {
        let mut pending = self.pending();
        loop {
            let is_unsynced = self.durability == Durability::Disk && *self.synced.borrow() < pending.position;
            let has_work = !pending.bytes.is_empty() || pending.is_urgent || pending.is_over;
            // What failed, and what is unsynced since, is tried again though nobody asks.
            let retries = self.is_failing.load(Ordering::Relaxed) || is_unsynced;
            if has_work {
                return (std::mem::take(&mut pending.is_urgent), pending.is_over);
            }
            pending.is_idle = true;
            pending = if retries {
                let (pending, waited) =
                    self.wake.wait_timeout(pending, RETRY_AFTER).unwrap_or_else(PoisonError::into_inner);
                if waited.timed_out() {
                    let mut pending = pending;
                    pending.is_idle = false;
                    return (true, false);
                }
                pending
            } else {
                self.wake.wait(pending).unwrap_or_else(PoisonError::into_inner)
            };
            pending.is_idle = false;
        }
    }

    fn sync(&self, position: u64) {
        if *self.synced.borrow() >= position {
            return;
        }
        // Without the lock: what comes meanwhile is written, and synced with the next. A segment that is over is synced.
        let file = self.keeper().file();
        match file.map_or(Ok(()), |file| file.sync()) {
            Ok(()) => self.reach(&self.synced, position),
            Err(error) => {
                let mut keeper = self.keeper();
                // Nobody knows what of it is there: what comes goes elsewhere.
                keeper.roll();
                let _ = keeper.failed(io::ErrorKind::Other.into());
                drop(keeper);
                self.fail(&error);
            }
        }
    }

    // Begins the next segment, and rewrites the oldest where little of it is of use.
    fn tidy_up(&self) {
        let mut keeper = self.keeper();
        if keeper.is_full() {
            let file = keeper.roll();
            drop(keeper);
            if let (Durability::Disk, Some(file)) = (self.durability, file) {
                let _ = file.sync();
            }
            keeper = self.keeper();
        }
        while !keeper.older.is_empty() && self.pending().open.is_empty() {
            let Some(oldest) = keeper.older.pop_front() else { break };
            if let Err(error) = keeper.folder().remove(oldest.number) {
                self.tell(format!("{}: segment {}: {error}", self.place, oldest.number));
            }
        }
        let bytes = keeper.bytes();
        self.bytes.store(bytes, Ordering::Relaxed);
        let of_use = {
            let pending = self.pending();
            let (count, sum) = pending.began;
            pending.open.len() as u64 * (sum / count.max(1)).max(1)
        };
        let is_much = bytes > SEGMENTS_FREE * SEGMENT_BYTES && bytes > TIMES_OF_USE * of_use;
        if (is_much || keeper.older.len() > SEGMENTS_MAX) && !keeper.is_failing() {
            drop(keeper);
            self.rewrite_oldest();
        }
    }

    fn rewrite_oldest(&self) {
        let (folder, oldest) = {
            let keeper = self.keeper();
            let Some(oldest) = keeper.older.front().copied() else { return };
            (keeper.folder(), oldest)
        };
        let bytes = match folder.read(oldest.number) {
            Ok(bytes) => bytes,
            Err(error) => return self.tell(format!("{}: segment {}: {error}", self.place, oldest.number)),
        };
        let mut since = 0;
        segment::each(&bytes, |record, frame| {
            let Record::Began(id, _) = record else { return };
            let mut pending = self.pending();
            // Under the same lock as an end of it, which then stands behind this.
            if !pending.open.contains(&id) {
                return;
            }
            pending.bytes.extend_from_slice(frame);
            pending.position += 1;
            drop(pending);
            since += frame.len();
            if since >= REWRITTEN_AT_ONCE {
                since = 0;
                self.write(&mut self.keeper());
            }
        });
        let mut keeper = self.keeper();
        self.write(&mut keeper);
        let file = keeper.file();
        drop(keeper);
        let is_there = match (self.durability, file) {
            (Durability::Disk, Some(file)) => file.sync().is_ok(),
            _ => true,
        };
        let mut keeper = self.keeper();
        if is_there && !keeper.is_failing() && keeper.waiting.is_empty() {
            keeper.older.pop_front();
            self.bytes.store(keeper.bytes(), Ordering::Relaxed);
            let _ = folder.remove(oldest.number);
        }
    }
}

fn segment_records(mut bytes: &[u8]) -> u64 {
    let mut records = 0;
    while let Some((_, length)) = record::read(bytes) {
        records += 1;
        bytes = &bytes[length..];
    }
    records
}

#[cfg(test)]
mod tests;
