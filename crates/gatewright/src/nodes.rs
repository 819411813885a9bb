//! This node among others: what `--cluster` brings. Without the feature `cluster` the program is always alone.

#[cfg(not(feature = "cluster"))]
mod alone;
#[cfg(feature = "cluster")]
mod joined;

#[cfg(not(feature = "cluster"))]
pub(crate) use alone::{Node, join};
#[cfg(feature = "cluster")]
pub(crate) use joined::{Node, join};
