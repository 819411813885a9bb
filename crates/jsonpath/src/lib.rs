//! JSONPath as Jayway reads it: path and JSON in, JSON out.
//!
//! So far definite paths only: keys, quoted keys and indexes, each of which names one place. That is what route
//! selection and parameter mappings need. Wildcards, slices, filters and `..` come with the mapping templates;
//! until then [`Path::parse`] refuses them by name.

mod error;
mod node;
mod path;
mod scan;
mod step;

pub use error::{Error, Kind};
pub use node::{Node, NodeKind};
pub use path::Path;
