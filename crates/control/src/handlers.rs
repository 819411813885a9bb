//! The resources: what each is made of, and the rules that are its own.

pub(crate) mod apis;
pub(crate) mod authorizers;
pub(crate) mod deployments;
pub(crate) mod integrations;
pub(crate) mod models;
pub(crate) mod responses;
pub(crate) mod routes;
pub(crate) mod stages;
pub(crate) mod tags;

use serde_json::Value;

use crate::store::Document;

/// The most resources of a kind within an API. Ours: AWS's quotas are 300 and protect AWS, not the user.
const PER_API_MAX: usize = 10_000;

/// A member's text, empty where it is absent.
pub(crate) fn text<'a>(document: &'a Document, member: &str) -> &'a str {
    document.get(member).and_then(Value::as_str).unwrap_or_default()
}
