//! The code of a function, out of the archive that a deployer uploaded.

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use zip::ZipArchive;

use super::objects::Object;

/// The most files of an archive. Ours: large `node_modules` have tens of thousands.
const ENTRIES_MAX: usize = 100_000;
/// The most bytes that come out of one. Source: documented (Lambda's 250 MB, unzipped).
const UNPACKED_BYTES_MAX: u64 = 262_144_000;
/// How many archives stay unpacked that no function runs from any more; those that were asked for longest ago go.
const FOLDERS_MAX: usize = 20;

/// The folder with an archive's content, which is unpacked where it is not yet.
///
/// It comes to its place in one piece: whoever finds it there finds all of it.
///
/// # Errors
/// It is no archive, or larger than any; the disk fails.
pub(crate) fn folder(object: &Object, below: &Path) -> Result<PathBuf, String> {
    let said = |error: io::Error| error.to_string();
    // Whoever changes the archive changes its ETag.
    let folder = below.join(&object.etag);
    if folder.is_dir() {
        // So that it is known to be in use.
        let _ = File::open(&folder).and_then(|folder| folder.set_modified(SystemTime::now()));
        return Ok(folder);
    }
    fs::create_dir_all(below).map_err(said)?;
    let new = below.join(format!(".{}-{}", object.etag, std::process::id()));
    let _ = fs::remove_dir_all(&new);
    let done = File::open(&object.file).map_err(said).and_then(|file| unpack(file, &new));
    if let Err(error) = done.and_then(|()| fs::rename(&new, &folder).map_err(said)) {
        let _ = fs::remove_dir_all(&new);
        return Err(error);
    }
    Ok(folder)
}

/// Removes what nobody uses any more, and was unpacked longest ago.
pub(crate) fn make_room(below: &Path, is_used: impl Fn(&Path) -> bool) {
    let folders = fs::read_dir(below).into_iter().flatten().flatten();
    let folders = folders.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())));
    let mut folders: Vec<_> = folders.filter(|(_, path)| !is_used(path)).collect();
    folders.sort();
    let too_many = folders.len().saturating_sub(FOLDERS_MAX);
    for (_, folder) in folders.into_iter().take(too_many) {
        let _ = fs::remove_dir_all(folder);
    }
}

fn unpack(file: File, into: &Path) -> Result<(), String> {
    let said = |error: io::Error| error.to_string();
    let mut archive = ZipArchive::new(file).map_err(|error| format!("it is no zip archive: {error}"))?;
    if archive.len() > ENTRIES_MAX {
        return Err(format!("it has {} files; {ENTRIES_MAX} are the most", archive.len()));
    }
    fs::create_dir_all(into).map_err(said)?;
    let mut left = UNPACKED_BYTES_MAX;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| error.to_string())?;
        // Absolute, or out of the folder.
        let Some(name) = entry.enclosed_name() else {
            return Err(format!("its file {index} would be outside of it"));
        };
        let path = into.join(name);
        if entry.is_dir() {
            fs::create_dir_all(&path).map_err(said)?;
            continue;
        }
        // A link could lead out of the folder, and what is written behind it, too.
        if entry.is_symlink() {
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(said)?;
        }
        let mut out = File::create(&path).map_err(said)?;
        // What an archive says of its sizes may be anything.
        let copied = io::copy(&mut entry.by_ref().take(left + 1), &mut out).map_err(|error| format!("{}: {error}", path.display()))?;
        left = left.checked_sub(copied).ok_or_else(|| format!("it is larger than {UNPACKED_BYTES_MAX} bytes, unpacked"))?;
        if entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0) {
            out.set_permissions(Permissions::from_mode(0o755)).map_err(said)?;
        }
    }
    Ok(())
}
