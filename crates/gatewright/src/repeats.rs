//! Remembers which remarks somebody at a terminal has just read: the same one behind each message hides the messages.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use types::snapshot::StageKey;

/// For how long a remark counts as read.
const READ_FOR: Duration = Duration::from_secs(60);
/// How many remarks are remembered; beyond it all are forgotten, and said again.
const REMEMBERED_MAX: usize = 256;

/// The remarks that were said lately.
#[derive(Default)]
pub(crate) struct Repeats {
    said: HashMap<(StageKey, String), Instant>,
}

impl Repeats {
    /// Whether the same was said of the stage within a minute; from now on it was.
    pub(crate) fn again(&mut self, stage: &StageKey, text: &str, now: Instant) -> bool {
        if self.said.len() >= REMEMBERED_MAX {
            self.said.clear();
        }
        match self.said.get(&(stage.clone(), gist(text))) {
            Some(at) if now.duration_since(*at) < READ_FOR => true,
            _ => {
                self.said.insert((stage.clone(), gist(text)), now);
                false
            }
        }
    }
}

/// A remark without what differs from message to message: numbers, and what is quoted of a body.
fn gist(text: &str) -> String {
    let unquoted = text.split('`').step_by(2);
    unquoted.flat_map(str::chars).filter(|c| !c.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_remark_counts_once_a_minute_whatever_the_message_was() {
        let stage = |stage: &str| StageKey { api_id: "a".into(), stage: stage.into() };
        let mut repeats = Repeats::default();
        let start = Instant::now();
        let mut again =
            |of: &str, text: &str, seconds: u64| repeats.again(&stage(of), text, start + Duration::from_secs(seconds));
        assert!(!again("dev", "no JSON (line 1, column 5: `hello`), to mend it: aws x", 0));
        assert!(again("dev", "no JSON (line 3, column 12: `good by`), to mend it: aws x", 1));
        assert!(!again("prod", "no JSON (line 1, column 5: `hello`), to mend it: aws x", 1));
        assert!(!again("dev", "no JSON (line 1, column 5: `hello`), to mend it: aws y", 1));
        assert!(again("dev", "no JSON (line 1, column 5: `hello`), to mend it: aws x", 59));
        assert!(!again("dev", "no JSON (line 1, column 5: `hello`), to mend it: aws x", 61));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut repeats = Repeats::default();
        let stage = StageKey { api_id: "a".into(), stage: "dev".into() };
        let now = Instant::now();
        for number in 0..10 * REMEMBERED_MAX {
            let name: String = number.to_string().chars().map(|c| char::from(c as u8 + 49)).collect();
            repeats.again(&stage, &name, now);
            assert!(repeats.said.len() <= REMEMBERED_MAX);
        }
    }
}
