//! Handlers in TypeScript: built by the user's own esbuild, where it is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use stacks::StackFunction;

/// What Node runs as it is.
const RUNS: &[&str] = &["mjs", "js", "cjs"];

/// What is built first.
const BUILT: &[&str] = &["ts", "mts", "cts", "tsx"];

/// The folder in which a function's handler can be run: its own, or that of what was built of it.
///
/// # Errors
/// The handler is TypeScript and there is no esbuild, or what esbuild says.
pub(super) fn built(code: &Path, function: &StackFunction, folder: &Path) -> Result<PathBuf, String> {
    let Some((module, _)) = function.handler.rsplit_once('.') else { return Ok(code.to_owned()) };
    let there = |ending: &&&str| code.join(format!("{module}.{ending}")).is_file();
    if RUNS.iter().any(|ending| there(&ending)) {
        return Ok(code.to_owned());
    }
    let Some(ending) = BUILT.iter().find(there) else { return Ok(code.to_owned()) };
    let source = code.join(format!("{module}.{ending}"));
    let esbuild = found(code).ok_or_else(|| {
        format!("{} is TypeScript, and there is no esbuild: npm install --save-dev esbuild", source.display())
    })?;
    let out = folder.join(&function.name).join(format!("{module}.js"));
    let output = Command::new(esbuild)
        .current_dir(code)
        .arg(&source)
        .args([
            "--bundle",
            "--platform=node",
            "--format=cjs",
            "--target=node20",
            "--sourcemap=inline",
            "--log-level=warning",
        ])
        // What Lambda brings along is not part of the bundle, as with SAM and CDK; here the user's own is found.
        .arg(format!("--outfile={}", out.display()))
        .output()
        .map_err(|error| format!("esbuild: {error}"))?;
    if !output.status.success() {
        return Err(format!("esbuild: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let built = folder.join(&function.name);
    // Whatever the package of the sources says, what was built is CommonJS.
    fs::write(built.join("package.json"), "{}").map_err(|error| format!("{}: {error}", built.display()))?;
    Ok(built)
}

/// The esbuild of the project that the code belongs to.
fn found(code: &Path) -> Option<PathBuf> {
    code.ancestors().map(|folder| folder.join("node_modules/.bin/esbuild")).find(|path| path.is_file())
}
