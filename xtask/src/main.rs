//! The project's own commands: `cargo xtask check` is the gate, `cargo xtask bench` measures, `cargo xtask soak` torments,
//! `cargo xtask oracle` runs the original template engines.

// The bench needs dozens of crates; without its feature the gate starts after seconds of compiling.
#[cfg(feature = "bench")]
mod bench;
#[cfg(not(feature = "bench"))]
#[path = "bench_rebuilt.rs"]
mod bench;
mod check;
mod release;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask check [--release] [--only STEP]…
       cargo xtask oracle render|jsonpath|bench …
       cargo xtask bench cluster [--seconds S] [--connections N] [--size BYTES] [--rounds N] [--nodes LIST] [--apis N] [--routes N] [--bin PATH] [--json]
       cargo xtask bench control [--seconds S] [--data-dir DIR] [--json]
       cargo xtask bench idle [--connections N] [--bin PATH] [--json]
       cargo xtask bench journal [--seconds S] [--connections N] [--size BYTES] [--rounds N] [--bin PATH] [--json]
       cargo xtask bench lambda [--seconds S] [--connections N] [--rounds N] [--serverless-offline FOLDER] [--bin PATH] [--json]
       cargo xtask bench messages [--seconds S] [--connections N] [--size BYTES] [--rounds N] [--bin PATH] [--json]
       cargo xtask bench rate [--seconds S] [--rate A_SECOND] [--connections N] [--size BYTES] [--rounds N] [--bin PATH] [--json]
       cargo xtask bench traces [--seconds S] [--connections N] [--size BYTES] [--rounds N] [--bin PATH] [--json]
       cargo xtask bench vtl [--seconds S] [--velocity RUN_SH] [--json]
       cargo xtask release
       cargo xtask soak [--seconds S] [--connections N] [--stalls NAME] [--lag-ms MS] [--stall-seconds S] [--bin PATH] [--json]
       cargo xtask soak million [--connections N] [--nodes N] [--strict] [--bin PATH] [--json]

steps of `check`, in order: format, clippy, test, tidy, deny (with --release), originals, nats (with --release), build, soak, clients";

/// Wrong usage, as `sysexits.h` numbers it; the same as the gateway's own.
const EXIT_USAGE: u8 = 64;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match words.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("", &[][..]),
    };
    let asks = rest.iter().any(|word| matches!(word.as_str(), "--help" | "-h"));
    let done = match command {
        "oracle" | "bench" | "release" | "soak" if asks => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        "check" => check::run(rest),
        "release" => release::run(rest),
        "oracle" => check::oracle(rest),
        // `bench-…` are the processes that a bench starts beside itself.
        "bench" => bench::run(rest),
        "soak" => bench::soak(rest),
        role if role.starts_with("bench-") => bench::role(role, rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if error.is::<Usage>() => {
            eprintln!("xtask: {error}\n\n{USAGE}");
            ExitCode::from(EXIT_USAGE)
        }
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What was typed cannot be meant; the text says which word and why.
#[derive(Debug)]
pub(crate) struct Usage(String);

impl Usage {
    pub(crate) fn error(text: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Usage(text.into()))
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
