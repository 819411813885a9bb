//! `cargo xtask check`: the gate. Every step of it, the time each took, one line of counts.

mod budget;
mod clients;
pub(crate) mod command;
mod counts;
mod deny;
pub(crate) mod installs;
mod nats;
mod originals;
mod steps;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::Usage;
use crate::check::counts::Counts;

pub(crate) use originals::oracle;

/// What the steps need to know of the place they run in.
pub(crate) struct Checkout {
    /// The repository's root.
    pub(crate) root: PathBuf,
    /// Where cargo builds, the same for every step so that each reuses what the one before it built.
    pub(crate) target: PathBuf,
    /// The cargo that runs this program, and so its toolchain.
    pub(crate) cargo: PathBuf,
}

impl Checkout {
    pub(crate) fn find() -> anyhow::Result<Checkout> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask check`")?;
        let root = PathBuf::from(manifest).parent().context("xtask stands in the repository's root")?.to_path_buf();
        // This program is `<target>/<profile>/xtask`.
        let own = std::env::current_exe().context("find this program's own file")?;
        let target = own.ancestors().nth(2).context("find the folder that cargo builds in")?.to_path_buf();
        let cargo = std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from);
        Ok(Checkout { root, target, cargo })
    }
}

/// One step of the gate.
struct Step {
    /// What `--only` calls it.
    name: &'static str,
    /// The heading's second half: what it runs.
    does: &'static str,
    /// A step that has to run before it, also with `--only`.
    needs: Option<&'static str>,
    /// True when the step counts tests: then having counted none is a failure.
    counts: bool,
    run: fn(&Checkout) -> anyhow::Result<Report>,
}

/// What a step found out.
#[derive(Debug, Default)]
struct Report {
    counts: Counts,
    /// Why the step failed although its counts do not say so (no compilation, a crash, a missing tool).
    trouble: Option<String>,
    /// Why the step did not run although nothing is wrong: what it needs cannot be had on this machine.
    skipped: Option<String>,
    /// What of it was left out for the same reason, where the rest ran.
    left_out: Option<String>,
}

impl Report {
    /// The report of a step that could not run, and would have run so many tests.
    fn skipped(tests: u64, why: String) -> Report {
        Report { counts: Counts { skipped: tests, ..Counts::default() }, skipped: Some(why), ..Report::default() }
    }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Well,
    Failed,
    /// Not run, and why.
    Skipped(String),
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Outcome::Well => "ok",
            Outcome::Failed => "FAILED",
            Outcome::Skipped(_) => "skipped",
        })
    }
}

/// The gate's steps in order. Cheap ones come first, and `clients` needs the program that `build` makes.
const STEPS: &[Step] = &[
    Step { name: "format", does: "cargo fmt --all --check", needs: None, counts: false, run: steps::format },
    Step {
        name: "clippy",
        does: "cargo clippy, every target, no warning allowed",
        needs: None,
        counts: false,
        run: steps::clippy,
    },
    Step { name: "test", does: "cargo test, every crate", needs: None, counts: true, run: steps::test },
    Step {
        name: "tidy",
        does: "the rules of the house (xtask/tests/tidy.rs)",
        needs: None,
        counts: true,
        run: steps::tidy,
    },
    Step {
        name: "deny",
        does: "licences, bans and sources of all dependencies (deny.toml)",
        needs: None,
        counts: false,
        run: deny::run,
    },
    Step {
        name: "originals",
        does: "random templates and paths beside Velocity and Jayway (crates/mapping/tests/originals.rs)",
        needs: None,
        counts: true,
        run: originals::run,
    },
    Step {
        name: "nats",
        does: "nodes with real NATS servers (crates/cluster/tests/nats_servers.rs)",
        needs: None,
        counts: true,
        run: nats::run,
    },
    Step {
        name: "build",
        does: "the gatewright program, for the clients",
        needs: None,
        counts: false,
        run: steps::build,
    },
    Step {
        name: "soak",
        does: "clients that would make others wait (xtask/src/bench/soak/stalls)",
        needs: Some("build"),
        counts: false,
        run: steps::soak,
    },
    Step { name: "clients", does: "pytest clients", needs: Some("build"), counts: true, run: clients::run },
];

/// Steps that only `--release` adds: what they need takes minutes to install.
const OF_RELEASES: &[&str] = &["deny", "nats"];

/// Runs the gate, or the steps that `--only` names; true when nothing failed and something ran.
///
/// A failing step does not stop the ones after it, save those that need what it makes.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    if words.iter().any(|word| matches!(word.as_str(), "--help" | "-h" | "help")) {
        println!("{}", help());
        return Ok(true);
    }
    let wanted = wanted(words)?;
    let budget = budget::budget()?;
    let place = Checkout::find()?;
    let mut total = Counts::default();
    let mut rows: Vec<(&str, Outcome, Duration)> = Vec::new();
    let mut left_out = Vec::new();
    for step in STEPS.iter().filter(|step| wanted.contains(&step.name)) {
        println!("\n== {}: {}", step.name, step.does);
        let start = Instant::now();
        let blocked =
            step.needs.filter(|need| rows.iter().any(|(name, outcome, _)| name == need && *outcome != Outcome::Well));
        let report = match blocked {
            Some(need) => Err(anyhow::anyhow!("not run, because `{need}` failed")),
            None => (step.run)(&place),
        };
        left_out.extend(report.iter().filter_map(|report| report.left_out.clone()).map(|what| (step.name, what)));
        let (counts, outcome) = judge(step, report);
        let took = start.elapsed();
        println!("== {}: {outcome} in {:.1} s", step.name, took.as_secs_f64());
        total.add(counts);
        rows.push((step.name, outcome, took));
    }
    println!("\n== steps");
    for (name, outcome, took) in &rows {
        println!("   {name:<9} {outcome:<7} {:>7.1} s", took.as_secs_f64());
    }
    for (name, outcome, _) in &rows {
        if let Outcome::Skipped(why) = outcome {
            println!("skipped: {name}, because {why}");
        }
    }
    for (name, what) in &left_out {
        println!("skipped: of {name}, {what}");
    }
    let failed = rows.iter().filter(|(_, outcome, _)| *outcome == Outcome::Failed);
    let failed: Vec<&str> = failed.map(|(name, _, _)| *name).collect();
    if !failed.is_empty() {
        println!("failed steps: {}", failed.join(", "));
    }
    let took = rows.iter().map(|(_, _, took)| *took).sum();
    let (text, is_kept) = budget::judged(took, installs::took(), budget);
    println!("{text}");
    total.failed += u64::from(!is_kept);
    println!("{total}");
    Ok(failed.is_empty() && total.failed == 0 && !rows.is_empty())
}

/// What `check --help` says: the steps, and what is installed where.
fn help() -> String {
    let mut text = "usage: cargo xtask check [--release] [--only STEP]…\n\nsteps, in order:\n".to_owned();
    for step in STEPS {
        let when = if OF_RELEASES.contains(&step.name) { ", with --release" } else { "" };
        text += &format!("   {:<10} {}{when}\n", step.name, step.does);
    }
    let cache = installs::cache().map_or_else(|error| format!("{error:#}"), |cache| cache.display().to_string());
    text + &format!(
        "\nPython's and Node's packages go into {cache}. By apt, where they are missing and root or sudo is there: {}.\n\
             What cannot be had is skipped and listed at the end.\n\
             All steps together may take 40 minutes on two cores, without what they install; {}=MINUTES allows more.",
        installs::PACKAGES.join(", "),
        budget::VARIABLE
    )
}

/// The names of the steps to run: all but those of releases, with `--release` all, or those of `--only` and what they need.
fn wanted(words: &[String]) -> anyhow::Result<Vec<&'static str>> {
    let mut only = Vec::new();
    let mut releases = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--release" {
            releases = true;
            continue;
        }
        if word != "--only" {
            return Err(Usage::error(format!("`{word}` is no option of `check`")));
        }
        let name = words.next().ok_or_else(|| Usage::error("--only needs the name of a step"))?;
        let step = STEPS.iter().find(|step| step.name == name);
        let step = step.ok_or_else(|| Usage::error(format!("`{name}` is no step")))?;
        only.extend(step.needs);
        only.push(step.name);
    }
    if only.is_empty() {
        let all = STEPS.iter().map(|step| step.name);
        return Ok(all.filter(|name| releases || !OF_RELEASES.contains(name)).collect());
    }
    Ok(only)
}

/// What a report adds to the counts, and whether its step went well; says aloud what was wrong.
///
/// A step that failed without a failed test counts as one, so that the closing line never says less than the exit code.
fn judge(step: &Step, report: anyhow::Result<Report>) -> (Counts, Outcome) {
    let Report { mut counts, mut trouble, skipped, .. } =
        report.unwrap_or_else(|error| Report { trouble: Some(format!("{error:#}")), ..Report::default() });
    if trouble.is_none() && skipped.is_none() && step.counts && counts.passed + counts.failed == 0 {
        trouble = Some("no test ran".into());
    }
    if let Some(trouble) = &trouble {
        println!("{}: {trouble}", step.name);
        counts.failed = counts.failed.max(1);
    }
    let outcome = match skipped {
        _ if counts.failed > 0 => Outcome::Failed,
        Some(why) => Outcome::Skipped(why),
        None => Outcome::Well,
    };
    (counts, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTING: Step =
        Step { name: "some", does: "", needs: None, counts: true, run: |_| unreachable!("never run here") };

    fn names(words: &[&str]) -> anyhow::Result<Vec<&'static str>> {
        wanted(&words.iter().map(|word| word.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn without_options_every_step_runs_in_order() {
        let steps = ["format", "clippy", "test", "tidy", "originals", "build", "soak", "clients"];
        assert_eq!(names(&[]).unwrap(), steps);
    }

    #[test]
    fn a_release_is_looked_at_more_closely() {
        assert_eq!(names(&["--release"]).unwrap().len(), names(&[]).unwrap().len() + OF_RELEASES.len());
        assert_eq!(names(&["--only", "deny"]).unwrap(), ["deny"]);
    }

    #[test]
    fn a_single_step_brings_along_what_it_needs() {
        assert_eq!(names(&["--only", "clippy"]).unwrap(), ["clippy"]);
        assert_eq!(names(&["--only", "clients"]).unwrap(), ["build", "clients"]);
    }

    #[test]
    fn an_unknown_step_or_option_is_wrong_usage() {
        for words in [&["--only", "nothing"][..], &["--only"], &["--fast"]] {
            assert!(names(words).unwrap_err().is::<Usage>(), "{words:?}");
        }
    }

    #[test]
    fn a_step_that_fails_without_a_failed_test_counts_as_one() {
        let report = Report { trouble: Some("does not compile".into()), ..Report::default() };
        assert_eq!(judge(&COUNTING, Ok(report)), (Counts { failed: 1, ..Counts::default() }, Outcome::Failed));
        let (counts, outcome) = judge(&COUNTING, Err(anyhow::anyhow!("no such program")));
        assert_eq!((counts.failed, outcome), (1, Outcome::Failed));
    }

    #[test]
    fn trouble_beside_failed_tests_is_not_counted_twice() {
        let counts = Counts { passed: 3, failed: 2, skipped: 0 };
        let report = Report { counts, trouble: Some("exit status: 1".into()), ..Report::default() };
        assert_eq!(judge(&COUNTING, Ok(report)), (counts, Outcome::Failed));
    }

    #[test]
    fn a_step_of_tests_that_ran_none_has_failed() {
        let failed = (Counts { failed: 1, ..Counts::default() }, Outcome::Failed);
        assert_eq!(judge(&COUNTING, Ok(Report::default())), failed);
        let skipped = Report { counts: Counts { skipped: 4, ..Counts::default() }, ..Report::default() };
        assert_eq!(judge(&COUNTING, Ok(skipped)).1, Outcome::Failed);
    }

    #[test]
    fn a_step_that_cannot_run_here_is_told_apart_and_its_tests_are_counted() {
        let (counts, outcome) = judge(&COUNTING, Ok(Report::skipped(2, "no Java".into())));
        assert_eq!(counts, Counts { skipped: 2, ..Counts::default() });
        assert_eq!(outcome, Outcome::Skipped("no Java".into()));
    }
}
