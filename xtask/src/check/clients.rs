//! The step that runs the tests with real clients (`clients/`) against the program just built.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::check::command::{find, stream};
use crate::check::counts::{Counts, of_junit};
use crate::check::{Checkout, Report, installs, steps};

/// The longest the whole suite may take; it is written to stay under four minutes on two cores.
const SUITE_LIMIT: Duration = Duration::from_secs(30 * 60);

pub(crate) fn run(place: &Checkout) -> anyhow::Result<Report> {
    let cache = installs::cache()?;
    let clients = place.root.join("clients");
    let environment = installs::virtualenv(&cache, "python", &clients.join("requirements.txt"))?;
    let ministack = installs::virtualenv(&cache, "ministack", &clients.join("requirements-ministack.txt"))?;
    let node_modules = installs::node_modules(&cache, &clients)?;
    let browser = browser();
    let no_proxies = PROXIES.iter().find_map(|name| proxy(name).err());
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
        .env("GATEWRIGHT_MINISTACK", ministack.join("bin/ministack"))
        .env("VIRTUAL_ENV", &environment)
        .env("PATH", std::env::join_paths(path).context("put the virtualenv before PATH")?)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1")
        .env_remove("PYTHONHOME");
    match &browser {
        Browser::Found(path) => pytest.env("GATEWRIGHT_BROWSER", path),
        Browser::CannotBeHad(why) | Browser::Failed(why) => pytest.env("GATEWRIGHT_NO_BROWSER", why),
    };
    if let Some(why) = &no_proxies {
        pytest.env("GATEWRIGHT_NO_PROXIES", why);
    }
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
    let report = Report { counts: counts.unwrap_or_default(), trouble, ..Report::default() };
    let report =
        left_out(with_browser(report, browser), no_proxies.map(|why| format!("the tests behind proxies ({why})")));
    let is_missing = |(variable, _): &(&str, &str)| std::env::var_os(variable).is_none();
    Ok(left_out(report, not_asked_for(&is_missing)))
}

/// The variables that ask for tests with what nobody installs by itself, since it is large, slow or to be compiled; and what
/// each names.
const ASKED_FOR: [(&str, &str); 6] = [
    ("GATEWRIGHT_LAMBDA_RIC", "npm's aws-lambda-ric"),
    ("GATEWRIGHT_CDK", "the CDK"),
    ("GATEWRIGHT_OSLS", "osls"),
    ("GATEWRIGHT_SAM", "the SAM CLI"),
    ("GATEWRIGHT_CFN_LINT", "cfn-lint"),
    ("GATEWRIGHT_TERRAFORM_PROVIDERS", "Terraform"),
];

/// What is told of the tests that nobody asked for.
fn not_asked_for(is_missing: &dyn Fn(&(&str, &str)) -> bool) -> Option<String> {
    let missing = ASKED_FOR.iter().filter(|row| is_missing(row));
    let missing: Vec<String> = missing.map(|(variable, what)| format!("{what} ({variable})")).collect();
    (!missing.is_empty())
        .then(|| format!("the tests with {}, for which these variables ask: clients/README.md", missing.join(", ")))
}

/// The proxies that stand before the program in tests, each Debian's package of the same name.
const PROXIES: [&str; 2] = ["haproxy", "nginx"];
/// Where Debian keeps them, which is not in every user's PATH.
const SYSTEM_FOLDER: &str = "/usr/sbin";
/// There while systemd runs the machine. Source: sd_booted(3).
const OF_SYSTEMD: &str = "/run/systemd/system";

/// Finds a proxy, or has Debian's installed: only where that does not start it as a service at once, which nobody asked
/// for.
fn proxy(name: &str) -> Result<(), String> {
    if find(name).is_some() || Path::new(SYSTEM_FOLDER).join(name).is_file() {
        return Ok(());
    }
    let why = format!("no {name} is there, and tests have one before the program");
    if Path::new(OF_SYSTEMD).is_dir() {
        return Err(format!("{why}; by hand: sudo apt-get install {name}, which starts it as a service, too"));
    }
    installs::apt(name, &why).map_err(|error| format!("{error:#}"))
}

/// Tests that were skipped are told.
fn left_out(report: Report, what: Option<String>) -> Report {
    let all: Vec<String> = report.left_out.into_iter().chain(what).collect();
    Report { left_out: (!all.is_empty()).then(|| all.join("; ")), ..report }
}

/// What a browser of the Chromium family is called along PATH.
const BROWSERS: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
/// Where a Mac has them.
const MAC_BROWSERS: [&str; 2] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/// The browser that the tests of the pages drive.
#[derive(Debug, PartialEq, Eq)]
enum Browser {
    Found(PathBuf),
    /// None is there and none can be installed here: its tests are skipped, and told.
    CannotBeHad(String),
    /// One should have been installed and was not: its tests have failed.
    Failed(String),
}

/// Finds a browser, or has Debian's installed.
fn browser() -> Browser {
    let along_path = || BROWSERS.iter().find_map(|name| find(name));
    let of_mac = || MAC_BROWSERS.iter().map(PathBuf::from).find(|path| path.is_file());
    if let Some(found) = along_path().or_else(of_mac) {
        return Browser::Found(found);
    }
    let why = "no Chromium or Chrome is there, and the tests of the pages drive one";
    if let Err(error) = installs::apt_is_there() {
        return Browser::CannotBeHad(format!("{why}; {error:#}"));
    }
    match installs::apt("chromium", why).map(|()| along_path()) {
        Ok(Some(found)) => Browser::Found(found),
        Ok(None) => Browser::Failed("apt installed chromium, but PATH does not find it".to_owned()),
        Err(error) => Browser::Failed(format!("{error:#}")),
    }
}

/// Without a browser that could be had its tests have failed, also where they would rather be skipped.
fn with_browser(mut report: Report, browser: Browser) -> Report {
    match browser {
        Browser::Found(_) => {}
        Browser::CannotBeHad(why) => report.left_out = Some(format!("the tests of the pages in a browser ({why})")),
        Browser::Failed(why) => {
            report.counts = Counts {
                passed: report.counts.passed,
                failed: (report.counts.failed + report.counts.skipped).max(1),
                skipped: 0,
            };
            let cause = format!("no browser, so its tests count as failed: {why}");
            report.trouble = Some(match report.trouble {
                Some(other) => format!("{cause}; {other}"),
                None => cause,
            });
        }
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
    fn without_a_browser_that_could_be_had_skipped_tests_have_failed() {
        let report = with_browser(report(7, 0, 2), Browser::Failed("no network".into()));
        assert_eq!(report.counts, Counts { passed: 7, failed: 2, skipped: 0 });
        assert!(report.trouble.unwrap().contains("no network"));
    }

    #[test]
    fn without_a_browser_something_has_failed_in_any_case() {
        assert_eq!(with_browser(report(7, 0, 0), Browser::Failed("no network".into())).counts.failed, 1);
    }

    #[test]
    fn where_no_browser_can_be_had_its_tests_are_skipped_and_named() {
        let report = with_browser(report(7, 0, 2), Browser::CannotBeHad("there is no apt-get".into()));
        assert_eq!((report.counts, report.trouble), (Counts { passed: 7, failed: 0, skipped: 2 }, None));
        assert!(report.left_out.unwrap().contains("there is no apt-get"));
    }

    #[test]
    fn what_was_left_out_is_told_beside_the_rest() {
        let told = left_out(left_out(report(7, 0, 9), Some("one".into())), Some("another".into()));
        assert_eq!(told.left_out.as_deref(), Some("one; another"));
        assert_eq!(left_out(told, None).left_out.as_deref(), Some("one; another"));
        assert_eq!(left_out(report(7, 0, 0), None).left_out, None);
    }

    #[test]
    fn what_nobody_asked_for_is_told_by_its_variable() {
        assert_eq!(not_asked_for(&|_| false), None);
        let told = not_asked_for(&|(variable, _)| !matches!(*variable, "GATEWRIGHT_SAM" | "GATEWRIGHT_OSLS")).unwrap();
        assert!(
            told.contains("the CDK (GATEWRIGHT_CDK)") && told.contains("Terraform (GATEWRIGHT_TERRAFORM_PROVIDERS)")
        );
        assert!(!told.contains("SAM"));
    }

    #[test]
    fn with_a_browser_nothing_is_recounted() {
        let report = with_browser(report(7, 1, 2), Browser::Found("chromium".into()));
        assert_eq!(report.counts, Counts { passed: 7, failed: 1, skipped: 2 });
        assert_eq!((report.trouble, report.left_out), (None, None));
    }
}
