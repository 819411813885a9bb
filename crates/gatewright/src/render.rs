//! `gatewright render`: a mapping template without a server, one or a batch.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use crate::exit::{self, Failure};

/// The longest line of a batch; a template may have 300 KB, a body 128 KB, and JSON escapes both.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The options of `render`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: gatewright render --template body.vtl --body message.json --context context.json\n         gatewright render --template-text '$input.json(\"$.user\")' --body-text '{\"user\": \"ada\"}'"
)]
pub(crate) struct RenderOptions {
    /// The template; `-` reads standard input
    #[arg(long, value_name = "FILE|-", required_unless_present_any = ["batch", "template_text"])]
    template: Option<PathBuf>,

    /// The template itself
    #[arg(long, value_name = "TEXT", conflicts_with = "template", allow_hyphen_values = true)]
    template_text: Option<String>,

    /// The message; none without it. `-` reads standard input
    #[arg(long, value_name = "FILE|-")]
    body: Option<PathBuf>,

    /// The message itself
    #[arg(long, value_name = "TEXT", conflicts_with = "body", allow_hyphen_values = true)]
    body_text: Option<String>,

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
    #[arg(long, conflicts_with_all = ["template", "template_text", "body", "body_text", "context", "stage_variables", "params"])]
    batch: bool,

    /// With --batch: the cases are JSONPaths
    #[arg(long, requires = "batch")]
    jsonpath: bool,
}

/// A text that was given, and what to call it.
struct Given {
    name: String,
    text: String,
}

/// Renders, and prints the result or what is wrong with the template.
pub(crate) fn run(options: &RenderOptions) -> Result<(), Failure> {
    if options.batch {
        let one = if options.jsonpath { mapping::jsonpath_line } else { mapping::batch_line };
        return batch(io::stdin().lock(), io::stdout().lock(), one);
    }
    if [&options.template, &options.body].iter().all(|path| path.as_deref() == Some(Path::new("-"))) {
        let text = "render: --template and --body cannot both be read from standard input".to_owned();
        return Err(Failure { code: exit::USAGE, text });
    }
    let template = given("template", options.template.as_deref(), options.template_text.as_deref())?;
    let template = template.ok_or_else(|| Failure { code: exit::USAGE, text: "render: no template".to_owned() })?;
    let body = given("body", options.body.as_deref(), options.body_text.as_deref())?;
    let mut input = Map::new();
    if let Some(body) = &body {
        input.insert("body".into(), body.text.clone().into());
    }
    if let Some(path) = &options.params {
        input.insert("params".into(), read_json(path)?);
    }
    let mut case = json!({ "template": template.text, "input": input });
    for (member, path) in [("context", &options.context), ("stageVariables", &options.stage_variables)] {
        if let Some(path) = path {
            case[member] = read_json(path)?;
        }
    }
    let answer = mapping::batch_line(&case.to_string());
    let answer: Value = serde_json::from_str(&answer).map_err(|error| Failure::config(format!("render: {error}")))?;
    match answer["output"].as_str() {
        Some(output) => {
            print(output)?;
            remark(options, &template);
            Ok(())
        }
        None => Err(Failure::data(explain(&template, body.as_ref(), &answer))),
    }
}

fn given(what: &str, path: Option<&Path>, text: Option<&str>) -> Result<Option<Given>, Failure> {
    let given = match (path, text) {
        (_, Some(text)) => Given { name: format!("--{what}-text"), text: text.to_owned() },
        (Some(path), None) if path == Path::new("-") => {
            let text = io::read_to_string(io::stdin().lock().take(LINE_BYTES_MAX));
            let text = text.map_err(|error| Failure::no_input(Path::new("standard input"), &error))?;
            Given { name: "standard input".to_owned(), text }
        }
        (Some(path), None) => Given { name: path.display().to_string(), text: read(path)? },
        (None, None) => return Ok(None),
    };
    Ok(Some(given))
}

/// The output as it is; for a person at a terminal also a line break behind it, and a word where it looks like JSON and is
/// none.
fn print(output: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(output.as_bytes()))?;
    if stdout.is_terminal() && !output.ends_with('\n') && !output.is_empty() {
        written(stdout.write_all(b"\n"))?;
    }
    // What is said of it stands behind it.
    written(stdout.flush())?;
    if output.trim_start().starts_with(['{', '['])
        && let Err(error) = serde_json::from_str::<IgnoredAny>(output)
    {
        let (line, column) = (error.line(), error.column());
        let at = pointed(output, line, column);
        eprintln!("gatewright: the output looks like JSON and is none: line {line}, column {column}\n{at}");
    }
    Ok(())
}

// What rendered well and is still not what was meant: names that nothing has, objects that nobody gave.
fn remark(options: &RenderOptions, template: &Given) {
    let names = mapping::names(&template.text);
    for mapping::Unknown { name, line, meant } in names.unknown {
        let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
        eprintln!("gatewright: {}:{line}: there is no {name}: it prints nothing{meant}", template.name);
    }
    for (asked, given, object, option) in [
        (names.context, &options.context, "$context", "--context"),
        (names.stage_variables, &options.stage_variables, "$stageVariables", "--stage-variables"),
    ] {
        if asked && given.is_none() {
            eprintln!("gatewright: {}: {object} is empty here; {option} FILE gives it values", template.name);
        }
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

// `FILE:2:7: not a template: …`, the line and a caret below the column.
fn explain(template: &Given, body: Option<&Given>, answer: &Value) -> String {
    let number = |member: &str| answer[member].as_u64().unwrap_or(1).max(1) as usize;
    let (line, column) = (number("line"), number("column"));
    let message = answer["message"].as_str().unwrap_or_default();
    let what = match (answer["error"].as_str(), body) {
        (Some("parse"), _) => "not a template",
        (Some("body"), Some(body)) => {
            let asked = format!("{}:{line}:{column}", template.name);
            return match serde_json::from_str::<IgnoredAny>(&body.text) {
                Err(error) => {
                    let (line, column) = (error.line().max(1), error.column().max(1));
                    let at = pointed(&body.text, line, column);
                    format!("{}:{line}:{column}: the body is no JSON, and {asked} asks for it\n{at}", body.name)
                }
                Ok(_) => format!("{}: {message}, and {asked} asks for it", body.name),
            };
        }
        _ => "rendering failed",
    };
    format!("{}:{line}:{column}: {what}: {message}\n{}", template.name, pointed(&template.text, line, column))
}

/// How much of a line is shown around the column, in characters.
const SHOWN_MAX: usize = 120;

// The line and a caret below the column; of a long line what stands around it.
fn pointed(text: &str, line: usize, column: usize) -> String {
    let line = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let from = column.saturating_sub(SHOWN_MAX / 2 + 1);
    let shown: String = line.chars().skip(from).take(SHOWN_MAX).collect();
    // Tabs stay tabs, so that the caret stands below its character.
    let before = shown.chars().take(column.saturating_sub(from + 1));
    let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    format!("  {shown}\n  {indent}^")
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::no_input(path, &error))
}

fn read_json(path: &Path) -> Result<Value, Failure> {
    let text = read(path)?;
    serde_json::from_str(&text).map_err(|error| {
        let (line, column) = (error.line().max(1), error.column().max(1));
        let at = pointed(&text, line, column);
        Failure::data(format!("{}:{line}:{column}: not JSON: {error}\n{at}", path.display()))
    })
}
