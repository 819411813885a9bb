//! Remembers which clients the demo's backend may push to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How many clients are remembered. Far more than a demo has; beyond it a `/connect` is refused, so the list cannot grow.
pub(super) const CLIENTS_MAX: usize = 256;

/// How long a 410 may mean "not yet" rather than "gone".
///
/// While `$connect` runs the connection does not exist, and a push to it answers 410; `$connect` lasts at most the
/// integration timeout of 29 seconds.
const SETTLING: Duration = Duration::from_secs(30);

/// The longest connection id that is taken. AWS's have 16 characters.
const ID_BYTES_MAX: usize = 64;

/// The clients between their `/connect` and their `/disconnect`, each with the time of the first.
#[derive(Debug, Default)]
pub(super) struct Clients {
    since: BTreeMap<String, Instant>,
}

impl Clients {
    /// Remembers a client; `false` when there is no room for another.
    pub(super) fn add(&mut self, id: &str, now: Instant) -> bool {
        if self.since.len() >= CLIENTS_MAX && !self.since.contains_key(id) {
            return false;
        }
        self.since.insert(id.to_owned(), now);
        true
    }

    /// Forgets a client that has disconnected.
    pub(super) fn remove(&mut self, id: &str) {
        self.since.remove(id);
    }

    /// Forgets a client whose push answered 410, unless its `$connect` may still be running.
    pub(super) fn gone(&mut self, id: &str, now: Instant) {
        if self.since.get(id).is_some_and(|since| now.saturating_duration_since(*since) > SETTLING) {
            self.since.remove(id);
        }
    }

    /// The ids of all clients, in the order of their bytes.
    pub(super) fn ids(&self) -> Vec<String> {
        self.since.keys().cloned().collect()
    }
}

/// Whether `id` can stand in the path of a push as it is.
///
/// The letters are those of URL-safe base64, of which connection ids are made. A backend that believes any header would
/// let its caller choose the path that it then posts to.
pub(super) fn is_id(id: &str) -> bool {
    let letters = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'='));
    !id.is_empty() && id.len() <= ID_BYTES_MAX && letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_there_between_connect_and_disconnect() {
        let (mut clients, now) = (Clients::default(), Instant::now());
        assert!(clients.add("b=", now) && clients.add("a=", now));
        assert_eq!(clients.ids(), ["a=", "b="]);
        clients.remove("a=");
        assert_eq!(clients.ids(), ["b="]);
    }

    #[test]
    fn a_full_list_takes_nobody_new_but_everybody_it_knows() {
        let (mut clients, now) = (Clients::default(), Instant::now());
        assert!((0..CLIENTS_MAX).all(|number| clients.add(&number.to_string(), now)));
        assert!(!clients.add("another", now));
        assert!(clients.add("0", now));
        assert_eq!(clients.ids().len(), CLIENTS_MAX);
    }

    #[test]
    fn a_push_that_came_too_early_does_not_lose_the_client() {
        let (mut clients, now) = (Clients::default(), Instant::now());
        clients.add("a=", now);
        clients.gone("a=", now + SETTLING);
        assert_eq!(clients.ids(), ["a="]);
        clients.gone("a=", now + SETTLING + Duration::from_millis(1));
        assert!(clients.ids().is_empty());
    }

    #[test]
    fn an_id_is_what_can_stand_in_a_path() {
        assert!(is_id("Gto47d9-DoECGqg=") && is_id("U_vNFdo2IAMCIoA="));
        let long = "a".repeat(ID_BYTES_MAX + 1);
        for other in ["", "a/b", "../x", "a b", "a?b", "a%3D", "ä", "a\r\nb", &long] {
            assert!(!is_id(other), "{other:?}");
        }
    }
}
