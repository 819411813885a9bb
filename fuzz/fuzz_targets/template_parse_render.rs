#![no_main]
//! See the function of this name in `targets.rs`.

#[path = "../targets.rs"]
#[allow(dead_code, reason = "each target uses its own function")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::template_parse_render(bytes));
