//! The variables in a text: `${source(parameter):address, 'otherwise'}`.
//!
//! What only looks like one stays text: `${AWS::Region}` and `${Name}` are CloudFormation's, `${stageVariables.x}` is API
//! Gateway's. Source: observed, of the framework's own parser.

/// A part of a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Piece<'t> {
    /// As it stands.
    Text(&'t str),
    /// What is between the braces of a variable.
    Variable(&'t str),
}

/// One of the sources of a variable, of which the first that has a value counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Alternative<'t> {
    /// A text in quotes.
    Quoted(&'t str),
    /// `true`, `null` or a number.
    Literal(&'t str),
    /// A variable in a variable, braces and all.
    Nested(&'t str),
    /// `source(parameter):address`.
    Source {
        /// Where to look: `self`, `env`.
        kind: &'t str,
        /// What is in its parentheses.
        parameter: Option<&'t str>,
        /// What is behind its colon.
        address: Option<&'t str>,
    },
}

/// The parts of a text. A backslash in front of `${` makes text of it.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = text[at..].find("${") {
        let open = at + found;
        let Some(end) = close(&text[open + 2..]).filter(|_| is_variable(&text[open + 2..])) else {
            at = open + 2;
            continue;
        };
        let escaped = text[from..open].ends_with('\\');
        let until = if escaped { open - 1 } else { open };
        if until > from {
            pieces.push(Piece::Text(&text[from..until]));
        }
        let end = open + 2 + end;
        pieces.push(if escaped { Piece::Text(&text[open..=end]) } else { Piece::Variable(&text[open + 2..end]) });
        from = end + 1;
        at = from;
    }
    if from < text.len() {
        pieces.push(Piece::Text(&text[from..]));
    }
    pieces
}

/// Whether a name and a single colon or a parenthesis follow, as in the framework's variables.
fn is_variable(inside: &str) -> bool {
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inside.len());
    let name = &inside[..end];
    let rest = &inside[end..];
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && (rest.starts_with('(') || (rest.starts_with(':') && !rest.starts_with("::")))
}

/// What is open at a place of a text: quotes, the braces of variables, parentheses.
#[derive(Debug, Default)]
struct Open {
    /// What closes each.
    closing: Vec<char>,
    before: char,
}

impl Open {
    fn step(&mut self, character: char) {
        let top = self.closing.last().copied();
        let is_quoted = matches!(top, Some('\'' | '"'));
        match character {
            _ if top == Some(character) => {
                self.closing.pop();
            }
            '{' if self.before == '$' => self.closing.push('}'),
            '\'' | '"' if !is_quoted => self.closing.push(character),
            '(' if !is_quoted => self.closing.push(')'),
            _ => {}
        }
        self.before = character;
    }
}

/// Where the brace stands that closes one that was opened before the text.
fn close(inside: &str) -> Option<usize> {
    let mut open = Open { closing: vec!['}'], before: ' ' };
    inside.char_indices().find_map(|(at, character)| {
        open.step(character);
        open.closing.is_empty().then_some(at)
    })
}

/// The sources of a variable; none where it is not written as one.
pub(super) fn alternatives(inside: &str) -> Option<Vec<Alternative<'_>>> {
    split(inside).into_iter().map(|part| alternative(part.trim())).collect()
}

/// The parts between commas that stand neither in quotes, parentheses nor braces.
fn split(inside: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut open = Open::default();
    for (at, character) in inside.char_indices() {
        if character == ',' && open.closing.is_empty() {
            parts.push(&inside[from..at]);
            from = at + 1;
        }
        open.step(character);
    }
    parts.push(&inside[from..]);
    parts
}

fn alternative(part: &str) -> Option<Alternative<'_>> {
    if let Some(quoted) = unquoted(part) {
        return Some(Alternative::Quoted(quoted));
    }
    if part.starts_with("${") && part.ends_with('}') {
        return Some(Alternative::Nested(part));
    }
    if matches!(part, "true" | "false" | "null") || part.parse::<f64>().is_ok() {
        return Some(Alternative::Literal(part));
    }
    if !is_variable(part) {
        return None;
    }
    let end = part.find([':', '('])?;
    let (kind, rest) = part.split_at(end);
    let (parameter, rest) = match rest.strip_prefix('(') {
        None => (None, rest),
        Some(rest) => {
            let end = rest.rfind(')')?;
            let parameter = rest[..end].trim();
            (Some(unquoted(parameter).unwrap_or(parameter)), rest[end + 1..].trim_start())
        }
    };
    let address = match rest.strip_prefix(':') {
        Some(address) => Some(address.trim()).filter(|address| !address.is_empty()),
        None if rest.is_empty() => None,
        None => return None,
    };
    let address = address.map(|address| unquoted(address).unwrap_or(address));
    Some(Alternative::Source { kind, parameter, address })
}

fn unquoted(text: &str) -> Option<&str> {
    let strip = |mark: char| text.strip_prefix(mark)?.strip_suffix(mark);
    strip('\'').or_else(|| strip('"'))
}

#[cfg(test)]
mod tests {
    use super::Alternative::{Literal, Nested, Quoted};
    use super::Piece::{Text, Variable};
    use super::*;

    #[test]
    fn only_the_framework_s_variables_are_found() {
        for (text, expected) in [
            ("a-${sls:stage}-b", vec![Text("a-"), Variable("sls:stage"), Text("-b")]),
            ("${AWS::Region}${Name}${aws::x}", vec![Text("${AWS::Region}${Name}${aws::x}")]),
            ("${stageVariables.x}", vec![Text("${stageVariables.x}")]),
            ("${self:a.${opt:b, 'c}'}.d}x", vec![Variable("self:a.${opt:b, 'c}'}.d"), Text("x")]),
            ("\\${sls:stage}", vec![Text("${sls:stage}")]),
            ("${Name-${sls:stage}}", vec![Text("${Name-"), Variable("sls:stage"), Text("}")]),
            ("${sls:stage", vec![Text("${sls:stage")]),
            ("${file(a.yml):x}", vec![Variable("file(a.yml):x")]),
            ("", vec![]),
        ] {
            assert_eq!(pieces(text), expected, "{text}");
        }
    }

    #[test]
    fn a_variable_has_sources() {
        let source = |kind, parameter, address| Alternative::Source { kind, parameter, address };
        for (inside, expected) in [
            ("sls:stage", Some(vec![source("sls", None, Some("stage"))])),
            (
                "opt:x, self:a.b, 'c, d'",
                Some(vec![source("opt", None, Some("x")), source("self", None, Some("a.b")), Quoted("c, d")]),
            ),
            (
                "file(./a.${opt:s}.yml):b, 12",
                Some(vec![source("file", Some("./a.${opt:s}.yml"), Some("b")), Literal("12")]),
            ),
            ("file('a,b.yml')", Some(vec![source("file", Some("a,b.yml"), None)])),
            (
                "opt:a, 'b-${opt:c, 'd'}', e:f",
                Some(vec![source("opt", None, Some("a")), Quoted("b-${opt:c, 'd'}"), source("e", None, Some("f"))]),
            ),
            ("env:X, ${opt:a, null}", Some(vec![source("env", None, Some("X")), Nested("${opt:a, null}")])),
            ("self:", Some(vec![source("self", None, None)])),
            ("self:a, what", None),
            ("file(a", None),
        ] {
            assert_eq!(alternatives(inside), expected, "{inside}");
        }
    }
}
