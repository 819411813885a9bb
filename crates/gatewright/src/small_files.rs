//! Reads the files that settings name: regular ones, and no more of one than it may hold.
//!
//! A pipe would keep whoever reads it waiting, and a device may never end.

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

/// What changes with a file; none where there is none.
pub(crate) type Stamp = Option<(SystemTime, u64)>;

/// A file's, now.
pub(crate) fn stamp(path: &Path) -> Stamp {
    let found = fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}

/// What a file holds.
///
/// # Errors
/// Why it cannot be read: it is no regular file, longer than `bytes_max`, or what the system says.
pub(crate) fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let told = |error: std::io::Error| error.to_string();
    // Asked before it is opened, since opening a device may do something, and again of what was opened.
    let is_regular = |found: fs::Metadata| if found.is_file() { Ok(()) } else { Err("is no regular file".to_owned()) };
    is_regular(fs::metadata(path).map_err(told)?)?;
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits();
    let file = OpenOptions::new().read(true).custom_flags(nonblocking.cast_signed()).open(path).map_err(told)?;
    is_regular(file.metadata().map_err(told)?)?;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("is longer than {bytes_max} bytes"));
    }
    Ok(bytes)
}

/// The same, where it holds UTF-8 text.
///
/// # Errors
/// As of [`read`], or it is no text.
pub(crate) fn read_text(path: &Path, bytes_max: u64) -> Result<String, String> {
    String::from_utf8(read(path, bytes_max)?).map_err(|_| "is no UTF-8 text".to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_never_ends_is_not_read_and_what_is_too_long_neither() {
        let folder = std::env::temp_dir().join(format!("gatewright-small-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (pipe, text, bytes) = (folder.join("pipe"), folder.join("text"), folder.join("bytes"));
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        fs::write(&text, "four").unwrap();
        fs::write(&bytes, b"\xff").unwrap();
        let link = folder.join("link");
        std::os::unix::fs::symlink(&text, &link).unwrap();
        for (path, bytes_max, expected) in [
            (&pipe, 4, Err("is no regular file")),
            (&"/dev/zero".into(), 4, Err("is no regular file")),
            (&folder, 4, Err("is no regular file")),
            (&text, 4, Ok("four")),
            (&link, 4, Ok("four")),
            (&text, 3, Err("is longer than 3 bytes")),
            (&bytes, 4, Err("is no UTF-8 text")),
        ] {
            let read = read_text(path, bytes_max);
            assert_eq!(read.as_deref().map_err(String::as_str), expected, "{}", path.display());
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
