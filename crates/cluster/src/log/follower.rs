//! What goes on behind a store: the log is followed, the control plane told, the copy written, snapshots made.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::copy::Copy;
use super::nats::NatsStream;
use super::snapshot;
use super::store::StoreSettings;
use super::writer::{Log, Stream};
use crate::lease::keeper::Report;

/// From one look at the stream's end to the next, in case that its messages have ceased to come without a word.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// From a failure to the next try.
const PAUSE: Duration = Duration::from_millis(500);
/// How long the copy may be behind.
const COPY_EVERY: Duration = Duration::from_secs(1);

/// A store's log with what its tasks share.
pub(super) struct Shared {
    pub(super) log: Log<NatsStream>,
    pub(super) settings: StoreSettings,
    pub(super) report: Arc<Report>,
    /// Where the last snapshot that is known ends.
    pub(super) snapshot: AtomicU64,
    /// Bytes that this node has appended since.
    pub(super) appended: AtomicU64,
    pub(super) snapshot_due: Notify,
}

/// Takes what comes, for ever.
pub(super) async fn follow(shared: Arc<Shared>) {
    let Shared { log, settings, report, .. } = &*shared;
    let mut told = None;
    let mut tell = |error: control::store::StoreError| {
        let text = error.to_string();
        if told.as_ref() != Some(&text) {
            (settings.tell)(text.clone());
            told = Some(text);
        }
    };
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let Some(mut messages) = log.stream.follow(log.place().applied + 1).await else {
            sleep(PAUSE).await;
            continue;
        };
        loop {
            tokio::select! {
                next = NatsStream::next(&mut messages) => {
                    let Some((sequence, pending, message)) = next else { break };
                    report.lag.store(pending, Ordering::Relaxed);
                    match log.take(sequence, &message) {
                        Ok(true) => {}
                        Ok(false) => {
                            if let Err(error) = log.catch_up().await {
                                tell(error);
                                break;
                            }
                        }
                        Err(error) => {
                            tell(error);
                            break;
                        }
                    }
                }
                _ = looks.tick() => {
                    let Some(bounds) = log.stream.bounds().await else { continue };
                    let behind = bounds.last.saturating_sub(log.place().applied);
                    report.lag.store(behind, Ordering::Relaxed);
                    if behind > 0 && let Err(error) = log.catch_up().await {
                        tell(error);
                    }
                }
            }
        }
        sleep(PAUSE).await;
    }
}

/// Tells the control plane of what others did, one call at a time, however much there was meanwhile.
pub(super) async fn announce(shared: Arc<Shared>, announce: Arc<dyn Fn() + Send + Sync>) {
    let mut changed = shared.log.watch();
    // What came since it was opened, if anything did.
    let mut announced = None;
    loop {
        let revision = shared.log.revision_of_others().await;
        if revision.is_some() && revision != announced {
            announced = revision;
            let announce = announce.clone();
            // It waits for the control plane's writer.
            let _ = spawn_blocking(move || announce()).await;
        }
        if changed.changed().await.is_err() {
            return;
        }
    }
}

/// Writes the copy behind the log.
pub(super) async fn copy(shared: Arc<Shared>, copy: Copy) {
    let copy = Arc::new(Mutex::new(copy));
    let mut has_failed = false;
    loop {
        let (shared_now, copy_now) = (shared.clone(), copy.clone());
        let written = spawn_blocking(move || {
            let mut copy = copy_now.lock().unwrap_or_else(PoisonError::into_inner);
            match shared_now.log.with(|replica| copy.missing(replica))? {
                Some(update) => copy.write(update),
                None => Ok(()),
            }
        });
        match written.await {
            Ok(Ok(())) => has_failed = false,
            Ok(Err(error)) if !has_failed => {
                has_failed = true;
                (shared.settings.tell)(format!("the node's copy of the definitions is not written: {error}"));
            }
            Ok(Err(_)) | Err(_) => {}
        }
        sleep(COPY_EVERY).await;
    }
}

/// Makes a snapshot each time that one is due.
pub(super) async fn snapshots(shared: Arc<Shared>) {
    loop {
        shared.snapshot_due.notified().await;
        let Shared { log, settings, .. } = &*shared;
        let taken = log.snapshot();
        let NatsStream { link, log: stream, snapshots } = &log.stream;
        match snapshot::make(link, stream, snapshots, &taken, log.bytes_max).await {
            Ok(_) => {
                shared.snapshot.fetch_max(taken.applied(), Ordering::AcqRel);
                shared.appended.store(0, Ordering::Release);
            }
            Err(error) => (settings.tell)(error.to_string()),
        }
    }
}
