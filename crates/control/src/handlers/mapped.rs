//! Where domain names lead: what a mapping leads to cannot be deleted.

use crate::documents::text;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// Whether a domain name leads to a stage of an API.
pub(super) fn has_api(tx: &Transaction, api_id: &str) -> bool {
    any(tx, |mapping| text(mapping, "apiId") == api_id)
}

/// Whether a domain name leads to a stage.
pub(super) fn has_stage(tx: &Transaction, api_id: &str, stage: &str) -> bool {
    any(tx, |mapping| text(mapping, "apiId") == api_id && text(mapping, "stage") == stage)
}

fn any(tx: &Transaction, is_it: impl Fn(&Document) -> bool) -> bool {
    let mut domains = tx.all(paths::DOMAIN_NAMES);
    domains.any(|(name, _)| tx.all(&paths::api_mappings(name)).any(|(_, mapping)| is_it(mapping)))
}
