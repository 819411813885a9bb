//! To be written.

use serde_json::Value;

use super::{Asked, Views, Wrong};

pub(super) fn list(_: &Views, _: &Asked) -> Result<Value, Wrong> {
    Err(Wrong::absent("not there yet"))
}

pub(super) async fn one(_: &Views, _: &str, _: &Asked) -> Result<Value, Wrong> {
    Err(Wrong::absent("not there yet"))
}
