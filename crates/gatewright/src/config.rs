//! What was meant: complete, checked settings, each with its origin.
//!
//! An option of the command line wins over its environment variable, that over the settings file, that over the
//! default.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::ValueEnum;
use clap::parser::ValueSource;
use serde::Deserialize;
use types::arn::Place;
use types::limits::{Limits, TABLE};

use crate::args::{LogFormat, LogLevel, Options};

/// Complete settings.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    /// `None`: nothing is kept.
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) backend: Option<String>,
    pub(crate) place: Place,
    pub(crate) limits: Limits,
    pub(crate) log_level: LogLevel,
    pub(crate) log_format: LogFormat,
    /// Name, value, origin; in the order of the documentation.
    pub(crate) origins: Vec<(String, String, Origin)>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Option,
    Environment(String),
    File(PathBuf),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Option => f.write_str("command line"),
            Origin::Environment(name) => write!(f, "environment, {name}"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// The settings file. Unknown names are refused, so that a typing mistake is not silent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    listen: Option<String>,
    admin: Option<String>,
    data_dir: Option<PathBuf>,
    ephemeral: Option<bool>,
    backend: Option<String>,
    region: Option<String>,
    account_id: Option<String>,
    log_level: Option<String>,
    log_format: Option<String>,
    insecure: Option<bool>,
    #[serde(default)]
    limits: BTreeMap<String, toml::Value>,
}

/// Collects the values one by one and notes each one's origin.
struct Collector<'m> {
    matches: &'m ArgMatches,
    file: PathBuf,
    origins: Vec<(String, String, Origin)>,
}

impl Collector<'_> {
    fn typed_origin(&self, name: &str) -> Origin {
        let variable = format!("GATEWRIGHT_{}", name.replace('-', "_").to_uppercase());
        match self.matches.value_source(&name.replace('-', "_")) {
            Some(ValueSource::EnvVariable) => Origin::Environment(variable),
            _ => Origin::Option,
        }
    }

    fn take<T>(
        &mut self,
        name: &str,
        typed: Option<T>,
        filed: Option<T>,
        default: Option<T>,
        print: impl Fn(&T) -> String,
    ) -> Option<T> {
        let (value, origin) = match (typed, filed) {
            (Some(value), _) => (Some(value), self.typed_origin(name)),
            (None, Some(value)) => (Some(value), Origin::File(self.file.clone())),
            (None, None) => (default, Origin::Default),
        };
        let printed = value.as_ref().map_or_else(|| "–".to_owned(), print);
        self.origins.push((name.to_owned(), printed, origin));
        value
    }
}

impl Config {
    /// Puts the settings together and checks them.
    ///
    /// # Errors
    /// One sentence that names the setting, its value and what would fit.
    pub(crate) fn new(options: Options, matches: &ArgMatches) -> Result<Config, String> {
        let (path, file) = read_file(options.config.as_deref())?;
        let mut collector = Collector { matches, file: path.clone(), origins: Vec::new() };
        let text = |text: &String| text.clone();
        let listen = collector.take("listen", options.listen, file.listen, Some("127.0.0.1:4510".to_owned()), text);
        let listen = address("listen", &listen.unwrap_or_default())?;
        let admin = collector.take("admin", options.admin, file.admin, None, text);
        let admin = admin.map(|admin| address("admin", &admin)).transpose()?;
        let ephemeral_typed = options.ephemeral.then_some(true);
        let ephemeral = collector.take("ephemeral", ephemeral_typed, file.ephemeral, Some(false), bool::to_string);
        let default_dir = Some(PathBuf::from("gatewright-data"));
        let data_dir_given = options.data_dir.is_some();
        let data_dir =
            collector.take("data-dir", options.data_dir, file.data_dir, default_dir, |path| path.display().to_string());
        if ephemeral == Some(true) && data_dir_given {
            return Err("--ephemeral keeps nothing, so --data-dir cannot be given with it".to_owned());
        }
        let backend = collector.take("backend", options.backend, file.backend, None, text);
        if let Some(url) = backend.as_deref().filter(|url| !url.starts_with("http://") && !url.starts_with("https://"))
        {
            return Err(format!("backend: `{url}` is no http:// or https:// URL"));
        }
        let region = collector.take("region", options.region, file.region, Some("us-east-1".to_owned()), text);
        let region = region.unwrap_or_default();
        if region.is_empty() || !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(format!(
                "region: `{region}` is no region name: letters, digits and hyphens, such as us-east-1"
            ));
        }
        let account =
            collector.take("account-id", options.account_id, file.account_id, Some("000000000000".to_owned()), text);
        let account_id = account.unwrap_or_default();
        if account_id.len() != 12 || !account_id.chars().all(|c| c.is_ascii_digit()) {
            return Err(format!("account-id: `{account_id}` is no account id: 12 digits"));
        }
        let filed = file.log_level.map(|text| choice("log-level", &text)).transpose()?;
        let log_level = collector.take("log-level", options.log_level, filed, Some(LogLevel::Info), print_choice);
        let filed = file.log_format.map(|text| choice("log-format", &text)).transpose()?;
        let log_format = collector.take("log-format", options.log_format, filed, Some(LogFormat::Human), print_choice);
        let insecure_typed = options.insecure.then_some(true);
        let insecure = collector.take("insecure", insecure_typed, file.insecure, Some(false), bool::to_string);
        check_exposure(listen, admin, insecure == Some(true))?;
        let limits = limits(&mut collector, &options.limits, &file.limits)?;
        Ok(Config {
            listen,
            admin,
            data_dir: data_dir.filter(|_| ephemeral != Some(true)),
            backend,
            place: Place { region, account_id },
            limits,
            log_level: log_level.unwrap_or(LogLevel::Info),
            log_format: log_format.unwrap_or(LogFormat::Human),
            origins: collector.origins,
        })
    }

    /// The settings as a table for people: name, value, origin.
    pub(crate) fn print(&self) -> String {
        let width = |column: fn(&(String, String, Origin)) -> usize| self.origins.iter().map(column).max().unwrap_or(0);
        let names = width(|(name, ..)| name.len());
        let values = width(|(_, value, _)| value.chars().count());
        let rows =
            self.origins.iter().map(|(name, value, origin)| format!("{name:names$}  {value:values$}  {origin}\n"));
        rows.collect()
    }
}

fn read_file(given: Option<&Path>) -> Result<(PathBuf, File), String> {
    let path = given.unwrap_or(Path::new("gatewright.toml")).to_owned();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if given.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok((path, File::default()));
        }
        Err(error) => return Err(format!("settings file {}: {error}", path.display())),
    };
    let file = toml::from_str(&text).map_err(|error| format!("settings file {}: {error}", path.display()))?;
    Ok((path, file))
}

fn address(name: &str, text: &str) -> Result<SocketAddr, String> {
    let wrong = || format!("{name}: `{text}` is no address and port, such as 127.0.0.1:4510");
    text.to_socket_addrs().map_err(|_| wrong())?.next().ok_or_else(wrong)
}

fn choice<T: ValueEnum>(name: &str, text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| {
        let known: Vec<_> = T::value_variants().iter().map(print_choice).collect();
        format!("{name}: `{text}` is none of {}", known.join(", "))
    })
}

fn print_choice<T: ValueEnum>(value: &T) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

// Nothing checks signatures yet, so whoever reaches the program may do everything.
fn check_exposure(listen: SocketAddr, admin: Option<SocketAddr>, insecure: bool) -> Result<(), String> {
    let exposed = [("listen", Some(listen)), ("admin", admin)];
    let exposed =
        exposed.iter().find_map(|(name, address)| address.filter(|a| !a.ip().is_loopback()).map(|a| (name, a)));
    let Some((name, address)) = exposed else { return Ok(()) };
    if !insecure {
        return Err(format!(
            "{name}: {address} is reachable from other machines and calls are not authenticated; listen on 127.0.0.1, or \
             say --insecure if the network is yours"
        ));
    }
    if admin.is_none() {
        return Err(format!(
            "{name}: {address} is not loopback; give --admin an address of its own for the control plane"
        ));
    }
    Ok(())
}

fn limits(
    collector: &mut Collector<'_>,
    typed: &[String],
    filed: &BTreeMap<String, toml::Value>,
) -> Result<Limits, String> {
    let mut limits = Limits::default();
    let mut origins: BTreeMap<&str, Origin> = BTreeMap::new();
    for (name, value) in filed {
        let text = match value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(number) => number.to_string(),
            _ => {
                return Err(format!(
                    "settings file {}: limit `{name}` is neither text nor a whole number",
                    collector.file.display()
                ));
            }
        };
        limits.set(name, &text).map_err(|error| format!("settings file {}: {error}", collector.file.display()))?;
        origins.insert(name, Origin::File(collector.file.clone()));
    }
    let origin = match collector.matches.value_source("limits") {
        Some(ValueSource::EnvVariable) => Origin::Environment("GATEWRIGHT_LIMIT".to_owned()),
        _ => Origin::Option,
    };
    for text in typed {
        let (name, value) = text.split_once('=').ok_or_else(|| format!("limit: `{text}` is not NAME=VALUE"))?;
        limits.set(name, value)?;
        origins.insert(name, origin.clone());
    }
    for limit in TABLE {
        let origin = origins.remove(limit.name).unwrap_or(Origin::Default);
        collector.origins.push((format!("limit {}", limit.name), limit.get(&limits), origin));
    }
    Ok(limits)
}
