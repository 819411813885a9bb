//! What the tests of a service share.

use indexmap::IndexMap;

use super::Given;

pub(crate) fn map(members: &[(&str, &str)]) -> IndexMap<String, String> {
    members.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn given<'a>(
    options: &'a IndexMap<String, String>,
    environment: &'a IndexMap<String, String>,
    parameters: &'a IndexMap<String, String>,
    read: &'a dyn Fn(&str) -> Option<String>,
) -> Given<'a> {
    Given { stage: None, region: None, account: "000000000000", options, environment, parameters, read }
}
