//! What is found.

use mapping::Mend;
use serde_json::{Value, json};

/// How much it bites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Hint,
    /// Something will not be as it was meant.
    Warning,
    /// Something fails.
    Error,
}

impl Severity {
    /// `error`, `warning` or `hint`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Hint => "hint",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// One thing that will bite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much.
    pub severity: Severity,
    /// Its name, of the table [`CODES`](crate::CODES).
    pub code: &'static str,
    /// Where: `route join`, `integration abc`, `stage dev`.
    pub place: String,
    /// What is wrong, in a sentence.
    pub what: String,
    /// What comes of it, in a sentence; may be empty.
    pub why: String,
    /// What mends it, where that is known.
    pub mend: Option<Mend>,
}

impl Finding {
    pub(crate) fn new(code: &'static str, place: impl Into<String>, what: impl Into<String>) -> Finding {
        let row = crate::table::CODES.iter().find(|row| row.name == code);
        let severity = row.map_or(Severity::Warning, |row| row.severity);
        debug_assert!(row.is_some(), "`{code}` stands in the table");
        let why = row.map(|row| row.why).unwrap_or_default().to_owned();
        Finding { severity, code, place: place.into(), what: what.into(), why, mend: None }
    }

    pub(crate) fn mended(self, mend: Mend) -> Finding {
        Finding { mend: Some(mend), ..self }
    }

    /// As pages and programs read it.
    pub fn to_json(&self) -> Value {
        let mend = self.mend.as_ref().map(|mend| json!({ "text": mend.text, "command": mend.command }));
        json!({
            "severity": self.severity.name(), "code": self.code, "place": self.place, "what": self.what,
            "why": self.why, "mend": mend,
        })
    }
}
