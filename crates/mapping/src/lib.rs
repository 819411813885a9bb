//! What API Gateway does to a message: routes, `$context`, parameters, bodies.
//!
//! A stage is compiled once into a [`Plan`]; then each event goes through [`select_route`], [`request`] and
//! [`response`], which are pure: the same plan and event give the same request.

pub mod check;
pub mod plan;
pub mod remarks;

mod access_log;
mod authorizer_answer;
mod authorizer_request;
mod aws_uri;
mod context;
mod delivery;
mod effort;
mod error;
mod expression;
mod facts;
mod json_object;
mod named;
mod note;
mod objects;
mod parameters;
mod proxy_answer;
mod proxy_event;
mod request;
mod response;
mod selection;
mod shared;
mod shell;
mod template;
mod trace;
mod uri;
mod validation;

pub use access_log::AccessLog;
pub use authorizer_answer::{AuthorizerAnswer, authorizer_answer};
pub use authorizer_request::authorizer_request;
pub use aws_uri::function_of;
pub use context::context_page;
pub use effort::{TooMuch, small};
pub use error::{Error, ErrorKind};
pub use facts::{Asked, Call, Check, Checks, Facts, Failure};
pub use named::{Names, Unknown, names};
pub use note::{Mend, Note, Site};
pub use objects::{Case, batch_line, jsonpath_line, preview};
pub use plan::{Plan, Route};
pub use proxy_answer::{MalformedAnswer, ProxyAnswer, proxy_answer};
pub use proxy_event::{authorizer_event, proxy_event};
pub use request::{request, template_lines};
pub use response::{Reply, response};
pub use selection::select_route;
pub use shared::Shared;
pub use shell::shell_word;
pub use template::TemplateLines;
pub use trace::{Trace, call_span_id, span_id, trace, trace_id};
pub use vtl::Piece;

/// A value together with the remarks that were made on the way to it.
#[derive(Debug)]
pub struct Mapped<T> {
    /// What came out.
    pub value: T,
    /// What a person may want to know although nothing failed; usually empty.
    pub notes: Vec<Note>,
}
