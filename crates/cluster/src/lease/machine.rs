//! Decides what a node does about its number: takes it, renews it, stops in time when it cannot.
//!
//! Pure: what happens comes in with its time, what is to be done goes out. `keeper.rs` carries it out, the simulation plays with it.
//!
//! A number is an entry of a bucket that the servers drop when it has not been renewed for the lease. They count from when they
//! got the renewal, which is after it was sent; the node counts from when it sent it, and stops a margin earlier. So it has stopped
//! before anybody can take its number, as long as clocks of servers and node *run* equally fast and those of servers among each
//! other differ by less than the margin.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::clock::Time;

/// How many sent renewals are remembered, to know when the one was sent that is found in the bucket.
const BEATS_MAX: usize = 16;

/// How long things take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// After that long without renewal the servers drop an entry.
    pub lease: Duration,
    /// How much earlier the node stops.
    pub margin: Duration,
    /// From one renewal to the next.
    pub renew_every: Duration,
    /// From a failure to the next try.
    pub retry_after: Duration,
}

impl Terms {
    /// Those that go with a lease: renewed every fifth of it, a tenth of margin.
    ///
    /// So a node outlives servers that store nothing for seven tenths of a lease, from the worst moment on: 10.5 s of 15. After a
    /// server's crash NATS was measured to need 6 s for a new leader; where it falls silent, as without power, up to 9 s.
    pub fn of(lease: Duration) -> Terms {
        Terms {
            lease,
            margin: lease / 10,
            renew_every: lease / 5,
            retry_after: (lease / 30).max(Duration::from_millis(50)),
        }
    }

    /// How long a node serves after it sent what was stored.
    fn serves_for(&self) -> Duration {
        self.lease.saturating_sub(self.margin)
    }
}

/// A number that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Part of every id that this node makes; never 0, which is the number of a program without cluster.
    pub number: u16,
    /// Greater than that of whoever held the number before: the revision that the bucket had when it was taken.
    pub token: u64,
}

/// What is asked of the bucket. One is under way at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Which numbers are taken?
    List,
    /// Make the entry, which must not be there.
    Take {
        /// The number.
        number: u16,
        /// Goes into the entry.
        beat: u64,
    },
    /// Write the entry anew, which must be as it was.
    Renew {
        /// The number and its token, which stays.
        held: Held,
        /// Goes into the entry.
        beat: u64,
        /// The entry's last one.
        revision: u64,
    },
    /// What is the entry, as the leader knows it?
    Read {
        /// The number.
        number: u16,
    },
    /// Remove the entry, which must be as it was.
    Free {
        /// The number.
        number: u16,
        /// The entry's last one.
        revision: u64,
    },
}

/// An entry that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whether this very process wrote it.
    pub is_own: bool,
    /// Of which of its requests it is.
    pub beat: u64,
    /// The entry's revision.
    pub revision: u64,
    /// The holder's token.
    pub token: u64,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To `List`.
    Listed(BTreeSet<u16>),
    /// To `Take` and `Renew`: done.
    Stored {
        /// The entry's revision now.
        revision: u64,
    },
    /// To `Take`, `Renew` and `Free`: the entry is not what was expected.
    Refused,
    /// To `Read`.
    Entry(Option<Found>),
    /// To `Free`: done.
    Freed,
    /// To any: no answer in time, or trouble. It may have been done, or be done later.
    Failed,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Time passed; see [`Machine::wake_at`].
    Wake,
    /// The answer to a request, by the number that it went out with.
    Answered(u64, Answer),
    /// The program ends.
    Leave,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the bucket; the answer comes back with this number.
    Ask(u64, Request),
    /// The node may accept clients.
    Serve(Held),
    /// The number is no longer the node's: close its clients with 1012, accept no more.
    Stop,
    /// All is given back; nothing more will be asked.
    Left,
}

#[derive(Debug)]
enum State {
    /// Without a number; looks for one at that time.
    Out {
        at: Time,
    },
    Looking,
    Taking {
        number: u16,
        beat: u64,
        sent: Time,
        refused: BTreeSet<u16>,
    },
    /// Whether the number was taken is not known. Asked at that time, where no question is under way.
    TakeInDoubt {
        number: u16,
        beat: u64,
        sent: Time,
        at: Option<Time>,
    },
    Holding(Holding),
    Leaving {
        held: Held,
        again: bool,
    },
    Left,
}

#[derive(Debug)]
struct Holding {
    held: Held,
    revision: u64,
    /// When that was sent which is known to be stored.
    confirmed: Time,
    /// Requests sent since then, with their beats.
    beats: VecDeque<(u64, Time)>,
    /// When the next request goes out; none while one is under way.
    next: Option<Time>,
    /// Whether that request reads rather than renews.
    in_doubt: bool,
}

/// A node's dealings with the bucket of numbers.
#[derive(Debug)]
pub struct Machine {
    terms: Terms,
    state: State,
    requests: u64,
    beats: u64,
}

impl Machine {
    /// A node that wants a number.
    pub fn new(terms: Terms, now: Time) -> Machine {
        Machine { terms, state: State::Out { at: now }, requests: 0, beats: 0 }
    }

    /// The number that is the node's at a moment, and until when without another word. Whoever serves asks this each time:
    /// a process that was stopped and goes on has not yet been told anything.
    pub fn holds(&self, now: Time) -> Option<(Held, Time)> {
        let State::Holding(holding) = &self.state else { return None };
        let until = holding.confirmed + self.terms.serves_for();
        (now < until).then_some((holding.held, until))
    }

    /// When it wants to be woken, if nothing happens before.
    pub fn wake_at(&self) -> Option<Time> {
        match &self.state {
            State::Out { at } => Some(*at),
            State::TakeInDoubt { at, .. } => *at,
            State::Holding(holding) => {
                let end = holding.confirmed + self.terms.serves_for();
                Some(holding.next.map_or(end, |next| next.min(end)))
            }
            State::Looking | State::Taking { .. } | State::Leaving { .. } | State::Left => None,
        }
    }

    /// Takes what happened; gives what is to be done, in order.
    pub fn on(&mut self, now: Time, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Wake => {}
            Event::Leave => self.leave(&mut actions),
            // What a later request made meaningless is not looked at.
            Event::Answered(request, answer) if request == self.requests => self.answered(now, answer, &mut actions),
            Event::Answered(..) => {}
        }
        self.proceed(now, &mut actions);
        actions
    }

    fn ask(&mut self, request: Request, actions: &mut Vec<Action>) {
        self.requests += 1;
        actions.push(Action::Ask(self.requests, request));
    }

    fn beat(&mut self) -> u64 {
        self.beats += 1;
        self.beats
    }

    /// Gives up what is held or hoped for. An answer that is still to come is not waited for.
    fn out(&mut self, at: Time) {
        self.requests += 1;
        self.state = State::Out { at };
    }

    fn leave(&mut self, actions: &mut Vec<Action>) {
        match &self.state {
            State::Holding(holding) => {
                let (held, revision) = (holding.held, holding.revision);
                actions.push(Action::Stop);
                self.state = State::Leaving { held, again: true };
                self.ask(Request::Free { number: held.number, revision }, actions);
            }
            State::Leaving { .. } | State::Left => {}
            // What may have been taken without our knowing goes with its lease.
            State::Out { .. } | State::Looking | State::Taking { .. } | State::TakeInDoubt { .. } => {
                self.state = State::Left;
                actions.push(Action::Left);
            }
        }
    }

    fn answered(&mut self, now: Time, answer: Answer, actions: &mut Vec<Action>) {
        let later = now + self.terms.retry_after;
        match std::mem::replace(&mut self.state, State::Left) {
            State::Looking => match answer {
                Answer::Listed(taken) => self.take(now, taken, actions),
                _ => self.out(later),
            },
            State::Taking { number, beat, sent, mut refused } => match answer {
                Answer::Stored { revision } => {
                    self.hold(now, Held { number, token: revision }, revision, sent, actions)
                }
                Answer::Refused => {
                    refused.insert(number);
                    self.take(now, refused, actions);
                }
                _ => self.state = State::TakeInDoubt { number, beat, sent, at: Some(later) },
            },
            State::TakeInDoubt { number, beat, sent, .. } => match answer {
                Answer::Entry(Some(found)) if found.is_own && found.beat == beat => {
                    self.hold(now, Held { number, token: found.revision }, found.revision, sent, actions);
                }
                Answer::Entry(_) => self.out(later),
                _ => self.state = State::TakeInDoubt { number, beat, sent, at: Some(later) },
            },
            State::Holding(holding) => self.held_answered(now, answer, holding, actions),
            State::Leaving { held, again } => match answer {
                Answer::Refused if again => {
                    self.state = State::Leaving { held, again: false };
                    self.ask(Request::Read { number: held.number }, actions);
                }
                Answer::Entry(Some(found)) if found.is_own && found.token == held.token => {
                    self.state = State::Leaving { held, again: false };
                    self.ask(Request::Free { number: held.number, revision: found.revision }, actions);
                }
                _ => actions.push(Action::Left),
            },
            state @ (State::Out { .. } | State::Left) => self.state = state,
        }
    }

    fn held_answered(&mut self, now: Time, answer: Answer, mut holding: Holding, actions: &mut Vec<Action>) {
        let later = now + self.terms.retry_after;
        match answer {
            // It is the answer to the last renewal: nobody else had the number in between, as the revision was ours.
            Answer::Stored { revision } => {
                holding.revision = revision;
                holding.confirmed = holding.beats.back().map_or(holding.confirmed, |(_, sent)| *sent);
                holding.beats.clear();
                holding.next = Some(holding.confirmed + self.terms.renew_every);
            }
            // Either it is another's, or an earlier renewal was stored whose answer was lost.
            Answer::Refused => {
                holding.in_doubt = true;
                holding.next = Some(now);
            }
            Answer::Entry(Some(found)) if found.is_own && found.token == holding.held.token => {
                holding.in_doubt = false;
                holding.revision = found.revision;
                if let Some((_, sent)) = holding.beats.iter().find(|(beat, _)| *beat == found.beat) {
                    holding.confirmed = *sent;
                }
                holding.beats.retain(|(beat, _)| *beat > found.beat);
                holding.next = Some((holding.confirmed + self.terms.renew_every).max(later));
            }
            Answer::Entry(_) => {
                actions.push(Action::Stop);
                self.out(now);
                return;
            }
            _ => holding.next = Some(later),
        }
        self.state = State::Holding(holding);
    }

    fn take(&mut self, now: Time, taken: BTreeSet<u16>, actions: &mut Vec<Action>) {
        let Some(number) = (1..=u16::MAX).find(|number| !taken.contains(number)) else {
            // All 65,535 are taken: one may come free.
            self.out(now + self.terms.renew_every);
            return;
        };
        let beat = self.beat();
        self.state = State::Taking { number, beat, sent: now, refused: taken };
        self.ask(Request::Take { number, beat }, actions);
    }

    fn hold(&mut self, now: Time, held: Held, revision: u64, sent: Time, actions: &mut Vec<Action>) {
        if now >= sent + self.terms.serves_for() {
            // The answer came so late that the number may be another's by now.
            self.out(now);
            return;
        }
        let next = Some(sent + self.terms.renew_every);
        let holding = Holding { held, revision, confirmed: sent, beats: VecDeque::new(), next, in_doubt: false };
        self.state = State::Holding(holding);
        actions.push(Action::Serve(held));
    }

    /// What is due by now.
    fn proceed(&mut self, now: Time, actions: &mut Vec<Action>) {
        match &mut self.state {
            State::Out { at } if *at <= now => {
                self.state = State::Looking;
                self.ask(Request::List, actions);
            }
            State::TakeInDoubt { number, at, .. } if at.is_some_and(|at| at <= now) => {
                *at = None;
                let number = *number;
                self.ask(Request::Read { number }, actions);
            }
            State::Holding(holding) if now >= holding.confirmed + self.terms.serves_for() => {
                actions.push(Action::Stop);
                self.out(now);
                self.proceed(now, actions);
            }
            State::Holding(holding) if holding.next.is_some_and(|next| next <= now) => {
                holding.next = None;
                let (held, revision) = (holding.held, holding.revision);
                if holding.in_doubt {
                    self.ask(Request::Read { number: held.number }, actions);
                    return;
                }
                self.beats += 1;
                if holding.beats.len() == BEATS_MAX {
                    holding.beats.pop_front();
                }
                holding.beats.push_back((self.beats, now));
                let beat = self.beats;
                self.ask(Request::Renew { held, beat, revision }, actions);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
