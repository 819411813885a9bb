//! Texts with wildcards and policy variables.

use crate::policy::keys::{self, Keys};
use crate::policy::truth::Truth;

/// How a pattern is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reads {
    /// Whether `${…}` is a variable.
    pub(super) variables: bool,
    /// Whether `*` and `?` are wildcards.
    pub(super) wildcards: bool,
    /// Whether upper and lower case differ.
    pub(super) case: bool,
}

/// A pattern, ready to be compared.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: String,
    pieces: Vec<Piece>,
    case: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Char(char),
    /// `*`: any characters, slashes and colons too, or none.
    Any,
    /// `?`: one character.
    One,
    Variable {
        name: String,
        default: Option<String>,
    },
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A variable has no end, or no name.
    pub(super) fn parse(text: &str, reads: Reads) -> Result<Pattern, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if reads.variables
                && let Some(inner) = rest.strip_prefix("${")
            {
                let (inner, after) = inner.split_once('}').ok_or("a `${` has no `}`")?;
                pieces.push(variable(inner)?);
                rest = after;
                continue;
            }
            pieces.push(match c {
                '*' if reads.wildcards => Piece::Any,
                '?' if reads.wildcards => Piece::One,
                c => Piece::Char(c),
            });
            rest = &rest[c.len_utf8()..];
        }
        // Several stars are as good as one, and cheaper.
        pieces.dedup_by(|a, b| *a == Piece::Any && *b == Piece::Any);
        Ok(Pattern { text: text.to_owned(), pieces, case: reads.case })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a text fits. A variable stands for its value to the letter; without one nothing fits.
    pub(super) fn fits(&self, text: &str, keys: &Keys) -> Truth {
        if !self.has_variables() {
            return Truth::of(fit(&self.pieces, text, self.case));
        }
        let mut pieces = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            let Piece::Variable { name, default } = piece else {
                pieces.push(piece.clone());
                continue;
            };
            let value = match keys.get(name) {
                Some([one]) => Some(one),
                // Of several it is not known which is meant.
                Some(_) => return Truth::Unknown,
                None if !keys.knows(name) => return Truth::Unknown,
                None => default.as_ref(),
            };
            let Some(value) = value else { return Truth::No };
            pieces.extend(value.chars().map(Piece::Char));
        }
        Truth::of(fit(&pieces, text, self.case))
    }

    pub(super) fn has_variables(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Variable { .. }))
    }

    /// Split at the first five colons, as an ARN is.
    pub(super) fn arn_parts(&self) -> Vec<Pattern> {
        let part = |pieces: &[Piece]| Pattern { text: String::new(), pieces: pieces.to_vec(), case: self.case };
        self.pieces.splitn(6, |piece| *piece == Piece::Char(':')).map(part).collect()
    }

    /// The names of variables that nothing here gives a value.
    pub(super) fn unknown_variables(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable { name, .. } if !keys::is_known(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

// `aws:username`, `aws:username, 'nobody'`, or one of `*`, `?` and `$`, which stand for themselves. Documented.
fn variable(inner: &str) -> Result<Piece, String> {
    if let "*" | "?" | "$" = inner {
        return Ok(Piece::Char(inner.chars().next().unwrap_or('$')));
    }
    let (name, default) = match inner.split_once(',') {
        Some((name, default)) => {
            let default = default.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            (name, Some(default.ok_or("the default of a variable stands in single quotes")?.to_owned()))
        }
        None => (inner, None),
    };
    let name = name.trim().to_owned();
    if name.is_empty() {
        return Err("a variable has no name".to_owned());
    }
    Ok(Piece::Variable { name, default })
}

// The last star gives way first, so that the work is at most pattern times text.
fn fit(pieces: &[Piece], text: &str, case: bool) -> bool {
    let same = |piece: &Piece, c: char| match piece {
        Piece::Char(own) => *own == c || !case && own.eq_ignore_ascii_case(&c),
        Piece::One => true,
        Piece::Any | Piece::Variable { .. } => false,
    };
    let (mut at, mut rest) = (0, text);
    let mut star: Option<(usize, &str)> = None;
    while let Some(c) = rest.chars().next() {
        if pieces.get(at) == Some(&Piece::Any) {
            if at + 1 == pieces.len() {
                return true;
            }
            star = Some((at, rest));
            at += 1;
        } else if pieces.get(at).is_some_and(|piece| same(piece, c)) {
            at += 1;
            rest = &rest[c.len_utf8()..];
        } else if let Some((star_at, from)) = star {
            let from = &from[from.chars().next().map_or(0, char::len_utf8)..];
            star = Some((star_at, from));
            (at, rest) = (star_at + 1, from);
        } else {
            return false;
        }
    }
    pieces[at..].iter().all(|piece| *piece == Piece::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESOURCE: Reads = Reads { variables: true, wildcards: true, case: true };

    #[test]
    fn wildcards_span_slashes_and_colons() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("*", "a/b:c", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbcd", false),
            ("a*b*c", "axbxbxc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("?", "é", true),
            ("**a", "a", true),
            ("", "", true),
            ("", "a", false),
            ("A", "a", false),
            ("a${*}", "a*", true),
            ("a${*}", "ab", false),
            ("${?}${$}", "?$", true),
            ("*abc", "ababc", true),
        ] {
            let pattern_read = Pattern::parse(pattern, RESOURCE).unwrap();
            assert_eq!(pattern_read.fits(text, &Keys::default()), Truth::of(fits), "{pattern} {text}");
        }
        let action = Pattern::parse("Execute-API:manage*", Reads { case: false, variables: false, wildcards: true });
        assert_eq!(action.unwrap().fits("execute-api:ManageConnections", &Keys::default()), Truth::Yes);
    }

    #[test]
    fn a_variable_stands_for_its_value_to_the_letter() {
        let keys = Keys::default().with("aws:username", "a*");
        for (pattern, text, truth) in [
            ("x/${aws:username}", "x/a*", Truth::Yes),
            ("x/${aws:username}", "x/ab", Truth::No),
            ("x/${AWS:UserName}/*", "x/a*/b", Truth::Yes),
            ("x/${aws:userid}", "x/", Truth::No),
            ("x/${aws:userid, 'none'}", "x/none", Truth::Yes),
            ("x/${saml:sub}", "x/", Truth::Unknown),
        ] {
            assert_eq!(Pattern::parse(pattern, RESOURCE).unwrap().fits(text, &keys), truth, "{pattern} {text}");
        }
        for wrong in ["${", "${}", "${aws:username, none}"] {
            assert!(Pattern::parse(wrong, RESOURCE).is_err(), "{wrong}");
        }
    }

    #[test]
    fn many_stars_cost_no_more_than_pattern_times_text() {
        let pattern = Pattern::parse(&"a*".repeat(2000), RESOURCE).unwrap();
        assert_eq!(pattern.fits(&"a".repeat(1999), &Keys::default()), Truth::No);
    }
}
