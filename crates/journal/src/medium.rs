//! What the journal is written to: a folder of numbered files. The tests have one that fails.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder of numbered files.
pub trait Folder: Send {
    /// The numbers of the files that there are, in order.
    ///
    /// # Errors
    /// As the system has it; so below.
    fn numbers(&self) -> io::Result<Vec<u64>>;
    /// A new file.
    ///
    /// # Errors
    /// Also where there is one of that number.
    fn create(&self, number: u64) -> io::Result<Arc<dyn Medium>>;
    /// What is in a file.
    ///
    /// # Errors
    /// As the system has it.
    fn read(&self, number: u64) -> io::Result<Vec<u8>>;
    /// Removes a file.
    ///
    /// # Errors
    /// As the system has it.
    fn remove(&self, number: u64) -> io::Result<()>;
    /// Where that is, for people.
    fn place(&self) -> String;
}

/// An open file.
pub trait Medium: Send + Sync {
    /// Writes all of it there. On an error some may be written.
    ///
    /// # Errors
    /// As the system has it.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Makes what was written so far survive the loss of power.
    ///
    /// # Errors
    /// As the system has it.
    fn sync(&self) -> io::Result<()>;
}

/// A folder on disk. Its files are the owner's alone: what clients are identified by stands in them.
#[derive(Debug)]
pub struct Disk(PathBuf);

impl Disk {
    /// The folder; it is made where it is not there.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn new(path: &Path) -> io::Result<Disk> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Disk(path.to_owned()))
    }

    fn path(&self, number: u64) -> PathBuf {
        self.0.join(format!("{number:012}.journal"))
    }
}

impl Folder for Disk {
    fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".journal")?.parse::<u64>().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn create(&self, number: u64) -> io::Result<Arc<dyn Medium>> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path(number))?;
        // The name has to survive as well.
        File::open(&self.0)?.sync_all()?;
        Ok(Arc::new(file))
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        fs::read(self.path(number))
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        fs::remove_file(self.path(number))
    }

    fn place(&self) -> String {
        self.0.display().to_string()
    }
}

impl Medium for File {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
