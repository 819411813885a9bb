//! Tells when a function's code has changed.
//!
//! The system says that there may be something new; whether there is says a comparison of what the folder holds with what it
//! held ([`Tree`]). So it does not matter how a change is made: a file that is written, a folder that is new, one that takes
//! another's place.

mod tree;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, SystemTime};

use notify_debouncer_mini::notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_mini::{DebounceEventResult, Debouncer, new_debouncer};

use crate::watch::tree::{Id, Tree};

/// How long a folder must be quiet: editors and compilers write several files.
const QUIET: Duration = Duration::from_millis(200);
/// How often it is asked whether the folder is still the one that is watched: where one above it is replaced, nothing is
/// heard. While there is none it is asked after [`QUIET`].
const ASK_EVERY: Duration = Duration::from_secs(1);

/// What is said of a folder.
pub(crate) enum Notice {
    /// Its code is another now.
    Changed,
    /// Some of it is not watched; a sentence says what and why. Said once.
    Unwatched(String),
}

/// A folder that is watched until this is dropped.
pub(crate) struct Watch {
    is_over: Arc<AtomicBool>,
    wake: SyncSender<()>,
}

impl Watch {
    /// Calls `notice`, from now on on a thread of its own, when something below the folder has changed. A folder that goes away
    /// has changed when there is one again, with a file in it.
    ///
    /// # Errors
    /// A sentence: nothing can be watched.
    pub(crate) fn begin(folder: &Path, notice: impl Fn(Notice) + Send + 'static) -> Result<Watch, String> {
        let root = std::path::absolute(folder).map_err(|error| error.to_string())?;
        // One look sees all that came before it, so one in advance is enough.
        let (wake, woken) = sync_channel(1);
        let hear = hear(root.clone(), wake.clone());
        let debouncer = new_debouncer(QUIET, hear).map_err(|error| error.to_string())?;
        let mut watcher = Watcher { root, debouncer, watched: HashMap::new(), tree: Tree::default(), untold: true };
        watcher.look(&notice);
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let thread = std::thread::Builder::new().name("function-code".to_owned());
        thread.spawn(move || watcher.run(&woken, &over, &notice)).map_err(|error| error.to_string())?;
        Ok(Watch { is_over, wake })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // Where it is full the thread wakes anyway.
        let _ = self.wake.try_send(());
    }
}

// Most events are no change: that a file was read is one, too.
fn hear(root: PathBuf, wake: SyncSender<()>) -> impl FnMut(DebounceEventResult) + Send + 'static {
    let mut since = SystemTime::now();
    move |events| {
        let now = SystemTime::now();
        let may_be_new = match events {
            Ok(events) => events.iter().any(|event| tree::may_have_changed(&root, &event.path, since)),
            Err(_) => true,
        };
        if may_be_new {
            since = now;
            let _ = wake.try_send(());
        }
    }
}

struct Watcher {
    root: PathBuf,
    debouncer: Debouncer<RecommendedWatcher>,
    watched: HashMap<PathBuf, Id>,
    tree: Tree,
    /// Nothing was said yet of what is not watched.
    untold: bool,
}

impl Watcher {
    fn run(mut self, woken: &Receiver<()>, is_over: &AtomicBool, notice: &impl Fn(Notice)) {
        loop {
            let root = self.watched.get(&self.root).copied();
            let heard = woken.recv_timeout(if root.is_some() { ASK_EVERY } else { QUIET });
            if is_over.load(Ordering::Acquire) {
                return;
            }
            match heard {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) if Id::of(&self.root) == root => continue,
                Err(RecvTimeoutError::Timeout) => std::thread::sleep(QUIET),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.look(notice) {
                notice(Notice::Changed);
            }
        }
    }

    // Whether there is other code than before. Each folder is watched before it is read, so that nothing comes in between.
    fn look(&mut self, notice: &impl Fn(Notice)) -> bool {
        let mut unwatched = None;
        let mut found = HashMap::new();
        let tree = Tree::read(&self.root, |folder, id| {
            if self.watched.get(folder).is_some_and(|before| *before != id) {
                // The system's watch went with the old one.
                let _ = self.debouncer.watcher().unwatch(folder);
            }
            match self.debouncer.watcher().watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    found.insert(folder.to_owned(), id);
                }
                // It may have gone meanwhile.
                Err(error) if folder.exists() => {
                    unwatched.get_or_insert_with(|| format!("{}: {error}", folder.display()));
                }
                Err(_) => {}
            }
        });
        for gone in self.watched.keys().filter(|folder| !found.contains_key(*folder)) {
            let _ = self.debouncer.watcher().unwatch(gone);
        }
        self.watched = found;
        if let Some(why) = unwatched.or_else(|| tree.lacks.clone())
            && std::mem::take(&mut self.untold)
        {
            notice(Notice::Unwatched(why));
        }
        // A folder without a file is being built anew.
        let is_new = !tree.files.is_empty() && tree.files != self.tree.files;
        if is_new {
            self.tree = tree;
        }
        is_new
    }
}
