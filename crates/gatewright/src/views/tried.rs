//! To be written.

use serde_json::Value;

use super::{Asked, Views, Wrong};

pub(super) fn answer(_: &Views, _: &Asked) -> Result<Value, Wrong> {
    Err(Wrong::absent("not there yet"))
}
