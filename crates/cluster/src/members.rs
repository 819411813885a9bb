//! Who is in the cluster: the bucket of numbers, followed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::kv::{self, Operation};
use futures_util::StreamExt;
use serde::Serialize;
use tokio::sync::watch;

use crate::lease::Entry;

/// From a failed look at the bucket to the next.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// One node, as it said of itself when it last renewed its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its number, which its ids carry.
    pub number: u16,
    /// Its fencing token.
    pub token: u64,
    /// Where it can be reached.
    pub address: String,
    /// Its program's version.
    pub version: String,
    /// When it joined, in milliseconds since 1970.
    pub started: u64,
    /// Its open connections.
    pub connections: u64,
    /// How many batches of definitions it knew to be behind.
    pub lag: u64,
}

impl Member {
    /// As an entry says that stands at a revision.
    pub(crate) fn of(number: u16, entry: Entry, revision: u64) -> Member {
        let token = entry.token_at(revision);
        let Entry { address, version, started, connections, lag, .. } = entry;
        Member { number, token, address, version, started, connections, lag }
    }
}

/// Everybody who holds a number, as far as this node has heard.
#[derive(Debug, Default)]
pub struct Members {
    known: Mutex<Known>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Known {
    nodes: BTreeMap<u16, Node>,
    /// Everything up to this revision of the bucket has been heard: whose token is older, and who is not there, is nobody.
    heard: u64,
    is_whole: bool,
    /// Counts the looks at the bucket from its beginning.
    looks: u64,
}

#[derive(Debug)]
enum Node {
    Here {
        member: Member,
        look: u64,
    },
    /// Its number came free at that revision.
    Gone(u64),
}

impl Members {
    /// All of them, in order of their numbers.
    pub fn all(&self) -> Vec<Member> {
        let known = self.known();
        known
            .nodes
            .values()
            .filter_map(|node| if let Node::Here { member, .. } = node { Some(member.clone()) } else { None })
            .collect()
    }

    /// The one with a number.
    pub fn get(&self, number: u16) -> Option<Member> {
        match self.known().nodes.get(&number) {
            Some(Node::Here { member, .. }) => Some(member.clone()),
            Some(Node::Gone(_)) | None => None,
        }
    }

    /// Whether the whole list has been heard once.
    pub fn is_whole(&self) -> bool {
        self.known().is_whole
    }

    /// Counts changes, for who waits for one.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Whether a message may be believed to come from the holder of a number: its token is the holder's, or so new that
    /// this node has only not heard of it yet.
    pub fn admits(&self, number: u16, token: u64) -> bool {
        let known = self.known();
        match known.nodes.get(&number) {
            Some(Node::Here { member, .. }) => token >= member.token,
            Some(Node::Gone(revision)) => token > *revision,
            None => token > known.heard,
        }
    }

    /// Follows the bucket until it is dropped.
    pub(crate) async fn follow(&self, bucket: &kv::Store) {
        loop {
            // Whatever ends a look, the next one starts from the beginning.
            let _ = self.look(bucket).await;
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    async fn look(&self, bucket: &kv::Store) -> Option<()> {
        // Before the look: what it does not show then is not there.
        let heard = bucket.stream.get_info().await.ok()?.state.last_sequence;
        let mut entries = bucket.watch_with_history(">").await.ok()?;
        self.begin(heard);
        while let Some(entry) = entries.next().await {
            let entry = entry.ok()?;
            let Ok(number) = entry.key.parse::<u16>() else { continue };
            let here = (entry.operation == Operation::Put).then(|| Entry::read(&entry.value)).flatten();
            self.hear(number, here, entry.revision, entry.seen_current);
        }
        None
    }

    fn begin(&self, heard: u64) {
        let mut known = self.known();
        if heard < known.heard {
            // It is another bucket, made anew under the old name, whose revisions begin again.
            *known = Known { looks: known.looks, ..Known::default() };
        }
        known.looks += 1;
        if !known.is_whole {
            known.heard = heard;
        }
    }

    /// Takes an entry of the bucket; none where one ended. `is_whole`: nothing older is to come.
    pub(crate) fn hear(&self, number: u16, entry: Option<Entry>, revision: u64, is_whole: bool) {
        let mut known = self.known();
        let look = known.looks;
        let node = match entry {
            Some(entry) => Node::Here { member: Member::of(number, entry, revision), look },
            None => Node::Gone(revision),
        };
        known.nodes.insert(number, node);
        if is_whole {
            known.is_whole = true;
            // Those whom this look did not show have ended since the one before.
            for node in known.nodes.values_mut() {
                if matches!(node, Node::Here { look: last, .. } if *last < look) {
                    *node = Node::Gone(revision);
                }
            }
            known.heard = known.heard.max(revision);
        }
        drop(known);
        self.changed.send_modify(|changes| *changes += 1);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(token: Option<u64>) -> Option<Entry> {
        Some(Entry {
            form: 1,
            version: "1".to_owned(),
            address: String::new(),
            started: 0,
            process: 1,
            beat: 1,
            token,
            connections: 3,
            lag: 0,
        })
    }

    fn numbers(members: &Members) -> Vec<u16> {
        members.all().iter().map(|member| member.number).collect()
    }

    #[test]
    fn only_the_holder_and_who_may_be_a_newer_one_are_believed() {
        let members = Members::default();
        members.begin(20);
        members.hear(1, entry(Some(12)), 18, false);
        members.hear(2, entry(None), 19, false);
        members.hear(3, None, 20, true);
        for (number, token, believed, why) in [
            (1, 12, true, "the holder"),
            (1, 11, false, "who held it before"),
            (1, 21, true, "who took it after what was heard"),
            (2, 19, true, "a holder that has not renewed yet"),
            (2, 18, false, "who held it before"),
            (3, 20, false, "who held it until it ended"),
            (3, 21, true, "who took it since"),
            (4, 15, false, "somebody of long ago, of whom nothing is left"),
            (4, 21, true, "a new one"),
        ] {
            assert_eq!(members.admits(number, token), believed, "{why}");
        }
        assert_eq!(numbers(&members), [1, 2]);
    }

    #[test]
    fn a_new_look_drops_who_ended_meanwhile() {
        let members = Members::default();
        members.begin(2);
        members.hear(1, entry(None), 1, false);
        members.hear(2, entry(None), 2, true);
        members.begin(9);
        members.hear(2, entry(Some(2)), 9, true);
        assert_eq!(numbers(&members), [2]);
        assert!(!members.admits(1, 1));
        assert!(members.admits(1, 10));
    }

    #[test]
    fn a_bucket_that_was_made_anew_begins_again() {
        let members = Members::default();
        members.begin(900);
        members.hear(1, entry(None), 900, true);
        members.begin(0);
        assert!(members.all().is_empty() && !members.is_whole());
        members.hear(1, entry(None), 1, true);
        assert!(members.admits(1, 1) && members.admits(2, 2));
    }

    #[test]
    fn what_another_version_adds_is_left_aside() {
        let text = r#"{"form":2,"version":"9","process":5,"beat":1,"colour":"green"}"#;
        let read = Entry::read(text.as_bytes()).map(|entry| (entry.form, entry.token_at(4)));
        assert_eq!(read, Some((2, 4)));
        assert_eq!(Entry::read(b"[]"), None);
    }
}
