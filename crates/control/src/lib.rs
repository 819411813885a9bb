//! The control plane: what `aws apigatewayv2` talks to, as a library without sockets.
//!
//! Bytes in, bytes out: [`Control::handle`] answers one HTTP request of an AWS client and, when the request changed
//! what clients of the data plane can reach, hands a new [`types::Snapshot`] to whoever opened it. [`Control::batch`]
//! takes several as one. The walk of one
//! call, in reading order: `router` finds the row of `operations`; `crud` does what nearly every operation does,
//! driven by the member tables of `handlers`; `transaction` collects the changes; `control` makes them durable
//! (`store`), then visible (`state`), then published (`publication`). What a client's message will be
//! read and mapped with is checked by [`mapping::check`], which knows these languages.

mod answer;
mod batch;
mod caller;
mod control;
mod crud;
mod deployments;
mod documents;
mod drafts;
mod error;
mod handlers;
mod ids;
mod loading;
mod members;
mod operations;
mod page;
mod patch;
mod paths;
mod publication;
mod router;
mod settings;
mod state;
pub mod store;
mod transaction;
pub mod transfer;
mod usage;

pub use batch::{Batch, Plan, Refused, Step};
pub use caller::{Caller, Identity, Scope};
pub use control::Control;
pub use drafts::Version;
pub use error::Error;
pub use settings::{Remark, Settings};
pub use usage::Usage;
