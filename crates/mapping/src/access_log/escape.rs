//! Keeps a value that a client chose from breaking the line that it stands in.
//!
//! AWS documents nothing here. Inferred: what a reader of the line's own syntax (JSON, XML, quoted text) needs.

use std::fmt::Write;

use super::Piece;

/// What a format's lines are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// It is JSON once its variables have values.
    Json,
    /// It begins with a tag.
    Xml,
    /// Anything else: CLF, CSV, words.
    Plain,
}

/// Where in the line a variable stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    /// Between double quotes.
    Quoted,
    /// Elsewhere.
    Bare,
}

impl Syntax {
    pub(super) fn of(pieces: &[Piece<'_>]) -> Syntax {
        // A digit is a value of its own and part of any text.
        let filled = pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Variable(_) => "0",
        });
        let filled: String = filled.collect();
        match serde_json::from_str::<serde_json::Value>(&filled) {
            Ok(value) if value.is_object() || value.is_array() => Syntax::Json,
            _ if filled.trim_start().starts_with('<') => Syntax::Xml,
            _ => Syntax::Plain,
        }
    }
}

/// Appends `value` as it may stand there. Control characters never stay: one event is one line.
pub(super) fn escape_into(line: &mut String, value: &str, syntax: Syntax, quoting: Quoting) {
    let is_harmless = |c: u8| (0x20..0x7f).contains(&c) && !matches!(c, b'"' | b'\\' | b'<' | b'>' | b'&');
    if value.bytes().all(is_harmless) {
        return line.push_str(value);
    }
    // Within JSON a bare value of a client's could end the object, so it is escaped wherever it stands.
    let escapes_quotes = syntax == Syntax::Json || syntax == Syntax::Plain && quoting == Quoting::Quoted;
    for c in value.chars() {
        match c {
            '"' | '\\' if escapes_quotes => line.extend(['\\', c]),
            '"' if syntax == Syntax::Xml => line.push_str("&quot;"),
            '&' if syntax == Syntax::Xml => line.push_str("&amp;"),
            '<' if syntax == Syntax::Xml => line.push_str("&lt;"),
            '>' if syntax == Syntax::Xml => line.push_str("&gt;"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            // Some readers take these two for line breaks.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                // Writing to a String cannot fail.
                let _ = write!(line, "\\u{:04x}", u32::from(c));
            }
            c => line.push(c),
        }
    }
}
