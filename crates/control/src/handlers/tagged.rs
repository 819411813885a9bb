//! The member `tags` of resources that can be tagged.

use serde_json::Value;

use crate::error::{self, Fault};
use crate::members::{Member, MemberKind, Rule, empty};
use crate::store::Document;

/// Source: documented ("Tagging your API Gateway resources").
const TAGS_MAX: usize = 50;

/// Source: documented, as above.
const KEY_CHARS_MAX: usize = 128;

/// The member `tags` of a resource that can be tagged.
pub(super) const MEMBER: Member =
    Member::new("tags", MemberKind::TextMap { value_max: 256 }, Rule::Fixed).or(empty).invalid(error::TAGS);

/// Checks what goes beyond the lengths of values: how many tags there are, and their keys.
pub(super) fn check(document: &Document) -> Result<(), Fault> {
    let Some(tags) = document.get("tags").and_then(Value::as_object) else { return Ok(()) };
    let is_key = |key: &String| !key.starts_with("aws:") && (1..=KEY_CHARS_MAX).contains(&key.chars().count());
    if tags.len() > TAGS_MAX || !tags.keys().all(is_key) {
        return Err(error::bad_request(error::TAGS));
    }
    Ok(())
}
