//! The definitions as a log of batches in one stream, which every node plays into its own memory.
//!
//! `record.rs` is what stands in a message, `replica.rs` what a node makes of the messages, `writer.rs` how a batch is appended so
//! that nothing is lost or doubled, `nats.rs` the stream itself, `snapshot.rs` what lets the log be cut behind, `copy.rs` the node's
//! own copy on disk, `store.rs` the store that the control plane sees.

mod copy;
mod follower;
mod nats;
mod record;
mod replica;
mod snapshot;
mod store;
mod writer;

pub use store::{LogStore, StoreSettings};
#[doc(hidden)]
pub use writer::{Append, Bounds, Log, Read, Snapshot, Stream};
