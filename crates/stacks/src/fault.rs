//! What is wrong with a template, said so that a person finds the line.

use std::fmt;

use crate::node::Place;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// One sentence that names the thing.
    pub message: String,
    /// The path of the value from the top, such as `Resources.Join.Properties.RouteKey`; empty where it is the file itself.
    pub path: String,
    /// Where it stands.
    pub place: Place,
}

impl Fault {
    /// Says what is wrong with the value at a place.
    pub fn new(message: impl Into<String>, path: impl Into<String>, place: Place) -> Fault {
        Fault { message: message.into(), path: path.into(), place }
    }

    /// As a person reads it: the file's name, the sentence, and the line with a caret below the column.
    pub fn shown(&self, file: &str, source: &str) -> String {
        let Place { line, column } = self.place;
        let mut shown = format!("{file}:{line}:{column}: {self}");
        if line == 0 {
            shown = format!("{file}: {self}");
        } else if let Some(text) = source.lines().nth(line as usize - 1) {
            // Of a long line (minified JSON) the part around the column.
            let from = (column as usize).saturating_sub(CONTEXT);
            let part: String = text.chars().skip(from).take(2 * CONTEXT).collect();
            let part = part.replace('\t', " ");
            let caret = " ".repeat((column as usize).saturating_sub(from + 1));
            shown += &format!("\n  {line} | {part}\n  {} | {caret}^", " ".repeat(line.to_string().len()));
        }
        shown
    }
}

/// How many faults are told at once. A template that has more is wrong in one way many times.
pub const FAULTS_MAX: usize = 100;

/// What is wrong with a template, as it is found.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    found: Vec<Fault>,
}

impl Faults {
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether one more would be told; where not, it need not be put into words.
    pub(crate) fn is_full(&self) -> bool {
        self.found.len() >= FAULTS_MAX
    }

    pub(crate) fn add(&mut self, message: impl Into<String>, path: &str, place: Place) {
        self.push(Fault::new(message, path, place));
    }

    pub(crate) fn push(&mut self, fault: Fault) {
        if !self.is_full() {
            self.found.push(fault);
        }
    }

    /// The value where nothing was found, else what was found, in the order of the file.
    pub(crate) fn into_result<T>(mut self, value: T) -> Result<T, Vec<Fault>> {
        if self.found.is_empty() {
            return Ok(value);
        }
        self.found.sort_by_key(|fault| fault.place);
        Err(self.found)
    }
}

/// How many characters of a line are shown on each side of the caret, at most.
const CONTEXT: usize = 60;

/// What somebody may have meant who wrote a name that there is not; of very long names nobody finds out.
pub(crate) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    const BYTES_MAX: usize = 100;
    if name.len() > BYTES_MAX { None } else { types::nearest::nearest(name, known) }
}

/// A text of a template as it may stand in a sentence: cut where it is long.
pub(crate) fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 80;
    match text.char_indices().nth(CHARACTERS_MAX) {
        None => text.to_owned(),
        Some((cut, _)) => format!("{}…", &text[..cut]),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_its_line_with_a_caret() {
        let fault = Fault::new("no such parameter: \"Prot\"", "Resources.Api", Place { line: 2, column: 9 });
        assert_eq!(
            fault.shown("a.yaml", "Resources:\n  Api: !Ref Prot\n"),
            "a.yaml:2:9: Resources.Api: no such parameter: \"Prot\"\n  2 |   Api: !Ref Prot\n    |         ^"
        );
        let long = Fault::new("no", "", Place { line: 1, column: 5_000 });
        assert!(long.shown("a.json", &"x".repeat(10_000)).len() < 300);
    }
}
