//! What a figure should be at most, now and later.

/// The aims for one figure, in the figure's own unit.
#[derive(Clone, Copy)]
pub(crate) struct Aims {
    pub(crate) now: f64,
    pub(crate) later: f64,
}

impl Aims {
    /// What is to be said of `figure`.
    pub(crate) fn verdict(self, figure: f64) -> &'static str {
        if figure <= self.later {
            "both met"
        } else if figure <= self.now {
            "met for now"
        } else {
            "missed"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aim_is_met_up_to_itself() {
        let aims = Aims { now: 1.5, later: 1.0 };
        let verdicts = [0.9, 1.0, 1.01, 1.5, 1.51, f64::NAN].map(|figure| aims.verdict(figure));
        assert_eq!(verdicts, ["both met", "both met", "met for now", "met for now", "missed", "missed"]);
    }
}
