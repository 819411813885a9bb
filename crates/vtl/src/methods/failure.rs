//! How methods fail.

use crate::halt::Halt;

/// The failure of a method that takes nothing and was given something.
pub(super) fn surplus(name: &str) -> Halt {
    Halt::eval(format!("{name}() takes no argument"))
}

/// The failure of `compareTo` with something of another class.
pub(super) fn incomparable() -> Halt {
    Halt::eval("compareTo() was given something of another class")
}

/// The failure of a method that was given null.
pub(super) fn null(name: &str) -> Halt {
    Halt::eval(format!("{name}() was given null"))
}

/// The failure of an index beyond what there is.
pub(super) fn out_of_range(name: &str, index: i64, len: usize) -> Halt {
    Halt::eval(format!("{name}(): {index} is outside of 0 to {len}"))
}

/// The failure to put something into an array that holds other things.
pub(crate) fn mismatch() -> Halt {
    Halt::eval("an array takes only what it was made of")
}
