//! Writes HCL, Terraform's language, in the form in which `terraform fmt` leaves it.

/// A body: what stands between braces, or in a file.
#[derive(Default)]
pub(super) struct Body(Vec<Entry>);

enum Entry {
    Attribute(String, Expression),
    Block(String, Body),
    Comment(String),
}

/// What an attribute is set to.
pub(super) enum Expression {
    /// As it is written: a number, a boolean, a reference.
    Raw(String),
    Text(String),
    /// A text with references in it.
    Template(Vec<Piece>),
    List(Vec<Expression>),
    Map(Vec<(String, Expression)>),
}

/// A piece of a text.
pub(super) enum Piece {
    Text(String),
    Reference(String),
}

/// The longest list that stands on one line, in characters.
const LIST_CHARS_MAX: usize = 80;
/// By how much what stands in something is moved to the right.
const STEP: usize = 2;

impl Body {
    pub(super) fn attribute(&mut self, name: impl Into<String>, value: Expression) {
        self.0.push(Entry::Attribute(name.into(), value));
    }

    pub(super) fn block(&mut self, head: impl Into<String>, body: Body) {
        self.0.push(Entry::Block(head.into(), body));
    }

    pub(super) fn comment(&mut self, text: impl Into<String>) {
        self.0.push(Entry::Comment(text.into()));
    }

    /// Whether there is an attribute of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|entry| matches!(entry, Entry::Attribute(other, _) if other == name))
    }

    /// Puts what belongs to a resource in the order that people know: attributes of one line, longer ones, blocks, and what
    /// it waits for.
    pub(super) fn arrange(&mut self) {
        self.0.sort_by_key(|entry| match entry {
            Entry::Attribute(name, _) if name == "depends_on" => 3,
            Entry::Attribute(_, value) => u8::from(value.write(0).contains('\n')),
            _ => 2,
        });
    }

    /// As text.
    pub(super) fn write(&self) -> String {
        let mut out = String::new();
        self.to(&mut out, 0);
        out
    }

    fn to(&self, out: &mut String, indent: usize) {
        let lines = self.0.iter().map(|entry| match entry {
            Entry::Attribute(name, value) => Line::Pair(name.clone(), value.write(indent)),
            Entry::Block(head, body) if body.0.is_empty() => Line::Several(format!("{head} {{\n{:indent$}}}", "")),
            Entry::Block(head, body) => {
                let mut text = format!("{head} {{\n");
                body.to(&mut text, indent + STEP);
                text.extend(std::iter::repeat_n(' ', indent));
                text.push('}');
                Line::Several(text)
            }
            Entry::Comment(text) => {
                let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                Line::Comment(format!("# {text}"))
            }
        });
        align(out, indent, &lines.collect::<Vec<_>>());
    }
}

enum Line {
    Pair(String, String),
    /// More than a line, with empty lines around it.
    Several(String),
    /// It belongs to what follows.
    Comment(String),
}

/// Writes lines: the equals signs of neighbours below each other. What has several lines stands apart, so that it is nobody's
/// neighbour.
fn align(out: &mut String, indent: usize, lines: &[Line]) {
    let is_pair = |line: &Line| matches!(line, Line::Pair(_, value) if !value.contains('\n'));
    let is_several = |line: &Line| !is_pair(line) && !matches!(line, Line::Comment(_));
    for (n, line) in lines.iter().enumerate() {
        let before = n.checked_sub(1).and_then(|n| lines.get(n));
        let begins = lines[n..].iter().find(|line| !matches!(line, Line::Comment(_)));
        let is_apart = is_several(line) || begins.is_some_and(is_several) || before.is_some_and(is_several);
        if is_apart && before.is_some_and(|before| !matches!(before, Line::Comment(_))) {
            out.push('\n');
        }
        out.extend(std::iter::repeat_n(' ', indent));
        match line {
            Line::Pair(name, value) if is_pair(line) => {
                let neighbours = |line: &&Line| is_pair(line);
                let behind = lines[n..].iter().take_while(neighbours);
                let ahead = lines[..n].iter().rev().take_while(neighbours);
                let width = behind.chain(ahead).map(|line| match line {
                    Line::Pair(name, _) => name.chars().count(),
                    _ => 0,
                });
                let width = width.max().unwrap_or_default();
                let space = width - name.chars().count();
                out.push_str(&format!("{name}{:space$} = {value}", ""));
            }
            Line::Pair(name, value) => out.push_str(&format!("{name} = {value}")),
            Line::Several(text) | Line::Comment(text) => out.push_str(text),
        }
        out.push('\n');
    }
}

impl Expression {
    fn write(&self, indent: usize) -> String {
        match self {
            Expression::Raw(text) => text.clone(),
            Expression::Text(text) if is_here(text) => here(text, indent),
            Expression::Text(text) => format!("\"{}\"", quoted(text)),
            Expression::Template(pieces) => match pieces.as_slice() {
                [Piece::Reference(reference)] => reference.clone(),
                pieces => {
                    let piece = |piece: &Piece| match piece {
                        Piece::Text(text) => quoted(text),
                        Piece::Reference(reference) => format!("${{{reference}}}"),
                    };
                    format!("\"{}\"", pieces.iter().map(piece).collect::<String>())
                }
            },
            Expression::List(items) => {
                let items: Vec<String> = items.iter().map(|item| item.write(indent + STEP)).collect();
                let line = format!("[{}]", items.join(", "));
                if line.chars().count() <= LIST_CHARS_MAX && !line.contains('\n') {
                    return line;
                }
                let lines: String = items.iter().map(|item| format!("{:1$}{item},\n", "", indent + STEP)).collect();
                format!("[\n{lines}{:indent$}]", "")
            }
            Expression::Map(members) if members.is_empty() => "{}".to_owned(),
            Expression::Map(members) => {
                let line = |(key, value): &(String, Expression)| {
                    let key = if is_identifier(key) { key.clone() } else { format!("\"{}\"", quoted(key)) };
                    Line::Pair(key, value.write(indent + STEP))
                };
                let mut text = "{\n".to_owned();
                align(&mut text, indent + STEP, &members.iter().map(line).collect::<Vec<_>>());
                text + &" ".repeat(indent) + "}"
            }
        }
    }
}

/// Whether a key needs no quotes.
fn is_identifier(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !["for", "if", "in", "true", "false", "null"].contains(&key)
}

/// What begins an expression or a directive in a text is written twice.
fn escaped(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in escaped(text).chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted
}

/// Whether a text of several lines can stand as it is.
fn is_here(text: &str) -> bool {
    text.trim_end_matches('\n').contains('\n')
        && text.chars().all(|c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') || matches!(c, '\n' | '\t'))
        // `terraform fmt` leaves these alone, other readers may not.
        && text.lines().all(|line| !line.ends_with([' ', '\t']))
}

/// A text as it is, between two words that do not stand in it.
fn here(text: &str, indent: usize) -> String {
    let is_free = |word: &str| text.lines().all(|line| line.trim() != word);
    let mut word = "EOT".to_owned();
    while !is_free(&word) {
        word.push('T');
    }
    let text = escaped(text);
    match text.strip_suffix('\n') {
        Some(body) => format!("<<{word}\n{body}\n{word}"),
        // Its last line always ends.
        None => format!("trimsuffix(<<{word}\n{text}\n{word}\n{:indent$}, \"\\n\")", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        Expression::Text(text.to_owned()).write(2)
    }

    #[test]
    fn texts_are_quoted_or_stand_as_they_are() {
        for (plain, written) in [
            ("a", r#""a""#),
            ("", r#""""#),
            ("${stageVariables.x} %{if} $${y}", r#""$${stageVariables.x} %%{if} $$${y}""#),
            ("a\"b\\c\td\u{1}", r#""a\"b\\c\td\u0001""#),
            ("a\n", r#""a\n""#),
            ("a\nb\n", "<<EOT\na\nb\nEOT"),
            ("a\n${b}", "trimsuffix(<<EOT\na\n$${b}\nEOT\n  , \"\\n\")"),
            ("a\nEOT\n", "<<EOTT\na\nEOT\nEOTT"),
            ("a \r\nb", r#""a \r\nb""#),
        ] {
            assert_eq!(text(plain), written, "{plain:?}");
        }
    }

    #[test]
    fn neighbours_are_aligned_and_what_has_several_lines_stands_apart() {
        let mut inner = Body::default();
        inner.attribute("c", Expression::Raw("true".into()));
        let mut body = Body::default();
        body.attribute("a", Expression::Raw("1".into()));
        body.attribute("long", Expression::Text("x".into()));
        body.attribute("map", Expression::Map(vec![("k".into(), Expression::Raw("1".into()))]));
        body.comment("why");
        body.attribute("b", Expression::List(vec![]));
        body.block("inner", inner);
        assert_eq!(
            body.write(),
            "a    = 1\nlong = \"x\"\n\nmap = {\n  k = 1\n}\n\n# why\nb = []\n\ninner {\n  c = true\n}\n"
        );
    }
}
