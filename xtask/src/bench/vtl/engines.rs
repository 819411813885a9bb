//! The other engines: installs each outside the tree where it can be had, runs it, reads its figures.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::check::command::{in_path, output};
use crate::check::installs::{cache, made, virtualenv};

/// What Apache Velocity is called in a table.
pub(crate) const VELOCITY: &str = "velocity";
/// Its figures where it cannot be had: file, parsed for each rendering, parsed once. [`RECORDED_ORIGIN`] says of what.
const RECORDED: [(&str, f64, f64); 5] = [
    ("1-ws-envelope", 21408.0, 98215.0),
    ("2-dynamodb-put", 10101.0, 106597.0),
    ("3-all-params", 16195.0, 44319.0),
    ("4-list-response-100", 4761.0, 5286.0),
    ("5-computed-loop", 2728.0, 3094.0),
];
const RECORDED_ORIGIN: &str = "recorded in November 2026 on another machine (two cores of Intel(R) Xeon(R) Processor, not idle): Apache Velocity 1.7, OpenJDK 17, 2 s after 2 s of warm-up";
/// The pins of npm's engine; Python's stand in `requirements.txt`.
const VELOCITYJS: [&str; 2] = ["velocityjs@2.1.7", "debug@4.4.3"];
const VELOCITYJS_PROGRAM: &str = include_str!("velocityjs.mjs");
const AIRSPEED_PROGRAM: &str = include_str!("engine_airspeed.py");
/// How long an engine may take beside its measuring: to start, and to be compiled the first time.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Passes of `--seconds` that an engine makes for one file: parsed once or each time, each with a warm-up.
const PASSES: f64 = 4.0;
/// Lines of an engine that may wait to be read.
const LINES_WAITING_MAX: usize = 256;

/// How an engine's text compares to what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// The same.
    Same,
    /// The same but for white space.
    Spaces,
    /// Another.
    Other,
}

/// What one engine does with one file, in renderings a second.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) file: String,
    /// With the template parsed for each rendering.
    pub(crate) both: f64,
    /// With the template parsed once.
    pub(crate) render: f64,
    pub(crate) output: Output,
}

/// What an engine says of one file.
#[derive(Debug)]
pub(crate) enum Answer {
    Figure(Figure),
    Failed { file: String, error: String },
}

/// Another engine and its figures; none where it could not be had.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    /// Which version, or why there is none.
    pub(crate) origin: String,
    pub(crate) answers: Vec<Answer>,
}

impl Engine {
    /// Its figure for `file`.
    pub(crate) fn figure(&self, file: &str) -> Option<&Figure> {
        self.answers.iter().find_map(|answer| match answer {
            Answer::Figure(figure) if figure.file == file => Some(figure),
            _ => None,
        })
    }
}

/// Runs every engine that can be had on the `count` cases of folder `cases`, one after the other.
///
/// `oracle` is the program that runs Velocity, else it is looked for beside the repository `root`.
pub(crate) fn all(root: &Path, oracle: Option<&Path>, cases: &Path, seconds: f64, count: usize) -> [Engine; 3] {
    let limit =
        START_LIMIT + Duration::from_secs_f64(2.0 * PASSES * seconds) * u32::try_from(count).unwrap_or(u32::MAX);
    let run = Run { cases, seconds: seconds.to_string(), limit };
    let velocity = velocity(root, oracle, &run).unwrap_or_else(|error| Engine {
        name: VELOCITY,
        origin: format!("{RECORDED_ORIGIN}; a ratio to it says little. Not measured now: {error:#}"),
        answers: RECORDED.into_iter().map(|row| Answer::Figure(recorded(row))).collect(),
    });
    let others = [("velocityjs", velocityjs as fn(&Run) -> _), ("airspeed", airspeed)].map(|(name, measure)| {
        measure(&run).unwrap_or_else(|error: anyhow::Error| Engine {
            name,
            origin: format!("could not be had: {error:#}"),
            answers: Vec::new(),
        })
    });
    let [first, second] = others;
    [velocity, first, second]
}

/// What every engine is told.
struct Run<'a> {
    cases: &'a Path,
    seconds: String,
    limit: Duration,
}

fn recorded((file, both, render): (&str, f64, f64)) -> Figure {
    Figure { file: file.to_owned(), both, render, output: Output::Same }
}

fn velocity(root: &Path, oracle: Option<&Path>, run: &Run) -> anyhow::Result<Engine> {
    let beside = || root.parent().map(|parent| parent.join("shared/vtl/oracle/run.sh"));
    let program = oracle.map(PathBuf::from).or_else(beside).filter(|path| path.is_file());
    let program = program.context("the program that runs it is not here (--velocity names it)")?;
    ensure!(in_path("java"), "there is no java");
    let build = cache()?.join("velocity");
    let mut command = Command::new("sh");
    command.arg(&program).arg("bench").args([run.cases.as_os_str(), run.seconds.as_ref()]);
    command.env("VTL_ORACLE_BUILD", build);
    let lines = lines(command, run.limit)?;
    let figures = lines.iter().map(|line| velocity_line(line).map(Answer::Figure));
    Ok(Engine {
        name: VELOCITY,
        origin: "Apache Velocity 1.7 on this machine's JVM, measured now".to_owned(),
        answers: figures.collect::<anyhow::Result<_>>()?,
    })
}

/// A line of Velocity's program, which compares the outputs itself: file, both, render.
fn velocity_line(line: &str) -> anyhow::Result<Figure> {
    let parts: Vec<&str> = line.split('\t').collect();
    let [file, both, render] = parts[..] else { bail!("it printed `{line}`") };
    let number = |text: &str| text.parse::<f64>().with_context(|| format!("it printed `{line}`"));
    Ok(recorded((file, number(both)?, number(render)?)))
}

fn velocityjs(run: &Run) -> anyhow::Result<Engine> {
    ensure!(in_path("node") && in_path("npm"), "there is no Node with npm");
    let version = output(Command::new("node").arg("--version"))?;
    let pins: Vec<&[u8]> = VELOCITYJS.iter().map(|pin| pin.as_bytes()).chain([version.as_bytes()]).collect();
    let folder = made(&cache()?, "velocityjs", &pins, |folder| {
        eprintln!("installing {} into {}", VELOCITYJS[0], folder.display());
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--silent", "--prefix", "."]);
        npm.args(VELOCITYJS).current_dir(folder);
        lines(npm, START_LIMIT).map(|_| ())
    })?;
    let program = folder.join("bench.mjs");
    fs::write(&program, VELOCITYJS_PROGRAM).with_context(|| format!("write {}", program.display()))?;
    let mut command = Command::new("node");
    command.arg(&program).args([folder.as_os_str(), run.cases.as_os_str(), run.seconds.as_ref()]);
    let answers = answers(&lines(command, run.limit)?)?;
    Ok(Engine { name: "velocityjs", origin: format!("npm {} on Node {version}", VELOCITYJS[0]), answers })
}

fn airspeed(run: &Run) -> anyhow::Result<Engine> {
    let cache = cache()?;
    let pins = include_str!("requirements.txt");
    let requirements = cache.join("airspeed-requirements.txt");
    fs::write(&requirements, pins).with_context(|| format!("write {}", requirements.display()))?;
    let folder = virtualenv(&cache, "python", &requirements)?;
    let program = folder.join("engine_airspeed.py");
    fs::write(&program, AIRSPEED_PROGRAM).with_context(|| format!("write {}", program.display()))?;
    let python = folder.join("bin/python");
    let version = output(Command::new(&python).arg("--version"))?;
    let mut command = Command::new(python);
    command.arg(&program).args([run.cases.as_os_str(), run.seconds.as_ref()]);
    let answers = answers(&lines(command, run.limit)?)?;
    let pin = pins.lines().next().unwrap_or_default();
    Ok(Engine { name: "airspeed", origin: format!("PyPI {pin} on {version}"), answers })
}

/// Reads the lines of the two programs that stand beside this file.
fn answers(lines: &[String]) -> anyhow::Result<Vec<Answer>> {
    ensure!(!lines.is_empty(), "it printed nothing");
    lines.iter().map(|line| answer(line).with_context(|| format!("it printed `{line}`"))).collect()
}

fn answer(line: &str) -> anyhow::Result<Answer> {
    let said: Value = serde_json::from_str(line)?;
    let file = said["file"].as_str().context("no file")?.to_owned();
    if let Some(error) = said["error"].as_str() {
        return Ok(Answer::Failed { file, error: error.to_owned() });
    }
    let output = match said["output"].as_str() {
        Some("same") => Output::Same,
        Some("spaces") => Output::Spaces,
        _ => Output::Other,
    };
    let number = |name: &str| said[name].as_f64().with_context(|| format!("no `{name}`"));
    Ok(Answer::Figure(Figure { file, both: number("both")?, render: number("render")?, output }))
}

/// Runs `command` to its end and gives the lines it printed; what it says on standard error goes through.
///
/// # Errors
/// When it does not start, does not end within `limit` (it is killed then), or fails.
fn lines(mut command: Command, limit: Duration) -> anyhow::Result<Vec<String>> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("start {name}"))?;
    let reader = BufReader::new(child.stdout.take().context("read a process's output")?);
    let (said, arriving) = sync_channel(LINES_WAITING_MAX);
    std::thread::spawn(move || {
        for line in reader.lines().map_while(Result::ok) {
            if said.send(line).is_err() {
                return;
            }
        }
    });
    let start = Instant::now();
    let mut lines = Vec::new();
    // The channel closes when the program closes its output, so this ends with it or at the limit.
    while let Ok(line) = arriving.recv_timeout(limit.saturating_sub(start.elapsed())) {
        lines.push(line);
    }
    if start.elapsed() >= limit {
        child.kill().with_context(|| format!("end {name}"))?;
        child.wait().with_context(|| format!("end {name}"))?;
        bail!("{name} was not done after {} s", limit.as_secs());
    }
    let status = child.wait().with_context(|| format!("wait for {name}"))?;
    ensure!(status.success(), "{name}: {status}");
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_velocity_is_read() {
        let figure = velocity_line("5-computed-loop\t759\t2159").unwrap();
        assert_eq!((figure.file.as_str(), figure.both, figure.render), ("5-computed-loop", 759.0, 2159.0));
        assert!(velocity_line("5-computed-loop\t759").is_err());
        assert!(velocity_line("a\tb\tc").is_err());
    }

    #[test]
    fn an_engine_answers_with_figures_or_an_error() {
        let figure = answer(r#"{"file": "a", "output": "spaces", "both": 1.5, "render": 2}"#).unwrap();
        assert!(matches!(figure, Answer::Figure(Figure { render: 2.0, output: Output::Spaces, .. })));
        assert!(matches!(answer(r#"{"file": "a", "error": "no"}"#).unwrap(), Answer::Failed { .. }));
        assert!(answer(r#"{"file": "a", "output": "same", "both": 1}"#).is_err());
        assert!(answers(&[]).is_err());
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo on; exec sleep 300"]);
        let error = lines(command, Duration::from_millis(100)).unwrap_err();
        assert!(error.to_string().contains("was not done after"), "{error}");
    }

    #[test]
    fn a_program_that_fails_is_an_error() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo on; exit 3"]);
        assert!(lines(command, Duration::from_secs(60)).is_err());
    }
}
