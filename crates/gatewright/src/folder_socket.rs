//! The socket in the data folder, through which `gatewright export` has the definitions of a gateway that runs.
//!
//! A socket in the folder and not an address: who can open the folder can read the store, and nobody else gets here.
//! Whoever connects is sent the document and nothing is asked.

use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use control::Control;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixListener;

use crate::choices::LogLevel;
use crate::logs::Log;

/// The socket's name in the data folder.
const FILE: &str = "gatewright.sock";
/// How long a reader may take; the next one waits meanwhile.
const READ_TIME_MAX: Duration = Duration::from_secs(30);

/// Answers on the folder's socket until the program ends. Without it only `export` beside a running gateway is lost, so
/// that a failure is a warning.
pub(crate) fn serve(dir: &Path, control: Arc<Control>, log: Log) {
    let listener = match listen(dir) {
        Ok(listener) => listener,
        Err(error) => {
            let place = dir.join(FILE);
            let text =
                format!("{}: {error}; `gatewright export` will work only while no gateway runs", place.display());
            return log.say(LogLevel::Warn, text);
        }
    };
    tokio::spawn(async move {
        while let Ok((mut reader, _)) = listener.accept().await {
            let control = control.clone();
            // Reading the store waits for the disk, and for a write that is under way.
            let document = tokio::task::spawn_blocking(move || control.export()).await;
            let Ok(Ok(document)) = document else { continue };
            let sent = async {
                reader.write_all(document.to_string().as_bytes()).await?;
                reader.shutdown().await
            };
            // A reader that went away or sleeps loses only its own answer.
            let _ = tokio::time::timeout(READ_TIME_MAX, sent).await;
        }
    });
}

fn listen(dir: &Path) -> io::Result<UnixListener> {
    reached(dir, |path| {
        // The store is locked, so that whatever stands here is what a process left that is gone.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    })
}

/// Removes the socket at the end. One that stays does no harm.
pub(crate) fn remove(dir: &Path) {
    let _ = std::fs::remove_file(dir.join(FILE));
}

/// The definitions of the gateway that runs on this folder, as JSON text.
///
/// # Errors
/// When none answers.
pub(crate) fn fetch(dir: &Path) -> io::Result<Vec<u8>> {
    let mut socket = reached(dir, |path| std::os::unix::net::UnixStream::connect(path))?;
    socket.set_read_timeout(Some(READ_TIME_MAX))?;
    let mut document = Vec::new();
    socket.read_to_end(&mut document)?;
    if document.is_empty() {
        return Err(io::Error::other("it gave no answer"));
    }
    Ok(document)
}

// A socket's path has room for about a hundred bytes; a longer one is reached by way of the open folder.
fn reached<T>(dir: &Path, act: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
    match act(&dir.join(FILE)) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            let folder = std::fs::File::open(dir)?;
            act(&PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(FILE))
        }
        done => done,
    }
}
