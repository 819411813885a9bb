//! `gatewright import`: definitions that `export` wrote, back into a data folder, without a server.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use control::transfer::{self, ImportError, Imported};

use crate::args::Options;
use crate::exit::Failure;
use crate::export;

/// The largest document that is read. Ours: as many definitions as the default limits allow, and more.
const DOCUMENT_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Reads, checks and stores the document.
pub(crate) fn run(file: &Path, replace: bool, options: Options) -> Result<(), Failure> {
    let text = read(file)?;
    let (config, dir) = export::settings(options)?;
    let settings = control::Settings {
        limits: config.limits.clone(),
        ..control::Settings::new(config.home(), config.settings.listen.to_string())
    };
    let store = export::open("import", &dir)?;
    match transfer::import(&settings, &store, &text, replace) {
        Ok(Imported { count, remarks }) => {
            remarks.iter().for_each(|remark| eprintln!("gatewright: import: {remark}"));
            eprintln!("gatewright: imported {count} definitions into {}", dir.display());
            Ok(())
        }
        Err(ImportError::NotEmpty(count)) => Err(Failure::config(format!(
            "import: {} holds {count} definitions already: --replace takes their place",
            dir.display()
        ))),
        Err(ImportError::Store(error)) => Err(Failure::disk(format!("import: {error}"))),
        Err(error) => Err(Failure::data(format!("import: {}: {error}", file.display()))),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| {
        let Failure { code, text } = Failure::no_input(path, &error);
        Failure { code, text: format!("import: {text}") }
    };
    let mut text = Vec::new();
    let reader: Box<dyn Read> =
        if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path).map_err(failed)?) };
    reader.take(DOCUMENT_BYTES_MAX).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 == DOCUMENT_BYTES_MAX {
        return Err(Failure::data(format!("import: {} is larger than {DOCUMENT_BYTES_MAX} bytes", path.display())));
    }
    Ok(text)
}
