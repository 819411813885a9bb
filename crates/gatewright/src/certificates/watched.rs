//! Something that is read from files, and read again when they change.

use std::path::PathBuf;

use crate::choices::LogLevel;
use crate::logs::Log;
use crate::small_files::{Stamp, stamp};

/// What was read last, and is in force until something better is read.
pub(crate) struct Watched<T> {
    read: Box<dyn Fn() -> Result<T, String> + Send>,
    files: Vec<PathBuf>,
    seen: Vec<Stamp>,
    value: T,
    wrong: Option<Wrong>,
}

/// What is wrong with the files since they changed.
struct Wrong {
    why: String,
    is_said: bool,
}

impl<T> Watched<T> {
    /// Reads it for the first time.
    ///
    /// # Errors
    /// What is wrong with it, as `read` says it.
    pub(crate) fn open(
        files: Vec<PathBuf>,
        read: impl Fn() -> Result<T, String> + Send + 'static,
    ) -> Result<Watched<T>, String> {
        let seen = files.iter().map(|file| stamp(file)).collect();
        let value = read()?;
        Ok(Watched { read: Box::new(read), files, seen, value, wrong: None })
    }

    /// What is in force.
    pub(crate) fn value(&self) -> &T {
        &self.value
    }

    /// Looks at the files; true where there is something new. `asked` is true where somebody said so.
    ///
    /// What is wrong with them is said at the second look only, unless somebody asked: two files that belong together are
    /// rarely put there in the same moment.
    pub(crate) fn look(&mut self, asked: bool, log: &Log) -> bool {
        let now: Vec<_> = self.files.iter().map(|file| stamp(file)).collect();
        if !asked && self.wrong.is_none() && now == self.seen {
            return false;
        }
        match (self.read)() {
            Ok(value) => {
                (self.seen, self.value, self.wrong) = (now, value, None);
                true
            }
            Err(why) => {
                let again = self.wrong.as_ref().is_some_and(|wrong| wrong.why == why);
                let was_said = again && self.wrong.as_ref().is_some_and(|wrong| wrong.is_said);
                if asked || (again && !was_said) {
                    log.say(LogLevel::Error, format!("{why}; what was read before stays in force"));
                }
                self.wrong = Some(Wrong { why, is_said: asked || again });
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::choices::LogFormat;

    #[test]
    fn a_file_is_read_when_it_changes_and_one_that_is_wrong_until_it_is_right() {
        static READ: AtomicUsize = AtomicUsize::new(0);
        let log = Log::start(LogLevel::Error, LogFormat::Json, None, &types::limits::Limits::default());
        let file = std::env::temp_dir().join(format!("gatewright-watched-{}", std::process::id()));
        fs::write(&file, "1").unwrap();
        let from = file.clone();
        let read = move || {
            READ.fetch_add(1, Ordering::Relaxed);
            fs::read_to_string(&from).unwrap().parse::<u32>().map_err(|error| error.to_string())
        };
        let mut watched = Watched::open(vec![file.clone()], read).unwrap();
        assert!(!watched.look(false, &log));
        assert_eq!((READ.load(Ordering::Relaxed), *watched.value()), (1, 1));
        // Another length, since two writes may fall into one tick of the file system's clock.
        fs::write(&file, "wrong").unwrap();
        for said in [false, true, true] {
            assert!(!watched.look(false, &log));
            assert_eq!(watched.wrong.as_ref().map(|wrong| wrong.is_said), Some(said));
        }
        assert_eq!(*watched.value(), 1);
        fs::write(&file, "22").unwrap();
        assert!(watched.look(false, &log) && !watched.look(false, &log));
        assert_eq!(*watched.value(), 22);
        let before = READ.load(Ordering::Relaxed);
        assert!(watched.look(true, &log));
        assert_eq!(READ.load(Ordering::Relaxed), before + 1);
        fs::remove_file(&file).unwrap();
    }
}
