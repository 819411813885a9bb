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
        if let Err(error) = vtl::Template::parse(template.as_str().unwrap_or_default()) {
            return Err(error::bad_template(member, key, &error));
        }
    }
    Ok(())
}
