//! The nouns of Gatewright: resources, limits, ids, ARNs, messages in flight, the snapshot.
//!
//! Everything above speaks in these types. The crate does nothing by itself: no clock, no randomness, no I/O.

pub mod account;
pub mod arn;
pub mod dialect;
pub mod event;
pub mod headers;
pub mod id;
pub mod identity;
pub mod limits;
pub mod message;
pub mod nearest;
pub mod resources;
pub mod snapshot;
mod stage_key;
pub mod subprotocols;
pub mod time;

pub use dialect::{Dialect, Tracing};
pub use event::{Connection, Event, EventKind};
pub use headers::Headers;
pub use id::Id;
pub use limits::Limits;
pub use message::{IntegrationRequest, IntegrationResponse};
pub use snapshot::{Snapshot, StageKey};
