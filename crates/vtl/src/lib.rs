//! The Velocity language as mapping templates speak it: template and values in, text out.
//!
//! A [`Template`] is parsed once and rendered often, from any thread. What it may refer to stands in a [`Scope`];
//! [`Limits`] bound every rendering. The dialect is Apache Velocity 1.7 in API Gateway's profile: what is null or
//! unknown is the empty text, `#macro` defines nothing, `#evaluate` is no directive.

mod ast;
mod equal;
mod error;
mod eval;
mod halt;
mod item;
mod json;
mod lexer;
mod limits;
mod methods;
mod names;
mod number;
mod parser;
mod patterns;
mod print;
mod shared;
mod template;
mod token;
mod uses;
mod value;

pub use error::{Error, ErrorKind};
pub use json::{parse_json, read_json, to_json};
pub use limits::Limits;
pub use shared::Text;
pub use template::{Piece, Scope, Template, display};
pub use uses::{Use, UseStep};
pub use value::{Document, List, ListKind, Map, MapKind, Object, Value};
