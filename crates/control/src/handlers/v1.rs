//! The resources of the v1 API that WebSocket APIs need.
//!
//! Dates are numbers here, updates are lists of steps (`crate::patch`), and lists have v1's names.

pub(crate) mod account;
pub(crate) mod api_key_import;
pub(crate) mod api_keys;
pub(crate) mod client_certificates;
pub(crate) mod domain_names;
pub(crate) mod plan_keys;
pub(crate) mod usage;
pub(crate) mod usage_plans;
pub(crate) mod vpc_links;

/// The longest description. Source: none documented; ours.
const DESCRIPTION_CHARS_MAX: usize = 1024;
