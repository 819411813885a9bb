//! What `--version` says beside the number: the commit and its day.
//!
//! `GATEWRIGHT_COMMIT` and `SOURCE_DATE_EPOCH` say it where there is no repository. Only a release looks at the repository:
//! a developer's build would be made anew after every commit.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=GATEWRIGHT_COMMIT");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let is_release = variable("PROFILE").as_deref() == Some("release");
    if is_release {
        // `logs/HEAD` has a line for each commit that is looked at.
        git(&["rev-parse", "--git-path", "logs/HEAD"])
            .into_iter()
            .filter(|path| std::path::Path::new(path).exists())
            .for_each(|path| println!("cargo:rerun-if-changed={path}"));
    }
    let of_git = |words: &[&str]| if is_release { git(words) } else { None };
    let commit = variable("GATEWRIGHT_COMMIT").or_else(|| of_git(&["rev-parse", "--short=12", "HEAD"]));
    let seconds = variable("SOURCE_DATE_EPOCH").or_else(|| of_git(&["show", "--no-patch", "--format=%ct", "HEAD"]));
    let day = seconds.and_then(|seconds| seconds.parse().ok()).map(day);
    let beside: Vec<String> = [commit, day].into_iter().flatten().collect();
    let number = variable("CARGO_PKG_VERSION").unwrap_or_default();
    let version = if beside.is_empty() { number } else { format!("{number} ({})", beside.join(" ")) };
    println!("cargo:rustc-env=PROGRAM_VERSION={version}");
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

// Nothing where there is no git, or no repository.
fn git(words: &[&str]) -> Option<String> {
    let output = Command::new("git").args(words).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

// The day of seconds since 1970, as `2026-12-01`. Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn day(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
