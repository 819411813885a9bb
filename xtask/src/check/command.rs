//! Runs one program: its output goes on at once, line by line, and its time is bounded.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context;

/// Lines that may wait between the reader and the printer; beyond them the program waits, as at any pipe.
const LINES_WAITING_MAX: usize = 256;
/// How long a program that ran out of time may take to tidy up after an interrupt.
const GRACE: Duration = Duration::from_secs(20);
/// How long output may still come after the program ended, when something it started keeps its pipe open.
const LINGER: Duration = Duration::from_secs(5);
/// How often a running program is looked at while it prints nothing.
const LOOK: Duration = Duration::from_millis(50);

/// Raises the limit of open files as far as allowed; without `unsafe` only a shell can do that.
pub(crate) const RAISE_AND_EXEC: &str =
    "ulimit -Hn 1048576 2>/dev/null; ulimit -Sn \"$(ulimit -Hn)\" 2>/dev/null; exec \"$@\"";

/// Runs `command` without standard input, prints what it prints and shows each line to `on_line`.
///
/// Standard output and standard error come in the order written. A program that takes longer than `limit` is
/// interrupted (as by Ctrl-C), later killed.
///
/// # Errors
/// When it cannot be started, does not end in time, or its exit is not awaitable; a bad exit status is no error here.
pub(crate) fn stream(
    mut command: Command,
    limit: Duration,
    mut on_line: impl FnMut(&str),
) -> anyhow::Result<ExitStatus> {
    let name = command.get_program().to_string_lossy().into_owned();
    let (reader, writer) = std::io::pipe().context("make a pipe")?;
    command.stdin(Stdio::null()).stdout(writer.try_clone().context("share a pipe")?).stderr(writer);
    let mut child = command.spawn().with_context(|| format!("start {name}"))?;
    // The command holds the pipe's writing ends; without this the reader would never see the end.
    drop(command);
    let (lines, arriving) = sync_channel::<Vec<u8>>(LINES_WAITING_MAX);
    std::thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            if lines.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
    });
    let start = Instant::now();
    let mut ended: Option<(ExitStatus, Instant)> = None;
    let mut interrupted = false;
    loop {
        match arriving.recv_timeout(LOOK) {
            Ok(line) => {
                let mut out = std::io::stdout().lock();
                // A closed standard output must not keep the tests from being counted.
                let _ = out.write_all(&line).and_then(|()| out.flush());
                on_line(String::from_utf8_lossy(&line).trim_end());
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if ended.is_none() {
            ended =
                child.try_wait().with_context(|| format!("wait for {name}"))?.map(|status| (status, Instant::now()));
        }
        match ended {
            Some((_, at)) if at.elapsed() > LINGER => break,
            Some(_) => {}
            None if start.elapsed() > limit + GRACE => break,
            None if start.elapsed() > limit && !interrupted => {
                interrupted = true;
                println!("{name}: not done after {} s, interrupted", limit.as_secs());
                interrupt(&child);
            }
            None => {}
        }
    }
    let status = match ended {
        Some((status, _)) => status,
        None => {
            end(child, limit + GRACE - start.elapsed().min(limit + GRACE)).with_context(|| format!("end {name}"))?
        }
    };
    anyhow::ensure!(!interrupted, "{name} was not done after {} s", limit.as_secs());
    Ok(status)
}

/// Runs `command` silently and gives what it printed on standard output, without the last line break.
///
/// # Errors
/// When it cannot be started or its exit status is not 0.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("start {name}"))?;
    anyhow::ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// True when a program of that name is found along `PATH`.
pub(crate) fn in_path(program: &str) -> bool {
    find(program).is_some()
}

/// The first file of that name along `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Interrupts by the `kill` program: test programs end what they started then, which after a kill they could not.
fn interrupt(child: &Child) {
    let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).stdin(Stdio::null()).status();
}

/// Waits at most `limit` for an end that closed pipes announced, then kills.
fn end(mut child: Child, limit: Duration) -> std::io::Result<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(LOOK);
    }
    child.kill()?;
    child.wait()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_outputs_arrive_in_the_order_written() {
        let mut lines = Vec::new();
        let script = "echo one; echo two >&2; echo three; exit 3";
        let status = stream(shell(script), Duration::from_secs(60), |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["one", "two", "three"]);
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn there_is_no_standard_input_to_wait_for() {
        let mut lines = Vec::new();
        stream(shell("cat; echo over"), Duration::from_secs(60), |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["over"]);
    }

    #[test]
    fn a_program_that_hangs_is_interrupted_and_may_tidy_up() {
        // `wait` returns as soon as the trap is due, so the shell needs no time of its own once it is ready.
        let script = "trap 'kill $!; echo tidied; exit 0' INT; sleep 300 & echo ready; wait";
        let mut lines = Vec::new();
        // On a machine with much to do a shell takes its time to start, and one that is interrupted before that says nothing.
        for limit in [200, 2_000, 20_000].map(Duration::from_millis) {
            lines.clear();
            let error = stream(shell(script), limit, |line| lines.push(line.to_owned())).unwrap_err();
            assert!(error.to_string().contains("was not done after"), "{error}");
            if lines.first().is_some_and(|line| line == "ready") {
                break;
            }
        }
        assert_eq!(lines, ["ready", "tidied"]);
    }

    #[test]
    fn a_program_that_does_not_exist_is_an_error_that_names_it() {
        let error = stream(Command::new("no-such-program"), Duration::from_secs(1), |_| {}).unwrap_err();
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }
}
