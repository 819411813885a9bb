//! The store that several control planes share.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use control::store::{Change, Content, Followed, Key, Revision, Store, StoreError};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::copy::Copy;
use super::follower::{self, Shared};
use super::nats::NatsStream;
use super::snapshot;
use super::writer::{Log, Snapshot, unavailable};
use crate::cluster::Cluster;
use crate::error::Error;

/// The longest that a change waits for NATS; then its caller gets a 503.
const COMMIT_MAX: Duration = Duration::from_secs(5);
/// How much longer the thread waits that asked for it, which only a runtime without time for its tasks needs.
const GRACE: Duration = Duration::from_secs(2);
/// The longest that a node waits at its start until it has what the others have.
const OPEN_MAX: Duration = Duration::from_secs(60);
/// From one try to the next, at the start.
const PAUSE: Duration = Duration::from_millis(200);
/// A snapshot is due after as many messages of the log.
const SNAPSHOT_EVERY: u64 = 1000;
/// Or after as many bytes that one node appended.
const SNAPSHOT_BYTES: u64 = 64 * 1024 * 1024;
/// What headers and subject take of a message, at most.
const ENVELOPE_BYTES: usize = 1024;

/// What a store needs besides the cluster.
#[derive(Clone)]
pub struct StoreSettings {
    /// Where the node keeps its own copy; without one it plays snapshot and log anew at each start. No other store's folder.
    pub folder: Option<PathBuf>,
    /// Told what goes wrong behind the store, a sentence each.
    pub tell: Arc<dyn Fn(String) + Send + Sync>,
    /// After how many messages of the log a snapshot is made.
    pub snapshot_every: u64,
}

impl StoreSettings {
    /// Of a store without a copy that tells nobody anything.
    pub fn new() -> StoreSettings {
        StoreSettings { folder: None, tell: Arc::new(drop), snapshot_every: SNAPSHOT_EVERY }
    }
}

impl Default for StoreSettings {
    fn default() -> StoreSettings {
        StoreSettings::new()
    }
}

/// The definitions of a cluster. Each node has all of them in memory, so only a change asks NATS.
pub struct LogStore {
    shared: Arc<Shared>,
    runtime: Handle,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl LogStore {
    /// Opens the cluster's definitions; this node has then what the others have.
    ///
    /// # Errors
    /// When NATS does not keep or give them, or the node's copy cannot be opened.
    pub async fn open(cluster: &Cluster, settings: StoreSettings) -> Result<LogStore, Error> {
        let stream = NatsStream::open(&cluster.link).await?;
        let (mut copy, mut from) = match &settings.folder {
            Some(folder) => {
                let (folder, made) = (folder.clone(), stream.made());
                let opened = tokio::task::spawn_blocking(move || Copy::open(&folder, &made)).await;
                let (copy, from) = opened.map_err(|error| Error::failed("open the copy", error))??;
                (Some(copy), from)
            }
            None => (None, Snapshot::default()),
        };
        let info = stream.log.get_info().await;
        let state =
            info.map_err(|error| Error::failed("look at the log of definitions", crate::link::told(&error)))?.state;
        if from.applied > state.last_sequence {
            // The stream lost what the copy has, as after a backup was restored. The cluster's word counts.
            (settings.tell)(format!(
                "the node's copy of the definitions is {} changes ahead of the cluster's, which count: it is made anew",
                from.applied - state.last_sequence
            ));
            copy.iter_mut().for_each(Copy::forget);
            from = Snapshot::default();
        }
        let newest = snapshot::read(&cluster.link, &stream.snapshots).await?;
        let snapshot = newest.as_ref().map_or(0, |newest| newest.applied);
        if let Some(newest) = newest
            && newest.applied > from.applied
        {
            from = newest;
            copy.iter_mut().for_each(Copy::forget);
        }
        let bytes_max = cluster.link.client.max_payload().saturating_sub(ENVELOPE_BYTES);
        let log = Log::new(stream, from, bytes_max);
        let until = Instant::now() + OPEN_MAX;
        while let Err(error) = log.catch_up().await {
            if Instant::now() >= until {
                return Err(error.into());
            }
            tokio::time::sleep(PAUSE).await;
        }
        let shared = Arc::new(Shared {
            log,
            settings,
            report: cluster.report.clone(),
            snapshot: AtomicU64::new(snapshot),
            appended: AtomicU64::new(0),
            snapshot_due: Notify::new(),
        });
        let mut tasks =
            vec![tokio::spawn(follower::follow(shared.clone())), tokio::spawn(follower::snapshots(shared.clone()))];
        tasks.extend(copy.map(|copy| tokio::spawn(follower::copy(shared.clone(), copy))));
        Ok(LogStore { shared, runtime: Handle::current(), tasks: Mutex::new(tasks) })
    }

    /// Calls whoever shows the definitions, at once and each time that others have changed them: with `Control::catch_up`. On a
    /// thread that may block, one call at a time, however much there was meanwhile.
    pub fn announce(&self, changed: impl Fn() + Send + Sync + 'static) {
        let task = self.runtime.spawn(follower::announce(self.shared.clone(), Arc::new(changed)));
        self.tasks().push(task);
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last message of the log that this node has taken.
    pub fn applied(&self) -> u64 {
        self.shared.log.place().applied
    }

    /// How many messages of the log this node knows to be behind; 0 where it has all that it has heard of.
    pub fn behind(&self) -> u64 {
        self.shared.report.lag.load(Ordering::Relaxed)
    }

    /// The definitions' revision on this node.
    pub fn revision(&self) -> Revision {
        self.shared.log.revision()
    }

    fn committed(&self, bytes: usize) {
        let Shared { log, settings, snapshot, appended, snapshot_due, .. } = &*self.shared;
        let bytes = appended.fetch_add(bytes as u64, Ordering::AcqRel) + bytes as u64;
        let behind = log.place().committed.saturating_sub(snapshot.load(Ordering::Acquire));
        if behind >= settings.snapshot_every || bytes >= SNAPSHOT_BYTES {
            snapshot_due.notify_one();
        }
    }
}

impl Drop for LogStore {
    fn drop(&mut self) {
        self.tasks().iter().for_each(JoinHandle::abort);
    }
}

impl Store for LogStore {
    fn each(&self, take: &mut dyn FnMut(Key, Content)) -> Result<Revision, StoreError> {
        self.shared.log.with(|replica| replica.each(take))
    }

    fn commit(&self, expected: Revision, batch: &[Change]) -> Result<Revision, StoreError> {
        let batch = self.shared.log.write(expected, batch)?;
        let bytes = batch.messages.iter().map(bytes::Bytes::len).sum();
        let (answer, wait) = mpsc::sync_channel(1);
        let shared = self.shared.clone();
        // A task of its own, so that it goes on whatever the caller's thread is.
        self.runtime.spawn(async move {
            let _ = answer.send(shared.log.commit(&batch, COMMIT_MAX).await);
        });
        let committed = wait
            .recv_timeout(COMMIT_MAX + GRACE)
            .unwrap_or_else(|_| Err(StoreError::Doubtful(Box::new(unavailable("this node has no time to ask NATS")))));
        if committed.is_ok() {
            self.committed(bytes);
        }
        committed
    }

    fn follow(&self, from: Revision) -> Result<Followed, StoreError> {
        self.shared.log.with(|replica| replica.follow(from))
    }
}
