//! Why a run stops, and how much it may do.

use std::borrow::Cow;

use crate::error::ErrorKind;
use crate::limits::{BYTES_PER_VISIT, OPEN_STEPS_MAX, RESULTS_MAX, VISITS_MAX};

/// Why a run stops. Which it is decides who takes it back: a filter, a list, or nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Something on the way is not there.
    Missing,
    /// The path asks what cannot be answered; within a filter that is a no.
    Refused,
    /// The document is not fit for what is asked.
    Failed,
    /// A function looked beyond a list; an index on the way to it takes that for absence.
    Outside,
    Limit,
}

#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) why: Why,
    pub(crate) detail: Cow<'static, str>,
}

impl Stop {
    pub(crate) fn new(why: Why, detail: impl Into<Cow<'static, str>>) -> Stop {
        Stop { why, detail: detail.into() }
    }

    pub(crate) fn missing() -> Stop {
        Stop::new(Why::Missing, "nothing is there")
    }

    pub(crate) fn failed(detail: impl Into<Cow<'static, str>>) -> Stop {
        Stop::new(Why::Failed, detail)
    }

    pub(crate) fn refused(detail: impl Into<Cow<'static, str>>) -> Stop {
        Stop::new(Why::Refused, detail)
    }

    /// The kind of error that a caller sees.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self.why {
            Why::Refused => ErrorKind::Path,
            Why::Limit => ErrorKind::Limit,
            Why::Missing | Why::Failed | Why::Outside => ErrorKind::Eval,
        }
    }
}

/// How many values may be looked at, by one run or by several that share them.
#[derive(Clone, Copy, Debug)]
pub struct Visits {
    left: usize,
    max: usize,
}

impl Visits {
    /// So many.
    pub fn new(max: usize) -> Visits {
        Visits { left: max, max }
    }

    pub(crate) fn leave(&mut self, left: usize) {
        self.left = left;
    }
}

impl Default for Visits {
    fn default() -> Visits {
        Visits::new(VISITS_MAX)
    }
}

/// Counts what a run does, the runs of its filters and arguments included.
#[derive(Debug)]
pub(crate) struct Meter {
    /// How many values may still be looked at.
    left: usize,
    /// How many there were in all, for the error.
    max: usize,
    results: usize,
    open: usize,
}

impl Meter {
    pub(crate) fn visit(&mut self, values: usize) -> Result<(), Stop> {
        match self.left.checked_sub(values) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(Stop::new(Why::Limit, format!("more than {} values looked at", self.max)))
            }
        }
    }

    /// A run that may look at so many values.
    pub(crate) fn new(visits: &Visits) -> Meter {
        Meter { left: visits.left, max: visits.max, results: 0, open: 0 }
    }

    /// What a run has left.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// Counts what it takes to look through a text.
    pub(crate) fn read(&mut self, bytes: usize) -> Result<(), Stop> {
        self.visit(bytes / BYTES_PER_VISIT)
    }

    pub(crate) fn result(&mut self) -> Result<(), Stop> {
        self.results += 1;
        within(self.results, RESULTS_MAX, "results")
    }

    pub(crate) fn enter(&mut self) -> Result<(), Stop> {
        self.open += 1;
        within(self.open, OPEN_STEPS_MAX, "steps within each other")
    }

    pub(crate) fn leave(&mut self) {
        self.open -= 1;
    }
}

fn within(count: usize, max: usize, what: &str) -> Result<(), Stop> {
    match count > max {
        true => Err(Stop::new(Why::Limit, format!("more than {max} {what}"))),
        false => Ok(()),
    }
}
