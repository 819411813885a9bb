//! Real NATS servers on this machine, and what nodes do with them.
//!
//! `cargo xtask check --only nats` installs the program and runs this with `GATEWRIGHT_NATS_SERVER`; without it there is nothing to
//! test, so it is built with the feature `servers` only.

mod nats_servers {
    mod leases;
    mod logins;
    mod nats;
    mod peers;
    mod planes;
    mod silence;
    mod stores;
}
