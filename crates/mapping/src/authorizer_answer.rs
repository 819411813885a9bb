//! Reads what a REQUEST authorizer answered.

use serde_json::{Map, Value};
use types::identity::AuthorizerContext;

/// The longest answer, in bytes. Source: documented.
const BYTES_MAX: usize = 8 * 1024;

/// An authorizer's answer, before anybody has looked what its policy says.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthorizerAnswer {
    /// `principalId` and `context`: what `$context.authorizer` is from then on.
    pub context: AuthorizerContext,
    /// `policyDocument`.
    pub policy: Map<String, Value>,
    /// `usageIdentifierKey`: the value of an API key.
    pub usage_identifier_key: Option<String>,
}

/// Reads the JSON that an authorizer gave: an object with `principalId`, `policyDocument`, and maybe `context` (texts, numbers and
/// booleans, which all become texts) and `usageIdentifierKey`. Source: documented. Inferred: that a member of `context` which is
/// null is as good as absent, and that other members are let be.
///
/// # Errors
/// What is wrong with it, for the log; the client gets 500.
pub fn authorizer_answer(payload: &[u8]) -> Result<AuthorizerAnswer, String> {
    if payload.len() > BYTES_MAX {
        return Err(format!("the answer has {} bytes; at most {BYTES_MAX} are read", payload.len()));
    }
    let mut members = match serde_json::from_slice(payload) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return Err("the answer is no JSON object with `principalId` and `policyDocument`".to_owned()),
        Err(_) => return Err("the answer is no JSON".to_owned()),
    };
    let principal_id = match members.remove("principalId") {
        Some(Value::String(text)) if !text.is_empty() => text,
        Some(Value::Number(number)) => number.to_string(),
        Some(other) => return Err(format!("`principalId` is {other}, and no text")),
        None => return Err("the answer has no `principalId`".to_owned()),
    };
    let policy = match members.remove("policyDocument") {
        Some(Value::Object(policy)) => policy,
        Some(_) => return Err("`policyDocument` is no object".to_owned()),
        None => return Err("the answer has no `policyDocument`".to_owned()),
    };
    let mut values = Vec::new();
    match members.remove("context") {
        None | Some(Value::Null) => {}
        Some(Value::Object(context)) => {
            for (name, value) in context {
                match value {
                    Value::Null => {}
                    Value::String(text) => values.push((name, text)),
                    Value::Number(_) | Value::Bool(_) => values.push((name, value.to_string())),
                    Value::Array(_) | Value::Object(_) => {
                        return Err(format!(
                            "`context.{name}` is a list or an object; texts, numbers and booleans can be passed on"
                        ));
                    }
                }
            }
        }
        Some(_) => return Err("`context` is no object".to_owned()),
    }
    let usage_identifier_key = match members.remove("usageIdentifierKey") {
        None | Some(Value::Null) => None,
        Some(Value::String(key)) => Some(key),
        Some(_) => return Err("`usageIdentifierKey` is no text".to_owned()),
    };
    Ok(AuthorizerAnswer { context: AuthorizerContext { principal_id, values }, policy, usage_identifier_key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_on_is_text_in_the_order_of_the_answer() {
        let answer = authorizer_answer(
            br#"{"principalId":"user-7","policyDocument":{"Statement":[]},"usageIdentifierKey":"k",
                "context":{"plan":"gold","level":3,"admin":true,"nothing":null,"rate":1.5}}"#,
        )
        .unwrap();
        let values: Vec<_> =
            answer.context.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(values, [("plan", "gold"), ("level", "3"), ("admin", "true"), ("rate", "1.5")]);
        assert_eq!(
            (answer.context.principal_id.as_str(), answer.usage_identifier_key.as_deref()),
            ("user-7", Some("k"))
        );
    }

    #[test]
    fn what_is_no_answer_is_named() {
        let long = format!(r#"{{"principalId":"{}"}}"#, "x".repeat(BYTES_MAX));
        for (answer, part) in [
            ("", "no JSON"),
            ("[]", "no JSON object"),
            (r#"{"policyDocument":{}}"#, "no `principalId`"),
            (r#"{"principalId":"","policyDocument":{}}"#, "`principalId` is"),
            (r#"{"principalId":"u"}"#, "no `policyDocument`"),
            (r#"{"principalId":"u","policyDocument":"{}"}"#, "`policyDocument` is no object"),
            (r#"{"principalId":"u","policyDocument":{},"context":{"a":[1]}}"#, "`context.a` is a list"),
            (r#"{"principalId":"u","policyDocument":{},"context":[]}"#, "`context` is no object"),
            (r#"{"principalId":"u","policyDocument":{},"usageIdentifierKey":1}"#, "`usageIdentifierKey` is no text"),
            (&long, "at most 8192"),
        ] {
            let said = authorizer_answer(answer.as_bytes()).unwrap_err();
            assert!(said.contains(part), "{answer}: {said}");
        }
    }
}
