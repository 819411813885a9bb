//! What is left of connections that are over: `$disconnect`s that their backends did not take, and those of the program's last
//! life. They are told again, at a bounded rate, until they are answered or given up.
//!
//! AWS tells a connection's end once. That is the default here too while the program lives (limit `disconnect-retries`); what a
//! crash left open is told in any case, and again, since a machine that starts has its backends later than its gateway.

use std::collections::{BinaryHeap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use types::event::{Connection, Delivery, Disconnect, Event, EventKind};
use types::id::IdKind;

use crate::frame::close;
use crate::gateway::Gateway;
use crate::metrics::{Counter, Text};
use crate::refusal::{Outcome, RefusalKind};
use crate::registry::Counted;
use crate::walk;

/// The most that wait for another try; the one that comes beyond it is given up.
const WAITING_MAX: usize = 100_000;
/// How many are told at once.
const AT_ONCE: usize = 128;
/// The pauses between tries: the first, and the longest, towards which it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How often what is due is looked for.
const LOOK: Duration = Duration::from_millis(50);
/// What `$disconnect` says of a connection that the program left open. The code is ours, as of any that broke.
const LEFT_OPEN: &str = "Connection lost: the gateway ended before the connection did";

/// What is to be told again.
#[derive(Default)]
pub(crate) struct Afterwards {
    /// Of the last life; the oldest first.
    left: Mutex<VecDeque<Connection>>,
    waiting: Mutex<BinaryHeap<Again>>,
    /// Told when there is something.
    there: Notify,
    pub(crate) counts: Counts,
}

/// What is counted of it.
#[derive(Default)]
pub(crate) struct Counts {
    /// Tries beyond the first.
    pub(crate) retried: Counter,
    /// Ends of the last life that were told.
    pub(crate) replayed: Counter,
    /// Ends that no backend took, and that are not told again.
    pub(crate) given_up: Counter,
}

/// One that is told again at that time.
struct Again {
    due: Duration,
    /// When it was told first.
    since: Duration,
    tries: u32,
    connection: Arc<Connection>,
    disconnect: Disconnect,
}

impl Ord for Again {
    // The heap gives the greatest first: that is the earliest.
    fn cmp(&self, other: &Again) -> std::cmp::Ordering {
        other.due.cmp(&self.due).then_with(|| other.connection.id.cmp(&self.connection.id))
    }
}

impl PartialOrd for Again {
    fn partial_cmp(&self, other: &Again) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Again {
    fn eq(&self, other: &Again) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Again {}

/// What came of telling an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The backend took it, or there is none.
    Taken,
    /// It will not take it however often it is told.
    Refused,
    /// It may take it later.
    Later,
}

fn verdict(outcome: &Outcome) -> Verdict {
    match outcome {
        Ok(None) => Verdict::Taken,
        Ok(Some(reply)) => match reply.status {
            408 | 429 | 500.. => Verdict::Later,
            400..=499 => Verdict::Refused,
            _ => Verdict::Taken,
        },
        Err(refusal) => match refusal.kind {
            RefusalKind::IntegrationFailure
            | RefusalKind::IntegrationTimeout
            | RefusalKind::NotInvoked
            | RefusalKind::FunctionFailed
            | RefusalKind::Throttled(_) => Verdict::Later,
            // The backend took it; only its answer was too much.
            RefusalKind::ResponseTooLarge => Verdict::Taken,
            _ => Verdict::Refused,
        },
    }
}

impl Afterwards {
    fn waiting(&self) -> MutexGuard<'_, BinaryHeap<Again>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn left(&self) -> MutexGuard<'_, VecDeque<Connection>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are to be told again.
    pub(crate) fn count(&self) -> usize {
        self.left().len() + self.waiting().len()
    }
}

impl Gateway {
    /// Tells `$disconnect` of connections that the program's last life left open, in the background: once the stages are there.
    pub fn replay(&self, left: Vec<Connection>) {
        self.afterwards.left().extend(left);
        self.afterwards.there.notify_one();
    }

    /// Tells ends again until the program ends. One task of the program's runs it.
    pub async fn run_afterwards(self: &Arc<Self>) {
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        let mut budget = Budget::new(self.limits.disconnect_replay_rate);
        loop {
            let there = self.afterwards.there.notified();
            if self.afterwards.count() == 0 {
                there.await;
            }
            while budget.has_one(self.now())
                && let Some(again) = self.next_again()
            {
                budget.take();
                let Ok(permit) = at_once.clone().acquire_owned().await else { return };
                let gateway = self.clone();
                // A stop waits for those that run.
                let counted = Counted::new(self.registry.clone());
                tokio::spawn(async move {
                    gateway.tell_again(again).await;
                    drop((permit, counted));
                });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn next_again(&self) -> Option<Again> {
        let now = self.now();
        if self.is_draining() {
            return None;
        }
        {
            let mut waiting = self.afterwards.waiting();
            if waiting.peek().is_some_and(|again| again.due <= now) {
                return waiting.pop();
            }
        }
        let connection = Arc::new(self.afterwards.left().pop_front()?);
        self.afterwards.counts.replayed.one();
        let disconnect = Disconnect { delivery: Delivery::Replay, ..Disconnect::new(close::ABNORMAL, LEFT_OPEN) };
        Some(Again { due: now, since: now, tries: 0, connection, disconnect })
    }

    async fn tell_again(&self, again: Again) {
        let Again { since, tries, connection, disconnect, .. } = again;
        let kind = EventKind::Disconnect(disconnect.clone());
        let request_id = self.new_id(IdKind::Request);
        let mut event = Event { connection, request_id, at: self.wall_clock(), kind };
        let outcome = walk::run(self, &mut event, walk::nobody).await;
        self.settle(event.connection, disconnect, &outcome, (since, tries + 1));
    }

    /// An end was told for the first time: it is closed in the journal, or told again later.
    pub(crate) fn told(&self, event: Event, outcome: &Outcome) {
        let EventKind::Disconnect(disconnect) = event.kind else { return };
        self.settle(event.connection, disconnect, outcome, (self.now(), 1));
    }

    fn settle(
        &self,
        connection: Arc<Connection>,
        mut disconnect: Disconnect,
        outcome: &Outcome,
        told: (Duration, u32),
    ) {
        let ((since, tries), counts) = (told, &self.afterwards.counts);
        let verdict = verdict(outcome);
        // A stop leaves it to the next life, where there is a journal.
        if verdict == Verdict::Later
            && self.is_draining()
            && self.journal.is_some()
            && self.may_tell_again(&disconnect, tries)
        {
            return;
        }
        if verdict == Verdict::Later && self.may_tell_again(&disconnect, tries) {
            let now = self.now();
            let pause = pause(tries, connection.id.random());
            let is_in_time = now + pause <= since + self.limits.disconnect_retry_for;
            let mut waiting = self.afterwards.waiting();
            if is_in_time && waiting.len() < WAITING_MAX {
                counts.retried.one();
                if disconnect.delivery == Delivery::First {
                    disconnect.delivery = Delivery::Retry;
                }
                waiting.push(Again { due: now + pause, since, tries, connection, disconnect });
                drop(waiting);
                self.afterwards.there.notify_one();
                return;
            }
        }
        if verdict != Verdict::Taken {
            counts.given_up.one();
        }
        if let Some(journal) = &self.journal {
            journal.end(&connection.id);
        }
    }

    /// Writes what is counted of the journal, and of ends that are told again.
    pub(crate) fn write_journal(&self, text: &mut Text) {
        let Counts { retried, replayed, given_up } = &self.afterwards.counts;
        text.single(
            "gatewright_disconnects_waiting",
            "gauge",
            "$disconnect calls that are to be made again",
            self.afterwards.count(),
        );
        let counters = [
            (
                "gatewright_disconnects_retried_total",
                "$disconnect calls whose backend failed and that are made again",
                retried.get(),
            ),
            (
                "gatewright_disconnects_replayed_total",
                "$disconnect calls of connections that a crash left open",
                replayed.get(),
            ),
            ("gatewright_disconnects_given_up_total", "$disconnect calls that no backend took", given_up.get()),
        ];
        counters.into_iter().for_each(|(name, help, value)| text.single(name, "counter", help, value));
        let Some(journal) = &self.journal else { return };
        let health = journal.health();
        text.single("gatewright_journal_open", "gauge", "Connections that are written down as open", health.open);
        text.single("gatewright_journal_bytes", "gauge", "Bytes of the journal on disk", health.bytes);
        let is_failing = u8::from(health.is_failing);
        text.single("gatewright_journal_failing", "gauge", "1 while the journal's disk fails", is_failing);
        text.single(
            "gatewright_journal_lost_total",
            "counter",
            "Records that a disk which failed for too long has lost",
            health.lost,
        );
        text.single(
            "gatewright_journal_late_total",
            "counter",
            "Clients that went on before the disk was done",
            health.late,
        );
    }

    // What a crash left open is told as long as there is time; what ends in this life, as often as the limit says.
    fn may_tell_again(&self, disconnect: &Disconnect, tries: u32) -> bool {
        disconnect.delivery == Delivery::Replay || tries as usize <= self.limits.disconnect_retries
    }
}

/// The pause behind that many tries: it doubles, and is up to a quarter shorter, so that those that failed together part.
fn pause(tries: u32, chance: u64) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    doubled.mul_f64(1.0 - (chance % 1024) as f64 / 4096.0)
}

/// How many may be told now: as many a second as the limit says, and a tenth of that at once.
struct Budget {
    rate: f64,
    has: f64,
    at: Duration,
}

impl Budget {
    fn new(rate: usize) -> Budget {
        Budget { rate: rate.max(1) as f64, has: 0.0, at: Duration::ZERO }
    }

    fn has_one(&mut self, now: Duration) -> bool {
        let most = (self.rate / 10.0).max(1.0);
        self.has = (self.has + now.saturating_sub(self.at).as_secs_f64() * self.rate).min(most);
        self.at = now;
        self.has >= 1.0
    }

    fn take(&mut self) {
        self.has -= 1.0;
    }
}

#[cfg(test)]
mod tests {
    use mapping::Reply;
    use types::headers::Headers;

    use super::*;
    use crate::refusal::{By, Refusal};

    #[test]
    fn what_a_backend_said_decides_whether_it_is_told_again() {
        let reply =
            |status| Ok(Some(Reply { status, headers: Headers::new(), body: bytes::Bytes::new(), two_way: false }));
        let refusal = |kind| Err(Refusal::new(kind, ""));
        for (outcome, expected) in [
            (Ok(None), Verdict::Taken),
            (reply(200), Verdict::Taken),
            (reply(204), Verdict::Taken),
            (reply(302), Verdict::Taken),
            (reply(404), Verdict::Refused),
            (reply(408), Verdict::Later),
            (reply(429), Verdict::Later),
            (reply(500), Verdict::Later),
            (reply(503), Verdict::Later),
            (refusal(RefusalKind::IntegrationFailure), Verdict::Later),
            (refusal(RefusalKind::IntegrationTimeout), Verdict::Later),
            (refusal(RefusalKind::FunctionFailed), Verdict::Later),
            (refusal(RefusalKind::Throttled(By::Connections)), Verdict::Later),
            (refusal(RefusalKind::ResponseTooLarge), Verdict::Taken),
            (refusal(RefusalKind::ApiConfigurationError), Verdict::Refused),
            (refusal(RefusalKind::AccessDenied), Verdict::Refused),
        ] {
            assert_eq!(verdict(&outcome), expected, "{outcome:?}");
        }
    }

    #[test]
    fn pauses_double_and_part() {
        assert_eq!(pause(1, 0), FIRST_PAUSE);
        assert_eq!(pause(3, 0), FIRST_PAUSE * 4);
        assert_eq!(pause(40, 0), LONGEST_PAUSE);
        assert_eq!(pause(u32::MAX, 0), LONGEST_PAUSE);
        assert!(pause(1, 1023) > FIRST_PAUSE * 3 / 4 - Duration::from_millis(1) && pause(1, 1023) < FIRST_PAUSE);
    }

    #[test]
    fn a_budget_gives_its_rate_and_a_tenth_at_once() {
        let mut budget = Budget::new(100);
        let mut given = 0;
        for millis in 1..=3_000_u64 {
            while budget.has_one(Duration::from_secs(60) + Duration::from_millis(millis)) {
                budget.take();
                given += 1;
            }
        }
        assert!((305..=311).contains(&given), "{given}");
    }
}
