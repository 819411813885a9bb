//! Access logs in files: one file, or one for each log group, rotated here and bounded in size and number.
//!
//! A thread of its own writes, so that a disk that hangs holds up neither a message nor the log on standard output.
//! What cannot be written is left out, counted, and told once a minute.

mod file;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use self::file::LogFile;
pub(crate) use self::file::Rotation;
use crate::queue::{Queue, Writer};

/// Stands in a path for the name of a log group.
const GROUP: &str = "{log-group}";
/// Files that are open at once; beyond it all are closed, and opened again when they are needed.
const OPEN_FILES_MAX: usize = 64;
/// Bytes that are gathered, of all files together, before they are written.
const BATCH_BYTES: usize = 64 * 1024;
/// How often failures are told.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);
/// How long a file that could not be written is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Where access logs in files are, and how much is kept of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Files {
    /// May hold `{log-group}`.
    pub(crate) path: String,
    pub(crate) rotation: Rotation,
}

/// The way to the files. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AccessFiles {
    queue: Queue<Entry>,
    lost: Arc<AtomicU64>,
    reopen: Arc<AtomicBool>,
}

enum Entry {
    Line {
        log_group: Arc<str>,
        text: String,
    },
    /// Nothing to write; the thread looks up.
    Wake,
}

impl AccessFiles {
    /// Starts the thread. `complain` is told of failures.
    ///
    /// # Errors
    /// The one file cannot be opened. With one for each log group that is seen when a line comes.
    pub(crate) fn start(files: Files, complain: impl Fn(String) + Send + 'static) -> Result<AccessFiles, String> {
        let (lost, reopen) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let mut open = HashMap::new();
        if !files.path.contains(GROUP) {
            let path = PathBuf::from(&files.path);
            let file = LogFile::open(&path, SystemTime::now());
            let file = file.map_err(|error| format!("access-log: open {}: {error}", path.display()))?;
            open.insert(path, Open { file: Some(file), ..Open::default() });
        }
        let writer = FileWriter {
            files,
            complain: Box::new(complain),
            open,
            gathered: 0,
            lost: lost.clone(),
            complaints: Complaints::default(),
            reopen: reopen.clone(),
        };
        Ok(AccessFiles { queue: Queue::start("access-log", writer), lost, reopen })
    }

    pub(crate) fn put(&self, log_group: &Arc<str>, text: String) {
        let bytes = text.len();
        self.queue.put(Entry::Line { log_group: log_group.clone(), text }, bytes);
    }

    /// Has every file opened again, because somebody else moved it.
    pub(crate) fn reopen(&self) {
        self.reopen.store(true, Ordering::Release);
        self.queue.put(Entry::Wake, 0);
    }

    pub(crate) fn flush(&self) {
        self.queue.flush();
    }

    /// How many lines were left out since the start.
    pub(crate) fn left_out(&self) -> u64 {
        self.queue.left_out() + self.lost.load(Ordering::Relaxed)
    }
}

/// What the thread keeps while it writes.
struct FileWriter {
    files: Files,
    complain: Box<dyn Fn(String) + Send>,
    open: HashMap<PathBuf, Open>,
    /// Bytes that wait in `open`.
    gathered: usize,
    lost: Arc<AtomicU64>,
    complaints: Complaints,
    reopen: Arc<AtomicBool>,
}

/// A file, and the lines that are to be written to it.
#[derive(Default)]
struct Open {
    /// `None`: not open.
    file: Option<LogFile>,
    /// Not tried again before.
    retry: Option<Instant>,
    lines: Vec<u8>,
    count: u64,
}

/// What went wrong since it was last told.
#[derive(Default)]
struct Complaints {
    told: Option<Instant>,
    lost: u64,
    last: String,
}

impl Writer<Entry> for FileWriter {
    fn entry(&mut self, entry: Entry) {
        let Entry::Line { log_group, text } = entry else { return };
        let path = path(&self.files.path, &log_group);
        if !self.open.contains_key(&path) && self.open.len() >= OPEN_FILES_MAX {
            self.write_all();
            self.open.clear();
        }
        let open = self.open.entry(path).or_default();
        open.lines.extend_from_slice(text.as_bytes());
        open.lines.push(b'\n');
        open.count += 1;
        self.gathered += text.len() + 1;
    }

    fn is_full(&self) -> bool {
        self.gathered >= BATCH_BYTES
    }

    fn write_out(&mut self, left_out: u64) {
        self.write_all();
        // After the lines that came before the signal.
        if self.reopen.swap(false, Ordering::AcqRel) {
            self.open.clear();
        }
        if left_out > 0 {
            self.complaints.lost += left_out;
            self.complaints.last = "the disk is too slow".to_owned();
        }
        if let Some(text) = self.complaints.due(Instant::now()) {
            (self.complain)(text);
        }
    }
}

impl FileWriter {
    fn write_all(&mut self) {
        let now = Instant::now();
        for (path, open) in self.open.iter_mut().filter(|(_, open)| open.count > 0) {
            let rests = open.retry.is_some_and(|retry| now < retry);
            let written = if rests { None } else { Some(open.write(path, self.files.rotation, now)) };
            if let Some(Err(error)) = &written {
                self.complaints.last = format!("write {}: {error}", path.display());
            }
            if !matches!(written, Some(Ok(()))) {
                // Some of them may have been written before it failed.
                self.lost.fetch_add(open.count, Ordering::Relaxed);
                self.complaints.lost += open.count;
            }
            open.lines.clear();
            open.lines.shrink_to(BATCH_BYTES);
            open.count = 0;
        }
        self.gathered = 0;
    }
}

impl Open {
    fn write(&mut self, path: &Path, rotation: Rotation, now: Instant) -> io::Result<()> {
        let wall = SystemTime::now();
        let written = match &mut self.file {
            Some(file) => file.append(&self.lines, rotation, wall),
            None => LogFile::open(path, wall).and_then(|file| {
                let file = self.file.insert(file);
                file.append(&self.lines, rotation, wall)
            }),
        };
        self.retry = None;
        if written.is_err() {
            // Opened anew the next time, in case the folder was replaced.
            self.file = None;
            self.retry = Some(now + RETRY_AFTER);
        }
        written
    }
}

impl Complaints {
    fn due(&mut self, now: Instant) -> Option<String> {
        let rests = self.told.is_some_and(|told| now.duration_since(told) < COMPLAIN_EVERY);
        if self.lost == 0 || rests {
            return None;
        }
        self.told = Some(now);
        let lost = std::mem::take(&mut self.lost);
        Some(format!("{lost} lines of access logs were left out: {}", self.last))
    }
}

/// The file of a log group. Groups whose names differ in other characters than letters, digits, `.`, `_` and `-` only
/// share one.
fn path(template: &str, log_group: &str) -> PathBuf {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name = log_group.trim_start_matches(['/', '.']);
    let name: String = name.chars().map(|c| if is_safe(c) { c } else { '-' }).collect();
    if !template.contains(GROUP) {
        return PathBuf::from(template);
    }
    let mut path = template.replace(GROUP, if name.is_empty() { "default" } else { &name });
    // `x.1` is what `x` becomes when it starts anew, and must not be another group's own file. Those that end so already
    // get one more, so that no two groups meet.
    let stem = path.trim_end_matches('_');
    let digits = stem.len() - stem.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    if digits > 0 && stem[..stem.len() - digits].ends_with('.') {
        path.push('_');
    }
    PathBuf::from(path)
}

#[cfg(test)]
mod tests {
    use super::{COMPLAIN_EVERY, Complaints, path};
    use std::path::Path;
    use std::time::{Duration, Instant};

    #[test]
    fn a_log_group_picks_a_file_and_cannot_leave_its_folder() {
        for (group, expected) in [
            ("/aws/apigateway/chat", "logs/aws-apigateway-chat.log"),
            ("../../etc/passwd", "logs/etc-passwd.log"),
            ("a/../b", "logs/a-..-b.log"),
            ("..", "logs/default.log"),
            ("ü\n", "logs/--.log"),
        ] {
            assert_eq!(path("logs/{log-group}.log", group), Path::new(expected), "{group}");
        }
        assert_eq!(path("one.log", "any"), Path::new("one.log"));
        assert_eq!(path("one.1", "any"), Path::new("one.1"));
        for (group, expected) in
            [("x", "x"), ("x.1", "x.1_"), ("x.1_", "x.1__"), ("x.", "x."), ("x1", "x1"), ("1", "1")]
        {
            assert_eq!(path("{log-group}", group), Path::new(expected), "{group}");
        }
    }

    #[test]
    fn failures_are_told_at_once_and_then_once_a_minute_together() {
        let start = Instant::now();
        let mut complaints = Complaints::default();
        assert_eq!(complaints.due(start), None);
        complaints.lost = 1;
        assert!(complaints.due(start).is_some_and(|text| text.starts_with("1 lines")));
        complaints.lost = 2;
        assert_eq!(complaints.due(start + COMPLAIN_EVERY - Duration::from_secs(1)), None);
        complaints.lost += 3;
        assert!(complaints.due(start + COMPLAIN_EVERY).is_some_and(|text| text.starts_with("5 lines")));
        assert_eq!(complaints.due(start + COMPLAIN_EVERY * 2), None);
    }
}
