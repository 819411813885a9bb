//! `gatewright export`: all stored definitions on standard output, as one JSON document, as a CloudFormation template or as
//! Terraform's configuration.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use control::store::{DiskStore, StoreError};
use control::transfer;
use serde_json::Value;
use stacks::export::{Choice, Notation};

use crate::args::Options;
use crate::config::Config;
use crate::exit::{self, Failure};
use crate::folder_socket;

/// What is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The document that `import` reads: everything, with its ids and secrets
    #[default]
    Document,
    /// A template that AWS takes
    Cloudformation,
    /// A configuration in the words of Terraform's AWS provider
    Terraform,
}

/// The options of `export`.
#[derive(Debug, Args)]
#[command(
    after_help = "The document holds secrets: API keys, and the private keys of client certificates. Templates hold none, save with --with-secrets the values of API keys.\nExample: gatewright export --format cloudformation > template.yaml"
)]
pub(crate) struct ExportOptions {
    /// What to write
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    format: Format,

    /// Only this API and what it needs, by its id; may be repeated. Not for the document
    #[arg(long = "api", value_name = "ID")]
    apis: Vec<String>,

    /// The values of API keys too. The document always has them
    #[arg(long)]
    with_secrets: bool,

    /// The template as YAML, which is the default
    #[arg(long, conflicts_with = "json")]
    yaml: bool,

    /// The template as JSON
    #[arg(long)]
    json: bool,
}

/// Writes them: from the store, or where a gateway has it open, as that gateway gives them.
pub(crate) fn run(wanted: &ExportOptions, options: Options) -> Result<(), Failure> {
    check(wanted)?;
    let (config, dir) = settings(options)?;
    drop(config);
    if !DiskStore::is_in(&dir) {
        return Err(Failure { code: exit::NO_INPUT, text: format!("export: {} holds no definitions", dir.display()) });
    }
    let document = match DiskStore::open(&dir) {
        Ok(store) => transfer::export(&store).map_err(|error| Failure::disk(format!("export: {error}")))?,
        Err(StoreError::Locked(_)) => from_running(&dir)?,
        Err(error) => return Err(Failure::disk(format!("export: {error}"))),
    };
    let text = text(wanted, &document)?;
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::disk(format!("write to standard output: {error}"))),
    }
}

/// Options that say nothing in the format that was asked for are a misunderstanding.
fn check(wanted: &ExportOptions) -> Result<(), Failure> {
    let usage = |text: &str| Err(Failure { code: exit::USAGE, text: format!("export: {text}") });
    if wanted.format == Format::Document && !wanted.apis.is_empty() {
        return usage("the document is always whole; --api goes with --format cloudformation or terraform");
    }
    if wanted.format != Format::Cloudformation && (wanted.yaml || wanted.json) {
        return usage("--yaml and --json go with --format cloudformation");
    }
    Ok(())
}

fn text(wanted: &ExportOptions, document: &Value) -> Result<String, Failure> {
    let empty = serde_json::Map::new();
    let documents = document.get("documents").and_then(Value::as_object).unwrap_or(&empty);
    let choice = Choice { apis: &wanted.apis, with_secrets: wanted.with_secrets };
    let written = match wanted.format {
        Format::Document => {
            let text = serde_json::to_string_pretty(document);
            return text
                .map(|text| text + "\n")
                .map_err(|error| Failure::disk(format!("export: write the document: {error}")));
        }
        Format::Cloudformation => {
            let notation = if wanted.json { Notation::Json } else { Notation::Yaml };
            stacks::export::cloudformation(documents, &choice, notation)
        }
        Format::Terraform => stacks::export::terraform(documents, &choice),
    };
    written.map_err(|missing| Failure { code: exit::NO_INPUT, text: format!("export: {missing}") })
}

fn from_running(dir: &Path) -> Result<Value, Failure> {
    let document = folder_socket::fetch(dir).and_then(|text| Ok(serde_json::from_slice(&text)?));
    document.map_err(|error| {
        let dir = dir.display();
        Failure::config(format!(
            "export: {dir} is in use by a running gatewright, which could not be asked ({error}): stop it first"
        ))
    })
}

/// The settings as `serve` would have them, and the data folder among them.
pub(crate) fn settings(options: Options) -> Result<(Config, PathBuf), Failure> {
    let config = Config::new(options).map_err(Failure::config)?;
    match config.settings.data_dir.clone() {
        Some(dir) => Ok((config, dir)),
        None => Err(Failure::config("nothing is kept (ephemeral): name a folder with --data-dir")),
    }
}

/// Opens the store to write to it; a gateway that runs on it is told by name, as its definitions are reached through it.
pub(crate) fn open(command: &str, dir: &std::path::Path) -> Result<DiskStore, Failure> {
    DiskStore::open(dir).map_err(|error| match error {
        StoreError::Locked(path) => {
            Failure::config(format!("{command}: {} is in use by a running gatewright: stop it first", path.display()))
        }
        error => Failure::disk(format!("{command}: {error}")),
    })
}
