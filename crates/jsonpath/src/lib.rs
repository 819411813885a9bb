//! JSONPath as Jayway reads it: path and JSON in, JSON out.
//!
//! A [`Path`] is read once and asked of many documents, each of which is a [`Node`]: a template's values or a
//! `serde_json` value. What it finds is the document's own value. The dialect is Jayway's 2.9.0 with its oddities,
//! which corpus/jsonpath holds; paths of names and indexes alone, nearly all there are, take a short way.
//!
//! In reading order: `path`, `parser` (text to `step`), `run` (steps along a document), `limits`.

mod cursor;
mod error;
mod limits;
mod literal;
mod node;
mod parser;
mod path;
mod place;
mod run;
mod scan;
mod step;
mod stop;
mod tree;

pub use error::{Error, ErrorKind};
pub use node::{Node, NodeKind};
pub use path::Path;
pub use stop::Visits;
