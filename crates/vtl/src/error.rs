//! What is wrong with a template, or with a run of it, and where.

use std::fmt;

/// The kinds of failure that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is no template.
    Parse,
    /// A directive or method failed while rendering.
    Eval,
    /// A bound of [`Limits`](crate::Limits) was reached while parsing or rendering.
    Limit,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ErrorKind::Parse => "not a template",
            ErrorKind::Eval => "rendering failed",
            ErrorKind::Limit => "limit reached",
        })
    }
}

/// A failure with its place in the template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at line {line}, column {column}: {detail}")]
pub struct Error {
    kind: ErrorKind,
    detail: String,
    line: usize,
    column: usize,
}

impl Error {
    /// An error at the byte `offset` of `source`.
    pub(crate) fn at(kind: ErrorKind, detail: impl Into<String>, source: &str, offset: usize) -> Error {
        let (line, column) = place(source, offset);
        Error { kind, detail: detail.into(), line, column }
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What went wrong, without the place.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The error's line of `source` and a caret below its column, as two lines.
    pub fn excerpt(&self, source: &str) -> String {
        let line = lines(source).nth(self.line - 1).unwrap_or_default();
        // Tabs stay tabs, so that the caret stands below its character however wide a tab is shown.
        let indent: String = line.chars().take(self.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        format!("{line}\n{indent}^")
    }
}

fn lines(source: &str) -> impl Iterator<Item = &str> {
    source.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// The line and the column, in characters, of a byte; both counted from 1.
pub(crate) fn place(source: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(source.len());
    while !source.is_char_boundary(end) {
        end -= 1;
    }
    let before = &source[..end];
    let mut line = 1;
    let mut start = 0;
    let bytes = before.as_bytes();
    for (i, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' || *byte == b'\r' && bytes.get(i + 1) != Some(&b'\n') {
            line += 1;
            start = i + 1;
        }
    }
    (line, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_line_with_a_caret() {
        let source = "a\r\n\tb äc";
        let error = Error::at(ErrorKind::Eval, "x", source, source.find('c').unwrap_or_default());
        assert_eq!((error.line(), error.column()), (2, 5));
        assert_eq!(error.excerpt(source), "\tb äc\n\t   ^");
        assert_eq!(error.to_string(), "rendering failed at line 2, column 5: x");
    }
}
