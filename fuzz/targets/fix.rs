#![no_main]

#[path = "../../tests/it/support/promises.rs"]
#[allow(dead_code, reason = "each target keeps one of the promises")]
mod promises;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| promises::fix(bytes));
