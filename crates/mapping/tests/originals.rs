//! Random templates and paths, rendered here and by the original engines: Apache Velocity, Jayway JsonPath, json-smart.
//!
//! `cargo xtask check --only originals` installs the engines and runs this with `GATEWRIGHT_ORACLE_CLASSPATH`; without
//! them there is nothing to compare with, so it is built with the feature `originals` only. Seed and number of cases
//! are fixed; set `GATEWRIGHT_FUZZ_SECONDS` to run as long as that, and `GATEWRIGHT_FUZZ_SEED` for other cases.
#![allow(clippy::disallowed_methods, reason = "the tests run a program, within a time, as the environment says")]

mod generator;

mod originals {
    mod differences;
    mod engine;
    mod known;
    mod paths;
    mod shrink;
    mod templates;
}
