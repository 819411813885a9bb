//! How much work one mapping may be, where it runs.
//!
//! Nearly every rendering and check takes microseconds and runs where messages are read. What takes more is tried there
//! with a small budget first, given up, and done anew elsewhere with the whole one: it is pure, so nothing is lost but the
//! small budget.

use std::cell::Cell;

use jsonpath::Visits;

/// Steps of a template, and values that JSONPaths look at, where messages are read: a millisecond or so.
const SMALL_STEPS: u64 = 20_000;
/// The longest message that is checked against a model there, and through how many references between schemas.
const SMALL_BODY_BYTES: usize = 16 * 1024;
const SMALL_REFERENCES: usize = 5_000;
/// What all JSONPaths of one rendering may look at; one alone has had as much.
const VISITS_MAX: usize = 5_000_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Effort {
    Whole,
    Small,
    /// The small budget was not enough.
    TooSmall,
}

thread_local! {
    static EFFORT: Cell<Effort> = const { Cell::new(Effort::Whole) };
}

/// It is more work than is done where messages are read; it has to be done anew elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch;

/// Does something with a small budget. What it gave is worth nothing where the budget was not enough.
///
/// # Errors
/// [`TooMuch`].
pub fn small<T>(act: impl FnOnce() -> T) -> Result<T, TooMuch> {
    EFFORT.set(Effort::Small);
    let done = act();
    match EFFORT.replace(Effort::Whole) {
        Effort::TooSmall => Err(TooMuch),
        Effort::Whole | Effort::Small => Ok(done),
    }
}

/// What a template may use up.
pub(crate) fn limits() -> vtl::Limits {
    let whole = vtl::Limits::default();
    match EFFORT.get() {
        Effort::Whole => whole,
        Effort::Small | Effort::TooSmall => vtl::Limits { steps: SMALL_STEPS, ..whole },
    }
}

/// What the JSONPaths of one rendering may look at together.
pub(crate) fn visits() -> Visits {
    match EFFORT.get() {
        Effort::Whole => Visits::new(VISITS_MAX),
        Effort::Small | Effort::TooSmall => Visits::new(SMALL_STEPS as usize),
    }
}

/// How many references between schemas a check may follow, of `most` in all.
pub(crate) fn references(most: usize) -> usize {
    match EFFORT.get() {
        Effort::Whole => most,
        Effort::Small | Effort::TooSmall => most.min(SMALL_REFERENCES),
    }
}

/// Whether a body of this length may be checked here, with a model that may be slow.
pub(crate) fn may_check(bytes: usize, slow: bool) -> bool {
    EFFORT.get() == Effort::Whole || bytes <= SMALL_BODY_BYTES && !(slow && bytes > SMALL_BODY_BYTES / 16)
}

/// Notes that a limit was met: with a small budget that says nothing yet.
pub(crate) fn limit_met() {
    if EFFORT.get() == Effort::Small {
        EFFORT.set(Effort::TooSmall);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_for_the_small_budget_is_told_and_the_whole_one_comes_back() {
        assert_eq!(small(|| limits().steps), Ok(SMALL_STEPS));
        assert_eq!(small(limit_met), Err(TooMuch));
        assert_eq!(limits(), vtl::Limits::default());
        limit_met();
        assert_eq!(small(|| 1), Ok(1));
    }
}
