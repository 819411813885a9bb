//! Which documents changed last, so that a store can say what happened since a revision.

use std::collections::{HashSet, VecDeque};

use super::{Change, Followed, Key, Revision};

/// How many changes are remembered. Only their keys are, which is a few hundred kilobytes; who stayed away for longer reads
/// everything anew.
const CHANGES_MAX: usize = 4096;

/// The keys of the last batches, from the first question on: most stores have one control plane, which never asks.
#[derive(Debug, Default)]
pub(super) struct Log {
    is_followed: bool,
    /// The revision before the oldest batch that is remembered.
    from: Revision,
    /// Each with the revision that its batch led to, which ascends.
    changes: VecDeque<(Revision, Key)>,
    /// The store's revision now.
    to: Revision,
}

impl Log {
    /// Of a store that is opened at a revision.
    pub(super) fn at(revision: Revision) -> Log {
        Log { is_followed: false, from: revision, changes: VecDeque::new(), to: revision }
    }

    /// The store's revision.
    pub(super) fn revision(&self) -> Revision {
        self.to
    }

    /// Notes a batch that was stored; gives the revision that it led to.
    pub(super) fn add(&mut self, batch: &[Change]) -> Revision {
        self.to = self.to.after(batch);
        if !self.is_followed {
            self.from = self.to;
            return self.to;
        }
        self.changes.extend(batch.iter().map(|change| (self.to, change.key().clone())));
        while self.changes.len() > CHANGES_MAX {
            // Whole batches only: half of one is what nobody may see.
            let oldest = self.changes[0].0;
            let end = self.changes.partition_point(|(revision, _)| *revision <= oldest);
            self.changes.drain(..end);
            self.from = oldest;
        }
        self.to
    }

    /// What happened since a revision; `now` gives what stands at a key.
    pub(super) fn since<E>(
        &mut self,
        from: Revision,
        mut now: impl FnMut(&Key) -> Result<Option<super::Content>, E>,
    ) -> Result<Followed, E> {
        self.is_followed = true;
        if from < self.from {
            return Ok(Followed::Gap);
        }
        let start = self.changes.partition_point(|(revision, _)| *revision <= from);
        let keys: HashSet<&Key> = self.changes.range(start..).map(|(_, key)| key).collect();
        let mut keys: Vec<&Key> = keys.into_iter().collect();
        keys.sort_unstable();
        let (mut changes, mut there) = (Vec::new(), Vec::new());
        for key in keys {
            match now(key)? {
                Some(content) => there.push(Change::Put(key.clone(), content)),
                None => changes.push(Change::Delete(key.clone())),
            }
        }
        changes.append(&mut there);
        Ok(Followed::Changes(self.to, changes))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use super::*;
    use crate::store::Content;

    fn key(sequence: u64) -> Key {
        Key { sequence, path: format!("things/{sequence}") }
    }

    fn put(sequence: u64) -> Change {
        Change::Put(key(sequence), Content::Document(Arc::default()))
    }

    /// What a follower is told: `+` and `-` with sequence numbers, and the revision. Even numbers are there.
    fn told(log: &mut Log, from: u64) -> String {
        let content =
            |key: &Key| Ok::<_, Infallible>(key.sequence.is_multiple_of(2).then(|| Content::Document(Arc::default())));
        match log.since(Revision(from), content).unwrap() {
            Followed::Gap => "gap".to_owned(),
            Followed::Changes(revision, changes) => {
                let told = changes.iter().map(|change| match change {
                    Change::Put(key, _) => format!("+{} ", key.sequence),
                    Change::Delete(key) => format!("-{} ", key.sequence),
                });
                format!("{}at {}", told.collect::<String>(), revision.0)
            }
        }
    }

    #[test]
    fn a_follower_is_told_what_changed_since_its_revision_and_no_more() {
        let mut log = Log::at(Revision(8));
        assert_eq!(log.add(&[put(8), put(9)]), Revision(10));
        assert_eq!(told(&mut log, 8), "gap", "nobody had asked when it happened");
        assert_eq!(told(&mut log, 10), "at 10");
        assert_eq!(log.add(&[put(10), put(11), put(12)]), Revision(13));
        assert_eq!(log.add(&[put(4), put(10)]), Revision(14), "a batch that creates nothing is a revision, too");
        assert_eq!(log.add(&[Change::Delete(key(11))]), Revision(15));
        for (from, expected) in [
            (9, "gap"),
            (10, "-11 +4 +10 +12 at 15"),
            (13, "-11 +4 +10 at 15"),
            (14, "-11 at 15"),
            (15, "at 15"),
            (16, "at 15"),
        ] {
            assert_eq!(told(&mut log, from), expected, "since {from}");
        }
    }

    #[test]
    fn what_is_forgotten_is_whole_batches_and_a_gap() {
        let mut log = Log::at(Revision(0));
        assert_eq!(told(&mut log, 0), "at 0");
        log.add(&[put(0), put(1)]);
        let most = u64::try_from(CHANGES_MAX).unwrap();
        let many: Vec<Change> = (2..=most).map(put).collect();
        assert_eq!(log.add(&many), Revision(most + 1));
        assert_eq!((told(&mut log, 1).as_str(), log.changes.len()), ("gap", CHANGES_MAX - 1));
        assert_eq!(told(&mut log, most + 1), format!("at {}", most + 1));
        assert!(told(&mut log, 2).contains("+2 +4 "), "the last batch is all there");
        let more: Vec<Change> = (most..=2 * most).map(put).collect();
        log.add(&more);
        assert!(log.changes.is_empty(), "a batch that is larger than all that is remembered");
        assert_eq!(
            (told(&mut log, most + 1), told(&mut log, 2 * most + 1)),
            ("gap".to_owned(), format!("at {}", 2 * most + 1))
        );
    }
}
