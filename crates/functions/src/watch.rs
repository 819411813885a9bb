//! Tells when a function's code has changed.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use notify_debouncer_mini::notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_mini::{DebounceEventResult, Debouncer, new_debouncer};

/// How long a folder must be quiet: editors and compilers write several files.
const QUIET: Duration = Duration::from_millis(200);

/// Folders in which nobody edits, and which some programs write to while they run.
const NOT_CODE: &[&str] = &["node_modules", "__pycache__", ".git", ".venv"];

/// Files that programs write while they run.
const NOT_CODE_ENDINGS: &[&str] =
    &["log", "db", "sqlite", "sqlite3", "tmp", "pid", "lock", "pyc", "swp", "redb", "pem"];

/// A folder that is watched until this is dropped.
pub(crate) struct Watch {
    _debouncer: Debouncer<RecommendedWatcher>,
}

impl Watch {
    /// Calls `changed`, on a thread of its own, when something below the folder has changed.
    ///
    /// # Errors
    /// A sentence: the system watches no more.
    pub(crate) fn begin(folder: &Path, changed: impl Fn() + Send + 'static) -> Result<Watch, String> {
        let root = folder.canonicalize().map_err(|error| error.to_string())?;
        let of = root.clone();
        let mut since = SystemTime::now();
        let heard = move |events: DebounceEventResult| {
            // That a file was read is an event too.
            let is_changed = |path: &Path| is_code(&of, path) && when_changed(path).is_some_and(|at| at >= since);
            if events.is_ok_and(|events| events.iter().any(|event| is_changed(&event.path))) {
                since = SystemTime::now();
                changed();
            }
        };
        let mut debouncer = new_debouncer(QUIET, heard).map_err(|error| error.to_string())?;
        // The parts in which nobody edits may have ten thousand folders, each of which costs a watch.
        let parts = parts(&root).map_err(|error| error.to_string())?;
        for (part, mode) in parts {
            debouncer.watcher().watch(&part, mode).map_err(|error| error.to_string())?;
        }
        Ok(Watch { _debouncer: debouncer })
    }
}

fn parts(root: &Path) -> std::io::Result<Vec<(PathBuf, RecursiveMode)>> {
    let mut parts = vec![(root.to_owned(), RecursiveMode::NonRecursive)];
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        let is_not_code = NOT_CODE.iter().any(|name| entry.file_name() == *name);
        if entry.file_type()?.is_dir() && !is_not_code {
            parts.push((entry.path(), RecursiveMode::Recursive));
        }
    }
    Ok(parts)
}

// When a file's content, name or rights changed last; a file that is moved here keeps the time of its content.
fn when_changed(path: &Path) -> Option<SystemTime> {
    let found = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let (seconds, nanos) = (u64::try_from(found.ctime()).ok()?, u32::try_from(found.ctime_nsec()).ok()?);
    UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
}

fn is_code(root: &Path, path: &Path) -> bool {
    let below = path.strip_prefix(root).unwrap_or(path);
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let is_written = NOT_CODE_ENDINGS.contains(&ending) || ending.ends_with("-journal");
    !is_written && !below.components().any(|part| NOT_CODE.iter().any(|name| part.as_os_str() == *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_write_while_they_run_is_no_code() {
        let root = Path::new("/app");
        for (path, is) in [
            ("/app/a.mjs", true),
            ("/app/lib/a.py", true),
            ("/app/node_modules/x/a.js", false),
            ("/app/lib/__pycache__/a.pyc", false),
        ] {
            assert_eq!(is_code(root, Path::new(path)), is, "{path}");
        }
    }
}
