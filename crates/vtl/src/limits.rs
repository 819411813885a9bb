//! What bounds a template: its nesting, and the fuel of one rendering.

use crate::halt::Halt;

/// How deep brackets, blocks and strings inside strings may nest in a template's text.
pub(crate) const NESTING_MAX: usize = 150;
/// How deep rendering may go: a block that prints a block, a list inside a list. Printing needs a little stack a level.
pub(crate) const DEPTH_MAX: usize = 500;
/// How many passes one `#foreach` makes; the rest is silently left out. Source: documented (quotas), observed.
pub(crate) const PASSES_MAX: usize = 1000;

/// The fuel of one rendering. Beyond any of them the rendering ends with [`ErrorKind::Limit`](crate::ErrorKind::Limit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps: statements, references, members looked at by comparing and printing.
    pub steps: u64,
    /// The longest output, in bytes.
    pub output_bytes: usize,
    /// The longest single string, in bytes.
    pub string_bytes: usize,
    /// All values made during one rendering, in bytes, whether or not they still live.
    pub made_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { steps: 5_000_000, output_bytes: 1 << 20, string_bytes: 4 << 20, made_bytes: 128 << 20 }
    }
}

/// What is left of the fuel.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) limits: Limits,
    steps: u64,
    made: usize,
    pub(crate) depth: usize,
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Meter {
        Meter { limits, steps: limits.steps, made: limits.made_bytes, depth: 0 }
    }

    /// Takes `n` steps.
    #[inline]
    pub(crate) fn steps(&mut self, n: usize) -> Result<(), Halt> {
        match self.steps.checked_sub(n as u64) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(self.no_more("steps", self.limits.steps)),
        }
    }

    #[cold]
    fn no_more(&self, what: &str, max: u64) -> Halt {
        Halt::limit(format!("more than {max} {what}"))
    }

    /// Accounts for `bytes` of new values that are no string.
    #[inline]
    pub(crate) fn make(&mut self, bytes: usize) -> Result<(), Halt> {
        match self.made.checked_sub(bytes) {
            Some(left) => {
                self.made = left;
                Ok(())
            }
            None => Err(self.no_more("bytes of values", self.limits.made_bytes as u64)),
        }
    }

    /// Accounts for a new string.
    #[inline]
    pub(crate) fn string(&mut self, bytes: usize) -> Result<(), Halt> {
        if bytes > self.limits.string_bytes {
            return Err(Halt::limit(format!("a string of more than {} bytes", self.limits.string_bytes)));
        }
        self.make(bytes)
    }

    /// Goes one level down; the caller comes up again with [`Meter::up`].
    #[inline]
    pub(crate) fn down(&mut self) -> Result<(), Halt> {
        if self.depth >= DEPTH_MAX {
            return Err(Halt::limit(format!("deeper than {DEPTH_MAX} levels")));
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    pub(crate) fn up(&mut self) {
        self.depth -= 1;
    }
}
