//! Who runs what: the environments of one function, and the calls that wait for one.
//!
//! It has no task and no clock: what happens comes in with its time, and what is to be done comes out as [`Deed`]s. A call goes
//! straight to a process that asks, or waits here until one does; so a process that answers and asks has its next call at once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};

use crate::failure;
use crate::process::Grip;

/// How many calls may wait for a process of one function; more are throttled.
const WAITING_MAX: usize = 1000;
/// How many bytes their payloads may have together; beyond that, too, calls are throttled.
const WAITING_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How long a call waits for a process that has answered to ask again, before it gets another one.
const ASKS_WITHIN: Duration = Duration::from_secs(1);
/// How long a process may take until it asks for its first invocation. Source: documented (the init phase).
const INIT_MAX: Duration = Duration::from_secs(10);
/// How long the answer of a process that has ended may still be on its way through the system.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How long an environment with something to do is not looked after, so that its keeper need not be told of each call.
const LOOKED_AFTER_WITHIN: Duration = ASKS_WITHIN;

/// What a process is given to run.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) request_id: Arc<str>,
    pub(crate) payload: Bytes,
    pub(crate) arn: String,
    pub(crate) trace_id: Option<String>,
    /// What the caller says of its client: a JSON object in ASCII.
    pub(crate) client_context: Option<String>,
}

/// One that waits for a process.
pub(crate) struct Call {
    pub(crate) job: Job,
    pub(crate) answer: oneshot::Sender<Outcome>,
    /// It is not run when nobody waits for it any more.
    pub(crate) is_waited_for: bool,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered(Bytes),
    /// The function failed; this says how.
    Failed(Bytes),
}

/// What came of a call, on its way to whoever waits for it.
pub(crate) struct Delivery {
    pub(crate) request_id: Arc<str>,
    pub(crate) answer: oneshot::Sender<Outcome>,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    /// How long the process took to begin, where this was its first.
    pub(crate) init: Option<Duration>,
}

/// What is to be done once the roster is free again.
pub(crate) enum Deed {
    /// An environment begins; it is rung for by this bell.
    Begin(u64, Arc<Notify>),
    Deliver(Delivery),
    Tell(&'static str),
}

/// What a question for the next invocation comes to.
pub(crate) enum Asked {
    Given(Job),
    /// It comes here; the end of it says that nothing comes any more.
    Waits(oneshot::Receiver<Job>),
    Gone,
}

/// What an environment's keeper does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It looks again then, or when its bell rings.
    Again(Option<Instant>),
    /// It ends what it keeps.
    Gone,
}

pub(crate) struct Roster {
    /// As many as it may have processes.
    places: usize,
    timeout: Duration,
    waiting: VecDeque<Call>,
    waiting_bytes: usize,
    seats: BTreeMap<u64, Seat>,
    /// Those that run nothing, in the order in which they came to rest.
    idle: Vec<u64>,
    /// How many places are taken.
    taken: usize,
    /// Grows when the code changes, and when it is stopped; environments of before are not used again.
    generation: u64,
    seats_ever: u64,
}

/// One environment.
struct Seat {
    doing: Doing,
    /// Its questions that wait; as many as it has connections at most.
    asking: Vec<oneshot::Sender<Job>>,
    bell: Arc<Notify>,
    /// When its keeper looks again.
    looks: Option<Instant>,
    generation: u64,
    begun: Instant,
    /// When its last invocation began.
    last: Instant,
    /// How long it took to begin, until that has been told.
    init: Option<Duration>,
    init_error: Option<Bytes>,
    grip: Option<Arc<Grip>>,
    /// How its process ended, and until when an answer of it may still come.
    ended: Option<(String, Instant)>,
}

/// All but an environment that rests take a place.
enum Doing {
    /// For this call.
    Begins(Call),
    Runs(Run),
    /// It has answered. It may go on with something and not ask yet.
    Rests,
    /// It has answered, and this call waits so long for it to ask.
    Awaited(Call, Instant),
    /// It goes on with something after its answer, and may do so until then.
    Aside(Instant),
}

struct Run {
    request_id: Arc<str>,
    answer: oneshot::Sender<Outcome>,
    began: Instant,
}

impl Seat {
    fn is_asking(&self) -> bool {
        self.asking.iter().any(|question| !question.is_closed())
    }

    // When something must be looked after, whatever it is told until then.
    fn due(&self, timeout: Duration) -> Option<Instant> {
        match (&self.doing, &self.ended) {
            (Doing::Begins(_), _) => Some(self.begun + INIT_MAX),
            (Doing::Runs(_), Some((_, until))) => Some(*until),
            (Doing::Runs(run), None) => Some(run.began + timeout),
            (Doing::Rests, _) => None,
            (Doing::Awaited(_, until) | Doing::Aside(until), _) => Some(*until),
        }
    }

    // Its keeper is told only where it would look too late.
    fn does(&mut self, doing: Doing, timeout: Duration) {
        self.doing = doing;
        let due = self.due(timeout);
        if due.is_some_and(|due| self.looks.is_none_or(|looks| due < looks)) {
            self.looks = due;
            self.bell.notify_one();
        }
    }

    fn starts(&mut self, call: Call, now: Instant, timeout: Duration) -> Job {
        let run = Run { request_id: call.job.request_id.clone(), answer: call.answer, began: now };
        self.last = now;
        self.does(Doing::Runs(run), timeout);
        call.job
    }
}

impl Roster {
    pub(crate) fn new(places: usize, timeout: Duration) -> Roster {
        Roster {
            places: places.max(1),
            timeout,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            seats: BTreeMap::new(),
            idle: Vec::new(),
            taken: 0,
            generation: 0,
            seats_ever: 0,
        }
    }

    /// Has a call run as soon as there is a place; false where too much waits already.
    pub(crate) fn call(&mut self, call: Call, now: Instant, deeds: &mut Vec<Deed>) -> bool {
        if self.waiting.len() >= WAITING_MAX || self.waiting_bytes >= WAITING_BYTES_MAX {
            return false;
        }
        self.waiting_bytes += call.job.payload.len();
        self.waiting.push_back(call);
        self.assign(now, deeds);
        true
    }

    /// A process asks for its next invocation: it has begun, or is done with all that the last one meant.
    pub(crate) fn asks(&mut self, id: u64, now: Instant, deeds: &mut Vec<Deed>) -> Asked {
        let timeout = self.timeout;
        let Some(seat) = self.seats.get_mut(&id) else { return Asked::Gone };
        match std::mem::replace(&mut seat.doing, Doing::Rests) {
            Doing::Begins(call) => {
                seat.init = Some(now.saturating_duration_since(seat.begun));
                return Asked::Given(seat.starts(call, now, timeout));
            }
            Doing::Awaited(call, _) => return Asked::Given(seat.starts(call, now, timeout)),
            Doing::Aside(_) if seat.generation != self.generation => {
                self.leave(id);
                self.assign(now, deeds);
                return Asked::Gone;
            }
            Doing::Aside(_) => {
                self.taken -= 1;
                self.idle.push(id);
            }
            Doing::Rests => {}
            Doing::Runs(run) => seat.doing = Doing::Runs(run),
        }
        let (question, answer) = oneshot::channel();
        seat.asking.retain(|question| !question.is_closed());
        seat.asking.push(question);
        self.assign(now, deeds);
        Asked::Waits(answer)
    }

    /// A process has answered. `None`: it does not run that. The delivery is the caller's to make, after what is urgent: the
    /// process is free already.
    pub(crate) fn answers(
        &mut self,
        id: u64,
        request_id: &str,
        outcome: impl FnOnce() -> Outcome,
        now: Instant,
        deeds: &mut Vec<Deed>,
    ) -> Option<Delivery> {
        let seat = self.seats.get_mut(&id)?;
        let run = match std::mem::replace(&mut seat.doing, Doing::Rests) {
            Doing::Runs(run) if *run.request_id == *request_id => run,
            other => {
                seat.doing = other;
                return None;
            }
        };
        let Run { request_id, answer, began } = run;
        let took = now.saturating_duration_since(began);
        let delivery = Delivery { request_id, answer, outcome: outcome(), took, init: seat.init.take() };
        self.taken -= 1;
        match seat.ended.is_some() || seat.generation != self.generation {
            true => self.remove(id),
            false => self.idle.push(id),
        }
        self.assign(now, deeds);
        Some(delivery)
    }

    /// What a process said of its beginning, before it ends.
    pub(crate) fn fails_to_begin(&mut self, id: u64, said: Bytes) {
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.init_error = Some(said);
        }
    }

    /// Its process has begun.
    pub(crate) fn has_begun(&mut self, id: u64, grip: Arc<Grip>) {
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.grip = Some(grip);
        }
    }

    /// No process could be begun. Gives the call for which one was to be.
    pub(crate) fn is_not_begun(&mut self, id: u64, now: Instant, deeds: &mut Vec<Deed>) -> Option<Call> {
        let seat = self.seats.remove(&id)?;
        self.taken -= 1;
        self.assign(now, deeds);
        match seat.doing {
            Doing::Begins(call) => Some(call),
            Doing::Runs(_) | Doing::Rests | Doing::Awaited(..) | Doing::Aside(_) => None,
        }
    }

    /// Its process has ended. What it answered before may still be on its way.
    pub(crate) fn has_ended(&mut self, id: u64, how: &str, now: Instant, deeds: &mut Vec<Deed>) {
        let Some(seat) = self.seats.get_mut(&id) else { return };
        match &seat.doing {
            Doing::Begins(_) => {
                let said = seat.init_error.take();
                self.fails(id, |id| said.unwrap_or_else(|| failure::exited(id, how)), now, deeds);
            }
            Doing::Runs(_) => seat.ended = Some((how.to_owned(), now + LAST_WORDS)),
            Doing::Rests => self.remove(id),
            Doing::Awaited(..) | Doing::Aside(_) => {
                self.leave(id);
                self.assign(now, deeds);
            }
        }
    }

    /// What an environment's keeper does next; what is over by now is ended.
    pub(crate) fn look(&mut self, id: u64, now: Instant, deeds: &mut Vec<Deed>) -> Look {
        let (timeout, has_room) = (self.timeout, self.taken < self.places);
        let Some(seat) = self.seats.get_mut(&id) else { return Look::Gone };
        let due = seat.due(timeout);
        if due.is_none_or(|due| now < due) {
            seat.looks = due.map(|due| due.min(now + LOOKED_AFTER_WITHIN));
            return Look::Again(seat.looks);
        }
        match &seat.doing {
            Doing::Begins(_) => {
                let said = seat.init_error.take();
                let how = format!("while it began: it took longer than {INIT_MAX:?}");
                self.fails(id, |id| said.unwrap_or_else(|| failure::exited(id, &how)), now, deeds);
            }
            Doing::Runs(_) => {
                let ended = seat.ended.take();
                let how = |id: &str| match ended {
                    Some((how, _)) => failure::exited(id, &how),
                    None => failure::timed_out(id, timeout),
                };
                self.fails(id, how, now, deeds);
            }
            // What goes on after its answer may do so for as long as a call may take, where it is in nobody's way.
            Doing::Awaited(..) if has_room => {
                let until = seat.last + timeout;
                if let Doing::Awaited(call, _) = std::mem::replace(&mut seat.doing, Doing::Aside(until)) {
                    self.first(call);
                }
                self.assign(now, deeds);
                return self.look(id, now, deeds);
            }
            Doing::Awaited(..) => {
                let told = "a process has answered and asks for nothing more; it is ended, because its place is needed";
                deeds.push(Deed::Tell(told));
                self.leave(id);
                self.assign(now, deeds);
            }
            Doing::Aside(_) => {
                let told = "a process has answered and asks for nothing more; it is ended, its time is over";
                deeds.push(Deed::Tell(told));
                self.leave(id);
                self.assign(now, deeds);
            }
            Doing::Rests => {}
        }
        Look::Gone
    }

    /// From now on calls have new processes. Gives those that run nothing; the others go when they have answered.
    pub(crate) fn renew(&mut self, now: Instant, deeds: &mut Vec<Deed>) -> Vec<Arc<Grip>> {
        self.generation += 1;
        let free = |seat: &Seat| matches!(seat.doing, Doing::Rests | Doing::Awaited(..));
        let free: Vec<u64> = self.seats.iter().filter(|(_, seat)| free(seat)).map(|(id, _)| *id).collect();
        let grips = free.iter().filter_map(|id| self.seats.get(id)?.grip.clone()).collect();
        for id in free {
            match self.seats.get(&id).is_some_and(|seat| matches!(seat.doing, Doing::Rests)) {
                true => self.remove(id),
                false => self.leave(id),
            }
        }
        self.assign(now, deeds);
        grips
    }

    // Gives places to those that wait, for as long as there are both.
    fn assign(&mut self, now: Instant, deeds: &mut Vec<Deed>) {
        while self.taken < self.places {
            let Some(call) = self.waiting.pop_front() else { return };
            self.waiting_bytes -= call.job.payload.len();
            // Whoever called went away while others ran: they are not kept waiting for nothing.
            if !(call.is_waited_for && call.answer.is_closed()) {
                self.taken += 1;
                self.place(call, now, deeds);
            }
        }
    }

    // It comes before all others: it had a place already.
    fn first(&mut self, call: Call) {
        self.waiting_bytes += call.job.payload.len();
        self.waiting.push_front(call);
    }

    // To one that asks, or else will; to a new one where all run something.
    fn place(&mut self, mut call: Call, now: Instant, deeds: &mut Vec<Deed>) {
        let timeout = self.timeout;
        while let Some(id) = self.take_idle() {
            let Some(seat) = self.seats.get_mut(&id) else { continue };
            if !seat.is_asking() {
                seat.does(Doing::Awaited(call, now + ASKS_WITHIN), timeout);
                return;
            }
            // It may have asked, and ended since.
            if seat.grip.as_ref().is_some_and(|grip| !grip.lives()) {
                self.remove(id);
                continue;
            }
            let Call { mut job, answer, is_waited_for } = call;
            while let Some(question) = seat.asking.pop() {
                let request_id = job.request_id.clone();
                match question.send(job) {
                    Ok(()) => {
                        seat.last = now;
                        seat.does(Doing::Runs(Run { request_id, answer, began: now }), timeout);
                        return;
                    }
                    Err(back) => job = back,
                }
            }
            // Whoever asked has just gone.
            self.idle.push(id);
            call = Call { job, answer, is_waited_for };
        }
        let id = self.seats_ever;
        self.seats_ever += 1;
        let bell = Arc::new(Notify::new());
        deeds.push(Deed::Begin(id, bell.clone()));
        let seat = Seat {
            doing: Doing::Begins(call),
            asking: Vec::new(),
            bell,
            looks: None,
            generation: self.generation,
            begun: now,
            last: now,
            init: None,
            init_error: None,
            grip: None,
            ended: None,
        };
        self.seats.insert(id, seat);
    }

    // Of those that ask the one that ran last: the others may rest. Else the one that ran last, which may not have asked yet.
    fn take_idle(&mut self) -> Option<u64> {
        let last = self.idle.len().checked_sub(1)?;
        let is_asking = |id: &u64| self.seats.get(id).is_some_and(Seat::is_asking);
        let at = self.idle.iter().rposition(is_asking).unwrap_or(last);
        Some(self.idle.remove(at))
    }

    // Ends one that has a call or a place; the call goes to another.
    fn leave(&mut self, id: u64) {
        let Some(seat) = self.seats.remove(&id) else { return };
        seat.bell.notify_one();
        self.taken -= 1;
        if let Doing::Awaited(call, _) = seat.doing {
            self.first(call);
        }
    }

    // Ends one that has no place; its keeper does the rest.
    fn remove(&mut self, id: u64) {
        self.idle.retain(|idle| *idle != id);
        if let Some(seat) = self.seats.remove(&id) {
            seat.bell.notify_one();
        }
    }

    // Ends one, and tells its call so.
    fn fails(&mut self, id: u64, said: impl FnOnce(&str) -> Bytes, now: Instant, deeds: &mut Vec<Deed>) {
        let Some(seat) = self.seats.remove(&id) else { return };
        seat.bell.notify_one();
        self.taken -= 1;
        let (request_id, answer, began) = match seat.doing {
            Doing::Begins(Call { job, answer, .. }) => (job.request_id, answer, seat.begun),
            Doing::Runs(Run { request_id, answer, began }) => (request_id, answer, began),
            Doing::Rests | Doing::Awaited(..) | Doing::Aside(_) => return self.assign(now, deeds),
        };
        let outcome = Outcome::Failed(said(&request_id));
        let took = now.saturating_duration_since(began);
        deeds.push(Deed::Deliver(Delivery { request_id, answer, outcome, took, init: None }));
        self.assign(now, deeds);
    }
}

#[cfg(test)]
mod tests;
