//! `cargo xtask release`: the program as it is handed on, stripped, with its symbols beside it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::Usage;
use crate::check::Checkout;
use crate::check::command::stream;

/// The longest that building everything anew may take.
const BUILD_LIMIT: Duration = Duration::from_secs(60 * 60);
/// The longest that taking the symbols apart may take.
const STRIP_LIMIT: Duration = Duration::from_secs(5 * 60);

/// Builds `target/dist/gatewright` and `target/dist/gatewright.debug`, which debuggers and backtraces find by the link that
/// the stripped program holds.
///
/// # Errors
/// When the program cannot be built, or binutils are missing.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    if let Some(word) = words.first() {
        return Err(Usage::error(format!("`{word}` is no option of `release`")));
    }
    let place = Checkout::find()?;
    let mut cargo = Command::new(&place.cargo);
    cargo.args(["build", "--release", "--locked", "--package", "gatewright"]);
    cargo.current_dir(&place.root).env("CARGO_TARGET_DIR", &place.target);
    done(cargo, BUILD_LIMIT)?;
    let built = place.target.join("release/gatewright");
    let folder = place.target.join("dist");
    std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let (program, symbols) = (folder.join("gatewright"), folder.join("gatewright.debug"));
    let mut keep = Command::new("objcopy");
    keep.arg("--only-keep-debug").arg(&built).arg(&symbols);
    done(keep, STRIP_LIMIT)?;
    let mut strip = Command::new("objcopy");
    // The link holds the name alone, so that both may move together.
    strip.arg("--strip-all").arg(format!("--add-gnu-debuglink={}", symbols.display())).arg(&built).arg(&program);
    done(strip, STRIP_LIMIT)?;
    for file in [&program, &symbols] {
        println!("{:>6.1} MB  {}", size(file)?, file.display());
    }
    Ok(true)
}

fn done(command: Command, limit: Duration) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = stream(command, limit, |_| {})?;
    anyhow::ensure!(status.success(), "{name}: {status}");
    Ok(())
}

fn size(file: &Path) -> anyhow::Result<f64> {
    let bytes = file.metadata().with_context(|| format!("look at {}", file.display()))?.len();
    Ok(bytes as f64 / 1e6)
}
