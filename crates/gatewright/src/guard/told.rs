//! How much of its refusals the log tells: a few a second of each sort, and of the others how many there were.
//!
//! Anybody can send what is not signed, in any number. That must not hide who signed and is refused all the same.

use std::sync::{Mutex, PoisonError};

use auth::RefusalKind;

/// How many refusals of one sort the log tells a second.
const TOLD_A_SECOND: u64 = 10;

/// The sorts, by what a caller had to know, and how each is called where it is only counted.
const SORTS: [&str; 3] = ["not signed", "with a signature that is not right", "signed, and not allowed"];

fn sort(kind: RefusalKind) -> usize {
    match kind {
        RefusalKind::Missing | RefusalKind::Incomplete => 0,
        RefusalKind::UnknownKey | RefusalKind::ExpiredToken | RefusalKind::WrongSignature | RefusalKind::OutOfScope => {
            1
        }
        RefusalKind::Denied => 2,
    }
}

/// What was told in the current second, and what was not.
#[derive(Default)]
pub(crate) struct Told(Mutex<Second>);

#[derive(Default)]
struct Second {
    /// Since 1970.
    second: u64,
    told: [u64; SORTS.len()],
    left_out: [u64; SORTS.len()],
}

impl Told {
    /// Counts a refusal: whether the log tells it, and what is to be said before of those that it did not tell.
    pub(crate) fn count(&self, kind: RefusalKind, second: u64) -> (bool, Option<String>) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = now.turn(second);
        let sort = sort(kind);
        let is_told = now.told[sort] < TOLD_A_SECOND;
        *if is_told { &mut now.told[sort] } else { &mut now.left_out[sort] } += 1;
        (is_told, before)
    }

    /// What is to be said of those that an earlier second left out, where nothing is refused any more.
    pub(crate) fn left_out(&self, second: u64) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).turn(second)
    }
}

impl Second {
    // Begins a new second, if it is one.
    fn turn(&mut self, second: u64) -> Option<String> {
        if self.second == second {
            return None;
        }
        let left_out = std::mem::take(self).left_out;
        self.second = second;
        let all: u64 = left_out.iter().sum();
        let sorts = left_out.iter().zip(SORTS).filter(|(count, _)| **count > 0);
        let sorts: Vec<_> = sorts.map(|(count, sort)| format!("{count} {sort}")).collect();
        (all > 0).then(|| format!("{all} more refusals: {}", sorts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_hides_no_other_sort() {
        let told = Told::default();
        let flood = |kind, second| (0..100).filter(|_| told.count(kind, second).0).count();
        assert_eq!(flood(RefusalKind::Missing, 1), 10);
        assert_eq!(flood(RefusalKind::Incomplete, 1), 0);
        assert_eq!(flood(RefusalKind::UnknownKey, 1), 10);
        assert_eq!(told.count(RefusalKind::Denied, 1), (true, None));
        assert_eq!(told.left_out(1), None);
        let said = "280 more refusals: 190 not signed, 90 with a signature that is not right";
        assert_eq!(told.count(RefusalKind::Missing, 2), (true, Some(said.to_owned())));
        assert_eq!(told.left_out(3), None);
        assert_eq!(flood(RefusalKind::Denied, 3), 10);
        assert_eq!(told.left_out(9).as_deref(), Some("90 more refusals: 90 signed, and not allowed"));
        assert_eq!(told.left_out(10), None);
    }
}
