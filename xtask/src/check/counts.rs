//! How many tests passed, failed or were skipped, as the test programs themselves report it.

use std::fmt;

/// The tally of a step, or of the whole gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// The gate's closing line; its form is read by machines, so skipped tests appear only where there are any.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Reads one line of `cargo test`; `None` unless it is a test program's closing line.
///
/// The form is `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.00s`.
/// Source: observed (Rust's built-in harness; rustdoc's prints the same).
pub(crate) fn of_cargo_line(line: &str) -> Option<Counts> {
    let (_, tallies) = line.trim().strip_prefix("test result: ")?.split_once(". ")?;
    let mut counts = Counts::default();
    for tally in tallies.split(';') {
        let mut words = tally.split_whitespace();
        let (Some(number), Some(what)) = (words.next().and_then(|word| word.parse::<u64>().ok()), words.next()) else {
            continue;
        };
        match what {
            "passed" => counts.passed += number,
            "failed" => counts.failed += number,
            "ignored" => counts.skipped += number,
            _ => {}
        }
    }
    Some(counts)
}

/// Reads pytest's `--junitxml` report: the sums in the attributes of each `<testsuite …>`.
///
/// A test can fail and its teardown err, which pytest writes as two; `tests` counts it once or twice accordingly,
/// so what passed is the remainder either way. `None` when the text holds no test suite.
pub(crate) fn of_junit(xml: &str) -> Option<Counts> {
    let mut counts = None;
    for piece in xml.split("<testsuite ").skip(1) {
        let tag = piece.split('>').next()?;
        let number = |name: &str| -> Option<u64> {
            let (_, rest) = tag.split_once(&format!("{name}=\""))?;
            rest.split('"').next()?.parse().ok()
        };
        let failed = number("failures")? + number("errors")?;
        let skipped = number("skipped")?;
        let passed = number("tests")?.saturating_sub(failed + skipped);
        counts.get_or_insert_with(Counts::default).add(Counts { passed, failed, skipped });
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closing_line_of_cargo_test_is_read() {
        let line = "test result: FAILED. 5 passed; 2 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s";
        assert_eq!(of_cargo_line(line), Some(Counts { passed: 5, failed: 2, skipped: 1 }));
    }

    #[test]
    fn other_lines_of_cargo_test_are_none() {
        for line in ["running 5 tests", "test result_is_ok ... ok", "     Running unittests src/lib.rs", ""] {
            assert_eq!(of_cargo_line(line), None, "{line}");
        }
    }

    #[test]
    fn a_junit_report_is_read() {
        let xml = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest"
            errors="1" failures="2" skipped="3" tests="10" time="0.1"><testcase name="a &lt;testsuite" /></testsuite></testsuites>"#;
        assert_eq!(of_junit(&xml.replace('\n', " ")), Some(Counts { passed: 4, failed: 3, skipped: 3 }));
    }

    #[test]
    fn what_is_no_junit_report_gives_none() {
        for xml in ["", "<testsuites>", "<testsuite name=\"cut off\"", "<testsuite tests=\"many\" errors=\"0\">"] {
            assert_eq!(of_junit(xml), None, "{xml}");
        }
    }

    #[test]
    fn the_closing_line_has_its_fixed_form() {
        assert_eq!(Counts { passed: 12, failed: 0, skipped: 0 }.to_string(), "12 passed, 0 failed");
        assert_eq!(Counts { passed: 1, failed: 2, skipped: 3 }.to_string(), "1 passed, 2 failed, 3 skipped");
    }
}
