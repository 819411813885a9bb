//! Handlers in TypeScript, and those that SAM has built by esbuild: built by the user's own esbuild, where it is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use stacks::StackFunction;

use super::source::Files;
use crate::small_files::{self, stamp};

/// What Node runs as it is.
const RUNS: &[&str] = &["mjs", "js", "cjs"];

/// What is built first.
const BUILT: &[&str] = &["ts", "mts", "cts", "tsx"];

/// The longest account of a build that is read, in bytes. Ours: some thousand files.
const ACCOUNT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The folder in which a function's handler can be run: its own, or `out`, where something was built of it; and whether that is
/// other than before. `built_of` gets
/// the files of which it was, packages left out, or from which it could not be.
///
/// # Errors
/// The handler must be built and there is no esbuild, or what esbuild says.
pub(super) fn built(
    code: &Path,
    function: &StackFunction,
    out: &Path,
    built_of: &mut Files,
) -> Result<(PathBuf, bool), String> {
    let module = function.handler.rsplit_once('.').map_or("", |(module, _)| module);
    let Some(source) = source(code, module, function) else { return Ok((code.to_owned(), false)) };
    let file = out.join(format!("{module}.js"));
    let was = fs::read(&file).unwrap_or_default();
    let account = out.with_extension("inputs.json");
    // The same files as last time, where this time it fails.
    let before = inputs(&account, code);
    built_of.push((source.clone(), stamp(&source)));
    built_of.extend(before.into_iter().map(|file| (file.clone(), stamp(&file))));
    let esbuild = found(code).ok_or_else(|| {
        format!("{} is to be built, and there is no esbuild: npm install --save-dev esbuild", source.display())
    })?;
    let mut command = Command::new(esbuild);
    command
        .current_dir(code)
        .arg(&source)
        .args(["--bundle", "--platform=node", "--format=cjs", "--target=node20", "--sourcemap=inline"])
        .args(["--log-level=warning", "--color=false"])
        .arg(format!("--outfile={}", file.display()))
        .arg(format!("--metafile={}", account.display()));
    run(&mut command, &out.with_extension("esbuild.log")).map_err(|error| format!("esbuild: {error}"))?;
    for file in inputs(&account, code) {
        if !built_of.iter().any(|(known, _)| *known == file) {
            let stamp = stamp(&file);
            built_of.push((file, stamp));
        }
    }
    // Whatever the package of the sources says, what was built is CommonJS.
    fs::write(out.join("package.json"), "{}").map_err(|error| format!("{}: {error}", out.display()))?;
    Ok((out.to_owned(), fs::read(&file).unwrap_or_default() != was))
}

/// Whether a function's handler is to be built.
pub(super) fn is_built(code: &Path, function: &StackFunction) -> bool {
    let module = function.handler.rsplit_once('.').map(|(module, _)| module);
    module.is_some_and(|module| source(code, module, function).is_some())
}

/// Runs it to its end, which is not waited for without end; what it complains of goes to a file.
fn run(command: &mut Command, said: &Path) -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    said.parent().map_or(Ok(()), fs::create_dir_all).map_err(told)?;
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

/// How much of its complaints is told, in bytes.
const SAID_BYTES_MAX: u64 = 64 * 1024;

/// The file of which a handler's module is built, where it is built at all.
fn source(code: &Path, module: &str, function: &StackFunction) -> Option<PathBuf> {
    let there = |ending: &&&str| code.join(format!("{module}.{ending}")).is_file();
    if RUNS.iter().any(|ending| there(&ending)) {
        return None;
    }
    if let Some(ending) = BUILT.iter().find(there) {
        return Some(code.join(format!("{module}.{ending}")));
    }
    // SAM's build leaves the entry point's folder out: `src/app.ts` becomes `app.js`. Source: documented.
    let name = Path::new(module).file_name()?;
    let points = function.metadata.get("BuildProperties")?.get("EntryPoints")?.as_array()?;
    let points = points.iter().filter_map(Value::as_str).map(|point| code.join(point));
    points.filter(|point| point.file_stem() == Some(name)).find(|point| point.is_file())
}

/// What esbuild read, as it wrote down.
fn inputs(account: &Path, code: &Path) -> Vec<PathBuf> {
    let text = small_files::read_text(account, ACCOUNT_BYTES_MAX).unwrap_or_default();
    let account: Value = serde_json::from_str(&text).unwrap_or_default();
    let inputs = account["inputs"].as_object().into_iter().flatten().map(|(path, _)| code.join(path));
    // Packages are not edited, and there are many files of them.
    inputs.filter(|path| !path.components().any(|part| part.as_os_str() == "node_modules") && path.is_file()).collect()
}

/// The esbuild of the project that the code belongs to.
fn found(code: &Path) -> Option<PathBuf> {
    code.ancestors().map(|folder| folder.join("node_modules/.bin/esbuild")).find(|path| path.is_file())
}
