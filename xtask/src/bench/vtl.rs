//! `bench vtl`: how many mapping templates one thread renders in a second, beside the other engines.

mod engines;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use mapping::Case;
use serde_json::{Value, json};

use crate::bench::options::{Options, within};
use crate::bench::vtl::engines::{Answer, Engine, Figure, Output};

/// How many times as fast as Velocity, warmed up, each template is to be rendered. Source: ours.
const AIM: f64 = 5.0;
/// The least time for a figure, in seconds: with less a JVM is not warm, and the ratio to it flatters us.
const SECONDS_MIN: f64 = 0.5;
/// Renderings between two looks at the clock.
const ROUND: u32 = 16;

/// Runs the bench; true when every template of ours rendered to what is expected.
///
/// Another engine that is not to be had, or cannot render a template, is named and is no failure.
///
/// # Errors
/// Wrong usage, a case that cannot be read, or that ours does not render to what is expected.
pub(crate) fn run(words: &[String]) -> anyhow::Result<bool> {
    let mut options = Options::new(words);
    let seconds = within("--seconds", options.value("--seconds", 1.0)?, SECONDS_MIN..=60.0)?;
    let oracle: Option<PathBuf> = options.optional("--velocity")?;
    let json = options.flag("--json");
    options.end()?;
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask bench vtl`")?;
    let root = PathBuf::from(manifest).parent().context("xtask stands in the repository's root")?.to_path_buf();
    let cases = root.join("corpus/vtl/bench");
    let files = files(&cases)?;
    eprintln!("rendering {} templates, {seconds} s for each figure after as long a warm-up", files.len());
    let ours = files.iter().map(|file| measure(file, Duration::from_secs_f64(seconds)));
    let ours = ours.collect::<anyhow::Result<Vec<_>>>()?;
    let others = engines::all(&root, oracle.as_deref(), &cases, seconds, files.len());
    if json {
        println!("{}", as_json(&ours, &others));
    } else {
        print(&ours, &others, |figure| figure.render, Some(AIM), "parsed once");
        print(&ours, &others, |figure| figure.both, None, "parsed for each rendering");
        remarks(&others);
    }
    Ok(true)
}

/// The bench's cases, by name.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>()?;
    let mut files: Vec<_> =
        paths.into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "json")).collect();
    ensure!(!files.is_empty(), "{} holds no case", folder.display());
    files.sort();
    Ok(files)
}

/// Our own figure for one case, whose output is compared first.
fn measure(file: &Path, time: Duration) -> anyhow::Result<Figure> {
    let name = file.file_stem().context("a case has a name")?.to_string_lossy().into_owned();
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let case = Case::read(&text).map_err(|error| anyhow!("{name}: {error}"))?;
    let expected: Value = serde_json::from_str(&text).with_context(|| format!("read {}", file.display()))?;
    for got in [case.render(), case.parse_and_render()] {
        let got = got.map_err(|error| anyhow!("{name}: {error}"))?;
        ensure!(
            Some(got.as_str()) == expected["expected"].as_str(),
            "{name}: rendered to something else than expected"
        );
    }
    let both = rate(time, || case.parse_and_render().is_ok_and(|text| !black_box(text).is_empty()));
    let render = rate(time, || case.render().is_ok_and(|text| !black_box(text).is_empty()));
    Ok(Figure { file: name, both: both?, render: render?, output: Output::Same })
}

/// How often `work` succeeds in a second; measured for `time`, after a warm-up of `time`.
fn rate(time: Duration, work: impl Fn() -> bool) -> anyhow::Result<f64> {
    let mut figure = 0.0;
    for _warm in [false, true] {
        let start = Instant::now();
        let mut count = 0.0;
        while start.elapsed() < time {
            for _ in 0..ROUND {
                ensure!(work(), "a rendering failed that had gone well before");
            }
            count += f64::from(ROUND);
        }
        figure = count / start.elapsed().as_secs_f64();
    }
    Ok(figure)
}

/// One table: a line a file, a column an engine, the ratio to Velocity beside the aim for it.
fn print(ours: &[Figure], others: &[Engine], pick: fn(&Figure) -> f64, aim: Option<f64>, what: &str) {
    println!("\nrenders a second on one thread, {what}");
    print!("{:<22} {:>10}", "file", "ours");
    others.iter().for_each(|engine| print!(" {:>12}", engine.name));
    println!("  ours / velocity");
    for figure in ours {
        print!("{:<22} {:>10.0}", figure.file, pick(figure));
        for engine in others {
            let mark = |output| if matches!(output, Output::Same) { ' ' } else { '*' };
            match engine.figure(&figure.file) {
                Some(other) => print!(" {:>11.0}{}", pick(other), mark(other.output)),
                None => print!(" {:>11} ", "-"),
            }
        }
        match (ratio(figure, others, pick), aim) {
            (Some(ratio), Some(aim)) if ratio >= aim => println!("  {ratio:>5.1} (aim {aim}: met)"),
            (Some(ratio), Some(aim)) => println!("  {ratio:>5.1} (aim {aim}: missed)"),
            (Some(ratio), None) => println!("  {ratio:>5.1}"),
            (None, _) => println!("      -"),
        }
    }
}

fn ratio(ours: &Figure, others: &[Engine], pick: fn(&Figure) -> f64) -> Option<f64> {
    let velocity = others.iter().find(|engine| engine.name == engines::VELOCITY)?;
    velocity.figure(&ours.file).map(|other| pick(ours) / pick(other))
}

/// Where each engine's figures come from, and why one is missing.
fn remarks(others: &[Engine]) {
    println!();
    for engine in others {
        println!("{}: {}", engine.name, engine.origin);
        for answer in &engine.answers {
            match answer {
                Answer::Failed { file, error } => println!("  {file}: cannot render it ({error})"),
                Answer::Figure(Figure { file, output: Output::Spaces, .. }) => {
                    println!("  * {file}: its output differs in white space");
                }
                Answer::Figure(Figure { file, output: Output::Other, .. }) => {
                    println!("  * {file}: its output differs");
                }
                Answer::Figure(_) => {}
            }
        }
    }
}

fn as_json(ours: &[Figure], others: &[Engine]) -> Value {
    let files = ours.iter().map(|figure| {
        let engines = others.iter().filter_map(|engine| Some((engine, engine.figure(&figure.file)?)));
        let engines: serde_json::Map<String, Value> = engines
            .map(|(engine, other)| {
                let same = matches!(other.output, Output::Same);
                let figures = json!({"render": other.render, "parse_and_render": other.both, "same_output": same});
                (engine.name.to_owned(), figures)
            })
            .collect();
        json!({
            "file": figure.file,
            "render": figure.render,
            "parse_and_render": figure.both,
            "engines": engines,
            "ratio": ratio(figure, others, |figure| figure.render),
        })
    });
    let origins: serde_json::Map<String, Value> =
        others.iter().map(|engine| (engine.name.to_owned(), engine.origin.clone().into())).collect();
    json!({"bench": "vtl", "aim": AIM, "files": files.collect::<Vec<_>>(), "origins": origins})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_of_the_bench_renders_to_what_is_expected() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/vtl/bench");
        for file in files(&folder).unwrap() {
            let figure = measure(&file, Duration::from_millis(1)).unwrap();
            assert!(figure.render > 0.0 && figure.both > 0.0, "{}", figure.file);
        }
    }

    #[test]
    fn a_rendering_that_fails_is_no_figure() {
        assert!(rate(Duration::from_millis(1), || false).is_err());
    }
}
