//! Keys that are kept until shortly before they expire, and fetched by one caller at a time.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::aws::{Key, Trouble};

/// So long before it expires a key is fetched anew, in seconds; it still holds for calls in the meantime.
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
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Held {
    outcome: Result<Arc<Key>, Trouble>,
    fresh_until: u64,
}

impl Held {
    // What may still be used while somebody fetches anew.
    fn holds(&self, now: u64) -> Option<Arc<Key>> {
        let key = self.outcome.as_ref().ok()?;
        key.expires.is_some_and(|expires| now < expires).then(|| key.clone())
    }
}

impl Slot {
    /// The key that is kept, or that `fetch` gives. `clock` is in seconds since 1970.
    ///
    /// # Errors
    /// The fetch's, for some seconds.
    ///
    /// # Cancel safety
    /// Cancel safe: whoever waits next fetches.
    pub(super) async fn get<F: Future<Output = Result<Key, Trouble>>>(
        &self,
        clock: impl Fn() -> u64,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<Key>, Trouble> {
        let held = self.held();
        if let Some(held) = held.as_ref().filter(|held| clock() < held.fresh_until) {
            return held.outcome.clone();
        }
        let _fetching = match self.fetching.try_lock() {
            Ok(guard) => guard,
            Err(_) => match held.and_then(|held| held.holds(clock())) {
                Some(key) => return Ok(key),
                None => self.fetching.lock().await,
            },
        };
        // Somebody may have been quicker.
        let held = self.held();
        if let Some(held) = held.as_ref().filter(|held| clock() < held.fresh_until) {
            return held.outcome.clone();
        }
        let fetched = fetch().await;
        let now = clock();
        let held = match (fetched, held.and_then(|held| held.holds(now))) {
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
