//! Objects as they are on the disk: a file of bytes beside a small one that says what they are.
//!
//! The small one is put in its place last and in one piece, so that an object is there wholly or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::small_files;

/// What says what an object is, in bytes at most.
const ENTRY_BYTES_MAX: u64 = 16 * 1024;

/// An object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object {
    /// Its bytes.
    pub(crate) file: PathBuf,
    pub(crate) bytes: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(super) content_type: String,
    /// In milliseconds since 1970.
    pub(super) modified: u64,
}

/// By bucket and key.
pub(super) type Objects = BTreeMap<(String, String), Object>;

/// All objects below a folder; what belongs to none of them, because the program was killed, is removed.
pub(super) fn read_all(folder: &Path) -> Objects {
    let mut objects = Objects::new();
    let files = || fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for path in files().filter(|path| path.extension().is_some_and(|ending| ending == "json")) {
        match read(folder, &path) {
            Some((name, object)) => drop(objects.insert(name, object)),
            None => drop(fs::remove_file(&path)),
        }
    }
    let known: Vec<&Path> = objects.values().map(|object| object.file.as_path()).collect();
    for path in files().filter(|path| path.extension().is_none_or(|ending| ending != "json") && path.is_file()) {
        if !known.contains(&path.as_path()) {
            let _ = fs::remove_file(path);
        }
    }
    objects
}

fn read(folder: &Path, path: &Path) -> Option<((String, String), Object)> {
    let entry: Value = serde_json::from_str(&small_files::read_text(path, ENTRY_BYTES_MAX).ok()?).ok()?;
    let text = |member: &str| entry[member].as_str().map(str::to_owned);
    let file = text("file").filter(|file| !file.contains(['/', '\\']))?;
    let object = Object {
        file: folder.join(file),
        bytes: entry["bytes"].as_u64()?,
        etag: text("etag")?,
        content_type: text("contentType")?,
        modified: entry["modified"].as_u64()?,
    };
    let is_whole = fs::metadata(&object.file).is_ok_and(|there| there.len() == object.bytes);
    is_whole.then_some(((text("bucket")?, text("key")?), object))
}

/// Says that an object is there. `name` is of the small file, without its ending.
pub(super) fn write(folder: &Path, name: &str, (bucket, key): (&str, &str), object: &Object) -> io::Result<()> {
    let file = object.file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let entry = json!({
        "bucket": bucket, "key": key, "file": file, "bytes": object.bytes, "etag": object.etag,
        "contentType": object.content_type, "modified": object.modified,
    });
    let new = folder.join(format!("{name}.new"));
    fs::write(&new, entry.to_string())?;
    fs::rename(new, folder.join(format!("{name}.json")))
}
