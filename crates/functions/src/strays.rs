//! Ends what a function's process began and moved out of its process group (`setsid`): daemons, browsers.
//!
//! Such processes are known by a variable that every child inherits. Whoever takes that out of its environment is not found, nor
//! is anybody where the system does not list processes in `/proc`.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::sync::LazyLock;

/// The variable; in it stand 16 hexadecimal digits for this program, and 16 for the process.
pub(crate) const VARIABLE: &str = "GATEWRIGHT_PROCESS";

/// How often the processes are gone through: one that is found may have begun another meanwhile.
const WALKS_MAX: usize = 4;
/// How much of an environment is read, in bytes; the system's own bound for one variable is half of it.
const ENVIRONMENT_BYTES_MAX: u64 = 256 * 1024;

/// What all marks of this program begin with.
static PROGRAM: LazyLock<String> = LazyLock::new(|| format!("{:016x}", rand::random::<u64>()));

/// The mark of one process and its children.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mark(String);

impl Mark {
    pub(crate) fn new() -> Mark {
        Mark(format!("{}{:016x}", *PROGRAM, rand::random::<u64>()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Ends every process that bears one of these marks. Waits for the system, some milliseconds.
pub(crate) fn end(marks: &[Mark]) {
    let marks: HashSet<_> = marks.iter().map(|mark| format!("{VARIABLE}={}", mark.as_str()).into_bytes()).collect();
    if !marks.is_empty() {
        end_those(|variable| marks.contains(variable));
    }
}

/// Ends every process that bears a mark of this program: it is about to end itself.
pub(crate) fn end_all() {
    let begins = format!("{VARIABLE}={}", *PROGRAM).into_bytes();
    end_those(|variable| variable.starts_with(&begins));
}

fn end_those(are_they: impl Fn(&[u8]) -> bool) {
    for _ in 0..WALKS_MAX {
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        if ids.filter(|id| end_if(*id, &are_they)).count() == 0 {
            return;
        }
    }
}

// By a handle that is taken before the look, so that a number that is given anew is nobody else's.
#[cfg(target_os = "linux")]
fn end_if(id: i32, is_it: impl Fn(&[u8]) -> bool) -> bool {
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    let Some(Ok(process)) = Pid::from_raw(id).map(|id| pidfd_open(id, PidfdFlags::empty())) else { return false };
    let mut environment = Vec::new();
    // Those of other users cannot be read, and are none of ours.
    let Ok(file) = File::open(format!("/proc/{id}/environ")) else { return false };
    let _ = file.take(ENVIRONMENT_BYTES_MAX).read_to_end(&mut environment);
    environment.split(|byte| *byte == 0).any(is_it) && pidfd_send_signal(process, Signal::KILL).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn end_if(_: i32, _: impl Fn(&[u8]) -> bool) -> bool {
    false
}
