//! Every client that this node holds, by connection id; and how many there are.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use tokio::sync::Notify;
use types::Id;

// `super`, because the models take this file too, with locks of their own.
use super::client::Client;
use super::sync::atomic::{AtomicUsize, Ordering};
use super::sync::{Mutex, MutexGuard, PoisonError};

/// Locks are shared by many ids, so that two threads rarely want the same.
const SHARDS: usize = 64;

/// The clients, and a count of the connections that are not over yet.
pub(crate) struct Registry {
    /// Ids are random and our own: nobody can choose them to collide, and in a simulation their order is the seed's.
    shards: Vec<Mutex<HashMap<Id, Arc<Client>, FixedState>>>,
    open: AtomicUsize,
    /// How many of them are in no shard: their `$connect` or `$disconnect` is running. May be one too many for a moment,
    /// and never one too few.
    unlisted: AtomicUsize,
    /// Told when the last connection is over.
    empty: Notify,
}

impl Registry {
    pub(crate) fn new() -> Registry {
        Registry {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            open: AtomicUsize::new(0),
            unlisted: AtomicUsize::new(0),
            empty: Notify::new(),
        }
    }

    /// Lists a client that is [`Counted`].
    pub(crate) fn insert(&self, client: Arc<Client>) {
        self.shard(&client.info.id).insert(client.info.id, client);
        self.unlisted.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self, id: &Id) -> Option<Arc<Client>> {
        self.shard(id).get(id).cloned()
    }

    /// Takes a client off the list again; it is counted until its [`Counted`] goes.
    pub(crate) fn remove(&self, client: &Arc<Client>) {
        self.unlisted.fetch_add(1, Ordering::SeqCst);
        let id = &client.info.id;
        let mut shard = self.shard(id);
        // It may be listed anew, with another client of the same id.
        if shard.get(id).is_some_and(|here| Arc::ptr_eq(here, client)) {
            shard.remove(id);
        }
        // After a storm the table's memory is given back.
        if shard.capacity() > 64 && shard.len() < shard.capacity() / 4 {
            shard.shrink_to_fit();
        }
    }

    /// All clients, a shard at a time, so that no lock is held for long.
    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<Client>> {
        (0..SHARDS).flat_map(|at| {
            let shard = self.shards[at].lock().unwrap_or_else(PoisonError::into_inner);
            shard.values().cloned().collect::<Vec<_>>()
        })
    }

    /// All clients behind `after`, in an order that stays the same; a shard at a time, likewise.
    pub(crate) fn sorted(&self, after: Option<Id>) -> impl Iterator<Item = Arc<Client>> {
        let first = after.map_or(0, |id| id.random() as usize % SHARDS);
        (first..SHARDS).flat_map(move |at| {
            let shard = self.shards[at].lock().unwrap_or_else(PoisonError::into_inner);
            let behind = |id: &Id| after.is_none_or(|after| at != first || *id > after);
            let mut clients: Vec<_> = shard.values().filter(|client| behind(&client.info.id)).cloned().collect();
            drop(shard);
            clients.sort_unstable_by_key(|client| client.info.id);
            clients
        })
    }

    /// Whether a connection is open, or may be, that `fits`: those that are not listed may always.
    ///
    /// A connection is unlisted, then listed, then unlisted again, and can move on between two looks; so the unlisted are
    /// looked at before and after the listed. The first look finds one that gets listed meanwhile, the last one that leaves.
    pub(crate) fn may_have(&self, fits: impl Fn(&Client) -> bool) -> bool {
        let has_unlisted = || self.unlisted.load(Ordering::SeqCst) > 0;
        has_unlisted() || self.all().any(|client| fits(&client)) || has_unlisted()
    }

    /// How many connections are open: from the handshake's beginning to the end of `$disconnect`.
    pub(crate) fn open_connections(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Returns once no connection is open.
    pub(crate) async fn emptied(&self) {
        loop {
            let told = self.empty.notified();
            if self.open_connections() == 0 {
                return;
            }
            told.await;
        }
    }

    fn shard(&self, id: &Id) -> MutexGuard<'_, HashMap<Id, Arc<Client>, FixedState>> {
        self.shards[id.random() as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one connection for as long as it lives.
pub(crate) struct Counted(Arc<Registry>);

impl Counted {
    pub(crate) fn new(registry: Arc<Registry>) -> Counted {
        registry.unlisted.fetch_add(1, Ordering::SeqCst);
        registry.open.fetch_add(1, Ordering::AcqRel);
        Counted(registry)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.unlisted.fetch_sub(1, Ordering::SeqCst);
        if self.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.empty.notify_waiters();
        }
    }
}
