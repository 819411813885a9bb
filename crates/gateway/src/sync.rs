//! The locks of clients and registry: the standard library's. `models.rs` puts others in their place, which try every
//! order in which threads can meet.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError, atomic};
