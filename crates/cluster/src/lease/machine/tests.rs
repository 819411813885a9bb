use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(milliseconds: u64) -> Time {
    Duration::from_secs(1000) + Duration::from_millis(milliseconds)
}

/// A machine with a lease of 15 s that took number 1 at 0 with revision 7; the number of its last request.
fn holding() -> (Machine, u64) {
    let mut machine = Machine::new(Terms::of(15 * SECOND), at(0));
    assert_eq!(machine.on(at(0), Event::Wake), [Action::Ask(1, Request::List)]);
    let listed = Event::Answered(1, Answer::Listed(BTreeSet::new()));
    assert_eq!(machine.on(at(0), listed), [Action::Ask(2, Request::Take { number: 1, beat: 1 })]);
    let held = Held { number: 1, token: 7 };
    let stored = Event::Answered(2, Answer::Stored { revision: 7 });
    assert_eq!(machine.on(at(10), stored), [Action::Serve(held)]);
    (machine, 2)
}

#[test]
fn the_lowest_free_number_is_taken_and_a_quicker_node_leaves_the_next() {
    let mut machine = Machine::new(Terms::of(15 * SECOND), at(0));
    machine.on(at(0), Event::Wake);
    let actions = machine.on(at(1), Event::Answered(1, Answer::Listed([1, 2, 4].into())));
    assert_eq!(actions, [Action::Ask(2, Request::Take { number: 3, beat: 1 })]);
    let actions = machine.on(at(2), Event::Answered(2, Answer::Refused));
    assert_eq!(actions, [Action::Ask(3, Request::Take { number: 5, beat: 2 })]);
}

#[test]
fn a_number_is_renewed_every_fifth_of_its_lease() {
    let (mut machine, _) = holding();
    assert_eq!(machine.wake_at(), Some(at(3000)));
    let held = Held { number: 1, token: 7 };
    assert_eq!(machine.on(at(3000), Event::Wake), [Action::Ask(3, Request::Renew { held, beat: 2, revision: 7 })]);
    assert_eq!(machine.on(at(3003), Event::Answered(3, Answer::Stored { revision: 9 })), []);
    assert_eq!(machine.wake_at(), Some(at(6000)));
    assert_eq!(machine.holds(at(16_499)).map(|(held, _)| held), Some(held));
    assert_eq!(machine.holds(at(16_500)), None, "13.5 s after the renewal was sent");
}

#[test]
fn without_renewal_the_node_stops_before_its_lease_ends() {
    let (mut machine, _) = holding();
    let mut now = 3000;
    let mut actions = machine.on(at(now), Event::Wake);
    while !actions.contains(&Action::Stop) {
        let Some(Action::Ask(request, Request::Renew { .. })) = actions.first() else {
            panic!("{actions:?}");
        };
        let request = *request;
        let end = machine.wake_at().unwrap();
        if at(now + 400) < end {
            assert_eq!(machine.on(at(now + 400), Event::Answered(request, Answer::Failed)), []);
        }
        now = u64::try_from((machine.wake_at().unwrap() - at(0)).as_millis()).unwrap();
        actions = machine.on(at(now), Event::Wake);
    }
    assert_eq!(now, 13_500);
    assert_eq!(actions.last(), Some(&Action::Ask(machine.requests, Request::List)), "and looks for another at once");
}

#[test]
fn a_process_that_was_stopped_holds_nothing_when_it_goes_on() {
    let (mut machine, _) = holding();
    assert_eq!(machine.holds(at(60_000)), None, "before anything tells it");
    assert!(machine.on(at(60_000), Event::Wake).starts_with(&[Action::Stop]));
}

#[test]
fn a_renewal_whose_answer_was_lost_is_found_again() {
    let (mut machine, _) = holding();
    machine.on(at(3000), Event::Wake);
    machine.on(at(5000), Event::Answered(3, Answer::Failed));
    let actions = machine.on(at(5500), Event::Wake);
    assert_eq!(actions, [Action::Ask(4, Request::Renew { held: Held { number: 1, token: 7 }, beat: 3, revision: 7 })]);
    // The first one had been stored, so this one is refused.
    let actions = machine.on(at(5501), Event::Answered(4, Answer::Refused));
    assert_eq!(actions, [Action::Ask(5, Request::Read { number: 1 })]);
    let found = Found { is_own: true, beat: 2, revision: 8, token: 7 };
    assert_eq!(machine.on(at(5502), Event::Answered(5, Answer::Entry(Some(found)))), []);
    assert!(machine.holds(at(16_499)).is_some(), "13.5 s from when the stored one was sent");
    assert_eq!(machine.holds(at(16_500)), None);
}

#[test]
fn a_number_that_is_anothers_is_given_up_at_once() {
    for entry in [None, Some(Found { is_own: false, beat: 2, revision: 8, token: 8 })] {
        let (mut machine, _) = holding();
        machine.on(at(3000), Event::Wake);
        machine.on(at(3001), Event::Answered(3, Answer::Refused));
        let actions = machine.on(at(3002), Event::Answered(4, Answer::Entry(entry)));
        assert_eq!(actions[0], Action::Stop);
        assert_eq!(machine.holds(at(3002)), None);
    }
}

#[test]
fn a_take_whose_answer_was_lost_is_found_by_its_beat() {
    let start = || {
        let mut machine = Machine::new(Terms::of(15 * SECOND), at(0));
        machine.on(at(0), Event::Wake);
        machine.on(at(0), Event::Answered(1, Answer::Listed(BTreeSet::new())));
        machine.on(at(2000), Event::Answered(2, Answer::Failed));
        assert_eq!(machine.on(at(2500), Event::Wake), [Action::Ask(3, Request::Read { number: 1 })]);
        machine
    };
    let own = Found { is_own: true, beat: 1, revision: 7, token: 7 };
    let actions = start().on(at(2501), Event::Answered(3, Answer::Entry(Some(own))));
    assert_eq!(actions, [Action::Serve(Held { number: 1, token: 7 })]);
    // One that is found too late may end any moment.
    let actions = start().on(at(14_000), Event::Answered(3, Answer::Entry(Some(own))));
    assert_eq!(actions, [Action::Ask(5, Request::List)]);
    let others = Found { is_own: false, ..own };
    assert_eq!(start().on(at(2501), Event::Answered(3, Answer::Entry(Some(others)))), []);
}

#[test]
fn who_leaves_stops_and_gives_its_number_back() {
    let (mut machine, last) = holding();
    let actions = machine.on(at(100), Event::Leave);
    assert_eq!(actions, [Action::Stop, Action::Ask(last + 1, Request::Free { number: 1, revision: 7 })]);
    assert_eq!(machine.on(at(101), Event::Answered(last + 1, Answer::Freed)), [Action::Left]);
    assert_eq!(machine.wake_at(), None);
    let mut nothing_yet = Machine::new(Terms::of(15 * SECOND), at(0));
    assert_eq!(nothing_yet.on(at(0), Event::Leave), [Action::Left]);
}

#[test]
fn who_leaves_while_a_renewal_is_under_way_frees_what_it_led_to() {
    let (mut machine, _) = holding();
    machine.on(at(3000), Event::Wake);
    machine.on(at(3001), Event::Leave);
    let actions = machine.on(at(3002), Event::Answered(4, Answer::Refused));
    assert_eq!(actions, [Action::Ask(5, Request::Read { number: 1 })]);
    let found = Found { is_own: true, beat: 2, revision: 8, token: 7 };
    let actions = machine.on(at(3003), Event::Answered(5, Answer::Entry(Some(found))));
    assert_eq!(actions, [Action::Ask(6, Request::Free { number: 1, revision: 8 })]);
}

#[test]
fn an_answer_that_comes_after_its_question_was_given_up_changes_nothing() {
    let (mut machine, last) = holding();
    machine.on(at(20_000), Event::Wake);
    assert_eq!(machine.on(at(20_001), Event::Answered(last, Answer::Stored { revision: 99 })), []);
    assert_eq!(machine.holds(at(20_001)), None);
}
