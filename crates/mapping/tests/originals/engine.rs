//! The original engines in a process of their own: a case a line in, an answer a line out.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use serde_json::Value;

/// How long the engines may take for one case, starting included.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How many cases are on their way at once; an answer is a line, so neither pipe need hold more than a few.
const BATCH: usize = 500;
/// Memory of the Java machine: what a template of our limits can need.
const MEMORY: [&str; 2] = ["-Xss8m", "-Xmx768m"];

/// The process, started again after a case that it did not survive.
pub(crate) struct Engine {
    mode: &'static str,
    running: Option<Running>,
}

struct Running {
    child: Child,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Engine {
    /// The engines for `render` or `jsonpath`.
    pub(crate) fn new(mode: &'static str) -> Engine {
        Engine { mode, running: None }
    }

    /// The answers to `cases`, in order; none where the engine hung or died.
    pub(crate) fn answers(&mut self, cases: &[Value]) -> Vec<Option<Value>> {
        cases.chunks(BATCH).flat_map(|batch| self.batch(batch)).collect()
    }

    fn batch(&mut self, cases: &[Value]) -> Vec<Option<Value>> {
        let mut answers = Vec::with_capacity(cases.len());
        while answers.len() < cases.len() {
            let running = self.running.get_or_insert_with(|| Running::start(self.mode));
            let Some(mut input) = running.input.take() else {
                self.running = None;
                continue;
            };
            let rest: String = cases[answers.len()..].iter().map(|case| format!("{case}\n")).collect();
            // Written beside the reading, because both pipes are finite.
            let writer = std::thread::spawn(move || input.write_all(rest.as_bytes()).map(|()| input));
            while answers.len() < cases.len() {
                let Ok(line) = running.answers.recv_timeout(ANSWER_LIMIT) else { break };
                answers.push(Some(read(&line)));
            }
            if answers.len() < cases.len() {
                answers.push(None);
                self.running = None;
            }
            if let (Ok(Ok(input)), Some(running)) = (writer.join(), self.running.as_mut()) {
                running.input = Some(input);
            }
        }
        answers
    }
}

/// An answer. A number that is none is written as `NaN` by json-smart, and so by us, which no reader of JSON takes.
pub(crate) fn read(line: &str) -> Value {
    let read = serde_json::from_str(line).or_else(|_| serde_json::from_str(&line.replace("NaN", "null")));
    read.unwrap_or_else(|error| panic!("{error}: {line}"))
}

impl Running {
    fn start(mode: &str) -> Running {
        let classes = std::env::var("GATEWRIGHT_ORACLE_CLASSPATH");
        let classes =
            classes.expect("GATEWRIGHT_ORACLE_CLASSPATH names the engines; cargo xtask check --only originals sets it");
        let mut command = Command::new("java");
        command.args(MEMORY).args(["-cp", &classes, "Oracle", mode]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("java starts");
        let output = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let (sender, answers) = sync_channel(BATCH);
        std::thread::spawn(move || {
            for line in output.lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Running { input: child.stdin.take(), child, answers }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
