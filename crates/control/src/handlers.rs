//! The resources: what each is made of, and the rules that are its own.

pub(crate) mod apis;
pub(crate) mod authorizers;
pub(crate) mod deployments;
pub(crate) mod integrations;
pub(crate) mod models;
pub(crate) mod responses;
pub(crate) mod routes;
pub(crate) mod stages;
mod tagged;
pub(crate) mod tags;

/// The most resources of a kind within an API. Ours: AWS's quotas are 300 and protect AWS, not the user.
const PER_API_MAX: usize = 10_000;

/// The longest mapping template, in characters. Source: the API model (32K).
const TEMPLATE_CHARS_MAX: usize = 32 * 1024;

/// The longest right side of a parameter mapping, in characters. Source: the API model.
const MAPPING_CHARS_MAX: usize = 512;
