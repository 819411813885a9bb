//! Which names are being looked up, and which of them gives way when there are too many.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Names that are looked up at once. Each takes two sockets.
pub(super) const LOOKUPS_MAX: usize = 256;

/// How long a name is looked up for sure, unless nobody answered about it before. Name servers answer in milliseconds.
const TURN_MIN: Duration = Duration::from_secs(2);

/// The names that are being looked up, in the order in which they began; at most [`LOOKUPS_MAX`].
///
/// Names that nobody answers about hold their turns for as long as they may: without this a few hundred of them would lock
/// out every other name.
#[derive(Default)]
pub(super) struct Turns(VecDeque<Turn>);

struct Turn {
    name: String,
    since: Instant,
    /// Nobody answered about it when it was looked up last.
    was_silent: bool,
    /// Dropped when it is to give way.
    _ends: oneshot::Sender<()>,
}

/// Comes to an end when the lookup is to give way.
pub(super) type GiveWay = oneshot::Receiver<()>;

impl Turns {
    /// A turn for a name that has none; `None` where no other gives way to it. One about which nobody answered last time has
    /// to wait for room.
    pub(super) fn begin(&mut self, name: &str, was_silent: bool, now: Instant) -> Option<GiveWay> {
        if self.0.len() >= LOOKUPS_MAX {
            let gives_way = self.gives_way(now).filter(|_| !was_silent)?;
            self.0.remove(gives_way);
        }
        let (ends, give_way) = oneshot::channel();
        self.0.push_back(Turn { name: name.to_owned(), since: now, was_silent, _ends: ends });
        Some(give_way)
    }

    /// A lookup is over, whether it gave way or not.
    pub(super) fn end(&mut self, name: &str) {
        self.0.retain(|turn| turn.name != name);
    }

    // The oldest of those that were silent before, else the oldest of all, once it had its time.
    fn gives_way(&self, now: Instant) -> Option<usize> {
        let had_its_time = || self.0.front().is_some_and(|oldest| now >= oldest.since + TURN_MIN).then_some(0);
        self.0.iter().position(|turn| turn.was_silent).or_else(had_its_time)
    }

    /// Whether a lookup that took so long and found nothing was one of silence.
    pub(super) fn is_silence(took: Duration) -> bool {
        took >= TURN_MIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(now: Instant) -> (Turns, Vec<GiveWay>) {
        let mut turns = Turns::default();
        let given = (0..LOOKUPS_MAX).map(|n| turns.begin(&n.to_string(), false, now).unwrap());
        let given = given.collect();
        (turns, given)
    }

    fn gave_way(given: &mut [GiveWay]) -> Vec<usize> {
        let is_over = |one: &mut GiveWay| one.try_recv() == Err(oneshot::error::TryRecvError::Closed);
        given.iter_mut().enumerate().filter_map(|(at, one)| is_over(one).then_some(at)).collect()
    }

    #[test]
    fn the_oldest_gives_way_once_it_had_its_time() {
        let now = Instant::now();
        let (mut turns, mut given) = full(now);
        let soon = now + TURN_MIN - Duration::from_millis(1);
        assert!(turns.begin("new", false, soon).is_none());
        assert_eq!(gave_way(&mut given), []);
        given.push(turns.begin("new", false, now + TURN_MIN).unwrap());
        given.push(turns.begin("newer", false, now + TURN_MIN).unwrap());
        assert_eq!(gave_way(&mut given), [0, 1]);
        // Where there is room nobody has to.
        turns.end("7");
        given.push(turns.begin("newest", false, now).unwrap());
        assert_eq!(gave_way(&mut given), [0, 1, 7]);
    }

    #[test]
    fn a_name_that_nobody_answered_about_takes_nobodys_turn_and_loses_its_own_first() {
        let now = Instant::now();
        let (mut turns, mut given) = full(now);
        assert!(turns.begin("silent", true, now + TURN_MIN).is_none());
        turns.end("9");
        let mut silent = [turns.begin("silent", true, now + TURN_MIN).unwrap()];
        given.push(turns.begin("new", false, now + TURN_MIN).unwrap());
        assert_eq!(gave_way(&mut silent), [0]);
        assert_eq!(gave_way(&mut given), [9], "only the one that was over");
    }
}
