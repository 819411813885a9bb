//! The step that holds random templates and paths against the original engines, and what installs those.
//!
//! The engines are Java: Velocity and what it needs come from Debian, Jayway JsonPath and json-smart from within an npm
//! package, because neither Debian nor npm has them by themselves in the version of the corpus. Our own program around
//! them, `corpus/vtl/oracle`, is compiled into the cache.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::check::command::{in_path, stream};
use crate::check::{Checkout, Report, installs, steps};

/// Debian's packages, each with a file that shows it is there.
const PACKAGES: [(&str, &str); 3] = [
    ("libcommons-collections3-java", "/usr/share/java/commons-collections3.jar"),
    ("libcommons-lang-java", "/usr/share/java/commons-lang-2.6.jar"),
    ("velocity", "/usr/share/java/velocity-1.7.jar"),
];
/// What the step runs, when it can.
const TESTS: u64 = 2;
/// The longest that compiling the oracle may take.
const COMPILE_LIMIT: Duration = Duration::from_secs(5 * 60);

/// Runs `crates/mapping/tests/originals.rs`; skipped, with the reason, where the engines cannot be installed.
pub(super) fn run(place: &Checkout) -> anyhow::Result<Report> {
    let jars = match jars(&place.root) {
        Ok(jars) => jars,
        Err(error) => return Ok(Report::skipped(TESTS, format!("the original engines cannot be had: {error:#}"))),
    };
    steps::originals(place, &class_path(&place.root, &jars)?)
}

/// `cargo xtask oracle …`: the original engines by hand, for instance `oracle render < cases.jsonl`.
pub(crate) fn oracle(words: &[String]) -> anyhow::Result<bool> {
    let root = Checkout::find()?.root;
    let classes = class_path(&root, &jars(&root)?)?;
    let status = Command::new("java").args(["-Xss8m", "-cp", &classes, "Oracle"]).args(words).status();
    Ok(status.context("start java")?.success())
}

fn folder(root: &Path) -> PathBuf {
    root.join("corpus/vtl/oracle")
}

/// Sees to the engines and gives their archives.
///
/// # Errors
/// When something is missing and cannot be installed.
fn jars(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let why = "it is needed to run the original engines";
    for (package, file) in PACKAGES {
        if !Path::new(file).is_file() {
            installs::apt(package, why)?;
            anyhow::ensure!(Path::new(file).is_file(), "Debian's {package} holds no {file}");
        }
    }
    if !in_path("javac") {
        installs::apt("default-jdk-headless", why)?;
    }
    let build = installs::node_modules(&installs::cache()?, &folder(root))?.join("wiremock/build");
    let archive =
        |entry: std::fs::DirEntry| Some(entry.path()).filter(|path| path.extension().is_some_and(|e| e == "jar"));
    let entries = std::fs::read_dir(&build).with_context(|| format!("list {}", build.display()))?;
    let found = entries.filter_map(Result::ok).find_map(archive);
    let found = found.with_context(|| format!("no archive in {}", build.display()))?;
    Ok(PACKAGES.iter().map(|(_, file)| PathBuf::from(file)).chain([found]).collect())
}

/// Compiles the oracle, unless that is done, and gives the class path of all.
fn class_path(root: &Path, jars: &[PathBuf]) -> anyhow::Result<String> {
    let join = |paths: &[PathBuf]| -> anyhow::Result<String> {
        let joined = std::env::join_paths(paths).context("join the class path")?;
        joined.into_string().map_err(|_| anyhow::anyhow!("the class path is not UTF-8"))
    };
    let entries = std::fs::read_dir(folder(root).join("src")).context("list the oracle's sources")?;
    let mut sources: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    sources.sort();
    let mut texts = Vec::new();
    for source in &sources {
        texts.push(std::fs::read(source).with_context(|| format!("read {}", source.display()))?);
    }
    let libraries = join(jars)?;
    let pins: Vec<&[u8]> = texts.iter().map(Vec::as_slice).chain([libraries.as_bytes()]).collect();
    let classes = installs::made(&installs::cache()?, "oracle", &pins, |folder| {
        println!("compiling the oracle into {}", folder.display());
        let mut javac = Command::new("javac");
        javac
            .args(["-nowarn", "-Xlint:none", "-encoding", "UTF-8", "-cp", &libraries, "-d"])
            .arg(folder)
            .args(&sources);
        let status = stream(javac, COMPILE_LIMIT, |_| {})?;
        anyhow::ensure!(status.success(), "javac: {status}");
        Ok(())
    })?;
    // Velocity reads its list of directives along the class path; ours comes first.
    Ok(format!("{}:{}:{libraries}", folder(root).join("resources").display(), classes.display()))
}
