//! Reads a path's text into its steps.
//!
//! Paths hold filters and arguments, which hold paths; each part has its file and all share one [`Parser`], which
//! counts what the whole path may hold.
//! Source: docs/aws/vtl.md 11.2; what it leaves open follows Jayway 2.9.0, oddities too.

mod arguments;
mod filter;
mod steps;

use crate::cursor::{Cursor, Fault, Weight};
use crate::limits::{NESTING_MAX, STEPS_MAX};
use crate::step::{Argument, Call, Program, Step};

/// Counts what one path holds, all its inner paths together.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    steps: usize,
    depth: usize,
    patterns: usize,
}

impl Parser {
    /// Reads a whole path: blanks around it are left out, a missing `$` is put in front.
    pub(crate) fn path(&mut self, text: &str) -> Result<Program, Fault> {
        let mut cursor = Cursor::new(text);
        cursor.trim();
        if text.starts_with(['$', '@']) {
            return self.trimmed(cursor);
        }
        let prefixed = format!("$.{text}");
        let mut cursor = Cursor::new(&prefixed);
        cursor.trim();
        self.trimmed(cursor).map_err(|fault| Fault { at: fault.at.saturating_sub(2), ..fault })
    }

    fn trimmed(&mut self, cursor: Cursor<'_>) -> Result<Program, Fault> {
        if cursor.peek(cursor.end - 1) == Some(b'.') {
            return Err(cursor.soft_at(cursor.end, "a name is missing behind the last `.`"));
        }
        self.steps(cursor)
    }

    fn count_step(&mut self, cursor: &Cursor<'_>) -> Result<(), Fault> {
        self.steps += 1;
        match self.steps > STEPS_MAX {
            true => Err(limit(cursor, format!("more than {STEPS_MAX} steps, comparisons and arguments"))),
            false => Ok(()),
        }
    }

    /// Reads something that nests; the depth of all of them is bounded.
    fn nested<T>(
        &mut self,
        cursor: &mut Cursor<'_>,
        read: impl FnOnce(&mut Parser, &mut Cursor<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.depth == NESTING_MAX {
            return Err(limit(cursor, format!("nested deeper than {NESTING_MAX} levels")));
        }
        self.depth += 1;
        let result = read(self, cursor);
        self.depth -= 1;
        result
    }

    /// Reads a path that stands inside another; whatever is wrong with it can be taken back but for a limit.
    fn inner_path(
        &mut self,
        cursor: &mut Cursor<'_>,
        at: usize,
        read: impl FnOnce(&mut Parser) -> Result<Program, Fault>,
    ) -> Result<Program, Fault> {
        self.nested(cursor, |parser, _| read(parser)).map_err(|fault| Fault {
            at: at + fault.at,
            weight: if fault.weight == Weight::Limit { Weight::Limit } else { Weight::Soft },
            ..fault
        })
    }
}

fn limit(cursor: &Cursor<'_>, detail: String) -> Fault {
    Fault { detail, at: cursor.at, weight: Weight::Limit }
}

/// The path of these steps. `$..a.f()` becomes `$.f($..a)`: over a scan a function counts all that is found.
fn program(from_root: bool, mut steps: Vec<Step>) -> Program {
    let scans = matches!(steps.first(), Some(Step::Scan)) && matches!(steps.last(), Some(Step::Call(_)));
    let Some(at) = steps.iter().position(|step| matches!(step, Step::Call(_))).filter(|_| scans) else {
        let tail = steps.len().saturating_sub(1);
        return Program { steps, from_root, inverted: false, tail };
    };
    let mut rest = steps.split_off(at);
    let tail = steps.len() - 1;
    let scan = argument(Program { steps, from_root: true, inverted: false, tail });
    if let Some(Step::Call(call)) = rest.first_mut() {
        *call = Call { name: std::mem::take(&mut call.name), arguments: vec![scan] };
    }
    Program { steps: rest, from_root, inverted: true, tail: 0 }
}

fn argument(path: Program) -> Argument {
    let mut widened = None;
    if !path.ends_in_call() {
        let mut wide = path.clone();
        if !wide.steps.is_empty() {
            wide.steps.push(Step::Wildcard);
        }
        widened = Some(wide);
    }
    Argument::Path { path, widened }
}
