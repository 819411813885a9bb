//! A template and what it is rendered with.

use crate::ast::{Node, Slot};
use crate::error::{Error, ErrorKind};
use crate::eval::{Eval, Noted};
use crate::halt::Halt;
use crate::limits::{Limits, Meter};
use crate::names::Names;
use crate::parser;
use crate::print::write_text;
use crate::value::Value;

/// A parsed template: immutable, shared between threads.
#[derive(Debug)]
pub struct Template {
    nodes: Box<[Node]>,
    names: Names,
    source: Box<str>,
}

/// The variables that the host gives to a rendering, by name without the `$`.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    variables: Vec<(&'static str, Value)>,
}

impl Scope {
    /// A scope without variables.
    pub fn new() -> Scope {
        Scope::default()
    }

    /// The same scope with one more variable.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Value) -> Scope {
        self.variables.push((name, value));
        self
    }

    /// What a variable holds; after a rendering, what the template left in it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// A part of a rendering's text, and the line of the template that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins, in bytes.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// The line of the reference, from 1.
    pub line: usize,
}

impl Template {
    /// Parses a template, the templates in its strings too.
    ///
    /// # Errors
    /// [`ErrorKind::Parse`] where the text is none; [`ErrorKind::Limit`] where it nests too deeply.
    pub fn parse(source: &str) -> Result<Template, Error> {
        let (nodes, names) = parser::parse(source)?;
        Ok(Template { nodes, names, source: source.into() })
    }

    /// The text the template was parsed from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the template reads or sets the variable `name`, given without its `$`: what it does not name need not be made.
    pub fn names_variable(&self, name: &str) -> bool {
        self.names.slot(name).is_some()
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The name of the variable in a slot, without its `$`.
    pub(crate) fn variable(&self, slot: Slot) -> &str {
        self.names.variable(slot)
    }

    /// Whether the template names the property or method `name` of anything.
    pub fn names_member(&self, name: &str) -> bool {
        self.names.has_member(name)
    }

    /// Renders the template. What it sets stays in the scope's own variables, and nowhere else.
    ///
    /// # Errors
    /// [`ErrorKind::Eval`] where a directive or method fails, [`ErrorKind::Limit`] where a limit is reached. What was written up to
    /// then is lost.
    pub fn render(&self, scope: &mut Scope, limits: &Limits) -> Result<String, Error> {
        self.run(scope, limits, false).map(|(text, _)| text)
    }

    /// The same, and which part of the text each reference of the template wrote, in order; what stands between is the
    /// template's own text. Bounded: of more than 10,000 pieces the first are told.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_noted(&self, scope: &mut Scope, limits: &Limits) -> Result<(String, Vec<Piece>), Error> {
        let (text, pieces) = self.run(scope, limits, true)?;
        let breaks: Vec<usize> = self.source.match_indices('\n').map(|(at, _)| at).collect();
        let line = |at: u32| breaks.partition_point(|line| *line < at as usize) + 1;
        let piece = |(from, to, at)| Piece { from, to, line: line(at) };
        Ok((text, pieces.into_iter().map(piece).collect()))
    }

    fn run(&self, scope: &mut Scope, limits: &Limits, is_noted: bool) -> Result<(String, Vec<Noted>), Error> {
        let mut out = String::with_capacity(self.source.len() + self.source.len() / 2);
        let mut eval = Eval::new(&self.names, &scope.variables, *limits);
        eval.pieces = is_noted.then(Vec::new);
        let result = eval.render(&self.nodes, &mut out);
        for (name, value) in &mut scope.variables {
            if let Some(slot) = self.names.slot(name) {
                *value = eval.variable(slot);
            }
        }
        eval.break_cycles();
        match result {
            // `#stop`, and a `#break` outside of loops, end the rendering; what was written stays.
            Ok(()) | Err(Halt::Stop | Halt::Break(_)) => Ok((out, eval.pieces.take().unwrap_or_default())),
            Err(Halt::Failed(failure)) => {
                Err(Error::at(failure.kind, failure.detail, &self.source, failure.at.unwrap_or(0) as usize))
            }
        }
    }
}

/// The text of a value, as a template prints it; null is the empty text.
///
/// # Errors
/// [`ErrorKind::Limit`] as a sentence, where it is too large or contains itself.
pub fn display(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    if value.is_null() {
        return Ok(out);
    }
    let limits = Limits::default();
    match write_text(value, &mut out, limits.string_bytes, &mut Meter::new(limits)) {
        Err(Halt::Failed(failure)) => Err(format!("{}: {}", ErrorKind::Limit, failure.detail)),
        _ => Ok(out),
    }
}
