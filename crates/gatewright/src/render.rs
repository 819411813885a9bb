//! `gatewright render`: a mapping template without a server, one or a batch.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};

use crate::exit::{self, Failure};

/// The longest line of a batch; a template may have 300 KB, a body 128 KB, and JSON escapes both.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The options of `render`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gatewright render --template body.vtl --body message.json --context context.json")]
pub(crate) struct RenderOptions {
    /// The template
    #[arg(long, value_name = "FILE", required_unless_present = "batch")]
    template: Option<PathBuf>,

    /// The message; none without it
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,

    /// JSON: what $context holds
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,

    /// JSON: $stageVariables
    #[arg(long, value_name = "FILE")]
    stage_variables: Option<PathBuf>,

    /// JSON: $input.params(), as {"path": {}, "querystring": {}, "header": {}}
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,

    /// Read cases as JSON lines on standard input, write results as JSON lines
    #[arg(long, conflicts_with_all = ["template", "body", "context", "stage_variables", "params"])]
    batch: bool,

    /// With --batch: the cases are JSONPaths
    #[arg(long, requires = "batch")]
    jsonpath: bool,
}

/// Renders, and prints the result or what is wrong with the template.
pub(crate) fn run(options: &RenderOptions) -> Result<(), Failure> {
    if options.batch {
        let one = if options.jsonpath { mapping::jsonpath_line } else { mapping::batch_line };
        return batch(io::stdin().lock(), io::stdout().lock(), one);
    }
    let template = read(options.template.as_deref().unwrap_or(Path::new("")))?;
    let mut input = Map::new();
    if let Some(path) = &options.body {
        input.insert("body".into(), read(path)?.into());
    }
    if let Some(path) = &options.params {
        input.insert("params".into(), read_json(path)?);
    }
    let mut case = json!({ "template": template, "input": input });
    for (member, path) in [("context", &options.context), ("stageVariables", &options.stage_variables)] {
        if let Some(path) = path {
            case[member] = read_json(path)?;
        }
    }
    let answer = mapping::batch_line(&case.to_string());
    let answer: Value = serde_json::from_str(&answer).map_err(|error| Failure::config(format!("render: {error}")))?;
    match answer["output"].as_str() {
        Some(output) => written(io::stdout().lock().write_all(output.as_bytes())).map(drop),
        None => Err(Failure { code: exit::DATA, text: explain(&options.template, &template, &answer) }),
    }
}

/// One line in, one line out, in order; flushed when the input pauses for the reader to see.
fn batch(mut input: impl BufRead, output: impl Write, one: fn(&str) -> String) -> Result<(), Failure> {
    let mut output = io::BufWriter::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = io::Read::take(&mut input, LINE_BYTES_MAX).read_until(b'\n', &mut line);
        let read = read.map_err(|error| Failure::disk(format!("read standard input: {error}")))?;
        if read == 0 {
            return written(output.flush()).map(drop);
        }
        if read as u64 == LINE_BYTES_MAX && line.last() != Some(&b'\n') {
            return Err(Failure::config(format!("a line of the batch is longer than {LINE_BYTES_MAX} bytes")));
        }
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        let answer = one(text.trim_end_matches(['\n', '\r']));
        if !written(writeln!(output, "{answer}"))? {
            return Ok(());
        }
    }
}

// False: whoever reads has enough.
fn written(result: io::Result<()>) -> Result<bool, Failure> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::disk(format!("write to standard output: {error}"))),
    }
}

// `FILE:2:7: the template ends too early`, the line and a caret below the column.
fn explain(path: &Option<PathBuf>, template: &str, answer: &Value) -> String {
    let place = path.as_deref().unwrap_or(Path::new("template")).display();
    let number = |member: &str| answer[member].as_u64().unwrap_or(1).max(1) as usize;
    let (line, column) = (number("line"), number("column"));
    let what = match answer["error"].as_str() {
        Some("parse") => "not a template",
        Some("body") => "the body",
        _ => "rendering failed",
    };
    let message = answer["message"].as_str().unwrap_or_default();
    let text = template.lines().nth(line - 1).unwrap_or_default();
    // Tabs stay tabs, so that the caret stands below its character.
    let indent: String = text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    format!("{place}:{line}:{column}: {what}: {message}\n  {text}\n  {indent}^")
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::config(format!("{}: {error}", path.display())))
}

fn read_json(path: &Path) -> Result<Value, Failure> {
    serde_json::from_str(&read(path)?).map_err(|error| Failure::config(format!("{}: {error}", path.display())))
}
