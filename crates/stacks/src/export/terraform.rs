use super::items::Items;
pub(super) fn write(_: &Items) -> String { String::new() }
