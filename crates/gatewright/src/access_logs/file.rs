//! One log file that starts anew before it grows too large or too old, and keeps a few of its forebears.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Access logs name users and addresses: for the owner, and for the group that collects logs.
const MODE: u32 = 0o640;

/// When a file starts anew, and how many old ones are kept beside it: `name.1` is the youngest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// Before it has more bytes than that; `None`: never.
    pub(crate) bytes: Option<u64>,
    /// When it is older than that; `None`: never.
    pub(crate) age: Option<Duration>,
    /// How many old files stay.
    pub(crate) keep: usize,
}

impl Rotation {
    /// Reads `100m` (bytes: k, m, g), `24h` (time: s, min, h, d), both with a comma between, or `0` for never.
    ///
    /// # Errors
    /// A sentence that says what would fit.
    pub(crate) fn parse(text: &str) -> Result<Rotation, String> {
        let mut rotation = Rotation::default();
        if text == "0" {
            return Ok(rotation);
        }
        for part in text.split(',').map(str::trim) {
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            let number = part[..digits].parse::<u64>().ok().filter(|number| *number > 0);
            let scaled = |unit: u64| number.and_then(|number| number.checked_mul(unit));
            let (bytes, seconds) = match &part[digits..] {
                "k" => (scaled(1 << 10), None),
                "m" => (scaled(1 << 20), None),
                "g" => (scaled(1 << 30), None),
                "s" => (None, scaled(1)),
                "min" => (None, scaled(60)),
                "h" => (None, scaled(3600)),
                "d" => (None, scaled(86_400)),
                _ => (None, None),
            };
            match (bytes, seconds) {
                (Some(bytes), _) if rotation.bytes.is_none() => rotation.bytes = Some(bytes),
                (_, Some(seconds)) if rotation.age.is_none() => rotation.age = Some(Duration::from_secs(seconds)),
                _ => {
                    return Err(format!(
                        "`{text}` is no size (100k, 100m, 1g), time (90s, 10min, 24h, 7d), both as 100m,24h, or 0"
                    ));
                }
            }
        }
        Ok(rotation)
    }
}

/// An open log file.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    begun: SystemTime,
    /// Its last line may have no end, because a write broke off.
    torn: bool,
}

impl LogFile {
    /// Opens or makes the file, and the folders above it.
    pub(super) fn open(path: &Path, now: SystemTime) -> io::Result<LogFile> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().create(true).read(true).append(true).mode(MODE).open(path)?;
        let metadata = file.metadata()?;
        // A pipe or a terminal has no length, no end to look at and no age.
        let bytes = if metadata.is_file() { metadata.len() } else { 0 };
        let mut last = [b'\n'];
        if bytes > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        // Not every file system knows when a file was made.
        let begun = if bytes > 0 { metadata.created().unwrap_or(now) } else { now };
        Ok(LogFile { path: path.to_owned(), file, bytes, begun, torn: last != [b'\n'] })
    }

    /// Appends whole lines, starting anew between two of them where it is time.
    pub(super) fn append(&mut self, mut lines: &[u8], rotation: Rotation, now: SystemTime) -> io::Result<()> {
        if self.torn {
            self.write(b"\n")?;
            self.torn = false;
        }
        if self.bytes > 0 && rotation.age.is_some_and(|age| now.duration_since(self.begun).is_ok_and(|old| old >= age))
        {
            self.rotate(rotation.keep, now)?;
        }
        while !lines.is_empty() {
            let room = rotation.bytes.map_or(u64::MAX, |most| most.saturating_sub(self.bytes));
            match fitting(lines, room) {
                0 if self.bytes > 0 => self.rotate(rotation.keep, now)?,
                // A line that is longer than a file may be gets one of its own.
                0 => {
                    let end = lines.iter().position(|c| *c == b'\n').map_or(lines.len(), |at| at + 1);
                    self.write(&lines[..end])?;
                    lines = &lines[end..];
                }
                end => {
                    self.write(&lines[..end])?;
                    lines = &lines[end..];
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    // name.9 → name.10, …, name → name.1, and a new file; with nothing to keep the old one goes.
    fn rotate(&mut self, keep: usize, now: SystemTime) -> io::Result<()> {
        if keep == 0 {
            std::fs::remove_file(&self.path)?;
        }
        for age in (0..keep).rev() {
            match std::fs::rename(self.numbered(age), self.numbered(age + 1)) {
                // There are not that many yet.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                moved => moved?,
            }
        }
        *self = LogFile::open(&self.path, now)?;
        Ok(())
    }

    fn numbered(&self, age: usize) -> PathBuf {
        if age == 0 {
            return self.path.clone();
        }
        let mut name = OsString::from(&self.path);
        name.push(format!(".{age}"));
        name.into()
    }
}

// How many bytes of whole lines fit.
fn fitting(lines: &[u8], room: u64) -> usize {
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if lines.len() <= room {
        return lines.len();
    }
    lines[..room].iter().rposition(|c| *c == b'\n').map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::{LogFile, Rotation};
    use std::fs;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, SystemTime};

    /// A folder of one test, gone with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            let name = format!("gatewright-access-log-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            Folder(std::env::temp_dir().join(name))
        }

        /// Name and content of every file, by name.
        fn files(&self) -> Vec<(String, String)> {
            let entries = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap());
            let mut files: Vec<_> = entries
                .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
                .collect();
            files.sort();
            files
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn named(files: &[(&str, &str)]) -> Vec<(String, String)> {
        files.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
    }

    #[test]
    fn a_file_starts_anew_between_two_lines_and_only_some_old_ones_stay() {
        let folder = Folder::new();
        let now = SystemTime::now();
        let mut file = LogFile::open(&folder.0.join("a.log"), now).unwrap();
        let rotation = Rotation { bytes: Some(10), age: None, keep: 2 };
        file.append(b"11\n22\n33\n44\n", rotation, now).unwrap();
        file.append(b"a line of its own\n55\n", rotation, now).unwrap();
        let expected = [("a.log", "55\n"), ("a.log.1", "a line of its own\n"), ("a.log.2", "44\n")];
        assert_eq!(folder.files(), named(&expected));
        let keep_none = Rotation { keep: 0, ..rotation };
        file.append(b"123456789\n", keep_none, now).unwrap();
        assert_eq!(folder.files()[0], ("a.log".to_owned(), "123456789\n".to_owned()));
    }

    #[test]
    fn a_file_that_is_too_old_starts_anew() {
        let folder = Folder::new();
        let now = SystemTime::now();
        let mut file = LogFile::open(&folder.0.join("a.log"), now).unwrap();
        let rotation = Rotation { bytes: None, age: Some(Duration::from_secs(60)), keep: 1 };
        file.append(b"1\n", rotation, now + Duration::from_secs(59)).unwrap();
        file.append(b"2\n", rotation, now + Duration::from_secs(60)).unwrap();
        file.append(b"3\n", rotation, now + Duration::from_secs(61)).unwrap();
        assert_eq!(folder.files(), named(&[("a.log", "2\n3\n"), ("a.log.1", "1\n")]));
    }

    #[test]
    fn a_line_that_broke_off_is_ended_and_the_file_goes_on() {
        let folder = Folder::new();
        fs::create_dir(&folder.0).unwrap();
        fs::write(folder.0.join("a.log"), "1\nbro").unwrap();
        let now = SystemTime::now();
        let mut file = LogFile::open(&folder.0.join("a.log"), now).unwrap();
        file.append(b"2\n", Rotation::default(), now).unwrap();
        assert_eq!(folder.files(), named(&[("a.log", "1\nbro\n2\n")]));
    }

    #[test]
    fn sizes_and_times_are_told_apart() {
        let rotation = |bytes, seconds: Option<u64>| Rotation { bytes, age: seconds.map(Duration::from_secs), keep: 0 };
        for (text, expected) in [
            ("100m", Some(rotation(Some(100 << 20), None))),
            ("2k", Some(rotation(Some(2048), None))),
            ("24h", Some(rotation(None, Some(86_400)))),
            ("10min", Some(rotation(None, Some(600)))),
            ("1g, 7d", Some(rotation(Some(1 << 30), Some(604_800)))),
            ("0", Some(rotation(None, None))),
            ("", None),
            ("100", None),
            ("0m", None),
            ("1m,2m", None),
            ("1d,24h", None),
            ("daily", None),
            ("99999999999999999999g", None),
            ("18446744073709551615k", None),
        ] {
            assert_eq!(Rotation::parse(text).ok(), expected, "{text}");
        }
    }
}
