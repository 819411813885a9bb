//! What the fuzz targets do with any bytes: nothing panics, nothing outgrows its limit, every answer is one.
//!
//! Plain functions, so that the tests of `mapping` run them too, over the corpora and random bytes.

use serde_json::{Value, json};

/// The longest input that is looked at: as long as a template may be.
const INPUT_BYTES_MAX: usize = 300 * 1024;
/// What an answer may be at most: the output limit of 1 MiB, each byte escaped as six, and its frame.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// What stands between the parts of an input that has two.
const BETWEEN: char = '\u{0}';

/// A template, and behind a NUL the message's body: it parses or fails at a place, renders or fails within the limits.
pub(crate) fn template_parse_render(bytes: &[u8]) {
    let Some((template, body)) = parts(bytes) else { return };
    let body = body.unwrap_or(r#"{"a": [1, {"b": null}], "c": "text"}"#);
    let case = json!({
        "id": 1,
        "template": template,
        "input": {"body": body, "params": {"header": {"a": "b"}}},
        "context": {"requestOverride": {}, "stage": "prod"},
        "stageVariables": {"name": "value"},
    });
    let answer = mapping::batch_line(&case.to_string());
    assert!(answer.len() <= ANSWER_BYTES_MAX, "an answer of {} bytes", answer.len());
    let answer = read(&answer);
    let failed = answer.get("error").is_some();
    assert_ne!(failed, answer.get("output").is_some(), "{answer}");
    if failed {
        let lines = template.split('\n').count().max(template.split('\r').count());
        let line = answer["line"].as_u64().unwrap_or_default();
        assert!((1..=lines as u64 + 1).contains(&line), "an error in line {line} of {lines}");
        assert!(answer["column"].as_u64() >= Some(1), "{answer}");
    }
}

/// A path, and behind a NUL the document: the path is refused or read, and then asked of the document.
pub(crate) fn jsonpath(bytes: &[u8]) {
    let Some((path, document)) = parts(bytes) else { return };
    let document = document.unwrap_or(r#"{"a": [{"b": 1, "c": "x"}, 2.5, null], "l": {"id": 7}}"#);
    // The reader of lines leaves this letter out of texts, as json-smart does.
    let path: &str = &path.replace('\u{7f}', "");
    let case = json!({"id": 1, "path": path, "doc": document});
    let answer = read(&mapping::jsonpath_line(&case.to_string()));
    let kinds = ["value", "missing", "error"].into_iter().filter(|kind| answer.get(kind).is_some());
    assert_eq!(kinds.count(), 1, "{answer}");
    // The other kind of document takes the same way, and a path that is refused is refused by both.
    let read = jsonpath::Path::parse(path);
    assert!(read.is_ok() || answer.get("error").is_some(), "{answer}");
    if let (Ok(path), Ok(document)) = (read, serde_json::from_str::<Value>(document)) {
        let _ = path.ask(&document);
    }
}

/// A body: read leniently or refused, and what was read is written as JSON that can be read.
pub(crate) fn json_body(bytes: &[u8]) {
    let Ok(body) = std::str::from_utf8(bytes) else { return };
    if body.len() > INPUT_BYTES_MAX {
        return;
    }
    let read = vtl::parse_json(body);
    if let Ok(strict) = serde_json::from_str::<Value>(body) {
        // Only its depth may make a strict document unreadable here.
        assert!(read.is_ok() || depth(&strict) >= 100, "{body}");
    }
    let Ok(value) = read else { return };
    let Ok(written) = vtl::to_json(&value) else { return };
    // It may read as another kind of number, a decimal for a double, because texts of 18 characters and more do.
    assert!(vtl::parse_json(&written).is_ok(), "{body} is written as {written}");
}

/// The text of the input and, where there is a NUL, what stands behind it.
fn parts(bytes: &[u8]) -> Option<(&str, Option<&str>)> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= INPUT_BYTES_MAX)?;
    Some(match text.split_once(BETWEEN) {
        Some((first, second)) => (first, Some(second)),
        None => (text, None),
    })
}

/// An answer. A number that is none is written as `NaN`, as json-smart does, which no reader of JSON takes.
fn read(answer: &str) -> Value {
    let read = serde_json::from_str(answer).or_else(|_| serde_json::from_str(&answer.replace("NaN", "null")));
    read.expect("an answer is JSON")
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
