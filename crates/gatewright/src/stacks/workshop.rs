//! A folder of ours for what is made of templates: in the data folder, or one that goes with the program.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder. It is made when it is first needed.
pub(crate) struct Workshop {
    name: &'static str,
    data_dir: Option<PathBuf>,
    made: OnceLock<PathBuf>,
}

impl Workshop {
    pub(crate) fn new(name: &'static str, data_dir: Option<&Path>) -> Workshop {
        // What runs in other folders must find it.
        let data_dir = data_dir.map(|dir| std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()));
        Workshop { name, data_dir, made: OnceLock::new() }
    }

    /// The folder, which is there.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn folder(&self) -> io::Result<&Path> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let folder = match &self.data_dir {
            Some(dir) => {
                let folder = dir.join(self.name);
                DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
                folder
            }
            // Nobody else may have made it, or look into it: what is in there is run.
            None => {
                let name = format!("gatewright-{}-{:032x}", self.name, rand::random::<u128>());
                let folder = std::env::temp_dir().join(name);
                DirBuilder::new().mode(0o700).create(&folder)?;
                folder
            }
        };
        Ok(self.made.get_or_init(|| folder))
    }

    /// Takes it away where nothing is kept: the program ends.
    pub(crate) fn end(&self) {
        if let (None, Some(made)) = (&self.data_dir, self.made.get()) {
            let _ = fs::remove_dir_all(made);
        }
    }
}
