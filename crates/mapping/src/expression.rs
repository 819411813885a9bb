//! API Gateway's *selection expressions*: `$request.body.action`, `${request.body.a}/${request.body.b}`.

use std::borrow::Cow;

use jsonpath::Path;
use serde_json::Value;
use types::message::IntegrationResponse;

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

    pub(crate) fn parse(text: &str) -> Result<Expression, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("\\$") {
                literal.push('$');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("${") {
                let end = closing_brace(after).ok_or_else(|| format!("`${{` is not closed in `{text}`"))?;
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

fn part(variable: &str) -> Result<Part, String> {
    if let Some(path) = variable.strip_prefix("request.body") {
        return match path {
            "" => Ok(Part::Body),
            _ => Path::parse(&format!("${path}")).map(Part::BodyPath).map_err(|error| error.to_string()),
        };
    }
    if variable == "integration.response.statuscode" {
        return Ok(Part::Status);
    }
    if let Some(name) = variable.strip_prefix("integration.response.header.") {
        return Ok(Part::Header(name.to_owned()));
    }
    if let Some(name) = variable.strip_prefix("integration.response.multivalueheader.") {
        return Ok(Part::MultiHeader(name.to_owned()));
    }
    // AWS takes such, as the Terraform provider sends one where nobody said anything; it chooses nothing (reported).
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c));
    if variable.contains('.') && !variable.starts_with("request.body") && variable.split('.').all(is_word) {
        return Ok(Part::Nothing);
    }
    Err(format!("`${variable}` is no variable of a selection expression"))
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
    use super::Expression;

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
    fn unknown_variables_and_open_braces_are_named() {
        for (text, part) in [
            ("$context", "`$context` is no variable"),
            ("${request.body.a", "is not closed"),
            ("$request.bodyaction", "JSONPath cannot be read"),
        ] {
            assert!(Expression::parse(text).is_err_and(|error| error.contains(part)), "{text}");
        }
    }
}
