//! One process: begun with its own process group, heard line by line, ended whole.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::runtime::Handle;

use crate::strays::{self, Mark};

/// The longest line that is passed on, in bytes; what is longer comes in pieces.
const LINE_BYTES_MAX: u64 = 16 * 1024;

/// Has the system end a process when whoever began it is gone. Part of util-linux; where it is missing, processes notice by
/// their next question, ours also by their standard input.
const WITH_PARENT: &str = "/usr/bin/setpriv";

/// A function's process, and all that it begins in turn.
pub(crate) struct Process {
    child: Child,
    grip: Arc<Grip>,
    // Its end tells our bootstraps that nobody is here any more.
    _stdin: Option<ChildStdin>,
}

/// What ends a process, for whoever does not own it.
#[derive(Debug)]
pub(crate) struct Grip {
    group: Mutex<Option<Pid>>,
    /// What those have that left the group; `None` once they are looked for.
    mark: Mutex<Option<Mark>>,
}

impl Grip {
    /// Ends it. What it began and is not of its group has this mark; the caller looks for it.
    pub(crate) fn end(&self) -> Option<Mark> {
        self.end_group();
        self.mark.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether the process runs still: nobody may have noticed its end so far.
    pub(crate) fn lives(&self) -> bool {
        let group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        group.is_some_and(|id| matches!(waitid(WaitId::Pid(id), options), Ok(None)))
    }

    // What it began goes with it. Once only: later the number may be another's.
    fn end_group(&self) {
        if let Some(group) = self.group.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Process {
    /// Begins it; each line that it prints goes to `line`.
    ///
    /// # Errors
    /// A sentence that names the program, or the folder where that is missing.
    pub(crate) fn begin(
        command: &[String],
        folder: &Path,
        variables: &[(String, String)],
        line: Arc<dyn Fn(&str) + Send + Sync>,
    ) -> Result<Process, String> {
        let (program, arguments) = command.split_first().ok_or("command is empty")?;
        let mut begun = match Path::new(WITH_PARENT).exists() {
            true => {
                let mut begun = Command::new(WITH_PARENT);
                begun.args(["--pdeathsig", "KILL", "--"]).arg(program);
                begun
            }
            false => Command::new(program),
        };
        let mark = Mark::new();
        begun.args(arguments).current_dir(folder).envs(variables.iter().map(|(name, value)| (name, value)));
        begun.env(strays::VARIABLE, mark.as_str());
        begun.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        begun.process_group(0).kill_on_drop(true);
        let mut child = begun.spawn().map_err(|error| match folder.is_dir() {
            true => format!("begin {program}: {error}"),
            false => format!("code: the folder {} is not there", folder.display()),
        })?;
        if let Some(out) = child.stdout.take() {
            tokio::spawn(read_lines(out, line.clone()));
        }
        if let Some(out) = child.stderr.take() {
            tokio::spawn(read_lines(out, line));
        }
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let grip = Arc::new(Grip { group: Mutex::new(group), mark: Mutex::new(Some(mark)) });
        Ok(Process { _stdin: child.stdin.take(), child, grip })
    }

    /// What ends it.
    pub(crate) fn grip(&self) -> Arc<Grip> {
        self.grip.clone()
    }

    /// Waits for its end.
    ///
    /// # Cancel safety
    /// It can be asked again.
    pub(crate) async fn ended(&mut self) -> String {
        let ended = self.child.wait().await;
        self.grip.end_group();
        match ended {
            Ok(status) => how(status),
            Err(error) => format!("with error: {error}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(mark) = self.grip.end() else { return };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || strays::end(&[mark]))),
            Err(_) => strays::end(&[mark]),
        }
    }
}

fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(0), _) => "without providing a reason".to_owned(),
        (Some(code), _) => format!("with error: exit status {code}"),
        (None, Some(signal)) => format!("with error: signal {signal}"),
        (None, None) => "with error".to_owned(),
    }
}

async fn read_lines(out: impl AsyncRead + Unpin, line: Arc<dyn Fn(&str) + Send + Sync>) {
    let mut out = BufReader::new(out);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match (&mut out).take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => line(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n'])),
        }
    }
}
