//! A stage's access log: its format, compiled once, and the line that an event makes of it.
//!
//! A format is text with `$context.*` variables, each replaced by its value; it is no template. Source: documented
//! ("Set up access logging"); that a variable without a value prints `-`, quoted or not: observed.

mod escape;

use std::sync::Arc;

use types::resources::AccessLogSettings;

use self::escape::{Quoting, Syntax, escape_into};
use crate::context::{Given, Named, Scope};
use crate::note::Note;

/// What stands for a variable that has no value. Source: observed.
const NOTHING: &str = "-";
/// What every variable begins with.
const PREFIX: &str = "$context.";
/// Where lines go that name no log group.
const DEFAULT_GROUP: &str = "default";

/// A compiled format and where its lines go.
#[derive(Debug)]
pub struct AccessLog {
    /// The log group, or delivery stream, that the destination's ARN names.
    pub log_group: Arc<str>,
    syntax: Syntax,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    /// `None`: no event has it.
    Variable {
        variable: Option<Named>,
        quoting: Quoting,
    },
}

impl AccessLog {
    /// Compiles a stage's settings; `None` without a format, since then there is nothing to write. A name that no
    /// event has becomes a note and prints `-`.
    pub(crate) fn compile(settings: &AccessLogSettings, notes: &mut Vec<Note>) -> Option<AccessLog> {
        let format = settings.format.as_deref().filter(|format| !format.is_empty())?;
        let pieces = split(format);
        let syntax = Syntax::of(&pieces);
        let mut parts = Vec::with_capacity(pieces.len());
        let mut is_quoted = false;
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    is_quoted = quoted_after(text, is_quoted);
                    // One event is one line, so a format of several is joined (inferred: AWS asks for one line).
                    parts.push(Part::Text(text.replace(['\r', '\n'], " ")));
                }
                Piece::Variable(name) => {
                    let variable = Named::in_logs(name);
                    if variable.is_none() {
                        notes.push(Note::UnknownLogVariable { name: name.to_owned() });
                    }
                    let quoting = if is_quoted { Quoting::Quoted } else { Quoting::Bare };
                    parts.push(Part::Variable { variable, quoting });
                }
            }
        }
        let log_group = log_group(settings.destination_arn.as_deref().unwrap_or_default());
        Some(AccessLog { log_group: log_group.into(), syntax, parts })
    }

    /// The line of an event that is over, without its line break.
    pub(crate) fn line(&self, scope: &Scope<'_>) -> String {
        let mut line = String::with_capacity(256);
        for part in &self.parts {
            let (variable, quoting) = match part {
                Part::Text(text) => {
                    line.push_str(text);
                    continue;
                }
                Part::Variable { variable, quoting } => (variable, *quoting),
            };
            match variable.as_ref().map_or(Given::Absent, |variable| variable.given(scope)) {
                Given::Text(text) if !text.is_empty() => escape_into(&mut line, &text, self.syntax, quoting),
                Given::Number(number) => escape_into(&mut line, &number.to_string(), self.syntax, quoting),
                // It brings its own quotes and escapes.
                Given::Json(json) => line.push_str(&json),
                Given::Absent | Given::Null | Given::Text(_) => line.push_str(NOTHING),
            }
        }
        line
    }
}

#[derive(Clone, Copy)]
enum Piece<'a> {
    Text(&'a str),
    /// The name behind `$context.`.
    Variable(&'a str),
}

fn split(format: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find(PREFIX) {
        let (before, after) = (&rest[..at], &rest[at + PREFIX.len()..]);
        let length = name_length(after);
        if length == 0 {
            // A bare prefix is text.
            pieces.push(Piece::Text(&rest[..at + PREFIX.len()]));
        } else {
            if !before.is_empty() {
                pieces.push(Piece::Text(before));
            }
            pieces.push(Piece::Variable(&after[..length]));
        }
        rest = &after[length..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

// Letters, digits and underscores, in segments joined with dots; a dot at the end of a sentence is none of it.
fn name_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_word = |at: usize| bytes.get(at).is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_');
    let mut at = 0;
    while is_word(at) || at > 0 && bytes.get(at) == Some(&b'.') && is_word(at + 1) {
        at += 1;
    }
    at
}

fn quoted_after(text: &str, before: bool) -> bool {
    before ^ (text.bytes().filter(|c| *c == b'"').count() % 2 == 1)
}

// `arn:aws:logs:…:log-group:NAME[:*]` or `arn:aws:firehose:…:deliverystream/NAME`.
fn log_group(arn: &str) -> &str {
    let name = match arn.split_once(":log-group:") {
        Some((_, name)) => name.split(':').next().unwrap_or_default(),
        None => arn.rsplit_once("deliverystream/").map_or("", |(_, name)| name),
    };
    if name.is_empty() { DEFAULT_GROUP } else { name }
}

#[cfg(test)]
mod tests;
