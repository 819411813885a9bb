//! The control plane as its callers see it: requests in, answers out, snapshots published.

mod account;
mod batches;
mod cloudformation;
mod deployments;
mod domains;
mod errors;
mod field;
mod gateway;
mod keys;
mod pages;
mod patch;
mod resources;
mod rules;
mod shared;
mod stores;
mod terraform;
mod threads;
mod transfer;
mod walk;
