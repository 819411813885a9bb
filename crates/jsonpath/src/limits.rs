//! How large a path, and the work it makes, may become.

/// The longest path, in bytes. Paths are a line at most; templates that build them cannot grow one without end.
pub(crate) const PATH_BYTES_MAX: usize = 64 * 1024;

/// The most steps, comparisons and arguments of one path, those inside its filters and arguments included. A document nests
/// 400 levels at most, and no more steps than that can name a place.
pub(crate) const STEPS_MAX: usize = 512;

/// How deep filters, parentheses and arguments may nest in a path. Each level takes stack, for reading and for running.
pub(crate) const NESTING_MAX: usize = 32;

/// The most regular expressions of one path, each of which may take up to a quarter of a MiB once compiled.
pub(crate) const PATTERNS_MAX: usize = 16;

/// How many values one run may look at. Scans that follow each other multiply, so time is bounded here: some
/// seconds at worst, while a single scan of the largest body stays far below.
pub(crate) const VISITS_MAX: usize = 5_000_000;

/// How many values [`Path::scan`](crate::Path::scan) may look at, which runs where messages are read: some 20 ms. A deep scan of
/// the largest message stays below.
pub(crate) const SCAN_VISITS_MAX: usize = 300_000;

/// How many bytes of text or digits that a filter compares or a function joins count as one more value looked at.
pub(crate) const BYTES_PER_VISIT: usize = 16;

/// How many results one run may collect, those of its filters included.
pub(crate) const RESULTS_MAX: usize = 1_000_000;

/// How many steps of one run may be open within each other, filters included: more than a body nests (400), and
/// little enough: unoptimised they take about 1 MiB, half of what a thread has.
pub(crate) const OPEN_STEPS_MAX: usize = 416;
