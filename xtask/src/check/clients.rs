//! The step that runs the tests with real clients (`clients/`) against the program just built.

use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::check::command::{in_path, stream};
use crate::check::counts::{Counts, of_junit};
use crate::check::{Place, Report, installs, steps};

/// The longest the whole suite may take; it is written to stay under four minutes on two cores.
const SUITE_LIMIT: Duration = Duration::from_secs(30 * 60);

pub(crate) fn run(place: &Place) -> anyhow::Result<Report> {
    let cache = installs::cache()?;
    let clients = place.root.join("clients");
    let environment = installs::virtualenv(&cache, &clients.join("requirements.txt"))?;
    let node_modules = installs::node_modules(&cache, &clients)?;
    let browser = browser();
    let report = cache.join(format!("junit-{}.xml", std::process::id()));
    let bin = environment.join("bin");
    let mut path = vec![bin.clone()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let mut pytest = Command::new(bin.join("python"));
    pytest
        // The cache would lie in the tree; nothing reads it here.
        .args(["-m", "pytest", "clients", "-p", "no:cacheprovider", "--junitxml"])
        .arg(&report)
        .current_dir(&place.root)
        .env("GATEWRIGHT_BIN", steps::binary(place))
        .env("GATEWRIGHT_NODE_MODULES", node_modules)
        .env("VIRTUAL_ENV", &environment)
        .env("PATH", std::env::join_paths(path).context("put the virtualenv before PATH")?)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1")
        .env_remove("PYTHONHOME");
    let ended = stream(pytest, SUITE_LIMIT, |_| {});
    let counts = std::fs::read_to_string(&report).ok().as_deref().and_then(of_junit);
    // Only a report that pytest wrote exists; a missing one is what `counts` already says.
    let _ = std::fs::remove_file(&report);
    let trouble = match (&ended, counts) {
        (Err(error), _) => Some(format!("{error:#}")),
        (Ok(status), None) => Some(format!("pytest wrote no report ({status})")),
        (Ok(status), Some(_)) if !status.success() => Some(format!("pytest: {status}")),
        (Ok(_), Some(_)) => None,
    };
    Ok(with_browser(Report { counts: counts.unwrap_or_default(), trouble, skipped: None }, browser))
}

/// Sees to a Chromium for the tests of the page in the browser.
fn browser() -> anyhow::Result<()> {
    if in_path("chromium") {
        return Ok(());
    }
    let why = "no chromium in PATH, and the tests of the demo's page drive one";
    let installed = installs::apt("chromium", why);
    match installed {
        Ok(()) if in_path("chromium") => Ok(()),
        Ok(()) => Err(anyhow::anyhow!("apt installed chromium, but PATH does not find it")),
        Err(error) => Err(error),
    }
}

/// Without a browser its tests have failed, also where they would rather be skipped.
fn with_browser(mut report: Report, browser: anyhow::Result<()>) -> Report {
    if let Err(error) = browser {
        report.counts = Counts {
            passed: report.counts.passed,
            failed: (report.counts.failed + report.counts.skipped).max(1),
            skipped: 0,
        };
        let cause = format!("no browser, so its tests count as failed: {error:#}");
        report.trouble = Some(match report.trouble {
            Some(other) => format!("{cause}; {other}"),
            None => cause,
        });
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(passed: u64, failed: u64, skipped: u64) -> Report {
        Report { counts: Counts { passed, failed, skipped }, ..Report::default() }
    }

    #[test]
    fn without_a_browser_skipped_tests_have_failed() {
        let report = with_browser(report(7, 0, 2), Err(anyhow::anyhow!("no sudo")));
        assert_eq!(report.counts, Counts { passed: 7, failed: 2, skipped: 0 });
        assert!(report.trouble.unwrap().contains("no sudo"));
    }

    #[test]
    fn without_a_browser_something_has_failed_in_any_case() {
        assert_eq!(with_browser(report(7, 0, 0), Err(anyhow::anyhow!("no sudo"))).counts.failed, 1);
    }

    #[test]
    fn with_a_browser_nothing_is_recounted() {
        let report = with_browser(report(7, 1, 2), Ok(()));
        assert_eq!(report.counts, Counts { passed: 7, failed: 1, skipped: 2 });
        assert_eq!(report.trouble, None);
    }
}
