//! A path once it is read: its steps, and what stands in filters and calls.

use java::{Decimal, FilterPattern};

use crate::literal::Literal;

/// A path's steps, from a document or from the member that a filter looks at.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) steps: Vec<Step>,
    /// Starts at `$`; in a filter such a path asks the whole document.
    pub(crate) from_root: bool,
    /// The function of `$..a.f()` was turned round into `$.f($..a)`; what follows it still counts as after a scan.
    pub(crate) inverted: bool,
    /// The index of the step that was written last (a widened path has one more).
    pub(crate) tail: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// `.a`, `['a']`, `['a','b']`; never empty.
    Names(Vec<String>),
    /// `[0]`, `[-1]`, `[0,2]`; negative ones count from the end; never empty.
    Indexes(Vec<i32>),
    Slice(Slice),
    Wildcard,
    Scan,
    Filter(Predicate),
    Call(Call),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Slice {
    From(i32),
    To(i32),
    Between(i32, i32),
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
}

#[derive(Clone, Debug)]
pub(crate) enum Argument {
    /// JSON; `None` where it cannot be read, which matters only when the function is called.
    Json(Option<Literal>),
    Path {
        path: Program,
        /// The same path with a wildcard behind it, for lengths.
        widened: Option<Program>,
    },
}

#[derive(Clone, Debug)]
pub(crate) enum Predicate {
    Any(Vec<Predicate>),
    All(Vec<Predicate>),
    Not(Box<Predicate>),
    /// `@.a`, or with `false` `!@.a`.
    Exists(Program, bool),
    Compare(Operand, Operator, Operand),
}

#[derive(Clone, Debug)]
pub(crate) enum Operand {
    Null,
    Bool(bool),
    Number(Decimal),
    Text(String),
    /// A list or an object: as written, and read where that is possible.
    Json(String, Option<Literal>),
    Pattern(FilterPattern),
    Path(Program),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    SameKindEqual,
    SameKindNotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    In,
    NotIn,
    Contains,
    Size,
    Empty,
    SubsetOf,
    AnyOf,
    NoneOf,
    Exists,
    /// `ALL`, `TYPE`, `MATCHES`: Jayway reads them, but what a path can write never fits, so the filter is a no.
    Never,
}

impl Program {
    /// Whether it gives one value and not a list of results.
    pub(crate) fn is_definite(&self) -> bool {
        (0..self.steps.len()).all(|at| self.step_is_definite(at))
    }

    /// The index of the first step behind which a thing that is absent is passed over; before it, it is missing.
    pub(crate) fn first_indefinite(&self) -> usize {
        let first = (0..self.steps.len()).find(|at| !self.step_is_definite(*at));
        if self.inverted { 0 } else { first.unwrap_or(self.steps.len()) }
    }

    /// Whether the step gives one value at most. Several names at the end build one map; before further steps they fan out.
    pub(crate) fn step_is_definite(&self, at: usize) -> bool {
        match &self.steps[at] {
            Step::Names(names) => names.len() == 1 || at + 1 == self.steps.len(),
            Step::Indexes(indexes) => indexes.len() == 1,
            Step::Call(_) => true,
            Step::Slice(_) | Step::Wildcard | Step::Scan | Step::Filter(_) => false,
        }
    }

    /// Whether the step that was written last is a function.
    pub(crate) fn ends_in_call(&self) -> bool {
        self.inverted || matches!(self.steps.last(), Some(Step::Call(_)))
    }
}
