//! Runs cases in batches for a bounded time, and tells the first differences, each made as small as it gets.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::engine::{Engine, read};
use super::shrink::shrunk;

const SEED: u64 = 20_260_102;
/// Cases that are made before their answers are compared.
const BATCH: usize = 500;
/// Differences that are told; what is behind them often has the same cause.
const TOLD_MAX: usize = 25;
/// How long a run of a fixed number of cases may take. It takes some 20 s; a machine that is not done by then has failed,
/// rather than compared fewer.
const TIME_MAX: Duration = Duration::from_secs(10 * 60);

/// How to compare one kind of case.
pub(crate) struct Comparison {
    /// What the engine is told to do.
    pub(crate) mode: &'static str,
    /// How many cases, unless a time is given.
    pub(crate) cases: usize,
    /// How many of so many are compared at least; the others are known to differ. Source: observed, with some room.
    pub(crate) compared_min: usize,
    /// The texts of a case to make smaller, as JSON pointers.
    pub(crate) texts: &'static [&'static str],
    /// Our answer.
    pub(crate) ours: fn(&str) -> String,
    /// True when a case is not to be compared, given our answer: it is one of the differences that we know.
    pub(crate) known: fn(&Value, &Value) -> bool,
    /// What differs: case, our answer, theirs.
    pub(crate) difference: fn(&Value, &Value, &Value) -> Option<String>,
}

/// The seed, and how long to run where that is set.
pub(crate) fn settings() -> (u64, Option<Duration>) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    (number("GATEWRIGHT_FUZZ_SEED").unwrap_or(SEED), number("GATEWRIGHT_FUZZ_SECONDS").map(Duration::from_secs))
}

impl Comparison {
    /// Compares what `next` makes.
    ///
    /// # Panics
    /// When something differs; the message holds the cases, as lines of `found.jsonl`.
    pub(crate) fn run(&self, mut next: impl FnMut(u64) -> Value) {
        let (seed, time) = settings();
        let mut engine = Engine::new(self.mode);
        let start = Instant::now();
        let (mut made, mut compared, mut known, mut lost) = (0_usize, 0, 0, 0);
        let mut found = Vec::new();
        while start.elapsed() < time.unwrap_or(TIME_MAX)
            && (time.is_some() || made < self.cases)
            && found.len() < TOLD_MAX
        {
            let mut batch = Vec::with_capacity(BATCH);
            for _ in 0..BATCH {
                made += 1;
                let case = next(made as u64);
                let ours = self.answer(&case);
                if (self.known)(&case, &ours) {
                    known += 1;
                } else {
                    batch.push((case, ours));
                }
            }
            let cases: Vec<Value> = batch.iter().map(|(case, _)| case.clone()).collect();
            for ((case, ours), theirs) in batch.into_iter().zip(engine.answers(&cases)) {
                let Some(theirs) = theirs else {
                    lost += 1;
                    continue;
                };
                compared += 1;
                if (self.difference)(&case, &ours, &theirs).is_some() && found.len() < TOLD_MAX {
                    found.push(self.told(&mut engine, case));
                }
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{}: seed {seed}, {made} cases in {seconds:.1} s: {compared} compared, {known} known to differ or beyond a limit, {lost} without an answer",
            self.mode
        );
        assert!(found.is_empty(), "{} differ:\n{}", found.len(), found.join("\n"));
        assert!(
            time.is_some() || made >= self.cases,
            "only {made} of {} cases were made in {seconds:.0} s",
            self.cases
        );
        let share = made as f64 / self.cases as f64;
        let compared_min = self.compared_min as f64 * share;
        assert!(
            compared as f64 >= compared_min,
            "only {compared} of {made} cases were compared, not {compared_min:.0}"
        );
        assert!(lost * 1000 <= made, "the original engines did not survive {lost} of {made} cases");
    }

    fn answer(&self, case: &Value) -> Value {
        read(&(self.ours)(&case.to_string()))
    }

    /// What differs about a case, if it does.
    fn differs(&self, engine: &mut Engine, case: &Value) -> Option<String> {
        let ours = self.answer(case);
        if (self.known)(case, &ours) {
            return None;
        }
        let theirs = engine.answers(std::slice::from_ref(case)).pop()??;
        (self.difference)(case, &ours, &theirs)
    }

    fn told(&self, engine: &mut Engine, mut case: Value) -> String {
        for member in ["input", "context", "stageVariables"] {
            let mut smaller = case.clone();
            if let Some(members) = smaller.as_object_mut() {
                members.remove(member);
            }
            if self.differs(engine, &smaller).is_some() {
                case = smaller;
            }
        }
        for pointer in self.texts {
            case = shrunk(case, pointer, |smaller| self.differs(engine, smaller).is_some());
        }
        let difference = self.differs(engine, &case).unwrap_or_else(|| "not when asked again".to_owned());
        format!("{case}\n  {difference}")
    }
}
