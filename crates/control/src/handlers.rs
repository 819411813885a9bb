//! The resources: what each is made of, and the rules that are its own.

pub(crate) mod api_mappings;
pub(crate) mod apis;
pub(crate) mod authorizers;
pub(crate) mod deployments;
pub(crate) mod domain_names;
pub(crate) mod integrations;
mod mapped;
pub(crate) mod model_template;
pub(crate) mod models;
pub(crate) mod responses;
pub(crate) mod routes;
pub(crate) mod stages;
mod tagged;
pub(crate) mod tags;
pub(crate) mod v1;
pub(crate) mod vpc_links;

use mapping::check::{self, Direction};
use serde_json::Value;

use crate::error::{self, Fault};
use crate::store::Document;

/// The longest mapping template, in characters. Source: the API model (32K).
const TEMPLATE_CHARS_MAX: usize = 32 * 1024;

/// The longest right side of a parameter mapping, in characters. Source: the API model.
const MAPPING_CHARS_MAX: usize = 512;

/// Refuses mapping templates that are none, with their place. Source: ours, down to the text; AWS takes them and fails
/// at run time.
fn check_templates(document: &Document, member: &str) -> Result<(), Fault> {
    let templates = document.get(member).and_then(Value::as_object).into_iter().flatten();
    for (key, template) in templates {
        if let Err(error) = check::template(template.as_str().unwrap_or_default()) {
            return Err(error::bad_template(member, key, &error));
        }
    }
    Ok(())
}

/// Refuses a selection expression that is none; there may be none.
fn check_selection(document: &Document, member: &str, direction: Direction) -> Result<(), Fault> {
    let text = document.get(member).and_then(Value::as_str).unwrap_or_default();
    check::selection_expression(text, direction).map_err(|mistake| error::selection(member, direction, &mistake))
}

/// Refuses parameter mappings that are none, all at once, so that one call shows them all.
fn check_mappings(document: &Document, member: &str, direction: Direction) -> Result<(), Fault> {
    let mappings = document.get(member).and_then(Value::as_object).into_iter().flatten();
    let wrong = mappings
        .filter_map(|(target, source)| check::parameter(target, source.as_str().unwrap_or_default(), direction).err());
    let mistakes: Vec<String> = wrong.map(|wrong| error::mapping(&wrong)).collect();
    if mistakes.is_empty() { Ok(()) } else { Err(error::mapping_expressions(&mistakes)) }
}

/// Refuses what names neither the role that calls a backend nor the caller itself. Source: documented.
fn check_role(document: &Document, member: &str) -> Result<(), Fault> {
    let Some(arn) = document.get(member).and_then(Value::as_str) else { return Ok(()) };
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let is_resource = |rest: &str| rest.starts_with("role/") || rest.starts_with("user/") || rest == "root";
    match parts.as_slice() {
        ["arn", partition, "iam", "", _, rest] if partition.starts_with("aws") && is_resource(rest) => Ok(()),
        _ => Err(error::bad_request(error::ROLE_ARN)),
    }
}
