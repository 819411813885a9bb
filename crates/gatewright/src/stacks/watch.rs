//! `serve --template FILE --watch`: what is edited is applied.

use std::sync::Arc;
use std::time::Duration;

use control::Caller;

use super::source::{Files, Given, Source, Unread};
use super::{Stacks, Told, faults};
use crate::choices::LogLevel;
use crate::logs::Log;
use crate::small_files::stamp;

/// How often files are looked at.
const EVERY: Duration = Duration::from_millis(100);

/// How long they must be as they are: editors write in several steps.
const QUIET: Duration = Duration::from_millis(200);

/// How often it is looked whether they are; a file that something writes all the time is taken as it is then.
const LOOKS_MAX: usize = 10;

/// Looks after the files of a template, on a thread of its own, as long as the program runs.
///
/// They are looked at rather than listened to: an editor puts another file in the place of the one that it changed, and what
/// is looked at by name finds either.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn begin(stacks: Arc<Stacks>, given: Given, files: Files, log: &Log) -> Result<(), String> {
    let log = log.clone();
    let mut watched = Watched(files);
    let look = move || {
        loop {
            std::thread::sleep(EVERY);
            if watched.is_as_before() {
                continue;
            }
            watched.rest();
            watched = Watched(again(&stacks, &given, watched.now(), &log));
        }
    };
    let thread = std::thread::Builder::new().name("gatewright-watch".to_owned()).spawn(look);
    thread.map(drop).map_err(|error| format!("watch: {error}"))
}

/// Applies it once more. Gives the files that count from now on; after a failure those of `before` still do, too.
fn again(stacks: &Stacks, given: &Given, before: Files, log: &Log) -> Files {
    let left = |text: &str| log.say(LogLevel::Error, format!("the template is left as it was: {text}"));
    let and_before = |mut files: Files| {
        let more = before.iter().filter(|(path, _)| !files.iter().any(|(known, _)| known == path)).cloned();
        files.extend(more.collect::<Vec<_>>());
        files
    };
    let Source { asked, mut files } = match given.read(&stacks.home) {
        Ok(source) => source,
        Err(Unread { text, files }) => {
            left(&text);
            return and_before(files);
        }
    };
    for asked in asked {
        match stacks.apply(&Caller::program(), &asked) {
            Ok(done) => {
                log.say(LogLevel::Info, stacks.told(&asked, &done, Told::Applied).trim_end().to_owned());
                files.extend(done.built_of);
            }
            Err(wrong) => {
                left(&faults(&asked, &wrong));
                return and_before(files);
            }
        }
    }
    files
}

/// Files as they were when they were read.
struct Watched(Files);

impl Watched {
    fn is_as_before(&self) -> bool {
        self.0.iter().all(|(file, before)| stamp(file) == *before)
    }

    /// The same files as they are now.
    fn now(&self) -> Files {
        self.0.iter().map(|(file, _)| (file.clone(), stamp(file))).collect()
    }

    /// Waits until they are left alone.
    fn rest(&self) {
        for _ in 0..LOOKS_MAX {
            let now = Watched(self.now());
            std::thread::sleep(QUIET);
            if now.is_as_before() {
                return;
            }
        }
    }
}
