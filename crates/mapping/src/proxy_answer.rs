//! Reads what the function of a Lambda proxy integration answered.

use bytes::Bytes;
use serde_json::{Map, Value};
use types::headers::Headers;

/// The status where the answer names none. Source: observed on REST APIs.
const STATUS: u16 = 200;

/// A function's answer, as a status, headers and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyAnswer {
    /// `statusCode`.
    pub status: u16,
    /// `headers` and `multiValueHeaders` together, a header of several values once for each.
    pub headers: Headers,
    /// `body` in UTF-8; empty where it is absent or null. `isBase64Encoded` changes nothing: WebSocket APIs have no binary
    /// media types, so base64 goes out as it is.
    pub body: Bytes,
}

/// An answer that is none: the client gets 502 at `$connect`, later an error frame. The sentence is for the log, in AWS's words
/// up to the colon (observed on REST APIs).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Malformed Lambda proxy response: {0}")]
pub struct MalformedAnswer(String);

/// Reads the JSON that a function gave: an object with any of `statusCode` (a number or digits), `headers` (texts or booleans),
/// `multiValueHeaders` (lists of those), `body` (text or null) and `isBase64Encoded`.
///
/// Inferred: that a member which is null is as good as absent, and that a status is 100 to 599.
///
/// # Errors
/// [`MalformedAnswer`] for all else: another member, one of another kind, and a plain value, which is an answer of HTTP APIs.
/// Source: observed on REST APIs, whose answers are read by the same rules.
pub fn proxy_answer(payload: &[u8]) -> Result<ProxyAnswer, MalformedAnswer> {
    let members = match serde_json::from_slice(payload) {
        Ok(Value::Object(members)) => members,
        Ok(other) => return malformed(format!("{} is no object with `statusCode` and `body`", kind(&other))),
        Err(_) => return malformed("it is no JSON".to_owned()),
    };
    let mut answer = ProxyAnswer { status: STATUS, headers: Headers::new(), body: Bytes::new() };
    let mut single = None;
    let mut multiple = None;
    for (name, value) in members {
        match (name.as_str(), value) {
            ("statusCode" | "headers" | "multiValueHeaders" | "body" | "isBase64Encoded", Value::Null) => {}
            ("statusCode", value) => answer.status = status(&value)?,
            ("headers", Value::Object(members)) => single = Some(members),
            ("multiValueHeaders", Value::Object(members)) => multiple = Some(members),
            ("body", Value::String(body)) => answer.body = body.into(),
            ("isBase64Encoded", Value::Bool(_)) => {}
            ("headers" | "multiValueHeaders" | "body" | "isBase64Encoded", value) => {
                return malformed(format!("`{name}` is {}", kind(&value)));
            }
            _ => return malformed(format!("it has a member `{name}`")),
        }
    }
    headers(single.unwrap_or_default(), multiple.unwrap_or_default(), &mut answer.headers)?;
    Ok(answer)
}

fn status(value: &Value) -> Result<u16, MalformedAnswer> {
    let status = match value {
        Value::Number(number) => number.as_u64().and_then(|status| u16::try_from(status).ok()),
        Value::String(digits) => digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit())),
        _ => None,
    };
    match status.filter(|status| (100..600).contains(status)) {
        Some(status) => Ok(status),
        None => malformed(format!("`statusCode` is {value}, not a number from 100 to 599")),
    }
}

// A value that both name is there once. Source: documented (REST APIs, "Output format of a Lambda function for proxy integration").
fn headers(
    single: Map<String, Value>,
    multiple: Map<String, Value>,
    headers: &mut Headers,
) -> Result<(), MalformedAnswer> {
    for (name, values) in multiple {
        let Value::Array(values) = values else {
            return malformed(format!("the header `{name}` of `multiValueHeaders` is {}", kind(&values)));
        };
        for value in values {
            headers.append(name.clone(), header(&name, value)?);
        }
    }
    for (name, value) in single {
        let value = header(&name, value)?;
        if !headers.get_all(&name).any(|known| known == value) {
            headers.append(name, value);
        }
    }
    Ok(())
}

fn header(name: &str, value: Value) -> Result<String, MalformedAnswer> {
    match value {
        Value::String(text) => Ok(text),
        Value::Bool(b) => Ok(b.to_string()),
        other => malformed(format!("the header `{name}` is {}", kind(&other))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn malformed<T>(detail: String) -> Result<T, MalformedAnswer> {
    Err(MalformedAnswer(detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &str) -> Result<ProxyAnswer, String> {
        proxy_answer(payload.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_answer_is_read_as_far_as_it_is_there() {
        for (payload, status, headers, body) in [
            ("{}", 200, &[][..], ""),
            (r#"{"statusCode":200}"#, 200, &[], ""),
            (r#"{"statusCode":"401","body":"no"}"#, 401, &[], "no"),
            (
                r#"{"statusCode":null,"headers":null,"multiValueHeaders":null,"body":null,"isBase64Encoded":null}"#,
                200,
                &[],
                "",
            ),
            (r#"{"body":"{\"a\":\"ü\"}"}"#, 200, &[], r#"{"a":"ü"}"#),
            (r#"{"statusCode":201,"body":"aGk=","isBase64Encoded":true}"#, 201, &[], "aGk="),
            (
                r#"{"headers":{"Sec-WebSocket-Protocol":"chat","x-flag":true}}"#,
                200,
                &[("Sec-WebSocket-Protocol", "chat"), ("x-flag", "true")],
                "",
            ),
            (
                r#"{"headers":{"X-A":"1","x-b":"4"},"multiValueHeaders":{"x-a":["1","2"],"x-c":[]}}"#,
                200,
                &[("x-a", "1"), ("x-a", "2"), ("x-b", "4")],
                "",
            ),
            (r#"{"statusCode":500,"body":"x","body":"y"}"#, 500, &[], "y"),
        ] {
            let headers: Headers = headers.iter().copied().collect();
            assert_eq!(read(payload), Ok(ProxyAnswer { status, headers, body: body.into() }), "{payload}");
        }
    }

    #[test]
    fn what_is_no_answer_says_why() {
        for (payload, why) in [
            ("", "it is no JSON"),
            ("{\"statusCode\":200", "it is no JSON"),
            ("null", "null is no object with `statusCode` and `body`"),
            ("\"ok\"", "a text is no object with `statusCode` and `body`"),
            ("[]", "a list is no object with `statusCode` and `body`"),
            (r#"{"status":200}"#, "it has a member `status`"),
            (r#"{"statusCode":"ok"}"#, "`statusCode` is \"ok\", not a number from 100 to 599"),
            (r#"{"statusCode":"+200"}"#, "`statusCode` is \"+200\", not a number from 100 to 599"),
            (r#"{"statusCode":200.5}"#, "`statusCode` is 200.5, not a number from 100 to 599"),
            (r#"{"statusCode":99}"#, "`statusCode` is 99, not a number from 100 to 599"),
            (r#"{"statusCode":600}"#, "`statusCode` is 600, not a number from 100 to 599"),
            (r#"{"body":{"a":1}}"#, "`body` is an object"),
            (r#"{"body":1}"#, "`body` is a number"),
            (r#"{"isBase64Encoded":"true"}"#, "`isBase64Encoded` is a text"),
            (r#"{"headers":[]}"#, "`headers` is a list"),
            (r#"{"headers":{"a":1}}"#, "the header `a` is a number"),
            (r#"{"multiValueHeaders":{"a":"1"}}"#, "the header `a` of `multiValueHeaders` is a text"),
            (r#"{"multiValueHeaders":{"a":[null]}}"#, "the header `a` is null"),
        ] {
            assert_eq!(read(payload), Err(format!("Malformed Lambda proxy response: {why}")), "{payload}");
        }
    }
}
