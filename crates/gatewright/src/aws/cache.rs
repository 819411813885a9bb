//! Keys that are kept until they expire, and fetched anew shortly before, by one at a time and beside the calls.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::aws::{Key, Trouble};

/// So long before it expires a key is fetched anew, in seconds, by the first call then, which does not wait for it.
const AHEAD: u64 = 300;
/// So long, in seconds, nothing is asked again: of a key that does not say when it expires, whose file may change; of one
/// that could not be fetched anew; and of one that could not be had at all.
const LASTING: u64 = 60;
const KEPT_LONGER: u64 = 30;
const FAILURE: u64 = 5;

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// One key, or why there is none.
#[derive(Default)]
pub(super) struct Slot {
    held: Mutex<Option<Held>>,
    fetching: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone)]
struct Held {
    outcome: Result<Arc<Key>, Trouble>,
    fresh_until: u64,
}

impl Held {
    // What may still be used while somebody fetches anew. One that does not say when it expires is not used much longer.
    fn holds(&self, now: u64) -> Option<Arc<Key>> {
        let key = self.outcome.as_ref().ok()?;
        (now < key.expires.unwrap_or(self.fresh_until + LASTING)).then(|| key.clone())
    }
}

impl Slot {
    /// The key that is kept, or that `fetch` gives. Where the kept one still holds, nobody waits for the fetch. `clock` is in
    /// seconds since 1970.
    ///
    /// # Errors
    /// The fetch's, for some seconds.
    ///
    /// # Cancel safety
    /// Cancel safe: whoever waits next fetches.
    pub(super) async fn get<F: Future<Output = Result<Key, Trouble>> + Send + 'static>(
        self: &Arc<Slot>,
        clock: impl Fn() -> u64 + Send + Sync + 'static,
        fetch: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Arc<Key>, Trouble> {
        if let Some(outcome) = self.fresh(clock()) {
            return outcome;
        }
        let Some(key) = self.held().and_then(|held| held.holds(clock())) else {
            let _fetching = self.fetching.lock().await;
            return self.renewed(&clock, fetch).await;
        };
        if let Ok(fetching) = self.fetching.clone().try_lock_owned() {
            let slot = self.clone();
            tokio::spawn(async move {
                // What goes wrong is told to those who come when nothing holds any more.
                let _ = slot.renewed(&clock, fetch).await;
                drop(fetching);
            });
        }
        Ok(key)
    }

    /// What is kept and need not be fetched anew.
    pub(super) fn fresh(&self, now: u64) -> Option<Result<Arc<Key>, Trouble>> {
        self.held().filter(|held| now < held.fresh_until).map(|held| held.outcome)
    }

    // By one at a time.
    async fn renewed<F: Future<Output = Result<Key, Trouble>>>(
        &self,
        clock: impl Fn() -> u64,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<Key>, Trouble> {
        // Somebody may have been quicker.
        if let Some(outcome) = self.fresh(clock()) {
            return outcome;
        }
        let fetched = fetch().await;
        let now = clock();
        // One without an end may be gone for good.
        let old = self.held().and_then(|held| held.holds(now)).filter(|key| key.expires.is_some());
        let held = match (fetched, old) {
            (Ok(Key { expires: Some(expires), .. }), _) if expires <= now => {
                let text = "the credentials that were found have expired".to_owned();
                Held { outcome: Err(Trouble::Broken(text)), fresh_until: now + FAILURE }
            }
            (Ok(key), _) => {
                // One that is short-lived is not fetched for every call.
                let ahead = |expires: u64| expires.saturating_sub(AHEAD).max((now + FAILURE).min(expires));
                let fresh_until = key.expires.map_or(now + LASTING, ahead);
                Held { outcome: Ok(Arc::new(key)), fresh_until }
            }
            (Err(_), Some(key)) => {
                let fresh_until = (now + KEPT_LONGER).min(key.expires.unwrap_or(u64::MAX));
                Held { outcome: Ok(key), fresh_until }
            }
            (Err(trouble), None) => Held { outcome: Err(trouble), fresh_until: now + FAILURE },
        };
        let outcome = held.outcome.clone();
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        outcome
    }

    fn held(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
