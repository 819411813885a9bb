use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(20);

/// A roster, what it wants done, and what those hear who call it.
struct Play {
    roster: Roster,
    deeds: Vec<Deed>,
    now: Instant,
}

impl Play {
    fn new(places: usize) -> Play {
        Play { roster: Roster::new(places, TIMEOUT), deeds: Vec::new(), now: Instant::now() }
    }

    fn call(&mut self, id: &str, is_waited_for: bool) -> Option<oneshot::Receiver<Outcome>> {
        let (answer, answered) = oneshot::channel();
        let job = Job {
            request_id: id.into(),
            payload: Bytes::from_static(b"{}"),
            arn: String::new(),
            trace_id: None,
            client_context: None,
        };
        self.roster.call(Call { job, answer, is_waited_for }, self.now, &mut self.deeds).then_some(answered)
    }

    fn asks(&mut self, seat: u64) -> Asked {
        self.roster.asks(seat, self.now, &mut self.deeds)
    }

    fn given(&mut self, seat: u64) -> Option<String> {
        match self.asks(seat) {
            Asked::Given(job) => Some(job.request_id.to_string()),
            Asked::Waits(_) | Asked::Gone => None,
        }
    }

    fn waits(&mut self, seat: u64) -> oneshot::Receiver<Job> {
        match self.asks(seat) {
            Asked::Waits(job) => job,
            Asked::Given(_) | Asked::Gone => panic!("nothing waits, and it is there"),
        }
    }

    fn answers(&mut self, seat: u64, id: &str) -> bool {
        let outcome = || Outcome::Answered(Bytes::new());
        self.roster.answers(seat, id, outcome, self.now, &mut self.deeds).is_some()
    }

    fn look(&mut self, seat: u64) -> Look {
        self.roster.look(seat, self.now, &mut self.deeds)
    }

    fn begun(&mut self) -> Vec<(u64, Arc<Notify>)> {
        let begun = |deed| match deed {
            Deed::Begin(seat, bell) => Some((seat, bell)),
            Deed::Deliver(_) | Deed::Tell(_) => None,
        };
        std::mem::take(&mut self.deeds).into_iter().filter_map(begun).collect()
    }

    fn told(&mut self) -> Vec<&'static str> {
        let told = |deed| match deed {
            Deed::Tell(text) => Some(text),
            Deed::Deliver(_) | Deed::Begin(..) => None,
        };
        std::mem::take(&mut self.deeds).into_iter().filter_map(told).collect()
    }
}

fn has_rung(bell: &Notify) -> bool {
    let rings: BoxFuture<'_, ()> = bell.notified().boxed();
    rings.now_or_never().is_some()
}

#[test]
fn who_answers_and_asks_has_the_next_call_at_once() {
    let mut play = Play::new(1);
    let calls: Vec<_> = ["a", "b", "c"].map(|id| play.call(id, true).unwrap()).into();
    assert_eq!(play.begun().len(), 1);
    for id in ["a", "b", "c"] {
        assert_eq!(play.given(0).as_deref(), Some(id));
        assert!(!play.answers(0, "another"));
        assert!(play.answers(0, id));
        assert!(!play.answers(0, id), "once");
    }
    let mut question = play.waits(0);
    drop(calls);
    let _called = play.call("d", true);
    assert_eq!(&*question.try_recv().unwrap().request_id, "d");
    assert!(play.deeds.is_empty());
}

#[test]
fn as_many_run_as_there_are_places_and_of_those_that_ask_the_last() {
    let mut play = Play::new(2);
    let _calls = ["a", "b", "c"].map(|id| play.call(id, true));
    assert_eq!(play.begun().len(), 2);
    assert_eq!((play.given(0).as_deref(), play.given(1).as_deref()), (Some("a"), Some("b")));
    assert!(play.answers(1, "b"));
    assert_eq!(play.given(1).as_deref(), Some("c"));
    assert!(play.answers(1, "c") && play.answers(0, "a"));
    let (mut first, mut second) = (play.waits(0), play.waits(1));
    let _call = play.call("d", true);
    // It came to rest last.
    assert!(first.try_recv().is_ok() && second.try_recv().is_err());
    assert!(play.deeds.is_empty());
}

#[test]
fn no_more_wait_than_may() {
    let mut play = Play::new(1);
    let calls: Vec<_> = (0..WAITING_MAX + 1).map(|n| play.call(&n.to_string(), true)).collect();
    assert!(calls.iter().all(Option::is_some), "one runs");
    assert!(play.call("beyond", true).is_none());
    assert_eq!(play.given(0).as_deref(), Some("0"));
    assert!(play.answers(0, "0"));
    assert!(play.call("now", true).is_some());
}

#[test]
fn who_gave_up_is_not_run_for_but_who_never_waited_is() {
    let mut play = Play::new(1);
    let _first = play.call("a", true);
    drop(play.call("gone", true));
    drop(play.call("event", false));
    assert_eq!(play.given(0).as_deref(), Some("a"));
    assert!(play.answers(0, "a"));
    assert_eq!(play.given(0).as_deref(), Some("event"));
}

#[test]
fn a_keeper_is_told_of_the_first_call_and_not_of_each() {
    let mut play = Play::new(1);
    let _call = play.call("a", true);
    let bell = play.begun().remove(0).1;
    assert_eq!(play.look(0), Look::Again(Some(play.now + LOOKED_AFTER_WITHIN)));
    assert!(play.given(0).is_some() && play.answers(0, "a"));
    for _ in 0..100 {
        let mut question = play.waits(0);
        let _call = play.call("b", true);
        assert!(question.try_recv().is_ok() && play.answers(0, "b"));
        play.now += Duration::from_millis(5);
        assert!(!has_rung(&bell));
    }
    play.now += LOOKED_AFTER_WITHIN;
    assert_eq!(play.look(0), Look::Again(None), "nothing runs");
    let _question = play.waits(0);
    let _call = play.call("c", true);
    assert!(has_rung(&bell));
    // However often it looks, it looks in time.
    let end = play.now + TIMEOUT;
    while let Look::Again(Some(at)) = play.look(0) {
        assert!(play.now < at && at <= end);
        play.now = at;
    }
    assert_eq!(play.now, end);
    let said = play.deeds.iter().find_map(|deed| match deed {
        Deed::Deliver(Delivery { outcome: Outcome::Failed(said), .. }) => Some(said.clone()),
        Deed::Deliver(_) | Deed::Begin(..) | Deed::Tell(_) => None,
    });
    assert!(String::from_utf8_lossy(&said.unwrap()).contains("Task timed out after 20.00 seconds"));
}

#[test]
fn a_call_that_waits_for_one_that_hangs_gets_another() {
    for (places, is_kept) in [(1, false), (2, true)] {
        let mut play = Play::new(places);
        let _call = play.call("a", true);
        assert!(play.given(0).is_some() && play.answers(0, "a"));
        let _call = play.call("b", true);
        assert_eq!(play.begun().len(), 1, "the first one's");
        play.now += ASKS_WITHIN;
        let look = play.look(0);
        assert_eq!(look != Look::Gone, is_kept);
        assert!(matches!(&play.deeds[..], [.., Deed::Begin(1, _)]));
        assert_eq!(play.told().len(), usize::from(!is_kept));
        assert_eq!(play.given(1).as_deref(), Some("b"));
        if is_kept {
            play.now += TIMEOUT;
            assert_eq!(play.look(0), Look::Gone);
            assert!(play.told()[0].ends_with("its time is over"));
        }
    }
}

#[test]
fn what_is_renewed_runs_no_further_call() {
    let mut play = Play::new(3);
    let _calls = ["a", "b"].map(|id| play.call(id, true));
    assert!(play.given(0).is_some() && play.given(1).is_some());
    assert!(play.answers(0, "a"));
    // It waits for the first to ask, which will be gone.
    let _call = play.call("c", true);
    play.begun();
    play.roster.renew(play.now, &mut play.deeds);
    assert_eq!(play.begun()[0].0, 2);
    assert!(matches!(play.asks(0), Asked::Gone));
    assert_eq!(play.given(2).as_deref(), Some("c"));
    assert!(play.answers(1, "b"), "what runs has its answer heard");
    assert!(matches!(play.asks(1), Asked::Gone));
    assert_eq!((play.look(0), play.look(1)), (Look::Gone, Look::Gone));
}

#[test]
fn the_answer_of_one_that_has_ended_may_still_come() {
    for is_answered in [true, false] {
        let mut play = Play::new(1);
        let _calls = ["a", "b"].map(|id| play.call(id, true));
        assert!(play.given(0).is_some());
        play.begun();
        play.roster.has_ended(0, "with error: signal 9", play.now, &mut play.deeds);
        if is_answered {
            assert!(play.answers(0, "a"));
        } else {
            assert_eq!(play.look(0), Look::Again(Some(play.now + LAST_WORDS)));
            play.now += LAST_WORDS;
        }
        assert_eq!(play.look(0), Look::Gone);
        assert_eq!(play.begun()[0].0, 1, "the next has a new one");
        assert_eq!(play.given(1).as_deref(), Some("b"));
    }
}
