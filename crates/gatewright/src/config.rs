//! What was meant: complete, checked settings, each with its origin.
//!
//! An option of the command line wins over its environment variable, that over the settings file, that over the
//! default.

mod file;
mod variables;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use gateway::LinkSettings;
use serde::Deserialize;
use types::Dialect;
use types::arn::Place;
use types::limits::{Limits, TABLE};

use crate::access_logs::{Files, Rotation};
use crate::args::Options;
use crate::certificates::{Certificates, PemFiles};
use crate::choices::{Binary, Compat, LogFormat, LogLevel};
use crate::config::variables::variable;
use crate::origin::Origin;
use crate::strangers::AllowedHosts;
use crate::vpc_links;

/// Complete settings.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    /// Nobody said where to listen.
    pub(crate) listen_is_default: bool,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) allowed_hosts: AllowedHosts,
    /// `None`: nothing is kept.
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) backend: Option<String>,
    pub(crate) backend_paths: bool,
    /// Whether the ready-made API logs every step: a backend on this machine is being developed.
    pub(crate) backend_logs: bool,
    /// Scheme and authority under which clients come, without a slash at the end.
    pub(crate) public_url: Option<String>,
    pub(crate) place: Place,
    pub(crate) limits: Limits,
    pub(crate) dialect: Dialect,
    pub(crate) certificates: Certificates,
    pub(crate) vpc_links: BTreeMap<String, LinkSettings>,
    /// Where names of backends are looked up; empty: at the system's.
    pub(crate) name_servers: Vec<SocketAddr>,
    pub(crate) log_level: LogLevel,
    pub(crate) log_format: LogFormat,
    pub(crate) access_log: AccessLog,
    /// How many stages and routes have metrics of their own.
    pub(crate) metrics_series: usize,
    /// Name, value, origin; in the order of the documentation.
    pub(crate) origins: Vec<(String, String, Origin)>,
    /// What only a settings file can say, as it says it.
    tables: toml::Table,
}

/// Where access logs go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AccessLog {
    Off,
    Standard,
    Files(Files),
}

/// The settings file. Unknown names are refused, so that a typing mistake is not silent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    listen: Option<String>,
    admin: Option<String>,
    allow_host: Option<Vec<String>>,
    data_dir: Option<PathBuf>,
    ephemeral: Option<bool>,
    backend: Option<String>,
    backend_paths: Option<bool>,
    public_url: Option<String>,
    region: Option<String>,
    account_id: Option<String>,
    log_level: Option<String>,
    log_format: Option<String>,
    access_log: Option<String>,
    access_log_rotate: Option<String>,
    access_log_keep: Option<u32>,
    metrics_series: Option<u32>,
    name_server: Option<Vec<String>>,
    insecure: Option<bool>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    #[serde(default)]
    certificates: BTreeMap<String, PemFiles>,
    compat: Option<String>,
    binary: Option<String>,
    #[serde(default)]
    vpc_links: BTreeMap<String, vpc_links::Filed>,
    #[serde(default)]
    limits: BTreeMap<String, toml::Value>,
}

/// Collects the values one by one and notes each one's origin.
struct Collector {
    file: PathBuf,
    origins: Vec<(String, String, Origin)>,
}

impl Collector {
    /// A value as text, from wherever it was given first. An empty variable counts as none, as scripts expect.
    fn text(&mut self, name: &str, typed: Option<String>, filed: Option<String>, default: &str) -> (String, Origin) {
        let (value, origin) = match (typed, variable(name), filed) {
            (Some(value), _, _) => (value, Origin::Option),
            (None, Some((variable, value)), _) => (value, Origin::Environment(variable)),
            (None, None, Some(value)) => (value, Origin::File(self.file.clone())),
            (None, None, None) => (default.to_owned(), Origin::Default),
        };
        let printed = if value.is_empty() { "–" } else { &value };
        self.origins.push((name.to_owned(), printed.to_owned(), origin.clone()));
        (value, origin)
    }

    fn flag(&mut self, name: &str, typed: bool, filed: Option<bool>) -> Result<(bool, Origin), String> {
        let typed = typed.then(|| "true".to_owned());
        let (text, origin) = self.text(name, typed, filed.map(|on| on.to_string()), "false");
        let on = match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => true,
            "0" | "false" | "no" | "off" => false,
            _ => return Err(format!("{name} ({origin}): `{text}` is neither true nor false")),
        };
        if let Some((_, printed, _)) = self.origins.last_mut() {
            *printed = on.to_string();
        }
        Ok((on, origin))
    }
}

impl Config {
    /// Puts the settings together and checks them.
    ///
    /// # Errors
    /// One sentence that names the setting, its origin and value, and what would fit.
    pub(crate) fn new(options: Options) -> Result<Config, String> {
        if let Some(port) = &options.port {
            return Err(format!("there is no --port: say --listen {port}, or --listen 127.0.0.1:{port}"));
        }
        let given = options.config.or_else(|| variable("config").map(|(_, path)| PathBuf::from(path)));
        let (path, file, tables) = read_file(given.as_deref())?;
        let mut collector = Collector { file: path, origins: Vec::new() };
        let listen = collector.text("listen", options.listen, file.listen, "127.0.0.1:4510");
        let listen_is_default = listen.1 == Origin::Default;
        let listen = address("listen", listen)?;
        let admin = collector.text("admin", options.admin, file.admin, "");
        let admin = if admin.0.is_empty() { None } else { Some(address("admin", admin)?) };
        if admin == Some(listen) && listen.port() != 0 {
            return Err(format!("admin: {listen} is the address of --listen; leave --admin out, or give it another"));
        }
        let typed = (!options.allow_hosts.is_empty()).then(|| options.allow_hosts.join(","));
        let allowed = collector.text("allow-host", typed, file.allow_host.map(|names| names.join(",")), "").0;
        let allowed_hosts = AllowedHosts::new(allowed.split(',').map(|name| name.trim().to_owned()));
        let (ephemeral, from) = collector.flag("ephemeral", options.ephemeral, file.ephemeral)?;
        let (typed, filed) = (options.data_dir.map(path_text), file.data_dir.map(path_text));
        let (data_dir, origin) = collector.text("data-dir", typed, filed, "gatewright-data");
        if ephemeral && origin == Origin::Option {
            return Err(format!(
                "data-dir: nothing is kept (ephemeral, {from}), so --data-dir cannot be given with it"
            ));
        }
        let backend = with_scheme(collector.text("backend", options.backend, file.backend, "").0);
        check_url("backend", &backend)?;
        let (backend_paths, _) = collector.flag("backend-paths", options.backend_paths, file.backend_paths)?;
        let public_url = collector.text("public-url", options.public_url, file.public_url, "").0;
        check_url("public-url", &public_url)?;
        let public_url = public_url.trim_end_matches('/').to_owned();
        let (region, _) = collector.text("region", options.region, file.region, "us-east-1");
        if region.is_empty() || !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(format!(
                "region: `{region}` is no region name: letters, digits and hyphens, such as us-east-1"
            ));
        }
        let (account_id, _) = collector.text("account-id", options.account_id, file.account_id, "000000000000");
        if account_id.len() != 12 || !account_id.chars().all(|c| c.is_ascii_digit()) {
            return Err(format!("account-id: `{account_id}` is no account id: 12 digits"));
        }
        let (log_level, log_level_from) = collector.text("log-level", options.log_level, file.log_level, "info");
        let log_format = collector.text("log-format", options.log_format, file.log_format, "human").0;
        let access_log = collector.text("access-log", options.access_log, file.access_log, "-").0;
        let filed = file.access_log_rotate;
        let rotate = collector.text("access-log-rotate", options.access_log_rotate, filed, "100m").0;
        let filed = file.access_log_keep.map(|count| count.to_string());
        let keep = collector.text("access-log-keep", options.access_log_keep, filed, "10");
        let keep = count("access-log-keep", keep, ACCESS_LOG_KEEP_MAX)?;
        let filed = file.metrics_series.map(|count| count.to_string());
        let series = collector.text("metrics-series", options.metrics_series, filed, "1000");
        let metrics_series = count("metrics-series", series, METRICS_SERIES_MAX)?;
        let typed = (!options.name_servers.is_empty()).then(|| options.name_servers.join(","));
        let servers = collector.text("name-server", typed, file.name_server.map(|servers| servers.join(",")), "");
        let name_servers = name_servers(servers)?;
        let (insecure, _) = collector.flag("insecure", options.insecure, file.insecure)?;
        check_exposure(listen, admin, insecure)?;
        let (typed, filed) = (options.tls_cert.map(path_text), file.tls_cert.map(path_text));
        let (cert, _) = collector.text("tls-cert", typed, filed, "");
        let (typed, filed) = (options.tls_key.map(path_text), file.tls_key.map(path_text));
        let (key, _) = collector.text("tls-key", typed, filed, "");
        let certificates = certificates(cert, key, file.certificates)?;
        let compat: Compat = choice("compat", &collector.text("compat", options.compat, file.compat, "aws").0)?;
        let default = if compat == Compat::Extended { "accept" } else { "refuse" };
        let binary: Binary = choice("binary", &collector.text("binary", options.binary, file.binary, default).0)?;
        let vpc_links = vpc_links::read(&collector.file, file.vpc_links)?;
        collector.origins.extend(vpc_links::origins(&vpc_links, &collector.file));
        let mut defaults = Limits::default();
        if compat == Compat::Extended {
            // Browsers send a message as one frame and cannot split it.
            defaults.frame_bytes = 0;
        }
        let settings = collector.origins.iter().map(|(name, ..)| name.as_str());
        variables::check(settings.chain(["config", "limit"]))?;
        let limits = limits(defaults, &mut collector, &options.limits, &file.limits)?;
        Ok(Config {
            listen,
            listen_is_default,
            admin,
            allowed_hosts,
            data_dir: (!ephemeral).then(|| PathBuf::from(data_dir)),
            // Whoever asks for less of a log gets less.
            backend_logs: is_loopback(&backend) && (log_level_from == Origin::Default || log_level == "info"),
            backend: (!backend.is_empty()).then_some(backend),
            backend_paths,
            public_url: (!public_url.is_empty()).then_some(public_url),
            place: Place { region, account_id },
            limits,
            certificates,
            dialect: Dialect { extended: compat == Compat::Extended, binary: binary == Binary::Accept },
            vpc_links,
            name_servers,
            log_level: choice("log-level", &log_level)?,
            log_format: choice("log-format", &log_format)?,
            access_log: read_access_log(access_log, &rotate, keep)?,
            metrics_series,
            origins: collector.origins,
            tables,
        })
    }

    /// The settings as a file that can be used.
    pub(crate) fn toml(&self) -> String {
        file::text(&self.origins, &self.tables)
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

fn read_file(given: Option<&Path>) -> Result<(PathBuf, File, toml::Table), String> {
    let path = given.unwrap_or(Path::new("gatewright.toml")).to_owned();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if given.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok((path, File::default(), toml::Table::new()));
        }
        Err(error) => return Err(format!("settings file {}: {error}", path.display())),
    };
    let wrong = |error: toml::de::Error| format!("settings file {}: {error}", path.display());
    let file = toml::from_str(&text).map_err(wrong)?;
    let mut tables: toml::Table = toml::from_str(&text).map_err(wrong)?;
    tables.retain(|name, _| matches!(name, "certificates" | "vpc-links"));
    Ok((path, file, tables))
}

fn certificates(cert: String, key: String, by_name: BTreeMap<String, PemFiles>) -> Result<Certificates, String> {
    let default = match (cert.is_empty(), key.is_empty()) {
        (true, true) => None,
        (false, false) => Some(PemFiles { cert: cert.into(), key: key.into() }),
        (false, true) => return Err("tls-key is missing: the private key of tls-cert".to_owned()),
        (true, false) => return Err("tls-cert is missing: the certificate of tls-key".to_owned()),
    };
    Ok(Certificates { default, by_name })
}

fn path_text(path: PathBuf) -> String {
    path.to_string_lossy().into_owned()
}

fn address(name: &str, (text, origin): (String, Origin)) -> Result<SocketAddr, String> {
    let form = || format!("{name} ({origin}): `{text}` is no address and port, such as 127.0.0.1:4510");
    // A port alone is one of loopback.
    let text = match text.strip_prefix(':').unwrap_or(&text).parse::<u16>() {
        Ok(port) => format!("127.0.0.1:{port}"),
        Err(_) => text.clone(),
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(form)?;
    if host.is_empty() || port.parse::<u16>().is_err() {
        return Err(form());
    }
    let resolved = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    resolved.ok_or_else(|| format!("{name} ({origin}): `{host}` is the name of no address"))
}

/// Name servers that are asked one after the other; each that does not answer costs seconds.
const NAME_SERVERS_MAX: usize = 8;

fn name_servers((text, origin): (String, Origin)) -> Result<Vec<SocketAddr>, String> {
    let server = |text: &str| {
        let ip = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
        let server = text.parse().or(ip).ok().filter(|server| server.port() != 0);
        server.ok_or_else(|| {
            format!("name-server ({origin}): `{text}` is no IP address, such as 10.0.0.2 or 127.0.0.1:5353")
        })
    };
    let servers = text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(server);
    let servers: Vec<_> = servers.collect::<Result<_, _>>()?;
    if servers.len() > NAME_SERVERS_MAX {
        return Err(format!("name-server ({origin}): {} are more than {NAME_SERVERS_MAX}", servers.len()));
    }
    Ok(servers)
}

// `localhost:3000` is what people type.
fn with_scheme(url: String) -> String {
    if url.is_empty() || url.contains("://") { url } else { format!("http://{url}") }
}

fn is_loopback(url: &str) -> bool {
    let uri = url.parse::<http::Uri>().ok();
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn check_url(name: &str, url: &str) -> Result<(), String> {
    let parsed = url.parse::<http::Uri>().ok();
    let fits = parsed.as_ref().and_then(http::Uri::authority).is_some_and(|authority| {
        // The parser lets a port pass that is too large for one, and then has none.
        let names_port = authority.as_str().trim_end_matches(|c: char| c.is_ascii_digit()).ends_with(':');
        !authority.host().is_empty() && names_port == authority.port_u16().is_some()
    });
    let fits = fits && matches!(parsed.as_ref().and_then(http::Uri::scheme_str), Some("http" | "https"));
    if fits || url.is_empty() {
        return Ok(());
    }
    Err(format!("{name}: `{url}` is no http:// or https:// URL, such as http://127.0.0.1:3000"))
}

/// Old files are renamed one by one each time one is added.
const ACCESS_LOG_KEEP_MAX: usize = 1000;
/// A series costs some kilobytes, and each is in every answer.
const METRICS_SERIES_MAX: usize = 1_000_000;

fn count(name: &str, (text, origin): (String, Origin), most: usize) -> Result<usize, String> {
    let count = text.parse::<usize>().ok().filter(|count| *count <= most);
    count.ok_or_else(|| format!("{name} ({origin}): `{text}` is no whole number up to {most}"))
}

fn read_access_log(to: String, rotate: &str, keep: usize) -> Result<AccessLog, String> {
    let rotation = Rotation::parse(rotate, keep).map_err(|error| format!("access-log-rotate: {error}"))?;
    Ok(match to.as_str() {
        "off" => AccessLog::Off,
        "-" => AccessLog::Standard,
        _ => AccessLog::Files(Files { path: to, rotation }),
    })
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
    // All that is missing at once.
    let missing: Vec<_> = [
        (!insecure, "say --insecure if the network is yours, since calls are not authenticated"),
        (admin.is_none(), "give the control plane an address of its own with --admin 127.0.0.1:4511"),
    ]
    .into_iter()
    .filter_map(|(is_missing, what)| is_missing.then_some(what))
    .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{name}: {address} is reachable from other machines; listen on 127.0.0.1, or {}",
        missing.join(", and ")
    ))
}

fn limits(
    mut limits: Limits,
    collector: &mut Collector,
    typed: &[String],
    filed: &BTreeMap<String, toml::Value>,
) -> Result<Limits, String> {
    let mut origins: BTreeMap<String, Origin> = BTreeMap::new();
    let file = collector.file.display().to_string();
    for (name, value) in filed {
        let text = match value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(number) => number.to_string(),
            _ => return Err(format!("settings file {file}: limit `{name}` is neither text nor a whole number")),
        };
        limits.set(name, &text).map_err(|error| format!("settings file {file}: {error}"))?;
        origins.insert(name.clone(), Origin::File(collector.file.clone()));
    }
    let from_variable = variable("limit");
    let from_variable = from_variable.iter().flat_map(|(variable, value)| {
        value.split(',').map(|text| (text.to_owned(), Origin::Environment(variable.clone())))
    });
    let of_their_own =
        variables::limits().map(|(name, value, variable)| (format!("{name}={value}"), Origin::Environment(variable)));
    let typed = typed.iter().map(|text| (text.clone(), Origin::Option));
    // The command line comes last and wins; the more particular variable before that.
    for (text, origin) in from_variable.chain(of_their_own).chain(typed) {
        let (name, value) =
            text.split_once('=').ok_or_else(|| format!("limit ({origin}): `{text}` is not NAME=VALUE"))?;
        limits.set(name.trim(), value.trim()).map_err(|error| format!("{error} ({origin})"))?;
        origins.insert(name.trim().to_owned(), origin);
    }
    for limit in TABLE {
        let origin = origins.remove(limit.name).unwrap_or(Origin::Default);
        collector.origins.push((format!("limit {}", limit.name), limit.get(&limits), origin));
    }
    Ok(limits)
}
