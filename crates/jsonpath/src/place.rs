//! Steps that name one place at most, and where an index points.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SingleStep {
    Name(String),
    /// Negative ones count from the end, as Jayway has it.
    Index(i64),
}

/// The place in a list of `len` that `index` names, if it is in the list or before its end.
pub(crate) fn position(index: i64, len: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}
