//! Handlers in TypeScript: built by the user's own esbuild, where it is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use stacks::StackFunction;

use crate::small_files;

/// What Node runs as it is.
const RUNS: &[&str] = &["mjs", "js", "cjs"];

/// What is built first.
const BUILT: &[&str] = &["ts", "mts", "cts", "tsx"];

/// A function's code as it can be run, and the files that it was made of, where it was built.
pub(super) struct Built {
    pub(super) folder: PathBuf,
    pub(super) sources: Vec<PathBuf>,
}

/// Has a function's handler built, where it is written in TypeScript and nothing else is there.
///
/// # Errors
/// The handler is TypeScript and there is no esbuild, or what esbuild says.
pub(super) fn built(code: &Path, function: &StackFunction, folder: &Path) -> Result<Built, String> {
    let as_it_is = Built { folder: code.to_owned(), sources: Vec::new() };
    let Some((module, _)) = function.handler.rsplit_once('.') else { return Ok(as_it_is) };
    let there = |ending: &&&str| code.join(format!("{module}.{ending}")).is_file();
    if RUNS.iter().any(|ending| there(&ending)) {
        return Ok(as_it_is);
    }
    let Some(ending) = BUILT.iter().find(there) else { return Ok(as_it_is) };
    let source = code.join(format!("{module}.{ending}"));
    let esbuild = found(code).ok_or_else(|| {
        format!("{} is TypeScript, and there is no esbuild: npm install --save-dev esbuild", source.display())
    })?;
    let built = folder.join(&function.name);
    let (out, meta) = (built.join(format!("{module}.js")), built.join(META));
    let mut command = Command::new(esbuild);
    command
        .current_dir(code)
        .arg(&source)
        .args(["--bundle", "--platform=node", "--format=cjs", "--target=node20", "--sourcemap=inline"])
        .arg("--log-level=warning")
        // What Lambda brings along is bundled too, from the user's own packages.
        .arg(format!("--outfile={}", out.display()))
        .arg(format!("--metafile={}", meta.display()));
    let said = built.join(SAID);
    fs::create_dir_all(&built).map_err(|error| format!("{}: {error}", built.display()))?;
    run(&mut command, &said).map_err(|error| format!("esbuild: {error}"))?;
    // Whatever the package of the sources says, what was built is CommonJS.
    fs::write(built.join("package.json"), "{}").map_err(|error| format!("{}: {error}", built.display()))?;
    let told: Value = fs::read(&meta).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let inputs = told["inputs"].as_object().into_iter().flatten().map(|(path, _)| code.join(path));
    // Packages are many files, and nobody edits them.
    let own = inputs.filter(|path| !path.components().any(|part| part.as_os_str() == "node_modules"));
    Ok(Built { folder: built, sources: own.take(SOURCES_MAX).collect() })
}

/// Runs it to its end, which is not waited for without end.
fn run(command: &mut Command, said: &Path) -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    let errors = fs::File::create(said).map_err(told)?;
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).spawn().map_err(told)?;
    let end = Instant::now() + TIME_MAX;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(told)? {
            break status;
        }
        if Instant::now() > end {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("it took longer than {} s", TIME_MAX.as_secs()));
        }
        std::thread::sleep(LOOK_EVERY);
    };
    match status.success() {
        true => Ok(()),
        false => Err(small_files::read_text(said, SAID_BYTES_MAX).unwrap_or_default().trim().to_owned()),
    }
}

/// How long it may take; seconds are much.
const TIME_MAX: Duration = Duration::from_secs(60);

/// How often its end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Where it complains, and how much of that is told.
const SAID: &str = "esbuild.log";
const SAID_BYTES_MAX: u64 = 64 * 1024;

/// What esbuild says of what it read.
const META: &str = "esbuild-meta.json";

/// How many sources of a function are looked after.
const SOURCES_MAX: usize = 1000;

/// The esbuild of the project that the code belongs to.
fn found(code: &Path) -> Option<PathBuf> {
    code.ancestors().map(|folder| folder.join("node_modules/.bin/esbuild")).find(|path| path.is_file())
}
