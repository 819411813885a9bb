//! Signing keys: what a secret becomes for a day, a Region and a service.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ring::hmac;

use crate::secret::Secret;
use crate::sigv4::TERMINATOR;

/// So many are kept: a day's of as many keys, and the caller's Regions. Beyond it all are forgotten and made anew.
const KEPT_MAX: usize = 4096;

/// Signing keys that were derived already; whoever holds it drops it together with the secrets that they are of.
#[derive(Default)]
pub struct SigningKeys(Mutex<HashMap<String, Arc<hmac::Key>>>);

// Nothing of what it holds.
impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeys")
    }
}

impl SigningKeys {
    pub(super) fn get(&self, scope: &str) -> Option<Arc<hmac::Key>> {
        self.lock().get(scope).cloned()
    }

    pub(super) fn keep(&self, scope: String, key: Arc<hmac::Key>) {
        let mut keys = self.lock();
        if keys.len() >= KEPT_MAX {
            keys.clear();
        }
        keys.insert(scope, key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<hmac::Key>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The chain of five keys. Documented.
pub(super) fn derive(secret: &Secret, day: &str, region: &str, service: &str) -> Arc<hmac::Key> {
    let first = [b"AWS4", secret.bytes()].concat();
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, &first);
    for part in [day, region, service, TERMINATOR] {
        key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
    }
    Arc::new(key)
}
