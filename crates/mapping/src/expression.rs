//! API Gateway's *selection expressions*: `$request.body.action`, `${request.body.a}/${request.body.b}`.

use std::borrow::Cow;

use jsonpath::Path;
use serde_json::Value;
use types::message::IntegrationResponse;

/// The way of what a text is used for, which decides what it can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the backend: there is the client's message, or its handshake.
    Request,
    /// Back to the client: there is the backend's answer, and the message as well.
    Response,
}

/// Why a text is no selection expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// A `${` without its brace, and all that stands behind it.
    #[error("`${{{0}` has no closing brace")]
    Open(String),
    /// What stands where a variable should.
    #[error("`${0}` is no variable of a selection expression")]
    NoVariable(String),
    /// A variable in the message whose path is none, and why.
    #[error("`${0}`: {1}")]
    Path(String, jsonpath::Error),
}

/// A selection expression, parsed: literal text and variables in turn.
///
/// A variable is `$name.path`, or `${name.path}` where text follows; `\$` is a dollar. Source: documented
/// ("WebSocket selection expressions"); where an unbraced variable ends is inferred.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expression {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Body,
    BodyPath(Path),
    Status,
    Header(String),
    MultiHeader(String),
    /// Of the form of a variable and none: the expression gives nothing.
    Nothing,
}

impl Expression {
    /// Whether it names a variable that there is none of, so that it never gives anything.
    pub(crate) fn gives_nothing(&self) -> bool {
        self.parts.contains(&Part::Nothing)
    }

    /// Reads an expression. What it names may be none of what it is evaluated on, and gives nothing then.
    pub(crate) fn parse(text: &str) -> Result<Expression, String> {
        Expression::read(text, part).map_err(|mistake| mistake.to_string())
    }

    fn read(text: &str, part: impl Fn(&str) -> Result<Part, Mistake>) -> Result<Expression, Mistake> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("\\$") {
                literal.push('$');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("${") {
                let end = closing_brace(after).ok_or_else(|| Mistake::Open(after.to_owned()))?;
                push_text(&mut parts, &mut literal);
                parts.push(part(&after[..end])?);
                rest = &after[end + 1..];
            } else if let Some(after) = rest.strip_prefix('$') {
                let end = after.find(|c| !is_path_char(c)).unwrap_or(after.len());
                push_text(&mut parts, &mut literal);
                parts.push(part(&after[..end])?);
                rest = &after[end..];
            } else {
                literal.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        push_text(&mut parts, &mut literal);
        Ok(Expression { parts })
    }

    /// The expression's value, always text; `None` where it needs a JSON message and there is none.
    pub(crate) fn evaluate(&self, body: &[u8], response: Option<&IntegrationResponse>) -> Option<String> {
        if self.parts.iter().any(|part| matches!(part, Part::BodyPath(_))) && !starts_json(body) {
            return None;
        }
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Body => out.push_str(&String::from_utf8_lossy(body)),
                Part::BodyPath(path) => match path.scan(body) {
                    Ok(Some(value)) => out.push_str(&stringify(&value)),
                    Ok(None) => {}
                    Err(_) => return None,
                },
                Part::Nothing => return None,
                Part::Status => out.push_str(&response?.status.to_string()),
                Part::Header(name) => out.push_str(response?.headers.get(name).unwrap_or_default()),
                Part::MultiHeader(name) => {
                    out.push_str(&response?.headers.get_all(name).collect::<Vec<_>>().join(","));
                }
            }
        }
        Some(out)
    }
}

/// A selection expression. That AWS refuses is measured for a missing `routeSelectionExpression` only; for the rest, and for
/// which texts it refuses, inferred.
///
/// # Errors
/// The first mistake.
pub fn check(text: &str, direction: Direction) -> Result<(), Mistake> {
    let part = |variable: &str| {
        let part = part(variable)?;
        let is_known = match (&part, direction) {
            // Of a message AWS takes variables that there are none of, as the Terraform provider sends where nobody said anything
            // HTTP APIs' `$request.method $request.path`; they choose nothing. Source: reported (configurations that run).
            (Part::Nothing, _) => direction == Direction::Request,
            (Part::Header(_) | Part::MultiHeader(_), Direction::Request) => is_variable(variable),
            _ => true,
        };
        if is_known { Ok(part) } else { Err(Mistake::NoVariable(variable.to_owned())) }
    };
    Expression::read(text, part).map(|_| ())
}

// A quoted key may hold a brace of its own.
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

fn is_path_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.[]'\"*@?()".contains(c)
}

fn push_text(parts: &mut Vec<Part>, literal: &mut String) {
    if !literal.is_empty() {
        parts.push(Part::Text(std::mem::take(literal)));
    }
}

fn part(variable: &str) -> Result<Part, Mistake> {
    let unknown = || Mistake::NoVariable(variable.to_owned());
    if let Some(path) = variable.strip_prefix("request.body") {
        if path.is_empty() {
            return Ok(Part::Body);
        }
        let parsed = Path::parse(&format!("${path}"));
        let parsed = parsed.map_err(|error| Mistake::Path(variable.to_owned(), error))?;
        // A path begins with a dot or a bracket: `request.bodyaction` is a slip.
        return if path.starts_with(['.', '[']) { Ok(Part::BodyPath(parsed)) } else { Err(unknown()) };
    }
    let of_response = variable.strip_prefix("integration.response.").unwrap_or_default();
    match of_response.split_once('.') {
        None if of_response == "statuscode" => Ok(Part::Status),
        Some(("header", name)) if !name.is_empty() => Ok(Part::Header(name.to_owned())),
        Some(("multivalueheader", name)) if !name.is_empty() => Ok(Part::MultiHeader(name.to_owned())),
        _ if is_variable(variable) => Ok(Part::Nothing),
        _ => Err(unknown()),
    }
}

/// Whether a text has the form of a variable: words with dots between them.
fn is_variable(text: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c));
    text.contains('.') && text.split('.').all(is_word)
}

// "JSON object expected": a message that is a string, number or plain text selects nothing (docs/aws/data-plane.md 2.4).
fn starts_json(body: &[u8]) -> bool {
    matches!(body.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'['))
}

/// A JSON value as selection expressions print it: text as it is, null as nothing, lists and objects as Java does.
///
/// Source: documented for lists of text (`[item1, item2]`); inferred for the rest.
fn stringify(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        Value::Array(items) => Cow::Owned(format!("[{}]", items.iter().map(stringify).collect::<Vec<_>>().join(", "))),
        Value::Object(members) => {
            let members: Vec<_> = members.iter().map(|(key, value)| format!("{key}={}", stringify(value))).collect();
            Cow::Owned(format!("{{{}}}", members.join(", ")))
        }
        Value::Bool(_) | Value::Number(_) => Cow::Owned(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Direction, Expression, check};

    #[test]
    fn expressions_give_what_the_guide_prints() {
        let body = br#"{"service":"chat","action":"join","data":{"room":"room1234"},"list":["item1","item2"],"a b":1.0,"n":null,"o":{"k":"v","l":[1]}}"#;
        let cases = [
            ("$request.body.action", Some("join")),
            ("${request.body.action}", Some("join")),
            ("${request.body.service}/${request.body.action}", Some("chat/join")),
            ("${request.body.action}-${request.body.invalidPath}", Some("join-")),
            ("$request.body.service/$request.body.action", Some("chat/join")),
            ("$request.body.data.room", Some("room1234")),
            ("$request.body.list", Some("[item1, item2]")),
            ("$request.body.list[1]", Some("item2")),
            ("${request.body['a b']}", Some("1.0")),
            ("$request.body.n", Some("")),
            ("$request.body.o", Some("{k=v, l=[1]}")),
            ("action", Some("action")),
            (r"\$default", Some("$default")),
            ("", Some("")),
        ];
        for (text, expected) in cases {
            assert_eq!(Expression::parse(text).unwrap().evaluate(body, None).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_the_terraform_provider_sends_gives_nothing() {
        let expression = Expression::parse("$request.method $request.path").unwrap();
        assert!(expression.gives_nothing());
        assert_eq!(expression.evaluate(br#"{"action":"a"}"#, None), None);
    }

    #[test]
    fn a_body_that_is_no_json_object_gives_nothing() {
        let expression = Expression::parse("$request.body.action").unwrap();
        for body in ["hello", "", "\"action\"", "12", "{\"action\":", "{\"action\":\"a\"} trailing"] {
            assert_eq!(expression.evaluate(body.as_bytes(), None), None, "{body}");
        }
        assert_eq!(expression.evaluate(b"[1]", None).as_deref(), Some(""));
    }

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
            assert_eq!(check(text, Direction::Request), Ok(()), "{text}");
            assert_eq!(check(text, Direction::Response), Ok(()), "{text}");
        }
        for text in ["$request.method $request.path", "$context.stage", "$integration.response.statuscode"] {
            assert_eq!(check(text, Direction::Request), Ok(()), "{text}");
        }
        for text in ["${integration.response.statuscode}", "$integration.response.header.X", "2xx"] {
            assert_eq!(check(text, Direction::Response), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_slip_is_named() {
        for (text, named) in [
            ("$", "`$` is no variable"),
            ("$$", "`$` is no variable"),
            ("$default", "`$default` is no variable"),
            ("${integration.response.header.a b}", "`$integration.response.header.a b` is no variable"),
            ("$request.bodyaction", "`$request.bodyaction`"),
            ("$request.body.", "`$request.body.`: "),
            ("${request.body.a", "`${request.body.a` has no closing brace"),
            ("a${", "`${` has no closing brace"),
            ("${}", "`$` is no variable"),
            ("${request.body.a}${b}", "`$b` is no variable"),
        ] {
            let told = check(text, Direction::Request).map_or_else(|mistake| mistake.to_string(), |()| String::new());
            assert!(told.starts_with(named), "{text}: {told}");
        }
        for text in ["$integration.response.header.", "$integration.response.body.x", "$request.header.x"] {
            assert!(check(text, Direction::Response).is_err(), "{text}");
        }
    }
}
