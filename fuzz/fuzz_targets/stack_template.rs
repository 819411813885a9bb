#![no_main]
//! See `template` in `stacks_targets.rs`.

#[path = "../stacks_targets.rs"]
mod stacks_targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stacks_targets::template(bytes));
