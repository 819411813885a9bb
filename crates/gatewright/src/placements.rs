//! `[functions.NAME]` of the settings file: where each Lambda function runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use functions::{Directory, Placement, Settings, Start, Voice};
use integration::{Http, LambdaEndpoint, ServicePlace, Signer};
use serde::Deserialize;
use types::arn::Home;
use types::limits::time;

use crate::aws;
use crate::choices::LogLevel;
use crate::config::{Said, SettingKind};
use crate::logs::Log;
use crate::origin::Origin;
use crate::own_tls::{self, OwnTls};

/// As on AWS, where nobody says otherwise. Source: documented.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(3);
/// The longest that AWS lets a function run. Source: documented.
pub(crate) const TIMEOUT_MAX: Duration = Duration::from_secs(900);
/// How many processes a function has at most, where nobody says otherwise, and how many can be asked for.
pub(crate) const CONCURRENCY: usize = 10;
const CONCURRENCY_MAX: usize = 1000;
/// In MB. Source: documented (default, least and most).
pub(crate) const MEMORY: u32 = 128;
pub(crate) const MEMORY_RANGE: std::ops::RangeInclusive<u32> = 128..=10_240;

/// A function as the file has it: `[functions.chat]`, by its name, `name:alias` or ARN; `[functions."*"]` for the others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Filed {
    handler: Option<String>,
    runtime: Option<String>,
    command: Option<Vec<String>>,
    code: Option<PathBuf>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    timeout: Option<String>,
    concurrency: Option<usize>,
    memory: Option<u32>,
    endpoint: Option<String>,
}

/// Where one runs.
#[derive(Clone, Debug)]
pub(crate) enum Where {
    Here(Settings),
    There(ServicePlace),
}

/// Checks the functions.
///
/// # Errors
/// One sentence that names the file, the function and what would fit.
pub(crate) fn read(
    file: &Path,
    filed: BTreeMap<String, Filed>,
    place: &Home,
) -> Result<BTreeMap<String, Where>, String> {
    let beside = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let function = |(name, filed): (String, Filed)| {
        let found = one(&name, filed, beside, place);
        let found = found.map_err(|error| format!("settings file {}: functions.{name}: {error}", file.display()))?;
        Ok((name, found))
    };
    filed.into_iter().map(function).collect()
}

/// The functions as lines of `gatewright config`. What their environment holds is not shown.
pub(crate) fn said(functions: &BTreeMap<String, Where>, file: &Path) -> Vec<Said> {
    let line = |(name, place): (&String, &Where)| {
        let text = match place {
            Where::There(place) => place.to_string(),
            Where::Here(settings) => match &settings.start {
                Start::Command(command) => command.join(" "),
                Start::Handler { handler, .. } => format!("{handler} in {}", settings.code.display()),
            },
        };
        Said {
            name: format!("functions {name}"),
            kind: SettingKind::Tables,
            text,
            origin: Origin::File(file.to_owned()),
        }
    };
    functions.iter().map(line).collect()
}

fn one(name: &str, filed: Filed, beside: &Path, place: &Home) -> Result<Where, String> {
    let Filed { handler, runtime, command, code, environment, timeout, concurrency, memory, endpoint } = filed;
    let start = match (handler, command, endpoint) {
        (None, None, Some(url)) => {
            return aws::place(&url).map(Where::There).map_err(|error| format!("endpoint: {error}"));
        }
        (Some(handler), None, None) => Start::Handler { handler, runtime },
        (None, Some(command), None) if runtime.is_none() => Start::Command(command),
        _ => return Err("it takes one of handler (with runtime), command and endpoint".to_owned()),
    };
    let timeout = match timeout {
        None => TIMEOUT,
        Some(text) => {
            let timeout = time(&text).filter(|timeout| !timeout.is_zero() && *timeout <= TIMEOUT_MAX);
            timeout.ok_or_else(|| format!("timeout: `{text}` is no time up to 15m, such as 10s"))?
        }
    };
    let concurrency = concurrency.unwrap_or(CONCURRENCY);
    if !(1..=CONCURRENCY_MAX).contains(&concurrency) {
        return Err(format!("concurrency: {concurrency} is not from 1 to {CONCURRENCY_MAX}"));
    }
    let memory = memory.unwrap_or(MEMORY);
    if !MEMORY_RANGE.contains(&memory) {
        return Err(format!("memory: {memory} is not from {} to {} (MB)", MEMORY_RANGE.start(), MEMORY_RANGE.end()));
    }
    let code = beside.join(code.unwrap_or_default());
    let code = code.canonicalize().map_err(|error| format!("code: {}: {error}", code.display()))?;
    Ok(Where::Here(Settings {
        name: name.to_owned(),
        start,
        code,
        environment: environment.into_iter().collect(),
        timeout,
        concurrency,
        memory,
        home: place.clone(),
    }))
}

/// The function of `serve --function FILE`: the file, and what of it is called.
#[derive(Clone, Debug)]
pub(crate) struct OneFile {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    pub(crate) handler: String,
}

impl OneFile {
    /// Reads `handler.mjs`, `app.py` or `app.py:lambda_handler`.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub(crate) fn read(text: &str) -> Result<OneFile, String> {
        let (file, export) = match text.rsplit_once(':') {
            Some((file, export)) if !export.contains(['/', '.']) => (file, Some(export)),
            _ => (text, None),
        };
        let given = Path::new(file);
        let ending = given.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if !matches!(ending, "mjs" | "js" | "cjs" | "py") {
            return Err(format!("`{text}` is no handler's file, such as handler.mjs or app.py"));
        }
        let file_found = given.canonicalize().map_err(|error| format!("{file}: {error}"))?;
        let stem = file_found.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if stem.contains('.') {
            return Err(format!(
                "`{text}`: a dot in the name of a handler's file is taken for its export; rename the file"
            ));
        }
        let export = match export {
            Some(export) => export,
            // The console's template for Python calls it so.
            None if ending == "py" && has_lambda_handler(&file_found) => "lambda_handler",
            None => "handler",
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let name: String = stem.chars().map(|c| if fits(c) { c } else { '-' }).collect();
        Ok(OneFile { name, handler: format!("{stem}.{export}"), file: file_found })
    }

    /// The function's ARN, by which definitions name it.
    pub(crate) fn arn(&self, place: &Home) -> String {
        format!("arn:aws:lambda:{}:{}:function:{}", place.region, place.account_id, self.name)
    }

    fn settings(&self, place: &Home) -> Settings {
        Settings {
            name: self.name.clone(),
            start: Start::Handler { handler: self.handler.clone(), runtime: None },
            code: self.file.parent().unwrap_or(Path::new("/")).to_owned(),
            environment: Vec::new(),
            // As long as the gateway waits for it.
            timeout: Duration::from_secs(29),
            concurrency: CONCURRENCY,
            memory: MEMORY,
            home: place.clone(),
        }
    }
}

fn has_lambda_handler(file: &Path) -> bool {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.contains("def lambda_handler(") && !text.contains("def handler(")
}

/// Where functions run, put together: those of the file, the one file of `--function`, and everything else at the endpoint,
/// where there is one.
///
/// # Errors
/// A sentence that names the function.
pub(crate) fn directory(
    mut by_name: BTreeMap<String, Where>,
    one_file: Option<(&OneFile, &Home)>,
    rest: Option<ServicePlace>,
    own_tls: Option<&OwnTls>,
    (http, signer): (&Arc<Http>, &Arc<dyn Signer>),
    log: &Log,
) -> Result<Arc<Directory>, String> {
    if let Some((one, place)) = one_file {
        by_name.insert(one.name.clone(), Where::Here(one.settings(place)));
    }
    if let Some(place) = rest {
        by_name.entry("*".to_owned()).or_insert(Where::There(place));
    }
    let place = |(name, place): (String, Where)| {
        let placement = match place {
            Where::Here(settings) => Placement::Here(surrounded(settings, own_tls)?),
            Where::There(place) => {
                Placement::There(Box::new(LambdaEndpoint::new(http.clone(), place, Some(signer.clone()))))
            }
        };
        Ok((name, placement))
    };
    let placements = by_name.into_iter().map(place).collect::<Result<Vec<_>, String>>()?;
    let voice: Arc<dyn Voice> = Arc::new(Spoken(log.clone()));
    Directory::new(placements, &voice).map(Arc::new)
}

/// With the variables that let its SDKs reach this gateway.
///
/// # Errors
/// What it is to trust could not be written.
pub(crate) fn surrounded(settings: Settings, own_tls: Option<&OwnTls>) -> Result<Settings, String> {
    let trusted = own_tls.map(OwnTls::bundle).transpose()?;
    Ok(with_trust(with_credentials(settings), trusted))
}

// An SDK signs with something: whoever has no keys gets some that nothing stands behind, as the banner's.
fn with_credentials(mut settings: Settings) -> Settings {
    let is_given =
        |name: &str| std::env::var_os(name).is_some() || settings.environment.iter().any(|(given, _)| given == name);
    if !is_given("AWS_ACCESS_KEY_ID") && !is_given("AWS_PROFILE") {
        let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        settings.environment.extend(keys.map(|name| (name.to_owned(), "local".to_owned())));
    }
    settings
}

// So that it reaches this gateway at the address that it makes for AWS.
fn with_trust(mut settings: Settings, trusted: Option<&Path>) -> Settings {
    let Some(file) = trusted.and_then(Path::to_str) else { return settings };
    for name in own_tls::VARIABLES {
        if !settings.environment.iter().any(|(given, _)| given == name) {
            settings.environment.push(((*name).to_owned(), file.to_owned()));
        }
    }
    settings
}

/// What functions say goes to the program's log.
struct Spoken(Log);

impl Voice for Spoken {
    fn printed(&self, function: &str, request_id: Option<&str>, line: &str) {
        self.told(function, request_id, line);
    }

    fn told(&self, function: &str, request_id: Option<&str>, text: &str) {
        let id = request_id.map(|id| format!(" {id}")).unwrap_or_default();
        self.0.say(LogLevel::Info, format!("function {function}{id}: {text}"));
    }

    fn is_heard(&self) -> bool {
        self.0.says(LogLevel::Info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(text: &str) -> Result<Where, String> {
        let place = Home { region: "us-east-1".to_owned(), account_id: "000000000000".to_owned() };
        one("f", toml::from_str(text).unwrap(), Path::new(env!("CARGO_MANIFEST_DIR")), &place)
    }

    #[test]
    fn a_function_is_a_handler_a_command_or_an_endpoint() {
        let Ok(Where::Here(settings)) = read_one(
            "handler = \"app.handler\"\nruntime = \"nodejs20.x\"\ncode = \"src\"\nmemory = 512\n[environment]\nA = \"b\"",
        ) else {
            panic!("a handler");
        };
        assert!(settings.code.ends_with("gatewright/src"));
        assert_eq!((settings.timeout, settings.concurrency, settings.memory), (TIMEOUT, CONCURRENCY, 512));
        assert_eq!(settings.environment, [("A".to_owned(), "b".to_owned())]);
        assert!(matches!(read_one("endpoint = \"http://127.0.0.1:9001\""), Ok(Where::There(ServicePlace::At(_)))));
        assert!(matches!(read_one("endpoint = \"aws\""), Ok(Where::There(ServicePlace::Aws))));
        let command = read_one("command = [\"node\", \"x.mjs\"]\ntimeout = \"15m\"");
        assert!(matches!(command, Ok(Where::Here(Settings { start: Start::Command(_), .. }))));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (text, part) in [
            ("", "one of handler"),
            ("handler = \"a.b\"\nendpoint = \"http://a\"", "one of handler"),
            ("command = [\"a\"]\nruntime = \"nodejs20.x\"", "one of handler"),
            ("endpoint = \"a\"", "endpoint: "),
            ("handler = \"a.b\"\ntimeout = \"16m\"", "`16m` is no time up to 15m"),
            ("handler = \"a.b\"\nconcurrency = 0", "concurrency: 0"),
            ("handler = \"a.b\"\nmemory = 1", "memory: 1 is not from 128"),
            ("handler = \"a.b\"\ncode = \"nowhere\"", "nowhere: "),
        ] {
            assert!(read_one(text).is_err_and(|error| error.contains(part)), "{text}");
        }
    }

    #[test]
    fn a_file_is_a_handler_by_its_ending() {
        let folder = env!("CARGO_MANIFEST_DIR");
        for wrong in ["handler", "src/main.rs", "nowhere.mjs", "handler.mjs:a.b"] {
            assert!(OneFile::read(wrong).is_err(), "{wrong}");
        }
        let one = OneFile::read(&format!("{folder}/../../examples/express-chat/server.js:run"));
        assert!(one.is_ok_and(|one| (one.name.as_str(), one.handler.as_str()) == ("server", "server.run")));
    }
}
