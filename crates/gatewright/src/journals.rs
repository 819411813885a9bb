//! The journal of open connections beside the store: opened with what an earlier life left.

use std::sync::Arc;

use ::journal::{Disk, Durability, Journal, Left};

use crate::choices::{JournalMode, LogLevel};
use crate::config::Config;
use crate::exit::Failure;
use crate::logs::Log;

/// The folder, in that of the data.
const FOLDER: &str = "journal";

/// Opens the journal; `None` where nothing is kept, or none is wanted.
///
/// # Errors
/// Where its folder cannot be made or read.
pub(crate) fn open(config: &Config, log: &Log) -> Result<Option<(Journal, Left)>, Failure> {
    let settings = &config.settings;
    let durability = match settings.journal {
        JournalMode::Off => return Ok(None),
        JournalMode::Process => Durability::Process,
        JournalMode::Disk => Durability::Disk,
    };
    let Some(folder) = settings.data_dir.as_ref().map(|dir| dir.join(FOLDER)) else { return Ok(None) };
    let wrong = |error: std::io::Error| Failure::disk(format!("{}: {error}", folder.display()));
    let disk = Disk::new(&folder).map_err(wrong)?;
    let said = log.clone();
    let say = Box::new(move |text| said.say(LogLevel::Warn, text));
    let (journal, left) = Journal::open(Arc::new(disk), durability, say).map_err(wrong)?;
    Ok(Some((journal, left)))
}

/// Says what was left; gives how many connections.
pub(crate) fn say(left: &Left, log: &Log) {
    left.remarks.iter().for_each(|remark| log.say(LogLevel::Warn, remark.clone()));
    let text = match left.connections.len() {
        0 => return,
        1 => "1 connection was open when the program ended last; its $disconnect runs now".to_owned(),
        count => format!("{count} connections were open when the program ended last; their $disconnect runs now"),
    };
    log.say(LogLevel::Warn, text);
}
