//! Every client that this node holds, by connection id; and how many there are.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use types::Id;

use crate::client::Client;

/// Locks are shared by many ids, so that two threads rarely want the same.
const SHARDS: usize = 64;

/// The clients, and a count of the connections that are not over yet.
pub(crate) struct Registry {
    shards: Vec<Mutex<HashMap<Id, Arc<Client>>>>,
    open: AtomicUsize,
    /// Told when the last connection is over.
    empty: Notify,
}

impl Registry {
    pub(crate) fn new() -> Registry {
        Registry {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            open: AtomicUsize::new(0),
            empty: Notify::new(),
        }
    }

    pub(crate) fn insert(&self, client: Arc<Client>) {
        self.shard(&client.info.id).insert(client.info.id, client);
    }

    pub(crate) fn get(&self, id: &Id) -> Option<Arc<Client>> {
        self.shard(id).get(id).cloned()
    }

    pub(crate) fn remove(&self, id: &Id) {
        let mut shard = self.shard(id);
        shard.remove(id);
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

    /// Whether connections are open that cannot be found here: their `$connect` or `$disconnect` is running.
    pub(crate) fn has_unlisted(&self) -> bool {
        let listed = self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len());
        self.open_connections() > listed.sum()
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

    fn shard(&self, id: &Id) -> MutexGuard<'_, HashMap<Id, Arc<Client>>> {
        self.shards[id.random() as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one connection for as long as it lives.
pub(crate) struct Counted(Arc<Registry>);

impl Counted {
    pub(crate) fn new(registry: Arc<Registry>) -> Counted {
        registry.open.fetch_add(1, Ordering::AcqRel);
        Counted(registry)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.empty.notify_waiters();
        }
    }
}
