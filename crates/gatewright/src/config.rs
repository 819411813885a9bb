//! What was meant: complete, checked settings, each with its origin. The settings themselves stand in `config/table.rs`.

mod example;
mod faults;
mod given;
mod print;
mod table;
mod values;
mod variables;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use gateway::{LinkSettings, StageOrigins};
use integration::ServicePlace;
use types::arn::Home;
use types::limits::Limits;
use types::{Dialect, Tracing};

use crate::access_logs::{Files, Rotation};
use crate::args::Options;
use crate::aws;
use crate::certificates::{Certificates, Clients, PemFiles};
use crate::choices::{Binary, ClientCertificates, Compat, LogLevel};
use crate::config::given::Given;
use crate::config::table::{File, Settings};
use crate::config::variables::variable;
use crate::origin::Origin;
use crate::placements::{self, Where};
use crate::{jwt, otlp, stage_settings, vpc_links};

pub(crate) use self::example::example;
pub(crate) use self::given::Said;
pub(crate) use self::print::reference;
pub(crate) use self::table::{Setting, SettingKind, TABLE};

/// The settings file where nothing names another.
pub(crate) const FILE: &str = "gatewright.toml";

/// Complete settings: those of the table, and what several of them, or the settings file alone, say.
#[derive(Debug)]
pub(crate) struct Config {
    /// Each as its row says; `data_dir` is none where nothing is kept.
    pub(crate) settings: Settings,
    pub(crate) limits: Limits,
    pub(crate) certificates: Certificates,
    pub(crate) vpc_links: BTreeMap<String, LinkSettings>,
    pub(crate) functions: BTreeMap<String, Where>,
    pub(crate) services: BTreeMap<String, ServicePlace>,
    /// By issuer.
    pub(crate) jwt: BTreeMap<String, jwt::Settings>,
    pub(crate) origins: Vec<StageOrigins>,
    /// Where spans go, as OpenTelemetry's variables say.
    pub(crate) spans: Option<otlp::Settings>,
    /// In the order of the documentation.
    said: Vec<Said>,
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

impl Config {
    /// Puts the settings together and checks them.
    ///
    /// # Errors
    /// One sentence that names the setting, its origin and value, and what would fit.
    pub(crate) fn new(options: Options) -> Result<Config, String> {
        if let Some(port) = options.port() {
            return Err(format!("there is no --port: say --listen {port}, or --listen 127.0.0.1:{port}"));
        }
        let path = options.text("config").or_else(|| variable("config").map(|(_, path)| path));
        let (path, text) = read_file(path.map(PathBuf::from))?;
        Config::of_text(options, path, &text)
    }

    /// The same with a settings file that may not be written yet.
    ///
    /// # Errors
    /// As [`Config::new`].
    pub(crate) fn of_text(options: Options, path: PathBuf, text: &str) -> Result<Config, String> {
        let put_together = Config::put_together(options, path.clone(), text);
        put_together.map_err(|wrong| faults::located(&path, text, wrong))
    }

    fn put_together(options: Options, path: PathBuf, text: &str) -> Result<Config, String> {
        let (mut file, tables) = parse_file(&path, text)?;
        let mut given = Given { options, file: path, said: Vec::new() };
        let mut settings = Settings::read(&mut given, &mut file)?;
        check_addresses(settings.listen, settings.admin, settings.insecure || settings.credentials.is_some())?;
        if settings.ephemeral {
            if given.origin("data-dir") == Some(&Origin::Option) {
                let from = given.origin("ephemeral").unwrap_or(&Origin::Default);
                return Err(format!(
                    "data-dir: nothing is kept (ephemeral, {from}), so --data-dir cannot be given with it"
                ));
            }
            settings.data_dir = None;
        }
        let certificates = certificates(&settings, file.certificates)?;
        let vpc_links = vpc_links::read(&given.file, file.vpc_links)?;
        given.said.extend(vpc_links::said(&vpc_links, &given.file));
        let place = Home { region: settings.region.clone(), account_id: settings.account_id.clone() };
        let functions = placements::read(&given.file, file.functions, &place)?;
        given.said.extend(placements::said(&functions, &given.file));
        let services = aws::read(&given.file, file.services)?;
        given.said.extend(aws::said(&services, &given.file));
        if settings.backend.is_some() && settings.function.is_some() {
            return Err("backend and function: one API is made ready, so only one of them can be given".to_owned());
        }
        let typed = given.options.all("parameter");
        if !typed.is_empty() {
            let read = typed.iter().map(|text| crate::stacks::command::parameter(text));
            settings.parameters = read.collect::<Result<_, _>>()?;
        }
        let of_template = [
            ("parameter", !settings.parameters.is_empty()),
            ("parameters-file", settings.parameters_file.is_some()),
            ("stack-name", settings.stack_name.is_some()),
            ("watch", settings.watch),
            ("strict", settings.strict),
        ];
        if let (None, Some((name, _))) = (&settings.template, of_template.iter().find(|(_, is_given)| *is_given)) {
            return Err(format!("{name}: of which template? Say --template FILE"));
        }
        let jwt = jwt::read(&given.file, file.jwt)?;
        given.said.extend(jwt::said(&jwt, &given.file));
        let origins = stage_settings::read(&given.file, file.stages)?;
        given.said.extend(stage_settings::said(&origins, &given.file));
        if settings.proxy_protocol && settings.trusted_proxies.is_empty() {
            return Err("proxy-protocol: say which proxies send it with --trusted-proxies CIDR".to_owned());
        }
        variables::check()?;
        let limits = given.limits(&file.limits, text)?;
        Ok(Config {
            settings,
            limits,
            certificates,
            vpc_links,
            functions,
            services,
            jwt,
            origins,
            spans: otlp::Settings::of(|name| std::env::var(name).ok())?,
            said: given.said,
            tables,
        })
    }

    /// The settings as a file that can be used.
    pub(crate) fn toml(&self) -> String {
        print::file(&self.said, &self.tables)
    }

    /// The settings as a table for people: name, value, origin.
    pub(crate) fn print(&self) -> String {
        print::table(&self.said)
    }

    /// Whether nobody said what a setting is to be.
    pub(crate) fn is_default(&self, name: &str) -> bool {
        self.said.iter().any(|said| said.name == name && said.origin == Origin::Default)
    }

    /// Whether the ready-made API logs every step: a backend on this machine is being developed, and nobody asked for less of
    /// a log.
    pub(crate) fn backend_logs(&self) -> bool {
        let is_here = self.settings.backend.as_deref().is_some_and(is_loopback) || self.settings.function.is_some();
        is_here && self.settings.log_level == LogLevel::Info
    }

    pub(crate) fn home(&self) -> Home {
        Home { region: self.settings.region.clone(), account_id: self.settings.account_id.clone() }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        let extended = self.settings.compat == Compat::Extended;
        let tracing = self.spans.as_ref().map(otlp::Settings::tracing);
        let tracing = tracing.unwrap_or(Tracing { is_told: extended, share: 0 });
        Dialect { extended, binary: self.settings.binary == Binary::Accept, tracing }
    }

    pub(crate) fn access_log(&self) -> AccessLog {
        match self.settings.access_log.as_str() {
            "off" => AccessLog::Off,
            "-" => AccessLog::Standard,
            path => {
                let rotation = Rotation { keep: self.settings.access_log_keep, ..self.settings.access_log_rotate };
                AccessLog::Files(Files { path: path.to_owned(), rotation })
            }
        }
    }
}

fn read_file(given: Option<PathBuf>) -> Result<(PathBuf, String), String> {
    let path = given.as_deref().unwrap_or(Path::new(FILE)).to_owned();
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok((path, text)),
        Err(error) if given.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok((path, String::new())),
        Err(error) => Err(format!("settings file {}: {error}", path.display())),
    }
}

fn parse_file(path: &Path, text: &str) -> Result<(File, toml::Table), String> {
    let wrong = |error: toml::de::Error| faults::told(path, text, &error);
    let file = toml::from_str(text).map_err(wrong)?;
    let mut tables: toml::Table = toml::from_str(text).map_err(wrong)?;
    tables.retain(|name, _| TABLE.iter().any(|row| row.kind == SettingKind::Tables && row.name == name));
    Ok((file, tables))
}

fn certificates(settings: &Settings, by_name: BTreeMap<String, PemFiles>) -> Result<Certificates, String> {
    let default = match (&settings.tls_cert, &settings.tls_key) {
        (None, None) => None,
        (Some(cert), Some(key)) => Some(PemFiles { cert: cert.clone(), key: key.clone() }),
        (Some(_), None) => return Err("tls-key is missing: the private key of tls-cert".to_owned()),
        (None, Some(_)) => return Err("tls-cert is missing: the certificate of tls-key".to_owned()),
    };
    let clients = match (&settings.tls_client_ca, settings.tls_client_cert) {
        (None, Some(_)) => {
            return Err("tls-client-cert: whom should certificates come from? Say --tls-client-ca FILE".to_owned());
        }
        (None, None) | (Some(_), Some(ClientCertificates::Off)) => None,
        (Some(ca), asked) => Some(Clients { ca: ca.clone(), must_show: asked != Some(ClientCertificates::Optional) }),
    };
    let certificates = Certificates { default, by_name, min: settings.tls_min, clients };
    if certificates.clients.is_some() && !certificates.any() {
        return Err(
            "tls-client-ca: clients show certificates under TLS only; give --tls-cert and --tls-key too".to_owned()
        );
    }
    Ok(certificates)
}

fn is_loopback(url: &str) -> bool {
    let uri = url.parse::<http::Uri>().ok();
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Without credentials whoever reaches the program may do everything.
///
/// # Errors
/// What is missing for these addresses.
pub(crate) fn check_addresses(
    listen: SocketAddr,
    admin: Option<SocketAddr>,
    may_be_reached: bool,
) -> Result<(), String> {
    if admin == Some(listen) && listen.port() != 0 {
        return Err(format!("admin: {listen} is the address of --listen; leave --admin out, or give it another"));
    }
    let exposed = [("listen", Some(listen)), ("admin", admin)];
    let exposed =
        exposed.iter().find_map(|(name, address)| address.filter(|a| !a.ip().is_loopback()).map(|a| (name, a)));
    let Some((name, address)) = exposed else { return Ok(()) };
    // All that is missing at once.
    let missing: Vec<_> = [
        (!may_be_reached, "have calls checked with --credentials FILE (or say --insecure if the network is yours)"),
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

#[cfg(test)]
mod tests {
    use super::check_addresses;

    #[test]
    fn what_others_can_reach_is_checked_or_said_to_be_theirs() {
        let address = |text: &str| text.parse().unwrap();
        for (listen, admin, may_be_reached, missing) in [
            ("127.0.0.1:1", None, false, &[][..]),
            ("127.0.0.1:1", Some("127.0.0.2:2"), false, &[]),
            ("0.0.0.0:1", None, false, &["--credentials FILE", "--insecure", "--admin"]),
            ("0.0.0.0:1", Some("127.0.0.1:2"), false, &["--credentials FILE"]),
            ("0.0.0.0:1", None, true, &["--admin"]),
            ("0.0.0.0:1", Some("127.0.0.1:2"), true, &[]),
            ("127.0.0.1:1", Some("10.0.0.1:2"), false, &["admin: 10.0.0.1:2", "--credentials FILE"]),
            ("127.0.0.1:1", Some("10.0.0.1:2"), true, &[]),
        ] {
            let checked = check_addresses(address(listen), admin.map(address), may_be_reached);
            assert_eq!(checked.is_ok(), missing.is_empty(), "{listen} {admin:?}: {checked:?}");
            let text = checked.err().unwrap_or_default();
            assert!(missing.iter().all(|part| text.contains(part)), "{text}");
        }
    }
}
