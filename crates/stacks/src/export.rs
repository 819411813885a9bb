//! What is defined, written down for somebody else: as a CloudFormation template, or as Terraform's configuration.
//!
//! Both are views of the same list of resources (`items`), which is made of the documents of the control plane by the table of
//! types that templates are read with. Ids become references; what is as it is by itself is left out. The same definitions
//! give the same text, whatever their ids are.

mod cloudformation;
mod documents;
mod hcl;
mod items;
mod names;
mod permissions;
mod properties;
mod remarks;
mod terraform;
mod value;
mod yaml;

use std::fmt;

use serde_json::{Map as JsonMap, Value as Json};

use documents::Documents;
use items::Items;

/// What of the definitions is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice<'c> {
    /// The ids of the APIs; none are all of them, and with them what belongs to no API.
    pub apis: &'c [String],
    /// Whether the values of API keys are written too.
    pub with_secrets: bool,
}

/// How a template is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Notation {
    /// With short tags, text in blocks, and comments.
    Yaml,
    /// What would be a comment stands in the template's `Metadata`.
    Json,
}

/// An API that was asked for and is not there: its id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoSuchApi(pub String);

impl fmt::Display for NoSuchApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no API {}", self.0)
    }
}

impl std::error::Error for NoSuchApi {}

/// A CloudFormation template of definitions. `documents`: the member `documents` of what the control plane exports.
///
/// # Errors
/// An API that is not there.
pub fn cloudformation(
    documents: &JsonMap<String, Json>,
    choice: &Choice,
    notation: Notation,
) -> Result<String, NoSuchApi> {
    let documents = Documents::of(documents);
    Ok(cloudformation::write(&Items::of(&documents, choice)?, notation))
}

/// Terraform's configuration of definitions; `documents` as above.
///
/// # Errors
/// An API that is not there.
pub fn terraform(documents: &JsonMap<String, Json>, choice: &Choice) -> Result<String, NoSuchApi> {
    let documents = Documents::of(documents);
    Ok(terraform::write(&Items::of(&documents, choice)?))
}
