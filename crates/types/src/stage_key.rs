//! The name of an API's stage.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An API's stage: what a client connects to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageKey {
    /// The API's id.
    pub api_id: String,
    /// The stage's name.
    pub stage: String,
}

impl fmt::Display for StageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.api_id, self.stage)
    }
}
