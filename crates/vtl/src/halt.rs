//! Why rendering stops before its end: a failure, `#stop` or `#break`.

use crate::error::ErrorKind;

/// Carried as the error of everything that evaluates, so that `#stop` leaves a string or an argument as it leaves a block.
#[derive(Debug)]
pub(crate) enum Halt {
    /// Something failed; the place is filled in by the nearest node that knows it.
    Failed(Box<Failure>),
    /// `#break`: of the loop with this number, or the innermost one.
    Break(Option<u32>),
    /// `#stop`.
    Stop,
}

/// A failure on its way up.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) detail: String,
    pub(crate) at: Option<u32>,
}

impl Halt {
    pub(crate) fn eval(detail: impl Into<String>) -> Halt {
        Halt::Failed(Box::new(Failure { kind: ErrorKind::Eval, detail: detail.into(), at: None }))
    }

    pub(crate) fn limit(detail: impl Into<String>) -> Halt {
        Halt::Failed(Box::new(Failure { kind: ErrorKind::Limit, detail: detail.into(), at: None }))
    }

    /// Notes the place, unless a deeper node has.
    pub(crate) fn at(mut self, offset: u32) -> Halt {
        if let Halt::Failed(failure) = &mut self {
            failure.at.get_or_insert(offset);
        }
        self
    }
}
