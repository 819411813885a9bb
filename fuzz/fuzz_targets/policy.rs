#![no_main]
//! See the function of this name in `auth_targets.rs`.

#[path = "../auth_targets.rs"]
#[allow(dead_code, reason = "each target uses its own function")]
mod auth_targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| auth_targets::policy(bytes));
