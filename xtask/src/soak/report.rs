//! What was measured beside what was allowed: a table, and whether a bound was broken.

/// The rows so far.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

struct Row {
    phase: &'static str,
    what: String,
    measured: String,
    allowed: String,
    kept: bool,
}

impl Report {
    /// Adds a row.
    pub(crate) fn row(
        &mut self,
        phase: &'static str,
        what: impl Into<String>,
        measured: impl Into<String>,
        allowed: impl Into<String>,
        kept: bool,
    ) {
        let row = Row { phase, what: what.into(), measured: measured.into(), allowed: allowed.into(), kept };
        eprintln!("{}: {} {} (allowed: {})", row.phase, row.what, row.measured, row.allowed);
        self.rows.push(row);
    }

    /// True when every bound was kept.
    pub(crate) fn kept(&self) -> bool {
        self.rows.iter().all(|row| row.kept)
    }

    /// Prints the table; true when every bound was kept.
    pub(crate) fn print(&self) -> bool {
        println!("{:<14} {:<44} {:>16} {:>22}", "phase", "what", "measured", "allowed");
        for row in &self.rows {
            let mark = if row.kept { "" } else { "   BROKEN" };
            println!("{:<14} {:<44} {:>16} {:>22}{mark}", row.phase, row.what, row.measured, row.allowed);
        }
        let broken = self.rows.iter().filter(|row| !row.kept).count();
        println!(
            "{}",
            if broken == 0 { "every bound was kept".to_owned() } else { format!("bounds broken: {broken}") }
        );
        self.kept()
    }
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn one_broken_bound_breaks_the_whole() {
        let mut report = Report::default();
        report.row("a", "b", "1", "2", true);
        assert!(report.print());
        report.row("a", "b", "3", "2", false);
        report.row("a", "b", "1", "2", true);
        assert!(!report.print());
    }
}
