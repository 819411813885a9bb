#![no_main]
//! See the function of this name in `crates/integration/src/fuzzing`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| integration::fuzzing::backend_answer(bytes));
