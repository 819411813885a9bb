//! Selection expressions: whether a text is one, so that a slip is told when it is sent and not when clients fail.
//!
//! Source: documented ("WebSocket selection expressions": variables, `${…}`, `\$`); where an unbraced variable ends is
//! inferred. That AWS refuses is measured for a missing `routeSelectionExpression` only; for the rest, and for which
//! texts it refuses, inferred. `mapping` reads the same language to run it.

use serde_json::Value;

use crate::error::{self, Fault};
use crate::store::Document;

/// What an expression is evaluated on, which decides what it can name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A client's message: `request.body` and paths in it.
    Request,
    /// A backend's answer: its status and headers, and the message as well.
    Response,
}

/// Checks the expression in a member of a document; there may be none.
///
/// # Errors
/// 400 that names the member, and the part of the text that is wrong.
pub(crate) fn check(document: &Document, member: &str, subject: Subject) -> Result<(), Fault> {
    let text = document.get(member).and_then(Value::as_str).unwrap_or_default();
    mistake(text, subject).map_or(Ok(()), |mistake| Err(error::selection(member, &mistake)))
}

/// What is wrong with an expression, if anything.
fn mistake(text: &str, subject: Subject) -> Option<String> {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let is_escaped = rest[..at].ends_with('\\');
        rest = &rest[at + 1..];
        if is_escaped {
            continue;
        }
        let variable;
        if let Some(braced) = rest.strip_prefix('{') {
            let Some(end) = closing_brace(braced) else { return Some(format!("`${{{braced}` has no closing brace")) };
            (variable, rest) = (&braced[..end], &braced[end + 1..]);
        } else {
            let end = rest.find(|c| !is_path_char(c)).unwrap_or(rest.len());
            (variable, rest) = rest.split_at(end);
        }
        if let Some(mistake) = variable_mistake(variable, subject) {
            return Some(mistake);
        }
    }
    None
}

fn variable_mistake(variable: &str, subject: Subject) -> Option<String> {
    if let Some(path) = variable.strip_prefix("request.body") {
        // A path begins with a dot or a bracket: `request.bodyaction` is a slip.
        let is_path = path.is_empty() || path.starts_with(['.', '[']);
        let error = (!path.is_empty()).then(|| jsonpath::Path::parse(&format!("${path}")).err()).flatten();
        return match error {
            Some(error) => Some(format!("`${variable}`: {error}")),
            None if !is_path => Some(unknown(variable, subject)),
            None => None,
        };
    }
    // Other variables than there are: AWS takes what the Terraform provider sends where nobody said anything, which is HTTP
    // APIs' `$request.method $request.path`; it chooses nothing. Source: reported (configurations that run).
    if subject == Subject::Request && is_variable(variable) {
        return None;
    }
    let response = variable.strip_prefix("integration.response.").filter(|_| subject == Subject::Response);
    let is_known = response.is_some_and(|rest| {
        let name = rest.strip_prefix("header.").or_else(|| rest.strip_prefix("multivalueheader."));
        rest == "statuscode" || name.is_some_and(|name| !name.is_empty())
    });
    (!is_known).then(|| unknown(variable, subject))
}

/// Whether a text has the form of a variable: words with dots between them.
fn is_variable(text: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c));
    text.contains('.') && !text.starts_with("request.body") && text.split('.').all(is_word)
}

fn unknown(variable: &str, subject: Subject) -> String {
    let known = match subject {
        Subject::Request => "$request.body and what is in it, such as $request.body.action",
        Subject::Response => {
            "$request.body and what is in it, $integration.response.statuscode, $integration.response.header.NAME and \
             $integration.response.multivalueheader.NAME"
        }
    };
    format!("`${variable}` is no variable here: there are {known}; a dollar that is text is written \\$")
}

/// The end of a braced variable; a quoted key may hold a brace of its own.
fn closing_brace(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, c)| {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '}') => return Some(at),
            _ => {}
        }
        None
    })
}

/// Whether a variable without braces goes on. Source: inferred.
fn is_path_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.[]'\"*@?()".contains(c)
}

#[cfg(test)]
mod tests {
    use super::{Subject, mistake};

    #[test]
    fn what_the_guide_shows_is_an_expression() {
        for text in [
            "",
            "action",
            "a b",
            r"\$default",
            r"\$default-${request.body.a}",
            "$request.body",
            "$request.body.action",
            "${request.body.action}",
            "${request.body.service}/${request.body.action}",
            "$request.body.service/$request.body.action",
            "${request.body['a }b']}",
            "$request.body.list[0].type",
            "${request.body['é']}",
        ] {
            assert_eq!(mistake(text, Subject::Request), None, "{text}");
            assert_eq!(mistake(text, Subject::Response), None, "{text}");
        }
        for text in ["$request.method $request.path", "$context.stage", "$request.header.x"] {
            assert_eq!(mistake(text, Subject::Request), None, "{text}");
        }
        for text in ["${integration.response.statuscode}", "$integration.response.header.X", "2xx"] {
            assert_eq!(mistake(text, Subject::Response), None, "{text}");
        }
    }

    #[test]
    fn a_slip_is_named() {
        for (text, named) in [
            ("$", "`$` is no variable"),
            ("$$", "`$` is no variable"),
            ("$default", "`$default` is no variable"),
            ("$request.bodyaction", "`$request.bodyaction`"),
            ("$request.body.", "`$request.body.`: "),
            ("${request.body.a", "`${request.body.a` has no closing brace"),
            ("a${", "`${` has no closing brace"),
            ("${}", "`$` is no variable"),
            ("${request.body.a}${b}", "`$b` is no variable"),
        ] {
            let told = mistake(text, Subject::Request).unwrap_or_default();
            assert!(told.starts_with(named), "{text}: {told}");
        }
        for text in ["$integration.response.header.", "$integration.response.body.x"] {
            assert!(mistake(text, Subject::Response).is_some(), "{text}");
        }
    }
}
