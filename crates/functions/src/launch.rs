//! How a function's process is begun: from a command, or from a handler and what runs it.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// A function as the settings have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What definitions call it: a name, or `name:alias`.
    pub name: String,
    /// What to begin: a command that speaks the Runtime API, or a handler.
    pub start: Start,
    /// The folder of its code, where it is begun.
    pub code: PathBuf,
    /// Variables beside those that Lambda sets.
    pub environment: Vec<(String, String)>,
    /// How long one call may take.
    pub timeout: Duration,
    /// How many processes it has at most.
    pub concurrency: usize,
    /// What it is told of its memory, in MB; nobody holds it to that.
    pub memory: u32,
    /// The region and account that its ARN names.
    pub home: types::arn::Home,
}

/// What a function's process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A program and its arguments.
    Command(Vec<String>),
    /// A handler such as `app.handler`.
    Handler {
        /// File without its ending, a dot, what it exports.
        handler: String,
        /// `nodejs20.x`, `python3.11`, …; `None`: by the file.
        runtime: Option<String>,
    },
}

const NODE: &str = include_str!("bootstrap/node.mjs");
const PYTHON: &str = include_str!("bootstrap/python.py");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Node,
    Python,
}

impl Settings {
    /// The program and its arguments.
    ///
    /// # Errors
    /// A sentence: the folder or the handler's file is not there, or nobody knows what runs it.
    pub(crate) fn command(&self) -> Result<Vec<String>, String> {
        if !self.code.is_dir() {
            return Err(format!("code: {} is no folder", self.code.display()));
        }
        match &self.start {
            Start::Command(command) => {
                let program = command.first().ok_or("command is empty")?;
                match program.contains('/') || is_on_path(program) {
                    true => Ok(command.clone()),
                    false => Err(format!("command: there is no program {program} on the PATH")),
                }
            }
            Start::Handler { handler, runtime } => {
                let family = match runtime {
                    Some(runtime) => of_runtime(runtime)?,
                    None => of_file(&self.code, handler)?,
                };
                let command = self.runs(family, handler, runtime.as_deref());
                match is_on_path(&command[0]) {
                    true => Ok(command),
                    false => Err(format!("handler: {} is not installed (nowhere on the PATH)", command[0])),
                }
            }
        }
    }

    // The official client where the function's own folder has it, else our own.
    fn runs(&self, family: Family, handler: &str, runtime: Option<&str>) -> Vec<String> {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        match family {
            Family::Node if self.code.join("node_modules/aws-lambda-ric/bin/index.mjs").is_file() => {
                owned(&["node", "node_modules/aws-lambda-ric/bin/index.mjs", handler])
            }
            Family::Node => owned(&["node", "--input-type=module", "--eval", NODE]),
            Family::Python => {
                let exact = runtime.filter(|runtime| is_on_path(runtime)).unwrap_or("python3");
                match self.code.join("awslambdaric").is_dir() {
                    true => owned(&[exact, "-m", "awslambdaric", handler]),
                    false => owned(&[exact, "-c", PYTHON]),
                }
            }
        }
    }

    /// What the process finds in its environment, beside what ours has. Source: documented ("Using Lambda environment
    /// variables"); `AWS_LAMBDA_LOG_STREAM_NAME` has the form of AWS's.
    pub(crate) fn variables(&self, runtime_api: &str) -> Vec<(String, String)> {
        let (region, code) = (self.home.region.as_str(), self.code.display().to_string());
        let base = self.name.split(':').next().unwrap_or_default();
        let memory = self.memory.to_string();
        let log_group = format!("/aws/lambda/{base}");
        let mut all: Vec<(String, String)> = [
            ("AWS_LAMBDA_RUNTIME_API", runtime_api),
            ("AWS_LAMBDA_FUNCTION_NAME", base),
            ("AWS_LAMBDA_FUNCTION_VERSION", self.version()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", &log_group),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "gatewright"),
            ("AWS_REGION", region),
            ("AWS_DEFAULT_REGION", region),
            ("LAMBDA_TASK_ROOT", &code),
            ("LAMBDA_RUNTIME_DIR", &code),
            ("TZ", ":UTC"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        if let Start::Handler { handler, runtime } = &self.start {
            all.push(("_HANDLER".to_owned(), handler.clone()));
            let runtime =
                runtime.as_ref().map(|runtime| ("AWS_EXECUTION_ENV".to_owned(), format!("AWS_Lambda_{runtime}")));
            all.extend(runtime);
        }
        all.extend(self.environment.iter().cloned());
        all
    }

    /// The function's ARN, with the alias that it has in its name.
    pub fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:function:{}", self.home.region, self.home.account_id, self.name)
    }

    fn version(&self) -> &str {
        match self.name.split_once(':') {
            Some((_, qualifier)) if qualifier.bytes().all(|byte| byte.is_ascii_digit()) => qualifier,
            _ => "$LATEST",
        }
    }
}

fn of_runtime(runtime: &str) -> Result<Family, String> {
    match runtime {
        _ if runtime.starts_with("nodejs") => Ok(Family::Node),
        _ if runtime.starts_with("python") => Ok(Family::Python),
        _ => Err(format!(
            "runtime: `{runtime}` is not one that runs here by itself (nodejs…, python…); give `command = [\"…\"]`, \
             a program that speaks the Lambda Runtime API"
        )),
    }
}

fn of_file(code: &Path, handler: &str) -> Result<Family, String> {
    let Some((file, _)) = handler.rsplit_once('.') else {
        return Err(format!("handler: `{handler}` is no FILE.EXPORT, such as app.handler"));
    };
    let has = |endings: &[&str]| endings.iter().any(|ending| code.join(format!("{file}.{ending}")).is_file());
    match () {
        () if has(&["mjs", "js", "cjs"]) => Ok(Family::Node),
        () if has(&["py"]) => Ok(Family::Python),
        () => Err(format!("handler: there is no {file}.mjs, .js, .cjs or .py in {}", code.display())),
    }
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(name: &str, handler: &str, runtime: Option<&str>) -> Settings {
        let home = types::arn::Home { region: "eu-west-1".to_owned(), account_id: "123456789012".to_owned() };
        Settings {
            name: name.to_owned(),
            start: Start::Handler { handler: handler.to_owned(), runtime: runtime.map(str::to_owned) },
            code: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
            environment: vec![("TABLE".to_owned(), "t".to_owned())],
            timeout: Duration::from_secs(3),
            concurrency: 1,
            memory: 256,
            home,
        }
    }

    #[test]
    fn what_runs_a_handler_is_told_by_runtime_or_file() {
        for (handler, runtime, program) in [
            ("app.handler", Some("nodejs20.x"), "node"),
            ("app.handler", Some("python0.1"), "python3"),
            ("src/bootstrap/node.handler", None, "node"),
            ("src/bootstrap/python.handler", None, "python3"),
        ] {
            assert_eq!(settings("f", handler, runtime).command().unwrap()[0], program, "{handler} {runtime:?}");
        }
    }

    #[test]
    fn what_cannot_be_begun_is_named() {
        for (handler, runtime, part) in [
            ("app.handler", Some("ruby3.3"), "`ruby3.3` is not one"),
            ("app", None, "`app` is no FILE.EXPORT"),
            ("app.handler", None, "there is no app.mjs"),
        ] {
            let said = settings("f", handler, runtime).command().unwrap_err();
            assert!(said.contains(part), "{said}");
        }
        let mut nowhere = settings("f", "app.handler", None);
        nowhere.code = PathBuf::from("there/is/none");
        assert!(nowhere.command().unwrap_err().contains("there/is/none is no folder"));
    }

    #[test]
    fn a_process_finds_what_lambda_sets() {
        let all = settings("chat:live", "app.handler", Some("nodejs20.x")).variables("127.0.0.1:9");
        let get = |name: &str| all.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        for (name, value) in [
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9"),
            ("AWS_LAMBDA_FUNCTION_NAME", "chat"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/chat"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_nodejs20.x"),
            ("_HANDLER", "app.handler"),
            ("TABLE", "t"),
        ] {
            assert_eq!(get(name), Some(value), "{name}");
        }
    }
}
