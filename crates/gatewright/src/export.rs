//! `gatewright export`: all stored definitions as one JSON document on standard output.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use control::store::{DiskStore, StoreError};
use control::transfer;

use crate::args::Options;
use crate::config::Config;
use crate::exit::{self, Failure};
use crate::folder_socket;

/// Writes the document: from the store, or where a gateway has it open, as that gateway gives it.
pub(crate) fn run(options: Options) -> Result<(), Failure> {
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
    let mut text = serde_json::to_string_pretty(&document)
        .map_err(|error| Failure::disk(format!("export: write the document: {error}")))?;
    text.push('\n');
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::disk(format!("write to standard output: {error}"))),
    }
}

fn from_running(dir: &Path) -> Result<serde_json::Value, Failure> {
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
