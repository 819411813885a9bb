//! The notation of `Fn::Sub`.

/// A piece of the text of `Fn::Sub`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Piece<'t> {
    /// Stays as it is: text, and a `$` that begins nothing.
    Text(&'t str),
    /// `${!X}`, which becomes `${X}`: this is `X`.
    Escaped(&'t str),
    /// `${X}`: this is `X`.
    Variable(&'t str),
}

/// Splits a text at what `Fn::Sub` acts on. A `${` without its `}` is text.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let start = rest.find("${").filter(|start| rest[*start..].contains('}'));
        let Some(start) = start else { return Some(Piece::Text(std::mem::take(&mut rest))) };
        if start > 0 {
            let (text, behind) = rest.split_at(start);
            rest = behind;
            return Some(Piece::Text(text));
        }
        let (name, behind) = rest["${".len()..].split_once('}').expect("the `}` was found above");
        rest = behind;
        Some(match name.strip_prefix('!') {
            Some(name) => Piece::Escaped(name),
            None => Piece::Variable(name),
        })
    })
}

/// Whether it can be a variable's name. CloudFormation: "variable names in Fn::Sub syntax must contain only alphanumeric
/// characters, underscores, periods, and colons".
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':'))
}

/// What is said of a variable that stands for nothing: most are meant for API Gateway, not for CloudFormation.
pub(crate) fn unknown(name: &str, near: Option<&str>) -> String {
    let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    // API Gateway's own words are like many a name.
    let near = near.filter(|_| !begins(&["context.", "stageVariables.", "request.", "integration.", "route."]));
    let escape_is_needless = begins(&["context.", "input.", "util."]);
    let name = crate::fault::shortened(name);
    let mut said =
        format!("`${{{name}}}` in Fn::Sub is no parameter, pseudo parameter, resource or variable of its map");
    if let Some(near) = near {
        said += &format!(" (did you mean `${{{near}}}`?)");
    }
    said += &format!("; where the text itself is meant, write `${{!{name}}}`");
    if escape_is_needless {
        said += &format!(", or `${name}`, which needs no escape");
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_splits_at_its_variables() {
        let split = |text| pieces(text).collect::<Vec<_>>();
        assert_eq!(split(""), []);
        assert_eq!(split("$input.json('$')"), [Piece::Text("$input.json('$')")]);
        assert_eq!(split("a${B}c"), [Piece::Text("a"), Piece::Variable("B"), Piece::Text("c")]);
        assert_eq!(split("$${B.C}${!d.e}"), [Piece::Text("$"), Piece::Variable("B.C"), Piece::Escaped("d.e")]);
        assert_eq!(split("${A"), [Piece::Text("${A")]);
        assert_eq!(split("${}x"), [Piece::Variable(""), Piece::Text("x")]);
        assert_eq!(split("${a${b}"), [Piece::Variable("a${b")]);
    }
}
