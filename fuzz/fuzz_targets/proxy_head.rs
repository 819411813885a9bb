#![no_main]
//! See the function of this name in `crates/gateway/src/fuzzing`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gateway::fuzzing::proxy_head(bytes));
