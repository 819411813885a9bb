//! The control plane as its callers see it: requests in, answers out, snapshots published.

mod account;
mod deployments;
mod domains;
mod errors;
mod gateway;
mod keys;
mod pages;
mod patch;
mod resources;
mod rules;
mod stores;
mod threads;
mod walk;
