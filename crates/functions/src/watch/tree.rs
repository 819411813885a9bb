//! What a function's folder holds of code, as it is compared.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many folders are watched, and files compared; those nearest to the root come first.
const FOLDERS_MAX: usize = 2000;
const FILES_MAX: usize = 20_000;

/// Folders in which nobody edits, and which some programs write to while they run. They may have ten thousand folders, each of
/// which would cost a watch.
const NOT_CODE: &[&str] = &["node_modules", "__pycache__", ".git", ".venv"];

/// Files that programs write while they run.
const NOT_CODE_ENDINGS: &[&str] =
    &["log", "db", "sqlite", "sqlite3", "tmp", "pid", "lock", "pyc", "swp", "redb", "pem"];

/// So much older than the clock the system may stamp what it writes.
const STAMP_STEP: Duration = Duration::from_millis(20);

/// A file or folder, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id {
    device: u64,
    inode: u64,
}

impl Id {
    /// Of what is at a path; none where nothing is.
    pub(super) fn of(path: &Path) -> Option<Id> {
        std::fs::metadata(path).ok().as_ref().map(Id::in_)
    }

    fn in_(found: &Metadata) -> Id {
        Id { device: found.dev(), inode: found.ino() }
    }
}

/// One state of a file: it differs when its content, name or rights do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    id: Id,
    bytes: u64,
    seconds: i64,
    nanos: i64,
}

/// All code below a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) files: HashMap<PathBuf, Stamp>,
    /// What is left out of it, where it is too large.
    pub(super) lacks: Option<String>,
}

impl Tree {
    /// Reads it; `enter` is called for each folder before that is read. Links are followed, into each folder once. What cannot
    /// be read is not there.
    pub(super) fn read(root: &Path, mut enter: impl FnMut(&Path, Id)) -> Tree {
        let mut tree = Tree::default();
        let mut seen = HashSet::new();
        let mut folders = VecDeque::from([root.to_owned()]);
        while let Some(folder) = folders.pop_front() {
            let Some(id) = Id::of(&folder).filter(|id| seen.insert(*id)) else { continue };
            if seen.len() > FOLDERS_MAX {
                tree.lacks.get_or_insert_with(|| format!("it has more than {FOLDERS_MAX} folders"));
                break;
            }
            enter(&folder, id);
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let Ok(found) = std::fs::metadata(&path) else { continue };
                match found.is_dir() {
                    _ if !is_code(root, &path) => {}
                    true => folders.push_back(path),
                    false if tree.files.len() == FILES_MAX => {
                        tree.lacks.get_or_insert_with(|| format!("it has more than {FILES_MAX} files"));
                    }
                    false => {
                        let (id, bytes) = (Id::in_(&found), found.len());
                        let stamp = Stamp { id, bytes, seconds: found.ctime(), nanos: found.ctime_nsec() };
                        tree.files.insert(path, stamp);
                    }
                }
            }
        }
        tree
    }
}

/// Whether what the system says of a path can be a change of code since then.
pub(super) fn may_have_changed(root: &Path, path: &Path, since: SystemTime) -> bool {
    if !is_code(root, path) {
        return false;
    }
    // What is there no more was there. A file that is moved here keeps the time of its content.
    let Ok(found) = std::fs::metadata(path) else { return true };
    let (seconds, nanos) = (u64::try_from(found.ctime()).unwrap_or(0), u32::try_from(found.ctime_nsec()).unwrap_or(0));
    let changed = UNIX_EPOCH.checked_add(Duration::new(seconds, nanos));
    changed.is_none_or(|changed| changed + STAMP_STEP >= since)
}

fn is_code(root: &Path, path: &Path) -> bool {
    let below = path.strip_prefix(root).unwrap_or(path);
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let is_written = path != root && (NOT_CODE_ENDINGS.contains(&ending) || ending.ends_with("-journal"));
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
            ("/app/packages/a/node_modules/x/a.js", false),
            ("/app/lib/__pycache__/a.pyc", false),
            ("/app/calls.log", false),
        ] {
            assert_eq!(is_code(root, Path::new(path)), is, "{path}");
        }
    }

    #[test]
    fn a_folder_in_itself_is_read_once_and_before_it_is_read_it_is_entered() {
        let root = std::env::temp_dir().join(format!("gatewright-tree-{}", std::process::id()));
        std::fs::create_dir_all(root.join("lib/node_modules")).unwrap();
        std::os::unix::fs::symlink(&root, root.join("lib/again")).unwrap();
        let mut entered = Vec::new();
        let tree = Tree::read(&root, |folder, _| {
            entered.push(folder.to_owned());
            std::fs::write(folder.join("a.mjs"), "").unwrap();
        });
        assert_eq!(entered, [root.clone(), root.join("lib")]);
        let mut files: Vec<_> = tree.files.keys().cloned().collect();
        files.sort();
        assert_eq!(files, [root.join("a.mjs"), root.join("lib/a.mjs")]);
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(Tree::read(&root, |_, _| panic!("there is none")), Tree::default());
    }
}
