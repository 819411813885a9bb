//! Where the code of a stack's functions is on this machine, and how it is begun.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use functions::{Brought, Settings, Start};
use serde_json::Value;
use stacks::{Code, Fault, StackFunction};
use types::arn::Home;

use super::neighbours::buckets::Buckets;
use super::neighbours::unpacked;
use super::source::Files;
use super::typescript;
use super::workshop::Workshop;
use crate::own_tls::OwnTls;
use crate::placements::{self, CONCURRENCY, MEMORY, MEMORY_RANGE, TIMEOUT, TIMEOUT_MAX};

/// What CDK writes of a folder that it would upload.
const ASSET_PATH: &str = "aws:asset:path";

/// How a stack's functions run here.
#[derive(Default)]
pub(crate) struct Placed {
    pub(crate) brought: Vec<Brought>,
    /// Functions that cannot run here: why, by their names.
    pub(crate) unplaced: Vec<(String, String)>,
    /// Functions that could not be built: what is wrong with their code.
    pub(crate) broken: Vec<Fault>,
    /// The files of which code was built, as they were before.
    pub(crate) built_of: Files,
}

/// Finds code.
pub(crate) struct Places {
    home: Home,
    own_tls: Option<Arc<OwnTls>>,
    /// Where code that stands in templates is written, and what is built of others'.
    workshop: Workshop,
    /// What deployers uploaded.
    buckets: Arc<Buckets>,
}

impl Places {
    pub(crate) fn new(
        home: Home,
        own_tls: Option<Arc<OwnTls>>,
        data_dir: Option<&Path>,
        buckets: Arc<Buckets>,
    ) -> Places {
        Places { home, own_tls, workshop: Workshop::new("functions", data_dir), buckets }
    }

    /// The program ends.
    pub(crate) fn end(&self) {
        self.workshop.end();
    }

    /// A stack is gone.
    pub(crate) fn forget(&self, stack: &str) {
        if let Ok(folder) = self.workshop.folder() {
            let _ = fs::remove_dir_all(folder.join(OF_STACKS).join(stack));
        }
    }

    fn unpacked(&self) -> Result<PathBuf, String> {
        self.workshop.folder().map(|folder| folder.join("unpacked")).map_err(|error| error.to_string())
    }

    /// Removes unpacked code from which none of these functions runs.
    pub(crate) fn tidy(&self, here: &[Settings]) {
        if let Ok(folder) = self.unpacked() {
            unpacked::make_room(&folder, |folder| here.iter().any(|settings| settings.code.starts_with(folder)));
        }
    }

    /// How the functions of a stack run here, and why those that do not do not. `file` is the template's. In a plan nothing
    /// is written and nothing built: the code in force may stand there.
    pub(crate) fn of(&self, stack: &str, functions: &[StackFunction], file: &Path, is_plan: bool) -> Placed {
        let mut placed = Placed::default();
        for function in functions {
            let mut new = New { stack, is_plan, is_new_code: false, is_broken: false, built_of: &mut placed.built_of };
            match self.one(function, file, &mut new) {
                Ok(settings) => {
                    let (logical, is_new_code) = (function.logical.clone(), new.is_new_code);
                    placed.brought.push(Brought { logical, settings, is_new_code });
                }
                Err(why) => {
                    if new.is_broken {
                        let path = format!("Resources.{}", function.logical);
                        placed.broken.push(Fault::new(why.clone(), path, function.place));
                    }
                    placed.unplaced.push((function.name.clone(), why));
                }
            }
        }
        placed
    }

    fn one(&self, function: &StackFunction, file: &Path, new: &mut New) -> Result<Settings, String> {
        let parts = function.handler.split(['/', '\\']);
        if parts.clone().any(|part| part == "..") || function.handler.starts_with('/') {
            return Err(format!("the handler {} is not below its code", function.handler));
        }
        let timeout = function.timeout.map_or(TIMEOUT, Duration::from_secs);
        if timeout.is_zero() || timeout > TIMEOUT_MAX {
            return Err(format!("its Timeout is not 1 to {} seconds", TIMEOUT_MAX.as_secs()));
        }
        let memory = function.memory.unwrap_or(MEMORY);
        if !MEMORY_RANGE.contains(&memory) {
            return Err(format!("its MemorySize is not {} to {} MB", MEMORY_RANGE.start(), MEMORY_RANGE.end()));
        }
        let beside = file.parent().unwrap_or(Path::new("/"));
        let code = self.code(function, beside, new)?;
        let (code, start) = match function.runtime.as_str() {
            runtime if runtime.starts_with("provided") => (code, Start::Command(vec!["./bootstrap".to_owned()])),
            runtime if runtime.starts_with("nodejs") || runtime.starts_with("python") || runtime.is_empty() => {
                let code = match runtime.starts_with("python") || new.is_plan {
                    true => code,
                    false => self.built(&code, function, new)?,
                };
                let runtime = (!runtime.is_empty()).then(|| runtime.to_owned());
                (code, Start::Handler { handler: function.handler.clone(), runtime })
            }
            other => {
                return Err(format!(
                    "nothing here runs {other}; say [functions.{}] command or endpoint in the settings file",
                    function.logical
                ));
            }
        };
        let settings = Settings {
            name: function.name.clone(),
            start,
            code,
            environment: function.environment.clone(),
            timeout,
            concurrency: CONCURRENCY,
            memory,
            home: self.home.clone(),
        };
        placements::surrounded(settings, self.own_tls.as_deref())
    }

    fn built(&self, code: &Path, function: &StackFunction, new: &mut New) -> Result<PathBuf, String> {
        if !typescript::is_built(code, function) {
            return Ok(code.to_owned());
        }
        let own = self.own(new.stack, function)?;
        let built = typescript::built(code, function, &own, new.built_of);
        new.is_broken = built.is_err();
        let (folder, is_new_code) = built?;
        new.is_new_code = is_new_code;
        Ok(folder)
    }

    fn code(&self, function: &StackFunction, beside: &Path, new: &mut New) -> Result<PathBuf, String> {
        let nowhere = |what: String| format!("{what}; say [functions.{}] code in the settings file", function.logical);
        let local = |path: &str| -> Result<PathBuf, String> {
            let path = beside.join(path);
            let found = path.canonicalize().map_err(|error| nowhere(format!("{}: {error}", path.display())))?;
            match found.is_dir() {
                true => Ok(found),
                false => Err(nowhere(format!("{} is no folder", found.display()))),
            }
        };
        // What was uploaded counts before the folder that it was made of, which may have changed since.
        if let Code::Bucket { bucket, key } = &function.code
            && let Some(object) = self.buckets.find(bucket, key)
        {
            return self
                .unpacked()
                .and_then(|folder| unpacked::folder(&object, &folder, new.is_plan))
                .map_err(|error| nowhere(format!("{key} in the bucket {bucket}: {error}")));
        }
        match (&function.code, function.metadata.get(ASSET_PATH).and_then(Value::as_str)) {
            (Code::Local(path), _) => local(path),
            (_, Some(asset)) => local(asset),
            (Code::Inline(text), None) => self.written(function, text, new),
            (Code::Image(image), None) => Err(format!(
                "it is a container's image ({image}); start that and say [functions.{}] endpoint",
                function.logical
            )),
            (Code::Bucket { bucket, key }, None) => Err(nowhere(format!("its code is {key} in the bucket {bucket}"))),
            (Code::Nowhere, None) => Err(nowhere("the template does not say where its code is".to_owned())),
        }
    }

    /// Code that stands in the template is a file called `index`. Source: documented (`ZipFile`).
    fn written(&self, function: &StackFunction, text: &str, new: &mut New) -> Result<PathBuf, String> {
        let ending = if function.runtime.starts_with("python") { "py" } else { "js" };
        let folder = self.own(new.stack, function)?;
        let file = folder.join(format!("index.{ending}"));
        let is_same = fs::read_to_string(&file).is_ok_and(|there| there == text);
        let write = || {
            fs::create_dir_all(&folder)?;
            // As a module where it is written as one.
            let is_module =
                ending == "js" && text.lines().any(|line| line.starts_with("export ") || line.starts_with("import "));
            let package = if is_module { r#"{"type": "module"}"# } else { "{}" };
            fs::write(folder.join("package.json"), package)?;
            fs::write(&file, text)
        };
        if !is_same && !new.is_plan {
            write().map_err(|error| format!("{}: {error}", file.display()))?;
            new.is_new_code = true;
        }
        Ok(folder)
    }

    /// The folder of a function for what is made of its code.
    fn own(&self, stack: &str, function: &StackFunction) -> Result<PathBuf, String> {
        let is_safe = function.name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !is_safe || function.name.is_empty() {
            return Err("its name cannot be a folder's".to_owned());
        }
        let folder = self.workshop.folder().map_err(|error| format!("a folder for its code: {error}"))?;
        Ok(folder.join(OF_STACKS).join(stack).join(&function.name))
    }
}

/// Below which what is made of the code of stacks' functions is.
const OF_STACKS: &str = "stacks";

/// What comes of one function.
struct New<'n> {
    stack: &'n str,
    is_plan: bool,
    is_new_code: bool,
    /// Its code could not be built.
    is_broken: bool,
    built_of: &'n mut Files,
}
