//! The way to other nodes' connections: what is asked goes straight to the node that an id names, never through a stream.
//!
//! `wire.rs` is what the messages look like, `ask.rs` the asking end, `serve.rs` the answering one.

mod ask;
mod serve;
mod wire;

pub use ask::NatsPeers;
pub(crate) use serve::Server;
pub use serve::Serves;

/// How many commands one message takes. Those that come while a message is under way go together.
pub(crate) const COMMANDS_MAX: usize = 64;
/// How many bytes of them: larger ones go alone. Well below NATS's own bound, which is 1 MiB by default.
pub(crate) const BATCH_BYTES_MAX: usize = 256 * 1024;
/// How many messages to one node are under way at a time.
pub(crate) const UNDER_WAY_MAX: usize = 16;
/// How many commands wait for one node; the next gets a 429.
pub(crate) const WAITING_MAX: usize = 1024;
/// How many bytes of them.
pub(crate) const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How many messages of others a node works on at a time; the next is told to come later.
pub(crate) const SERVED_MAX: usize = 256;
