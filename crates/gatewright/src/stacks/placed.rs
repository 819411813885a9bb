//! Where the code of a stack's functions is on this machine, and how it is begun.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use functions::{Brought, Settings, Start};
use serde_json::Value;
use stacks::{Code, StackFunction};
use types::arn::Home;

use super::neighbours::buckets::Buckets;
use super::neighbours::unpacked;
use super::source::Files;
use super::typescript;
use crate::own_tls::OwnTls;
use crate::placements::{self, CONCURRENCY, MEMORY, TIMEOUT};

/// What CDK writes of a folder that it would upload.
const ASSET_PATH: &str = "aws:asset:path";

/// How a stack's functions run here.
#[derive(Default)]
pub(crate) struct Placed {
    pub(crate) brought: Vec<Brought>,
    /// Functions that cannot run here: why, by their names.
    pub(crate) unplaced: Vec<(String, String)>,
    /// The files of which code was built, as they were before.
    pub(crate) built_of: Files,
}

/// Finds code.
pub(crate) struct Places {
    home: Home,
    own_tls: Option<Arc<OwnTls>>,
    /// Where code that stands in templates is written, and what is built of others'.
    folder: PathBuf,
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
        let folder = match data_dir {
            Some(dir) => dir.join("functions"),
            None => std::env::temp_dir().join(format!("gatewright-functions-{}", std::process::id())),
        };
        Places { home, own_tls, folder, buckets }
    }

    fn unpacked(&self) -> PathBuf {
        self.folder.join("unpacked")
    }

    /// Removes unpacked code from which none of these functions runs.
    pub(crate) fn tidy(&self, here: &[Settings]) {
        unpacked::make_room(&self.unpacked(), |folder| here.iter().any(|settings| settings.code.starts_with(folder)));
    }

    /// How functions run here, and why those that do not do not. `file` is the template's. In a plan nothing is written and
    /// nothing built: the code in force may stand there.
    pub(crate) fn of(&self, functions: &[StackFunction], file: &Path, is_plan: bool) -> Placed {
        let mut placed = Placed::default();
        for function in functions {
            match self.one(function, file, is_plan, &mut placed.built_of) {
                Ok(settings) => {
                    let names = vec![function.name.clone(), function.logical.clone()];
                    placed.brought.push(Brought { names, settings });
                }
                Err(why) => placed.unplaced.push((function.name.clone(), why)),
            }
        }
        placed
    }

    fn one(
        &self,
        function: &StackFunction,
        file: &Path,
        is_plan: bool,
        built_of: &mut Files,
    ) -> Result<Settings, String> {
        let beside = file.parent().unwrap_or(Path::new("/"));
        let code = self.code(function, beside, is_plan)?;
        let (code, start) = match function.runtime.as_str() {
            runtime if runtime.starts_with("provided") => (code, Start::Command(vec!["./bootstrap".to_owned()])),
            runtime if runtime.starts_with("nodejs") || runtime.starts_with("python") || runtime.is_empty() => {
                let code = match runtime.starts_with("python") || is_plan {
                    true => code,
                    false => typescript::built(&code, function, &self.own(function)?, built_of)?,
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
            timeout: function.timeout.map_or(TIMEOUT, Duration::from_secs),
            concurrency: CONCURRENCY,
            memory: function.memory.unwrap_or(MEMORY),
            home: self.home.clone(),
        };
        placements::surrounded(settings, self.own_tls.as_deref())
    }

    fn code(&self, function: &StackFunction, beside: &Path, is_plan: bool) -> Result<PathBuf, String> {
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
            return unpacked::folder(&object, &self.unpacked(), is_plan)
                .map_err(|error| nowhere(format!("{key} in the bucket {bucket}: {error}")));
        }
        match (&function.code, function.metadata.get(ASSET_PATH).and_then(Value::as_str)) {
            (Code::Local(path), _) => local(path),
            (_, Some(asset)) => local(asset),
            (Code::Inline(text), None) => self.written(function, text, is_plan),
            (Code::Image(image), None) => Err(format!(
                "it is a container's image ({image}); start that and say [functions.{}] endpoint",
                function.logical
            )),
            (Code::Bucket { bucket, key }, None) => Err(nowhere(format!("its code is {key} in the bucket {bucket}"))),
            (Code::Nowhere, None) => Err(nowhere("the template does not say where its code is".to_owned())),
        }
    }

    /// Code that stands in the template is a file called `index`. Source: documented (`ZipFile`).
    fn written(&self, function: &StackFunction, text: &str, is_plan: bool) -> Result<PathBuf, String> {
        let ending = if function.runtime.starts_with("python") { "py" } else { "js" };
        let folder = self.own(function)?;
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
        if !is_same && !is_plan {
            write().map_err(|error| format!("{}: {error}", file.display()))?;
        }
        Ok(folder)
    }

    /// The folder of a function for what is made of its code.
    fn own(&self, function: &StackFunction) -> Result<PathBuf, String> {
        let is_safe = function.name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        match is_safe && !function.name.is_empty() {
            true => Ok(self.folder.join(&function.name)),
            false => Err("its name cannot be a folder's".to_owned()),
        }
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        // What is kept nowhere goes with the program.
        if self.folder.starts_with(std::env::temp_dir()) {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
