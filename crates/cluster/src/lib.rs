//! Many nodes as one, over NATS: the only crate that knows it.
//!
//! In reading order: [`Settings`] say how NATS is reached; [`connect`] looks whether it will do; [`Cluster::join`] takes a
//! node number by a lease (`lease/machine.rs` decides, `lease/keeper.rs` carries out) and [`Members`] follows who else has
//! one; [`LogStore`] is the control plane's store;
//! [`NatsPeers`] asks other nodes, and [`Cluster::serve`] answers them.

mod clock;
mod cluster;
mod error;
mod lease;
mod link;
mod load;
#[doc(hidden)]
pub mod log;
mod members;
mod names;
mod peers;
mod settings;

pub use clock::Time;
pub use cluster::{Cluster, connect};
pub use error::Error;
pub use lease::keeper::Report;
pub use lease::machine::{self, Held, Terms};
pub use lease::{Standing, Tenure};
pub use log::{LogStore, StoreSettings};
pub use members::{Member, Members};
pub use peers::{NatsPeers, Serves};
pub use settings::{Login, Settings, Tell, Tls};
