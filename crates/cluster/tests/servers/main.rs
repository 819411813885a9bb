//! Real NATS servers on this machine, and what nodes do with them.
//!
//! The program is named by `GATEWRIGHT_NATS_SERVER`; without it there is nothing to test, so these tests are built with the
//! feature `servers` only.

mod leases;
mod logins;
mod nats;
mod peers;
mod planes;
mod silence;
mod stores;
