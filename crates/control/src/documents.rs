//! Reads of stored documents what several places need.

use serde_json::Value;

use crate::store::Document;

/// A member's text, empty where it is absent.
pub(crate) fn text<'a>(document: &'a Document, member: &str) -> &'a str {
    document.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// Whether changes of the API are deployed to a stage by themselves.
pub(crate) fn is_automatic(stage: &Document) -> bool {
    stage.get("autoDeploy") == Some(&Value::Bool(true))
}

/// An object in a list, by its index.
pub(crate) fn item<'a>(document: &'a Document, member: &str, index: usize) -> Option<&'a Document> {
    document.get(member)?.get(index)?.as_object()
}
