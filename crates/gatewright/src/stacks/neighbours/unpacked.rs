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
/// It comes to its place in one piece: whoever finds it there finds all of it. In a plan it is only said where that will be.
///
/// # Errors
/// It is no archive, or larger than any; the disk fails.
pub(crate) fn folder(object: &Object, below: &Path, is_plan: bool) -> Result<PathBuf, String> {
    let said = |error: io::Error| error.to_string();
    // Whoever changes the archive changes its ETag.
    let folder = below.join(&object.etag);
    if is_plan {
        return Ok(folder);
    }
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
        let copied = io::copy(&mut entry.by_ref().take(left + 1), &mut out)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        left = left
            .checked_sub(copied)
            .ok_or_else(|| format!("it is larger than {UNPACKED_BYTES_MAX} bytes, unpacked"))?;
        if entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0) {
            out.set_permissions(Permissions::from_mode(0o755)).map_err(said)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// An archive, written by hand: names and contents, not compressed, with the mode that is given.
    fn archive(entries: &[(&str, &[u8], u32)]) -> Vec<u8> {
        let (mut local, mut central) = (Vec::new(), Vec::new());
        for (name, content, mode) in entries {
            let at = u32::try_from(local.len()).unwrap();
            let mut crc = u32::MAX;
            for byte in *content {
                crc ^= u32::from(*byte);
                (0..8).for_each(|_| crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()));
            }
            let (crc, size, length) = (!crc, content.len() as u32, name.len() as u16);
            let mut about = Vec::new();
            about.extend([20, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            [crc, size, size].iter().for_each(|number| about.extend(number.to_le_bytes()));
            about.extend(length.to_le_bytes());
            about.extend([0, 0]);
            local.extend(b"PK\x03\x04");
            local.extend(&about);
            local.extend(name.as_bytes());
            local.extend(*content);
            central.extend(b"PK\x01\x02\x14\x03");
            central.extend(&about);
            central.extend([0; 6]);
            central.extend((mode << 16).to_le_bytes());
            central.extend(at.to_le_bytes());
            central.extend(name.as_bytes());
        }
        let (count, from, bytes) = (entries.len() as u16, local.len() as u32, central.len() as u32);
        local.extend(central);
        local.extend(b"PK\x05\x06\0\0\0\0");
        [count, count].iter().for_each(|number| local.extend(number.to_le_bytes()));
        [bytes, from].iter().for_each(|number| local.extend(number.to_le_bytes()));
        local.extend([0, 0]);
        local
    }

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Place {
            let folder = std::env::temp_dir().join(format!("gatewright-unpacked-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Place(folder)
        }

        fn unpack(&self, etag: &str, bytes: &[u8]) -> Result<PathBuf, String> {
            let file = self.0.join("archive");
            File::create(&file).unwrap().write_all(bytes).unwrap();
            let (etag, content_type) = (etag.to_owned(), String::new());
            let object = Object { file, bytes: bytes.len() as u64, etag, content_type, modified: 0 };
            folder(&object, &self.0.join("below"), false)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn files_come_out_and_what_can_be_run_can_be_run() {
        let place = Place::new("whole");
        let entries: &[(&str, &[u8], u32)] =
            &[("a/b.js", b"one", 0o100_644), ("bootstrap", b"#!", 0o100_755), ("link", b"/etc", 0o120_777)];
        let folder = place.unpack("e1", &archive(entries)).unwrap();
        assert_eq!(fs::read_to_string(folder.join("a/b.js")).unwrap(), "one");
        let mode = |name: &str| fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o111;
        assert_eq!((mode("bootstrap"), mode("a/b.js")), (0o111, 0));
        assert!(fs::symlink_metadata(folder.join("link")).is_err(), "a link is left out");
        // Once unpacked it is not looked at again.
        assert_eq!(place.unpack("e1", b"").unwrap(), folder);
    }

    #[test]
    fn what_would_be_outside_is_refused_and_nothing_is_left() {
        let place = Place::new("slip");
        for name in ["../out.js", "a/../../out.js"] {
            let wrong = place.unpack("e2", &archive(&[("in.js", b"x", 0o100_644), (name, b"x", 0o100_644)]));
            assert!(wrong.unwrap_err().contains("outside"), "{name}");
        }
        assert!(!place.0.join("below/out.js").exists() && !place.0.join("out.js").exists());
        assert!(place.unpack("e3", b"no archive").unwrap_err().contains("no zip"));
        assert_eq!(fs::read_dir(place.0.join("below")).unwrap().count(), 0);
    }

    #[test]
    fn unpacked_code_that_nobody_uses_goes_when_there_is_much() {
        let place = Place::new("room");
        let archive = archive(&[("a", b"x", 0o100_644)]);
        let folders: Vec<_> = (0..FOLDERS_MAX + 5).map(|n| place.unpack(&format!("e{n}"), &archive).unwrap()).collect();
        make_room(&place.0.join("below"), |folder| folder == folders[0]);
        assert!(folders[0].exists());
        assert_eq!(fs::read_dir(place.0.join("below")).unwrap().count(), FOLDERS_MAX + 1);
    }
}
